//! Schedules by whole parts: streams, and what is walked once for several kinds of results.

use super::boxes::{finish_partition, fold_partition, whole_rows};
use super::{CUT_READS, TILE_CELLS, WHOLE_READS, clip, longer};
use crate::feed::{Feed, FeedSizes, ReadTarget};
use crate::grid::{Partition, Region, saturating_count};
use crate::plan::Delivery;
use crate::plan::pass::{FoldOver, Form, Output, Pass, Sum};
use crate::plan::schedule::{Schedule, SumsIn, Units, WaitingSums};
use crate::plan::sizes::WorkerSizes;
use crate::spill::UNWRITTEN_BYTES;

/// Slabs a reader may be ahead of its worker, beside the one being summed.
const READ_AHEAD_SLABS: u64 = 2;

/// Whole parts, longest first, one worker each, with a reader ahead of it where that is possible.
pub(super) fn by_parts(pass: &Pass, delivery: &Delivery<'_>, threads: usize) -> Vec<Schedule> {
    // Rows are put together into the receiver's blocks in the order in which they come.
    let regrouped = if pass.emits.is_empty() { None } else { delivery.grid.as_ref() };
    if regrouped.is_some() && !comes_in_rows(pass) {
        return Vec::new();
    }
    let most = if regrouped.is_some() { 1 } else { threads.min(pass.parts.len()).max(1) };
    // Summing alone gains from reading ahead, and only where a thread would have nothing to do.
    let ahead = pass.emits.is_empty()
        && 2 * pass.parts.len() <= threads
        && pass.sums.iter().all(|sum| !sum.is_kept)
        && pass.feeds().all(Feed::can_read_ahead);
    let mut list = Vec::new();
    // What a scratch file keeps of a step is one piece a block: the longer, the fewer.
    let large = if pass.spill().is_some() { &[32 << 20, 8 << 20][..] } else { &[] };
    let whole = large.iter().chain(&[2 << 20, 512 << 10]).map(|&bytes| ReadTarget::Blocks(bytes));
    for target in whole.chain(CUT_READS) {
        for workers in (1..=most).rev() {
            for read_ahead in [true, false] {
                if ahead || !read_ahead {
                    let mut schedule = whole_parts(pass, target, workers, read_ahead);
                    if let Some(grid) = regrouped {
                        schedule.regroup(pass, grid);
                    }
                    list.push(schedule);
                }
            }
        }
    }
    list
}

/// True where each part hands on whole slices of the last axis, and those of the next part follow them.
fn comes_in_rows(pass: &Pass) -> bool {
    pass.emits.iter().all(|emit| {
        let Some(last) = emit.shape.len().checked_sub(1) else { return true };
        let mut next = (0, 0);
        emit.pieces.iter().all(|piece| {
            let shape = &pass.parts[piece.part].feed.branches[piece.branch].shape;
            let follows = piece.part >= next.0 && piece.start[last] == next.1;
            next = (piece.part + 1, piece.start[last] + shape[last]);
            follows
                && (0..last).all(|axis| piece.start[axis] == 0 && shape[axis] == emit.shape[axis])
        })
    })
}

/// Cells of a tile of which the sums of all parts are brought back at once.
const FETCHED_CELLS: [u64; 5] = [16 << 10, 4 << 10, 1 << 10, 256, 64];

/// Words that go to a scratch file, or come from it, at once.
const WORDS_BYTES: u64 = 128 << 10;

/// Whole parts whose sums wait on disk for those of the others: a worker holds those of one part, and together they have what
/// is on its way. Only where less waits than is read.
pub(super) fn by_parts_on_disk(pass: &Pass, threads: usize) -> Vec<Schedule> {
    let waiting = WaitingSums::of(pass).filter(|waiting| {
        let bytes = waiting.spill.len_bytes();
        pass.emits.is_empty() && (1..pass.read_bytes()).contains(&bytes)
    });
    let Some(waiting) = waiting else { return Vec::new() };
    let (mut part_state_bytes, mut seen) = (Vec::new(), vec![0; pass.parts.len()]);
    for sum in &pass.sums {
        let index: usize = seen[sum.part];
        seen[sum.part] += 1;
        part_state_bytes.resize(part_state_bytes.len().max(index + 1), 0);
        part_state_bytes[index] =
            sum.state_bytes(sum.most_cells(None)).max(part_state_bytes[index]);
    }
    let mut list = Vec::new();
    for target in WHOLE_READS {
        let mut schedule = whole_parts(pass, target, 1, false);
        schedule.shared_bytes = UNWRITTEN_BYTES;
        schedule.sizes.part_state_bytes.clone_from(&part_state_bytes);
        schedule.sizes.words_bytes = WORDS_BYTES;
        for cells in FETCHED_CELLS {
            let finish = |output| finish_partition(pass, output, cells);
            let finish = pass.outputs.iter().map(finish).collect();
            schedule.units = Units::Parts { finish, sums: SumsIn::Disk(waiting.clone()) };
            let of_tile = |sum: &Sum| sum.state_bytes(sum.most_cells(None).min(cells));
            schedule.sizes.state_bytes = pass.sums.iter().map(of_tile).collect();
            for workers in (1..=threads.min(pass.parts.len())).rev() {
                list.push(Schedule { workers, ..schedule.clone() });
            }
        }
    }
    list.sort_by_key(|schedule| std::cmp::Reverse(schedule.workers));
    list
}

/// Readings of a stream, at most: more would take longer than to ingest it first.
const MOST_READINGS: u64 = 32;

/// How many are tried.
const READINGS: [u64; 9] = [2, 3, 4, 6, 8, 12, 16, 24, MOST_READINGS];

/// Sums of streams that do not fit at once, slab by slab: each slab reads every stream again. The
/// fastest first, if each worker has a stream of its own to inflate.
pub(super) fn by_slabs(
    pass: &Pass,
    delivery: &Delivery<'_>,
    threads: usize,
) -> impl Iterator<Item = Schedule> {
    let in_time = match &pass.form {
        Form::Fold(FoldOver { axes, .. }) => pass.feeds().all(|feed| axes.contains(&feed.walk)),
        Form::Map | Form::Mixed => false,
    };
    let mut tries: Vec<(Partition, usize)> = Vec::new();
    if in_time && pass.is_sequential() && pass.emits.is_empty() {
        let cells = saturating_count(&pass.shape);
        for readings in READINGS {
            let target = whole_rows(&pass.shape, cells.div_ceil(readings));
            let slabs = fold_partition(pass, delivery, target, false);
            if slabs.len() > MOST_READINGS {
                break;
            }
            let most = threads.min(pass.parts.len()).max(1);
            tries.extend((1..=most).map(|workers| (slabs.clone(), workers)));
        }
        tries.sort_by_key(|(slabs, workers)| (slabs.len() * 1000 / *workers as u64, slabs.len()));
    }
    tries.into_iter().flat_map(move |(slabs, workers)| {
        [WHOLE_READS[1], ReadTarget::Rows(0)]
            .map(|target| slab_schedule(pass, slabs.clone(), workers, target))
    })
}

fn slab_schedule(pass: &Pass, slabs: Partition, workers: usize, target: ReadTarget) -> Schedule {
    let mut schedule = whole_parts(pass, ReadTarget::Rows(0), workers, false);
    let Form::Fold(FoldOver { axes, grouped }) = &pass.form else { return schedule };
    let largest = slabs.largest();
    schedule.sizes.feed = FeedSizes::default();
    for (index, part) in pass.parts.iter().enumerate() {
        let cells = Region::whole(&clip(&largest, part.extent.shape()));
        let mut step = cells.behind(&part.feed.shape, axes, *grouped).shape().to_vec();
        // A step is whole volumes, whatever is taken out of them.
        let rows = part.feed.step_shape(&part.feed.shape, target)[part.feed.walk];
        step[part.feed.walk] = rows;
        schedule.rows[index] = rows;
        schedule.sizes.feed.cover(&part.feed, &step, true);
    }
    schedule.shared_bytes = sums_bytes(pass, Some(&largest));
    if let Units::Parts { sums: of, .. } = &mut schedule.units {
        *of = SumsIn::Slabs(slabs);
    }
    schedule
}

/// All sums of a pass at once, for all cells or for those of a slab.
fn sums_bytes(pass: &Pass, largest: Option<&[u64]>) -> u64 {
    let of_sum = |sum: &Sum| sum.state_bytes(sum.most_cells(largest));
    pass.sums.iter().map(of_sum).fold(0, u64::saturating_add)
}

pub(super) fn whole_parts(
    pass: &Pass,
    target: ReadTarget,
    workers: usize,
    read_ahead: bool,
) -> Schedule {
    let finish = |output: &Output| finish_partition(pass, output, TILE_CELLS / 4);
    let tiles: Vec<Partition> = pass.outputs.iter().map(finish).collect();
    let mut sizes = WorkerSizes::default();
    let (mut rows, mut emitted) = (Vec::with_capacity(pass.parts.len()), Vec::new());
    let mut rereads = 1.0_f64;
    for (index, part) in pass.parts.iter().enumerate() {
        let step = part.feed.step_shape(&part.feed.shape, target);
        if !part.feed.is_sequential() {
            rereads = rereads.max(part.feed.rereads(&step));
        }
        emitted = longer(&emitted, &step);
        rows.push(step.get(part.feed.walk).copied().unwrap_or(1));
        sizes.feed.cover(&part.feed, &step, false);
        sizes.cover_emits(pass, index, &step, u64::MAX);
    }
    for (output, tiles) in pass.outputs.iter().zip(&tiles) {
        sizes.cover_finish(pass, output, &tiles.largest());
    }
    if read_ahead {
        sizes.ahead = READ_AHEAD_SLABS;
    }
    Schedule {
        workers,
        read_ahead,
        units: Units::Parts { finish: tiles, sums: SumsIn::Memory },
        rows,
        legs: 1,
        keep: false,
        sizes,
        shared_bytes: sums_bytes(pass, None),
        regroup_rows: 0,
        regroup_bytes: 0,
        emit_elements: u64::MAX,
        emitted,
        rereads,
    }
}
