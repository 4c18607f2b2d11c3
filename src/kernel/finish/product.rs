//! Products of parts, in input order. Samples of a part without scaling: slope and intercept do not
//! go past a product.

use super::{Summed, word_of};
use crate::dtype::DType;
use crate::kernel::state::CellProduct;

/// The product of all samples of a cell; `None` where there is no part.
pub(super) fn of(parts: &[Summed<'_>], cell: usize) -> Option<CellProduct> {
    parts.iter().map(|part| part.state.product(part.first_cell + cell)).reduce(CellProduct::times)
}

/// The register of a product; `None` where it is beyond 64 bits.
pub(super) fn word(product: Option<CellProduct>, dtype: DType) -> Option<u64> {
    let product = product.unwrap_or(CellProduct::Integer(1));
    match product {
        _ if dtype.is_float() => Some(product.to_f64().to_bits()),
        CellProduct::Integer(value) => word_of(value, dtype),
        CellProduct::Float(_) => None,
    }
}
