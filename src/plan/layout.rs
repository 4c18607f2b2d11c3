//! What does it matter to a plan where results go?

use super::fit::grow;
use super::pass::{Form, Pass};

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
pub(crate) struct Layout<'s> {
    pub(crate) memory: ResultMemory,
    /// Boxes are whole blocks of this shape, where the receiver asks for that.
    pub(crate) grid: Option<Vec<u64>>,
    /// Blocks must follow each other in memory; nothing without a `grid`.
    pub(crate) in_order: bool,
    /// What the receiver takes for itself beside a box of some shape.
    pub(crate) sink_bytes: Option<&'s BytesOf<'s>>,
}

impl Layout<'_> {
    /// Results go to memory of this kind, and it does not matter in what boxes.
    pub(crate) fn of(memory: ResultMemory) -> Self {
        Self { memory, grid: None, in_order: false, sink_bytes: None }
    }

    /// The length of the receiver's blocks along an axis of the result, and where the first begins.
    pub(super) fn block(&self, axis: usize) -> Option<(u64, u64)> {
        // A result without axes is one block.
        self.grid.as_ref().and_then(|grid| Some(((*grid.get(axis)?).max(1), 0)))
    }

    /// False for a pass that hands on boxes which are not the receiver's blocks, or not in its order:
    /// a map made together with the fold it needs, out of several files that end within a block.
    pub(super) fn takes(&self, pass: &Pass) -> bool {
        let (Some(grid), Form::Fold { .. }, [emit]) = (&self.grid, &pass.form, &pass.emits[..])
        else {
            return true;
        };
        !self.in_order
            && emit.pieces.iter().all(|piece| {
                let branch = &pass.parts[piece.part].feed.branches[piece.branch];
                (0..grid.len()).all(|axis| {
                    let (start, block) = (piece.start[axis], grid[axis].max(1));
                    let end = start + branch.shape[axis];
                    let ends_well = end.is_multiple_of(block) || end == emit.shape[axis];
                    start.is_multiple_of(block) && ends_well
                })
            })
    }

    /// A block of the receiver's, or several at once near `target` elements for one that does not count
    /// them: fast axes first, so that boxes
    /// of whole fast axes follow each other in memory.
    pub(super) fn tile(&self, whole: &[u64], target: u64) -> Vec<u64> {
        let mut lens: Vec<u64> = (0..whole.len())
            .map(|axis| self.block(axis).map_or(1, |(block, _)| block).min(whole[axis]).max(1))
            .collect();
        if self.memory != ResultMemory::Blocks {
            grow(&mut lens, whole, target);
        }
        lens
    }
}
