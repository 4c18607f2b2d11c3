//! Whatever flows together arrives, in buffers of just the size that was said.

use std::sync::Arc;

use super::want;
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::feed::{Feed, FeedBuffers, FeedBuilder, FeedSizes, Placed, Reader, evaluate};
use crate::grid::Region;
use crate::lazy::testing::{Numbered, element, text};
use crate::lazy::tests::Dice;
use crate::lazy::{AxisView, LazyArray, Node, View, see};

/// Length of every axis of every source: all orders of axes are views of one shape.
const LEN: u64 = 6;
const NDIM: usize = 3;

struct Case {
    walk: usize,
    /// Lengths of the axes that are not walked.
    shape: Vec<u64>,
    sources: Vec<Arc<Numbered>>,
    streams: bool,
}

impl Case {
    fn new(dice: &mut Dice) -> Self {
        let streams = dice.once_in(3);
        let whole = [LEN; NDIM];
        let source = |name, dice: &mut Dice| {
            let block = dice.shape(NDIM, 1, LEN);
            if streams && !dice.once_in(3) {
                Numbered::stream(name, &whole)
            } else {
                Numbered::file(name, &whole, &block)
            }
        };
        let sources = ["a", "b"].map(|name| source(name, dice)).to_vec();
        let walk = if streams { NDIM - 1 } else { dice.between(0, NDIM as u64 - 1) as usize };
        Self { walk, shape: dice.shape(NDIM, 1, LEN), sources, streams }
    }

    /// A source, seen as an array of the case's shape with `rows` along the walk.
    fn leaf(&self, dice: &mut Dice, rows: u64) -> Arc<Node> {
        let source = &self.sources[dice.between(0, 1) as usize];
        let mut order: Vec<usize> = (0..NDIM).collect();
        if !self.streams && dice.once_in(4) {
            order = dice.shuffled(NDIM);
        }
        let mut shape = self.shape.clone();
        shape[self.walk] = rows;
        let driver = |&axis: &usize| {
            let count = shape[axis];
            match dice.between(1, 8) {
                1 => AxisView::At(dice.between(0, LEN - 1)),
                2 => {
                    let mut picks: Vec<u64> =
                        (0..count).map(|_| dice.between(0, LEN - 1)).collect();
                    if self.streams {
                        picks =
                            (0..count).map(|i| i + dice.between(0, 1) * (LEN - count)).collect();
                        picks.sort_unstable();
                    }
                    AxisView::Pick { axis, indices: picks.into() }
                }
                3 => AxisView::Run { axis, start: dice.between(count - 1, LEN - 1), step: -1 },
                4 if count * 2 <= LEN => AxisView::Run { axis, start: 0, step: 2 },
                _ => AxisView::Run { axis, start: dice.between(0, LEN - count), step: 1 },
            }
        };
        let axes = order.iter().map(driver).collect();
        see(source.lazy().node(), &View::new(shape, axes))
    }

    /// One leaf, or a sum of two.
    fn array(&self, dice: &mut Dice) -> LazyArray {
        let rows = dice.between(1, LEN);
        let one = LazyArray::from_node(self.leaf(dice, rows));
        if dice.once_in(2) { one } else { one + LazyArray::from_node(self.leaf(dice, rows)) }
    }
}

/// True where a stream would have to go back; plans refuse that.
fn goes_back(feed: &Feed) -> bool {
    let loads = feed.branches.iter().flat_map(|branch| &branch.loads);
    loads.into_iter().any(|load| {
        let window = &feed.windows[load.window];
        window.is_sequential() && load.view.goes_back(window.walk)
    })
}

/// What the walk over a box must bring: every element of every branch within it, once.
fn walk(
    case: &str,
    feed: &Feed,
    wants: &[(LazyArray, Placed)],
    cross: &Region,
    rows: u64,
    keep: bool,
) {
    let mut step = cross.shape().to_vec();
    step[feed.walk] = step[feed.walk].min(rows);
    let mut sizes = FeedSizes::default();
    sizes.cover(feed, &step, keep);
    let take = |bytes| Buffer::zeroed(bytes).ok_or(());
    let mut buffers = FeedBuffers::new(&sizes, take).unwrap();
    let mut reader = Reader::open(feed, keep, 0).unwrap();
    let mut arrived = vec![0; wants.len()];
    let (mut from, end) = (cross.start()[feed.walk], cross.end(feed.walk));
    while from < end {
        let to = feed.next_end(from, rows).min(end);
        let boxes = reader.step((from, to), Some(cross), crate::feed::Phase::Samples, &mut buffers);
        let boxes = boxes.unwrap_or_else(|error| panic!("{case}: {error}"));
        from = to;
        for (index, (branch, of)) in feed.branches.iter().zip(&boxes).enumerate() {
            let Some(of) = of.as_ref().filter(|of| !of.is_empty()) else { continue };
            reader.load(branch, of, &mut buffers).unwrap();
            evaluate(branch, of, 0..of.len() as usize, &mut buffers, |at, outputs| {
                for (number, (array, placed)) in wants.iter().enumerate() {
                    if placed.branch != index {
                        continue;
                    }
                    for (k, bytes) in outputs[placed.output].chunks_exact(2).enumerate() {
                        let index = of.place((at + k) as u64);
                        let got = i16::from_ne_bytes([bytes[0], bytes[1]]);
                        let want = element(array.node(), &index);
                        assert_eq!(f64::from(got), want, "{case}: {index:?} of array {number}");
                        arrived[number] += 1;
                    }
                }
            })
            .unwrap();
        }
    }
    reader.finish().unwrap();
    for (number, (array, placed)) in wants.iter().enumerate() {
        let lag = feed.branches[placed.branch].lag;
        let mut inside = cross.overlap(&Region::whole(&feed.shape)).unwrap();
        // Rows of the feed that are rows of the branch.
        let low = inside.start()[feed.walk].max(lag);
        let high = inside.end(feed.walk).min(lag + array.shape()[feed.walk]);
        inside = inside.with_axis(feed.walk, low, high.saturating_sub(low));
        assert_eq!(arrived[number], inside.len(), "{case}: array {number}");
    }
}

#[test]
fn every_element_arrives_once_in_buffers_of_the_size_that_was_said() {
    let mut walked = [0; 2];
    for number in 0..3000 {
        let mut dice = Dice::of(number);
        let case = Case::new(&mut dice);
        let mut builder = FeedBuilder::new(case.walk, false);
        let mut wants = Vec::new();
        for _ in 0..dice.between(1, 4) {
            let array = case.array(&mut dice);
            assert_eq!(array.dtype(), DType::I16);
            if builder.try_add(&want(&array)).is_some() {
                wants.push(array);
            }
        }
        let (feed, placed) = builder.build();
        if goes_back(&feed) {
            continue;
        }
        walked[usize::from(feed.is_sequential())] += wants.len();
        let wants: Vec<(LazyArray, Placed)> = wants.into_iter().zip(placed).collect();
        let rows = dice.between(1, feed.rows());
        let mut cross = Region::whole(&feed.shape);
        if !feed.is_sequential() {
            // A tile of cells.
            for axis in (0..NDIM).filter(|&axis| axis != feed.walk) {
                let start = dice.between(0, feed.shape[axis] - 1);
                let len = dice.between(1, feed.shape[axis] - start);
                cross = cross.with_axis(axis, start, len);
            }
        }
        let keep = !feed.is_sequential() && dice.once_in(3);
        let texts: Vec<String> = wants.iter().map(|(array, _)| text(array.node())).collect();
        walk(&format!("case {number} {texts:?}"), &feed, &wants, &cross, rows, keep);
    }
    assert!(walked.iter().all(|&count| count > 1000), "{walked:?}");
}

/// Walks what arrays want together, whole, in steps of so many rows.
fn walk_whole(case: &str, arrays: &[LazyArray], rows: u64) {
    let mut builder = FeedBuilder::new(1, false);
    for array in arrays {
        assert!(builder.try_add(&want(array)).is_some(), "{case}");
    }
    let (feed, placed) = builder.build();
    let wants: Vec<(LazyArray, Placed)> = arrays.iter().cloned().zip(placed).collect();
    walk(case, &feed, &wants, &Region::whole(&feed.shape), rows, false);
}

#[test]
fn every_element_of_both_halves_arrives_in_steps_of_any_length() {
    let a = Numbered::file("a", &[2, 20], &[2, 20]).lazy();
    for rows in 1..21 {
        walk_whole("halves", &[a.slice_axis(1, ..10), a.slice_axis(1, 10..)], rows);
    }
}

#[test]
fn a_stream_keeps_the_rows_that_a_late_branch_wants() {
    let a = Numbered::stream("a", &[2, 20]).lazy();
    let late = a.slice_axis(1, 5..) - a.slice_axis(1, ..-5);
    let gone = a.slice_axis(1, ..3);
    for rows in 1..21 {
        walk_whole("all and late", &[a.clone(), late.clone()], rows);
        walk_whole("late and all", &[late.clone(), a.clone()], rows);
        walk_whole("early and late", &[gone.clone(), late.clone()], rows);
    }
}

#[test]
fn every_row_is_read_once_though_several_want_it() {
    let a = Numbered::file("a", &[2, 20], &[2, 5]);
    let late = a.lazy().slice_axis(1, 5..) - a.lazy().slice_axis(1, ..-5);
    for rows in [1, 4, 5, 20] {
        a.reads.lock().unwrap().clear();
        walk_whole("once", &[a.lazy(), a.lazy().diff(1), late.clone()], rows);
        let read: u64 = a.reads.lock().unwrap().iter().map(Region::len).sum();
        assert_eq!(read, 40, "in steps of {rows}");
    }
}
