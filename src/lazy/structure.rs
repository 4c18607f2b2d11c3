//! Which views give axes another order, length or number?
//!
//! Transposes, flips, repeats, ranges and picks; nothing is moved. `s![]` is in `slice`, what a view is in
//! `view`.

use std::ops::{Bound, RangeBounds};
use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::axes::{Axes, resolve_axis};
use super::error::check_size;
use super::node::{Node, Op};
use super::pushdown::see;
use super::view::{AxisView, View};
use crate::grid::shape_text;

impl LazyArray {
    /// The axes in another order: axis `k` of the result is axis `axes[k]`; `..` reverses them.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.transpose(..).compute::<i32>()?, array![[1, 4], [2, 5], [3, 6]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn transpose(&self, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.seen(
            |shape| {
                let mut order = axes.resolve("transpose", shape.len())?;
                if axes.is_all() {
                    order.reverse();
                } else if order.len() != shape.len() {
                    return Err(format!(
                        "transpose: {} axes are named, the array has {}: {}",
                        order.len(),
                        shape.len(),
                        shape_text(shape)
                    ));
                }
                Ok(ordered(&order, shape))
            },
            Location::caller(),
        )
    }

    /// Two axes exchanged.
    ///
    /// ```
    /// # use ndarray::Array3;
    /// let x = voxstore::from_ndarray(Array3::<u8>::zeros((2, 3, 4)));
    /// assert_eq!(x.swapaxes(0, -1).shape(), [4, 3, 2]);
    /// ```
    #[track_caller]
    pub fn swapaxes(&self, first: isize, second: isize) -> Self {
        self.seen(
            |shape| {
                let first = resolve_axis("swapaxes", first, shape.len())?;
                let second = resolve_axis("swapaxes", second, shape.len())?;
                let mut order: Vec<usize> = (0..shape.len()).collect();
                order.swap(first, second);
                Ok(ordered(&order, shape))
            },
            Location::caller(),
        )
    }

    /// One axis moved to another place; the others keep their order.
    ///
    /// ```
    /// # use ndarray::Array3;
    /// let x = voxstore::from_ndarray(Array3::<u8>::zeros((2, 3, 4)));
    /// assert_eq!(x.moveaxis(-1, 0).shape(), [4, 2, 3]);
    /// ```
    #[track_caller]
    pub fn moveaxis(&self, from: isize, to: isize) -> Self {
        self.seen(
            |shape| {
                let from = resolve_axis("moveaxis", from, shape.len())?;
                let to = resolve_axis("moveaxis", to, shape.len())?;
                let mut order: Vec<usize> = (0..shape.len()).collect();
                let moved = order.remove(from);
                order.insert(to, moved);
                Ok(ordered(&order, shape))
            },
            Location::caller(),
        )
    }

    /// Without these axes, which must have length 1; `..` drops all axes of length 1.
    ///
    /// ```
    /// # use ndarray::Array3;
    /// let x = voxstore::from_ndarray(Array3::<u8>::zeros((2, 1, 1)));
    /// assert_eq!(x.squeeze(..).shape(), [2]);
    /// assert_eq!(x.squeeze(-1).shape(), [2, 1]);
    /// ```
    #[track_caller]
    pub fn squeeze(&self, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.seen(
            |shape| {
                let mut dropped = axes.resolve("squeeze", shape.len())?;
                if axes.is_all() {
                    dropped.retain(|&axis| shape[axis] == 1);
                }
                if let Some(&axis) = dropped.iter().find(|&&axis| shape[axis] != 1) {
                    return Err(format!(
                        "squeeze: axis {axis} of {} has length {}, not 1",
                        shape_text(shape),
                        shape[axis]
                    ));
                }
                Ok(View::without(shape, |axis| dropped.contains(&axis)))
            },
            Location::caller(),
        )
    }

    /// With a new axis of length 1 at this place of the result.
    ///
    /// ```
    /// # use ndarray::Array2;
    /// let x = voxstore::from_ndarray(Array2::<u8>::zeros((2, 3)));
    /// assert_eq!(x.expand_dims(-1).shape(), [2, 3, 1]);
    /// ```
    #[track_caller]
    pub fn expand_dims(&self, axis: isize) -> Self {
        self.seen(
            |shape| {
                let axis = resolve_axis("expand_dims", axis, shape.len() + 1)?;
                Ok(with_new_axis(shape, axis, 1))
            },
            Location::caller(),
        )
    }

    /// Repeated along axes of length 1 (and new axes in front) up to this shape, as numpy does.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1], [2]]).broadcast_to(&[2, 3]);
    /// assert_eq!(x.compute::<i32>()?, array![[1, 1, 1], [2, 2, 2]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn broadcast_to(&self, shape: &[u64]) -> Self {
        self.derived(
            |node| {
                check_size("broadcast_to", shape)?;
                broadcast(node, shape).ok_or_else(|| {
                    format!(
                        "broadcast_to: shape {} cannot be repeated to {}",
                        shape_text(&node.shape),
                        shape_text(shape)
                    )
                })
            },
            Location::caller(),
        )
    }

    /// Backwards along these axes. A gzip stream cannot be read backwards along time; ingest it
    /// first.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2], [3, 4]]);
    /// assert_eq!(x.flip(0).compute::<i32>()?, array![[3, 4], [1, 2]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn flip(&self, axes: impl Into<Axes>) -> Self {
        let axes = axes.into();
        self.seen(
            |shape| {
                let flipped = axes.resolve("flip", shape.len())?;
                let driver = |axis: usize| {
                    let backwards = flipped.contains(&axis) && shape[axis] > 0;
                    let (start, step) = if backwards { (shape[axis] - 1, -1) } else { (0, 1) };
                    AxisView::Run { axis, start, step }
                };
                Ok(View::new(shape.to_vec(), (0..shape.len()).map(driver).collect()))
            },
            Location::caller(),
        )
    }

    /// A range of one axis, the others whole; negative ends count from the end and ends beyond it
    /// are clipped, as numpy does.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2, 3, 4]]);
    /// assert_eq!(x.slice_axis(-1, 2..).compute::<i32>()?, array![[3, 4]].into_dyn());
    /// assert_eq!(x.slice_axis(-1, ..-1).shape(), [1, 3]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn slice_axis(&self, axis: isize, range: impl RangeBounds<isize>) -> Self {
        self.seen(
            |shape| {
                let axis = resolve_axis("slice_axis", axis, shape.len())?;
                let len = shape[axis] as i64;
                let place = |i: i64| (if i < 0 { i.saturating_add(len) } else { i }).clamp(0, len);
                let low = match range.start_bound() {
                    Bound::Unbounded => 0,
                    Bound::Included(&i) => place(i as i64),
                    Bound::Excluded(&i) => place(i as i64) + 1,
                };
                let high = match range.end_bound() {
                    Bound::Unbounded | Bound::Included(&-1) => len,
                    Bound::Included(&i) => place((i as i64).saturating_add(1)),
                    Bound::Excluded(&i) => place(i as i64),
                };
                let low = low.min(len);
                let mut out = shape.to_vec();
                out[axis] = (high - low).max(0) as u64;
                let start = |a: usize| if a == axis { low as u64 } else { 0 };
                let drivers = (0..shape.len())
                    .map(|a| AxisView::Run { axis: a, start: start(a), step: 1 })
                    .collect();
                Ok(View::new(out, drivers))
            },
            Location::caller(),
        )
    }

    /// These indices of one axis, in this order, as often as they are named; negative ones count
    /// from the end. A gzip stream can only be read forwards: for it, indices of time must ascend.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.take(&[2, 0], -1).compute::<i32>()?, array![[3, 1], [6, 4]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn take(&self, indices: &[isize], axis: isize) -> Self {
        self.seen(
            |shape| {
                let axis = resolve_axis("take", axis, shape.len())?;
                let len = shape[axis];
                let place = |&index: &isize| {
                    let at = if index < 0 { index as i64 + len as i64 } else { index as i64 };
                    u64::try_from(at).ok().filter(|&at| at < len).ok_or_else(|| {
                        format!(
                            "take: index {index} is out of range for axis {axis} of length {len}"
                        )
                    })
                };
                let indices = indices.iter().map(place).collect::<Result<Arc<[u64]>, _>>()?;
                let mut out = shape.to_vec();
                out[axis] = indices.len() as u64;
                let driver = |a: usize| {
                    if a == axis {
                        AxisView::Pick { axis: a, indices: Arc::clone(&indices) }
                    } else {
                        AxisView::whole(a)
                    }
                };
                Ok(View::new(out, (0..shape.len()).map(driver).collect()))
            },
            Location::caller(),
        )
    }
}

/// Axis `k` of the view is axis `order[k]` of the array.
fn ordered(order: &[usize], shape: &[u64]) -> View {
    let out = order.iter().map(|&axis| shape[axis]).collect();
    let place = |axis: usize| order.iter().position(|&a| a == axis).unwrap_or(axis);
    View::of_axes(out, (0..shape.len()).map(place))
}

/// The view of an array with one axis more, which repeats it `len` times.
pub(super) fn with_new_axis(shape: &[u64], axis: usize, len: u64) -> View {
    let mut out = shape.to_vec();
    out.insert(axis, len);
    View::of_axes(out, (0..=shape.len()).filter(|&a| a != axis))
}

/// The node repeated to this shape by numpy's rule, or `None` where that cannot be.
pub(super) fn broadcast(node: &Arc<Node>, shape: &[u64]) -> Option<Arc<Node>> {
    if matches!(node.op, Op::Scalar(_)) || node.shape == shape {
        return Some(Arc::clone(node));
    }
    let new = shape.len().checked_sub(node.shape.len())?;
    let mut drivers = Vec::with_capacity(node.shape.len());
    for (axis, &len) in node.shape.iter().enumerate() {
        drivers.push(match (len, shape[new + axis]) {
            (a, b) if a == b => AxisView::whole(new + axis),
            (1, _) => AxisView::At(0),
            _ => return None,
        });
    }
    Some(see(node, &View::new(shape.to_vec(), drivers)))
}

/// The shape that arrays of these shapes have together, or `None` where they do not fit.
pub(super) fn common_shape<'a>(shapes: impl IntoIterator<Item = &'a [u64]>) -> Option<Vec<u64>> {
    let mut common: Vec<u64> = Vec::new();
    for shape in shapes {
        let longer = shape.len().max(common.len());
        let padded = |list: &[u64]| -> Vec<u64> {
            std::iter::repeat_n(1, longer - list.len()).chain(list.iter().copied()).collect()
        };
        common = padded(&common)
            .into_iter()
            .zip(padded(shape))
            .map(|(a, b)| match (a, b) {
                (a, b) if a == b || b == 1 => Some(a),
                (1, b) => Some(b),
                _ => None,
            })
            .collect::<Option<_>>()?;
    }
    Some(common)
}
