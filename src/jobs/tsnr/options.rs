//! What exactly is meant by tSNR?
//!
//! Every choice that changes a number of the map, with names that a record can say. Computes nothing.

use serde::Serialize;

use super::super::error::JobError;
use super::like::Like;
use crate::run::Run;

/// The highest order of the trends that can be taken out.
pub const MOST_DETREND: u32 = 5;

/// How tSNR is defined. The default is `mean / std` of the runs as one series, ddof 0, no detrending.
#[derive(Clone, Copy, Debug, Default)]
pub struct TsnrOptions<'a> {
    /// What several runs become.
    pub across: Across,
    /// Delta degrees of freedom of the standard deviation; 0 is numpy's default. Of each run, except
    /// with [`Across::Concat`], where it is of the joined series.
    pub ddof: u64,
    /// Counts what was fitted in the place of `ddof`: a level and `detrend` trends a run.
    pub ddof_of_model: bool,
    /// Order of the Legendre polynomial that is taken out of each run, its mean kept: 0 (nothing) to
    /// [`MOST_DETREND`].
    pub detrend: u32,
    /// First volumes of each run that do not count.
    pub dummies: Dummies,
    /// Volumes that do not count, from 0 and with dummy volumes counted: one list a run, or none at all.
    pub censored: &'a [Vec<u64>],
    /// Where medians are taken; outside, the map is 0.
    pub mask: Mask<'a>,
    /// What constant voxels get.
    pub constant: Constant,
    /// What a sample means that is NaN or infinite.
    pub non_finite: NonFinite,
    /// Also gives what the joined series' tSNR is made of, as [`Tsnr::parts`](super::Tsnr::parts).
    pub parts: bool,
    /// The tool whose definition this is, where it is one; see [`TsnrOptions::like`].
    pub like: Option<Like>,
}

impl TsnrOptions<'_> {
    /// The degrees of freedom that a run takes.
    pub(super) fn ddof_of_run(&self) -> u64 {
        if self.ddof_of_model { u64::from(self.detrend) + 1 } else { self.ddof }
    }

    /// The degrees of freedom that so many runs as one series take.
    pub(super) fn ddof_joined(&self, runs: usize) -> u64 {
        if self.ddof_of_model { runs as u64 * u64::from(self.detrend) + 1 } else { self.ddof }
    }

    /// Refuses options that do not go together.
    pub(super) fn check(&self, runs: usize) -> Result<(), JobError> {
        if self.detrend > MOST_DETREND {
            return Err(JobError::Detrend { order: self.detrend });
        }
        if self.detrend > 0 && self.non_finite == NonFinite::Skip {
            return Err(JobError::DetrendSkips);
        }
        if self.like == Some(Like::Mriqc) && !matches!(self.mask, Mask::Of(_)) {
            return Err(JobError::MaskNeeded { like: Like::Mriqc });
        }
        self.check_like(runs)
    }

    /// Mean and standard deviation to tSNR.
    pub(super) fn ratio(&self) -> Ratio {
        let of = |is: fn(Like) -> bool| self.like.is_some_and(is);
        Ratio {
            constant: self.constant,
            std_floor: if of(Like::has_std_floor) { 1e-3 } else { 0.0 },
            absolute: of(Like::is_absolute),
            nan_is_zero: of(Like::is_zero_for_nan),
        }
    }
}

/// What several runs become. For one run the first three are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Across {
    /// One series, end to end: level shifts between runs are noise.
    #[default]
    #[serde(rename = "concatenated")]
    Concat,
    /// The mean of all volumes over the deviations within runs.
    Pooled,
    /// The mean of the runs' maps.
    #[serde(rename = "mean_of_runs")]
    Mean,
    /// A map a run.
    PerRun,
}

/// First volumes of a run, before the signal is steady, that do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dummies {
    /// So many of each run.
    First(u64),
    /// As many as stand out of the global signal of the run's first 50 volumes: those before the first
    /// volume with a modified z-score, `0.6745 * |signal - median| / median of |signal - median|`, of at
    /// most 3.5 (Iglewicz & Hoaglin, *How to Detect and Handle Outliers*, 1993). It is the rule of
    /// `NonSteadyStateDetector` in nipype, by which fMRIPrep and MRIQC find them; but where more
    /// than half of the volumes are equal, so that the score has no meaning, there are none.
    /// Costs a reading of those volumes.
    Auto,
}

impl Default for Dummies {
    fn default() -> Self {
        Self::First(0)
    }
}

/// Where in space.
#[derive(Clone, Copy, Debug, Default)]
pub enum Mask<'a> {
    /// The map everywhere; medians where std > 0 and the mean is above 20 % of its maximum.
    #[default]
    None,
    /// The same medians; the map only where they are taken, 0 elsewhere.
    Auto,
    /// Where this run of one volume, on the same grid, is neither 0 nor NaN.
    Of(&'a Run),
}

/// What a voxel gets whose series never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    /// 0, so that viewers and averages are not spoiled.
    #[default]
    Zero,
    /// NaN, so that it cannot be mistaken for a measurement.
    Nan,
    /// What the division gives: an infinity, or NaN where the mean is 0, too.
    Divided,
}

/// What a sample means that is NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NonFinite {
    /// The voxel is NaN.
    #[default]
    Propagate,
    /// It is left out: the voxel has fewer samples.
    Skip,
    /// It is 0.
    Zero,
}

/// Mean and standard deviation to tSNR.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    pub(super) constant: Constant,
    /// A standard deviation up to this is that of a constant voxel.
    pub(super) std_floor: f64,
    pub(super) absolute: bool,
    pub(super) nan_is_zero: bool,
}

impl Ratio {
    /// Whether it is the quotient, but for what is 0 or not finite.
    pub(super) fn is_plain(self) -> bool {
        self.std_floor == 0.0 && !self.absolute
    }

    /// What a constant voxel gets; `None` for what the division gives.
    pub(super) fn of_constant(self) -> Option<f64> {
        match self.constant {
            Constant::Zero => Some(0.0),
            Constant::Nan => Some(f64::NAN),
            Constant::Divided => None,
        }
    }

    pub(super) fn of(self, mean: f64, std: f64) -> f64 {
        let mean = if self.absolute { mean.abs() } else { mean };
        let ratio = match self.of_constant() {
            Some(constant) if std <= self.std_floor => constant,
            _ => mean / std,
        };
        if self.nan_is_zero && ratio.is_nan() { 0.0 } else { ratio }
    }
}
