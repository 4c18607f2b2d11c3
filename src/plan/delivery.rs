//! What does it matter to a plan where results go?

use super::fit::grow;
use super::pass::{EmitPiece, FoldOver, Form, Part, Pass};

/// Who owns the memory that results go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultMemory {
    /// Allocated for the plan, and part of its projection.
    Counted,
    /// Brought by the caller.
    Callers,
    /// Handed on box by box, with a box in use while the next one is made.
    Blocks,
    /// Handed on box by box to a sink, which is done with a box when it returns.
    Sink,
}

/// Memory for a box of some shape.
pub(crate) type BytesOf<'s> = dyn Fn(&[u64]) -> u64 + 's;

/// Where the results of a plan go.
#[derive(Clone)]
pub(crate) struct Delivery<'s> {
    pub(crate) memory: ResultMemory,
    /// Boxes are whole blocks of this shape, where the receiver asks for that.
    pub(crate) grid: Option<Vec<u64>>,
    /// Blocks must follow each other in memory; nothing without a `grid`.
    pub(crate) in_order: bool,
    /// What the receiver takes for itself beside a box of some shape.
    pub(crate) sink_bytes: Option<&'s BytesOf<'s>>,
}

impl<'s> Delivery<'s> {
    /// Results go to memory of this kind, and it does not matter in what boxes.
    pub(crate) fn of(memory: ResultMemory) -> Self {
        Self { memory, grid: None, in_order: false, sink_bytes: None }
    }

    /// Results go to this scratch file, in whatever boxes.
    pub(super) fn of_spill(spill_bytes: &'s BytesOf<'s>) -> Self {
        Self { sink_bytes: Some(spill_bytes), ..Self::of(ResultMemory::Sink) }
    }

    /// True for memory, where boxes of any shape may go, and in which pieces makes no difference.
    pub(super) fn takes_any_boxes(&self) -> bool {
        self.grid.is_none() && matches!(self.memory, ResultMemory::Counted | ResultMemory::Callers)
    }

    /// The length of the receiver's blocks along an axis of the result, and where the first begins.
    pub(super) fn block(&self, axis: usize) -> Option<(u64, u64)> {
        // A result without axes is one block.
        self.grid.as_ref().and_then(|grid| Some(((*grid.get(axis)?).max(1), 0)))
    }

    /// False for a pass that hands on boxes which are not the receiver's blocks, or not in its order:
    /// a map made together with the fold it needs, out of several files that end within a block.
    pub(super) fn accepts(&self, pass: &Pass) -> bool {
        let (Some(grid), Form::Fold(FoldOver { axes, .. }), [emit], None) =
            (&self.grid, &pass.form, &pass.emits[..], pass.spill())
        else {
            return true;
        };
        let ends_well = |axis: usize, start: u64, end: u64| {
            let block = grid[axis].max(1);
            let whole = end.is_multiple_of(block) || end == emit.shape[axis];
            start.is_multiple_of(block) && whole
        };
        let is_whole = |piece: &EmitPiece| {
            let shape = &pass.parts[piece.part].feed.branches[piece.branch].shape;
            (0..grid.len()).all(|a| ends_well(a, piece.start[a], piece.start[a] + shape[a]))
        };
        // Tiles end where parts do.
        let kept = (0..grid.len()).filter(|axis| !axes.contains(axis));
        let kept: Vec<(usize, usize)> = kept.enumerate().collect();
        let is_tiled = |part: &Part| {
            let place = &part.extent;
            kept.iter().all(|&(cell, axis)| ends_well(axis, place.start()[cell], place.end(cell)))
        };
        !self.in_order && emit.pieces.iter().all(is_whole) && pass.parts.iter().all(is_tiled)
    }

    /// A block of the receiver's; or, for a receiver that does not count them, as many as a stored block
    /// (`stored` long) touches, and more near `target` elements: fast axes first, so that boxes of whole
    /// fast axes follow each other in memory.
    pub(super) fn tile(
        &self,
        whole: &[u64],
        stored: impl Fn(usize) -> u64,
        target: u64,
    ) -> Vec<u64> {
        let own = |axis: usize| self.block(axis).map_or(1, |(block, _)| block);
        let mut lens: Vec<u64> =
            (0..whole.len()).map(|axis| own(axis).min(whole[axis]).max(1)).collect();
        if self.memory == ResultMemory::Blocks {
            return lens;
        }
        for (axis, len) in lens.iter_mut().enumerate() {
            *len = stored(axis).next_multiple_of(*len).min(whole[axis].max(1));
        }
        if let Some(last) = (0..lens.len()).rev().find(|&axis| self.in_order && lens[axis] > 1) {
            for (len, &all) in lens.iter_mut().zip(whole).take(last) {
                *len = all.max(1);
            }
        }
        grow(&mut lens, whole, target);
        lens
    }
}
