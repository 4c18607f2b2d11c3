//! What are the numbers of a state called, so that they can leave the process and come back?
//!
//! A state is a few named components, each of one or more 64-bit words a cell. Words are moved as they are: a state that
//! was written and read is the same state. Says nothing about files.

use bytemuck::{cast_slice, cast_slice_mut};

use super::State;
use super::kind::{Contents, ProductKind, StateKind, SumKind, WordKind};
use crate::dtype::DType;
use crate::kernel::fold::Fold;

/// A number that a state keeps of every cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    /// What a word of it is. A number of several words is of `u64`, its low word first.
    pub(crate) dtype: DType,
    /// Words of each cell.
    pub(crate) words: u64,
}

impl StateKind {
    /// The components in the order in which they lie in a state; `None` where every sample is kept.
    pub(crate) fn components(&self) -> Option<Vec<Component>> {
        let (float, wide) = ((DType::F64, 1), (DType::U64, 2));
        let of_word = |word| match word {
            WordKind::Float => float,
            WordKind::Signed => (DType::I64, 1),
            WordKind::Unsigned => (DType::U64, 1),
        };
        let place = (DType::U64, 1);
        let named = |list: &[(&str, (DType, u64))]| {
            let made = list.iter().map(|&(name, (dtype, words))| (name.to_owned(), dtype, words));
            made.collect::<Vec<_>>()
        };
        let mut list = match &self.contents {
            Contents::Sums(SumKind::Small) => named(&[("sum", float), ("squares", float)]),
            Contents::Sums(SumKind::Middle) => {
                named(&[("squares", wide), ("sum", (DType::I64, 1))])
            }
            Contents::Sums(SumKind::Wide) => {
                named(&[("sum", wide), ("squares_high", wide), ("squares_low", wide)])
            }
            Contents::Sums(SumKind::Shifted) => {
                named(&[("shift", float), ("sum", float), ("squares", float)])
            }
            Contents::Product(ProductKind::Integer) => named(&[("product", wide)]),
            Contents::Product(ProductKind::Float) => named(&[("product", float)]),
            Contents::Extremes(word) => named(&[("min", of_word(*word)), ("max", of_word(*word))]),
            Contents::Places(word) => {
                let value = of_word(*word);
                named(&[("min", value), ("max", value), ("min_at", place), ("max_at", place)])
            }
            Contents::Bins(edges) => {
                named(&[("bins", (DType::U64, (edges.len() as u64).saturating_sub(1)))])
            }
            Contents::Projection { basis, .. } => {
                let mut list = named(&[("shift", float), ("sum", float), ("squares", float)]);
                list.extend((0..basis.columns()).map(|k| (format!("along_{k}"), DType::F64, 1)));
                list
            }
            Contents::Samples { .. } => return None,
        };
        if self.counted {
            list.push(("count".to_owned(), DType::U64, 1));
        }
        let made = |(name, dtype, words)| Component { name, dtype, words };
        Some(list.into_iter().map(made).collect())
    }

    /// Words of each cell in all components.
    pub(crate) fn words(&self) -> u64 {
        self.cell_bytes() / 8
    }

    /// Where the words of so many cells lie: for each, that of cell 0, and how far those of two cells are apart.
    fn word_places(&self, cells: usize) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        let mut first = 0;
        for component in self.components().unwrap_or_default() {
            let words = component.words as usize;
            places.extend((0..words).map(|word| (first + word, words)));
            first += words * cells;
        }
        places
    }
}

impl State {
    /// One word of `out.len()` cells, from `first_cell` on.
    pub(crate) fn read_word(&self, word: usize, first_cell: usize, out: &mut [u64]) {
        let (first, apart) = self.kind.word_places(self.cells)[word];
        let words: &[u64] = cast_slice(&self.buffer[..self.used_bytes()]);
        for (cell, out) in out.iter_mut().enumerate() {
            *out = words[first + (first_cell + cell) * apart];
        }
    }

    /// Takes one word of `values.len()` cells back, from `first_cell` on.
    pub(crate) fn write_word(&mut self, word: usize, first_cell: usize, values: &[u64]) {
        let place = self.kind.word_places(self.cells)[word];
        let used = self.used_bytes();
        put_word(cast_slice_mut(&mut self.buffer[..used]), place, first_cell, values);
    }

    /// Takes a batch of a block of words back, in the place of samples: along the reduced axes lie the words of each
    /// cell. `at` is the batch's first word in the block, in memory order.
    #[cold] // Beside the loops over samples, where it must not be put among them.
    pub(crate) fn restore(&mut self, values: &[u64], at: usize, fold: &Fold) {
        let used = self.used_bytes();
        let places = self.kind.word_places(self.cells);
        let words: &mut [u64] = cast_slice_mut(&mut self.buffer[..used]);
        for patch in fold.patches(true, at, values.len()) {
            for row in 0..patch.rows {
                let values = &values[patch.from + row * patch.columns..][..patch.columns];
                put_word(words, places[patch.sample_of(row) as usize], patch.cell, values);
            }
        }
    }

    fn used_bytes(&self) -> usize {
        self.cells * self.kind.cell_bytes() as usize
    }
}

/// One word of some cells, where the first of all cells has it and how far those of two are apart.
fn put_word(words: &mut [u64], (first, apart): (usize, usize), first_cell: usize, values: &[u64]) {
    for (cell, value) in values.iter().enumerate() {
        words[first + (first_cell + cell) * apart] = *value;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::buffer::Buffer;
    use crate::dtype::{DType, Element as _, with_dtype};
    use crate::grid::Region;
    use crate::kernel::{Basis, Fold, ReduceOp, State, StateKind};

    const CELLS: u64 = 6;
    const SAMPLES: u64 = 5;

    fn buffer(kind: &StateKind) -> Buffer {
        Buffer::zeroed(CELLS * kind.cell_bytes()).unwrap()
    }

    fn bytes(state: &State) -> Vec<u64> {
        let mut all = Vec::new();
        for word in 0..state.kind.words() as usize {
            let mut out = [0; CELLS as usize];
            state.read_word(word, 0, &mut out);
            all.extend(out);
        }
        all
    }

    #[test]
    fn a_state_that_was_taken_apart_and_put_together_is_the_same_bytes() {
        let edges: Arc<[f64]> = [-9.0, 0.0, 3.0, 9.0].into();
        let design = ndarray::Array2::from_shape_fn((SAMPLES as usize, 2), |(t, k)| {
            (t as f64).powi(k as i32)
        });
        let basis = Arc::new(Basis::new(design.view()).unwrap());
        let ops = [
            ReduceOp::Mean,
            ReduceOp::Prod,
            ReduceOp::Max,
            ReduceOp::ArgMin,
            ReduceOp::HistogramBin { edges, bin: 0 },
            ReduceOp::ResidualSumSquares { basis },
        ];
        let dtypes = [DType::I16, DType::I32, DType::U64, DType::I64, DType::F32, DType::F64];
        for (op, dtype) in ops.iter().flat_map(|op| dtypes.map(|dtype| (op, dtype))) {
            for counted in [false, true] {
                let kind = StateKind::for_reduction(op, dtype, SAMPLES, counted, 0);
                let words = kind.words();
                let named: u64 = kind.components().unwrap().iter().map(|c| c.words).sum();
                assert_eq!(words, named, "{kind:?}");

                let shape = [2, CELLS / 2, SAMPLES];
                let block = Region::whole(&shape);
                let cells = Region::whole(&shape[..2]);
                let mut state = State::new(kind.clone(), CELLS as usize, buffer(&kind));
                let samples: Vec<f64> = (0..CELLS * SAMPLES)
                    .map(|k| if dtype.is_float() { 1.5 } else { 1.0 } * ((k * 7 + 3) % 11) as f64)
                    .collect();
                let fold = Fold::new(&block, &shape, &[2], &cells, None);
                with_dtype!(dtype, T => {
                    let typed: Vec<T> = samples.iter().map(|&v| T::from_f64(v)).collect();
                    state.update::<T>(&typed, None, 0, &fold);
                });

                // Words along the last axis, which is the reduced one, and in batches that end anywhere.
                let flat = bytes(&state);
                let shape = [2, CELLS / 2, words];
                let fold = Fold::new(&Region::whole(&shape), &shape, &[2], &cells, None);
                for batch in [1, 4, 6, flat.len()] {
                    let mut back = State::new(kind.clone(), CELLS as usize, buffer(&kind));
                    for (k, part) in flat.chunks(batch).enumerate() {
                        back.restore(part, k * batch, &fold);
                    }
                    let used = state.used_bytes();
                    assert_eq!(back.buffer[..used], state.buffer[..used], "{kind:?}");
                }
            }
        }
    }
}
