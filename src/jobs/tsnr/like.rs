//! What do other tools call tSNR?
//!
//! Each as a preset of the options, with its source; what is asked for beside it must not contradict it.

use std::fmt;

use serde::Serialize;

use super::super::error::JobError;
use super::options::{Across, Constant, NonFinite, TsnrOptions};

/// A tool whose tSNR is wanted. `T` is the number of volumes, `SS` the sum of squared deviations from the
/// mean. Which volumes count and where is not part of a definition: it is told to the tool, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Like {
    /// `arr.mean(axis=-1) / arr.std(axis=-1)` in numpy: ddof 0; infinite or NaN where constant.
    Seed,
    /// `fslmaths IN -Tmean`, `-Tstd`, `-div`: `mean / sqrt(SS / (T - 1))`, 0 where constant.
    Fsl,
    /// `3dTstat -tsnr` (and `-cvarinvNOD`): `|mean| / sqrt(SS / (T - 1))`, 0 where constant.
    Afni,
    /// `3dTstat -cvarinv`: as `Afni` over what a straight line leaves; `T - 1`, not `T - 2`.
    AfniCvarinv,
    /// `nipype.algorithms.confounds.TSNR`: non-finite samples are 0, ddof 0, and 0 where std is at most
    /// 1e-3; `detrend` is its `regress_poly`, with the constant of the fit in the place of the mean.
    Nipype,
    /// MRIQC's `tsnr`: the median over a brain mask of nipype's map, which itself is not masked.
    Mriqc,
    /// `sct_fmri_compute_tsnr`: ddof 1; infinite where constant, but 0 where the division gives NaN. A
    /// mask is for its figures only.
    Sct,
    /// The `tsnr` map of `HALFpipe`: as `Nipype`, without detrending.
    Halfpipe,
}

impl Like {
    pub(super) fn has_std_floor(self) -> bool {
        matches!(self, Self::Nipype | Self::Mriqc | Self::Halfpipe)
    }

    pub(super) fn is_absolute(self) -> bool {
        matches!(self, Self::Afni | Self::AfniCvarinv)
    }

    pub(super) fn is_zero_for_nan(self) -> bool {
        self == Self::Sct
    }

    /// Whether it divides the constant of its fit. That is not the mean: on a grid of times even Legendre
    /// polynomials have a mean of their own, which `regress_poly` takes out with them.
    pub(super) fn divides_fitted_level(self) -> bool {
        self == Self::Nipype
    }

    /// Whether a mask is where figures are taken, and no more.
    pub(super) fn leaves_map_whole(self) -> bool {
        matches!(self, Self::Mriqc | Self::Sct)
    }

    /// Its name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Fsl => "fsl",
            Self::Afni => "afni",
            Self::AfniCvarinv => "afni-cvarinv",
            Self::Nipype => "nipype",
            Self::Mriqc => "mriqc",
            Self::Sct => "sct",
            Self::Halfpipe => "halfpipe",
        }
    }
}

impl fmt::Display for Like {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TsnrOptions<'_> {
    /// The definition of another tool, of the runs as one series.
    pub fn like(like: Like) -> Self {
        let ddof = match like {
            Like::Fsl | Like::Afni | Like::AfniCvarinv | Like::Sct => 1,
            Like::Seed | Like::Nipype | Like::Mriqc | Like::Halfpipe => 0,
        };
        Self {
            ddof,
            detrend: u32::from(like == Like::AfniCvarinv),
            constant: match like {
                Like::Seed | Like::Sct => Constant::Divided,
                _ => Constant::Zero,
            },
            non_finite: match like {
                Like::Nipype | Like::Mriqc | Like::Halfpipe => NonFinite::Zero,
                _ => NonFinite::Propagate,
            },
            like: Some(like),
            ..Self::default()
        }
    }

    /// Refuses what is not the definition that `like` names.
    pub(super) fn check_like(&self, runs: usize) -> Result<(), JobError> {
        let Some(like) = self.like else { return Ok(()) };
        let theirs = Self::like(like);
        let refuse = |option, given: String, theirs: String| {
            Err(JobError::NotLike { like, option, given, theirs })
        };
        if (self.ddof, self.ddof_of_model) != (theirs.ddof, false) {
            let given = if self.ddof_of_model { "model".to_owned() } else { self.ddof.to_string() };
            return refuse("ddof", given, theirs.ddof.to_string());
        }
        if self.detrend != theirs.detrend && like != Like::Nipype {
            return refuse("detrend", self.detrend.to_string(), theirs.detrend.to_string());
        }
        if self.constant != theirs.constant {
            let say = |constant| match constant {
                Constant::Zero => "0",
                Constant::Nan => "NaN",
                Constant::Divided => "what the division gives",
            };
            return refuse("constant", say(self.constant).into(), say(theirs.constant).into());
        }
        if self.non_finite != theirs.non_finite {
            let say = |rule| match rule {
                NonFinite::Propagate => "propagate",
                NonFinite::Skip => "skip",
                NonFinite::Zero => "zero",
            };
            return refuse("nan", say(self.non_finite).into(), say(theirs.non_finite).into());
        }
        match self.across {
            Across::Pooled | Across::Mean => {
                let given = if self.across == Across::Mean { "mean" } else { "pooled" };
                refuse("across", given.into(), "concat (or per-run)".into())
            }
            // These fit one polynomial through all runs; we fit one a run.
            Across::Concat if self.detrend > 0 && runs > 1 => {
                let theirs = "one polynomial through all runs, which is not offered; give \
                              --across per-run";
                refuse("across", "concat, with a polynomial a run".into(), theirs.into())
            }
            Across::Concat | Across::PerRun => Ok(()),
        }
    }
}
