//! The arguments of `voxstore verify`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, RunArgs, TalkArgs};

/// Check that the runs of a store are what was stored
///
/// Every chunk must be there, whole, and in its place, and all that is told of a run must follow from the
/// header of its source. What is not so is listed by run, chunk and volumes, or by field; the exit code is 3
/// then.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore verify study.zarr
  voxstore verify study.zarr --run 'sub-01/**' --deep    # decode all voxels, too")]
pub(crate) struct VerifyArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// Decode all voxels and compare their digest with that of the source
    #[arg(long)]
    pub(crate) deep: bool,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
