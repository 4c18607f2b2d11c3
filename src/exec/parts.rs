//! How is a pass carried out by whole parts?
//!
//! A worker owns a stream, or all of what flows together, from front to back. Results are made when every part has been read to its end and checked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ahead::read_ahead;
use super::collect::{Collect, Collects, Regroup};
use super::error::ExecError;
use super::finish::finish_tile;
use super::scratch::Scratch;
use super::step::Step;
use super::tiles::{cross_of, progress_bytes};
use super::units::run_units;
use super::waiting_sums::{fetch, send};
use crate::buffer::Buffer;
use crate::feed::{Phase, Reader};
use crate::grid::{Partition, Region};
use crate::kernel::{Fold, State};
use crate::plan::{Form, Part, Pass, Schedule, Sum, SumsIn, WaitingSums};
use crate::runtime::{Budget, Session};

/// How the cells of a pass are cut.
pub(super) struct Boxes<'a> {
    /// For each output, the boxes it is finished in.
    pub(super) finish: &'a [Partition],
    /// Where sums are until then.
    pub(super) sums: &'a SumsIn,
}

/// Carries out a pass by whole parts; returns warnings of its sources.
pub(super) fn run(
    pass: &Pass,
    boxes: &Boxes<'_>,
    schedule: &Schedule,
    to: &Collects<'_>,
    budget: &Budget,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    let mut lease = budget.lease("running sums", schedule.shared_bytes)?;
    let (slabs, waiting) = match boxes.sums {
        SumsIn::Memory => (None, None),
        SumsIn::Slabs(slabs) => (Some(slabs), None),
        SumsIn::Disk(waiting) => (None, Some(waiting)),
    };
    let largest = slabs.map(Partition::largest);
    let mut states = Vec::with_capacity(pass.sums.len());
    for sum in pass.sums.iter().filter(|_| waiting.is_none()) {
        let cells = sum.most_cells(largest.as_deref());
        let buffer = lease.buffer(sum.state_bytes(cells))?;
        states.push(Mutex::new(State::new(sum.kind.clone(), 0, buffer)));
    }
    let regroup = match (to.emits, schedule.regroup_rows) {
        ([emit], rows) if rows > 0 => {
            let (of, buffer) = (&pass.emits[0], lease.buffer(schedule.regroup_bytes)?);
            Some(Regroup::new(*emit, &of.shape, rows, of.dtype.size(), buffer))
        }
        _ => None,
    };
    let regrouped: Option<[&dyn Collect; 1]> = regroup.as_ref().map(|regroup| [regroup as _]);
    let emits = regrouped.as_ref().map_or(to.emits, |one| &one[..]);
    let states = &mut states;
    let mut reading = Reading { pass, schedule, slab: None, states, waiting, budget, session };
    let mut said = Vec::new();
    for index in 0..schedule.readings() {
        match slabs.map(|slabs| slabs.get(index)) {
            Some(slab) if slab.is_empty() => continue,
            Some(slab) => reading.slab = Some(slab),
            None => {}
        }
        said.extend(reading.sum(emits)?);
        reading.finish(boxes.finish, to.outputs)?;
    }
    Ok(said)
}

/// All parts read once, for all cells or for one slab of them.
struct Reading<'a> {
    pass: &'a Pass,
    schedule: &'a Schedule,
    slab: Option<Region>,
    /// One a sum; none where sums wait on disk.
    states: &'a mut [Mutex<State>],
    waiting: Option<&'a WaitingSums>,
    budget: &'a Budget,
    session: &'a Session,
}

impl Reading<'_> {
    /// The sums of a part, empty for the cells of the slab. Whoever will add to them clears them, and so is the first
    /// to touch their pages.
    fn begin(&self, part: usize) -> Vec<Option<MutexGuard<'_, State>>> {
        let own = self.states.iter().zip(&self.pass.sums).map(|(state, sum)| {
            let mut state =
                (sum.part == part).then(|| state.lock().unwrap_or_else(PoisonError::into_inner))?;
            state.reset(self.cells(sum).map_or(0, |cells| cells.len()) as usize);
            Some(state)
        });
        own.collect()
    }

    /// The cells that a sum has a state for; `None` where the slab has none of its.
    fn cells(&self, sum: &Sum) -> Option<Region> {
        match &self.slab {
            Some(slab) => sum.cells.overlap(slab),
            None => Some(sum.cells.clone()),
        }
    }

    /// True where the slab has no cell of a part.
    fn passes_by(&self, part: &Part) -> bool {
        self.slab.as_ref().is_some_and(|slab| part.extent.overlap(slab).is_none())
    }

    /// The box of a part's feed behind the slab; all of it where there is none.
    fn cross(&self, part: &Part) -> Option<Region> {
        let Form::Fold(over) = &self.pass.form else { return None };
        let cells = part.extent.overlap(self.slab.as_ref()?)?;
        Some(cross_of(&cells, part, over))
    }

    /// Reads every part front to back into its sums; returns warnings of its sources.
    fn sum(&self, emits: &[&dyn Collect]) -> Result<Vec<String>, ExecError> {
        let (pass, schedule, session) = (self.pass, self.schedule, self.session);
        // Longest first: the last file to finish is then a short one. With one worker, in their order.
        let mut order: Vec<usize> = (0..pass.parts.len()).collect();
        if schedule.workers > 1 {
            order.sort_by_key(|&p| std::cmp::Reverse(pass.parts[p].feed.read_bytes()));
        }
        let warnings: Vec<Mutex<Vec<String>>> =
            pass.parts.iter().map(|_| Mutex::new(Vec::new())).collect();
        let worker = || {
            let mut scratch = Scratch::new(&schedule.sizes, self.budget)?;
            let rooms = scratch.part_rooms()?;
            Ok((scratch, rooms))
        };
        let units = order.len() as u64;
        run_units(session, schedule.workers, units, worker, |(scratch, rooms), unit| {
            let part = order[unit as usize];
            if !self.passes_by(&pass.parts[part]) {
                let said = self.sum_part(part, emits, scratch, rooms)?;
                warnings[part].lock().unwrap_or_else(PoisonError::into_inner).extend(said);
            }
            Ok(())
        })?;
        let said =
            warnings.into_iter().map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(said.flatten().collect())
    }

    /// Reads a part front to back into its sums, and brings them to disk where they wait there; returns warnings of its
    /// sources.
    fn sum_part(
        &self,
        part: usize,
        emits: &[&dyn Collect],
        scratch: &mut Scratch,
        rooms: &mut Vec<Buffer>,
    ) -> Result<Vec<String>, ExecError> {
        let (pass, schedule, session) = (self.pass, self.schedule, self.session);
        let cross = self.cross(&pass.parts[part]);
        let cells = |sum: &Sum| self.cells(sum).unwrap_or_else(|| Region::whole(&[]));
        let (phase, emit_elements) = (Phase::Samples, schedule.emit_elements);
        let step = Step { pass, part, phase, emit_elements, emits, cells: &cells, session };
        let Some(waiting) = self.waiting else {
            let mut own = self.begin(part);
            let mut own: Vec<_> = own.iter_mut().map(|state| state.as_deref_mut()).collect();
            return run_part(&step, schedule, cross.as_ref(), &mut own, scratch);
        };
        let mut own = begin_apart(pass, part, rooms);
        let mut all: Vec<_> = own.iter_mut().map(Option::as_mut).collect();
        let said = run_part(&step, schedule, cross.as_ref(), &mut all, scratch)?;
        for (index, state) in own.iter().enumerate() {
            if let Some(state) = state {
                send(waiting, index, &pass.sums[index], state, scratch)?;
            }
        }
        let used = own.into_iter().flatten().map(State::into_buffer);
        rooms.splice(..0, used.collect::<Vec<_>>());
        Ok(said)
    }

    /// Makes results of the sums, once every part has been read to its end and checked: a unit a tile of
    /// an output.
    fn finish(
        &mut self,
        boxes: &[Partition],
        outputs: &[Vec<&dyn Collect>],
    ) -> Result<(), ExecError> {
        let (pass, schedule) = (self.pass, self.schedule);
        let cells: Vec<Option<Region>> = pass.sums.iter().map(|sum| self.cells(sum)).collect();
        let states: Vec<&State> = self
            .states
            .iter_mut()
            .map(|s| &*s.get_mut().unwrap_or_else(PoisonError::into_inner))
            .collect();
        // The number of each output's first unit.
        let mut count = 0;
        let firsts: Vec<u64> = boxes
            .iter()
            .map(|tiles| {
                count += tiles.len();
                count - tiles.len()
            })
            .collect();
        let sizes = schedule.sizes.when_read();
        let worker = || {
            let mut scratch = Scratch::new(&sizes, self.budget)?;
            // None but where sums wait on disk.
            let fetched = scratch.states(&pass.sums)?;
            Ok((scratch, fetched))
        };
        let workers = schedule.finishing_workers(self.session.threads().min(count as usize));
        run_units(self.session, workers, count, worker, |(scratch, fetched), unit| {
            let at = firsts.partition_point(|first| *first <= unit) - 1;
            let output = &pass.outputs[at];
            let tile = boxes[at].get(unit - firsts[at]);
            let tile = self.slab.as_ref().map_or(Some(tile.clone()), |slab| tile.overlap(slab));
            let Some(tile) = tile.filter(|tile| !tile.is_empty()) else { return Ok(()) };
            let mut here: Vec<Option<Region>> = vec![None; pass.sums.len()];
            for sum in output.sums(pass) {
                here[sum] = match self.waiting {
                    Some(_) if here[sum].is_some() => continue,
                    Some(waiting) => {
                        fetch(waiting, sum, &pass.sums[sum], &tile, (&mut fetched[sum], scratch))?
                    }
                    None => cells[sum].clone().filter(|cells| cells.overlap(&tile).is_some()),
                };
            }
            let all = states.iter().copied().chain(&*fetched);
            let of_tile: Vec<Option<(&State, Region)>> =
                all.zip(here).map(|(state, cells)| Some((state, cells?))).collect();
            finish_tile(pass, output, &tile, &of_tile, &outputs[at], scratch)
        })
    }
}

/// The sums of a part, empty, in a worker's room for them: the first room for the first sum of any part.
fn begin_apart(pass: &Pass, part: usize, rooms: &mut Vec<Buffer>) -> Vec<Option<State>> {
    let mut free = std::mem::take(rooms).into_iter();
    let own = pass.sums.iter().map(|sum| {
        (sum.part == part).then(|| {
            let room = free.next().expect("room for the sums of each part");
            State::new(sum.kind.clone(), sum.cells.len() as usize, room)
        })
    });
    let own = own.collect();
    rooms.extend(free);
    own
}

fn run_part(
    step: &Step<'_>,
    schedule: &Schedule,
    cross: Option<&Region>,
    states: &mut [Option<&mut State>],
    scratch: &mut Scratch,
) -> Result<Vec<String>, ExecError> {
    let part = &step.pass.parts[step.part];
    let feed = &part.feed;
    let rows = schedule.rows[step.part];
    let whole = Region::whole(&feed.shape);
    let done = |from: u64, to: u64| {
        let of = if feed.shape.is_empty() {
            whole.clone()
        } else {
            whole.with_axis(feed.walk, from, to - from)
        };
        step.session.progress().advance(progress_bytes(part, &of));
    };
    if schedule.read_ahead {
        let window = &feed.windows[0];
        let branch = &feed.branches[0];
        // The reader's thread goes through the steps as well.
        let mut steps = feed.steps(rows);
        let volumes =
            feed.steps(rows).map(|(from, to)| ((window.base + from as i64) as u64, to - from));
        let free = std::mem::take(&mut scratch.ahead);
        let (said, spare) = read_ahead(&window.source, volumes, free, |bytes| {
            let Some((from, to)) = steps.next() else { return Ok(()) };
            let of = whole.with_axis(feed.walk, from, to - from);
            for (state, sum) in states.iter_mut().zip(&step.pass.sums) {
                if let Some(state) = state {
                    let all = Region::whole(sum.cells.shape());
                    let fold =
                        Fold::new(&of, &branch.shape, &sum.reduced, &all, sum.groups.as_ref());
                    state.update_bytes(branch.outputs[0], bytes, None, 0, &fold);
                }
            }
            done(from, to);
            if step.session.cancel_token().is_cancelled() {
                return Err(ExecError::Cancelled);
            }
            Ok(())
        })?;
        scratch.ahead = spare;
        return Ok(said);
    }
    // Where less than whole volumes is taken out of a stream, they are held in windows.
    let mut reader = Reader::open(feed, cross.is_some(), 0)?;
    for (from, to) in feed.steps(rows) {
        step.take(&mut reader, from..to, cross, states, scratch)?;
        done(from, to);
    }
    Ok(reader.finish()?)
}
