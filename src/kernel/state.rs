//! Running sums of the cells of a reduction: one state from which sum, mean, var and std all come.
//!
//! A state lives in a buffer that the caller leased. Which sums it keeps follows from the type of
//! the samples ([`StateKind`]); all kinds are fed and finished alike.

use bytemuck::cast_slice_mut;

use super::sums;
use super::wide::U256;
use crate::buffer::Buffer;
use crate::dtype::{DType, Number, with_dtype};

/// What is kept for each cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum StateKind {
    /// Exact sum and sum of squares held in `f64`, for 8- and 16-bit integers.
    Small,
    /// Exact `i64` sum and `u128` sum of squares, for 32-bit integers.
    Middle,
    /// Exact `i128` sum and 256-bit sum of squares, for any integer.
    Wide,
    /// `f64` sums of the differences from the cell's first sample, for floats.
    Shifted,
}

impl StateKind {
    /// The cheapest kind that keeps its promise for `rows` samples a cell.
    pub(crate) fn for_samples(dtype: DType, rows: u64) -> Self {
        match (dtype.is_float(), dtype.size()) {
            (true, _) => Self::Shifted,
            // (2^16)^2 * 2^21 = 2^53
            (false, 1 | 2) if rows <= 1 << 21 => Self::Small,
            (false, 1 | 2 | 4) if rows <= 1 << 31 => Self::Middle,
            (false, _) => Self::Wide,
        }
    }

    /// Bytes of state a cell.
    pub(crate) const fn cell_bytes(self) -> u64 {
        match self {
            Self::Small => 16,
            Self::Middle | Self::Shifted => 24,
            Self::Wide => 48,
        }
    }

    /// What `explain` calls it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Small => "exact sums (f64 below 2^53)",
            Self::Middle => "exact sums (i64, u128)",
            Self::Wide => "exact sums (i128, u256)",
            Self::Shifted => "f64 sums about the first sample",
        }
    }
}

/// How a block in memory order folds onto cells: its axes are `inner` elements faster than the
/// reduced axis, `along` on it, and the rest slower; cells are numbered with the axis left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    pub(crate) inner: usize,
    pub(crate) along: usize,
    pub(crate) first_cell: usize,
    pub(crate) first_sample: u64,
}

impl Fold {
    /// The fold of a block of this shape over `axis`, from the first cell and sample on.
    pub(crate) fn new(shape: &[u64], axis: usize) -> Self {
        let inner = shape[..axis].iter().product::<u64>() as usize;
        Self { inner, along: shape[axis] as usize, first_cell: 0, first_sample: 0 }
    }
}

/// Sums for a number of cells.
#[derive(Debug)]
pub(crate) struct State {
    kind: StateKind,
    cells: usize,
    buffer: Buffer,
}

/// The sums of one cell, as they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum CellSums {
    Exact { sum: i128, squares: U256 },
    Shifted { shift: f64, sum: f64, squares: f64 },
}

impl State {
    /// A zero state of `cells` cells in a buffer of at least `cells * kind.cell_bytes()` bytes.
    pub(crate) fn new(kind: StateKind, cells: usize, buffer: Buffer) -> Self {
        let mut state = Self { kind, cells, buffer };
        state.reset(cells);
        state
    }

    /// Zeroes the state for a new set of cells, no more than the buffer holds.
    pub(crate) fn reset(&mut self, cells: usize) {
        self.cells = cells;
        let used = cells * self.kind.cell_bytes() as usize;
        self.buffer[..used].fill(0);
    }

    /// Adds a piece of a block. `at` is the piece's first element in the block, in memory order; the
    /// block's own cells start at `fold.first_cell`, its samples at index `fold.first_sample` of the
    /// reduced axis. The samples of a cell must arrive in order of that axis.
    pub(crate) fn update<T: Number>(&mut self, values: &[T], at: usize, fold: Fold) {
        let Fold { inner, along, first_cell, first_sample } = fold;
        let (mut at, mut rest) = (at, values);
        while !rest.is_empty() {
            let (outer, row, column) = (at / (inner * along), at / inner % along, at % inner);
            let cell = first_cell + outer * inner + column;
            // Whole rows go in together; a piece that starts or ends inside a row goes alone.
            let whole_rows = if column == 0 { (rest.len() / inner).min(along - row) } else { 0 };
            let (take, columns) = if whole_rows > 0 {
                (whole_rows * inner, inner)
            } else {
                let take = rest.len().min(inner - column);
                (take, take)
            };
            let (now, later) = rest.split_at(take);
            self.add_rows(now, columns, cell, first_sample + row as u64 == 0);
            (at, rest) = (at + take, later);
        }
    }

    /// [`update`](Self::update) with samples as bytes of `dtype`.
    pub(crate) fn update_bytes(&mut self, dtype: DType, bytes: &[u8], at: usize, fold: Fold) {
        with_dtype!(dtype, T => {
            self.update::<T>(bytemuck::cast_slice(bytes), at, fold);
        });
    }

    /// Adds rows of `columns` samples each onto the cells from `cell` on.
    fn add_rows<T: Number>(&mut self, values: &[T], columns: usize, cell: usize, first: bool) {
        let (cells, size) = (self.cells, self.kind.cell_bytes() as usize);
        let bytes = &mut self.buffer[..cells * size];
        let span = cell..cell + columns;
        match self.kind {
            StateKind::Small => {
                let (sums, squares) = cast_slice_mut::<_, f64>(bytes).split_at_mut(cells);
                sums::add_small(values, columns, &mut sums[span.clone()], &mut squares[span]);
            }
            StateKind::Middle => {
                let (squares, sums) = bytes.split_at_mut(cells * 16);
                let (sums, squares) = (cast_slice_mut::<_, i64>(sums), cast_slice_mut(squares));
                sums::add_middle(values, columns, &mut sums[span.clone()], &mut squares[span]);
            }
            StateKind::Wide => {
                let (sums, squares) = bytes.split_at_mut(cells * 16);
                let (high, low) = cast_slice_mut::<_, u128>(squares).split_at_mut(cells);
                let sums = &mut cast_slice_mut::<_, i128>(sums)[span.clone()];
                sums::add_wide(values, columns, sums, &mut high[span.clone()], &mut low[span]);
            }
            StateKind::Shifted => {
                let (shifts, rest) = cast_slice_mut::<_, f64>(bytes).split_at_mut(cells);
                let (sums, squares) = rest.split_at_mut(cells);
                if first {
                    for (k, v) in shifts[span.clone()].iter_mut().zip(values) {
                        // A sample that is not finite makes its sums so, whatever the shift.
                        let v = v.to_f64();
                        *k = if v.is_finite() { v } else { 0.0 };
                    }
                }
                let shifts = &shifts[span.clone()];
                let sums = &mut sums[span.clone()];
                sums::add_float(values, columns, shifts, sums, &mut squares[span]);
            }
        }
    }

    /// The sums of one cell.
    pub(super) fn cell(&self, cell: usize) -> CellSums {
        let cells = self.cells;
        let exact =
            |sum: i128, high: u128, low: u128| CellSums::Exact { sum, squares: U256 { high, low } };
        match self.kind {
            StateKind::Small => {
                let sums: &[f64] = self.buffer.as_slice_prefix(2 * cells);
                // Below 2^53, where the short conversions are exact.
                exact(i128::from(sums[cell] as i64), 0, u128::from(sums[cells + cell] as u64))
            }
            StateKind::Middle => {
                let squares: &[u128] = self.buffer.as_slice_prefix(cells);
                let sums: &[i64] = self.buffer.as_slice_prefix(3 * cells);
                exact(i128::from(sums[2 * cells + cell]), 0, squares[cell])
            }
            StateKind::Wide => {
                let words: &[u128] = self.buffer.as_slice_prefix(3 * cells);
                let sum = words[cell].cast_signed();
                exact(sum, words[cells + cell], words[2 * cells + cell])
            }
            StateKind::Shifted => {
                let sums: &[f64] = self.buffer.as_slice_prefix(3 * cells);
                CellSums::Shifted {
                    shift: sums[cell],
                    sum: sums[cells + cell],
                    squares: sums[2 * cells + cell],
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::{CellSums, Fold, State, StateKind};
    use crate::buffer::Buffer;
    use crate::dtype::{DType, Number};

    fn state(kind: StateKind, cells: usize) -> State {
        let buffer = Buffer::zeroed(cells as u64 * kind.cell_bytes()).unwrap();
        State::new(kind, cells, buffer)
    }

    #[test]
    fn each_type_takes_the_cheapest_sums_that_stay_exact() {
        let (small, middle) = (1 << 21, 1 << 31);
        for d in [DType::U8, DType::I8, DType::U16, DType::I16] {
            assert_eq!(StateKind::for_samples(d, small), StateKind::Small);
            assert_eq!(StateKind::for_samples(d, small + 1), StateKind::Middle);
            assert_eq!(StateKind::for_samples(d, middle + 1), StateKind::Wide);
        }
        for d in [DType::U32, DType::I32] {
            assert_eq!(StateKind::for_samples(d, 1), StateKind::Middle);
            assert_eq!(StateKind::for_samples(d, middle + 1), StateKind::Wide);
        }
        for d in [DType::U64, DType::I64] {
            assert_eq!(StateKind::for_samples(d, 1), StateKind::Wide);
        }
        assert_eq!(StateKind::for_samples(DType::F32, u64::MAX), StateKind::Shifted);
    }

    fn extremes_are_exact<T: Number>(value: T, rows: u64) {
        let kind = StateKind::for_samples(T::DTYPE, rows);
        let mut state = state(kind, 1);
        let mut row = 0;
        while row < rows {
            let values = vec![value; (rows - row).min(1021) as usize];
            let fold = Fold { first_sample: row, ..Fold::new(&[1, values.len() as u64], 1) };
            state.update(&values, 0, fold);
            row += values.len() as u64;
        }
        let CellSums::Exact { sum, squares } = state.cell(0) else { panic!("not exact") };
        let one = if T::DTYPE == DType::U64 {
            i128::from(value.to_i64().cast_unsigned())
        } else {
            i128::from(value.to_i64())
        };
        assert_eq!(sum, one * i128::from(rows), "{kind:?} {value:?}");
        let square = BigUint::from(one.unsigned_abs()) * one.unsigned_abs() * rows;
        assert_eq!((BigUint::from(squares.high) << 128_u32) + squares.low, square, "{value:?}");
    }

    #[test]
    fn the_longest_series_of_the_largest_values_is_summed_exactly() {
        extremes_are_exact(u16::MAX, 1 << 21);
        extremes_are_exact(i16::MIN, 1 << 21);
        extremes_are_exact(u16::MAX, (1 << 21) + 5);
        extremes_are_exact(u32::MAX, 1 << 20);
        extremes_are_exact(i32::MIN, 1 << 20);
        extremes_are_exact(u64::MAX, 1 << 16);
        extremes_are_exact(i64::MIN, 1 << 16);
    }

    proptest! {
        #[test]
        fn sums_do_not_depend_on_how_a_block_is_cut_into_pieces(
            shape in [1..6_u64, 1..9_u64, 1..4_u64],
            pieces in prop::collection::vec(1..40_usize, 1..9),
            seed: u32,
        ) {
            let total = shape.iter().product::<u64>() as usize;
            let values: Vec<f64> =
                (0..total).map(|i| f64::from((seed.wrapping_mul(i as u32 + 1)) % 1000) / 7.0).collect();
            let cells = (shape[0] * shape[2]) as usize;
            let bits = |cut: &mut dyn Iterator<Item = usize>| {
                let mut state = state(StateKind::Shifted, cells);
                let mut at = 0;
                while at < total {
                    let len = cut.next().unwrap_or(total).min(total - at);
                    state.update(&values[at..at + len], at, Fold::new(&shape, 1));
                    at += len;
                }
                (0..cells)
                    .map(|cell| match state.cell(cell) {
                        CellSums::Shifted { shift, sum, squares } => {
                            [shift, sum, squares].map(f64::to_bits)
                        }
                        CellSums::Exact { .. } => unreachable!("floats are shifted"),
                    })
                    .collect::<Vec<_>>()
            };
            let whole = bits(&mut std::iter::empty());
            prop_assert_eq!(whole, bits(&mut pieces.into_iter().cycle()));
        }
    }
}
