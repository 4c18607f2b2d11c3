//! Counts of `numpy.histogram`'s bins: half-open, the last one closed; NaN is in none.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::Rows;
use crate::dtype::Number;

/// A cell's bins lie side by side.
pub(super) fn add<T: Number>(
    edges: &[f64],
    bytes: &mut [u8],
    span: Range<usize>,
    rows: Rows<'_, T>,
) {
    let bins = edges.len().saturating_sub(1);
    let counts = &mut cast_slice_mut::<_, u64>(bytes)[span.start * bins..span.end * bins];
    rows.each(|_, column, v| {
        if let Some(bin) = bin_of(edges, v.to_f64()) {
            counts[column * bins + bin] += 1;
        }
    });
}

/// What `searchsorted` makes of it: the last bin whose lower edge is not above the value.
fn bin_of(edges: &[f64], value: f64) -> Option<usize> {
    let (&last, lower) = edges.split_last()?;
    if value <= last { lower.partition_point(|&edge| edge <= value).checked_sub(1) } else { None }
}

pub(super) fn cell(edges: &[f64], bytes: &[u8], cell: usize, bin: usize) -> u64 {
    cast_slice::<_, u64>(bytes)[cell * edges.len().saturating_sub(1) + bin]
}
