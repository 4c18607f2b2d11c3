//! Every sample, for what needs them all side by side.
//!
//! Samples lie in planes, one an index of the reduced axes (where they are counted: in order of
//! arrival), so that rows are copied as they are.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::Rows;
use crate::dtype::{DType, Element, Number, with_dtype};

/// The counts are those before these rows.
pub(super) fn add<T: Number>(
    bytes: &mut [u8],
    cells: usize,
    span: Range<usize>,
    rows: Rows<'_, T>,
    counts: Option<&[u64]>,
) {
    let samples = cast_slice_mut::<_, T>(bytes);
    let Some(counts) = counts else {
        for (row, values) in rows.values.chunks_exact(rows.patch.columns).enumerate() {
            let plane = rows.patch.sample_of(row) as usize * cells;
            samples[plane + span.start..plane + span.end].copy_from_slice(values);
        }
        return;
    };
    // Column by column: how many came before in these rows is then one number.
    for (column, count) in counts.iter().enumerate() {
        let mut slot = *count as usize;
        for index in (column..rows.values.len()).step_by(rows.patch.columns) {
            if rows.mask.is_none_or(|mask| mask[index] != 0) {
                samples[slot * cells + span.start + column] = rows.values[index];
                slot += 1;
            }
        }
    }
}

/// The first `out.len()` samples of a cell.
pub(super) fn cell(dtype: DType, bytes: &[u8], cells: usize, cell: usize, out: &mut [f64]) {
    with_dtype!(dtype, T => {
        let samples = cast_slice::<_, T>(bytes);
        for (slot, value) in out.iter_mut().enumerate() {
            *value = samples[slot * cells + cell].to_f64();
        }
    });
}
