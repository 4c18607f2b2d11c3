//! How much memory does a step of a feed take?
//!
//! Closed formulas of shapes; `reader` takes its buffers by the same ones.

use super::{Branch, Feed, Load, Window};
use crate::grid::{Region, saturating_count};
use crate::kernel::{BATCH, BATCH_BYTES};
use crate::lazy::AxisView;

/// The buffers of feeds that one worker serves one after the other, each for the largest step it meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedSizes {
    /// What is read of each source.
    pub(crate) windows: Vec<u64>,
    /// Boxes that programs take.
    pub(crate) loads: Vec<u64>,
    /// Tiles of what programs give.
    pub(crate) outputs: u64,
    pub(crate) register_bytes: u64,
    /// What sources use inside a read, beyond the buffers above.
    pub(crate) source_bytes: u64,
}

impl FeedSizes {
    /// Makes room for steps of this shape (that of the feed but for cut axes). Where `keep` is set,
    /// windows stay as they are between the two phases of a tile.
    pub(crate) fn cover(&mut self, feed: &Feed, step: &[u64], keep: bool) {
        let (mut streams, mut reads) = (0_u64, 0_u64);
        for (index, window) in feed.windows.iter().enumerate() {
            let shape = feed.window_shape(index, step);
            let item = window.source.dtype().size() as u64;
            let direct = feed.is_direct(index, keep);
            let bytes = if direct { 0 } else { saturating_count(&shape).saturating_mul(item) };
            raise(&mut self.windows, index, bytes);
            let inside = window.source.read_scratch_bytes(&shape);
            // Streams stay open side by side; regions are read one after the other.
            if window.is_sequential() {
                streams = streams.saturating_add(inside);
            } else {
                reads = reads.max(inside);
            }
        }
        self.source_bytes = self.source_bytes.max(streams.saturating_add(reads));
        for branch in &feed.branches {
            let most = branch.shape_of(step);
            for (index, load) in branch.loads.iter().enumerate() {
                let item = feed.windows[load.window].source.dtype().size() as u64;
                raise(&mut self.loads, index, branch.most_loaded(load, &most).saturating_mul(item));
            }
            if let Some(program) = &branch.program {
                self.outputs = self.outputs.max(branch.outputs.len() as u64);
                self.register_bytes = self.register_bytes.max(program.register_bytes());
            }
        }
    }

    /// Room for windows of one shape, which stay, and boxes of steps of another through them.
    pub(crate) fn kept(feed: &Feed, window: &[u64], step: &[u64]) -> Self {
        let (mut kept, mut taken) = (Self::default(), Self::default());
        kept.cover(feed, window, true);
        taken.cover(feed, step, true);
        Self { loads: taken.loads, ..kept }
    }

    /// Room for windows of another feed that are kept at the same time.
    pub(crate) fn add_kept(&mut self, other: &Self) {
        self.windows.extend(&other.windows);
        for (index, &bytes) in other.loads.iter().enumerate() {
            raise(&mut self.loads, index, bytes);
        }
        self.outputs = self.outputs.max(other.outputs);
        self.register_bytes = self.register_bytes.max(other.register_bytes);
        self.source_bytes = self.source_bytes.max(other.source_bytes);
    }

    /// Boxes of voxels.
    pub(crate) fn box_bytes(&self) -> u64 {
        self.windows.iter().chain(&self.loads).fold(0, |sum, &bytes| sum.saturating_add(bytes))
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        let tiles =
            self.register_bytes.saturating_add(self.outputs.saturating_mul(BATCH_BYTES as u64));
        self.box_bytes().saturating_add(self.source_bytes).saturating_add(tiles)
    }
}

fn raise(list: &mut Vec<u64>, index: usize, bytes: u64) {
    if list.len() <= index {
        list.resize(index + 1, 0);
    }
    list[index] = list[index].max(bytes);
}

/// Elements of whole slices of a box, enough of them for a batch.
fn period(of: &Region) -> u64 {
    let last = of.shape().last().copied().unwrap_or(1);
    let slice = of.len() / last.max(1);
    slice * (BATCH as u64).div_ceil(slice.max(1)).min(last)
}

impl Branch {
    /// True for a load that is the same at every index of the last axis, such as a mean beside its samples: a
    /// few slices of it stand for all.
    pub(super) fn repeats(&self, load: &Load) -> bool {
        self.program.is_some()
            && self
                .shape
                .len()
                .checked_sub(1)
                .is_some_and(|last| load.view.driven_by(last).is_none())
    }

    /// Elements after which loads begin anew: all of a box, or a period where one of them repeats.
    pub(super) fn period(&self, of: &Region) -> usize {
        let repeats = self.loads.iter().any(|load| self.repeats(load));
        if repeats { period(of) as usize } else { of.len() as usize }
    }

    /// What is loaded for a box: all of it, or one period.
    pub(super) fn loaded(&self, load: &Load, of: &Region) -> Region {
        let Some(last) = of.ndim().checked_sub(1).filter(|_| self.repeats(load)) else {
            return of.clone();
        };
        let slice = of.len() / of.shape()[last].max(1);
        of.with_axis(last, of.start()[last], period(of) / slice.max(1))
    }

    /// The most elements of [`loaded`](Self::loaded) for a box of this shape or a smaller one.
    fn most_loaded(&self, load: &Load, shape: &[u64]) -> u64 {
        let all = saturating_count(shape);
        if !self.repeats(load) {
            return all;
        }
        let slice = all / shape.last().copied().unwrap_or(1).max(1);
        all.min(slice.saturating_add(BATCH as u64))
    }

    /// The largest box that a step of this shape gives the branch.
    pub(crate) fn shape_of(&self, step: &[u64]) -> Vec<u64> {
        self.shape.iter().zip(step).map(|(&a, &b)| a.min(b)).collect()
    }
}

impl Feed {
    /// True for a window that is read straight into the box of its only load.
    pub(super) fn is_direct(&self, window: usize, keep: bool) -> bool {
        let entry = &self.windows[window];
        let mut loads = self.loads_of(window);
        let Some((_, load)) = loads.next() else { return false };
        let whole = || {
            let shape = entry.source.shape();
            let last = shape.len().saturating_sub(1);
            load.view.axes().iter().zip(shape).enumerate().all(|(axis, (driver, &len))| {
                axis == last
                    || matches!(driver, AxisView::Run { axis, start: 0, step: 1 }
                        if load.view.shape()[*axis] == len)
            })
        };
        !keep
            && loads.next().is_none()
            && entry.history == 0
            && load.view.is_in_order()
            && (!entry.is_sequential()
                || (whole() && entry.walk == load.view.axes().len().checked_sub(1)))
    }

    /// The largest box that a window holds for a step of this shape.
    pub(super) fn window_shape(&self, window: usize, step: &[u64]) -> Vec<u64> {
        let entry = &self.windows[window];
        let mut shape = vec![0_u64; entry.source.shape().len()];
        let (mut low, mut high) = (vec![u64::MAX; shape.len()], vec![0_u64; shape.len()]);
        // All that its loads ever want.
        let mut all: Option<Region> = None;
        let rows = self.window_rows(window);
        for (branch, load) in self.loads_of(window) {
            let mut of = branch.shape_of(step);
            if let (Some(own), Some(&most), Some(_)) =
                (of.get_mut(self.walk), step.get(self.walk), entry.walk)
            {
                // Where one branch ends in a step, another may go on.
                *own = most.min(rows);
            }
            let reach = load.view.reach(&of);
            for (axis, driver) in load.view.axes().iter().enumerate() {
                shape[axis] = shape[axis].max(reach[axis]);
                let start = match driver {
                    AxisView::Run { start, .. } => *start,
                    _ => 0,
                };
                low[axis] = low[axis].min(start);
                high[axis] = high[axis].max(start);
            }
            let wanted = load.view.region(&Region::whole(&branch.shape));
            all = Some(all.map_or_else(|| wanted.clone(), |so_far| so_far.hull(&wanted)));
        }
        for (axis, len) in shape.iter_mut().enumerate() {
            let apart = if Some(axis) == entry.walk {
                entry.history
            } else {
                high[axis].saturating_sub(low[axis])
            };
            let most = all.as_ref().map_or(0, |all| all.shape()[axis]);
            *len = len.saturating_add(apart).min(most);
        }
        entry.whole_volumes(&mut shape);
        shape
    }

    /// What a window holds for the step that ends at row `to`: `boxes` gives the box of each branch, where
    /// it has one.
    pub(super) fn window_region(
        &self,
        window: usize,
        to: u64,
        boxes: &[Option<Region>],
    ) -> Option<Region> {
        let entry = &self.windows[window];
        let mut all: Option<Region> = None;
        for &(branch, load) in &entry.loads {
            let Some(of) = &boxes[branch] else { continue };
            let region = self.branches[branch].loads[load].view.region(of);
            all = Some(all.map_or_else(|| region.clone(), |so_far| so_far.hull(&region)));
        }
        all.map(|region| {
            let mut shape = region.shape().to_vec();
            let mut start = region.start().to_vec();
            // Rows that the next step wants again stay, even if no branch wants them at this one.
            if let Some((axis, first)) = self.first_row(window, to)
                && first < start[axis]
                && !region.is_empty()
            {
                shape[axis] += start[axis] - first;
                start[axis] = first;
            }
            if entry.is_sequential() && !region.is_empty() {
                entry.whole_volumes(&mut shape);
                let last = start.len().saturating_sub(1);
                start[..last].fill(0);
            }
            Region::new(start, shape)
        })
    }

    /// Rows of the walk from the first to the last at which a window is wanted.
    fn window_rows(&self, window: usize) -> u64 {
        let (mut first, mut end) = (u64::MAX, 0);
        for (branch, _) in self.loads_of(window) {
            let rows = branch.shape.get(self.walk).copied().unwrap_or(1);
            (first, end) = (first.min(branch.lag), end.max(branch.lag + rows));
        }
        end.saturating_sub(first)
    }

    /// The first row of its source that loads of a window with a history can want when the feed is at
    /// row `from`, and the source's axis.
    fn first_row(&self, window: usize, from: u64) -> Option<(usize, u64)> {
        let entry = &self.windows[window];
        let axis = entry.walk.filter(|_| entry.history > 0)?;
        let runs = self.loads_of(window).filter_map(|(_, load)| match load.view.axes()[axis] {
            AxisView::Run { start, step: step @ 1.., .. } => Some((start, step)),
            _ => None,
        });
        let (start, step) = runs.min()?;
        let first = entry.base - entry.history as i64 + step * from as i64;
        Some((axis, start.max(first.max(0) as u64)))
    }
}

impl Window {
    /// A stream hands over whole volumes.
    fn whole_volumes(&self, shape: &mut [u64]) {
        if self.is_sequential()
            && let Some(last) = shape.len().checked_sub(1)
        {
            shape[..last].copy_from_slice(&self.source.shape()[..last]);
        }
    }
}
