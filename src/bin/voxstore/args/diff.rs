//! The arguments of `voxstore diff`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, ReadingArgs, TalkArgs};

/// How far apart two maps, runs or arrays are
///
/// True values are compared: slope and intercept are applied. The exit code is 0 where they lie in the same
/// place and no element differs by more than the tolerance, else 3.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore diff tsnr-a.nii.gz tsnr-b.nii.gz --tolerance 1e-6
  voxstore diff rest.nii.gz study.zarr/runs/rest.ome.zarr   # a file and a run in a store
  voxstore diff zscore-a.zarr zscore-b.zarr --json")]
pub(crate) struct DiffArgs {
    /// A NIfTI file, the folder of a run in a store, or that of a Zarr array that voxstore wrote
    #[arg(value_name = "A")]
    pub(crate) a: PathBuf,
    /// Another
    #[arg(value_name = "B")]
    pub(crate) b: PathBuf,
    /// The largest difference of two values that is none
    #[arg(long, default_value_t = 0.0, value_name = "ABS", value_parser = tolerance)]
    pub(crate) tolerance: f64,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number >= 0.0);
    number.ok_or_else(|| "expected a number that is not below 0".to_owned())
}
