//! numpy in the small: whole arrays in memory, one element at a time, with an error bound beside
//! each float that a reduction made.
//!
//! Integers are `i128` and wrapped after each operation, sums are exact, floats are `f64` (rounded
//! to `float32` where that is the type). Where rounding would decide what a whole number is (a
//! comparison of nearly equal sums), the answer is [`Fault::Undecided`] and nothing is claimed.

mod binary;
mod cast;
mod custom;
mod fit;
mod near;
mod number;
mod order;
mod reduce;
mod series;
mod structure;
mod sums;
mod types;
mod unary;

use voxstore::DType;

pub(crate) use binary::Binary;
pub(crate) use cast::Fitting;
pub(crate) use custom::{Blockwise, Lanewise};
pub(crate) use fit::{Design, Fit};
pub(crate) use near::{Near, agrees};
pub(crate) use number::Number;
pub(crate) use reduce::{Options, Reduction};
pub(crate) use structure::{Structure, resolve};
pub(crate) use types::promote;
pub(crate) use unary::Unary;

use near::round;

/// Why there is no array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// The expression means nothing.
    Expression,
    /// An exact integer is beyond 64 bits.
    Overflow,
    /// A cell has no sample left.
    NoSample,
    /// A number does not fit the type it was to become.
    Cast,
    /// Rounding decides.
    Undecided,
}

/// The elements; `bool` is 0 and 1.
#[derive(Clone, Debug)]
pub(crate) enum Cells {
    Int(Vec<i128>),
    Float(Vec<Near>),
}

/// An array; axis 0 is the fastest.
#[derive(Clone, Debug)]
pub(crate) struct Twin {
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    pub(crate) cells: Cells,
    /// Floats or 64-bit integers with a slope: `float64` cannot hold what a reduction sums.
    pub(crate) rounded: bool,
}

impl Twin {
    pub(crate) fn ints(shape: Vec<usize>, dtype: DType, cells: Vec<i128>) -> Self {
        Self { shape, dtype, cells: Cells::Int(cells), rounded: false }
    }

    pub(crate) fn near(shape: Vec<usize>, dtype: DType, cells: Vec<Near>) -> Self {
        Self { shape, dtype, cells: Cells::Float(cells), rounded: false }
    }

    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Values as `f64`, rounded where they do not fit.
    pub(crate) fn floats(&self) -> Vec<Near> {
        match &self.cells {
            Cells::Int(list) => list.iter().map(|&v| Near::exact(v as f64)).collect(),
            Cells::Float(list) => list.clone(),
        }
    }

    /// The same values in a type that holds them, each rounded at most once.
    fn promoted(&self, dtype: DType) -> Self {
        let cells = match (&self.cells, dtype.is_float()) {
            (Cells::Int(list), false) => Cells::Int(list.clone()),
            (Cells::Int(list), true) => {
                let one =
                    |&v: &i128| if dtype == DType::F32 { f64::from(v as f32) } else { v as f64 };
                Cells::Float(list.iter().map(|v| Near::exact(one(v))).collect())
            }
            (Cells::Float(list), _) => Cells::Float(list.clone()),
        };
        Self { shape: self.shape.clone(), dtype, cells, rounded: self.rounded }
    }

    /// `stored * slope + inter` in `float64`.
    pub(crate) fn rescale(&self, slope: f64, inter: f64) -> Self {
        let mut out = self.promoted(DType::F64);
        out.rounded = self.dtype.is_float() || self.dtype.size() == 8;
        if let Cells::Float(list) = &mut out.cells {
            for v in list {
                let scaled = if slope == 1.0 { v.value } else { v.value * slope };
                v.value = if inter == 0.0 { scaled } else { scaled + inter };
            }
        }
        out
    }
}

/// The low bits of an integer.
fn wrap(value: i128, dtype: DType) -> i128 {
    match dtype.int_range() {
        Some((low, high)) => (value - low).rem_euclid(high - low + 1) + low,
        None => value,
    }
}
