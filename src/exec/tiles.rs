//! How is a pass carried out by tiles?
//!
//! A worker owns a box of the result and reads all that it needs. Chooses no box; the plan has.

use std::ops::Range;

use super::collect::{Collect, Collects, into_box};
use super::error::ExecError;
use super::finish::finish_tile;
use super::legs::Waiting;
use super::scratch::Scratch;
use super::step::Step;
use super::units::run_units;
use crate::feed::{Phase, Reader};
use crate::grid::{Partition, Region, saturating_count};
use crate::kernel::State;
use crate::plan::{FoldOver, Form, Part, Pass, Schedule, Sum, leg_of};
use crate::runtime::{Budget, Session};

/// Carries out a pass by tiles. With one worker, boxes of a map arrive in order.
pub(super) fn run(
    pass: &Pass,
    tiles: &Partition,
    schedule: &Schedule,
    to: &Collects<'_>,
    budget: &Budget,
    session: &Session,
) -> Result<(), ExecError> {
    let legs = schedule.legs;
    let waiting = Waiting::new(legs);
    let worker = || {
        let mut scratch = Scratch::new(&schedule.sizes, budget)?;
        let states = scratch.states(&pass.sums)?;
        if legs > 1 {
            waiting.lend(scratch.states(&pass.sums)?);
        }
        Ok((scratch, states))
    };
    run_units(session, schedule.workers, tiles.len() * legs, worker, |(scratch, states), index| {
        let (tile, leg) = (tiles.get(index / legs), index % legs);
        if tile.is_empty() {
            return Ok(());
        }
        let unit = Unit { pass, schedule, tile: &tile, emits: to.emits, session };
        let Form::Fold(over) = &pass.form else { return unit.map(scratch) };
        let mut readers = unit.sum(over, leg, scratch, states)?;
        if legs > 1 && !waiting.hand_in(index / legs, states) {
            return Ok(());
        }
        unit.finish(over, &mut readers, to.outputs, scratch, states)
    })
}

/// One tile.
struct Unit<'a> {
    pass: &'a Pass,
    schedule: &'a Schedule,
    tile: &'a Region,
    emits: &'a [&'a dyn Collect],
    session: &'a Session,
}

impl Unit<'_> {
    /// A box of a map. Where the one result's blocks are asked for and a box comes from several files,
    /// it is put together first.
    fn map(&self, scratch: &mut Scratch) -> Result<(), ExecError> {
        let inside = |part: &&Part| part.extent.overlap(self.tile).is_some();
        let mut whole = std::mem::take(&mut scratch.assembled);
        let outcome = match (self.emits, &self.pass.emits[..]) {
            ([collect], [emit])
                if !whole.is_empty() && self.pass.parts.iter().filter(inside).count() > 1 =>
            {
                let item = emit.dtype.size();
                let bytes = self.tile.len() as usize * item;
                let filled = self.fill(&[&into_box(self.tile, item, &mut whole)], scratch);
                filled.and_then(|()| collect.put(self.tile, &whole[..bytes]))
            }
            _ => self.fill(self.emits, scratch),
        };
        scratch.assembled = whole;
        outcome
    }

    /// One step of each part that fills some of the box.
    fn fill(&self, emits: &[&dyn Collect], scratch: &mut Scratch) -> Result<(), ExecError> {
        for (index, part) in self.pass.parts.iter().enumerate() {
            let Some(shared) = part.extent.overlap(self.tile) else { continue };
            let cross = shared.within(&part.extent);
            let walk = part.feed.walk;
            let rows = match cross.shape().get(walk) {
                Some(&len) => cross.start()[walk]..cross.start()[walk] + len,
                None => 0..1,
            };
            let mut reader = Reader::open(&part.feed, false, 0)?;
            let cells = |_: &Sum| Region::whole(&[]);
            let (pass, session) = (self.pass, self.session);
            let step = Step {
                pass,
                part: index,
                phase: Phase::Samples,
                emit_elements: self.schedule.emit_elements,
                emits,
                cells: &cells,
                session,
            };
            step.take(&mut reader, rows, Some(&cross), &mut [], scratch)?;
            self.session.progress().advance(progress_bytes(part, &cross));
        }
        Ok(())
    }

    /// A box of cells: the samples of one leg into sums. Gives the readers whose windows are kept.
    fn sum(
        &self,
        over: &FoldOver,
        leg: u64,
        scratch: &mut Scratch,
        states: &mut [State],
    ) -> Result<Vec<Option<Reader<'_>>>, ExecError> {
        let (pass, schedule) = (self.pass, self.schedule);
        for (state, sum) in states.iter_mut().zip(&pass.sums) {
            let cells = sum.cells.overlap(self.tile).map_or(0, |cells| cells.len());
            state.reset(cells as usize);
        }
        let mut states: Vec<Option<&mut State>> = states.iter_mut().map(Some).collect();
        let here = |part: &Part| part.extent.overlap(self.tile);
        let steps: Vec<u64> = (pass.parts.iter().zip(&schedule.rows))
            .map(|(part, &rows)| here(part).map_or(0, |_| part.feed.steps(rows).count() as u64))
            .collect();
        let of_leg = leg_of(schedule.legs, leg, steps.iter().sum());
        let mut readers: Vec<Option<Reader<'_>>> = Vec::new();
        let (mut first_window, mut first_step) = (0, 0);
        for (index, part) in pass.parts.iter().enumerate() {
            let [from, to] = [of_leg.start, of_leg.end]
                .map(|step| step.clamp(first_step, first_step + steps[index]) - first_step);
            first_step += steps[index];
            readers.push(None);
            if let Some(here) = here(part).filter(|_| from < to) {
                let mut reader = Reader::open(&part.feed, schedule.keep, first_window)?;
                let cross = cross_of(&here, part, over);
                let walk =
                    Walk { part: index, cross: &cross, phase: Phase::Samples, steps: from..to };
                self.walk(walk, &mut reader, &mut states, scratch)?;
                readers[index] = schedule.keep.then_some(reader);
            }
            if schedule.keep {
                first_window += part.feed.windows.len();
            }
        }
        Ok(readers)
    }

    /// The sums of a box of cells finished, and what follows from them made of the same samples.
    fn finish(
        &self,
        over: &FoldOver,
        readers: &mut [Option<Reader<'_>>],
        outputs: &[Vec<&dyn Collect>],
        scratch: &mut Scratch,
        states: &[State],
    ) -> Result<(), ExecError> {
        let pass = self.pass;
        let of_tile: Vec<Option<(&State, Region)>> = states
            .iter()
            .zip(&pass.sums)
            .map(|(state, sum)| sum.cells.overlap(self.tile).map(|cells| (state, cells)))
            .collect();
        for (output, collects) in pass.outputs.iter().zip(outputs) {
            finish_tile(pass, output, self.tile, &of_tile, collects, scratch)?;
        }
        for (index, part) in pass.parts.iter().enumerate() {
            if let (Some(here), Some(reader)) =
                (part.extent.overlap(self.tile), &mut readers[index])
            {
                let cross = cross_of(&here, part, over);
                let phase = Phase::AfterSums;
                let walk = Walk { part: index, cross: &cross, phase, steps: 0..u64::MAX };
                self.walk(walk, reader, &mut [], scratch)?;
            }
        }
        Ok(())
    }

    fn walk(
        &self,
        walk: Walk<'_>,
        reader: &mut Reader<'_>,
        states: &mut [Option<&mut State>],
        scratch: &mut Scratch,
    ) -> Result<(), ExecError> {
        let Walk { part: index, cross, phase, steps } = walk;
        let part = &self.pass.parts[index];
        if part.feed.branches.iter().all(|branch| branch.phase != phase) {
            return Ok(());
        }
        let cells = |sum: &Sum| sum.cells.overlap(self.tile).unwrap_or_else(|| Region::whole(&[]));
        let (pass, emits, session) = (self.pass, self.emits, self.session);
        let emit_elements = self.schedule.emit_elements;
        let step = Step { pass, part: index, phase, emit_elements, emits, cells: &cells, session };
        // All of a kept tile is read at once; the steps that follow find it in memory.
        if self.schedule.keep {
            reader.step((0, part.feed.rows()), Some(cross), phase, &mut scratch.feed)?;
        }
        let of_walk = (steps.end - steps.start) as usize;
        for (from, to) in
            part.feed.steps(self.schedule.rows[index]).skip(steps.start as usize).take(of_walk)
        {
            step.take(reader, from..to, Some(cross), states, scratch)?;
            if phase == Phase::Samples {
                let rows = cross.with_axis(part.feed.walk, from, to - from);
                self.session.progress().advance(progress_bytes(part, &rows));
            }
        }
        Ok(())
    }
}

/// Some steps of a part of a tile.
struct Walk<'a> {
    part: usize,
    /// Its box behind the tile.
    cross: &'a Region,
    phase: Phase,
    steps: Range<u64>,
}

/// The box of a part's feed behind a box of cells: reduced axes are whole.
pub(super) fn cross_of(cells: &Region, part: &Part, over: &FoldOver) -> Region {
    cells.within(&part.extent).behind(&part.feed.shape, &over.axes, over.grouped)
}

/// Bytes of elements that a box of a part stands for, for progress.
pub(super) fn progress_bytes(part: &Part, of: &Region) -> u64 {
    let whole = saturating_count(&part.feed.shape).max(1);
    let share = u128::from(part.feed.read_bytes()) * u128::from(of.len()) / u128::from(whole);
    share as u64
}
