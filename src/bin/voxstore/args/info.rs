//! The arguments of `voxstore info`.

use std::path::PathBuf;

use clap::Args;

use super::ReadingArgs;

/// Show what is in a store, a run or a NIfTI file; reads headers only
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore info study.zarr
  voxstore info run.nii.gz
  voxstore info study.zarr --json | jq '.[].runs[].shape'")]
pub(crate) struct InfoArgs {
    /// Stores, runs in a store, NIfTI files, or OME-Zarr images of other tools
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
