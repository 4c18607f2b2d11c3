//! How are rows of samples added onto columns of sums?
//!
//! Rows lie one after the other, each as long as the sums. Columns are taken in tiles that stay in the
//! first-level cache, four rows at a time:
//!
//! ```text
//! for each tile of columns
//!     for each four rows
//!         for each column of the tile      <- vectorised
//!             sums += the four samples
//! ```
//!
//! Integers are exact as long as the [`SumKind`](super::kind::SumKind) is the right one, so their order
//! is free: four rows are added to each other first, and a single column goes in eight lanes. Floats are
//! added strictly one sample after the other, so that a series gives the same bits however it was cut
//! into blocks. There is no `mul_add`: contraction would make the bits depend on the machine.

use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::match_target;

#[cfg(target_arch = "x86_64")]
use super::pairs;
use super::words::wide;
use crate::dtype::Number;
use crate::kernel::wide::U256;

pub(super) const CACHE_COLUMNS: usize = 1024;

/// Four rows or fewer of one tile of columns.
pub(super) struct Quad<'v, T> {
    pub(super) tile: Range<usize>,
    /// The last rows repeat where there are fewer than four.
    pub(super) rows: [&'v [T]; 4],
    pub(super) count: usize,
}

/// Quads tile by tile, rows ascending within a tile. An iterator and not a function that takes a
/// closure: only what is inlined into a kernel is compiled for the kernel's instruction set.
pub(super) struct Quads<'v, T> {
    values: &'v [T],
    columns: usize,
    column: usize,
    row: usize,
}

impl<'v, T> Quads<'v, T> {
    #[inline(always)]
    pub(super) fn new(values: &'v [T], columns: usize) -> Self {
        Self { values, columns, column: 0, row: 0 }
    }
}

impl<'v, T> Iterator for Quads<'v, T> {
    type Item = Quad<'v, T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Quad<'v, T>> {
        if self.column >= self.columns || self.values.is_empty() {
            return None;
        }
        let total = self.values.len() / self.columns;
        let tile = self.column..(self.column + CACHE_COLUMNS).min(self.columns);
        let (row, count) = (self.row, (total - self.row).min(4));
        let at = |k: usize| {
            let base = (row + k.min(count - 1)) * self.columns;
            &self.values[base + tile.start..base + tile.end]
        };
        let rows = [at(0), at(1), at(2), at(3)];
        self.row += count;
        if self.row == total {
            (self.row, self.column) = (0, tile.end);
        }
        Some(Quad { tile, rows, count })
    }
}

#[inline(always)]
fn small<T: Number>(values: &[T], sums: &mut [f64], squares: &mut [f64]) {
    if let ([sum], [square]) = (&mut *sums, &mut *squares) {
        return small_column(values, sum, square);
    }
    for Quad { tile, rows, count } in Quads::new(values, sums.len()) {
        let (sums, squares) = (&mut sums[tile.clone()], &mut squares[tile]);
        match count {
            4 => small_quad(rows, sums, squares),
            _ => rows[..count].iter().for_each(|row| small_row(row, sums, squares)),
        }
    }
}

#[inline(always)]
pub(super) fn small_column<T: Number>(values: &[T], sum: &mut f64, square: &mut f64) {
    let (lanes, rest) = values.as_chunks::<8>();
    let (mut s, mut q) = ([0.0; 8], [0.0; 8]);
    for chunk in lanes {
        for i in 0..8 {
            let v = chunk[i].to_f64();
            s[i] += v;
            q[i] += v * v;
        }
    }
    let rest = rest.iter().map(|v| v.to_f64());
    *sum += s.iter().sum::<f64>() + rest.clone().sum::<f64>();
    *square += q.iter().sum::<f64>() + rest.map(|v| v * v).sum::<f64>();
}

#[inline(always)]
pub(super) fn small_quad<T: Number>(rows: [&[T]; 4], sums: &mut [f64], squares: &mut [f64]) {
    let n = sums.len();
    let [a, b, c, d] = rows.map(|r| &r[..n]);
    for i in 0..n {
        let [a, b, c, d] = [a[i], b[i], c[i], d[i]].map(T::to_f64);
        sums[i] += (a + b) + (c + d);
        squares[i] += (a * a + b * b) + (c * c + d * d);
    }
}

#[inline(always)]
pub(super) fn small_row<T: Number>(row: &[T], sums: &mut [f64], squares: &mut [f64]) {
    for ((s, q), v) in sums.iter_mut().zip(squares.iter_mut()).zip(row) {
        let v = v.to_f64();
        *s += v;
        *q += v * v;
    }
}

#[inline(always)]
fn float<T: Number>(values: &[T], shifts: &[f64], sums: &mut [f64], squares: &mut [f64]) {
    if let ([k], [sum], [square]) = (shifts, &mut *sums, &mut *squares) {
        let (mut s, mut q) = (*sum, *square);
        for v in values {
            let v = v.to_f64() - k;
            s += v;
            q += v * v;
        }
        (*sum, *square) = (s, q);
        return;
    }
    for Quad { tile, rows, count } in Quads::new(values, sums.len()) {
        let shifts = &shifts[tile.clone()];
        let (sums, squares) = (&mut sums[tile.clone()], &mut squares[tile]);
        let n = sums.len();
        if count == 4 {
            let [a, b, c, d] = rows.map(|r| &r[..n]);
            for i in 0..n {
                let k = shifts[i];
                let [a, b, c, d] = [a[i], b[i], c[i], d[i]].map(|v| v.to_f64() - k);
                sums[i] = (((sums[i] + a) + b) + c) + d;
                squares[i] = (((squares[i] + a * a) + b * b) + c * c) + d * d;
            }
        } else {
            for row in &rows[..count] {
                for i in 0..n {
                    let v = row[i].to_f64() - shifts[i];
                    sums[i] += v;
                    squares[i] += v * v;
                }
            }
        }
    }
}

/// `sums += x`, `squares += x*x` in `f64`: exact for 8- and 16-bit integers up to 2^21 rows.
macro_rules! small_for {
    ($($name:ident: $t:ty),*) => {$(
        #[multiversion(targets("x86_64+avx2"))]
        fn $name(values: &[$t], sums: &mut [f64], squares: &mut [f64]) {
            small(values, sums, squares);
        }
    )*};
}
small_for!(small_u8: u8, small_i8: i8, small_u16: u16);

/// The same for the type that scanners write, by instructions that the compiler does not find.
#[multiversion(targets("x86_64+avx2"))]
fn small_i16(values: &[i16], sums: &mut [f64], squares: &mut [f64]) {
    match_target! {
        "x86_64+avx2" => pairs::add(values, sums, squares),
        _ => small(values, sums, squares),
    }
}

/// `sums += x - k`, `squares += (x - k)^2`, one sample after the other.
macro_rules! float_for {
    ($($name:ident: $t:ty),*) => {$(
        #[multiversion(targets("x86_64+avx2"))]
        fn $name(values: &[$t], k: &[f64], sums: &mut [f64], squares: &mut [f64]) {
            float(values, k, sums, squares);
        }
    )*};
}
float_for!(float_f32: f32, float_f64: f64);

/// Types that have a vectorised `f64` loop; the others take the same loop as compiled for all.
pub(super) fn add_small<T: Number>(values: &[T], sums: &mut [f64], squares: &mut [f64]) {
    if let Some(values) = same_type::<T, i16>(values) {
        small_i16(values, sums, squares);
    } else if let Some(values) = same_type::<T, u16>(values) {
        small_u16(values, sums, squares);
    } else if let Some(values) = same_type::<T, u8>(values) {
        small_u8(values, sums, squares);
    } else if let Some(values) = same_type::<T, i8>(values) {
        small_i8(values, sums, squares);
    } else {
        small(values, sums, squares);
    }
}

pub(super) fn add_float<T: Number>(
    values: &[T],
    shifts: &[f64],
    sums: &mut [f64],
    squares: &mut [f64],
) {
    if let Some(values) = same_type::<T, f32>(values) {
        float_f32(values, shifts, sums, squares);
    } else if let Some(values) = same_type::<T, f64>(values) {
        float_f64(values, shifts, sums, squares);
    } else {
        float(values, shifts, sums, squares);
    }
}

/// One sample onto exact sums of 32-bit integers: up to 2^31 of them.
#[inline(always)]
pub(super) fn add_middle<T: Number>(value: T, sum: &mut i64, squares: &mut u128) {
    let v = value.to_i64();
    *sum += v;
    *squares += u128::from(v.unsigned_abs()) * u128::from(v.unsigned_abs());
}

/// One sample onto exact sums of any integers.
#[inline(always)]
pub(super) fn add_wide<T: Number>(value: T, sum: &mut i128, high: &mut u128, low: &mut u128) {
    let v = wide(value);
    *sum += v;
    let square =
        U256 { high: *high, low: *low }.plus(U256::product(v.unsigned_abs(), v.unsigned_abs()));
    (*high, *low) = (square.high, square.low);
}

/// The number that a cell's differences are taken from, given its first sample. A sample that is not
/// finite makes its sums so, whatever the shift.
#[inline(always)]
pub(super) fn shift_of(first: f64) -> f64 {
    if first.is_finite() { first } else { 0.0 }
}

/// As [`add_float`], with the first sample that counts as the shift. `counts` are those before these
/// rows. A sample left out adds 0, which changes no bit: a sum is never -0.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn add_counted_float<T: Number>(
    values: &[T],
    mask: Option<&[u8]>,
    counts: &[u64],
    shifts: &mut [f64],
    sums: &mut [f64],
    squares: &mut [f64],
) {
    let columns = counts.len();
    let mut from = 0;
    while from < columns {
        let tile = from..(from + CACHE_COLUMNS).min(columns);
        let (shifts, sums) = (&mut shifts[tile.clone()], &mut sums[tile.clone()]);
        let squares = &mut squares[tile.clone()];
        let mut seen = [0_u64; CACHE_COLUMNS];
        let seen = &mut seen[..tile.len()];
        seen.copy_from_slice(&counts[tile.clone()]);
        for (row, values) in values.chunks_exact(columns).enumerate() {
            let values = &values[tile.clone()];
            let kept = mask.map(|mask| &mask[row * columns..][tile.clone()]);
            for i in 0..values.len() {
                let keep = kept.is_none_or(|kept| kept[i] != 0);
                let v = values[i].to_f64();
                shifts[i] = if keep && seen[i] == 0 { shift_of(v) } else { shifts[i] };
                let z = if keep { v - shifts[i] } else { 0.0 };
                sums[i] += z;
                squares[i] += z * z;
                seen[i] += u64::from(keep);
            }
        }
        from = tile.end;
    }
}

/// Counts the samples of rows as long as `counts`.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn count(samples: usize, mask: Option<&[u8]>, counts: &mut [u64]) {
    let columns = counts.len();
    match mask {
        None => {
            let rows = (samples / columns) as u64;
            for count in counts {
                *count += rows;
            }
        }
        Some(mask) => {
            for row in mask.chunks_exact(columns) {
                counts.iter_mut().zip(row).for_each(|(n, kept)| *n += u64::from(*kept != 0));
            }
        }
    }
}

fn same_type<T: Number, U: Number>(values: &[T]) -> Option<&[U]> {
    if T::DTYPE == U::DTYPE { bytemuck::try_cast_slice(values).ok() } else { None }
}
