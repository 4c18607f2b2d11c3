//! The arguments of `voxstore verify`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, ReadingArgs, RunArgs, TalkArgs};

/// Check that the runs of a store are what was stored
///
/// Every chunk must be there, whole, and in its place, and all that is told of a run must follow from the
/// header of its source. What is not so is listed by run, chunk and volumes, or by field; the exit code is 3
/// then, and where a file differs from its run. It is 4 where nothing differs and a file could not be read.
/// Whole runs that the store's own list does not have yet are no damage: an ingest is under way, or was stopped.
/// `ingest` again brings the list up to date, which other tools go by.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore verify study.zarr
  voxstore verify study.zarr --run 'sub-01/**' --deep    # decode all voxels, too
  voxstore verify study.zarr --against bids/             # header and voxels of every file in it
  voxstore verify study.zarr --run rest --against other-name.nii.gz")]
pub(crate) struct VerifyArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// Decode all voxels and compare their digest with that of the source
    #[arg(long)]
    pub(crate) deep: bool,
    /// Compare with these files, folders or quoted patterns, header and voxels byte for byte. A file belongs
    /// to the run that it would become at ingest; with --run, one file to that run
    #[arg(long, value_name = "SOURCE", num_args = 1..)]
    pub(crate) against: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
