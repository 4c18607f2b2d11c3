//! The arguments of `voxstore qc`.

use std::path::PathBuf;

use clap::Args;

use super::{LimitArgs, ReadingArgs, RunArgs, TalkArgs};

/// Quality of runs from volume to volume: global signal, DVARS, outliers, spikes of slices
///
/// One table a run, a row a volume, under the names that fMRIPrep's confounds have: `global_signal`, `dvars`
/// and `std_dvars`; `dvars_vstd` as MRIQC; `outlier_fraction` as AFNI's 3dToutcount -fraction; and
/// `slice_spike_00`, ... how far each slice's mean is from its own median, in robust standard deviations.
/// n/a stands where there is nothing: DVARS of the first volume, slices outside of the mask. A JSON file
/// beside the table describes the columns. Runs are looked at one by one, each in two readings (of
/// a .nii.gz larger than the memory in more; ingest it first).
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore qc sub-01_task-rest_bold.nii.gz -o sub-01_task-rest_desc-qc_timeseries.tsv
  voxstore qc sub-01/ses-test/func/*_bold.nii.gz -o qc   # qc/sub-01_ses-test_..._desc-qc_timeseries.tsv
  voxstore qc study.zarr --run 'sub-01_*' -o qc --memory 256MiB
  voxstore qc run.nii.gz -o qc.tsv --mask brain.nii.gz --json")]
pub(crate) struct QcArgs {
    /// A store, NIfTI files, OME-Zarr images of other tools, folders, or quoted patterns
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// NAME.tsv for one run, with NAME.json beside it; else a folder for a table a run, named after the run
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// The voxels that count: those where this NIfTI file of the same grid is not 0 [default: std above 0 and
    /// mean above 20 % of the largest]
    #[arg(long, value_name = "MASK")]
    pub(crate) mask: Option<PathBuf>,
    /// Overwrite tables and their JSON
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
