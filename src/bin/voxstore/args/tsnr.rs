//! The arguments of `voxstore tsnr`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use voxstore::jobs::{Dummies, TsnrOptions};
use voxstore::shard::Shard;

use super::{LimitArgs, ReadingArgs, RunArgs, TalkArgs};

/// Temporal SNR map: mean over time divided by standard deviation over time
///
/// Runs are joined end to end along time, unless --across says otherwise. The table shows the median of
/// each run, of the runs pooled (deviations within runs only) and of the joined series, all over the
/// same voxels: those of --mask, or std above 0 and mean above 20 % of the largest mean. Of several
/// runs it also shows how much of the variance lies between them. Beside the map a JSON file says how it
/// was made. All of it takes one reading; with --dummy-scans auto the first 50 volumes are read before.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore tsnr sub-01/ses-test/func/*_bold.nii.gz -o tsnr.nii.gz
  voxstore tsnr study.zarr --run 'sub-01_*' -o tsnr.nii.gz --memory 128MiB
  voxstore tsnr ds000114 --entity sub=01 --entity ses=test -o tsnr.nii.gz   # a BIDS dataset
  voxstore tsnr run.nii -o tsnr.nii --ddof 1 --constant nan
  voxstore tsnr a.nii.gz b.nii.gz -o t.nii.gz --across pooled --detrend 2 --ddof model
  voxstore tsnr run.nii.gz -o t.nii.gz --dummy-scans auto --censor desc-confounds_timeseries.tsv
  voxstore tsnr run.nii.gz -o t.nii.gz --like mriqc --mask brain.nii.gz
  voxstore tsnr study.zarr --shard 3/32 -o parts && voxstore merge parts -o t.nii.gz   # once all 32 are done")]
pub(crate) struct TsnrArgs {
    #[command(flatten)]
    pub(crate) what: TsnrWhat,
    /// The map, .nii or .nii.gz; NAME.json appears beside it. With --across per-run the maps are
    /// NAME_run-1, NAME_run-2, ... in the order of the runs, and NAME.json is about all of them. With
    /// --shard the folder of the parts
    #[arg(short, long, value_name = "MAP")]
    pub(crate) output: PathBuf,
    /// Overwrite the map and its JSON, or the part
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

/// What is computed, of what, within which limits.
#[derive(Args, Debug)]
pub(crate) struct TsnrWhat {
    /// A store, NIfTI files, OME-Zarr images of other tools, folders, or quoted patterns
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// What several runs become [default: concat]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) across: Option<AcrossArg>,
    /// Take a Legendre polynomial of this order out of each run, from 0 (nothing) to 5; its mean stays
    /// [default: 0]
    #[arg(long, value_name = "ORDER", value_parser = clap::value_parser!(u32).range(0..=5))]
    pub(crate) detrend: Option<u32>,
    /// Delta degrees of freedom of the standard deviation: a number, or `model` for what was fitted,
    /// so that each run divides by T - ORDER - 1 [default: 0]
    #[arg(long, value_name = "N|model")]
    pub(crate) ddof: Option<DdofArg>,
    /// Leave out the first N volumes of each run, or with `auto` those that stand out of the global
    /// signal (modified z-score above 3.5 in the first 50 volumes, as fMRIPrep and MRIQC) [default: 0]
    #[arg(long, value_name = "N|auto")]
    pub(crate) dummy_scans: Option<DummiesArg>,
    /// Leave out volumes: a text file with a line a volume, 0 to leave it out and 1 to keep it (AFNI's
    /// censor files), or a confounds .tsv of fMRIPrep, whose columns `non_steady_state_outlierXX` and
    /// `motion_outlierXX` are 1 where a volume is left out. One a run, in the order of the runs
    #[arg(long, value_name = "FILE")]
    pub(crate) censor: Vec<PathBuf>,
    /// The map only where this NIfTI file of the same grid is not 0, and medians there; `auto` for the
    /// voxels that medians are over anyway
    #[arg(long, value_name = "FILE|auto")]
    pub(crate) mask: Option<PathBuf>,
    /// What voxels get whose series never changes [default: 0]
    #[arg(long, value_enum)]
    pub(crate) constant: Option<ConstantArg>,
    /// What a sample means that is NaN or infinite [default: propagate]
    #[arg(long = "nan", value_enum)]
    pub(crate) non_finite: Option<NonFiniteArg>,
    /// The definition of another tool; other options must not contradict it
    #[arg(long, value_enum, value_name = "TOOL")]
    pub(crate) like: Option<LikeArg>,
    /// Do only shard I (from 0) of N: its sums go to a part in the folder -o, and `voxstore merge` makes the map of all
    /// parts, with the same bits. A part that is there is left alone
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AcrossArg {
    /// One series, end to end; level shifts between runs are noise
    Concat,
    /// Mean of all volumes over the deviations within runs
    Pooled,
    /// Mean of the runs' maps
    Mean,
    /// A map a run
    PerRun,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ConstantArg {
    #[value(name = "0")]
    Zero,
    Nan,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NonFiniteArg {
    /// The voxel is NaN
    Propagate,
    /// It is left out
    Skip,
    /// It is 0
    Zero,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LikeArg {
    /// `arr.mean(axis=-1) / arr.std(axis=-1)` of numpy
    Seed,
    /// fslmaths -Tmean, -Tstd, -div
    Fsl,
    /// 3dTstat -tsnr
    Afni,
    /// 3dTstat -cvarinv
    AfniCvarinv,
    /// TSNR of nipype; --detrend is its `regress_poly`
    Nipype,
    /// The median in --mask of nipype's map, and the map
    Mriqc,
    /// `sct_fmri_compute_tsnr`
    Sct,
    /// The tSNR map of `HALFpipe`
    Halfpipe,
}

/// `0`, `1`, `model`
#[derive(Clone, Copy, Debug)]
pub(crate) enum DdofArg {
    Number(u64),
    Model,
}

impl std::str::FromStr for DdofArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "model" {
            return Ok(Self::Model);
        }
        text.parse().map(Self::Number).map_err(|_| "a whole number, or model".to_owned())
    }
}

impl DdofArg {
    pub(crate) fn apply(self, options: &mut TsnrOptions<'_>) {
        match self {
            Self::Number(ddof) => options.ddof = ddof,
            Self::Model => options.ddof_of_model = true,
        }
    }
}

/// `4`, `auto`
#[derive(Clone, Copy, Debug)]
pub(crate) enum DummiesArg {
    First(u64),
    Auto,
}

impl std::str::FromStr for DummiesArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        text.parse().map(Self::First).map_err(|_| "a number of volumes, or auto".to_owned())
    }
}

impl From<DummiesArg> for Dummies {
    fn from(arg: DummiesArg) -> Self {
        match arg {
            DummiesArg::First(count) => Self::First(count),
            DummiesArg::Auto => Self::Auto,
        }
    }
}
