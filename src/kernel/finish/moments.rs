//! How do sums become sum, mean, var and std?
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

/// Sum, mean, var or std of a cell.
pub(super) fn of(op: &ReduceOp, parts: &[Summed<'_>], cell: usize) -> f64 {
    match joined(parts, cell) {
        Some(Joined::Exact(exact)) => exact.finish(op),
        Some(Joined::Moments(moments)) => moments.finish(op),
        None if matches!(op, ReduceOp::Sum) => 0.0,
        None => f64::NAN,
    }
}

/// The sum of integers without scaling, or `None` where the samples are not that.
pub(super) fn integer_sum(parts: &[Summed<'_>], cell: usize) -> Option<i128> {
    match joined(parts, cell) {
        Some(Joined::Exact(Exact { sum, slope, inter, .. })) if slope == 1.0 && inter == 0.0 => {
            Some(sum)
        }
        Some(_) => None,
        None => Some(0),
    }
}

/// What all parts hold of a cell; `None` where it has no sample.
fn joined(parts: &[Summed<'_>], cell: usize) -> Option<Joined> {
    parts.iter().filter_map(|part| Joined::of(part, cell)).reduce(Joined::with)
}

/// Samples of one cell, of one part or of several.
#[derive(Clone, Copy)]
enum Joined {
    Exact(Exact),
    Moments(Moments),
}

/// Integers, and the scaling that all of them share.
#[derive(Clone, Copy)]
struct Exact {
    count: u64,
    sum: i128,
    squares: U256,
    slope: f64,
    inter: f64,
}

/// True values: `m2` is the sum of their squared deviations from the mean.
#[derive(Clone, Copy)]
struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
}

impl Joined {
    fn of(part: &Summed<'_>, cell: usize) -> Option<Self> {
        let (count, slope, inter) = (part.count(cell), part.slope, part.inter);
        if count == 0 {
            return None;
        }
        Some(match part.state.sums(part.first_cell + cell) {
            CellSums::Exact { sum, squares } => {
                Self::Exact(Exact { count, sum, squares, slope, inter })
            }
            CellSums::Shifted { shift, sum, squares } => {
                let n = count as f64;
                let m2 = squares - sum * (sum / n);
                // Rounding may leave a little below zero; NaN stays.
                let m2 = if m2 < 0.0 { 0.0 } else { m2 };
                Self::Moments(Moments {
                    count,
                    mean: scale(shift + sum / n, slope, inter),
                    m2: scale(m2, slope * slope, 0.0),
                })
            }
        })
    }

    fn with(self, later: Self) -> Self {
        match (self, later) {
            (Self::Exact(a), Self::Exact(b)) if a.slope == b.slope && a.inter == b.inter => {
                Self::Exact(Exact {
                    count: a.count + b.count,
                    sum: a.sum + b.sum,
                    squares: a.squares.plus(b.squares),
                    ..a
                })
            }
            _ => Self::Moments(self.moments().merge(later.moments())),
        }
    }

    fn moments(self) -> Moments {
        match self {
            Self::Exact(exact) => exact.moments(),
            Self::Moments(moments) => moments,
        }
    }
}

impl Exact {
    fn moments(self) -> Moments {
        let Self { count, slope, .. } = self;
        let n = count as f64;
        Moments {
            count,
            mean: scale(self.sum as f64 / n, slope, self.inter),
            m2: scale(self.deviations() / n, slope * slope, 0.0),
        }
    }

    fn finish(self, op: &ReduceOp) -> f64 {
        let Self { count, sum, slope, inter, .. } = self;
        let n = count as f64;
        let var = |ddof: u64| {
            let free = count.saturating_sub(ddof) as f64;
            self.deviations() / (n * free)
        };
        match op {
            ReduceOp::Sum => scale(sum as f64, slope, if inter == 0.0 { 0.0 } else { inter * n }),
            ReduceOp::Var { ddof } => scale(var(*ddof), slope * slope, 0.0),
            ReduceOp::Std { ddof } => scale(var(*ddof).sqrt(), slope.abs(), 0.0),
            _ => scale(sum as f64 / n, slope, inter),
        }
    }

    /// `n * squares - sum^2`, which is n^2 times the population variance, rounded once.
    fn deviations(self) -> f64 {
        let Self { count, squares, .. } = self;
        let sum = self.sum.unsigned_abs();
        // Sums of 16-bit voxels fit here, and the long way is ten times as long.
        if let (0, Ok(squares), Ok(sum)) =
            (squares.high, u64::try_from(squares.low), u64::try_from(sum))
        {
            let product = u128::from(squares) * u128::from(count);
            return product.saturating_sub(u128::from(sum) * u128::from(sum)) as f64;
        }
        squares.times(count).minus(U256::product(sum, sum)).to_f64()
    }
}

impl Moments {
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
            ReduceOp::Sum => self.mean * n,
            ReduceOp::Var { ddof } => var(*ddof),
            ReduceOp::Std { ddof } => var(*ddof).sqrt(),
            _ => self.mean,
        }
    }
}
