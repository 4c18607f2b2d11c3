//! Random views, the same ones every time.

use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;

use crate::grid::Region;
use crate::lazy::{AxisView, View};

/// Draws what a case needs.
pub(crate) struct Dice(Pcg64);

impl Dice {
    pub(crate) fn of(case: u64) -> Self {
        Self(Pcg64::seed_from_u64(case))
    }

    /// One of `low ..= high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// True once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.between(1, n) == 1
    }

    pub(crate) fn shape(&mut self, ndim: usize, low: u64, high: u64) -> Vec<u64> {
        (0..ndim).map(|_| self.between(low, high)).collect()
    }

    pub(crate) fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut self.0);
        order
    }

    /// A box of an array of this shape; empty now and then.
    pub(crate) fn region(&mut self, shape: &[u64]) -> Region {
        let start: Vec<u64> = shape.iter().map(|&len| self.between(0, len)).collect();
        let lens = shape.iter().zip(&start).map(|(&len, &from)| self.between(0, len - from));
        let lens = lens.collect();
        Region::new(start, lens)
    }

    /// A view of an array of this shape: runs in steps of either direction, picks and fixed indices,
    /// in any order of axes, with new ones that repeat.
    pub(crate) fn view(&mut self, shape: &[u64]) -> View {
        let moves: Vec<bool> = shape.iter().map(|&len| len == 0 || !self.once_in(5)).collect();
        let moving = moves.iter().filter(|&&moves| moves).count();
        let repeats = usize::from(self.once_in(4));
        let places = self.shuffled(moving + repeats);
        let mut out: Vec<u64> = (0..places.len()).map(|_| self.between(1, 3)).collect();
        let mut next = places.iter();
        let mut axes = Vec::new();
        for (&len, moves) in shape.iter().zip(moves) {
            let Some(&axis) = (if moves { next.next() } else { None }) else {
                axes.push(AxisView::At(self.between(0, len - 1)));
                continue;
            };
            let (driver, count) = self.driver(axis, len);
            out[axis] = count;
            axes.push(driver);
        }
        View::new(out, axes)
    }

    /// What drives an axis of this length, and how often.
    pub(crate) fn driver(&mut self, axis: usize, len: u64) -> (AxisView, u64) {
        if len == 0 {
            return (AxisView::Run { axis, start: 0, step: 1 }, 0);
        }
        if self.once_in(4) {
            let count = self.between(0, len + 2);
            let indices: Arc<[u64]> = (0..count).map(|_| self.between(0, len - 1)).collect();
            return (AxisView::Pick { axis, indices }, count);
        }
        let by = if self.once_in(2) { 1 } else { self.between(1, 3) };
        let count = self.between(0, len.div_ceil(by));
        let reach = count.saturating_sub(1) * by;
        let low = self.between(0, len - 1 - reach);
        if self.once_in(3) {
            return (AxisView::Run { axis, start: low + reach, step: -(by as i64) }, count);
        }
        (AxisView::Run { axis, start: low, step: by as i64 }, count)
    }
}
