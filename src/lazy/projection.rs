//! How are columns regressed out along an axis?
//!
//! What is asked of a fit is a reduction, from sums of one pass. The algebra is in `kernel`.

use std::panic::Location;
use std::sync::Arc;

use ndarray::ArrayView2;

use super::array::LazyArray;
use super::axes::resolve_axis;
use super::concat::side_by_side;
use super::node::Node;
use super::reduce_node::reduce_node;
use crate::kernel::{Basis, ReduceOp};

/// A least-squares fit of columns to every series of an array; see [`LazyArray::project`].
#[derive(Clone, Debug)]
pub struct Projection {
    array: LazyArray,
    axis: usize,
    basis: Option<Arc<Basis>>,
}

impl LazyArray {
    /// Fits the columns of `design` (one row for each index of `axis`) to every series along that axis
    /// by least squares. What is asked of the fit comes out of sums of one pass: `K + 3` numbers a
    /// voxel for `K` columns, and never a residual as large as the data. A constant is fitted only if
    /// it is among the columns.
    ///
    /// ```
    /// # use ndarray::array;
    /// // A straight line through each of two series: level and slope.
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]);
    /// let design = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let fit = x.project(-1, design.view());
    /// let line = fit.coefficients().compute::<f64>()?; // columns first, as numpy.linalg.lstsq
    /// assert!((line[[1, 0]] - 2.0_f64).abs() < 1e-12 && (line[[0, 1]] - 1.5_f64).abs() < 1e-12);
    /// let rest = fit.residual_sum_squares().compute::<f64>()?;
    /// assert!(rest[0] < 1e-12 && (rest[1] - 1.5_f64).abs() < 1e-12);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn project(&self, axis: isize, design: ArrayView2<'_, f64>) -> Projection {
        let location = Location::caller();
        if self.error().is_some() {
            return Projection { array: self.clone(), axis: 0, basis: None };
        }
        match self.basis(axis, design) {
            Ok((axis, basis)) => Projection { array: self.clone(), axis, basis: Some(basis) },
            Err(problem) => {
                Projection { array: Self::made(Err(problem), location), axis: 0, basis: None }
            }
        }
    }

    fn basis(
        &self,
        axis: isize,
        design: ArrayView2<'_, f64>,
    ) -> Result<(usize, Arc<Basis>), String> {
        let axis = resolve_axis("project", axis, self.ndim())?;
        let rows = design.nrows();
        if rows as u64 != self.shape()[axis] {
            return Err(format!(
                "project: the design has {rows} rows, axis {axis} has length {}",
                self.shape()[axis]
            ));
        }
        let basis = Basis::new(design).map_err(|problem| format!("project: {problem}"))?;
        Ok((axis, Arc::new(basis)))
    }
}

impl Projection {
    /// The fitted coefficients: one for each column of the design along a new first axis, as
    /// `numpy.linalg.lstsq`. `float64`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]);
    /// let line = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let fit = x.project(-1, line.view()).coefficients().compute::<f64>()?;
    /// assert_eq!(fit.shape(), [2, 2]); // columns, then voxels
    /// assert!((fit[[1, 0]] - 2.0_f64).abs() < 1e-12); // the slope of the first series
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn coefficients(&self) -> LazyArray {
        let location = Location::caller();
        let Some(basis) = &self.basis else { return self.array.clone() };
        let nodes: Result<Vec<_>, String> = (0..basis.columns())
            .map(|column| {
                self.node(
                    "coefficients",
                    ReduceOp::Coefficient { basis: Arc::clone(basis), column },
                )
            })
            .collect();
        LazyArray::made(nodes.and_then(|nodes| side_by_side("coefficients", &nodes, 0)), location)
    }

    /// The sum of squares that the fit leaves. `float64`; never below 0.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]);
    /// let line = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let rest = x.project(-1, line.view()).residual_sum_squares().compute::<f64>()?;
    /// assert!((rest[1] - 1.5_f64).abs() < 1e-12);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn residual_sum_squares(&self) -> LazyArray {
        let location = Location::caller();
        let Some(basis) = &self.basis else { return self.array.clone() };
        let op = ReduceOp::ResidualSumSquares { basis: Arc::clone(basis) };
        LazyArray::made(self.node("residual_sum_squares", op), location)
    }

    /// The variance that the fit leaves: its sum of squares over `n - ddof`. With ddof 0 that is the
    /// variance of the residual series where the design holds a constant; with ddof equal to the
    /// number of columns it is the unbiased one.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]);
    /// let line = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let var = x.project(-1, line.view()).residual_var(2).compute::<f64>()?;
    /// assert!((var[1] - 1.5_f64).abs() < 1e-12); // 1.5 / (3 - 2)
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn residual_var(&self, ddof: u64) -> LazyArray {
        let samples = self.array.shape().get(self.axis).copied().unwrap_or(0);
        self.residual_sum_squares() / samples.saturating_sub(ddof) as f64
    }

    /// The standard deviation that the fit leaves: the root of [`residual_var`](Self::residual_var).
    /// A detrended tSNR is `x.mean(-1) / x.project(-1, trends).residual_std(0)`: one pass.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0, 5.0], [2.0, 2.0, 5.0]]);
    /// let line = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
    /// let tsnr = x.mean(-1) / x.project(-1, line.view()).residual_std(0);
    /// let tsnr = tsnr.compute::<f64>()?;
    /// assert!((tsnr[1] - 3.0 / 0.5_f64.sqrt()).abs() < 1e-12);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn residual_std(&self, ddof: u64) -> LazyArray {
        self.residual_var(ddof).sqrt()
    }

    fn node(&self, name: &str, op: ReduceOp) -> Result<Arc<Node>, String> {
        // Sums of products are kept in float64, and so is what comes out.
        let input = self.array.to_f64();
        reduce_node(name, op, vec![self.axis], Arc::clone(input.node()), None, None)
    }
}
