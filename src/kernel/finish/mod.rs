//! What is made of the states of a cell, for one part or for several?
//!
//! Parts lie one after the other along the reduced axes. Each reduction says in a file of its own how
//! parts are joined and scaled; this file says what a part is, and writes results as 64-bit registers.
//! Reads no sample.

mod extremes;
mod moments;
mod places;
mod product;
mod projection;
mod quantile;
mod small;

use bytemuck::cast_slice_mut;
use multiversion::multiversion;

use super::reduce_op::ReduceOp;
use super::state::{State, Value};
use crate::dtype::DType;

/// The state of one part, and what its samples mean: `true value = sample * slope + inter`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summed<'a> {
    pub(crate) state: &'a State,
    /// Samples a cell, where the state does not count them.
    pub(crate) count: u64,
    pub(crate) slope: f64,
    pub(crate) inter: f64,
    /// Cell of the state that cell 0 of the finish is.
    pub(crate) first_cell: usize,
    pub(crate) span: &'a Span,
}

/// Where a part's box of the reduced axes lies in the whole reduction, one entry a reduced axis.
/// Read by argmin and argmax only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Vec<u64>,
    pub(crate) shape: Vec<u64>,
    pub(crate) whole: Vec<u64>,
}

/// Why a cell has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FinishFault {
    /// An integer sum or product beyond 64 bits.
    Overflow { cell: usize },
    /// Every sample is masked, and the result is an integer that has no way to say so.
    NoSample { cell: usize },
}

impl Summed<'_> {
    /// Samples of a cell of the finish.
    fn count(&self, cell: usize) -> u64 {
        self.state.count(self.first_cell + cell).unwrap_or(self.count)
    }

    fn is_scaled(&self) -> bool {
        self.slope != 1.0 || self.inter != 0.0
    }

    /// Of the smallest and the largest sample the one that is smallest (largest) as a true value: a
    /// negative slope swaps the ends.
    fn end<T>(&self, largest: bool, low: T, high: T) -> T {
        if largest == (self.slope < 0.0) { low } else { high }
    }

    /// The true value of a sample: exact where there is no scaling.
    fn value(&self, sample: Value) -> Value {
        if self.is_scaled() {
            Value::Float(scale(sample.to_f64(), self.slope, self.inter))
        } else {
            sample
        }
    }
}

/// Writes `op` for as many cells as `out` has 8 bytes: `f64` where `dtype`, the type of the result,
/// is a float, else the bits of `i64` or `u64`. The parts are in input order, their states of the
/// kind that `op` needs. `scratch`, aligned for `f64`, has at least
/// [`finish_bytes`](super::StateKind::finish_bytes) of all samples of a cell.
///
/// With no sample: sum 0, prod 1, counts 0, other floats NaN, always the same NaN. Where samples
/// minus `ddof` is not positive: numpy's division by zero.
///
/// # Errors
/// The first cell that has no result.
pub(crate) fn finish(
    op: &ReduceOp,
    dtype: DType,
    parts: &[Summed<'_>],
    scratch: &mut [u8],
    out: &mut [u8],
) -> Result<(), FinishFault> {
    let words = cast_slice_mut::<_, u64>(out);
    let overflow = |cell| FinishFault::Overflow { cell };
    let no_sample = |cell| FinishFault::NoSample { cell };
    match op {
        ReduceOp::Sum if !dtype.is_float() => try_each(words, overflow, |cell| {
            moments::integer_sum(parts, cell).and_then(|sum| word_of(sum, dtype))
        })?,
        ReduceOp::Sum | ReduceOp::Mean | ReduceOp::Var { .. } | ReduceOp::Std { .. } => {
            if !small::finish(op, parts, cast_slice_mut(words)) {
                each(words, |cell| moments::of(op, parts, cell).to_bits());
            }
        }
        ReduceOp::Prod => {
            try_each(words, overflow, |cell| product::word(product::of(parts, cell), dtype))?;
        }
        ReduceOp::Min | ReduceOp::Max => try_each(words, no_sample, |cell| {
            value_word(extremes::of(matches!(op, ReduceOp::Max), parts, cell), dtype)
        })?,
        ReduceOp::ArgMin | ReduceOp::ArgMax => {
            let largest = matches!(op, ReduceOp::ArgMax);
            try_each(words, no_sample, |cell| places::of(largest, parts, cell))?;
        }
        ReduceOp::Quantile { q, method } => each(words, |cell| {
            quantile::of(*q, *method, parts, cell, cast_slice_mut(scratch)).to_bits()
        }),
        ReduceOp::Mad => {
            each(words, |cell| quantile::mad(parts, cell, cast_slice_mut(scratch)).to_bits());
        }
        ReduceOp::HistogramBin { bin, .. } => each(words, |cell| {
            parts.iter().map(|part| part.state.bin(part.first_cell + cell, *bin)).sum()
        }),
        ReduceOp::Coefficient { basis, column } => {
            each(words, |cell| projection::coefficient(basis, *column, parts, cell).to_bits());
        }
        ReduceOp::ResidualSumSquares { basis } => {
            each(words, |cell| projection::residual_sum_squares(basis, parts, cell).to_bits());
        }
        // Words of one part: those of several have no sum.
        ReduceOp::Word { word, .. } => {
            for part in parts {
                part.state.read_word(*word, part.first_cell, words);
            }
        }
    }
    if dtype.is_float() {
        one_nan(cast_slice_mut(words));
    }
    Ok(())
}

/// Which NaN an operation gives is up to the machine and the compiler.
#[multiversion(targets("x86_64+avx2"))]
fn one_nan(values: &mut [f64]) {
    for value in values {
        *value = if value.is_nan() { f64::NAN } else { *value };
    }
}

/// Writes the register of each cell.
fn each(words: &mut [u64], mut of: impl FnMut(usize) -> u64) {
    words.iter_mut().enumerate().for_each(|(cell, word)| *word = of(cell));
}

/// As [`each`], up to the first cell that has none.
fn try_each(
    words: &mut [u64],
    fault: impl Fn(usize) -> FinishFault,
    of: impl Fn(usize) -> Option<u64>,
) -> Result<(), FinishFault> {
    for (cell, word) in words.iter_mut().enumerate() {
        *word = of(cell).ok_or_else(|| fault(cell))?;
    }
    Ok(())
}

/// The register of an integer, where 64 bits of `dtype`'s signedness hold it.
fn word_of(value: i128, dtype: DType) -> Option<u64> {
    if dtype.is_signed_int() {
        i64::try_from(value).ok().map(i64::cast_unsigned)
    } else {
        u64::try_from(value).ok()
    }
}

/// The register of an extreme; `None` is no sample.
fn value_word(value: Option<Value>, dtype: DType) -> Option<u64> {
    match value {
        value if dtype.is_float() => Some(value.map_or(f64::NAN, Value::to_f64).to_bits()),
        Some(Value::Integer(value)) => Some(value as u64),
        Some(Value::Float(value)) => Some((value as i64).cast_unsigned()),
        None => None,
    }
}

/// `raw * slope + inter` as nibabel does it: a factor of 1 and a term of 0 leave the value alone.
fn scale(raw: f64, slope: f64, inter: f64) -> f64 {
    let scaled = if slope == 1.0 { raw } else { raw * slope };
    if inter == 0.0 { scaled } else { scaled + inter }
}
