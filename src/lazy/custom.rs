//! Functions that a user brings, and the reshape that matters: computed block by block.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use ndarray::{
    ArrayView, ArrayView1, ArrayViewD, ArrayViewMut, ArrayViewMut1, ArrayViewMutD, Axis,
};
use ndarray::{IxDyn, ShapeBuilder};

use super::array::LazyArray;
use super::axes::resolve_axis;
use super::by_node::ByNode;
use super::error::check_size;
use super::node::{Node, Op};
use super::pushdown::see;
use super::view::{AxisView, View};
use crate::dtype::Element;
use crate::grid::shape_text;

/// What a custom function does to a box: shape and bytes of the input, shape and bytes of the output,
/// both in memory order.
type Call = dyn Fn(&[u64], &[u8], &[u64], &mut [u8]) + Send + Sync;

/// A function of whole boxes.
#[derive(Clone)]
pub(crate) struct Custom {
    /// What plans call it.
    pub(crate) name: Arc<str>,
    pub(crate) footprint: Footprint,
    /// Memory it uses beyond its two boxes, for each element of its input.
    pub(crate) scratch_per_element: u64,
    /// `None` for a reshape.
    pub(crate) call: Option<Arc<Call>>,
}

/// What of the input a box of the output needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Footprint {
    /// The same box.
    Same,
    /// The same box with this axis whole.
    Along(usize),
    /// The first so many axes of the input as one, in C order.
    Flatten(usize),
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?})", self.name, self.footprint)
    }
}

impl LazyArray {
    /// A function applied block by block: it gets a block of the array as `T` and fills one of the
    /// same shape with `U`. How the array is cut into blocks is the plan's choice, so the function must
    /// give the same for each element however its neighbours are cut. `name` is what plans show;
    /// `scratch_bytes` the memory the function allocates for each element of a block, which is part of
    /// the plan.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0_f32, 4.0]);
    /// let half = x.map_blocks::<f32, f32>("half", 0, |block, mut out| {
    ///     out.zip_mut_with(&block, |o, v| *o = v / 2.0);
    /// });
    /// assert_eq!(half.compute::<f32>()?, array![0.5, 2.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn map_blocks<T: Element, U: Element>(
        &self,
        name: &str,
        scratch_bytes: u64,
        function: impl Fn(ArrayViewD<'_, T>, ArrayViewMutD<'_, U>) + Send + Sync + 'static,
    ) -> Self {
        let call = move |from: &[u64], input: &[u8], to: &[u64], output: &mut [u8]| {
            if let Some((input, output)) = views(from, input, to, output) {
                function(input, output);
            }
        };
        let custom = Custom {
            name: name.into(),
            footprint: Footprint::Same,
            scratch_per_element: scratch_bytes,
            call: Some(Arc::new(call)),
        };
        self.custom::<T, U>(custom, |shape| Ok(shape.to_vec()), Location::caller())
    }

    /// A function applied to every series along an axis: it gets the series as `T` and fills one of
    /// `len` elements with `U`, which takes the axis's place in the result. The series must fit in
    /// memory, the array need not: where time lies across blocks, each block is read once for every
    /// tile that the plan prints. `scratch_bytes` is the memory the function allocates for each element
    /// of a series.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]]);
    /// let running = x.map_axis::<f64, f64>("cumsum", -1, 3, 0, |series, mut out| {
    ///     let mut sum = 0.0;
    ///     for (o, v) in out.iter_mut().zip(series) {
    ///         sum += v;
    ///         *o = sum;
    ///     }
    /// });
    /// assert_eq!(running.compute::<f64>()?, array![[1.0, 6.0, 8.0], [4.0, 4.0, 7.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn map_axis<T: Element, U: Element>(
        &self,
        name: &str,
        axis: isize,
        len: u64,
        scratch_bytes: u64,
        function: impl Fn(ArrayView1<'_, T>, ArrayViewMut1<'_, U>) + Send + Sync + 'static,
    ) -> Self {
        let location = Location::caller();
        if self.error().is_some() {
            return self.clone();
        }
        let axis = match resolve_axis("map_axis", axis, self.ndim()) {
            Ok(axis) => axis,
            Err(problem) => return Self::made(Err(problem), location),
        };
        let call = move |from: &[u64], input: &[u8], to: &[u64], output: &mut [u8]| {
            let Some((input, mut output)) = views::<T, U>(from, input, to, output) else { return };
            let series = input.lanes(Axis(axis)).into_iter();
            for (series, out) in series.zip(output.lanes_mut(Axis(axis))) {
                function(series, out);
            }
        };
        let custom = Custom {
            name: name.into(),
            footprint: Footprint::Along(axis),
            scratch_per_element: scratch_bytes,
            call: Some(Arc::new(call)),
        };
        let shape_of = |shape: &[u64]| {
            let mut shape = shape.to_vec();
            shape[axis] = len;
            check_size("map_axis", &shape).map(|()| shape)
        };
        self.custom::<T, U>(custom, shape_of, location)
    }

    fn custom<T: Element, U: Element>(
        &self,
        function: Custom,
        shape_of: impl FnOnce(&[u64]) -> Result<Vec<u64>, String>,
        location: &'static Location<'static>,
    ) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        let node = if self.dtype().promote(T::DTYPE) == T::DTYPE {
            shape_of(self.shape()).map(|shape| {
                let input = self.node().cast(T::DTYPE);
                Node::new(Op::Custom { function, input }, shape, U::DTYPE)
            })
        } else {
            Err(format!(
                "{}: the array is {} and the function takes {}, which does not hold all of it; use \
                 astype first",
                function.name,
                self.dtype(),
                T::DTYPE
            ))
        };
        Self::made(node, location)
    }

    /// The leading axes flattened into one in C order, as `numpy.reshape` does it; axes of length 1
    /// may come and go. One length may be -1. Voxels by time is `x.reshape(&[-1, t])`. Other reshapes
    /// mix elements from all over the array and are refused.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
    /// let flat = x.reshape(&[-1, 2]);
    /// assert_eq!(flat.compute::<i32>()?, array![[1, 2], [3, 4], [5, 6], [7, 8]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn reshape(&self, shape: &[i64]) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        Self::made(try_reshape(self.node(), shape), Location::caller())
    }
}

/// The boxes as arrays; `None` never happens, since boxes are as long as their shapes say.
fn views<'a, T: Element, U: Element>(
    from: &[u64],
    input: &'a [u8],
    to: &[u64],
    output: &'a mut [u8],
) -> Option<(ArrayViewD<'a, T>, ArrayViewMutD<'a, U>)> {
    let dims = |shape: &[u64]| IxDyn(&shape.iter().map(|&n| n as usize).collect::<Vec<_>>()).f();
    // What is left of another box need not be bytes of a bool.
    output.fill(0);
    let input = bytemuck::checked::try_cast_slice(input).ok()?;
    let output = bytemuck::checked::try_cast_slice_mut(output).ok()?;
    let input = ArrayView::from_shape(dims(from), input).ok()?;
    let output = ArrayViewMut::from_shape(dims(to), output).ok()?;
    Some((input, output))
}

fn try_reshape(node: &Arc<Node>, wanted: &[i64]) -> Result<Arc<Node>, String> {
    let shape = &node.shape;
    let refuse = |why: &str| {
        let wanted: Vec<String> = wanted.iter().map(i64::to_string).collect();
        format!("reshape: from {} to ({}): {why}", shape_text(shape), wanted.join(", "))
    };
    let known = wanted
        .iter()
        .filter(|&&n| n != -1)
        .try_fold(1_u64, |product, &n| product.checked_mul(u64::try_from(n).ok()?))
        .ok_or_else(|| refuse("lengths are at least 0, and one may be -1"))?;
    let total: u64 = shape.iter().product();
    let unknown = wanted.iter().filter(|&&n| n == -1).count();
    let rest = total.checked_div(known).unwrap_or(0);
    let given = if unknown == 1 { known * rest } else { known };
    if unknown > 1 || (unknown == 1 && known == 0) || given != total {
        return Err(refuse("the number of elements differs, or more than one length is -1"));
    }
    let to: Vec<u64> = wanted.iter().map(|&n| if n == -1 { rest } else { n as u64 }).collect();
    check_size("reshape", &to)?;
    let longer = |list: &[u64]| -> Vec<u64> { list.iter().copied().filter(|&n| n != 1).collect() };
    let (from_long, to_long) = (longer(shape), longer(&to));
    let merged = (1..=from_long.len()).rev().find(|&k| {
        to_long.first() == Some(&from_long[..k].iter().product()) && to_long[1..] == from_long[k..]
    });
    let squeezed = see(node, &squeeze_view(shape));
    let flat = match merged {
        _ if from_long == to_long => squeezed,
        Some(merged) if total > 0 => flatten(&squeezed, merged, &mut ByNode::default()),
        _ => {
            return Err(refuse(
                "only the leading axes can be flattened into one; use transpose, or compute it and \
                 reshape the result",
            ));
        }
    };
    Ok(see(&flat, &unsqueeze_view(&to)))
}

/// Drops all axes of length 1.
fn squeeze_view(shape: &[u64]) -> View {
    let mut out = Vec::new();
    let drivers = shape.iter().map(|&len| {
        if len == 1 {
            return AxisView::At(0);
        }
        out.push(len);
        AxisView::Run { axis: out.len() - 1, start: 0, step: 1 }
    });
    let drivers = drivers.collect();
    View::new(out, drivers)
}

/// Puts axes of length 1 where `shape` has them.
fn unsqueeze_view(shape: &[u64]) -> View {
    let drivers = (0..shape.len())
        .filter(|&axis| shape[axis] != 1)
        .map(|axis| AxisView::Run { axis, start: 0, step: 1 })
        .collect();
    View::new(shape.to_vec(), drivers)
}

/// Flattens the first `merged` axes, as close to the sources as can be: reductions and scaling above
/// it then still see what they know.
fn flatten(node: &Arc<Node>, merged: usize, done: &mut ByNode<Arc<Node>>) -> Arc<Node> {
    if let Some(known) = done.get(node) {
        return known;
    }
    let op = match &node.op {
        Op::Scalar(_) | Op::Invalid(_) => return Arc::clone(node),
        Op::Map { op, inputs } => {
            let inputs = inputs.iter().map(|input| flatten(input, merged, done)).collect();
            Op::Map { op: *op, inputs }
        }
        Op::Concat { inputs, axis } if *axis >= merged => {
            let inputs = inputs.iter().map(|input| flatten(input, merged, done)).collect();
            Op::Concat { inputs, axis: axis - merged + 1 }
        }
        _ => {
            let function = Custom {
                name: "reshape".into(),
                footprint: Footprint::Flatten(merged),
                scratch_per_element: 0,
                call: None,
            };
            Op::Custom { function, input: Arc::clone(node) }
        }
    };
    let mut shape = node.shape.clone();
    let flat: u64 = shape.drain(..merged).product();
    shape.insert(0, flat);
    let flat = Node::new(op, shape, node.dtype);
    done.insert(node, Arc::clone(&flat));
    flat
}
