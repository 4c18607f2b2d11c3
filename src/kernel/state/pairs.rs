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
#[target_feature(enable = "avx2")]
pub(super) fn add(values: &[i16], sums: &mut [f64], squares: &mut [f64]) {
    if let ([sum], [square]) = (&mut *sums, &mut *squares) {
        return small_column(values, sum, square);
    }
    for Quad { tile, rows, count } in Quads::new(values, sums.len()) {
        let (sums, squares) = (&mut sums[tile.clone()], &mut squares[tile]);
        match count {
            4 => quad(rows, sums, squares),
            _ => rows[..count].iter().for_each(|row| small_row(row, sums, squares)),
        }
    }
}

#[target_feature(enable = "avx2")]
fn quad(rows: [&[i16]; 4], sums: &mut [f64], squares: &mut [f64]) {
    let n = sums.len();
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] = rows.map(|r| r[..n].as_chunks());
    let (sums, sums_rest) = sums.as_chunks_mut();
    let (squares, squares_rest) = squares[..n].as_chunks_mut();
    let n = sums.len();
    let ([a, b, c, d], squares) = ([a, b, c, d].map(|row| &row[..n]), &mut squares[..n]);
    for i in 0..n {
        let rows = [&a[i], &b[i], &c[i], &d[i]];
        if !sixteen(rows, &mut sums[i], &mut squares[i]) {
            small_quad(rows.map(|row| &row[..]), &mut sums[i], &mut squares[i]);
        }
    }
    small_quad([a_rest, b_rest, c_rest, d_rest], sums_rest, squares_rest);
}

/// Four rows of sixteen columns. Adds nothing, and says so, where the squares of a column do not fit into 32 bits: four
/// times -32768.
#[target_feature(enable = "avx2")]
#[inline]
fn sixteen(rows: [&[i16; 16]; 4], sums: &mut [f64; 16], squares: &mut [f64; 16]) -> bool {
    // Unpacking takes four columns of each half; in this order it takes the first eight, then the others.
    let [a, b, c, d] = rows.map(|row| _mm256_permute4x64_epi64::<0b11_01_10_00>(cast(*row)));
    let pairs = [
        [_mm256_unpacklo_epi16(a, b), _mm256_unpacklo_epi16(c, d)],
        [_mm256_unpackhi_epi16(a, b), _mm256_unpackhi_epi16(c, d)],
    ];
    let ones = _mm256_set1_epi16(1);
    let of_four = pairs
        .map(|[ab, cd]| _mm256_add_epi32(_mm256_madd_epi16(ab, ones), _mm256_madd_epi16(cd, ones)));
    let least = _mm256_set1_epi32(4 * i16::MIN as i32);
    let [first, last] = of_four.map(|sum| _mm256_cmpeq_epi32(sum, least));
    let is_least = _mm256_or_si256(first, last);
    if _mm256_testz_si256(is_least, is_least) == 0 {
        return false;
    }
    let (sums, squares) = (sums.as_chunks_mut::<4>().0, squares.as_chunks_mut::<4>().0);
    for (i, ([ab, cd], sum)) in pairs.into_iter().zip(of_four).enumerate() {
        let square = _mm256_add_epi32(_mm256_madd_epi16(ab, ab), _mm256_madd_epi16(cd, cd));
        // Without a sign, as those below 2^31 with one; what was taken off is added as a float.
        let square = in_floats(_mm256_xor_si256(square, _mm256_set1_epi32(i32::MIN)));
        let sum = in_floats(sum);
        for k in 0..2 {
            add_to(&mut sums[2 * i + k], sum[k]);
            add_to(&mut squares[2 * i + k], _mm256_add_pd(square[k], _mm256_set1_pd(TWO_TO_31)));
        }
    }
    true
}

const TWO_TO_31: f64 = 2_147_483_648.0;

#[target_feature(enable = "avx2")]
#[inline]
fn in_floats(of: __m256i) -> [__m256d; 2] {
    let halves = [_mm256_castsi256_si128(of), _mm256_extracti128_si256::<1>(of)];
    halves.map(|half| _mm256_cvtepi32_pd(half))
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
