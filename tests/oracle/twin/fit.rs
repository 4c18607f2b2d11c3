//! Least squares by materialised residuals.

use ndarray::Array2;
use voxstore::DType;

use super::series::Split;
use super::{Fault, Near, Twin};

/// What is asked of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fit {
    Coefficients,
    ResidualSumSquares,
    ResidualVar(u64),
    ResidualStd(u64),
}

/// Columns of a design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Design {
    Constant,
    /// Constant and straight line.
    Line,
    /// Constant, straight line and alternating signs.
    Alternating,
    /// A straight line that starts at 1, and no constant.
    Ramp,
}

impl Design {
    pub(crate) const ALL: [Self; 4] = [Self::Constant, Self::Line, Self::Alternating, Self::Ramp];

    pub(crate) fn columns(self) -> usize {
        match self {
            Self::Constant | Self::Ramp => 1,
            Self::Line => 2,
            Self::Alternating => 3,
        }
    }

    pub(crate) fn matrix(self, rows: usize) -> Array2<f64> {
        let middle = (rows as f64 - 1.0) / 2.0;
        Array2::from_shape_fn((rows, self.columns()), |(t, column)| match (self, column) {
            (Self::Ramp, _) => t as f64 + 1.0,
            (_, 0) => 1.0,
            (_, 1) => t as f64 - middle,
            _ => [1.0, -1.0][t % 2],
        })
    }
}

impl Twin {
    pub(crate) fn project(&self, fit: Fit, axis: usize, design: Design) -> Result<Self, Fault> {
        let rows = self.shape[axis];
        let matrix = design.matrix(rows);
        let (shape, Split::Float(series)) = self.as_float64().split(&[axis], None, None)? else {
            return Err(Fault::Expression);
        };
        let fits: Vec<(Vec<Near>, Near)> =
            series.iter().map(|s| fitted(&s.values, &matrix, design)).collect();
        if fit == Fit::Coefficients {
            let columns = design.columns();
            let shape = [columns].into_iter().chain(shape).collect();
            let cells = fits.into_iter().flat_map(|(coefficients, _)| coefficients).collect();
            return Ok(Self::near(shape, DType::F64, cells));
        }
        let squares = fits.into_iter().map(|(_, squares)| squares);
        let free = |ddof: u64| (rows as u64).saturating_sub(ddof) as f64;
        let over =
            |v: Near, free: f64| super::Binary::Divide.of_floats(v, Near::exact(free), DType::F64);
        let cells = squares.map(|v| match fit {
            Fit::ResidualVar(ddof) => over(v, free(ddof)),
            Fit::ResidualStd(ddof) => over(v, free(ddof)).through(DType::F64, 0.0, f64::sqrt),
            _ => v,
        });
        Ok(Self::near(shape, DType::F64, cells.collect()))
    }
}

/// Coefficients and the sum of squares that is left, by Gram and Schmidt in `float64`.
fn fitted(x: &[Near], matrix: &Array2<f64>, design: Design) -> (Vec<Near>, Near) {
    let (rows, columns) = matrix.dim();
    let all = |v: Near| (vec![v; columns], v);
    if x.iter().any(|v| !v.is_known() || v.value.is_infinite() || v.value.abs() > 1e100) {
        return all(Near::unknown(f64::NAN));
    }
    if x.iter().any(|v| v.value.is_nan()) {
        return all(Near::equal(f64::NAN));
    }
    // Fitting what is left after a first fit takes the error of the first away.
    let mut rest: Vec<f64> = x.iter().map(|v| v.value).collect();
    let mut coefficients = vec![0.0; columns];
    for _ in 0..3 {
        let step = solve(matrix, &rest);
        for t in 0..rows {
            rest[t] -= (0..columns).map(|c| matrix[[t, c]] * step[c]).sum::<f64>();
        }
        coefficients.iter_mut().zip(step).for_each(|(sum, step)| *sum += step);
    }
    let given = x.iter().map(|v| v.bound).fold(0.0, f64::max);
    let largest = x.iter().map(|v| v.value.abs()).fold(0.0, f64::max);
    let mean = x.iter().map(|v| v.value).sum::<f64>() / rows as f64;
    let spread: f64 = x.iter().map(|v| (v.value - mean).powi(2)).sum();
    let squares: f64 = rest.iter().map(|v| v * v).sum();
    let n = rows as f64;
    let off = (1e-13 * largest + given) * n.sqrt();
    let scale = if design == Design::Ramp { n * largest * largest } else { spread };
    let bound = 1e-11 * scale + 2.0 * scale.sqrt() * off + off * off;
    let each =
        |&value: &f64| Near::within(value, n * (1e-12 * largest + given) + f64::MIN_POSITIVE);
    let squares = Near::within(squares, bound + f64::MIN_POSITIVE);
    (coefficients.iter().map(each).collect(), squares)
}

/// The normal equations, by Gauss.
fn solve(matrix: &Array2<f64>, y: &[f64]) -> Vec<f64> {
    let (rows, columns) = matrix.dim();
    let dot = |a: usize, b: usize| (0..rows).map(|t| matrix[[t, a]] * matrix[[t, b]]).sum::<f64>();
    let mut table: Vec<Vec<f64>> = (0..columns)
        .map(|a| {
            let right = (0..rows).map(|t| matrix[[t, a]] * y[t]).sum();
            (0..columns).map(|b| dot(a, b)).chain([right]).collect()
        })
        .collect();
    for pivot in 0..columns {
        for row in (0..columns).filter(|&row| row != pivot) {
            let factor = table[row][pivot] / table[pivot][pivot];
            let taken: Vec<f64> = table[pivot].iter().map(|value| factor * value).collect();
            for (value, by) in table[row].iter_mut().zip(taken).skip(pivot) {
                *value -= by;
            }
        }
    }
    (0..columns).map(|c| table[c][columns] / table[c][c]).collect()
}
