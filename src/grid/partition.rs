//! Boxes made by cutting each axis at its own places, in memory that does not grow with their number.

use super::Region;

/// A wish for cuts along one axis: every `step` indices within `start..end`, from `start + first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) first: u64,
    pub(crate) step: u64,
    /// Length of the blocks that the cuts keep whole; where wishes overlap, the largest is heard.
    pub(crate) block: u64,
}

/// Boxes that cover an array; each lies wholly inside or outside of each wish's `start..end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    axes: Vec<Vec<Stretch>>,
}

/// Part of an axis that is cut evenly: a box of `first` (none if 0), then boxes of `step`, the last
/// one clipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    start: u64,
    end: u64,
    first: u64,
    step: u64,
    /// Boxes of the axis before this stretch.
    before: u64,
}

impl Stretch {
    fn count(&self) -> u64 {
        let len = self.end - self.start;
        let first = self.first.min(len);
        (u64::from(first > 0) + (len - first).div_ceil(self.step)).max(1)
    }

    /// Box `index` of this stretch as start and end.
    fn get(&self, index: u64) -> (u64, u64) {
        let edge = |k: u64| match (k, self.first) {
            (0, _) => self.start,
            (k, 0) => self.start + k * self.step,
            (k, first) => self.start + first + (k - 1) * self.step,
        };
        let end = if index + 1 == self.count() { self.end } else { edge(index + 1) };
        (edge(index), end)
    }

    fn longest(&self) -> u64 {
        let len = self.end - self.start;
        let first = self.first.min(len);
        first.max((len - first).min(self.step))
    }
}

impl Partition {
    /// The boxes that these wishes make, one list an axis; an axis without any is whole.
    pub(crate) fn new(shape: &[u64], wishes: &[Vec<Cuts>]) -> Self {
        let axes = shape.iter().zip(wishes).map(|(&len, list)| stretches(len, list)).collect();
        Self { axes }
    }

    /// Number of boxes.
    pub(crate) fn len(&self) -> u64 {
        self.axes.iter().map(|list| count(list)).product()
    }

    /// Box number `index`, axis 0 counted fastest.
    pub(crate) fn get(&self, mut index: u64) -> Region {
        let (mut start, mut shape) = (Vec::new(), Vec::new());
        for list in &self.axes {
            let count = count(list);
            let k = index % count;
            index /= count;
            let stretch = list[list.partition_point(|s| s.before <= k) - 1];
            let (from, to) = stretch.get(k - stretch.before);
            start.push(from);
            shape.push(to - from);
        }
        Region::new(start, shape)
    }

    /// The longest box along each axis.
    pub(crate) fn largest(&self) -> Vec<u64> {
        let longest = |list: &Vec<Stretch>| list.iter().map(Stretch::longest).max().unwrap_or(0);
        self.axes.iter().map(longest).collect()
    }
}

fn count(list: &[Stretch]) -> u64 {
    list.last().map_or(0, |last| last.before + last.count())
}

fn stretches(len: u64, wishes: &[Cuts]) -> Vec<Stretch> {
    let mut edges: Vec<u64> = wishes.iter().flat_map(|w| [w.start, w.end]).collect();
    edges.retain(|&edge| edge < len);
    edges.extend([0, len]);
    edges.sort_unstable();
    edges.dedup();
    if len == 0 {
        edges = vec![0, 0];
    }
    let mut before = 0;
    let mut list = Vec::with_capacity(edges.len() - 1);
    for pair in edges.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let covers = |w: &&Cuts| w.start <= start && end <= w.end;
        // The first of equals, so that the order of wishes decides.
        let heard = wishes.iter().filter(covers).rev().max_by_key(|w| w.block);
        let (first, step) = heard.map_or((0, len.max(1)), |w| {
            let (step, at) = (w.step.max(1), w.start + w.first);
            // The first cut at or after the start of this stretch.
            (if at >= start { at - start } else { (step - (start - at) % step) % step }, step)
        });
        let stretch = Stretch { start, end, first, step, before };
        before += stretch.count();
        list.push(stretch);
    }
    list
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cuts, Partition};
    use crate::grid::Region;

    #[test]
    fn boxes_between_cuts_cover_the_array_once() {
        let wish = Cuts { start: 2, end: 10, first: 1, step: 4, block: 2 };
        let parts = Partition::new(&[4, 10], &[vec![], vec![wish]]);
        let boxes: Vec<Region> = (0..parts.len()).map(|i| parts.get(i)).collect();
        let along: Vec<_> = boxes.iter().map(|b| (b.start()[1], b.end(1))).collect();
        assert_eq!(along, [(0, 2), (2, 3), (3, 7), (7, 10)]);
        assert_eq!(parts.largest(), [4, 4]);
    }

    #[test]
    fn an_empty_axis_is_one_empty_box() {
        let parts = Partition::new(&[0, 3], &[vec![], vec![]]);
        assert_eq!((parts.len(), parts.get(0)), (1, Region::whole(&[0, 3])));
    }

    fn wish() -> impl Strategy<Value = Cuts> {
        (0..30_u64, 0..30_u64, 0..9_u64, 1..9_u64, 1..5_u64).prop_map(
            |(a, b, first, step, block)| Cuts {
                start: a.min(b),
                end: a.max(b),
                first,
                step,
                block,
            },
        )
    }

    proptest! {
        #[test]
        fn boxes_join_without_gap_and_respect_every_wish_edge(
            len in 1..30_u64,
            wishes in prop::collection::vec(wish(), 0..4),
        ) {
            let parts = Partition::new(&[len], std::slice::from_ref(&wishes));
            let mut at = 0;
            let mut longest = 0;
            for index in 0..parts.len() {
                let part = parts.get(index);
                prop_assert_eq!(part.start()[0], at);
                prop_assert!(part.shape()[0] > 0);
                at = part.end(0);
                longest = longest.max(part.shape()[0]);
                for edge in wishes.iter().flat_map(|w| [w.start, w.end]) {
                    prop_assert!(edge <= part.start()[0] || edge >= part.end(0));
                }
            }
            prop_assert_eq!(at, len);
            prop_assert_eq!(parts.largest(), vec![longest]);
        }
    }
}
