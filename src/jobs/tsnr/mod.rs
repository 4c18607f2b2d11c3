//! Temporal signal-to-noise: the mean over time divided by the standard deviation over time.
//!
//! The map is of the runs joined end to end, which is the classical formula; the figures beside it
//! show what that does to the number when runs differ in level. Definitions are in
//! `docs/numerics.md`.

mod grid;
mod median;
mod record;

pub use record::TsnrRecord;

use ndarray::{Array3, ArrayD, Ix3};

use self::median::median_where;
use super::error::JobError;
use crate::dtype::DType;
use crate::exec::{ExecError, Report};
use crate::lazy::{LazyArray, ReduceOptions, concatenate};
use crate::plan::PlanError;
use crate::run::Run;
use crate::runtime::Session;

/// Share of the largest mean that a voxel's mean must exceed to count as head.
const HEAD_SHARE: f64 = 0.2;

/// A joined median below this share of the pooled one is worth a warning.
const LEVEL_SHIFT_SHARE: f64 = 0.8;

/// What a voxel gets whose series never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Constant {
    /// 0, so that viewers and averages are not spoiled.
    #[default]
    Zero,
    /// NaN, so that it cannot be mistaken for a measurement.
    Nan,
}

/// How tSNR is defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TsnrOptions {
    /// Delta degrees of freedom of the standard deviation; 0 is numpy's default.
    pub ddof: u64,
    /// What constant voxels get.
    pub constant: Constant,
}

/// The map and the figures beside it.
#[derive(Debug)]
pub struct Tsnr {
    /// tSNR of the runs joined along time, `(x, y, z)`, on the grid of the first run.
    pub map: Array3<f64>,
    /// Voxels that the medians are over: std above 0 and grand mean above 20 % of its maximum.
    pub mask_voxels: u64,
    /// One row a run, in the order they were joined.
    pub runs: Vec<RunRow>,
    /// Median tSNR from the standard deviation within runs and the grand mean.
    pub pooled_median: f64,
    /// Median tSNR of the map.
    pub concatenated_median: f64,
    /// Voxels whose series never changes.
    pub constant_voxels: u64,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
    /// How the computation went.
    pub report: Report,
}

/// What one run contributes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub name: String,
    /// Volumes in it.
    pub volumes: u64,
    /// Seconds from volume to volume, where known.
    pub tr_seconds: Option<f64>,
    /// Median tSNR of the run alone, over the same mask as the other figures.
    pub median: f64,
}

/// tSNR over `runs` joined along time, in one scan of each.
///
/// Slope and intercept of each run are applied. Voxels with NaN or infinite samples are NaN. The
/// results of the scan (8 bytes a voxel for each run and three more) are part of the plan; where
/// they do not fit, the figures for single runs are gathered in further scans and the report says
/// how many.
///
/// # Errors
/// Runs of fewer than 2 volumes, or on different grids; a budget that is too small; a damaged
/// source.
pub fn tsnr(runs: &[Run], options: TsnrOptions, session: &Session) -> Result<Tsnr, JobError> {
    let mut warnings = grid::check(runs)?;
    let ddof = ReduceOptions::new().ddof(options.ddof);
    let arrays: Vec<LazyArray> = runs.iter().map(true_values).collect();
    let joined = concatenate(&arrays, -1);
    let whole =
        [joined.mean(-1), joined.std_with(-1, ddof.clone()), pooled_variance(&arrays, options)];
    let each: Vec<LazyArray> =
        arrays.iter().map(|a| a.mean(-1) / a.std_with(-1, ddof.clone())).collect();

    let (computed, first_runs, mut report) = compute_what_fits(&whole, &each, session)?;
    let [mean, std, pooled] = computed;
    let mask = Mask::new(mean, std);
    let session = &beside_whole(&whole, session);

    let mut medians = Vec::with_capacity(runs.len());
    medians.extend(first_runs.into_iter().map(|map| mask.median(map, finite_or_zero)));
    let mut more_scans = 0;
    while medians.len() < each.len() {
        let (maps, more) = compute_some(&each[medians.len()..], session)?;
        // Groups of runs: each run is gone through once more, however many groups there are.
        more_scans = 1;
        add_report(&mut report, &more);
        medians.extend(maps.into_iter().map(|map| mask.median(map, finite_or_zero)));
    }
    report.scans += more_scans;
    // The pooled array is used up twice: for its own median, then as room for the map's.
    let (pooled_median, room) = mask.pooled_median(pooled);
    let concatenated_median = mask.concatenated_median(room);

    let rows = runs.iter().zip(medians).map(|(run, median)| RunRow {
        name: run.name().to_owned(),
        volumes: run.shape()[3],
        tr_seconds: run.info().timing.tr_seconds,
        median,
    });
    if concatenated_median < LEVEL_SHIFT_SHARE * pooled_median {
        warnings.push(format!(
            "the joined median {concatenated_median:.2} is under 80 % of the pooled \
             {pooled_median:.2}: level shifts between runs count as noise in the map"
        ));
    }
    for run in runs {
        let said = run.info().warnings.iter();
        warnings.extend(said.map(|w| format!("{}: {}: {}", run.name(), w.code, w.message)));
    }
    warnings.append(&mut report.warnings);
    Ok(Tsnr {
        mask_voxels: mask.voxels,
        runs: rows.collect(),
        pooled_median,
        concatenated_median,
        constant_voxels: mask.constant_voxels,
        map: mask.into_map(options.constant),
        warnings,
        report,
    })
}

/// The run's values in a type whose mean and standard deviation are not rounded to float32. Integers
/// stay what they are: their sums are exact.
fn true_values(run: &Run) -> LazyArray {
    let values = run.lazy();
    if values.dtype() == DType::F32 { values.to_f64() } else { values }
}

/// Sums of squares within runs over the summed degrees of freedom.
fn pooled_variance(arrays: &[LazyArray], options: TsnrOptions) -> LazyArray {
    let volumes = |array: &LazyArray| *array.shape().last().unwrap_or(&0);
    let squares = |array: &LazyArray| array.var(-1) * volumes(array) as f64;
    let freedom: u64 = arrays.iter().map(|a| volumes(a).saturating_sub(options.ddof)).sum();
    let mut sum = squares(&arrays[0]);
    for array in &arrays[1..] {
        sum = sum + squares(array);
    }
    sum / freedom as f64
}

type Whole = [ArrayD<f64>; 3];

/// Everything in one scan, or the whole-study arrays alone where the runs' maps do not fit beside.
/// Reads nothing unless the runs' maps can be gathered afterwards.
fn compute_what_fits(
    whole: &[LazyArray; 3],
    each: &[LazyArray],
    session: &Session,
) -> Result<(Whole, Vec<ArrayD<f64>>, Report), ExecError> {
    let all: Vec<&LazyArray> = whole.iter().chain(each).collect();
    let computed = match session.compute_all::<f64>(&all) {
        Err(ExecError::Plan(PlanError::Memory { .. })) => {
            let beside = beside_whole(whole, session);
            let refused = each.iter().filter_map(|map| beside.explain(&[map]).err());
            let refused = refused.chain(session.explain(&all[..3]).err());
            if let Some(worst) = refused.max_by_key(PlanError::projected_bytes) {
                return Err(worst.into());
            }
            session.compute_all(&all[..3])?
        }
        other => other?,
    };
    let mut arrays = computed.arrays.into_iter();
    let mut next = || arrays.next().unwrap_or_default();
    let whole = [next(), next(), next()];
    Ok((whole, arrays.collect(), computed.report))
}

/// The session while the whole-study arrays are held.
fn beside_whole(whole: &[LazyArray; 3], session: &Session) -> Session {
    session.with_reserved(whole.iter().map(LazyArray::nbytes).sum())
}

/// As many of the first maps as fit the budget, in one scan.
fn compute_some(
    each: &[LazyArray],
    session: &Session,
) -> Result<(Vec<ArrayD<f64>>, Report), ExecError> {
    let mut count = each.len();
    loop {
        let some: Vec<&LazyArray> = each[..count].iter().collect();
        match session.compute_all::<f64>(&some) {
            Err(ExecError::Plan(PlanError::Memory { .. })) if count > 1 => count /= 2,
            other => return other.map(|computed| (computed.arrays, computed.report)),
        }
    }
}

fn add_report(report: &mut Report, more: &Report) {
    report.read_bytes += more.read_bytes;
    report.projected_bytes = report.projected_bytes.max(more.projected_bytes);
    report.leased_peak_bytes = report.leased_peak_bytes.max(more.leased_peak_bytes);
}

fn finite_or_zero(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// The voxels that medians are over, held as the two maps they follow from.
struct Mask {
    mean: Vec<f64>,
    std: Vec<f64>,
    shape: Vec<usize>,
    threshold: f64,
    voxels: u64,
    constant_voxels: u64,
}

impl Mask {
    fn new(mean: ArrayD<f64>, std: ArrayD<f64>) -> Self {
        let shape = mean.shape().to_vec();
        let (mean, std) = (in_memory_order(mean), in_memory_order(std));
        let varying = |(m, s): &(&f64, &f64)| **s > 0.0 && m.is_finite();
        let largest =
            mean.iter().zip(&std).filter(varying).map(|(m, _)| *m).fold(f64::NAN, f64::max);
        let mut mask = Self {
            mean,
            std,
            shape,
            threshold: HEAD_SHARE * largest,
            voxels: 0,
            constant_voxels: 0,
        };
        mask.voxels = (0..mask.mean.len()).filter(|&v| mask.contains(v)).count() as u64;
        mask.constant_voxels = mask.std.iter().filter(|s| **s == 0.0).count() as u64;
        mask
    }

    fn contains(&self, voxel: usize) -> bool {
        self.std[voxel] > 0.0 && self.mean[voxel] > self.threshold
    }

    fn median(&self, map: ArrayD<f64>, value: impl Fn(f64) -> f64) -> f64 {
        median_where(&mut in_memory_order(map), |voxel| self.contains(voxel), |_, v| value(v))
    }

    fn pooled_median(&self, variance: ArrayD<f64>) -> (f64, Vec<f64>) {
        let mut values = in_memory_order(variance);
        let tsnr = |voxel: usize, var: f64| finite_or_zero(self.mean[voxel] / var.sqrt());
        let median = median_where(&mut values, |voxel| self.contains(voxel), tsnr);
        (median, values)
    }

    fn concatenated_median(&self, mut room: Vec<f64>) -> f64 {
        let tsnr = |voxel: usize, _| self.mean[voxel] / self.std[voxel];
        median_where(&mut room, |voxel| self.contains(voxel), tsnr)
    }

    fn into_map(mut self, constant: Constant) -> Array3<f64> {
        let flat = match constant {
            Constant::Zero => 0.0,
            Constant::Nan => f64::NAN,
        };
        for (std, mean) in self.std.iter_mut().zip(&self.mean) {
            *std = if *std == 0.0 { flat } else { mean / *std };
        }
        let reversed: Vec<usize> = self.shape.iter().rev().copied().collect();
        ArrayD::from_shape_vec(reversed, self.std)
            .expect("the map has the shape of the std it was made from")
            .reversed_axes()
            .into_dimensionality::<Ix3>()
            .expect("a run has three axes in space")
    }
}

/// The elements, x fastest, without a copy where they lie so already.
fn in_memory_order(array: ArrayD<f64>) -> Vec<f64> {
    let array = array.reversed_axes();
    if array.is_standard_layout() {
        array.into_raw_vec_and_offset().0
    } else {
        array.iter().copied().collect()
    }
}
