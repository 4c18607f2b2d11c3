//! The inner loops: rows of voxels added onto columns of sums.
//!
//! A block of `rows` rows, each `stride` elements apart, is added onto one sum per column. Columns
//! are taken in tiles that stay in the first-level cache, four rows at a time:
//!
//! ```text
//! for each tile of columns
//!     for each four rows
//!         for each column of the tile      <- vectorised
//!             sums += the four samples, in row order
//! ```
//!
//! Integers are exact, so their order is free. Floats are added strictly one sample after the other
//! in row order; the same series gives the same bits however it was cut into blocks. There is no
//! `mul_add`: contraction would make the bits depend on the machine.

use std::ops::Range;

use multiversion::multiversion;

use super::wide::U256;
use crate::dtype::Number;

const TILE_COLUMNS: usize = 1024;

/// Four rows or fewer of one tile of columns.
struct Quad<'v, T> {
    tile: Range<usize>,
    /// The last rows repeat where there are fewer than four.
    rows: [&'v [T]; 4],
    count: usize,
}

/// Quads tile by tile, rows ascending within a tile. An iterator and not a function that takes a
/// closure: only what is inlined into a kernel is compiled for the kernel's instruction set.
struct Quads<'v, T> {
    values: &'v [T],
    stride: usize,
    columns: usize,
    column: usize,
    row: usize,
}

impl<'v, T> Quads<'v, T> {
    #[inline(always)]
    fn new(values: &'v [T], stride: usize, columns: usize) -> Self {
        Self { values, stride, columns, column: 0, row: 0 }
    }
}

impl<'v, T> Iterator for Quads<'v, T> {
    type Item = Quad<'v, T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Quad<'v, T>> {
        if self.column >= self.columns || self.values.is_empty() {
            return None;
        }
        let total = self.values.len().div_ceil(self.stride);
        let tile = self.column..(self.column + TILE_COLUMNS).min(self.columns);
        let (row, count) = (self.row, (total - self.row).min(4));
        let at = |k: usize| {
            let base = (row + k.min(count - 1)) * self.stride;
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
fn small<T: Number>(values: &[T], stride: usize, sums: &mut [f64], squares: &mut [f64]) {
    for Quad { tile, rows, count } in Quads::new(values, stride, sums.len()) {
        let (sums, squares) = (&mut sums[tile.clone()], &mut squares[tile]);
        let n = sums.len();
        if count == 4 {
            let [a, b, c, d] = rows.map(|r| &r[..n]);
            for i in 0..n {
                let [a, b, c, d] = [a[i], b[i], c[i], d[i]].map(T::to_f64);
                sums[i] += (a + b) + (c + d);
                squares[i] += (a * a + b * b) + (c * c + d * d);
            }
        } else {
            for row in &rows[..count] {
                for ((s, q), v) in sums.iter_mut().zip(squares.iter_mut()).zip(*row) {
                    let v = v.to_f64();
                    *s += v;
                    *q += v * v;
                }
            }
        }
    }
}

#[inline(always)]
fn float<T: Number>(
    values: &[T],
    stride: usize,
    shifts: &[f64],
    sums: &mut [f64],
    squares: &mut [f64],
) {
    for Quad { tile, rows, count } in Quads::new(values, stride, sums.len()) {
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
        fn $name(values: &[$t], stride: usize, sums: &mut [f64], squares: &mut [f64]) {
            small(values, stride, sums, squares);
        }
    )*};
}
small_for!(small_u8: u8, small_i8: i8, small_u16: u16, small_i16: i16);

/// `sums += x - k`, `squares += (x - k)^2`, one sample after the other.
macro_rules! float_for {
    ($($name:ident: $t:ty),*) => {$(
        #[multiversion(targets("x86_64+avx2"))]
        fn $name(values: &[$t], stride: usize, k: &[f64], sums: &mut [f64], squares: &mut [f64]) {
            float(values, stride, k, sums, squares);
        }
    )*};
}
float_for!(float_f32: f32, float_f64: f64);

/// Types that have a vectorised `f64` loop; the others take the same loop as compiled for all.
pub(super) fn add_small<T: Number>(
    values: &[T],
    stride: usize,
    sums: &mut [f64],
    squares: &mut [f64],
) {
    if let Some(values) = same_type::<T, i16>(values) {
        small_i16(values, stride, sums, squares);
    } else if let Some(values) = same_type::<T, u16>(values) {
        small_u16(values, stride, sums, squares);
    } else if let Some(values) = same_type::<T, u8>(values) {
        small_u8(values, stride, sums, squares);
    } else if let Some(values) = same_type::<T, i8>(values) {
        small_i8(values, stride, sums, squares);
    } else {
        small(values, stride, sums, squares);
    }
}

pub(super) fn add_float<T: Number>(
    values: &[T],
    stride: usize,
    shifts: &[f64],
    sums: &mut [f64],
    squares: &mut [f64],
) {
    if let Some(values) = same_type::<T, f32>(values) {
        float_f32(values, stride, shifts, sums, squares);
    } else if let Some(values) = same_type::<T, f64>(values) {
        float_f64(values, stride, shifts, sums, squares);
    } else {
        float(values, stride, shifts, sums, squares);
    }
}

/// Exact sums of 32-bit integers: up to 2^31 rows.
pub(super) fn add_middle<T: Number>(
    values: &[T],
    stride: usize,
    sums: &mut [i64],
    squares: &mut [u128],
) {
    for Quad { tile, rows, count } in Quads::new(values, stride, sums.len()) {
        for row in &rows[..count] {
            let columns = sums[tile.clone()].iter_mut().zip(&mut squares[tile.clone()]);
            for ((s, q), v) in columns.zip(*row) {
                let v = v.to_i64();
                *s += v;
                *q += u128::from(v.unsigned_abs()) * u128::from(v.unsigned_abs());
            }
        }
    }
}

/// Exact sums of any integers. `U64` values above `i64::MAX` arrive through `as_wide`.
pub(super) fn add_wide<T: Number>(
    values: &[T],
    stride: usize,
    sums: &mut [i128],
    squares_high: &mut [u128],
    squares_low: &mut [u128],
) {
    for Quad { tile, rows, count } in Quads::new(values, stride, sums.len()) {
        for row in &rows[..count] {
            for (i, v) in tile.clone().zip(*row) {
                let v = as_wide(*v);
                sums[i] += v;
                let square = U256 { high: squares_high[i], low: squares_low[i] }
                    .plus(U256::product(v.unsigned_abs(), v.unsigned_abs()));
                (squares_high[i], squares_low[i]) = (square.high, square.low);
            }
        }
    }
}

fn as_wide<T: Number>(value: T) -> i128 {
    let bits = value.to_i64();
    if T::DTYPE == crate::dtype::DType::U64 { i128::from(bits as u64) } else { i128::from(bits) }
}

fn same_type<T: Number, U: Number>(values: &[T]) -> Option<&[U]> {
    if T::DTYPE == U::DTYPE { bytemuck::try_cast_slice(values).ok() } else { None }
}
