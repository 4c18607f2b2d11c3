//! The arguments of `voxstore export`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, RunArgs, TalkArgs};

/// Write runs of a store back to NIfTI, header and voxels byte for byte
///
/// What came from a .hdr/.img pair becomes a pair in a folder, and under a name that ends in .hdr or .img.
/// Under one that ends in .nii it becomes a single file, and its header says so.
///
/// Bytes that followed the last voxel of a source are not in a store and do not come back.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore export study.zarr --run '*task-rest*' -o rest.nii.gz
  voxstore export study.zarr -o folder/             # every run, under its path in the store
  voxstore export study.zarr -o folder/ --allow-damaged")]
pub(crate) struct ExportArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// A file for one run (.nii, .nii.gz; .hdr, .hdr.gz for both files of a pair); a folder for several
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Overwrite files
    #[arg(long)]
    pub(crate) force: bool,
    /// Fill chunks that cannot be read, with 0 (NaN for floats), and list them in OUT.damaged.json; the exit
    /// code is 4 then
    #[arg(long)]
    pub(crate) allow_damaged: bool,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
