//! Which subcommand does what? A module each.

mod bids;
mod completions;
mod diff;
mod explain;
mod export;
mod info;
mod ingest;
mod man;
mod merge;
mod part;
mod qc;
mod reduce;
mod report;
mod stats;
mod tsnr;
mod verify;

use anyhow::Result;

use crate::args::Command;
use crate::exit::Done;

/// Does what was typed.
pub(crate) fn run(command: &Command) -> Result<Done> {
    match command {
        Command::Ingest(args) => ingest::run(args),
        Command::Info(args) => info::run(args),
        Command::Tsnr(args) => tsnr::run(args),
        Command::Reduce(args) => reduce::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Stats(args) => stats::run(args),
        Command::Report(args) => report::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Export(args) => export::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Diff(args) => diff::run(args),
        Command::Qc(args) => qc::run(args),
        Command::Bids(args) => bids::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
