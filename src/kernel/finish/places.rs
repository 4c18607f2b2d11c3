//! Where the smallest or largest sample of all parts is first, as numpy's flat index over the reduced
//! axes.

use super::extremes::is_beyond;
use super::{Span, Summed};
use crate::kernel::state::Value;

/// `None` where the cell has no sample. Samples of a part are compared as they are stored, those of
/// different parts by their true values.
pub(super) fn of(largest: bool, parts: &[Summed<'_>], cell: usize) -> Option<u64> {
    let mut so_far: Option<(Value, u64)> = None;
    for part in parts.iter().filter(|part| part.count(cell) > 0) {
        let [low, high] = part.state.places(part.first_cell + cell);
        let (value, at) = part.end(largest, low, high);
        let (value, at) = (part.value(value), part.span.in_whole(at));
        let takes_over = so_far.is_none_or(|(before, before_at)| {
            let ties = !is_beyond(largest, before, value);
            is_beyond(largest, value, before) || (ties && at < before_at)
        });
        if takes_over {
            so_far = Some((value, at));
        }
    }
    so_far.map(|(_, at)| at)
}

impl Span {
    /// The C-order index in the whole of C-order index `at` of the part.
    fn in_whole(&self, mut at: u64) -> u64 {
        let (mut index, mut step) = (0, 1);
        for axis in (0..self.shape.len()).rev() {
            index += (self.start[axis] + at % self.shape[axis]) * step;
            at /= self.shape[axis];
            step *= self.whole[axis];
        }
        index
    }
}
