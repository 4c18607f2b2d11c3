//! The `voxstore` program: parse, run, exit.

mod args;
mod bar;
mod chosen;
mod cmd;
mod exit;
mod hint;
mod inputs;
mod output;
mod render;
mod signals;
mod typed;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    exit::code(cmd::run(&cli.command))
}
