//! The arguments of `voxstore stats`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, ReadingArgs, TalkArgs};

/// A table of a map by region: voxels, mean, sd, quantiles, by the labels of an atlas on the same grid
///
/// The atlas has an integer a voxel; 0 is background. Values that are NaN or infinite are counted and left out,
/// zeros are counted and kept. sd is over voxels with ddof 1. Map and atlas must have one shape and one affine:
/// nothing is resampled.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore stats tsnr.nii.gz --atlas aparc_dseg.nii.gz
  voxstore stats tsnr.nii.gz --atlas aparc_dseg.nii.gz --labels aparc_dseg.tsv -o roi.tsv
  voxstore stats tsnr.nii.gz --atlas brain_mask.nii.gz --json      # a mask is an atlas of one region")]
pub(crate) struct StatsArgs {
    /// The map: an image of one volume, as tsnr and reduce write
    #[arg(value_name = "MAP")]
    pub(crate) map: PathBuf,
    /// The atlas: an image of integer labels on the grid of the map
    #[arg(long, value_name = "LABELS")]
    pub(crate) atlas: PathBuf,
    /// Names of the labels: tab-separated columns index and name, as in BIDS derivatives (_dseg.tsv)
    #[arg(long, value_name = "TABLE.tsv")]
    pub(crate) labels: Option<PathBuf>,
    /// Where the table goes, as .tsv; a JSON file beside it says what the columns are and how it was made
    #[arg(short, long, value_name = "ROI.tsv")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the table and its JSON
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
