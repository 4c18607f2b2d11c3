//! What happens at one step of a trip?
//!
//! Boxes are read, computed, and added to sums or handed on. Which step comes when is for `tiles` and `parts`.

use std::ops::Range;

use super::collect::Collect;
use super::error::ExecError;
use super::scratch::Scratch;
use crate::feed::{Phase, Reader, evaluate};
use crate::grid::Region;
use crate::kernel::{Fold, State};
use crate::plan::{EmitPiece, Pass, Sum};
use crate::runtime::Session;

/// What a step needs to know beside the box it is for.
pub(super) struct Step<'a> {
    pub(super) pass: &'a Pass,
    pub(super) part: usize,
    /// Which branches are made: those that need nothing of the same tile, or those that do.
    pub(super) phase: Phase,
    /// So many elements, about, go there at once.
    pub(super) emit_elements: u64,
    /// What takes the boxes of each emit.
    pub(super) emits: &'a [&'a dyn Collect],
    /// The box of cells that a sum's state stands for, in the result.
    pub(super) cells: &'a dyn Fn(&Sum) -> Region,
    pub(super) session: &'a Session,
}

impl Step<'_> {
    /// Rows `rows` of the walk, within `cross` on the other axes: reads what branches of the phase need,
    /// adds to the states (one a sum of the pass, where it is of this part) and hands boxes on.
    pub(super) fn take(
        &self,
        reader: &mut Reader<'_>,
        rows: Range<u64>,
        cross: Option<&Region>,
        states: &mut [Option<&mut State>],
        scratch: &mut Scratch,
    ) -> Result<(), ExecError> {
        let feed = &self.pass.parts[self.part].feed;
        let boxes = reader.step((rows.start, rows.end), cross, self.phase, &mut scratch.feed)?;
        for (index, (branch, of)) in feed.branches.iter().zip(&boxes).enumerate() {
            let Some(of) = of.as_ref().filter(|of| !of.is_empty()) else { continue };
            reader.load(branch, of, &mut scratch.feed)?;
            let mut sums = self.sums(index, of, states);
            let sizes: Vec<usize> = branch.outputs.iter().map(|dtype| dtype.size()).collect();
            let mut from = 0;
            for piece in of.in_rows(self.emit_elements) {
                let to = from + piece.len() as usize;
                let emits = self.emits_of(index, to - from, &sizes);
                // The boxes are lent out while tiles pass through the rest of the scratch.
                let mut out = std::mem::take(&mut scratch.out);
                let outcome = evaluate(branch, of, from..to, &mut scratch.feed, |at, outputs| {
                    for (state, sum, fold) in &mut sums {
                        let bytes = outputs[sum.output];
                        if sum.is_kept {
                            state.restore(bytemuck::cast_slice(bytes), at, fold);
                            continue;
                        }
                        let mask = sum.mask.map(|mask| outputs[mask]);
                        state.update_bytes(branch.outputs[sum.output], bytes, mask, at, fold);
                    }
                    for emit in &emits {
                        let bytes = outputs[emit.output];
                        let to = emit.offset + (at - from) * emit.item;
                        out[to..][..bytes.len()].copy_from_slice(bytes);
                    }
                });
                scratch.out = out;
                outcome.map_err(|at| ExecError::of_cast(at, self.pass, self.part))?;
                for emit in &emits {
                    let start = piece.start().iter().zip(emit.start).map(|(&a, &b)| a + b);
                    let place = Region::new(start.collect(), piece.shape().to_vec());
                    let bytes = (to - from) * emit.item;
                    emit.collect.put(&place, &scratch.out[emit.offset..][..bytes])?;
                }
                from = to;
            }
        }
        if self.session.cancel_token().is_cancelled() { Err(ExecError::Cancelled) } else { Ok(()) }
    }

    fn sums<'s>(
        &'s self,
        branch: usize,
        of: &Region,
        states: &'s mut [Option<&mut State>],
    ) -> Vec<(&'s mut State, &'s Sum, Fold)> {
        let shape = &self.pass.parts[self.part].feed.branches[branch].shape;
        states
            .iter_mut()
            .zip(&self.pass.sums)
            .filter(|(_, sum)| sum.part == self.part && sum.branch == branch)
            .filter_map(|(state, sum)| Some((state.as_deref_mut()?, sum)))
            .map(|(state, sum)| {
                // The state's cells in the branch's own indices.
                let cells = (self.cells)(sum).within(&sum.cells);
                let fold = Fold::new(of, shape, &sum.reduced, &cells, sum.groups.as_ref());
                (state, sum, fold)
            })
            .collect()
    }

    fn emits_of(&self, branch: usize, elements: usize, sizes: &[usize]) -> Vec<EmitBox<'_>> {
        let mut offset = 0;
        let mut list = Vec::new();
        for (emit, collect) in self.pass.emits.iter().zip(self.emits) {
            let here = |p: &&EmitPiece| p.part == self.part && p.branch == branch;
            for piece in emit.pieces.iter().filter(here) {
                let item = sizes[piece.output];
                list.push(EmitBox {
                    output: piece.output,
                    item,
                    offset,
                    start: &piece.start,
                    collect: *collect,
                });
                offset += elements * item;
            }
        }
        list
    }
}

/// A box that is being handed on.
struct EmitBox<'a> {
    output: usize,
    item: usize,
    /// Where it lies in the scratch.
    offset: usize,
    start: &'a [u64],
    collect: &'a dyn Collect,
}
