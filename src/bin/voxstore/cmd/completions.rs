//! `voxstore completions`

use std::io::Write as _;

use anyhow::Result;
use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::exit::Done;

pub(crate) fn run(args: &CompletionsArgs) -> Result<Done> {
    // Made in memory first: the generator panics where its writer fails, as a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "voxstore", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(Done::All)
}
