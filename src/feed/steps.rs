//! In what steps is a trip made?
//!
//! A step takes some rows of the walk: whole blocks of the sources where they fit, so that no block is
//! opened twice.

use std::sync::Arc;

use super::Feed;
use crate::dtype::DType;
use crate::grid::gcd;
use crate::lazy::AxisView;
use crate::source::Source;

/// How much a step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadTarget {
    /// Near so many bytes in whole stored blocks, at least one even where it is larger.
    Blocks(u64),
    /// At most so many bytes, through stored blocks if need be.
    Rows(u64),
}

impl Feed {
    /// Bytes of the largest element that a box brings in or gives.
    pub(crate) fn element_bytes(&self) -> u64 {
        let read = self.windows.iter().map(|window| window.source.dtype());
        let made = self.branches.iter().flat_map(|branch| branch.outputs.iter().copied());
        read.chain(made).map(DType::size).max().unwrap_or(8) as u64
    }

    /// The sources' block length along an axis and where the first whole block starts, both in rows of
    /// the feed; `None` where nothing is stored in blocks along it.
    pub(crate) fn block_along(&self, axis: usize) -> Option<(u64, u64)> {
        let of_load = |load: &super::Load| {
            let window = &self.windows[load.window];
            let driven = load.view.driven_by(axis)?;
            let AxisView::Run { start, step: 1, .. } = load.view.axes()[driven] else {
                return None;
            };
            if window.source.stored_bytes() == 0 {
                return None;
            }
            let block = window.source.block_shape()[driven].max(1);
            let start = if axis == self.walk { window.base } else { start as i64 };
            let first = (-start).rem_euclid(block as i64) as u64;
            Some((block, first))
        };
        self.branches.iter().flat_map(|branch| &branch.loads).filter_map(of_load).max()
    }

    /// How often a stored block is read where boxes of this shape are; 1 where none cuts through one.
    pub(crate) fn rereads(&self, shape: &[u64]) -> f64 {
        let along = |(axis, (&step, &len)): (usize, (&u64, &u64))| {
            let Some((block, _)) = self.block_along(axis).filter(|_| step < len) else {
                return 1.0;
            };
            times_read(step, block.min(len))
        };
        shape.iter().zip(&self.shape).enumerate().map(along).product()
    }

    /// A box of this shape with as many rows of the walk as the target asks for, at least 1.
    pub(crate) fn step_shape(&self, shape: &[u64], target: ReadTarget) -> Vec<u64> {
        let mut step = shape.to_vec();
        let Some(&len) = self.shape.get(self.walk) else { return step };
        step[self.walk] = 1;
        let cross = step.iter().fold(1_u64, |n, &len| n.saturating_mul(len.max(1)));
        let (ReadTarget::Blocks(bytes) | ReadTarget::Rows(bytes)) = target;
        let wanted = bytes / cross.saturating_mul(self.element_bytes()).max(1);
        let wanted = wanted.clamp(1, len.max(1));
        step[self.walk] = match self.block_along(self.walk) {
            Some((block, _)) if block <= wanted => wanted - wanted % block,
            Some((block, _)) if matches!(target, ReadTarget::Blocks(_)) => block.min(len.max(1)),
            _ => wanted,
        };
        if wanted == len {
            step[self.walk] = len;
        }
        step
    }

    /// The stored sources that steps of so many rows cut more than `most` times, each with the axis that
    /// is cut. A stream is read once all the same.
    pub(crate) fn cut_sources(
        &self,
        rows: u64,
        most: f64,
    ) -> impl Iterator<Item = (&Arc<dyn Source>, usize)> {
        let stored = self.windows.iter().filter(move |window| {
            !window.is_sequential() && window.source.stored_bytes() > 0 && rows < self.rows()
        });
        stored.filter_map(move |window| {
            let axis = window.walk?;
            let block = window.source.block_shape()[axis].min(window.source.shape()[axis]);
            (times_read(rows, block) > most).then_some((&window.source, axis))
        })
    }

    /// The end of the step that starts at row `from`: `rows` on, or earlier where a block ends.
    pub(crate) fn next_end(&self, from: u64, rows: u64) -> u64 {
        let len = self.rows();
        let end = (from + rows.max(1)).min(len);
        match self.block_along(self.walk) {
            Some((block, first)) if end < len && block > 1 => {
                let aligned = if end >= first { first + (end - first) / block * block } else { 0 };
                // No block ends on the way: all the rows asked for.
                if aligned > from { aligned } else { end }
            }
            _ => end,
        }
    }

    /// The steps of a trip, each of at most so many rows: from where to where. None where there are no
    /// elements.
    pub(crate) fn steps(&self, rows: u64) -> impl Iterator<Item = (u64, u64)> {
        let end = if self.shape.contains(&0) { 0 } else { self.rows() };
        let mut from = 0;
        std::iter::from_fn(move || {
            let step = (from < end).then(|| (from, self.next_end(from, rows)))?;
            from = step.1;
            Some(step)
        })
    }

    /// Rows of the walk; 1 where there is no axis to walk.
    pub(crate) fn rows(&self) -> u64 {
        self.shape.get(self.walk).copied().unwrap_or(1)
    }

    /// True where a thread of its own can read ahead: just the whole volumes of one stream.
    pub(crate) fn can_read_ahead(&self) -> bool {
        self.branches.len() == 1
            && self.branches[0].program.is_none()
            && self.windows.len() == 1
            && self.windows[0].is_sequential()
            && self.is_direct(0, false)
    }
}

/// How often a block of so many rows is read by steps of so many.
fn times_read(step: u64, block: u64) -> f64 {
    let step = step.max(1);
    // Steps and blocks meet at every multiple of what divides both.
    (step - gcd(step, block) + block) as f64 / step as f64
}
