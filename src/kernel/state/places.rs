//! Smallest and largest sample, and where each is first.
//!
//! numpy's rule: of equal samples the first in C order over the reduced axes counts, whatever order they
//! arrive in; a NaN is smaller and larger than any number.

use std::ops::Range;

use bytemuck::{cast_slice, cast_slice_mut};

use super::kind::WordKind;
use super::words::{SampleWord, Value, with_word};
use super::{Rows, extremes, planes};
use crate::dtype::Number;

/// Where a cell without samples has its extremes; every place is before it.
const NOWHERE: u64 = u64::MAX;

pub(super) fn reset(word: WordKind, bytes: &mut [u8], cells: usize) {
    extremes::reset(word, bytes, cells);
    cast_slice_mut(&mut bytes[16 * cells..32 * cells]).fill(NOWHERE);
}

pub(super) fn add<T: Number>(
    word: WordKind,
    bytes: &mut [u8],
    cells: usize,
    span: Range<usize>,
    rows: Rows<'_, T>,
) {
    let (values, at) = bytes.split_at_mut(16 * cells);
    let [low_at, high_at] = planes::<u64, 2>(at, cells, &span);
    with_word!(word, W => {
        let [low, high] = planes::<W, 2>(values, cells, &span);
        rows.each(|row, column, v| {
            let (v, place) = (W::of(v), rows.patch.sample_of(row));
            if precedes(v, place, low[column], low_at[column], v < low[column]) {
                (low[column], low_at[column]) = (v, place);
            }
            if precedes(v, place, high[column], high_at[column], v > high[column]) {
                (high[column], high_at[column]) = (v, place);
            }
        });
    });
}

/// True where sample `v` at `place` comes before the one so far. `beyond`: it is smaller, or larger.
#[inline(always)]
fn precedes<W: SampleWord>(v: W, place: u64, now: W, now_at: u64, beyond: bool) -> bool {
    let (nan, now_nan) = (v.is_nan(), now.is_nan());
    beyond || (nan && !now_nan) || (place < now_at && (v == now || (nan && now_nan)))
}

pub(super) fn cell(word: WordKind, bytes: &[u8], cells: usize, cell: usize) -> [(Value, u64); 2] {
    let (values, at) = bytes.split_at(16 * cells);
    let at: &[u64] = cast_slice(at);
    with_word!(word, W => {
        let values: &[W] = cast_slice(values);
        [cell, cells + cell].map(|index| (values[index].value(), at[index]))
    })
}
