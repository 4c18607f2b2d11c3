//! What is summed of each run, and what follows for all of them?
//!
//! As expressions: formulas are those of `docs/numerics.md`. Reads nothing.

use super::like::Like;
use super::options::{NonFinite, Ratio, TsnrOptions};
use super::volumes::Volumes;
use crate::dtype::DType;
use crate::lazy::{LazyArray, Operand, ReduceOptions, concatenate, where_};
use crate::run::Run;

/// The samples of one run that count, and what is summed of them.
pub(super) struct Series {
    values: LazyArray,
    /// Volumes that count.
    volumes: u64,
    /// Samples of each voxel, where voxels can differ.
    samples: Option<LazyArray>,
    mean: LazyArray,
    /// What tSNR divides: the mean, or what a tool takes for it.
    pub(super) level: LazyArray,
    /// The standard deviation, of what a fit leaves where there is one.
    pub(super) std: LazyArray,
    /// The sum of squared deviations from the mean, or of what a fit leaves.
    squares: LazyArray,
}

impl Series {
    pub(super) fn of(run: &Run, volumes: &Volumes, options: &TsnrOptions<'_>) -> Self {
        let is_float = run.source().dtype().is_float();
        let values = volumes.select(&true_values(run));
        // Integers are always finite.
        let rule = if is_float { options.non_finite } else { NonFinite::Propagate };
        let (values, samples) = match rule {
            NonFinite::Propagate => (values, None),
            NonFinite::Zero => (where_(&values.isfinite(), &values, 0.0), None),
            NonFinite::Skip => {
                let finite = values.isfinite();
                (where_(&finite, &values, f64::NAN), Some(finite.count_nonzero(-1).to_f64()))
            }
        };
        let (order, ddof) = (options.detrend, options.ddof_of_run());
        let kept = volumes.kept();
        let how = || skipping(samples.is_some());
        let mean = values.mean_with(-1, how());
        let mut level = mean.clone();
        let (std, squares) = if order > 0 {
            let fit = values.project(-1, volumes.trends(order).view());
            if options.like.is_some_and(Like::divides_fitted_level) {
                level = fit.coefficients().slice_axis(0, ..1).squeeze(0);
            }
            (fit.residual_std(ddof), fit.residual_sum_squares())
        } else {
            let variance = values.var_with(-1, how());
            let squares = match &samples {
                None => variance * kept as f64,
                Some(samples) => where_(&samples.greater(0.0), variance * samples, 0.0),
            };
            (values.std_with(-1, how().ddof(ddof)), squares)
        };
        Self { values, volumes: kept, samples, mean, level, std, squares }
    }

    /// `n * (mean - all)^2`: what the run's level adds to the sum of squares of the joined series.
    fn level_squares(&self, all: &LazyArray) -> LazyArray {
        let distance = (&self.mean - all).square();
        match &self.samples {
            None => distance * self.volumes as f64,
            Some(samples) => where_(&samples.greater(0.0), distance * samples, 0.0),
        }
    }
}

fn skipping(nan: bool) -> ReduceOptions {
    if nan { ReduceOptions::new().skip_nan() } else { ReduceOptions::new() }
}

/// The run's values in a type whose mean and standard deviation are not rounded to float32. Integers
/// stay what they are: their sums are exact.
fn true_values(run: &Run) -> LazyArray {
    let values = run.lazy();
    if values.dtype() == DType::F32 { values.to_f64() } else { values }
}

/// What all runs are together.
pub(super) struct Joined {
    /// Of the runs as one series.
    pub(super) mean: LazyArray,
    pub(super) std: LazyArray,
    /// Sums of squares within runs over the summed degrees of freedom.
    pub(super) within: LazyArray,
    /// Of several runs: the variance of their means about the mean of all, each counted with its samples;
    /// and its share of the variance of the joined series, which is that and the variance within runs.
    pub(super) between: Option<[LazyArray; 2]>,
}

impl Joined {
    pub(super) fn of(series: &[Series], options: &TsnrOptions<'_>) -> Self {
        let values: Vec<LazyArray> = series.iter().map(|run| run.values.clone()).collect();
        let joined = concatenate(&values, -1);
        // One rule for all: runs without NaN lose nothing by it.
        let how = || skipping(series.iter().any(|run| run.samples.is_some()));
        let mean = joined.mean_with(-1, how());
        let squares = total(series.iter().map(|run| run.squares.clone()).collect());

        let ddof = options.ddof_joined(series.len());
        let volumes: u64 = series.iter().map(|run| run.volumes).sum();
        let (mean, std, between) = if let [run] = series {
            (run.level.clone(), run.std.clone(), None)
        } else {
            let levels = total(series.iter().map(|run| run.level_squares(&mean)).collect());
            let whole = &squares + &levels;
            let share = &levels / &whole;
            let std = if options.detrend == 0 {
                joined.std_with(-1, how().ddof(ddof))
            } else {
                (whole / volumes.saturating_sub(ddof) as f64).sqrt()
            };
            let variance = levels / summed(series, |run| run.volumes, LazyArray::clone);
            (mean, std, Some([variance, share]))
        };
        let ddof = options.ddof_of_run();
        let free = |run: &Series| run.volumes.saturating_sub(ddof);
        let freedom = |samples: &LazyArray| (samples - ddof as f64).maximum(0.0);
        Self { mean, std, within: squares / summed(series, free, freedom), between }
    }
}

/// The sum over runs of a number, which is one of each voxel where samples are counted.
fn summed(
    series: &[Series],
    number: impl Fn(&Series) -> u64,
    by_voxel: impl Fn(&LazyArray) -> LazyArray,
) -> Operand {
    let known: u64 = series.iter().filter(|run| run.samples.is_none()).map(number).sum();
    let counted: Vec<LazyArray> =
        series.iter().filter_map(|run| run.samples.as_ref()).map(by_voxel).collect();
    if counted.is_empty() { (known as f64).into() } else { (total(counted) + known as f64).into() }
}

/// Pairs of pairs: an expression of hundreds of runs is not hundreds of operations deep.
pub(super) fn total(mut sums: Vec<LazyArray>) -> LazyArray {
    while sums.len() > 1 {
        sums = sums
            .chunks(2)
            .map(|pair| if let [a, b] = pair { a + b } else { pair[0].clone() })
            .collect();
    }
    sums.remove(0)
}

impl Ratio {
    /// As an expression what [`of`](Self::of) is for a voxel.
    pub(super) fn lazy(self, mean: &LazyArray, std: &LazyArray) -> LazyArray {
        let ratio = if self.absolute { mean.abs() / std } else { mean / std };
        let ratio = match self.of_constant() {
            Some(constant) => where_(&std.less_equal(self.std_floor), constant, &ratio),
            None => ratio,
        };
        if self.nan_is_zero { where_(&ratio.isnan(), 0.0, &ratio) } else { ratio }
    }
}
