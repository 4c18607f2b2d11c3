//! What was typed, so that it can be typed again: for another shard, or to merge what it made.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Parser as _;
use voxstore::shard::Typed;

use crate::args::{Cli, Command};

/// The command line of this process; `None` where it is no text.
pub(crate) fn now() -> Option<Typed> {
    let words = std::env::args_os().map(|word| word.into_string().ok());
    let arguments = words.collect::<Option<Vec<String>>>()?;
    let folder = std::env::current_dir().ok()?.into_os_string().into_string().ok()?;
    Some(Typed { arguments, folder })
}

/// What was asked for; from here on, relative paths start where they started then, so that runs have the names they
/// had.
pub(crate) fn again(typed: &Typed) -> Result<Command> {
    let Ok(cli) = Cli::try_parse_from(&typed.arguments) else {
        bail!(
            "the parts were made by a command that this voxstore does not know: {}; merge with the version that made them",
            typed.arguments.join(" ")
        );
    };
    // A folder that is gone, such as a node's scratch, is needed by relative paths only; these are then not found, or found
    // to be other files.
    drop(std::env::set_current_dir(Path::new(&typed.folder)));
    Ok(cli.command)
}
