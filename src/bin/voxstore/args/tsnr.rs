//! The arguments of `voxstore tsnr`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use voxstore::jobs::{Constant, TsnrOptions};

use super::{LimitArgs, ReadingArgs, RunArgs, TalkArgs};

/// Temporal SNR map: mean over time divided by standard deviation over time
///
/// Runs are joined end to end along time. The table shows the median of each run, of the runs
/// pooled (deviations within runs only) and of the joined series, all over the same voxels: std
/// above 0 and mean above 20 % of the largest mean. Beside the map a JSON file says how it was made.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore tsnr sub-01/ses-test/func/*_bold.nii.gz -o tsnr.nii.gz
  voxstore tsnr study.zarr --run 'sub-01_*' -o tsnr.nii.gz --memory 128MiB
  voxstore tsnr ds000114 --entity sub=01 --entity ses=test -o tsnr.nii.gz   # a BIDS dataset
  voxstore tsnr run.nii -o tsnr.nii --ddof 1 --constant nan")]
pub(crate) struct TsnrArgs {
    #[command(flatten)]
    pub(crate) what: TsnrWhat,
    /// The map, .nii or .nii.gz; NAME.json appears beside it
    #[arg(short, long, value_name = "MAP")]
    pub(crate) output: PathBuf,
    /// Overwrite the map and its JSON
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
    /// Delta degrees of freedom of the standard deviation
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) ddof: u64,
    /// What voxels get whose series never changes
    #[arg(long, value_enum, default_value_t = ConstantArg::Zero)]
    constant: ConstantArg,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

impl TsnrWhat {
    pub(crate) fn options(&self) -> TsnrOptions {
        let constant = match self.constant {
            ConstantArg::Zero => Constant::Zero,
            ConstantArg::Nan => Constant::Nan,
        };
        TsnrOptions { ddof: self.ddof, constant }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ConstantArg {
    #[value(name = "0")]
    Zero,
    Nan,
}
