//! How do two states of the same cells become one?
//!
//! Only where no order of samples shows: sums and counts of integers are exact, and the smallest and the largest are
//! so in any order. Floats are summed in their order by one worker (`docs/decisions/0002-floats-in-time-order.md`).

use bytemuck::{Pod, cast_slice, cast_slice_mut};

use super::State;
use super::kind::{Contents, StateKind, SumKind, WordKind};
use crate::kernel::wide::U256;

impl StateKind {
    /// True where the state of some samples and that of all others [make](State::join) the state of all of them, to
    /// the bit, however they were parted.
    pub(crate) const fn can_join(&self) -> bool {
        match self.contents {
            Contents::Sums(kind) => !matches!(kind, SumKind::Shifted),
            Contents::Extremes(word) => !matches!(word, WordKind::Float),
            Contents::Bins(_) => true,
            Contents::Product(_)
            | Contents::Places(_)
            | Contents::Samples { .. }
            | Contents::Projection { .. } => false,
        }
    }
}

impl State {
    /// Adds what another state holds of other samples of the same cells.
    ///
    /// # Panics
    /// When the kinds differ or [cannot join](StateKind::can_join): a bug of the plan.
    pub(crate) fn join(&mut self, other: &Self) {
        assert!(self.kind == other.kind && self.cells == other.cells, "states of the same cells");
        let cells = self.cells;
        let before = cells * self.kind.contents.cell_bytes() as usize;
        let (bytes, counts) = self.buffer.split_at_mut(before);
        let (more, more_counts) = other.buffer.split_at(before);
        match self.kind.contents {
            Contents::Sums(SumKind::Small) => each(bytes, more, |a: f64, b| a + b),
            Contents::Sums(SumKind::Middle) => {
                let ((squares, sums), (more, more_sums)) =
                    (bytes.split_at_mut(16 * cells), more.split_at(16 * cells));
                each(squares, more, |a: u128, b| a + b);
                each(sums, more_sums, |a: i64, b| a + b);
            }
            Contents::Sums(SumKind::Wide) => {
                let ((sums, squares), (more, more_squares)) =
                    (bytes.split_at_mut(16 * cells), more.split_at(16 * cells));
                each(sums, more, |a: i128, b| a + b);
                join_squares(cast_slice_mut(squares), cast_slice(more_squares));
            }
            Contents::Extremes(WordKind::Signed) => {
                let ((low, high), (lower, higher)) =
                    (bytes.split_at_mut(8 * cells), more.split_at(8 * cells));
                each(low, lower, i64::min);
                each(high, higher, i64::max);
            }
            Contents::Extremes(WordKind::Unsigned) => {
                let ((low, high), (lower, higher)) =
                    (bytes.split_at_mut(8 * cells), more.split_at(8 * cells));
                each(low, lower, u64::min);
                each(high, higher, u64::max);
            }
            Contents::Bins(_) => each(bytes, more, |a: u64, b| a + b),
            _ => unreachable!("states of {:?} were to be joined", self.kind),
        }
        if self.kind.counted {
            each(&mut counts[..8 * cells], &more_counts[..8 * cells], |a: u64, b| a + b);
        }
    }
}

fn each<W: Pod>(words: &mut [u8], more: &[u8], of: impl Fn(W, W) -> W) {
    let words: &mut [W] = cast_slice_mut(words);
    words.iter_mut().zip(cast_slice(more)).for_each(|(a, &b)| *a = of(*a, b));
}

/// All high words lie before all low ones.
fn join_squares(words: &mut [u128], more: &[u128]) {
    let (high, low) = words.split_at_mut(words.len() / 2);
    let (more_high, more_low) = more.split_at(more.len() / 2);
    let more = more_high.iter().zip(more_low).map(|(&high, &low)| U256 { high, low });
    for ((high, low), more) in high.iter_mut().zip(low).zip(more) {
        let both = U256 { high: *high, low: *low }.plus(more);
        (*high, *low) = (both.high, both.low);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::buffer::Buffer;
    use crate::dtype::{DType, Element as _, with_dtype};
    use crate::grid::Region;
    use crate::kernel::{Fold, ReduceOp, State, StateKind};

    const CELLS: u64 = 6;
    const SAMPLES: u64 = 7;

    /// The state of samples `from .. to` of each cell; of those that are marked, where counted.
    fn state_of(kind: &StateKind, samples: &[u64], dtype: DType, (from, to): (u64, u64)) -> State {
        let buffer = Buffer::zeroed(CELLS * kind.cell_bytes()).unwrap();
        let mut state = State::new(kind.clone(), CELLS as usize, buffer);
        let shape = [2, CELLS / 2, SAMPLES];
        let block = Region::whole(&shape).with_axis(2, from, to - from);
        let fold = Fold::new(&block, &shape, &[2], &Region::whole(&shape[..2]), None);
        let span = (from * CELLS) as usize..(to * CELLS) as usize;
        let mask: Vec<u8> = samples[span.clone()].iter().map(|v| u8::from(v % 3 != 0)).collect();
        with_dtype!(dtype, T => {
            // Truncated to the type: all of its range is met.
            let typed: Vec<T> = samples[span].iter().map(|&v| T::from_i64(v.cast_signed())).collect();
            state.update::<T>(&typed, kind.counted.then_some(&mask), 0, &fold);
        });
        state
    }

    #[test]
    fn states_of_some_samples_and_of_the_others_are_the_state_of_all() {
        let edges: Arc<[f64]> = [-9e18, -5.0, 0.0, 300.0, 9e18].into();
        let ops = [
            ReduceOp::Mean,
            ReduceOp::Max,
            ReduceOp::HistogramBin { edges, bin: 0 },
            ReduceOp::Sum,
        ];
        let samples: Vec<u64> =
            (1..=CELLS * SAMPLES).map(|k| k.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let mut joined = 0;
        for (op, dtype) in ops.iter().flat_map(|op| DType::ALL.map(|dtype| (op, dtype))) {
            for counted in [false, true] {
                let kind = StateKind::for_reduction(op, dtype, SAMPLES, counted, 0);
                let may = !dtype.is_float() || matches!(op, ReduceOp::HistogramBin { .. });
                assert_eq!(kind.can_join(), may, "{kind:?} of {dtype}");
                if !may {
                    continue;
                }
                let all = state_of(&kind, &samples, dtype, (0, SAMPLES));
                for cut in 0..=SAMPLES {
                    let mut first = state_of(&kind, &samples, dtype, (0, cut));
                    first.join(&state_of(&kind, &samples, dtype, (cut, SAMPLES)));
                    let used = (CELLS * kind.cell_bytes()) as usize;
                    assert!(first.buffer[..used] == all.buffer[..used], "{kind:?} of {dtype}");
                    joined += 1;
                }
            }
        }
        assert!(joined > 200, "{joined}");
    }
}
