//! How does an array come into memory?
//!
//! Into arrays that are part of the budget, or into memory that the caller has.

use bytemuck::allocation::try_zeroed_vec;
use ndarray::{ArrayD, ArrayViewMutD, IxDyn, ShapeBuilder};

use super::collect::{Collect, into_array};
use super::error::ExecError;
use super::run::{Report, run_plan};
use crate::dtype::Element;
use crate::lazy::LazyArray;
use crate::plan::{Delivery, Plan, ResultMemory};
use crate::runtime::{BudgetError, Session};

/// Arrays computed together, and how it went.
#[derive(Debug)]
pub struct Computed<T> {
    /// One array for each that was asked for, in their order; memory order is Fortran's.
    pub arrays: Vec<ArrayD<T>>,
    /// How it went.
    pub report: Report,
}

impl LazyArray {
    /// Computes the array under the default session. `T` is the array's own type, or one that holds
    /// all its values. Axes keep their order; the memory order is Fortran's, `x` fastest.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_i16, 3], [2, 6]]);
    /// assert_eq!((x + 1).compute::<i16>()?, array![[2, 4], [3, 7]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// An expression that means nothing, a result that does not fit the memory budget (nothing is
    /// read then), or a source that is damaged.
    pub fn compute<T: Element>(&self) -> Result<ArrayD<T>, ExecError> {
        Session::default().compute(self)
    }

    /// Computes the array into memory the caller has, of the same shape and any memory layout.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let mut mine = array![0.0, 0.0];
    /// x.mean(-1).compute_into(mine.view_mut().into_dyn())?;
    /// assert_eq!(mine, array![2.0, 4.0]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compute`](Self::compute), and when the shapes differ.
    pub fn compute_into<T: Element>(&self, view: ArrayViewMutD<'_, T>) -> Result<(), ExecError> {
        Session::default().compute_into(self, view).map(drop)
    }
}

impl Session {
    /// Computes one array; see [`LazyArray::compute`].
    ///
    /// ```
    /// # use voxstore::Session;
    /// let session = Session::builder().memory("64MiB").threads(1).build()?;
    /// let total = session.compute::<i64>(&voxstore::arange(0, 10, 1).sum(..))?;
    /// assert_eq!(total, ndarray::arr0(45).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`].
    pub fn compute<T: Element>(&self, array: &LazyArray) -> Result<ArrayD<T>, ExecError> {
        let mut computed = self.compute_all(&[array])?;
        Ok(computed.arrays.remove(0))
    }

    /// Computes several arrays together: what they share is read and summed once.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::{Session, from_ndarray};
    /// let x = from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let both = Session::default().compute_all::<f64>(&[&x.mean(-1), &x.std(-1)])?;
    /// assert_eq!(both.arrays[0], array![2.0, 4.0].into_dyn());
    /// assert_eq!(both.arrays[1], array![1.0, 2.0].into_dyn());
    /// assert_eq!(both.report.scans, 1);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute`].
    pub fn compute_all<T: Element>(&self, arrays: &[&LazyArray]) -> Result<Computed<T>, ExecError> {
        let wanted: Vec<_> = arrays.iter().map(|&a| (a, T::DTYPE)).collect();
        let plan = Plan::new(&wanted, &Delivery::of(ResultMemory::Counted), self)?;
        let mut results = arrays
            .iter()
            .map(|array| allocate::<T>(array.shape()))
            .collect::<Result<Vec<_>, _>>()?;
        let into: Vec<_> = results.iter_mut().map(|array| into_array(array.view_mut())).collect();
        let collects: Vec<&dyn Collect> = into.iter().map(|into| into as &dyn Collect).collect();
        let report = run_plan(&plan, &collects, self)?;
        drop(into);
        Ok(Computed { arrays: results, report })
    }

    /// Computes one array into memory the caller has; that memory is not part of the budget. Gives how it went.
    ///
    /// ```
    /// # use voxstore::Session;
    /// let mut mine = ndarray::array![0_i32, 0, 0];
    /// Session::default().compute_into(&voxstore::arange(0, 9, 3), mine.view_mut().into_dyn())?;
    /// assert_eq!(mine, ndarray::array![0, 3, 6]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`LazyArray::compute_into`].
    pub fn compute_into<T: Element>(
        &self,
        array: &LazyArray,
        view: ArrayViewMutD<'_, T>,
    ) -> Result<Report, ExecError> {
        let plan = Plan::new(&[(array, T::DTYPE)], &Delivery::of(ResultMemory::Callers), self)?;
        let shape: Vec<u64> = view.shape().iter().map(|&n| n as u64).collect();
        if shape != array.shape() {
            return Err(ExecError::Shape { array: array.shape().to_vec(), view: shape });
        }
        run_plan(&plan, &[&into_array(view)], self)
    }
}

pub(super) fn allocate<T: Element>(shape: &[u64]) -> Result<ArrayD<T>, BudgetError> {
    let refuse = |wanted_bytes| BudgetError::System { what: "a result", wanted_bytes };
    let dims: Option<Vec<usize>> = shape.iter().map(|&n| usize::try_from(n).ok()).collect();
    let elements = crate::grid::element_count(shape).and_then(|n| usize::try_from(n).ok());
    let (Some(dims), Some(elements)) = (dims, elements) else { return Err(refuse(u64::MAX)) };
    // Pages of zeros: each is had when a worker first writes to it, not all by this thread.
    let values =
        try_zeroed_vec(elements).map_err(|()| refuse(elements as u64 * size_of::<T>() as u64))?;
    ArrayD::from_shape_vec(IxDyn(&dims).f(), values).map_err(|_| refuse(elements as u64))
}
