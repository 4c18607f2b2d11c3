//! From sums to sum, mean, var and std.
//!
//! Integer parts that share one slope and intercept are added as integers and rounded once at the
//! end. Other parts are merged in input order by their counts, means and sums of squared deviations
//! (Chan, Golub & `LeVeque` 1983):
//!
//! ```text
//! mean' = mean_a + (mean_b - mean_a) * n_b / n
//! m2'   = m2_a + m2_b + (mean_b - mean_a)^2 * n_a * n_b / n
//! ```

use super::{Summed, scale};
use crate::kernel::reduce_op::ReduceOp;
use crate::kernel::state::CellSums;
use crate::kernel::wide::U256;

pub(super) fn finish(op: &ReduceOp, parts: &[Summed<'_>], out: &mut [f64]) {
    for (cell, value) in out.iter_mut().enumerate() {
        *value = match joined(parts, cell) {
            Joined::Exact { count, sum, squares, slope, inter } => {
                finish_exact(op, count, sum, squares, slope, inter)
            }
            Joined::Moments(m) => m.finish(op),
        };
    }
}

/// The sum of integers without scaling, or `None` where the samples are not that.
pub(super) fn integer_sum(parts: &[Summed<'_>], cell: usize) -> Option<i128> {
    match joined(parts, cell) {
        Joined::Exact { sum, slope, inter, .. } if slope == 1.0 && inter == 0.0 => Some(sum),
        Joined::Moments(nothing) if nothing.count == 0 => Some(0),
        _ => None,
    }
}

enum Joined {
    Exact { count: u64, sum: i128, squares: U256, slope: f64, inter: f64 },
    Moments(Moments),
}

#[derive(Clone, Copy)]
struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
}

fn joined(parts: &[Summed<'_>], cell: usize) -> Joined {
    let mut exact: Option<(u64, i128, U256, f64, f64)> = None;
    let mut merged: Option<Moments> = None;
    for part in parts {
        let count = part.count(cell);
        if count == 0 {
            continue;
        }
        let sums = part.state.sums(part.first_cell + cell);
        match (sums, exact, merged) {
            (CellSums::Exact { sum, squares }, None, None) => {
                exact = Some((count, sum, squares, part.slope, part.inter));
            }
            (CellSums::Exact { sum, squares }, Some((n, s, q, slope, inter)), None)
                if slope == part.slope && inter == part.inter =>
            {
                exact = Some((n + count, s + sum, q.plus(squares), slope, inter));
            }
            (_, before, now) => {
                let so_far = now.or_else(|| {
                    before.map(|(n, s, q, slope, inter)| Moments::exact(n, s, q, slope, inter))
                });
                let next = Moments::of(sums, count, part);
                merged = Some(so_far.map_or(next, |m| m.merge(next)));
            }
        }
    }
    match (exact, merged) {
        (_, Some(moments)) => Joined::Moments(moments),
        (Some((count, sum, squares, slope, inter)), None) => {
            Joined::Exact { count, sum, squares, slope, inter }
        }
        (None, None) => Joined::Moments(Moments { count: 0, mean: f64::NAN, m2: f64::NAN }),
    }
}

/// `n * squares - sum^2`, which is n^2 times the population variance, rounded once.
fn deviations(count: u64, sum: i128, squares: U256) -> f64 {
    let sum = sum.unsigned_abs();
    // Sums of 16-bit voxels fit here, and the long way is ten times as long.
    if let (0, Ok(squares), Ok(sum)) =
        (squares.high, u64::try_from(squares.low), u64::try_from(sum))
    {
        let product = u128::from(squares) * u128::from(count);
        return product.saturating_sub(u128::from(sum) * u128::from(sum)) as f64;
    }
    squares.times(count).minus(U256::product(sum, sum)).to_f64()
}

fn finish_exact(
    op: &ReduceOp,
    count: u64,
    sum: i128,
    squares: U256,
    slope: f64,
    inter: f64,
) -> f64 {
    let n = count as f64;
    let var = |ddof: u64| {
        let free = count.saturating_sub(ddof) as f64;
        deviations(count, sum, squares) / (n * free)
    };
    match op {
        ReduceOp::Sum => scale(sum as f64, slope, if inter == 0.0 { 0.0 } else { inter * n }),
        ReduceOp::Var { ddof } => scale(var(*ddof), slope * slope, 0.0),
        ReduceOp::Std { ddof } => scale(var(*ddof).sqrt(), slope.abs(), 0.0),
        _ => scale(sum as f64 / n, slope, inter),
    }
}

impl Moments {
    fn of(sums: CellSums, count: u64, part: &Summed<'_>) -> Self {
        let (slope, inter) = (part.slope, part.inter);
        match sums {
            CellSums::Exact { sum, squares } => Self::exact(count, sum, squares, slope, inter),
            CellSums::Shifted { shift, sum, squares } => {
                let n = count as f64;
                let m2 = squares - sum * (sum / n);
                // Rounding may leave a little below zero; NaN stays.
                let m2 = if m2 < 0.0 { 0.0 } else { m2 };
                Self {
                    count,
                    mean: scale(shift + sum / n, slope, inter),
                    m2: scale(m2, slope * slope, 0.0),
                }
            }
        }
    }

    fn exact(count: u64, sum: i128, squares: U256, slope: f64, inter: f64) -> Self {
        let n = count as f64;
        Self {
            count,
            mean: scale(sum as f64 / n, slope, inter),
            m2: scale(deviations(count, sum, squares) / n, slope * slope, 0.0),
        }
    }

    fn merge(self, later: Self) -> Self {
        let count = self.count + later.count;
        if !(self.mean.is_finite() && later.mean.is_finite()) {
            // What numpy's sum gives: inf stays inf, inf with -inf and NaN are NaN.
            return Self { count, mean: self.mean + later.mean, m2: f64::NAN };
        }
        let (n, a, b) = (count as f64, self.count as f64, later.count as f64);
        let delta = later.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * (b / n),
            m2: self.m2 + later.m2 + delta * delta * (a * (b / n)),
        }
    }

    fn finish(self, op: &ReduceOp) -> f64 {
        let n = self.count as f64;
        let var = |ddof: u64| self.m2 / self.count.saturating_sub(ddof) as f64;
        match op {
            ReduceOp::Sum if self.count == 0 => 0.0,
            ReduceOp::Sum => self.mean * n,
            ReduceOp::Var { ddof } => var(*ddof),
            ReduceOp::Std { ddof } => var(*ddof).sqrt(),
            _ => self.mean,
        }
    }
}
