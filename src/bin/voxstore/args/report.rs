//! The arguments of `voxstore report`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, ReadingArgs, RunArgs, TalkArgs};

/// A page to look at: verdicts, maps of SD, tSNR and mean, carpet, slices over time, runs compared
///
/// The page is one HTML file that needs no network and no file beside it. Its first lines say which rules
/// hold (PASS) and which do not (WARN), each with its number. With --group it needs only the JSON records that
/// `voxstore tsnr` writes beside its maps: one dot a run, those far from the others named.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore report sub-01/ses-test/func/*_bold.nii.gz -o report.html
  voxstore report study.zarr --run 'sub-01_*' -o report.html --png pictures/
  voxstore report run.nii.gz --mask brain.nii.gz -o report.html
  voxstore report --group derivatives/ -o group.html")]
pub(crate) struct ReportArgs {
    /// A store, NIfTI files, OME-Zarr images of other tools, folders, or quoted patterns; with --group, JSON
    /// records, or folders of them
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The page, .html
    #[arg(short, long, value_name = "PAGE", required_unless_present = "png")]
    pub(crate) output: Option<PathBuf>,
    /// Write the pictures as PNG files, too, into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "group")]
    pub(crate) png: Option<PathBuf>,
    /// Compare runs by the records beside their maps; reads no image
    #[arg(long, conflicts_with_all = ["mask", "globs"])]
    pub(crate) group: bool,
    /// Voxels that count: a NIfTI file on the runs' grid, not 0 inside
    #[arg(long, value_name = "FILE")]
    pub(crate) mask: Option<PathBuf>,
    /// Overwrite the page and the pictures
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) runs: RunArgs,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}
