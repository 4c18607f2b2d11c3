//! Which elements of a source does a leaf show?
//!
//! A view keeps the source's axis order; each axis is either fixed at one index (and not an axis of
//! the leaf) or runs from a start in steps. Views of views fold into one.

use super::slice::Cut;
use crate::grid::Region;

/// One axis of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AxisView {
    /// Fixed at an index; not an axis of the leaf.
    At(u64),
    /// `start`, `start + step`, ... `len` of them.
    Run { start: u64, step: i64, len: u64 },
}

/// The elements of a source that a leaf shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct View {
    axes: Vec<AxisView>,
}

/// Where a box of the leaf lies in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// The smallest box of the source that holds it.
    pub(crate) region: Region,
    /// Step along each axis of the source; 1 where fixed.
    pub(crate) steps: Vec<i64>,
    /// Elements along each axis of the source; 1 where fixed.
    pub(crate) shape: Vec<u64>,
}

impl Located {
    /// True when the box holds just the wanted elements in order.
    pub(crate) fn is_plain(&self) -> bool {
        self.steps.iter().zip(&self.shape).all(|(&step, &len)| step == 1 || len <= 1)
    }
}

impl View {
    /// All of a source of this shape.
    pub(crate) fn whole(shape: &[u64]) -> Self {
        Self { axes: shape.iter().map(|&len| AxisView::Run { start: 0, step: 1, len }).collect() }
    }

    /// Lengths of the leaf's axes.
    pub(crate) fn shape(&self) -> Vec<u64> {
        self.runs().map(|(_, _, len)| len).collect()
    }

    fn runs(&self) -> impl Iterator<Item = (u64, i64, u64)> + '_ {
        self.axes.iter().filter_map(|axis| match *axis {
            AxisView::At(_) => None,
            AxisView::Run { start, step, len } => Some((start, step, len)),
        })
    }

    /// This view cut further, one cut for each axis of the leaf.
    pub(crate) fn cut(&self, cuts: &[Cut]) -> Self {
        let mut cuts = cuts.iter();
        let axes = self
            .axes
            .iter()
            .map(|axis| match *axis {
                AxisView::At(_) => *axis,
                AxisView::Run { start, step, len } => match cuts.next() {
                    None => AxisView::Run { start, step, len },
                    Some(&Cut::At(i)) => AxisView::At(start.wrapping_add_signed(step * i as i64)),
                    Some(&Cut::Run { start: s, step: t, len }) => AxisView::Run {
                        start: start.wrapping_add_signed(step * s as i64),
                        step: step * t,
                        len,
                    },
                },
            })
            .collect();
        Self { axes }
    }

    /// Where a box of the leaf lies in the source.
    pub(crate) fn locate(&self, of_leaf: &Region) -> Located {
        let (mut start, mut extent) = (Vec::new(), Vec::new());
        let (mut steps, mut shape) = (Vec::new(), Vec::new());
        let mut leaf_axis = 0;
        for axis in &self.axes {
            match *axis {
                AxisView::At(index) => {
                    start.push(index);
                    extent.push(1);
                    steps.push(1);
                    shape.push(1);
                }
                AxisView::Run { start: origin, step, .. } => {
                    let (from, len) = (of_leaf.start()[leaf_axis], of_leaf.shape()[leaf_axis]);
                    leaf_axis += 1;
                    let first = origin.wrapping_add_signed(step * from as i64);
                    let reach = len.saturating_sub(1) * step.unsigned_abs();
                    start.push(if step < 0 { first - reach } else { first });
                    extent.push(if len == 0 { 0 } else { reach + 1 });
                    steps.push(step);
                    shape.push(len);
                }
            }
        }
        Located { region: Region::new(start, extent), steps, shape }
    }

    /// The source's axis behind each axis of the leaf.
    pub(crate) fn source_axes(&self) -> Vec<usize> {
        (0..self.axes.len()).filter(|&a| matches!(self.axes[a], AxisView::Run { .. })).collect()
    }

    /// Along axis `axis` of the leaf: the first element's index in the source, and the step.
    pub(crate) fn run(&self, axis: usize) -> (u64, i64) {
        self.runs().nth(axis).map_or((0, 1), |(start, step, _)| (start, step))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, View};
    use crate::grid::Region;

    #[test]
    fn views_of_views_fold_and_find_their_source_box() {
        let view = View::whole(&[10, 20, 5]).cut(&[
            Cut::Run { start: 9, step: -2, len: 5 },
            Cut::At(7),
            Cut::Run { start: 1, step: 1, len: 4 },
        ]);
        assert_eq!(view.shape(), [5, 4]);
        let again = view.cut(&[
            Cut::Run { start: 1, step: 1, len: 3 },
            Cut::Run { start: 3, step: -1, len: 2 },
        ]);
        // x: 9 7 5 3 1 -> 7 5 3; z: 1 2 3 4 -> 4 3
        let at = again.locate(&Region::whole(&again.shape()));
        assert_eq!(at.region, Region::new(vec![3, 7, 3], vec![5, 1, 2]));
        assert_eq!((at.steps.clone(), at.shape.clone()), (vec![-2, 1, -1], vec![3, 1, 2]));
        assert!(!at.is_plain());
        assert_eq!(again.source_axes(), [0, 2]);
    }
}
