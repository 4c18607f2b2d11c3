//! Does a pass fit the budget, and in what pieces?
//!
//! Tries arrangements from the fastest to the smallest and takes the first whose bytes fit. Every
//! number is a closed formula of header facts (`docs/decisions/0004-memory-plan.md`); nothing is
//! measured at run time.

use super::error::PlanError;
use super::pass::{Emit, Form, Output, Part, Pass, Sum};
use super::sizes::WorkerSizes;
use super::{Layout, ResultMemory};
use crate::feed::{Feed, FeedSizes};
use crate::grid::{Cuts, Partition, Region, saturating_count};
use crate::runtime::{FIXED_BYTES, Session};

/// How a pass is carried out.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Workers that compute.
    pub(crate) workers: usize,
    /// One more thread a worker reads ahead of it.
    pub(crate) read_ahead: bool,
    pub(crate) blocks: Blocks,
    /// For each part: how many rows of the walk a step takes. The largest tile decides; more for a
    /// smaller tile could need a larger buffer.
    pub(crate) rows: Vec<u64>,
    /// Windows stay in memory between the two phases of a tile.
    pub(crate) keep: bool,
    /// The buffers of each worker.
    pub(crate) sizes: WorkerSizes,
    /// Leased once: states that outlive a worker's unit.
    pub(crate) shared_bytes: u64,
    /// Rows that are put together before they are handed on; 0 where boxes go on as they come.
    pub(crate) regroup_rows: u64,
    /// Part of `shared_bytes`.
    pub(crate) regroup_bytes: u64,
    /// The largest box that is handed on.
    emitted: Vec<u64>,
}

/// What a worker takes at a time.
#[derive(Debug)]
pub(crate) enum Blocks {
    /// Boxes of the result; their input is read by region.
    Tiles(Partition),
    /// Parts, read front to back.
    Parts {
        /// The boxes that each output is finished in.
        finish: Vec<Partition>,
        /// Boxes of cells that are summed one after the other, each by reading all parts again; `None`
        /// where one reading is enough for all.
        slabs: Option<Partition>,
    },
}

impl Schedule {
    /// Bytes leased at once by the pass.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.shared_bytes.saturating_add((self.workers as u64).saturating_mul(self.sizes.total()))
    }

    /// How often the parts are read.
    pub(crate) fn readings(&self) -> u64 {
        match &self.blocks {
            Blocks::Parts { slabs: Some(slabs), .. } => slabs.len(),
            _ => 1,
        }
    }

    /// Makes room for the rows of one block of where the only emit goes.
    fn regroup(&mut self, pass: &Pass, grid: &[u64]) {
        let Some(emit) = pass.emits.first() else { return };
        let mut shape = emit.shape.clone();
        if let (Some(rows), Some(&block)) = (shape.last_mut(), grid.last()) {
            self.regroup_rows = block.clamp(1, (*rows).max(1));
            *rows = self.regroup_rows;
        }
        self.regroup_bytes = saturating_count(&shape).saturating_mul(emit.dtype.size() as u64);
        self.shared_bytes = self.shared_bytes.saturating_add(self.regroup_bytes);
        self.emitted = shape;
    }
}

/// Slabs a reader may be ahead of its worker, beside the one being summed.
const READ_AHEAD_SLABS: u64 = 2;

const TILE_CELLS: u64 = 64 << 10;
const READ_BYTES: [u64; 3] = [1 << 20, 256 << 10, 0];

/// What is in memory while any pass runs.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "units end a name")]
pub(super) struct Beside {
    /// The arrays asked for.
    pub(super) result_bytes: u64,
    /// Results of one pass that a later one reads.
    pub(super) held_bytes: u64,
    /// The plan itself, and what it was made from.
    pub(super) tables_bytes: u64,
}

impl Beside {
    fn total(self) -> u64 {
        self.result_bytes.saturating_add(self.held_bytes).saturating_add(self.tables_bytes)
    }
}

/// The first arrangement of `pass` that fits beside what is there anyway.
pub(super) fn fit(
    pass: &Pass,
    beside: Beside,
    layout: &Layout<'_>,
    session: &Session,
) -> Result<Schedule, PlanError> {
    let constant_bytes = beside.total();
    let available = session.data_bytes().saturating_sub(constant_bytes);
    let mut smallest: Option<Schedule> = None;
    let first = candidates(pass, layout, session.threads()).into_iter();
    for mut schedule in first.chain(by_slabs(pass, layout, session.threads())) {
        if layout.memory == ResultMemory::Blocks {
            schedule.sizes.handed_on = 2;
        }
        schedule.sizes.sink_bytes = layout.sink_bytes.map_or(0, |bytes| bytes(&schedule.emitted));
        let total = schedule.total_bytes();
        if total <= available && constant_bytes <= session.data_bytes() {
            return Ok(schedule);
        }
        if smallest.as_ref().is_none_or(|s| total < s.total_bytes()) {
            smallest = Some(schedule);
        }
    }
    let schedule = smallest.unwrap_or_else(|| whole_parts(pass, 0, 1, false));
    Err(refusal(pass, &schedule, beside, session))
}

fn refusal(pass: &Pass, schedule: &Schedule, beside: Beside, session: &Session) -> PlanError {
    let needed = FIXED_BYTES.saturating_add(beside.total()).saturating_add(schedule.total_bytes());
    // Rounded up to a whole MiB, which is also how it is printed.
    let needed = needed.div_ceil(1 << 20).saturating_mul(1 << 20);
    let result_bytes = beside.result_bytes;
    let mut terms = vec![
        (result_bytes, "the results in memory".to_owned()),
        (beside.held_bytes, "results of an earlier pass".to_owned()),
        (beside.tables_bytes, "the plan of so many runs".to_owned()),
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

/// Arrangements from the fastest to the smallest.
fn candidates(pass: &Pass, layout: &Layout<'_>, threads: usize) -> Vec<Schedule> {
    match &pass.form {
        Form::Fold { .. } if !pass.emits.is_empty() => fold_kept(pass, layout, threads),
        Form::Fold { .. } | Form::Map if pass.is_sequential() => by_parts(pass, layout, threads),
        Form::Mixed => by_parts(pass, layout, threads),
        Form::Fold { .. } => fold_tiles(pass, layout, threads),
        Form::Map => map_tiles(pass, layout, threads),
    }
}

/// Whole parts, longest first, one worker each, with a reader ahead of it where that is possible.
fn by_parts(pass: &Pass, layout: &Layout<'_>, threads: usize) -> Vec<Schedule> {
    // Rows are put together into the receiver's blocks in the order in which they come.
    let regrouped = if pass.emits.is_empty() { None } else { layout.grid.as_ref() };
    let most = if regrouped.is_some() { 1 } else { threads.min(pass.parts.len()).max(1) };
    // Summing alone gains from reading ahead, and only where a thread would have nothing to do.
    let ahead = pass.emits.is_empty()
        && 2 * pass.parts.len() <= threads
        && pass.feeds().all(Feed::can_read_ahead);
    let mut list = Vec::new();
    for read_target_bytes in [2 << 20, 512 << 10, 0] {
        for workers in (1..=most).rev() {
            for read_ahead in [true, false] {
                if ahead || !read_ahead {
                    let mut schedule = whole_parts(pass, read_target_bytes, workers, read_ahead);
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

/// Readings of a stream, at most: more would take longer than to ingest it first.
const MOST_READINGS: u64 = 32;

/// How many are tried.
const READINGS: [u64; 9] = [2, 3, 4, 6, 8, 12, 16, 24, MOST_READINGS];

/// Sums of streams that do not fit at once, slab by slab: each slab reads every stream again. The
/// fastest first, if each worker has a stream of its own to inflate.
fn by_slabs(pass: &Pass, layout: &Layout<'_>, threads: usize) -> impl Iterator<Item = Schedule> {
    let in_time = match &pass.form {
        Form::Fold { axes, .. } => pass.feeds().all(|feed| axes.contains(&feed.walk)),
        Form::Map | Form::Mixed => false,
    };
    let mut tries: Vec<(Partition, usize)> = Vec::new();
    if in_time && pass.is_sequential() && pass.emits.is_empty() {
        let cells = saturating_count(&pass.shape);
        for readings in READINGS {
            let target = whole_rows(&pass.shape, cells.div_ceil(readings));
            let slabs = fold_partition(pass, layout, target, false);
            if slabs.len() > MOST_READINGS {
                break;
            }
            let most = threads.min(pass.parts.len()).max(1);
            tries.extend((1..=most).map(|workers| (slabs.clone(), workers)));
        }
        tries.sort_by_key(|(slabs, workers)| (slabs.len() * 1000 / *workers as u64, slabs.len()));
    }
    tries.into_iter().flat_map(move |(slabs, workers)| {
        READ_BYTES[1..]
            .iter()
            .map(move |&target| slab_schedule(pass, slabs.clone(), workers, target))
    })
}

/// So many cells or some more, so that fast axes are whole and the next one is cut evenly.
fn whole_rows(shape: &[u64], cells: u64) -> u64 {
    let mut row = 1_u64;
    for len in shape.iter().map(|len| (*len).max(1)) {
        if row.saturating_mul(len) > cells {
            break;
        }
        row *= len;
    }
    cells.next_multiple_of(row)
}

fn slab_schedule(
    pass: &Pass,
    slabs: Partition,
    workers: usize,
    read_target_bytes: u64,
) -> Schedule {
    let mut schedule = whole_parts(pass, 0, workers, false);
    let Form::Fold { axes, grouped } = &pass.form else { return schedule };
    let largest = slabs.largest();
    schedule.sizes.feed = FeedSizes::default();
    for (index, part) in pass.parts.iter().enumerate() {
        let cells = Region::whole(&clip(&largest, part.place.shape()));
        let mut step = cells.behind(&part.feed.shape, axes, *grouped).shape().to_vec();
        // A step is whole volumes, whatever is taken out of them.
        let rows = part.feed.step_shape(&part.feed.shape, read_target_bytes)[part.feed.walk];
        step[part.feed.walk] = rows;
        schedule.rows[index] = rows;
        schedule.sizes.feed.cover(&part.feed, &step, true);
    }
    let of_sum = |sum: &Sum| {
        let cells = clip(&largest, sum.cells.shape());
        state_bytes(&cells, sum.kind.cell_bytes())
    };
    schedule.shared_bytes = pass.sums.iter().map(of_sum).fold(0, u64::saturating_add);
    if let Blocks::Parts { slabs: of, .. } = &mut schedule.blocks {
        *of = Some(slabs);
    }
    schedule
}

fn whole_parts(pass: &Pass, read_target_bytes: u64, workers: usize, read_ahead: bool) -> Schedule {
    let finish = |output: &Output| finish_partition(pass, output, TILE_CELLS / 4);
    let tiles: Vec<Partition> = pass.outputs.iter().map(finish).collect();
    let mut sizes = WorkerSizes::default();
    let (mut rows, mut emitted) = (Vec::with_capacity(pass.parts.len()), Vec::new());
    for (index, part) in pass.parts.iter().enumerate() {
        let step = part.feed.step_shape(&part.feed.shape, read_target_bytes);
        emitted = longer(&emitted, &step);
        rows.push(step.get(part.feed.walk).copied().unwrap_or(1));
        sizes.feed.cover(&part.feed, &step, false);
        cover_emits(&mut sizes, pass, index, &step);
    }
    for (output, tiles) in pass.outputs.iter().zip(&tiles) {
        cover_finish(&mut sizes, pass, output, &tiles.largest());
    }
    if read_ahead {
        sizes.ahead = READ_AHEAD_SLABS;
    }
    let shared = pass.sums.iter().map(|sum| state_bytes(sum.cells.shape(), sum.kind.cell_bytes()));
    Schedule {
        workers,
        read_ahead,
        blocks: Blocks::Parts { finish: tiles, slabs: None },
        rows,
        keep: false,
        sizes,
        shared_bytes: shared.fold(0, u64::saturating_add),
        regroup_rows: 0,
        regroup_bytes: 0,
        emitted,
    }
}

fn fold_tiles(pass: &Pass, layout: &Layout<'_>, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    let mut push = |target_cells: u64, at_blocks: bool, workers: usize, read_bytes: u64| {
        let tiles = fold_partition(pass, layout, target_cells, at_blocks);
        list.push(fold_schedule(pass, tiles, workers, read_bytes, false));
    };
    // Enough tiles for every worker, if blocks allow it.
    let cells = saturating_count(&pass.shape);
    let first = TILE_CELLS.min((cells / (2 * threads as u64)).max(1));
    for target in &READ_BYTES[..2] {
        push(first, true, threads, *target);
    }
    for workers in (1..=threads).rev() {
        push(first / 4, true, workers, READ_BYTES[1]);
    }
    // Below the sources' blocks each block is read once a tile: as few tiles as fit.
    let mut below = cells;
    while below > 1 {
        below = below.div_ceil(2);
        push(below, false, 1, READ_BYTES[1]);
    }
    // Few cells of long series: one index of the reduced axis at a time, and a least budget that
    // hardly depends on the number of threads.
    for cells in [16, 1] {
        push(below.clamp(1, cells), false, 1, READ_BYTES[2]);
    }
    list
}

/// A fold and a map over its own result: tiles of whole blocks, each kept until both are done.
fn fold_kept(pass: &Pass, layout: &Layout<'_>, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    for target in [TILE_CELLS / 4, 4 << 10, 512, 1] {
        let tiles = fold_partition(pass, layout, target, true);
        for workers in (1..=threads).rev() {
            list.push(fold_schedule(pass, tiles.clone(), workers, u64::MAX, true));
        }
    }
    list
}

fn fold_schedule(
    pass: &Pass,
    tiles: Partition,
    workers: usize,
    read_target_bytes: u64,
    keep: bool,
) -> Schedule {
    let Form::Fold { axes, grouped } = &pass.form else {
        return whole_parts(pass, read_target_bytes, workers, false);
    };
    let largest = tiles.largest();
    let mut sizes = WorkerSizes::default();
    let (mut rows, mut emitted) = (Vec::with_capacity(pass.parts.len()), Vec::new());
    for (index, part) in pass.parts.iter().enumerate() {
        let cells = Region::whole(&clip(&largest, part.place.shape()));
        let cross = cells.behind(&part.feed.shape, axes, *grouped);
        let step = part.feed.step_shape(cross.shape(), read_target_bytes);
        emitted = longer(&emitted, &step);
        rows.push(step.get(part.feed.walk).copied().unwrap_or(1));
        if keep {
            let mut own = FeedSizes::default();
            own.cover(&part.feed, &step, true);
            sizes.feed.beside(&own);
        } else {
            sizes.feed.cover(&part.feed, &step, false);
        }
        cover_emits(&mut sizes, pass, index, &step);
    }
    for sum in &pass.sums {
        let cells = clip(&largest, sum.cells.shape());
        sizes.state_bytes.push(state_bytes(&cells, sum.kind.cell_bytes()));
    }
    for output in &pass.outputs {
        cover_finish(&mut sizes, pass, output, &largest);
    }
    Schedule {
        workers: workers.min(tiles.len().max(1) as usize),
        read_ahead: false,
        blocks: Blocks::Tiles(tiles),
        rows,
        keep,
        sizes,
        shared_bytes: 0,
        regroup_rows: 0,
        regroup_bytes: 0,
        emitted,
    }
}

/// Boxes of a fold's cells: cut where its parts end, and along the slowest axes into boxes of about
/// `target_cells`, at the sources' block edges if asked. Groups stay whole.
fn fold_partition(
    pass: &Pass,
    layout: &Layout<'_>,
    target_cells: u64,
    at_blocks: bool,
) -> Partition {
    let Form::Fold { axes, grouped } = &pass.form else {
        return Partition::new(&pass.shape, &vec![Vec::new(); pass.shape.len()]);
    };
    // The axis of the feeds behind each axis of the cells; none behind groups.
    let behind: Vec<Option<usize>> = if *grouped {
        (0..pass.shape.len()).map(|axis| (!axes.contains(&axis)).then_some(axis)).collect()
    } else {
        let ndim = pass.shape.len() + axes.len();
        (0..ndim).filter(|axis| !axes.contains(axis)).map(Some).collect()
    };
    let mut left = target_cells.max(1);
    let mut lens = pass.shape.clone();
    // Fast axes stay whole as long as the box may be that large.
    for (axis, len) in lens.iter_mut().enumerate() {
        let whole = (*len).max(1);
        if behind[axis].is_none() {
            continue;
        }
        *len = whole.min(left);
        left = (left / whole).max(1);
    }
    let cuts_along = |axis: usize| {
        let Some(feed_axis) = behind[axis] else { return Vec::new() };
        let of_part = |part: &Part| {
            let block = part.feed.block_along(feed_axis).filter(|_| at_blocks);
            // What is emitted has the feed's axes.
            let block = layout.block(feed_axis).filter(|_| !pass.emits.is_empty()).or(block);
            let (block, first) = block.unwrap_or((1, 0));
            let step = (lens[axis] / block).max(1) * block;
            let (start, end) = (part.place.start()[axis], part.place.end(axis));
            Cuts { start, end, first, step, block }
        };
        pass.parts.iter().map(of_part).collect()
    };
    let cuts: Vec<Vec<Cuts>> = (0..pass.shape.len()).map(cuts_along).collect();
    Partition::new(&pass.shape, &cuts)
}

/// Boxes that a result is finished in: about so many cells, fast axes whole first, cut where the sums
/// it is made of end.
fn finish_partition(pass: &Pass, output: &Output, target: u64) -> Partition {
    let mut left = target.max(1);
    let of_output = output.inputs.iter().flat_map(|&input| &pass.reductions[input].sums);
    let sums: Vec<&Sum> = of_output.map(|&sum| &pass.sums[sum]).collect();
    let mut cuts = Vec::with_capacity(output.shape.len());
    for (axis, &len) in output.shape.iter().enumerate() {
        let step = len.max(1).min(left);
        left = (left / len.max(1)).max(1);
        let cut = |start, end| Cuts { start, end, first: 0, step, block: 1 };
        let mut along: Vec<Cuts> =
            sums.iter().map(|sum| cut(sum.cells.start()[axis], sum.cells.end(axis))).collect();
        along.push(cut(0, len));
        cuts.push(along);
    }
    Partition::new(&output.shape, &cuts)
}

fn map_tiles(pass: &Pass, layout: &Layout<'_>, threads: usize) -> Vec<Schedule> {
    let mut list = Vec::new();
    for (target, at_blocks) in [(1 << 20, true), (256 << 10, true), (64 << 10, false), (0, false)] {
        let tiles = map_partition(pass, layout, target, at_blocks);
        let largest = tiles.largest();
        let mut sizes = WorkerSizes::default();
        let mut rows = Vec::with_capacity(pass.parts.len());
        for (index, part) in pass.parts.iter().enumerate() {
            let step = clip(&largest, part.place.shape());
            rows.push(step.get(part.feed.walk).copied().unwrap_or(1));
            sizes.feed.cover(&part.feed, &step, false);
            cover_emits(&mut sizes, pass, index, &step);
        }
        if layout.grid.is_some() && pass.parts.len() > 1 {
            let item = pass.emits.iter().map(|emit| emit.dtype.size()).max().unwrap_or(8);
            sizes.assembled_bytes = saturating_count(&largest).saturating_mul(item as u64);
        }
        for workers in (1..=threads.min(tiles.len().max(1) as usize)).rev() {
            list.push(Schedule {
                workers,
                read_ahead: false,
                blocks: Blocks::Tiles(tiles.clone()),
                rows: rows.clone(),
                keep: false,
                sizes: sizes.clone(),
                shared_bytes: 0,
                regroup_rows: 0,
                regroup_bytes: 0,
                emitted: largest.clone(),
            });
        }
    }
    list
}

/// Boxes of a mapped array: whole blocks of its sources (or of where it goes), fast axes first, near
/// `target_bytes`.
fn map_partition(
    pass: &Pass,
    layout: &Layout<'_>,
    target_bytes: u64,
    at_blocks: bool,
) -> Partition {
    let ndim = pass.shape.len();
    let mut cuts = vec![Vec::new(); ndim];
    if layout.grid.is_some() {
        let lens = layout.tile(&pass.shape, target_bytes / pass.item_bytes());
        let whole = |axis: usize| {
            let block = layout.block(axis).map_or(1, |(block, _)| block);
            vec![Cuts { start: 0, end: pass.shape[axis], first: 0, step: lens[axis], block }]
        };
        return Partition::new(&pass.shape, &(0..ndim).map(whole).collect::<Vec<_>>());
    }
    for part in &pass.parts {
        let (place, item) = (&part.place, part.feed.element_bytes());
        let blocks: Vec<Option<(u64, u64)>> =
            (0..ndim).map(|axis| part.feed.block_along(axis).filter(|_| at_blocks)).collect();
        let mut lens: Vec<u64> = (0..ndim)
            .map(|axis| blocks[axis].map_or(1, |b| b.0).min(place.shape()[axis]).max(1))
            .collect();
        grow(&mut lens, place.shape(), target_bytes / item.max(1));
        for axis in 0..ndim {
            let (block, first) = blocks[axis].unwrap_or((1, 0));
            let (start, end) = (place.start()[axis], place.end(axis));
            cuts[axis].push(Cuts { start, end, first, step: lens[axis], block });
        }
    }
    Partition::new(&pass.shape, &cuts)
}

/// Makes a box longer, in whole multiples, fast axes first, up to `target` elements.
pub(super) fn grow(lens: &mut [u64], whole: &[u64], target: u64) {
    for axis in 0..lens.len() {
        let others = saturating_count(lens) / lens[axis];
        let wanted = (target / others.max(1)).min(whole[axis]);
        if wanted > lens[axis] {
            let rest = if wanted == whole[axis] { 0 } else { wanted % lens[axis] };
            lens[axis] = wanted - rest;
        }
        // Growing a slower axis before this one is whole would not lengthen any run of bytes.
        if lens[axis] < whole[axis] {
            break;
        }
    }
}

/// Makes room for the boxes that a part hands on.
fn cover_emits(sizes: &mut WorkerSizes, pass: &Pass, part: usize, step: &[u64]) {
    let of_part = |emit: &Emit| {
        let pieces = emit.pieces.iter().filter(|piece| piece.part == part);
        let largest = pieces.map(|piece| {
            saturating_count(&pass.parts[part].feed.branches[piece.branch].shape_of(step))
        });
        let boxes = largest.fold(0, u64::saturating_add);
        boxes.saturating_mul(emit.dtype.size() as u64)
    };
    // Boxes of one step are all filled before they are handed on; one branch may fill several.
    let together = pass.emits.iter().map(of_part).fold(0, u64::saturating_add);
    sizes.out_bytes = sizes.out_bytes.max(together);
}

/// Makes room for finishing a tile of a fold's results.
fn cover_finish(sizes: &mut WorkerSizes, pass: &Pass, output: &Output, tile: &[u64]) {
    sizes.finish_register_bytes = sizes.finish_register_bytes.max(output.program.register_bytes());
    sizes.input_count = sizes.input_count.max(output.inputs.len() as u64);
    let bytes = saturating_count(tile).saturating_mul(output.dtype.size() as u64);
    sizes.out_bytes = sizes.out_bytes.max(bytes);
    for &input in &output.inputs {
        let sums = pass.reductions[input].sums.iter().map(|&sum| &pass.sums[sum]);
        let samples = sums.clone().map(|sum| sum.count).fold(0, u64::saturating_add);
        let scratch = sums.map(|sum| sum.kind.finish_bytes(samples)).max().unwrap_or(0);
        sizes.finish_bytes = sizes.finish_bytes.max(scratch);
    }
}

fn state_bytes(cells: &[u64], cell_bytes: u64) -> u64 {
    saturating_count(cells).saturating_mul(cell_bytes)
}

fn longer(one: &[u64], other: &[u64]) -> Vec<u64> {
    if one.len() != other.len() {
        return other.to_vec();
    }
    one.iter().zip(other).map(|(&a, &b)| a.max(b)).collect()
}

fn clip(shape: &[u64], to: &[u64]) -> Vec<u64> {
    shape.iter().zip(to).map(|(&a, &b)| a.min(b)).collect()
}
