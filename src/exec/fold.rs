//! Folds: parts summed into states, states finished into outputs.

use std::sync::{Mutex, PoisonError};

use super::collect::Collect;
use super::error::ExecError;
use super::map::Slabs;
use super::reader::{FeedReader, evaluate, read_ahead};
use super::scratch::Scratch;
use crate::dtype::with_dtype;
use crate::grid::{Partition, Region};
use crate::kernel::{Fold, Part as Samples, Place, State, StateKind, TILE, finish};
use crate::plan::{Blocks, FoldPass, Output, Part, Schedule, slab_shape};
use crate::runtime::{Budget, Session};

use super::units::run_units;

/// Carries out a fold; returns warnings of its sources. `collects[k]` takes output `k`.
pub(super) fn run(
    fold: &FoldPass,
    schedule: &Schedule,
    collects: &[&dyn Collect],
    budget: &Budget,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    match &schedule.blocks {
        Blocks::Tiles(tiles) => {
            run_tiles(fold, tiles, schedule, collects, budget, session)?;
            Ok(Vec::new())
        }
        Blocks::Streams(tiles) => run_streams(fold, tiles, schedule, collects, budget, session),
    }
}

/// A worker owns a tile of cells: sums all parts for it, then finishes it.
fn run_tiles(
    fold: &FoldPass,
    tiles: &Partition,
    schedule: &Schedule,
    collects: &[&dyn Collect],
    budget: &Budget,
    session: &Session,
) -> Result<(), ExecError> {
    let kinds: Vec<StateKind> = fold.parts.iter().map(|part| part.kind.clone()).collect();
    let worker = || {
        let mut scratch = Scratch::new(&schedule.sizes, budget)?;
        let states = scratch.states(&kinds)?;
        Ok((scratch, states))
    };
    run_units(session, schedule.workers, tiles.len(), worker, |(scratch, states), index| {
        let tile = tiles.get(index);
        if tile.is_empty() {
            return Ok(());
        }
        for ((part, state), &rows) in fold.parts.iter().zip(&mut *states).zip(&schedule.rows) {
            if part.cells.overlap(&tile).is_some() {
                sum_tile(fold, part, &tile, rows, state, scratch, session)?;
            }
        }
        let of_tile: Vec<Option<(&State, &Region)>> = fold
            .parts
            .iter()
            .zip(&*states)
            .map(|(part, state)| part.cells.overlap(&tile).map(|_| (state, &tile)))
            .collect();
        finish_tile(fold, &tile, &of_tile, collects, scratch)
    })
}

fn sum_tile(
    fold: &FoldPass,
    part: &Part,
    tile: &Region,
    rows: u64,
    state: &mut State,
    scratch: &mut Scratch,
    session: &Session,
) -> Result<(), ExecError> {
    state.reset(tile.len() as usize);
    let mut reader = FeedReader::open(&part.feed)?;
    // The tile in the feed's own indices, with the reduced axis back in its place.
    let mut start: Vec<u64> =
        tile.start().iter().zip(part.cells.start()).map(|(&t, &c)| t - c).collect();
    let mut shape = tile.shape().to_vec();
    start.insert(fold.axis, 0);
    shape.insert(fold.axis, 1);
    let cells = Region::new(without(&start, fold.axis), tile.shape().to_vec());
    let whole = Region::new(start, shape);
    let mut from = 0;
    while from < part.count {
        let end = part.feed.next_end(fold.axis, from, rows);
        sum_block(
            fold,
            &mut reader,
            &whole.with_axis(fold.axis, from, end - from),
            &cells,
            state,
            scratch,
        )?;
        done(session, part, tile.len() * (end - from))?;
        from = end;
    }
    Ok(())
}

/// Reads a block and adds it to the state of `cells`.
fn sum_block(
    fold: &FoldPass,
    reader: &mut FeedReader<'_>,
    block: &Region,
    cells: &Region,
    state: &mut State,
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    reader.read(block, &mut scratch.leaves)?;
    let feed = reader.feed();
    let how = Fold::new(block, &feed.shape, &[fold.axis], cells, None);
    evaluate(feed, block.len() as usize, scratch, |at, bytes| {
        state.update_bytes(feed.dtype, bytes, None, at, &how);
    });
    Ok(())
}

fn without(list: &[u64], axis: usize) -> Vec<u64> {
    let mut list = list.to_vec();
    list.remove(axis);
    list
}

fn done(session: &Session, part: &Part, elements: u64) -> Result<(), ExecError> {
    let bytes: u64 = part.feed.leaves.iter().map(|l| elements * l.element_bytes()).sum();
    session.progress().advance(bytes);
    if session.cancel_token().is_cancelled() { Err(ExecError::Cancelled) } else { Ok(()) }
}

/// A worker owns a stream: sums all of it into the part's own state. When all are done, tiles of
/// the results are finished.
fn run_streams(
    fold: &FoldPass,
    tiles: &Partition,
    schedule: &Schedule,
    collects: &[&dyn Collect],
    budget: &Budget,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    let mut lease = budget.lease("running sums", schedule.shared_bytes)?;
    let mut states = Vec::with_capacity(fold.parts.len());
    for part in &fold.parts {
        let cells = part.cells.len();
        let buffer = lease.buffer(cells * part.kind.cell_bytes())?;
        states.push(Mutex::new(State::new(part.kind.clone(), cells as usize, buffer)));
    }
    // Longest first: the last file to finish is then a short one.
    let mut order: Vec<usize> = (0..fold.parts.len()).collect();
    order.sort_by_key(|&p| std::cmp::Reverse(fold.parts[p].feed.read_bytes()));
    let warnings: Vec<Mutex<Vec<String>>> =
        fold.parts.iter().map(|_| Mutex::new(Vec::new())).collect();
    let worker = || Ok(Scratch::new(&schedule.sizes, budget)?);
    run_units(session, schedule.workers, order.len() as u64, worker, |scratch, unit| {
        let p = order[unit as usize];
        let mut state = states[p].lock().unwrap_or_else(PoisonError::into_inner);
        let said = sum_stream(fold, &fold.parts[p], &mut state, schedule, scratch, session)?;
        warnings[p].lock().unwrap_or_else(PoisonError::into_inner).extend(said);
        Ok(())
    })?;
    let states: Vec<State> = states
        .into_iter()
        .map(|s| s.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect();
    run_units(session, schedule.workers, tiles.len(), worker, |scratch, index| {
        let tile = tiles.get(index);
        if tile.is_empty() {
            return Ok(());
        }
        let of_tile: Vec<Option<(&State, &Region)>> = fold
            .parts
            .iter()
            .zip(&states)
            .map(|(part, state)| part.cells.overlap(&tile).map(|_| (state, &part.cells)))
            .collect();
        finish_tile(fold, &tile, &of_tile, collects, scratch)
    })?;
    let said = warnings.into_iter().map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(said.flatten().collect())
}

fn sum_stream(
    fold: &FoldPass,
    part: &Part,
    state: &mut State,
    schedule: &Schedule,
    scratch: &mut Scratch,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    let feed = &part.feed;
    let slabs = Slabs::new(feed, &slab_shape(feed, schedule.read_target_bytes));
    let last = feed.shape.len() - 1;
    let cells = Region::whole(part.cells.shape());
    if schedule.read_ahead {
        let (start, _) = feed.leaves[0].view.run(last);
        let volumes = (0..slabs.len()).map(|index| {
            let slab = slabs.get(index);
            (start + slab.start()[last], slab.shape()[last])
        });
        let free = std::mem::take(&mut scratch.ahead);
        let (said, spare) = read_ahead(&feed.leaves[0], volumes, free, |index, bytes| {
            let slab = slabs.get(index);
            let how = Fold::new(&slab, &feed.shape, &[fold.axis], &cells, None);
            state.update_bytes(feed.dtype, bytes, None, 0, &how);
            done(session, part, slab.len())
        })?;
        scratch.ahead = spare;
        return Ok(said);
    }
    let mut reader = FeedReader::open(feed)?;
    for slab in slabs.iter() {
        sum_block(fold, &mut reader, &slab, &cells, state, scratch)?;
        done(session, part, slab.len())?;
    }
    Ok(reader.finish()?)
}

/// Finishes a tile of every output. `states[p]` is part `p`'s state and the box of cells that it is
/// for, where the tile lies in that box.
fn finish_tile(
    fold: &FoldPass,
    tile: &Region,
    states: &[Option<(&State, &Region)>],
    collects: &[&dyn Collect],
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    for (output, collect) in fold.outputs.iter().zip(collects) {
        finish_output(fold, output, tile, states, scratch)?;
        let bytes = tile.len() as usize * output.program.dtype().size();
        if collect.put(tile, &scratch.out[..bytes]).is_break() {
            return Err(ExecError::Cancelled);
        }
    }
    Ok(())
}

fn finish_output(
    fold: &FoldPass,
    output: &Output,
    tile: &Region,
    states: &[Option<(&State, &Region)>],
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    let run = contiguous_run(tile, states);
    let total = tile.len();
    let size = output.program.dtype().size();
    let nowhere = Place::default();
    let mut at = 0;
    while at < total {
        let len = (run - at % run).min(TILE as u64).min(total - at) as usize;
        for (&r, input) in output.inputs.iter().zip(&mut scratch.inputs) {
            let reduction = &fold.reductions[r];
            let samples: Vec<Samples<'_>> = reduction
                .parts
                .iter()
                .filter_map(|&p| {
                    let part = &fold.parts[p];
                    states[p].map(|(state, cells)| Samples {
                        state,
                        count: part.count,
                        slope: part.slope,
                        inter: part.inter,
                        first_cell: cell_index(tile, at, cells),
                        place: &nowhere,
                    })
                })
                .collect();
            finish(&reduction.op, reduction.dtype, &samples, &mut [], &mut input[..len * 8])
                .map_err(|_| ExecError::SumOverflow { tile: tile.clone() })?;
        }
        let inputs: Vec<&[u8]> = scratch.inputs.iter().map(|buffer| &**buffer).collect();
        let out = &mut scratch.out[at as usize * size..][..len * size];
        with_dtype!(output.program.dtype(), T => {
            let out = bytemuck::cast_slice_mut::<_, T>(out);
            output.program.run::<T>(&inputs, 0, &mut scratch.registers, out);
        });
        at += len as u64;
    }
    Ok(())
}

/// How many cells of the tile, counted from any multiple of it, lie side by side in every state.
fn contiguous_run(tile: &Region, states: &[Option<(&State, &Region)>]) -> u64 {
    let mut axes = tile.ndim();
    for (_, cells) in states.iter().flatten() {
        let same = (0..tile.ndim()).take_while(|&a| tile.shape()[a] == cells.shape()[a]).count();
        axes = axes.min(same + 1);
    }
    tile.shape()[..axes.min(tile.ndim())].iter().product::<u64>().max(1)
}

/// Where cell `at` of the tile lies in a state for the box `cells`.
fn cell_index(tile: &Region, mut at: u64, cells: &Region) -> usize {
    let (mut index, mut stride) = (0, 1);
    for axis in 0..tile.ndim() {
        let coordinate = tile.start()[axis] + at % tile.shape()[axis] - cells.start()[axis];
        at /= tile.shape()[axis];
        index += coordinate * stride;
        stride *= cells.shape()[axis];
    }
    index as usize
}
