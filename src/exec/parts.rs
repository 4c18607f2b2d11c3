//! Passes by whole parts: a worker owns a stream, or all of what flows together, from front to back.
//!
//! Results are made when every part has been read to its end and checked.

use std::sync::{Mutex, PoisonError};

use super::ahead::read_ahead;
use super::collect::{Collect, Regroup};
use super::error::ExecError;
use super::finish::finish_tile;
use super::scratch::Scratch;
use super::tiles::read_bytes;
use super::trip::Trip;
use super::units::run_units;
use crate::feed::Reader;
use crate::grid::{Partition, Region};
use crate::kernel::{Fold, State};
use crate::plan::{Pass, Schedule, Sum};
use crate::runtime::{Budget, Session};

/// Carries out a pass by whole parts; returns warnings of its sources. `tiles[k]` are the boxes that
/// output `k` is finished in.
pub(super) fn run(
    pass: &Pass,
    tiles: &[Partition],
    schedule: &Schedule,
    (outputs, emits): (&[&dyn Collect], &[&dyn Collect]),
    budget: &Budget,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    let mut lease = budget.lease("running sums", schedule.shared_bytes)?;
    let mut states = Vec::with_capacity(pass.sums.len());
    for sum in &pass.sums {
        let cells = sum.cells.len();
        let buffer = lease.buffer(cells * sum.kind.cell_bytes())?;
        states.push(Mutex::new(State::new(sum.kind.clone(), cells as usize, buffer)));
    }
    let regrouped = match (emits, schedule.regroup_rows) {
        ([emit], rows) if rows > 0 => {
            let (of, buffer) = (&pass.emits[0], lease.buffer(schedule.regroup_bytes)?);
            Some(Regroup::new(*emit, &of.shape, rows, of.dtype.size(), buffer))
        }
        _ => None,
    };
    let regrouped: Vec<&dyn Collect> = regrouped.iter().map(|r| r as &dyn Collect).collect();
    let emits = if regrouped.is_empty() { emits } else { &regrouped[..] };
    // Longest first: the last file to finish is then a short one. With one worker, in their order.
    let mut order: Vec<usize> = (0..pass.parts.len()).collect();
    if schedule.workers > 1 {
        order.sort_by_key(|&p| std::cmp::Reverse(pass.parts[p].feed.read_bytes()));
    }
    let warnings: Vec<Mutex<Vec<String>>> =
        pass.parts.iter().map(|_| Mutex::new(Vec::new())).collect();
    let worker = || Ok(Scratch::new(&schedule.sizes, budget)?);
    run_units(session, schedule.workers, order.len() as u64, worker, |scratch, unit| {
        let part = order[unit as usize];
        let cells = |sum: &Sum| sum.cells.clone();
        let trip = Trip { pass, part, phase: 0, emits, cells: &cells, session };
        let mut own: Vec<_> = states
            .iter()
            .zip(&pass.sums)
            .map(|(state, sum)| {
                (sum.part == part).then(|| state.lock().unwrap_or_else(PoisonError::into_inner))
            })
            .collect();
        let mut all: Vec<Option<&mut State>> =
            own.iter_mut().map(|state| state.as_deref_mut()).collect();
        let said = run_part(&trip, schedule, &mut all, scratch)?;
        warnings[part].lock().unwrap_or_else(PoisonError::into_inner).extend(said);
        Ok(())
    })?;
    let states: Vec<State> = states
        .into_iter()
        .map(|s| s.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect();
    for ((output, tiles), collect) in pass.outputs.iter().zip(tiles).zip(outputs) {
        run_units(session, schedule.workers, tiles.len(), worker, |scratch, index| {
            let tile = tiles.get(index);
            if tile.is_empty() {
                return Ok(());
            }
            let of_output = |s: usize| {
                let mut reductions = output.inputs.iter().map(|&r| &pass.reductions[r]);
                reductions.any(|reduction| reduction.sums.contains(&s))
            };
            let of_tile: Vec<Option<(&State, Region)>> = states
                .iter()
                .zip(&pass.sums)
                .enumerate()
                .map(|(s, (state, sum))| {
                    let here = of_output(s) && sum.cells.overlap(&tile).is_some();
                    here.then(|| (state, sum.cells.clone()))
                })
                .collect();
            finish_tile(pass, output, &tile, &of_tile, *collect, scratch)
        })?;
    }
    let said = warnings.into_iter().map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(said.flatten().collect())
}

fn run_part(
    trip: &Trip<'_>,
    schedule: &Schedule,
    states: &mut [Option<&mut State>],
    scratch: &mut Scratch,
) -> Result<Vec<String>, ExecError> {
    let part = &trip.pass.parts[trip.part];
    let feed = &part.feed;
    let rows = schedule.rows[trip.part];
    let whole = Region::whole(&feed.shape);
    let done = |from: u64, to: u64| {
        let of = if feed.shape.is_empty() {
            whole.clone()
        } else {
            whole.with_axis(feed.walk, from, to - from)
        };
        trip.session.progress().advance(read_bytes(part, &of));
    };
    if schedule.read_ahead {
        let window = &feed.windows[0];
        let branch = &feed.branches[0];
        let steps = Steps { feed, from: 0, rows };
        let volumes = Steps { feed, from: 0, rows }
            .map(|(from, to)| ((window.base + from as i64) as u64, to - from));
        let mut boxes = steps;
        let free = std::mem::take(&mut scratch.ahead);
        let (said, spare) = read_ahead(&window.source, volumes, free, |bytes| {
            let Some((from, to)) = boxes.next() else { return Ok(()) };
            let of = whole.with_axis(feed.walk, from, to - from);
            for (state, sum) in states.iter_mut().zip(&trip.pass.sums) {
                if let Some(state) = state {
                    let all = Region::whole(sum.cells.shape());
                    let fold =
                        Fold::new(&of, &branch.shape, &sum.reduced, &all, sum.groups.as_ref());
                    state.update_bytes(branch.outputs[0], bytes, None, 0, &fold);
                }
            }
            done(from, to);
            if trip.session.cancel_token().is_cancelled() {
                return Err(ExecError::Cancelled);
            }
            Ok(())
        })?;
        scratch.ahead = spare;
        return Ok(said);
    }
    let mut reader = Reader::open(feed, false, 0)?;
    for (from, to) in (Steps { feed, from: 0, rows }) {
        trip.step(&mut reader, from..to, None, states, scratch)?;
        done(from, to);
    }
    Ok(reader.finish()?)
}

/// The steps of a trip, as rows of its walk.
struct Steps<'f> {
    feed: &'f crate::feed::Feed,
    from: u64,
    rows: u64,
}

impl Iterator for Steps<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        let from = self.from;
        if from >= self.feed.rows() || self.feed.shape.contains(&0) {
            return None;
        }
        self.from = self.feed.next_end(from, self.rows);
        Some((from, self.from))
    }
}
