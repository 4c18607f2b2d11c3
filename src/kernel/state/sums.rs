//! What does a sample do to the sums from which sum, mean, var and std all come?

use std::ops::Range;

use bytemuck::cast_slice;

use super::kind::SumKind;
use super::{Rows, loops, planes};
use crate::dtype::Number;
use crate::kernel::wide::U256;

/// The sums of one cell, as they are.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernel) enum CellSums {
    Exact { sum: i128, squares: U256 },
    Shifted { shift: f64, sum: f64, squares: f64 },
}

/// Adds rows onto `span` of the cells. The counts are those before these rows.
pub(super) fn add<T: Number>(
    kind: SumKind,
    bytes: &mut [u8],
    cells: usize,
    span: Range<usize>,
    rows: Rows<'_, T>,
    counts: Option<&mut [u64]>,
) {
    let Rows { values, mask, .. } = rows;
    match kind {
        SumKind::Small => {
            let [sums, squares] = planes(bytes, cells, &span);
            if mask.is_none() {
                loops::add_small(values, sums, squares);
            } else {
                rows.each(|_, column, v| {
                    let v = v.to_f64();
                    sums[column] += v;
                    squares[column] += v * v;
                });
            }
        }
        SumKind::Middle => {
            let (squares, sums) = bytes.split_at_mut(cells * 16);
            let ([squares], [sums]) = (planes(squares, cells, &span), planes(sums, cells, &span));
            if let ([square], [sum], None) = (&mut *squares, &mut *sums, mask)
                && !T::DTYPE.is_float()
                && T::DTYPE.size() <= 2
            {
                return add_column(values, sum, square);
            }
            rows.each(|_, column, v| loops::add_middle(v, &mut sums[column], &mut squares[column]));
        }
        SumKind::Wide => {
            let (sums, squares) = bytes.split_at_mut(cells * 16);
            let ([sums], [high, low]) = (planes(sums, cells, &span), planes(squares, cells, &span));
            rows.each(|_, column, v| {
                loops::add_wide(v, &mut sums[column], &mut high[column], &mut low[column]);
            });
        }
        SumKind::Shifted => {
            let [shifts, sums, squares] = planes(bytes, cells, &span);
            if let Some(counts) = counts {
                loops::add_counted_float(values, mask, counts, shifts, sums, squares);
                return;
            }
            if rows.patch.first {
                shifts.iter_mut().zip(values).for_each(|(k, v)| *k = loops::shift_of(v.to_f64()));
            }
            loops::add_float(values, shifts, sums, squares);
        }
    }
}

/// 8- and 16-bit integers, more than are exact as `f64`, onto the sums of one cell: as many at a time as are.
fn add_column<T: Number>(values: &[T], sum: &mut i64, square: &mut u128) {
    for some in values.chunks(SumKind::MOST_SMALL as usize) {
        let (mut small, mut squares) = ([0.0], [0.0]);
        loops::add_small(some, &mut small, &mut squares);
        *sum += small[0] as i64;
        *square += u128::from(squares[0] as u64);
    }
}

/// The sums of one cell.
pub(super) fn cell(kind: SumKind, bytes: &[u8], cells: usize, cell: usize) -> CellSums {
    let exact =
        |sum: i128, high: u128, low: u128| CellSums::Exact { sum, squares: U256 { high, low } };
    match kind {
        SumKind::Small => {
            let sums: &[f64] = cast_slice(bytes);
            // Below 2^53, where the short conversions are exact.
            exact(i128::from(sums[cell] as i64), 0, u128::from(sums[cells + cell] as u64))
        }
        SumKind::Middle => {
            let (squares, sums) = bytes.split_at(16 * cells);
            let (squares, sums): (&[u128], &[i64]) = (cast_slice(squares), cast_slice(sums));
            exact(i128::from(sums[cell]), 0, squares[cell])
        }
        SumKind::Wide => {
            let words: &[u128] = cast_slice(bytes);
            let sum = words[cell].cast_signed();
            exact(sum, words[cells + cell], words[2 * cells + cell])
        }
        SumKind::Shifted => {
            let sums: &[f64] = cast_slice(bytes);
            CellSums::Shifted {
                shift: sums[cell],
                sum: sums[cells + cell],
                squares: sums[2 * cells + cell],
            }
        }
    }
}
