//! The arguments of `voxstore bids`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use voxstore::bids::{BidsError, Filter};
use voxstore::jobs::TsnrOptions;

use super::tsnr::{DdofArg, DummiesArg};
use super::{LimitArgs, ReadingArgs, TalkArgs};
use crate::exit::Misuse;

/// A BIDS app: temporal SNR maps of a dataset's BOLD runs, as BIDS derivatives
///
/// participant: for each run a map, OUT/sub-01/func/sub-01_task-x_stat-tsnr_boldmap.nii.gz, beside it those of the mean
/// and the standard deviation that it is made of (stat-mean, stat-std), and for each a JSON file that says how it was made. A run that fails is listed and the rest is done (exit code 4); a map that is there
/// and was made of the same file in the same way is skipped.
///
/// group: `OUT/group_tsnr.tsv`, one row a run, from the JSON files alone; neither maps nor runs need be there.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore bids ds000114 ds000114/derivatives/voxstore participant
  voxstore bids ds000114 out participant --participant-label 01 02 --session-id test --mem 2GiB --nprocs 4
  voxstore bids ds000114 out participant --task-id fingerfootlips --dry-run
  voxstore bids ds000114 out participant --bids-filter-file filter.json
  voxstore bids ds000114 out group")]
pub(crate) struct BidsArgs {
    /// The dataset; it must have a `dataset_description.json`
    #[arg(value_name = "DIR")]
    pub(crate) dataset: PathBuf,
    /// Where derivatives go: a folder that is new, empty, or was made so of the same dataset
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// What is done
    #[arg(value_enum, value_name = "LEVEL")]
    pub(crate) level: Level,
    /// Only these subjects, with or without sub-
    #[arg(long, visible_alias = "participant_label", num_args = 1.., value_name = "LABEL")]
    pub(crate) participant_label: Vec<String>,
    /// Only these sessions, with or without ses-
    #[arg(long, num_args = 1.., value_name = "LABEL")]
    session_id: Vec<String>,
    /// Only these tasks
    #[arg(long, num_args = 1.., value_name = "LABEL")]
    task_id: Vec<String>,
    /// Only these runs
    #[arg(long, num_args = 1.., value_name = "INDEX")]
    run_id: Vec<String>,
    /// Only runs with this BIDS entity, such as echo=1 or acq=hi*; repeatable
    #[arg(long = "entity", value_name = "KEY=VALUE")]
    entities: Vec<String>,
    /// Only runs that this JSON file means, in fMRIPrep's form: {"bold": {"task": "rest", "session": "01"}}. A list has
    /// alternatives, null means that the entity is absent. Honoured are subject, session, task, acquisition, ceagent,
    /// reconstruction, direction, run, echo and part of bold; queries for other files are passed over
    #[arg(long, value_name = "FILE")]
    pub(crate) bids_filter_file: Option<PathBuf>,
    /// Take a Legendre polynomial of this order out of each run, from 0 (nothing) to 5; its mean stays
    #[arg(long, value_name = "ORDER", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=5))]
    detrend: u32,
    /// Delta degrees of freedom of the standard deviation: a number, or `model` for what was fitted
    #[arg(long, value_name = "N|model", default_value = "0")]
    ddof: DdofArg,
    /// Leave out the first N volumes of each run, or with `auto` those that stand out of the global signal
    #[arg(long, value_name = "N|auto", default_value = "0")]
    dummy_scans: DummiesArg,
    /// Say what would be done, from headers alone; write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make maps anew that are there
    #[arg(long)]
    pub(crate) force: bool,
    /// Where what does not fit in memory waits [default: OUT]
    #[arg(short, long, visible_alias = "work-dir", value_name = "FOLDER")]
    pub(crate) work: Option<PathBuf>,
    /// Does nothing: the dataset is not validated; each file is judged when it is opened
    #[arg(long, visible_alias = "skip_bids_validation")]
    skip_bids_validation: bool,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// A map for each run
    Participant,
    /// A table of all runs
    Group,
}

impl BidsArgs {
    /// Which runs are meant.
    ///
    /// # Errors
    /// What is no `KEY=VALUE` or no pattern, as misuse.
    pub(crate) fn filter(&self) -> Result<Filter> {
        let misuse = |error: BidsError| Misuse(error.to_string());
        let mut filter = Filter::new(&self.entities, &[]).map_err(misuse)?;
        for (key, values) in [
            ("sub", &self.participant_label),
            ("ses", &self.session_id),
            ("task", &self.task_id),
            ("run", &self.run_id),
        ] {
            for value in values {
                filter = filter.with(key, value).map_err(misuse)?;
            }
        }
        Ok(filter)
    }

    /// How tSNR is defined.
    pub(crate) fn options(&self) -> TsnrOptions<'static> {
        let mut options = TsnrOptions { detrend: self.detrend, ..TsnrOptions::default() };
        self.ddof.apply(&mut options);
        options.dummies = self.dummy_scans.into();
        options.parts = true;
        options
    }
}
