//! What can be typed: a file for each command, and `limits` for what several take.

mod bids;
mod diff;
mod explain;
mod export;
mod info;
mod ingest;
mod limits;
mod merge;
mod pages;
mod qc;
mod reduce;
mod report;
mod stats;
mod tsnr;
mod verify;

pub(crate) use bids::{BidsArgs, Level};
pub(crate) use diff::DiffArgs;
pub(crate) use explain::{ExplainArgs, ExplainHow, ExplainJob, FormatArg};
pub(crate) use export::ExportArgs;
pub(crate) use info::{FieldArg, InfoArgs};
pub(crate) use ingest::IngestArgs;
pub(crate) use limits::{FilterArgs, LimitArgs, ReadingArgs, RunArgs, TalkArgs};
pub(crate) use merge::MergeArgs;
pub(crate) use pages::{CompletionsArgs, ManArgs};
pub(crate) use qc::QcArgs;
pub(crate) use reduce::{AxisArg, MethodArg, OpArg, ReduceArgs, ReduceWhat};
pub(crate) use report::ReportArgs;
pub(crate) use stats::StatsArgs;
pub(crate) use tsnr::{AcrossArg, ConstantArg, LikeArg, NonFiniteArg, TsnrArgs, TsnrWhat};
pub(crate) use verify::VerifyArgs;

use clap::{Parser, Subcommand};

/// Out-of-core store and statistics for fMRI runs, under a memory budget that holds.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ingest(IngestArgs),
    Info(InfoArgs),
    Tsnr(TsnrArgs),
    Qc(QcArgs),
    Report(ReportArgs),
    Reduce(ReduceArgs),
    Merge(MergeArgs),
    Stats(StatsArgs),
    Explain(ExplainArgs),
    Export(ExportArgs),
    Verify(VerifyArgs),
    Diff(DiffArgs),
    Bids(BidsArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}
