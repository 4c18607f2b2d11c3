//! From sums along an orthonormal basis to coefficients and the residual sum of squares.
//!
//! With `X = Q R`, a series `y`, a shift `s` that all parts are brought to, and `z = y - s*1`, the state
//! gives `S = sum z`, `N = sum z^2` and `b = Q'z`. A part kept about another shift `s_p` differs by
//! `d = s_p - s`:
//!
//! ```text
//! S += S_p + n_p d     N += N_p + 2 d S_p + n_p d^2     b += b_p + d Q_p'1
//! ```
//!
//! with `Q_p'1` the sums of the basis' rows in the part. Of `y = z + s*1` the design holds `P y`, so with
//! `e = (1 - P)1`, what it does not hold of a constant,
//!
//! ```text
//! rss = |(1 - P)(z + s*1)|^2 = N - b'b + 2 s (S - b'Q'1) + s^2 e'e
//! ```
//!
//! because `(1 - P)` is symmetric and idempotent. Where the design holds a constant, `e = 0` and both
//! last terms are left out: they are zero, and `s` times the rounding of `S` would be all that they add.
//! `e'e` is summed from `e` itself when the basis is made, not as `T - |Q'1|^2`. The coefficients solve
//! `R c = Q'y`: `c = R^-1 b + s R^-1 Q'1`.

use super::{Summed, scale};
use crate::kernel::basis::Basis;

/// The coefficient of column `column` of the design.
pub(super) fn coefficient(basis: &Basis, column: usize, parts: &[Summed<'_>], cell: usize) -> f64 {
    let shift = shift(parts, cell);
    let known = basis.inverse(column).iter().enumerate().skip(column);
    known.map(|(k, r)| r * along(basis, k, parts, cell, shift)).sum::<f64>()
        + shift * basis.one(column)
}

/// What the design leaves of the series, squared and summed; not below 0.
pub(super) fn residual_sum_squares(basis: &Basis, parts: &[Summed<'_>], cell: usize) -> f64 {
    let shift = shift(parts, cell);
    let (mut sum, mut squares) = (0.0, 0.0);
    for part in parts.iter().filter(|part| part.count > 0) {
        let kept = part.state.projection(part.first_cell + cell);
        let (slope, n) = (part.slope, part.count as f64);
        let (part_sum, part_squares) =
            (scale(kept.sum(), slope, 0.0), scale(kept.squares(), slope * slope, 0.0));
        let d = scale(kept.shift(), slope, part.inter) - shift;
        sum += part_sum + n * d;
        squares += part_squares + 2.0 * d * part_sum + n * d * d;
    }
    let (mut held, mut crossed) = (0.0, 0.0);
    for k in 0..basis.columns() {
        let b = along(basis, k, parts, cell, shift);
        held += b * b;
        crossed += b * basis.sum(k, 0, basis.samples() as usize);
    }
    let mut left = squares - held;
    if basis.outside() > 0.0 {
        left += 2.0 * shift * (sum - crossed) + shift * shift * basis.outside();
    }
    if left < 0.0 { 0.0 } else { left }
}

/// The shift of the first part that has samples, as a true value.
fn shift(parts: &[Summed<'_>], cell: usize) -> f64 {
    parts.iter().find(|part| part.count > 0).map_or(f64::NAN, |part| {
        scale(part.state.projection(part.first_cell + cell).shift(), part.slope, part.inter)
    })
}

/// `q_k'z` of all parts about one shift.
fn along(basis: &Basis, k: usize, parts: &[Summed<'_>], cell: usize, shift: f64) -> f64 {
    let mut total = 0.0;
    for part in parts.iter().filter(|part| part.count > 0) {
        let kept = part.state.projection(part.first_cell + cell);
        let d = scale(kept.shift(), part.slope, part.inter) - shift;
        let first = kept.first_row as usize;
        let ones = basis.sum(k, first, first + part.count as usize);
        total += scale(kept.along(k), part.slope, 0.0) + d * ones;
    }
    total
}
