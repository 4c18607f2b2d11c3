//! Which elements of an array does a view show?
//!
//! Slices, steps, flips, transposes, new and repeated axes and picks of indices are all one thing: a
//! rule from the indices of the view to those of what it looks at. Views of views fold into one, so
//! none of these operations ever runs; they only change where a box is read. Knows shapes and indices,
//! no node and no source.

use std::sync::Arc;

use crate::grid::{Gather, Region, Stride};

/// What drives one axis of the array looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AxisView {
    /// Fixed at an index.
    At(u64),
    /// Index `i` of the view's `axis` shows `start + i * step`.
    Run { axis: usize, start: u64, step: i64 },
    /// Index `i` of the view's `axis` shows `indices[i]`.
    Pick { axis: usize, indices: Arc<[u64]> },
}

/// A rule from the indices of a view to those of the array it looks at. Axes of the view that drive
/// nothing repeat the same elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct View {
    shape: Vec<u64>,
    /// One for each axis of the array looked at.
    axes: Vec<AxisView>,
}

impl AxisView {
    /// The view's `axis` shows all of it as it is.
    pub(crate) fn whole(axis: usize) -> Self {
        Self::Run { axis, start: 0, step: 1 }
    }
}

impl View {
    /// All of an array of this shape.
    pub(crate) fn whole(shape: &[u64]) -> Self {
        Self::of_axes(shape.to_vec(), 0..shape.len())
    }

    /// A view of this shape: its `axes`, in this order, show the axes of the array looked at.
    pub(super) fn of_axes(shape: Vec<u64>, axes: impl IntoIterator<Item = usize>) -> Self {
        Self { shape, axes: axes.into_iter().map(AxisView::whole).collect() }
    }

    /// All of an array of this shape, without some of its axes of length 1.
    pub(super) fn without(shape: &[u64], is_dropped: impl Fn(usize) -> bool) -> Self {
        let (mut out, mut axes) = (Vec::new(), Vec::new());
        for (axis, &len) in shape.iter().enumerate() {
            if is_dropped(axis) {
                axes.push(AxisView::At(0));
            } else {
                axes.push(AxisView::whole(out.len()));
                out.push(len);
            }
        }
        Self { shape: out, axes }
    }

    /// A view of this shape; each axis of the array looked at is driven as said.
    pub(crate) fn new(shape: Vec<u64>, axes: Vec<AxisView>) -> Self {
        let axes = axes
            .into_iter()
            .map(|axis| match axis {
                // A step that is never taken is 1: no product of steps can overflow.
                AxisView::Run { axis, start, .. } if shape[axis] <= 1 => {
                    AxisView::Run { axis, start, step: 1 }
                }
                AxisView::Pick { axis, indices } => progression(axis, indices),
                other => other,
            })
            .collect();
        Self { shape, axes }
    }

    /// Lengths of the view's axes.
    pub(crate) fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// What drives each axis of the array looked at.
    pub(crate) fn axes(&self) -> &[AxisView] {
        &self.axes
    }

    /// True when it shows all of an array of this shape as it is.
    pub(crate) fn is_whole(&self, shape: &[u64]) -> bool {
        *self == Self::whole(shape)
    }

    /// The axis of the array looked at that the view's `axis` drives.
    pub(crate) fn driven_by(&self, axis: usize) -> Option<usize> {
        self.axes.iter().position(|driver| match driver {
            AxisView::At(_) => false,
            AxisView::Run { axis: a, .. } | AxisView::Pick { axis: a, .. } => *a == axis,
        })
    }

    /// First element and step along the view's `axis`, where it is driven evenly.
    pub(crate) fn run(&self, axis: usize) -> Option<(u64, i64)> {
        match self.axes[self.driven_by(axis)?] {
            AxisView::Run { start, step, .. } => Some((start, step)),
            _ => None,
        }
    }

    /// This view seen through another one.
    pub(crate) fn then(&self, outer: &Self) -> Self {
        let axes = self
            .axes
            .iter()
            .map(|inner| match inner {
                AxisView::At(i) => AxisView::At(*i),
                AxisView::Run { axis, start, step } => {
                    let at = |i: u64| start.wrapping_add_signed(step * i as i64);
                    match &outer.axes[*axis] {
                        AxisView::At(i) => AxisView::At(at(*i)),
                        AxisView::Run { axis, start, step: by } => AxisView::Run {
                            axis: *axis,
                            start: at(*start),
                            step: if outer.shape[*axis] > 1 { step * by } else { 1 },
                        },
                        AxisView::Pick { axis, indices } => AxisView::Pick {
                            axis: *axis,
                            indices: indices.iter().map(|&i| at(i)).collect(),
                        },
                    }
                }
                AxisView::Pick { axis, indices } => match &outer.axes[*axis] {
                    AxisView::At(i) => AxisView::At(indices[*i as usize]),
                    AxisView::Run { axis, start, step } => AxisView::Pick {
                        axis: *axis,
                        indices: (0..outer.shape[*axis] as i64)
                            .map(|i| indices[start.wrapping_add_signed(step * i) as usize])
                            .collect(),
                    },
                    AxisView::Pick { axis, indices: outer } => AxisView::Pick {
                        axis: *axis,
                        indices: outer.iter().map(|&i| indices[i as usize]).collect(),
                    },
                },
            })
            .collect();
        Self::new(outer.shape.clone(), axes)
    }

    /// The smallest range of the array's axis that `of` (start and length) of its driver touches.
    fn range(driver: &AxisView, of: impl Fn(usize) -> (u64, u64)) -> (u64, u64) {
        match driver {
            AxisView::At(i) => (*i, 1),
            AxisView::Run { axis, start, step } => {
                let (from, len) = of(*axis);
                if len == 0 {
                    return (*start, 0);
                }
                let first = start.wrapping_add_signed(step * from as i64);
                let reach = (len - 1) * step.unsigned_abs();
                (if *step < 0 { first - reach } else { first }, reach + 1)
            }
            AxisView::Pick { axis, indices } => {
                let (from, len) = of(*axis);
                let picked = &indices[from as usize..(from + len) as usize];
                match (picked.iter().min(), picked.iter().max()) {
                    (Some(low), Some(high)) => (*low, high - low + 1),
                    _ => (0, 0),
                }
            }
        }
    }

    /// The smallest box of the array looked at that holds a box of the view.
    pub(crate) fn region(&self, of_view: &Region) -> Region {
        let of = |axis: usize| (of_view.start()[axis], of_view.shape()[axis]);
        let (start, shape) = self.axes.iter().map(|driver| Self::range(driver, of)).unzip();
        Region::new(start, shape)
    }

    /// How a box of the view is taken out of `held`, a box of the array looked at that holds it.
    pub(crate) fn gather(&self, of_view: &Region, held: &Region) -> Gather {
        let mut strides = vec![Stride::Even(0); of_view.ndim()];
        let (mut first, mut stride) = (0_i64, 1_i64);
        for (at, driver) in self.axes.iter().enumerate() {
            let low = held.start()[at] as i64;
            first += stride
                * match driver {
                    AxisView::At(index) => *index as i64 - low,
                    AxisView::Run { axis, start, step } => {
                        strides[*axis] = Stride::Even(step * stride);
                        *start as i64 + step * of_view.start()[*axis] as i64 - low
                    }
                    AxisView::Pick { axis, indices } => {
                        let from = of_view.start()[*axis] as usize;
                        let picked = &indices[from..from + of_view.shape()[*axis] as usize];
                        let offsets = picked.iter().map(|&i| (i as i64 - low) * stride).collect();
                        strides[*axis] = Stride::Uneven(offsets);
                        0
                    }
                };
            stride *= held.shape()[at] as i64;
        }
        Gather { first, strides, shape: of_view.shape().to_vec() }
    }

    /// Lengths of the smallest box that holds any box of this shape, however it lies.
    pub(crate) fn reach(&self, shape: &[u64]) -> Vec<u64> {
        self.axes
            .iter()
            .map(|driver| match driver {
                AxisView::At(_) => 1,
                AxisView::Run { axis, step, .. } => {
                    let steps = shape[*axis].saturating_sub(1);
                    let reach = steps.saturating_mul(step.unsigned_abs()).saturating_add(1);
                    if shape[*axis] == 0 { 0 } else { reach }
                }
                AxisView::Pick { axis, indices } => {
                    let len = (shape[*axis] as usize).clamp(1, indices.len().max(1));
                    // The widest stretch that so many neighbours span.
                    indices
                        .windows(len)
                        .map(|w| {
                            let low = w.iter().min().copied().unwrap_or(0);
                            w.iter().max().copied().unwrap_or(0) - low + 1
                        })
                        .max()
                        .unwrap_or(0)
                }
            })
            .collect()
    }

    /// True where boxes one after the other would have to go back along the last axis, or stay on it,
    /// when that axis moves with the walk (`moving`).
    pub(crate) fn goes_back(&self, moving: Option<usize>) -> bool {
        let last = self.axes.len().saturating_sub(1);
        match self.axes.last() {
            Some(AxisView::Run { axis, step, .. }) => {
                moving == Some(last) && *step < 0 && self.shape[*axis] > 1
            }
            // Picks move with the walk where they are its axis.
            Some(AxisView::Pick { indices, axis }) => {
                *axis + 1 == self.shape.len() && !indices.is_sorted_by(|a, b| a < b)
            }
            _ => false,
        }
    }

    /// True when every box comes out of the array looked at as it lies there.
    pub(crate) fn is_in_order(&self) -> bool {
        let mut next = 0;
        for driver in &self.axes {
            match driver {
                AxisView::At(_) => {}
                AxisView::Run { axis, step: 1, .. } => {
                    // Axes of length 1 in between change no order.
                    if *axis < next || (next..*axis).any(|a| self.shape[a] > 1) {
                        return false;
                    }
                    next = axis + 1;
                }
                _ => return false,
            }
        }
        (next..self.shape.len()).all(|a| self.shape[a] <= 1)
    }
}

/// Indices in even steps are a run.
fn progression(axis: usize, indices: Arc<[u64]>) -> AxisView {
    let step = match *indices {
        [] => return AxisView::whole(axis),
        [start] => return AxisView::Run { axis, start, step: 1 },
        [a, b, ..] => b as i64 - a as i64,
    };
    let even = step != 0 && indices.windows(2).all(|w| w[1] as i64 - w[0] as i64 == step);
    if even {
        AxisView::Run { axis, start: indices[0], step }
    } else {
        AxisView::Pick { axis, indices }
    }
}
