//! What does it matter to the plan where results go?

use crate::grid::element_count;
use super::fit::grow;

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

/// Where the results of a plan go.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) memory: ResultMemory,
    /// Boxes are whole blocks of this shape, where the receiver asks for that.
    pub(crate) grid: Option<Vec<u64>>,
    /// Boxes must follow each other in memory.
    pub(crate) in_order: bool,
}

impl Layout {
    pub(crate) fn of(memory: ResultMemory) -> Self {
        Self { memory, grid: None, in_order: false }
    }

    /// The length of the receiver's blocks along an axis of the result, and where the first begins.
    pub(super) fn block(&self, axis: usize, of_result: bool) -> Option<(u64, u64)> {
        self.grid.as_ref().filter(|_| of_result).map(|grid| (grid[axis], 0))
    }

    /// Several of the receiver's blocks at once, near `target_bytes`; in memory order if it must be.
    pub(super) fn grow(
        &self,
        lens: &[u64],
        whole: &[u64],
        target_bytes: u64,
        item_bytes: u64,
    ) -> Vec<u64> {
        let mut grown = lens.to_vec();
        if element_count(lens).is_some_and(|n| n > 0) {
            grow(&mut grown, whole, target_bytes / item_bytes.max(1));
        }
        grown
    }
}
