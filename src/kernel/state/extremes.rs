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

/// The first of equal ones stays, so that the sign of a zero does not depend on cuts. The lower of the lower of two and
/// the lower of two others is the lowest of the four.
#[inline(always)]
fn lower<V: PartialOrd + Copy>(now: V, next: V) -> V {
    if next < now || is_nan(next) { next } else { now }
}

#[inline(always)]
fn higher<V: PartialOrd + Copy>(now: V, next: V) -> V {
    if next > now || is_nan(next) { next } else { now }
}

#[inline(always)]
fn is_nan<V: PartialOrd>(v: V) -> bool {
    v.partial_cmp(&v).is_none()
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
    let columns = low.len();
    let (high, whole) = (&mut high[..columns], values.len() / (4 * columns) * 4 * columns);
    // Four rows as they are, which are narrower than words.
    for rows in values[..whole].chunks_exact(4 * columns) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|row| &rows[row * columns..][..columns]);
        for i in 0..columns {
            let least = lower(lower(a[i], b[i]), lower(c[i], d[i]));
            let most = higher(higher(a[i], b[i]), higher(c[i], d[i]));
            low[i] = lower(low[i], W::of(least));
            high[i] = higher(high[i], W::of(most));
        }
    }
    for row in values[whole..].chunks_exact(columns) {
        for ((low, high), v) in low.iter_mut().zip(&mut *high).zip(row) {
            let v = W::of(*v);
            *low = lower(*low, v);
            *high = higher(*high, v);
        }
    }
}
