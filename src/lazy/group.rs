//! How are the indices of an axis reduced group by group?
//!
//! Labels become numbers of groups, which the reduction's node carries. Sums are kept by `kernel`.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::axes::resolve_axis;
use super::node::Labels;
use super::reduce_node::reduce_node;
use crate::kernel::ReduceOp;

/// An axis split into groups; see [`LazyArray::group_by`].
#[derive(Clone, Debug)]
pub struct Grouped<L> {
    array: LazyArray,
    axis: usize,
    of_index: Labels,
    labels: Vec<L>,
}

impl LazyArray {
    /// Splits an axis by a label for each of its indices: volumes by condition, sessions by subject.
    /// Each reduction of the groups has them as the axis, in ascending order of their labels. One
    /// pass, whatever the order of the labels.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 4.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.labels(), ["rest", "task"]);
    /// assert_eq!(by.mean().compute::<f64>()?, array![[3.0, 3.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn group_by<L: Ord + Clone>(&self, axis: isize, labels: &[L]) -> Grouped<L> {
        let location = Location::caller();
        let mut sorted: Vec<L> = labels.to_vec();
        sorted.sort();
        sorted.dedup();
        let found = |label: &L| sorted.binary_search(label).unwrap_or(0) as u32;
        let of_index: Arc<[u32]> = labels.iter().map(found).collect();
        let of_index = Labels { of_index, count: sorted.len() as u32 };
        let mut grouped = Grouped { array: self.clone(), axis: 0, of_index, labels: sorted };
        if self.error().is_some() {
            return grouped;
        }
        let axis = resolve_axis("group_by", axis, self.ndim()).and_then(|axis| {
            if self.shape()[axis] == labels.len() as u64 && !labels.is_empty() {
                return Ok(axis);
            }
            Err(format!(
                "group_by: {} labels for axis {axis} of length {}; give one for each index",
                labels.len(),
                self.shape()[axis]
            ))
        });
        match axis {
            Ok(axis) => grouped.axis = axis,
            Err(problem) => {
                grouped.array = LazyArray::made(Err(problem), location);
            }
        }
        grouped
    }
}

macro_rules! of_groups {
    ($($(#[$doc:meta])* $name:ident $op:expr;)*) => {
        impl<L: Clone + fmt::Debug> Grouped<L> {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self) -> LazyArray {
                self.reduce(stringify!($name), $op)
            }
        )*}
    };
}

of_groups! {
    /// Sum of each group; see [`LazyArray::sum`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.sum().compute::<f64>()?, array![[6.0, 8.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    sum ReduceOp::Sum;
    /// Product of each group; see [`LazyArray::prod`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.prod().compute::<f64>()?, array![[5.0, 12.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    prod ReduceOp::Prod;
    /// Mean of each group; see [`LazyArray::mean`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.mean().compute::<f64>()?, array![[3.0, 4.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    mean ReduceOp::Mean;
    /// Smallest element of each group; see [`LazyArray::min`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.min().compute::<f64>()?, array![[1.0, 2.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    min ReduceOp::Min;
    /// Largest element of each group; see [`LazyArray::max`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.max().compute::<f64>()?, array![[5.0, 6.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    max ReduceOp::Max;
}

impl<L: Clone + fmt::Debug> Grouped<L> {
    /// The labels, one for each index of the grouped axis of a result.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["task", "rest", "task", "rest"]);
    /// assert_eq!(by.labels(), ["rest", "task"]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    pub fn labels(&self) -> &[L] {
        &self.labels
    }

    /// Variance of each group, which divides by `n - ddof`; see [`LazyArray::var`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.var(0).compute::<f64>()?, array![[4.0, 4.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn var(&self, ddof: u64) -> LazyArray {
        self.reduce("var", ReduceOp::Var { ddof })
    }

    /// Standard deviation of each group, which divides by `n - ddof`; see [`LazyArray::std`].
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 2.0, 5.0, 6.0]]);
    /// let by = x.group_by(-1, &["rest", "task", "rest", "task"]);
    /// assert_eq!(by.std(0).compute::<f64>()?, array![[2.0, 2.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn std(&self, ddof: u64) -> LazyArray {
        self.reduce("std", ReduceOp::Std { ddof })
    }

    #[track_caller]
    fn reduce(&self, name: &str, op: ReduceOp) -> LazyArray {
        let location = Location::caller();
        let (axes, groups) = (vec![self.axis], Some(self.of_index.clone()));
        self.array
            .derived(|node| reduce_node(name, op, axes, Arc::clone(node), None, groups), location)
    }
}
