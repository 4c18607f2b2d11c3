//! From sums to sum, mean, var and std, for one part or for several joined end to end.
//!
//! Parts are runs along the reduced axis. Integer parts that share one slope and intercept are added
//! as integers and rounded once at the end. Other parts are merged in input order by their counts,
//! means and sums of squared deviations (Chan, Golub & `LeVeque` 1983):
//!
//! ```text
//! mean' = mean_a + (mean_b - mean_a) * n_b / n
//! m2'   = m2_a + m2_b + (mean_b - mean_a)^2 * n_a * n_b / n
//! ```

use super::state::{CellSums, State};
use super::wide::U256;

/// What a reduction gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReduceOp {
    Sum,
    Mean,
    Var,
    Std,
}

impl ReduceOp {
    /// numpy's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Var => "var",
            Self::Std => "std",
        }
    }
}

/// The state of one part, and what its samples mean: `true value = sample * slope + inter`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) state: &'a State,
    /// Samples a cell.
    pub(crate) count: u64,
    pub(crate) slope: f64,
    pub(crate) inter: f64,
    /// Cell of the state that cell 0 of the finish is.
    pub(crate) first_cell: usize,
}

/// Writes `op` for as many cells as `out` holds. The parts are in input order.
/// With no sample: sum 0, the others NaN. Where samples minus `ddof` is not positive: numpy's
/// division by zero.
pub(crate) fn finish(op: ReduceOp, ddof: u64, parts: &[Part<'_>], out: &mut [f64]) {
    for (cell, value) in out.iter_mut().enumerate() {
        *value = match joined(parts, cell) {
            Joined::Exact { count, sum, squares, slope, inter } => {
                finish_exact(op, ddof, count, sum, squares, slope, inter)
            }
            Joined::Moments(m) => m.finish(op, ddof),
        };
    }
}

/// An exact integer sum, or `None` when it is beyond `i64` (`u64` for unsigned samples, whose bits
/// are returned).
pub(crate) fn finish_integer_sum(parts: &[Part<'_>], cell: usize, unsigned: bool) -> Option<i64> {
    match joined(parts, cell) {
        Joined::Exact { sum, slope, inter, .. } if slope == 1.0 && inter == 0.0 => {
            if unsigned {
                u64::try_from(sum).ok().map(u64::cast_signed)
            } else {
                i64::try_from(sum).ok()
            }
        }
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

fn joined(parts: &[Part<'_>], cell: usize) -> Joined {
    let mut exact: Option<(u64, i128, U256, f64, f64)> = None;
    let mut merged: Option<Moments> = None;
    for part in parts.iter().filter(|p| p.count > 0) {
        let sums = part.state.cell(part.first_cell + cell);
        match (sums, exact, merged) {
            (CellSums::Exact { sum, squares }, None, None) => {
                exact = Some((part.count, sum, squares, part.slope, part.inter));
            }
            (CellSums::Exact { sum, squares }, Some((n, s, q, slope, inter)), None)
                if slope == part.slope && inter == part.inter =>
            {
                exact = Some((n + part.count, s + sum, q.plus(squares), slope, inter));
            }
            (_, before, now) => {
                let so_far = now.or_else(|| {
                    before.map(|(n, s, q, slope, inter)| Moments::exact(n, s, q, slope, inter))
                });
                let next = Moments::of(sums, part);
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

/// `raw * slope + inter` as nibabel does it: a factor of 1 and a term of 0 leave the value alone.
fn scale(raw: f64, slope: f64, inter: f64) -> f64 {
    let scaled = if slope == 1.0 { raw } else { raw * slope };
    if inter == 0.0 { scaled } else { scaled + inter }
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
    op: ReduceOp,
    ddof: u64,
    count: u64,
    sum: i128,
    squares: U256,
    slope: f64,
    inter: f64,
) -> f64 {
    let n = count as f64;
    let var = || {
        let free = count.saturating_sub(ddof) as f64;
        deviations(count, sum, squares) / (n * free)
    };
    match op {
        ReduceOp::Sum => scale(sum as f64, slope, if inter == 0.0 { 0.0 } else { inter * n }),
        ReduceOp::Mean => scale(sum as f64 / n, slope, inter),
        ReduceOp::Var => scale(var(), slope * slope, 0.0),
        ReduceOp::Std => scale(var().sqrt(), slope.abs(), 0.0),
    }
}

impl Moments {
    fn of(sums: CellSums, part: &Part<'_>) -> Self {
        let (slope, inter) = (part.slope, part.inter);
        match sums {
            CellSums::Exact { sum, squares } => Self::exact(part.count, sum, squares, slope, inter),
            CellSums::Shifted { shift, sum, squares } => {
                let n = part.count as f64;
                let m2 = squares - sum * (sum / n);
                // Rounding may leave a little below zero; NaN stays.
                let m2 = if m2 < 0.0 { 0.0 } else { m2 };
                Self {
                    count: part.count,
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

    fn finish(self, op: ReduceOp, ddof: u64) -> f64 {
        let n = self.count as f64;
        let var = || self.m2 / self.count.saturating_sub(ddof) as f64;
        match op {
            ReduceOp::Sum if self.count == 0 => 0.0,
            ReduceOp::Sum => self.mean * n,
            ReduceOp::Mean => self.mean,
            ReduceOp::Var => var(),
            ReduceOp::Std => var().sqrt(),
        }
    }
}
