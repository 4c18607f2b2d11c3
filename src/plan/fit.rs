//! Does a pass fit the budget, and in what pieces?
//!
//! Tries arrangements from the fastest to the smallest and takes the first whose bytes fit. Every
//! number is a closed formula of header facts (`docs/decisions/0004-memory-plan.md`); nothing is
//! measured at run time.

use super::ResultMemory;
use super::error::PlanError;
use super::feed::{Feed, Leaf};
use super::pass::{FoldPass, MapPass, Part, Pass};
use super::sizes::WorkerSizes;
use crate::grid::{Cuts, Partition};
use crate::kernel::StateKind;
use crate::runtime::{FIXED_BYTES, Session};

/// How a pass is carried out.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Workers that compute.
    pub(crate) workers: usize,
    /// One more thread a worker reads ahead of it.
    pub(crate) read_ahead: bool,
    pub(crate) blocks: Blocks,
    /// What a read should come near, in bytes; 0 for the least.
    pub(crate) read_target_bytes: u64,
    /// For each part of a fold by tiles: how many indices of the reduced axis a read takes. The
    /// largest tile decides; more for a smaller tile could need a larger buffer.
    pub(crate) rows: Vec<u64>,
    /// The buffers of each worker.
    pub(crate) sizes: WorkerSizes,
    /// Leased once: states that outlive a worker's unit.
    pub(crate) shared_bytes: u64,
}

/// What a worker takes at a time.
#[derive(Debug)]
pub(crate) enum Blocks {
    /// Boxes of the result; their input is read by region.
    Tiles(Partition),
    /// Whole feeds, read front to back; the boxes are those that results are finished in.
    Streams(Partition),
}

impl Schedule {
    /// Bytes leased at once by the pass.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.shared_bytes.saturating_add((self.workers as u64).saturating_mul(self.sizes.total()))
    }
}

/// Slabs a reader may be ahead of its worker, beside the one being summed.
const READ_AHEAD_SLABS: u64 = 2;

const TILE_CELLS: u64 = 64 << 10;
const READ_BYTES: [u64; 3] = [1 << 20, 256 << 10, 0];

/// The first arrangement of `pass` that fits beside `constant_bytes` of results.
pub(super) fn fit(
    pass: &Pass,
    constant_bytes: u64,
    result_bytes: u64,
    results: ResultMemory,
    session: &Session,
) -> Result<Schedule, PlanError> {
    let available = session.data_bytes().saturating_sub(constant_bytes);
    let mut smallest: Option<Schedule> = None;
    for mut schedule in candidates(pass, session.threads()) {
        if results == ResultMemory::Blocks {
            schedule.sizes.handed_on = 2;
        }
        let total = schedule.total_bytes();
        if total <= available && constant_bytes <= session.data_bytes() {
            return Ok(schedule);
        }
        if smallest.as_ref().is_none_or(|s| total < s.total_bytes()) {
            smallest = Some(schedule);
        }
    }
    let schedule = smallest.expect("a pass has at least one arrangement");
    Err(refusal(pass, &schedule, constant_bytes, result_bytes, session))
}

fn refusal(
    pass: &Pass,
    schedule: &Schedule,
    constant_bytes: u64,
    result_bytes: u64,
    session: &Session,
) -> PlanError {
    let needed = (FIXED_BYTES + session.reserved_bytes())
        .saturating_add(constant_bytes)
        .saturating_add(schedule.total_bytes());
    // Rounded up to a whole MiB, which is also how it is printed.
    let needed = needed.div_ceil(1 << 20).saturating_mul(1 << 20);
    let held = constant_bytes - result_bytes;
    let mut terms = vec![
        (result_bytes, "the results in memory".to_owned()),
        (held, "results of an earlier pass".to_owned()),
        (schedule.shared_bytes, "running sums of every run, one set a file".to_owned()),
    ];
    let of_worker = schedule.sizes.terms();
    terms.extend(of_worker.into_iter().map(|(name, bytes)| (bytes, format!("{name} of a worker"))));
    let (dominant_bytes, dominant) =
        terms.into_iter().max_by_key(|(bytes, _)| *bytes).unwrap_or_default();
    let alternative = if result_bytes > session.data_bytes() / 2 {
        Some(
            "walk the array with blocks(), or reduce it, so that it is never whole in memory"
                .to_owned(),
        )
    } else if pass.is_sequential() {
        let advice = "ingest the .nii.gz files first: from a store the same job is cut into tiles";
        Some(advice.to_owned())
    } else {
        None
    };
    PlanError::Memory {
        projected_bytes: needed,
        budget_bytes: session.memory_bytes(),
        dominant,
        dominant_bytes,
        alternative,
    }
}

fn candidates(pass: &Pass, threads: usize) -> Vec<Schedule> {
    match pass {
        Pass::Fold(fold) if pass.is_sequential() => {
            let shared = fold.parts.iter().map(|p| state_bytes(p.cells.shape(), &p.kind)).sum();
            let tiles = fold_partition(fold, TILE_CELLS / 4, false);
            let mut sizes = WorkerSizes::default();
            cover_finish(&mut sizes, fold, &tiles.largest());
            let feeds: Vec<&Feed> = fold.parts.iter().map(|p| &p.feed).collect();
            // Summing alone gains from it, and only where a thread would have nothing to do.
            let ahead = 2 * feeds.len() <= threads && feeds.iter().all(|f| can_read_ahead(f));
            let results = |of: &mut WorkerSizes, _: &[Vec<u64>]| of.clone_from(&sizes);
            streams(&feeds, &tiles, threads, shared, ahead, &results)
        }
        Pass::Fold(fold) => fold_tiles(fold, threads),
        Pass::Map(map) if pass.is_sequential() => {
            let feeds: Vec<&Feed> = map.pieces.iter().map(|(_, feed)| feed).collect();
            let whole = Partition::new(&map.shape, &vec![Vec::new(); map.shape.len()]);
            let item = map.dtype.size() as u64;
            streams(&feeds, &whole, threads, 0, false, &|sizes, slabs| {
                let largest = slabs.iter().map(|shape| elements(shape)).max().unwrap_or(0);
                sizes.out_bytes = largest.saturating_mul(item);
            })
        }
        Pass::Map(map) => map_tiles(map, threads),
    }
}

/// Whole feeds, longest first, one worker each, with a reader ahead of it where that is possible.
fn streams(
    feeds: &[&Feed],
    tiles: &Partition,
    threads: usize,
    shared_bytes: u64,
    may_read_ahead: bool,
    results: &dyn Fn(&mut WorkerSizes, &[Vec<u64>]),
) -> Vec<Schedule> {
    let most = threads.min(feeds.len()).max(1);
    let mut list = Vec::new();
    for read_target_bytes in [2 << 20, 512 << 10, 0] {
        let slabs: Vec<Vec<u64>> =
            feeds.iter().map(|feed| slab_shape(feed, read_target_bytes)).collect();
        let mut sizes = WorkerSizes::default();
        results(&mut sizes, &slabs);
        for (feed, shape) in feeds.iter().zip(&slabs) {
            sizes.cover(feed, shape);
        }
        for workers in (1..=most).rev() {
            for read_ahead in [true, false] {
                if read_ahead && !may_read_ahead {
                    continue;
                }
                let ahead = if read_ahead { READ_AHEAD_SLABS } else { 0 };
                list.push(Schedule {
                    workers,
                    read_ahead,
                    blocks: Blocks::Streams(tiles.clone()),
                    read_target_bytes,
                    rows: Vec::new(),
                    sizes: WorkerSizes { ahead, ..sizes.clone() },
                    shared_bytes,
                });
            }
        }
    }
    list
}

/// A feed that is just the whole volumes of a stream can be read by a thread ahead of its worker.
fn can_read_ahead(feed: &Feed) -> bool {
    feed.program.is_none()
        && feed.leaves.iter().all(|leaf| leaf.is_sequential() && leaf.is_whole_volumes())
}

/// The box of a feed that a stream reads at once: volumes along the last axis; all of the feed
/// where its last axis is not time.
pub(crate) fn slab_shape(feed: &Feed, target_bytes: u64) -> Vec<u64> {
    let mut shape = feed.shape.clone();
    let cut_by_time = feed.leaves.iter().filter(|l| l.is_sequential()).all(Leaf::ends_in_time);
    if let Some(last) = shape.len().checked_sub(1)
        && cut_by_time
    {
        shape[last] = feed.rows(&feed.shape, last, target_bytes);
    }
    shape
}

fn fold_tiles(fold: &FoldPass, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    let mut push = |tiles: Partition, workers: usize, read_target_bytes: u64| {
        let largest = tiles.largest();
        let mut sizes = WorkerSizes::default();
        let mut rows = Vec::with_capacity(fold.parts.len());
        for part in &fold.parts {
            let mut shape = clip(&largest, part.cells.shape());
            sizes.state_bytes.push(state_bytes(&shape, &part.kind));
            shape.insert(fold.axis, 1);
            shape[fold.axis] = part.feed.rows(&shape, fold.axis, read_target_bytes);
            rows.push(shape[fold.axis]);
            sizes.cover(&part.feed, &shape);
        }
        cover_finish(&mut sizes, fold, &largest);
        list.push(Schedule {
            workers: workers.min(tiles.len().max(1) as usize),
            read_ahead: false,
            blocks: Blocks::Tiles(tiles),
            read_target_bytes,
            rows,
            sizes,
            shared_bytes: 0,
        });
    };
    // Enough tiles for every worker, if blocks allow it.
    let cells = elements(&fold.shape);
    let first = TILE_CELLS.min((cells / (2 * threads as u64)).max(1));
    for target in &READ_BYTES[..2] {
        push(fold_partition(fold, first, true), threads, *target);
    }
    for workers in (1..=threads).rev() {
        push(fold_partition(fold, first / 4, true), workers, READ_BYTES[1]);
    }
    // Below the sources' blocks each block is read once a tile: as few tiles as fit.
    let mut below = cells;
    while below > 64 {
        below = below.div_ceil(2);
        push(fold_partition(fold, below, false), 1, READ_BYTES[1]);
    }
    // Few cells of long series: one index of the reduced axis at a time, and a least budget that
    // hardly depends on the number of threads.
    push(fold_partition(fold, below.clamp(1, 16), false), 1, READ_BYTES[2]);
    list
}

/// Boxes of a fold's cells: cut where its parts end, and along the slowest axes into boxes of about
/// `target_cells`, at the sources' block edges if asked.
fn fold_partition(fold: &FoldPass, target_cells: u64, at_blocks: bool) -> Partition {
    let ndim = fold.shape.len();
    let mut left = target_cells.max(1);
    let mut lens = fold.shape.clone();
    // Fast axes stay whole as long as the box may be that large.
    for len in &mut lens {
        let whole = (*len).max(1);
        *len = whole.min(left);
        left = (left / whole).max(1);
    }
    let cuts_along = |axis: usize| {
        let input_axis = if axis < fold.axis { axis } else { axis + 1 };
        let of_part = |part: &Part| {
            let blocks = part.feed.leaves.iter().filter_map(|leaf| leaf.block_along(input_axis));
            let (block, first) = blocks.max().filter(|_| at_blocks).unwrap_or((1, 0));
            let step = (lens[axis] / block).max(1) * block;
            let (start, end) = (part.cells.start()[axis], part.cells.end(axis));
            Cuts { start, end, first, step, block }
        };
        fold.parts.iter().map(of_part).collect()
    };
    let cuts: Vec<Vec<Cuts>> = (0..ndim).map(cuts_along).collect();
    Partition::new(&fold.shape, &cuts)
}

fn map_tiles(map: &MapPass, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    for (target, at_blocks) in [(1 << 20, true), (256 << 10, true), (64 << 10, false), (0, false)] {
        let tiles = map_partition(map, target, at_blocks);
        let largest = tiles.largest();
        let mut sizes = WorkerSizes::default();
        for (region, feed) in &map.pieces {
            sizes.cover(feed, &clip(&largest, region.shape()));
        }
        sizes.out_bytes = elements(&largest).saturating_mul(map.dtype.size() as u64);
        for workers in (1..=threads.min(tiles.len().max(1) as usize)).rev() {
            list.push(Schedule {
                workers,
                read_ahead: false,
                blocks: Blocks::Tiles(tiles.clone()),
                read_target_bytes: target,
                rows: Vec::new(),
                sizes: sizes.clone(),
                shared_bytes: 0,
            });
        }
    }
    list
}

/// Boxes of a mapped array: whole blocks of its sources, fast axes first, near `target_bytes`.
fn map_partition(map: &MapPass, target_bytes: u64, at_blocks: bool) -> Partition {
    let ndim = map.shape.len();
    let mut cuts = vec![Vec::new(); ndim];
    for (region, feed) in &map.pieces {
        let item = feed.leaves.iter().map(Leaf::element_bytes).max().unwrap_or(8);
        let blocks: Vec<Option<(u64, u64)>> = (0..ndim)
            .map(|axis| {
                let of = feed.leaves.iter().filter_map(|leaf| leaf.block_along(axis)).max();
                of.filter(|_| at_blocks)
            })
            .collect();
        let mut lens: Vec<u64> = (0..ndim)
            .map(|axis| blocks[axis].map_or(1, |b| b.0).min(region.shape()[axis]).max(1))
            .collect();
        for axis in 0..ndim {
            let others = elements(&lens) / lens[axis];
            let wanted = (target_bytes / (others * item).max(1)).min(region.shape()[axis]);
            if wanted > lens[axis] {
                lens[axis] = wanted - wanted % lens[axis];
            }
            // Growing a slower axis before this one is whole would not lengthen any run of bytes.
            if lens[axis] < region.shape()[axis] {
                break;
            }
        }
        for axis in 0..ndim {
            let (block, first) = blocks[axis].unwrap_or((1, 0));
            let (start, end) = (region.start()[axis], region.end(axis));
            cuts[axis].push(Cuts { start, end, first, step: lens[axis], block });
        }
    }
    Partition::new(&map.shape, &cuts)
}

/// Makes room for finishing a tile of a fold's results.
fn cover_finish(sizes: &mut WorkerSizes, fold: &FoldPass, tile: &[u64]) {
    for output in &fold.outputs {
        let program = &output.program;
        sizes.register_bytes = sizes.register_bytes.max(program.register_bytes());
        sizes.input_count = sizes.input_count.max(output.inputs.len() as u64);
        let bytes = elements(tile).saturating_mul(program.dtype().size() as u64);
        sizes.out_bytes = sizes.out_bytes.max(bytes);
    }
}

fn state_bytes(cells: &[u64], kind: &StateKind) -> u64 {
    elements(cells).saturating_mul(kind.cell_bytes())
}

fn elements(shape: &[u64]) -> u64 {
    shape.iter().fold(1, |n, &len| n.saturating_mul(len))
}

fn clip(shape: &[u64], to: &[u64]) -> Vec<u64> {
    shape.iter().zip(to).map(|(&a, &b)| a.min(b)).collect()
}
