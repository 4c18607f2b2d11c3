//! How are 16-bit samples added two at a time?
//!
//! `vpmaddwd` multiplies sixteen of them and adds neighbours, which are made of two rows: exact in 32 bits, and half
//! the work of numbers that are widened first. What does not fill its registers goes the way of `loops`, with
//! the same sums: they are of integers.

use std::arch::x86_64::{
    __m256d, __m256i, _mm256_add_epi32, _mm256_add_pd, _mm256_castsi256_si128, _mm256_cmpeq_epi32,
    _mm256_cvtepi32_pd, _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_or_si256,
    _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_pd,
    _mm256_testz_si256, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm256_xor_si256,
};

use bytemuck::cast;

use super::loops::{Quad, Quads, small_column, small_quad, small_row};

/// `sums += x`, `squares += x*x`, rows as long as the sums.
///
/// Here and below no closure goes through a function of the standard library: that is compiled for every machine, and
/// only where it happens to be inlined may it call what is compiled for this one.
#[target_feature(enable = "avx2")]
pub(super) fn add(values: &[i16], sums: &mut [f64], squares: &mut [f64]) {
    if let ([sum], [square]) = (&mut *sums, &mut *squares) {
        return small_column(values, sum, square);
    }
    for Quad { tile, rows, count } in Quads::new(values, sums.len()) {
        let (sums, squares) = (&mut sums[tile.clone()], &mut squares[tile]);
        if count == 4 {
            quad(rows, sums, squares);
            continue;
        }
        for row in &rows[..count] {
            small_row(row, sums, squares);
        }
    }
}

#[target_feature(enable = "avx2")]
fn quad([a, b, c, d]: [&[i16]; 4], sums: &mut [f64], squares: &mut [f64]) {
    let (sums, sums_rest) = sums.as_chunks_mut();
    let (squares, squares_rest) = squares.as_chunks_mut();
    let n = sums.len();
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
    let ((c, c_rest), (d, d_rest)) = (c.as_chunks(), d.as_chunks());
    let (a, b, c, d, squares) = (&a[..n], &b[..n], &c[..n], &d[..n], &mut squares[..n]);
    for i in 0..n {
        if !sixteen([&a[i], &b[i], &c[i], &d[i]], &mut sums[i], &mut squares[i]) {
            small_quad([&a[i], &b[i], &c[i], &d[i]], &mut sums[i], &mut squares[i]);
        }
    }
    small_quad([a_rest, b_rest, c_rest, d_rest], sums_rest, squares_rest);
}

/// Four rows of sixteen columns. Adds nothing, and says so, where the squares of a column do not fit into 32 bits: four
/// times -32768.
#[target_feature(enable = "avx2")]
#[inline]
fn sixteen([a, b, c, d]: [&[i16; 16]; 4], sums: &mut [f64; 16], squares: &mut [f64; 16]) -> bool {
    let (a, b, c, d) = (in_order(a), in_order(b), in_order(c), in_order(d));
    let first = [_mm256_unpacklo_epi16(a, b), _mm256_unpacklo_epi16(c, d)];
    let last = [_mm256_unpackhi_epi16(a, b), _mm256_unpackhi_epi16(c, d)];
    let (first_sum, last_sum) = (of_four(first), of_four(last));
    let least = _mm256_set1_epi32(4 * i16::MIN as i32);
    let is_least =
        _mm256_or_si256(_mm256_cmpeq_epi32(first_sum, least), _mm256_cmpeq_epi32(last_sum, least));
    if _mm256_testz_si256(is_least, is_least) == 0 {
        return false;
    }
    let (sums, squares) = (sums.as_chunks_mut().0, squares.as_chunks_mut().0);
    add_eight(first, first_sum, &mut sums[0], &mut squares[0]);
    add_eight(last, last_sum, &mut sums[1], &mut squares[1]);
    true
}

/// Unpacking takes four columns of each half; in this order it takes the first eight, then the others.
#[target_feature(enable = "avx2")]
#[inline]
fn in_order(row: &[i16; 16]) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(cast(*row))
}

#[target_feature(enable = "avx2")]
#[inline]
fn of_four([ab, cd]: [__m256i; 2]) -> __m256i {
    let ones = _mm256_set1_epi16(1);
    _mm256_add_epi32(_mm256_madd_epi16(ab, ones), _mm256_madd_epi16(cd, ones))
}

/// Eight columns, of which four rows stand in pairs, with their sums.
#[target_feature(enable = "avx2")]
#[inline]
fn add_eight([ab, cd]: [__m256i; 2], sum: __m256i, sums: &mut [f64; 8], squares: &mut [f64; 8]) {
    let square = _mm256_add_epi32(_mm256_madd_epi16(ab, ab), _mm256_madd_epi16(cd, cd));
    // Without a sign, as those below 2^31 with one; what was taken off is added as a float.
    let square = _mm256_xor_si256(square, _mm256_set1_epi32(i32::MIN));
    let back = _mm256_set1_pd(TWO_TO_31);
    let (sums, squares) = (sums.as_chunks_mut().0, squares.as_chunks_mut().0);
    add_to(&mut sums[0], low(sum));
    add_to(&mut sums[1], high(sum));
    add_to(&mut squares[0], _mm256_add_pd(low(square), back));
    add_to(&mut squares[1], _mm256_add_pd(high(square), back));
}

const TWO_TO_31: f64 = 2_147_483_648.0;

#[target_feature(enable = "avx2")]
#[inline]
fn low(of: __m256i) -> __m256d {
    _mm256_cvtepi32_pd(_mm256_castsi256_si128(of))
}

#[target_feature(enable = "avx2")]
#[inline]
fn high(of: __m256i) -> __m256d {
    _mm256_cvtepi32_pd(_mm256_extracti128_si256::<1>(of))
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_to(to: &mut [f64; 4], of: __m256d) {
    *to = cast(_mm256_add_pd(cast(*to), of));
}

#[cfg(test)]
mod tests {
    use super::super::loops;

    #[test]
    fn sums_are_those_of_big_integers_for_any_shape_and_for_the_least_and_the_largest_samples() {
        let of = |kind: usize, at: usize| match kind {
            0 => i16::MIN,
            1 => i16::MAX,
            2 => [i16::MIN, i16::MAX][at % 2],
            3 if at % 37 != 5 => i16::MIN,
            _ => (at.wrapping_mul(40_503) >> 3) as i16,
        };
        for columns in [1, 2, 15, 16, 17, 48, 1023, 1025, 2100] {
            for rows in [1, 3, 4, 5, 8, 11] {
                for kind in 0..5 {
                    let values: Vec<i16> = (0..columns * rows).map(|at| of(kind, at)).collect();
                    let (mut sums, mut squares) = (vec![3.0; columns], vec![5.0; columns]);
                    loops::add_small(&values, &mut sums, &mut squares);
                    for column in 0..columns {
                        let of_column =
                            || values[column..].iter().step_by(columns).map(|&v| i64::from(v));
                        assert_eq!(sums[column], (3 + of_column().sum::<i64>()) as f64);
                        let expected = 5 + of_column().map(|v| v * v).sum::<i64>();
                        assert_eq!(squares[column], expected as f64, "{columns} {rows} {kind}");
                    }
                }
            }
        }
    }
}
