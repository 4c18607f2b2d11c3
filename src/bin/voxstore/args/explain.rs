//! The arguments of `voxstore explain`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ReduceWhat, TalkArgs, TsnrWhat};

/// Show what a command would do: passes, bytes read, memory; reads headers only
///
/// Takes the arguments of the command it explains. When the job does not fit the memory, says what
/// would fit and exits with 1, as the command itself would; with --quiet that is all it does.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  voxstore explain tsnr sub-01/func/*_bold.nii.gz --memory 64MiB
  voxstore explain reduce median study.zarr --format svg -o median.svg
  voxstore explain tsnr run.nii.gz -o plan.dot       # the ending names the format
  voxstore explain tsnr run.nii --json | jq .summary.peak_bytes")]
pub(crate) struct ExplainArgs {
    #[command(subcommand)]
    pub(crate) job: ExplainJob,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExplainJob {
    /// Show what `voxstore tsnr` would do
    Tsnr(ExplainOf<TsnrWhat>),
    /// Show what `voxstore reduce` would do
    Reduce(ExplainOf<ReduceWhat>),
}

#[derive(Args, Debug)]
pub(crate) struct ExplainOf<Job: Args> {
    #[command(flatten)]
    pub(crate) what: Job,
    #[command(flatten)]
    pub(crate) how: ExplainHow,
}

/// What the plan is shown as, and where.
#[derive(Args, Debug)]
pub(crate) struct ExplainHow {
    /// What the plan is shown as [default: the ending of FILE, or text]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: Option<FormatArg>,
    /// Where the plan goes instead of the terminal; a name that ends in .nii, .nii.gz or .tsv is that of
    /// the command's result and left alone, as is the folder of --shard
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For reading in a terminal
    Text,
    /// For programs
    Json,
    /// For graphviz
    Dot,
    /// A picture, for browsers and papers
    Svg,
}
