//! Schedules by tiles: boxes of the result, each with all that it needs read for it.

use super::boxes::{fold_partition, map_partition};
use super::legs::in_legs;
use super::parts::whole_parts;
use super::{CUT_READS, TILE_CELLS, WHOLE_READS, clip, longer};
use crate::feed::{Feed, FeedSizes, ReadTarget};
use crate::grid::{Partition, Region, saturating_count};
use crate::plan::Delivery;
use crate::plan::pass::{FoldOver, Form, Pass};
use crate::plan::schedule::{Schedule, Units};
use crate::plan::sizes::{BOX_ELEMENTS, WorkerSizes};

pub(super) fn fold_tiles(pass: &Pass, delivery: &Delivery<'_>, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    let mut push = |target_cells: u64, at_blocks: bool, workers: usize, target: ReadTarget| {
        let tiles = fold_partition(pass, delivery, target_cells, at_blocks);
        let whole = fold_schedule(pass, tiles, workers, target, None);
        list.extend(in_legs(pass, &whole, workers));
        list.push(whole);
    };
    // Enough tiles for every worker, if blocks allow it.
    let cells = saturating_count(&pass.shape);
    let first = TILE_CELLS.min((cells / (2 * threads as u64)).max(1));
    for target in WHOLE_READS {
        push(first, true, threads, target);
    }
    for workers in (1..=threads).rev() {
        push(first / 4, true, workers, WHOLE_READS[1]);
    }
    // Below the sources' blocks each block is read once a tile: as few tiles as fit.
    let mut below = cells;
    while below > 1 {
        below = below.div_ceil(2);
        push(below, false, 1, WHOLE_READS[1]);
    }
    // One cell of long series, and a least budget that hardly depends on the number of threads.
    for target in CUT_READS {
        push(1, false, 1, target);
    }
    list
}

/// A fold and a map over its own result: tiles of whole blocks, each kept until both are done. Where not more than
/// half of the threads would have room for one, reading twice is faster, and takes less.
pub(super) fn fold_kept(pass: &Pass, delivery: &Delivery<'_>, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    for target in [TILE_CELLS / 4, 4 << 10, 512, 1] {
        let tiles = fold_partition(pass, delivery, target, true);
        for workers in (threads / 2 + 1..=threads).rev() {
            let all = ReadTarget::Blocks(u64::MAX);
            list.push(fold_schedule(pass, tiles.clone(), workers, all, Some(delivery)));
        }
    }
    list
}

/// Reads `target` a step. Where a tile is kept for what goes to `kept_for`, that much is read at once, and taken in
/// shorter steps.
fn fold_schedule(
    pass: &Pass,
    tiles: Partition,
    workers: usize,
    target: ReadTarget,
    kept_for: Option<&Delivery<'_>>,
) -> Schedule {
    let Form::Fold(FoldOver { axes, grouped }) = &pass.form else {
        return whole_parts(pass, target, workers, false);
    };
    let largest = tiles.largest();
    let mut sizes = WorkerSizes::default();
    let (mut rows, mut emitted) = (Vec::with_capacity(pass.parts.len()), Vec::new());
    let mut rereads = 1.0_f64;
    for (index, part) in pass.parts.iter().enumerate() {
        let cells = Region::whole(&clip(&largest, part.extent.shape()));
        let cross = cells.behind(&part.feed.shape, axes, *grouped);
        let read = part.feed.step_shape(cross.shape(), target);
        let step = kept_for.map_or_else(|| read.clone(), |to| kept_step(&part.feed, &read, to));
        rereads = rereads.max(part.feed.rereads(&read));
        emitted = longer(&emitted, &step);
        rows.push(step.get(part.feed.walk).copied().unwrap_or(1));
        if kept_for.is_some() {
            sizes.feed.add_kept(&FeedSizes::kept(&part.feed, &read, &step));
        } else {
            sizes.feed.cover(&part.feed, &step, false);
        }
        sizes.cover_emits(pass, index, &step, u64::MAX);
    }
    for sum in &pass.sums {
        sizes.state_bytes.push(sum.state_bytes(sum.most_cells(Some(&largest))));
    }
    for output in &pass.outputs {
        sizes.cover_finish(pass, output, &largest);
    }
    Schedule {
        workers: workers.min(tiles.len().max(1) as usize),
        read_ahead: false,
        units: Units::Tiles(tiles),
        rows,
        legs: 1,
        keep: kept_for.is_some(),
        sizes,
        shared_bytes: 0,
        regroup_rows: 0,
        regroup_bytes: 0,
        emit_elements: u64::MAX,
        emitted,
        rereads,
    }
}

/// What is taken at once of rows that are all in memory: what stays in a cache on its way, and ends where blocks of
/// the receiver do.
fn kept_step(feed: &Feed, read: &[u64], to: &Delivery<'_>) -> Vec<u64> {
    let mut step = feed.step_shape(read, WHOLE_READS[0]);
    let Some(rows) = step.get_mut(feed.walk).filter(|_| to.grid.is_some()) else { return step };
    let (block, first) = feed.block_along(feed.walk).unwrap_or((1, 0));
    *rows = rows.next_multiple_of(to.block(feed.walk).map_or(1, |(block, _)| block));
    let even = rows.is_multiple_of(block) && first == 0;
    let lags = feed.branches.iter().any(|branch| branch.lag > 0);
    if even && !lags && *rows < read[feed.walk] { step } else { read.to_vec() }
}

pub(super) fn map_tiles(pass: &Pass, delivery: &Delivery<'_>, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    let emit_elements = if delivery.takes_any_boxes() { BOX_ELEMENTS } else { u64::MAX };
    // A small result may stand for much that is read: a part for every worker, if blocks allow it.
    let bytes = saturating_count(&pass.shape).saturating_mul(pass.item_bytes());
    let tries = [
        ((1 << 20).min(bytes.div_ceil(threads as u64)), true),
        (256 << 10, true),
        (64 << 20, false),
        (8 << 20, false),
        (1 << 20, false),
        (64 << 10, false),
        (0, false),
    ];
    for (target, at_blocks) in tries {
        let tiles = map_partition(pass, delivery, target, at_blocks);
        let largest = tiles.largest();
        let mut sizes = WorkerSizes::default();
        let (mut rows, mut rereads) = (Vec::with_capacity(pass.parts.len()), 1.0_f64);
        for (index, part) in pass.parts.iter().enumerate() {
            let step = clip(&largest, part.extent.shape());
            rereads = rereads.max(part.feed.rereads(&step));
            rows.push(step.get(part.feed.walk).copied().unwrap_or(1));
            sizes.feed.cover(&part.feed, &step, false);
            sizes.cover_emits(pass, index, &step, emit_elements);
        }
        if delivery.grid.is_some() && pass.parts.len() > 1 {
            let item = pass.emits.iter().map(|emit| emit.dtype.size()).max().unwrap_or(8);
            sizes.assembled_bytes = saturating_count(&largest).saturating_mul(item as u64);
        }
        for workers in (1..=threads.min(tiles.len().max(1) as usize)).rev() {
            list.push(Schedule {
                workers,
                read_ahead: false,
                units: Units::Tiles(tiles.clone()),
                rows: rows.clone(),
                legs: 1,
                keep: false,
                sizes: sizes.clone(),
                shared_bytes: 0,
                regroup_rows: 0,
                regroup_bytes: 0,
                emit_elements,
                emitted: largest.clone(),
                rereads,
            });
        }
    }
    list
}
