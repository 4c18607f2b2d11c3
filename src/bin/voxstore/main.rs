//! The `voxstore` program: parse, run, exit.

mod args;
mod bar;
mod cmd;
mod exit;
mod inputs;
mod output;
mod render;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let outcome = match &cli.command {
        Command::Ingest(args) => cmd::ingest::run(args),
        Command::Info(args) => cmd::info::run(args),
        Command::Tsnr(args) => cmd::tsnr::run(args),
        Command::Reduce(args) => cmd::reduce::run(args),
        Command::Explain(args) => cmd::explain::run(args),
        Command::Export(args) => cmd::export::run(args),
    };
    exit::code(outcome)
}
