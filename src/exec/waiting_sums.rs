//! How do the sums of a part wait on disk for those of all others?
//!
//! They are words, and come back as they were. Which words lie where is the plan's
//! ([`WaitingSums`]); when they go and come is for `parts`.

use bytemuck::cast_slice_mut;

use super::error::ExecError;
use super::scratch::Scratch;
use crate::grid::{Pieces, Region};
use crate::kernel::State;
use crate::plan::{Sum, WaitingSums};
use crate::source::Source as _;

/// Brings all words of a sum to disk. Its state is for all of its cells.
pub(super) fn send(
    to: &WaitingSums,
    index: usize,
    sum: &Sum,
    state: &State,
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    let cells = sum.cells.len();
    for word in 0..sum.kind.words() {
        let words: &mut [u64] = cast_slice_mut(&mut scratch.words);
        let batch = words.len() as u64;
        for from in (0..cells).step_by(batch as usize) {
            let len = batch.min(cells - from);
            let some = &mut words[..len as usize];
            state.read_word(word as usize, from as usize, some);
            let at = to.first_words[index] + word * cells + from;
            to.spill.put(&Region::new(vec![at], vec![len]), bytemuck::cast_slice(some))?;
        }
    }
    Ok(())
}

/// Makes a state for the cells of a sum that lie in `tile` what it was when it was sent; gives these cells.
pub(super) fn fetch(
    from: &WaitingSums,
    index: usize,
    sum: &Sum,
    tile: &Region,
    (state, scratch): (&mut State, &mut Scratch),
) -> Result<Option<Region>, ExecError> {
    let Some(here) = sum.cells.overlap(tile) else { return Ok(None) };
    state.reset(here.len() as usize);
    let within = here.within(&sum.cells);
    for word in 0..sum.kind.words() {
        let first = from.first_words[index] + word * sum.cells.len();
        // In elements: of one byte each.
        for piece in Pieces::new(first, sum.cells.shape(), 1, &within) {
            let bytes = &mut scratch.words[..8 * piece.len];
            from.spill.read(&Region::new(vec![piece.at], vec![piece.len as u64]), bytes)?;
            state.write_word(word as usize, piece.to, bytemuck::cast_slice(bytes));
        }
    }
    Ok(Some(here))
}
