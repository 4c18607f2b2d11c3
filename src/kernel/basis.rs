//! What does a design explain? An orthonormal basis of its columns, and what is needed to get
//! coefficients of the columns themselves back. Reads no voxel.
//!
//! `X = Q R` by modified Gram-Schmidt, each column twice: after the second time the columns of `Q` are
//! orthogonal to rounding whatever the design's condition (Giraud, Langou & Rozloznik, *Computers &
//! Mathematics with Applications* 50, 2005).

use std::sync::Arc;

use ndarray::ArrayView2;

use super::bits::Bits;

/// What its predecessors leave of a column, relative to its length, below which it counts as made of
/// them. A coefficient of such a column would have fewer than six digits.
const DEPENDENT: f64 = 1e-10;

/// Length of the part of a constant that lies outside the columns, relative to its own, below which
/// the columns hold the constant.
const HOLDS_CONSTANT: f64 = 1e-12;

/// Orthonormal columns that span a design of `samples` rows and `columns` columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Basis {
    samples: usize,
    columns: usize,
    /// `q[t * columns + k]`.
    q: Bits,
    /// `R^-1`: `[i * columns + k]`, upper triangle.
    inverse: Bits,
    /// `sums[t * columns + k]`: column `k` of `q` summed over rows before `t`, `samples + 1` rows.
    sums: Bits,
    /// Coefficients of the constant 1 on the design.
    one: Bits,
    /// Square of the part of the constant 1 that the columns do not hold (0 where they hold it). One
    /// number, as a list: compared by its bits.
    outside: Bits,
}

impl Basis {
    /// The basis of a design with a row a sample and a column a regressor.
    ///
    /// # Errors
    /// A sentence that names the column, where a number is not finite or a column is a combination
    /// of those before it (more columns than rows always are).
    pub(crate) fn new(design: ArrayView2<'_, f64>) -> Result<Self, String> {
        let (samples, columns) = design.dim();
        if columns == 0 {
            return Err("the design has no column".to_owned());
        }
        let (made, r) = orthonormalised(design)?;
        let q: Vec<f64> =
            (0..samples * columns).map(|index| made[index % columns][index / columns]).collect();
        let mut sums = vec![0.0; (samples + 1) * columns];
        for index in 0..q.len() {
            sums[columns + index] = sums[index] + q[index];
        }
        let (outside, along) = split_constant(&made, samples);
        let inverse = inverse_of(&r, columns);
        let one = (0..columns).map(|k| dot(&inverse[k * columns..][..columns], &along)).collect();
        let bits = |list: Vec<f64>| Bits(Arc::from(list));
        Ok(Self {
            samples,
            columns,
            q: bits(q),
            inverse: bits(inverse),
            sums: bits(sums),
            one: bits(one),
            outside: bits(vec![outside]),
        })
    }

    /// Rows of the design.
    pub(crate) fn samples(&self) -> u64 {
        self.samples as u64
    }

    /// Columns of the design.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Row `t` of `Q`.
    pub(super) fn row(&self, t: usize) -> &[f64] {
        &self.q[t * self.columns..][..self.columns]
    }

    /// Column `k` of `Q` summed over some rows.
    pub(super) fn sum(&self, k: usize, start: usize, end: usize) -> f64 {
        self.sums[end * self.columns + k] - self.sums[start * self.columns + k]
    }

    /// See the field.
    pub(super) fn outside(&self) -> f64 {
        self.outside[0]
    }

    /// Coefficient of the constant 1 on column `k` of the design.
    pub(super) fn one(&self, k: usize) -> f64 {
        self.one[k]
    }

    /// Row `k` of `R^-1`, which makes the coefficient of column `k` of the design from `Q'y`.
    pub(super) fn inverse(&self, k: usize) -> &[f64] {
        &self.inverse[k * self.columns..][..self.columns]
    }
}

/// The columns of `Q`, and `R` row by row.
fn orthonormalised(design: ArrayView2<'_, f64>) -> Result<(Vec<Vec<f64>>, Vec<f64>), String> {
    let (samples, columns) = design.dim();
    let mut made: Vec<Vec<f64>> = Vec::with_capacity(columns);
    let mut r = vec![0.0; columns * columns];
    for (k, column) in design.columns().into_iter().enumerate() {
        let mut rest = column.to_vec();
        let length = dot(&rest, &rest).sqrt();
        if !length.is_finite() {
            return Err(format!("column {k} of the design has a number that is not finite"));
        }
        for _ in 0..2 {
            for (i, other) in made.iter().enumerate() {
                r[i * columns + k] += take_out(other, &mut rest);
            }
        }
        let left = dot(&rest, &rest).sqrt();
        if left <= DEPENDENT * length {
            let why = if length == 0.0 { "is zero" } else { "is made of the columns before it" };
            return Err(format!("column {k} of the design ({samples} x {columns}) {why}"));
        }
        for v in &mut rest {
            *v /= left;
        }
        r[k * columns + k] = left;
        made.push(rest);
    }
    Ok((made, r))
}

/// Leaves of `rest` what is orthogonal to a column of length 1, and gives how long the other part was.
fn take_out(column: &[f64], rest: &mut [f64]) -> f64 {
    let along = dot(column, rest);
    rest.iter_mut().zip(column).for_each(|(v, q)| *v -= along * q);
    along
}

/// What the constant 1 has outside the columns, squared, and along each.
fn split_constant(columns: &[Vec<f64>], samples: usize) -> (f64, Vec<f64>) {
    let mut rest = vec![1.0; samples];
    let mut along = vec![0.0; columns.len()];
    for _ in 0..2 {
        for (sum, column) in along.iter_mut().zip(columns) {
            *sum += take_out(column, &mut rest);
        }
    }
    let outside = dot(&rest, &rest);
    let held = outside <= HOLDS_CONSTANT * HOLDS_CONSTANT * samples as f64;
    (if held { 0.0 } else { outside }, along)
}

/// The inverse of an upper triangle with no zero on its diagonal.
fn inverse_of(r: &[f64], n: usize) -> Vec<f64> {
    let mut inverse = vec![0.0; n * n];
    for column in 0..n {
        for row in (0..=column).rev() {
            let known: f64 =
                (row + 1..=column).map(|k| r[row * n + k] * inverse[k * n + column]).sum();
            let one = if row == column { 1.0 } else { 0.0 };
            inverse[row * n + column] = (one - known) / r[row * n + row];
        }
    }
    inverse
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::{Basis, dot};

    #[test]
    fn columns_are_orthonormal_to_rounding_even_for_an_ill_conditioned_design() {
        let design = Array2::from_shape_fn((200, 9), |(t, k)| (t as f64 / 199.0).powi(k as i32));
        let basis = Basis::new(design.view()).unwrap();
        let column = |k| (0..200).map(|t| basis.row(t)[k]).collect::<Vec<_>>();
        for i in 0..9 {
            for j in 0..=i {
                let want = if i == j { 1.0 } else { 0.0 };
                assert!((dot(&column(i), &column(j)) - want).abs() < 1e-14, "{i} {j}");
            }
        }
        assert_eq!(basis.outside(), 0.0);
        assert_eq!((basis.samples(), basis.columns()), (200, 9));
    }

    #[test]
    fn what_a_design_does_not_hold_of_a_constant_is_measured() {
        let basis = Basis::new(array![[1.0], [1.0], [0.0], [0.0]].view()).unwrap();
        assert!((basis.outside() - 2.0).abs() < 1e-15);
        assert!((basis.one(0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_dependent_column_is_refused_by_number() {
        let said = |design: Array2<f64>| Basis::new(design.view()).unwrap_err();
        let twice =
            said(array![[1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [1.0, 5.0, 6.0], [1.0, 1.0, 2.0]]);
        assert!(twice.starts_with("column 2 of the design (4 x 3) is made of"), "{twice}");
        let wide = said(array![[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]]);
        assert!(wide.starts_with("column 2 of the design (2 x 3) is made of"), "{wide}");
        assert!(
            said(array![[1.0, 0.0], [1.0, 0.0]])
                .ends_with("column 1 of the design (2 x 2) is zero")
        );
        assert!(said(array![[1.0, f64::NAN], [1.0, 0.0]]).contains("column 1"));
        assert_eq!(said(Array2::zeros((3, 0))), "the design has no column");
    }
}
