//! Products: floats in `f64`, in memory order; integers exact as far as 64 bits go.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::Rows;
use super::kind::ProductKind;
use super::words::wide;
use crate::dtype::Number;

/// Beyond both 64-bit ranges. A product that reaches it stays there until a factor is 0.
const TOO_LARGE: i128 = 1 << 64;

/// The product of one cell.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) enum CellProduct {
    /// Exact below 2^64 in magnitude; anything else stands for more than 64 bits.
    Integer(i128),
    Float(f64),
}

impl CellProduct {
    /// The product of two, in this order.
    pub(in crate::kernel) fn times(self, other: Self) -> Self {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => Self::Integer(times(a, b)),
            (a, b) => Self::Float(a.to_f64() * b.to_f64()),
        }
    }

    pub(in crate::kernel) fn to_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

fn times(a: i128, b: i128) -> i128 {
    a.saturating_mul(b).clamp(-TOO_LARGE, TOO_LARGE)
}

pub(super) fn reset(kind: ProductKind, bytes: &mut [u8], cells: usize) {
    match kind {
        ProductKind::Integer => cast_slice_mut(&mut bytes[..16 * cells]).fill(1_i128),
        ProductKind::Float => cast_slice_mut(&mut bytes[..8 * cells]).fill(1_f64),
    }
}

pub(super) fn add<T: Number>(
    kind: ProductKind,
    bytes: &mut [u8],
    span: Range<usize>,
    rows: Rows<'_, T>,
) {
    match kind {
        ProductKind::Integer => {
            let products = &mut cast_slice_mut::<_, i128>(bytes)[span];
            rows.each(|_, column, v| products[column] = times(products[column], wide(v)));
        }
        ProductKind::Float => {
            let products = &mut cast_slice_mut::<_, f64>(bytes)[span];
            rows.each(|_, column, v| products[column] *= v.to_f64());
        }
    }
}

pub(super) fn cell(kind: ProductKind, bytes: &[u8], cell: usize) -> CellProduct {
    match kind {
        ProductKind::Integer => CellProduct::Integer(cast_slice(bytes)[cell]),
        ProductKind::Float => CellProduct::Float(cast_slice(bytes)[cell]),
    }
}
