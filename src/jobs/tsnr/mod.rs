//! Temporal signal-to-noise: the mean over time divided by the standard deviation over time.
//!
//! The map is of the runs joined end to end, which is the classical formula; the figures beside it
//! show what that does to the number when runs differ in level. Definitions are in
//! `docs/numerics.md`.

mod median;
mod record;
mod trips;

pub use record::TsnrRecord;

use ndarray::{Array3, ArrayD, Ix3};

use self::median::median_where;
use self::trips::{Asked, Trip};
use super::error::JobError;
use super::grid;
use super::join::said_of;
use crate::exec::{ExecError, Report};
use crate::picture::Explanation;
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
    let mut warnings = check(runs)?;
    let asked = Asked::of(runs, options);
    let trips = asked.trips(session).map_err(ExecError::from)?;

    let (mut first, mut report) = compute(&trips[0])?;
    let mut next = || first.next().unwrap_or_default();
    let (mean, std, within) = (next(), next(), next());
    let mask = Mask::new(mean, std);
    let mut medians = Vec::with_capacity(runs.len());
    medians.extend(first.map(|map| mask.median(map, finite_or_zero)));
    for trip in &trips[1..] {
        let (maps, more) = compute(trip)?;
        add_report(&mut report, &more);
        medians.extend(maps.map(|map| mask.median(map, finite_or_zero)));
    }
    // Groups of runs: each run is gone through once more, however many groups there are.
    report.scans += usize::from(trips.len() > 1);
    // The pooled array is used up twice: for its own median, then as room for the map's.
    let (pooled_median, room) = mask.pooled_median(within);
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
    warnings.extend(said_of(runs));
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

/// What [`tsnr`] would do with these runs under this session: one explanation for each trip over them,
/// in order. Reads no voxel.
///
/// # Errors
/// As [`tsnr`] would before it reads anything.
pub fn explain_tsnr(
    runs: &[Run],
    options: TsnrOptions,
    session: &Session,
) -> Result<Vec<Explanation>, JobError> {
    check(runs)?;
    let asked = Asked::of(runs, options);
    let trips = asked.trips(session).map_err(ExecError::from)?;
    trips
        .iter()
        .map(|trip| Ok(trip.session.explain(&trip.arrays).map_err(ExecError::from)?))
        .collect()
}

/// Refuses runs that are too short or on different grids; warns of timings that differ.
fn check(runs: &[Run]) -> Result<Vec<String>, JobError> {
    if let Some(run) = runs.iter().find(|run| run.shape()[3] < 2) {
        let (run, volumes) = (run.name().to_owned(), run.shape()[3]);
        return Err(JobError::TooFewVolumes { run, volumes });
    }
    grid::check(runs)
}

fn compute(trip: &Trip<'_>) -> Result<(std::vec::IntoIter<ArrayD<f64>>, Report), ExecError> {
    let computed = trip.session.compute_all::<f64>(&trip.arrays)?;
    Ok((computed.arrays.into_iter(), computed.report))
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
