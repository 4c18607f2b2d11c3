//! How is a pass carried out by tiles?
//!
//! A worker owns a box of the result and reads all that it needs. Chooses no box; the plan has.

use super::collect::{Collect, Collects, into_box};
use super::error::ExecError;
use super::finish::finish_tile;
use super::scratch::Scratch;
use super::step::Step;
use super::units::run_units;
use crate::feed::{Phase, Reader};
use crate::grid::{Partition, Region, saturating_count};
use crate::kernel::State;
use crate::plan::{FoldOver, Form, Part, Pass, Schedule, Sum};
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
    let worker = || {
        let mut scratch = Scratch::new(&schedule.sizes, budget)?;
        let states = scratch.states(&pass.sums)?;
        Ok((scratch, states))
    };
    run_units(session, schedule.workers, tiles.len(), worker, |(scratch, states), index| {
        let tile = tiles.get(index);
        if tile.is_empty() {
            return Ok(());
        }
        let unit = Unit { pass, schedule, tile: &tile, emits: to.emits, session };
        match &pass.form {
            Form::Fold(FoldOver { axes, grouped }) => {
                unit.fold(axes, *grouped, to.outputs, scratch, states)
            }
            Form::Map | Form::Mixed => unit.map(scratch),
        }
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

    /// A box of cells: all of their samples into sums, the sums finished, and what follows from them
    /// made of the same samples.
    fn fold(
        &self,
        axes: &[usize],
        grouped: bool,
        outputs: &[Vec<&dyn Collect>],
        scratch: &mut Scratch,
        states: &mut [State],
    ) -> Result<(), ExecError> {
        let pass = self.pass;
        for (state, sum) in states.iter_mut().zip(&pass.sums) {
            let cells = sum.cells.overlap(self.tile).map_or(0, |cells| cells.len());
            state.reset(cells as usize);
        }
        let mut readers: Vec<Option<Reader<'_>>> = Vec::new();
        let mut first_window = 0;
        for (index, part) in pass.parts.iter().enumerate() {
            let here = part.extent.overlap(self.tile);
            let reader = match &here {
                Some(_) => Some(Reader::open(&part.feed, self.schedule.keep, first_window)?),
                None => None,
            };
            readers.push(reader);
            if self.schedule.keep {
                first_window += part.feed.windows.len();
            }
            let (Some(here), Some(reader)) = (here, readers[index].as_mut()) else { continue };
            let cross = cross_of(&here, part, axes, grouped);
            let mut states: Vec<Option<&mut State>> = states.iter_mut().map(Some).collect();
            self.walk(index, reader, &cross, Phase::Samples, &mut states, scratch)?;
            if !self.schedule.keep {
                readers[index] = None;
            }
        }
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
                let cross = cross_of(&here, part, axes, grouped);
                self.walk(index, reader, &cross, Phase::AfterSums, &mut [], scratch)?;
            }
        }
        Ok(())
    }

    fn walk(
        &self,
        index: usize,
        reader: &mut Reader<'_>,
        cross: &Region,
        phase: Phase,
        states: &mut [Option<&mut State>],
        scratch: &mut Scratch,
    ) -> Result<(), ExecError> {
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
        for (from, to) in part.feed.steps(self.schedule.rows[index]) {
            step.take(reader, from..to, Some(cross), states, scratch)?;
            if phase == Phase::Samples {
                let rows = cross.with_axis(part.feed.walk, from, to - from);
                self.session.progress().advance(progress_bytes(part, &rows));
            }
        }
        Ok(())
    }
}

/// The box of a part's feed behind a box of cells: reduced axes are whole.
pub(super) fn cross_of(cells: &Region, part: &Part, axes: &[usize], grouped: bool) -> Region {
    cells.within(&part.extent).behind(&part.feed.shape, axes, grouped)
}

/// Bytes of elements that a box of a part stands for, for progress.
pub(super) fn progress_bytes(part: &Part, of: &Region) -> u64 {
    let whole = saturating_count(&part.feed.shape).max(1);
    let share = u128::from(part.feed.read_bytes()) * u128::from(of.len()) / u128::from(whole);
    share as u64
}
