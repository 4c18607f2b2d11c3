//! Sums along the columns of an orthonormal basis, about the cell's first sample.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};
use multiversion::multiversion;

use super::{Rows, loops};
use crate::dtype::Number;
use crate::kernel::basis::Basis;

/// Columns whose sums stay in the first-level cache while rows pass.
const CACHE_COLUMNS: usize = 128;

/// What is kept of one cell: `z = y - shift` over the part's rows of the design.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) struct CellProjection<'a> {
    pub(in crate::kernel) first_row: u64,
    words: &'a [f64],
    cells: usize,
    cell: usize,
}

impl<'a> CellProjection<'a> {
    pub(super) fn new(first_row: u64, bytes: &'a [u8], cells: usize, cell: usize) -> Self {
        Self { first_row, words: cast_slice(bytes), cells, cell }
    }

    pub(in crate::kernel) fn shift(self) -> f64 {
        self.words[self.cell]
    }

    /// `sum z`
    pub(in crate::kernel) fn sum(self) -> f64 {
        self.words[self.cells + self.cell]
    }

    /// `sum z^2`
    pub(in crate::kernel) fn squares(self) -> f64 {
        self.words[2 * self.cells + self.cell]
    }

    /// `sum q_k z`
    pub(in crate::kernel) fn along(self, k: usize) -> f64 {
        self.words[(3 + k) * self.cells + self.cell]
    }
}

pub(super) fn add<T: Number>(
    basis: &Basis,
    first_row: u64,
    bytes: &mut [u8],
    cells: usize,
    span: Range<usize>,
    rows: Rows<'_, T>,
) {
    let (shifts, planes) = cast_slice_mut::<_, f64>(bytes).split_at_mut(cells);
    let shifts = &mut shifts[span.clone()];
    if rows.patch.first {
        shifts.iter_mut().zip(rows.values).for_each(|(k, v)| *k = loops::shift_of(v.to_f64()));
    }
    let columns = rows.patch.columns;
    for from in (0..columns).step_by(CACHE_COLUMNS) {
        let tile = from..(from + CACHE_COLUMNS).min(columns);
        for (row, values) in rows.values.chunks_exact(columns).enumerate() {
            let q = basis.row((first_row + rows.patch.sample_of(row)) as usize);
            let at = span.start + tile.start;
            add_row(&values[tile.clone()], &shifts[tile.clone()], q, planes, cells, at);
        }
    }
}

/// One row of at most [`CACHE_COLUMNS`] samples, onto the cells from `at` on of each plane.
#[multiversion(targets("x86_64+avx2"))]
fn add_row<T: Number>(
    values: &[T],
    shifts: &[f64],
    q: &[f64],
    planes: &mut [f64],
    cells: usize,
    at: usize,
) {
    let n = values.len();
    let mut z = [0.0; CACHE_COLUMNS];
    let z = &mut z[..n];
    for ((z, v), k) in z.iter_mut().zip(values).zip(shifts) {
        *z = v.to_f64() - k;
    }
    planes[at..at + n].iter_mut().zip(&*z).for_each(|(s, z)| *s += z);
    planes[cells + at..][..n].iter_mut().zip(&*z).for_each(|(s, z)| *s += z * z);
    for (k, q) in q.iter().enumerate() {
        planes[(2 + k) * cells + at..][..n].iter_mut().zip(&*z).for_each(|(s, z)| *s += q * z);
    }
}
