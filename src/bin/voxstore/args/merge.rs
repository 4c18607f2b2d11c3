//! The arguments of `voxstore merge`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, TalkArgs};

/// Put the parts of a job together that was computed in shards
///
/// The result, and what is printed and written beside it, is that of the command without --shard, bit for bit, whatever
/// the number of shards. Which runs and options it was is in the parts; of the runs only headers are read, and they must
/// be what they were. When parts are missing, the commands that make them are printed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore merge parts -o tsnr.nii.gz
  voxstore merge parts/tsnr.part-*.zarr -o tsnr.nii.gz --memory 128MiB
  for i in 0 1 2 3; do voxstore tsnr study.zarr --shard $i/4 -o parts; done && voxstore merge parts -o tsnr.nii.gz")]
pub(crate) struct MergeArgs {
    /// Parts, or folders that have parts in them
    #[arg(required = true, value_name = "PART")]
    pub(crate) parts: Vec<PathBuf>,
    /// What the command makes without --shard: .nii or .nii.gz for a map, .tsv or .json for a series of `reduce`
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Overwrite the output
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
