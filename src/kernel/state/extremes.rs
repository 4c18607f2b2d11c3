//! Smallest and largest sample. NaN is both, as in numpy.

use std::ops::Range;

use bytemuck::cast_slice;
use multiversion::multiversion;

use super::kind::WordKind;
use super::words::{SampleWord, Value, with_word};
use super::{Rows, planes};
use crate::dtype::Number;

pub(super) fn reset(word: WordKind, bytes: &mut [u8], cells: usize) {
    with_word!(word, W => {
        let [low, high] = planes::<W, 2>(bytes, cells, &(0..cells));
        low.fill(W::HIGHEST);
        high.fill(W::LOWEST);
    });
}

pub(super) fn add<T: Number>(
    word: WordKind,
    bytes: &mut [u8],
    cells: usize,
    span: Range<usize>,
    rows: Rows<'_, T>,
) {
    with_word!(word, W => {
        let [low, high] = planes::<W, 2>(bytes, cells, &span);
        match rows.mask {
            None => extend(rows.values, low, high),
            Some(_) => rows.each(|_, column, v| {
                let v = W::of(v);
                low[column] = lower(low[column], v);
                high[column] = higher(high[column], v);
            }),
        }
    });
}

pub(super) fn cell(word: WordKind, bytes: &[u8], cells: usize, cell: usize) -> (Value, Value) {
    with_word!(word, W => {
        let words: &[W] = cast_slice(bytes);
        (words[cell].value(), words[cells + cell].value())
    })
}

/// The first of equal ones stays, so that the sign of a zero does not depend on cuts.
#[inline(always)]
fn lower<W: SampleWord>(now: W, next: W) -> W {
    if next < now || next.is_nan() { next } else { now }
}

#[inline(always)]
fn higher<W: SampleWord>(now: W, next: W) -> W {
    if next > now || next.is_nan() { next } else { now }
}

/// Rows as long as `low` and `high`.
#[multiversion(targets("x86_64+avx2"))]
fn extend<T: Number, W: SampleWord>(values: &[T], low: &mut [W], high: &mut [W]) {
    if let ([low], [high]) = (&mut *low, &mut *high) {
        let (mut l, mut h) = (*low, *high);
        for v in values {
            let v = W::of(*v);
            (l, h) = (lower(l, v), higher(h, v));
        }
        (*low, *high) = (l, h);
        return;
    }
    for row in values.chunks_exact(low.len()) {
        for ((low, high), v) in low.iter_mut().zip(high.iter_mut()).zip(row) {
            let v = W::of(*v);
            *low = lower(*low, v);
            *high = higher(*high, v);
        }
    }
}
