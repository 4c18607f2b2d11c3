//! `voxstore man`

use std::fs;
use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::builder::Resettable;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::args::{Cli, ManArgs};
use crate::exit::{Done, Misuse};
use crate::{output, render};

/// What every page's name begins with.
const PROGRAM: &str = "voxstore";
/// User commands.
const SECTION: &str = "1";

pub(crate) fn run(args: &ManArgs) -> Result<Done> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands = with_subcommands(&program);
    if let Some(folder) = &args.output {
        let paths: Vec<_> = commands.iter().map(|c| folder.join(file_name(c))).collect();
        output::refuse_existing(paths.iter().map(AsRef::as_ref), args.force)?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for (command, path) in commands.iter().zip(&paths) {
            output::write_text(path, &page(command)?, args.force)?;
        }
        render::say(&format!("{} pages are in {}", paths.len(), folder.display()));
        return Ok(Done::All);
    }
    let wanted = args.command.as_ref().map_or(PROGRAM.to_owned(), |c| format!("{PROGRAM}-{c}"));
    let Some(command) = commands.iter().find(|command| name(command) == wanted) else {
        let short = |command| name(command).strip_prefix("voxstore-");
        let known: Vec<&str> = commands.iter().copied().filter_map(short).collect();
        return Err(Misuse(format!("no page {wanted}; there are {}", known.join(", "))).into());
    };
    io::stdout().lock().write_all(page(command)?.as_bytes())?;
    Ok(Done::All)
}

/// The command, and all below it.
fn with_subcommands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(with_subcommands);
    std::iter::once(command).chain(below).collect()
}

/// `voxstore-explain-tsnr`
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn file_name(command: &Command) -> String {
    format!("{}.{SECTION}", name(command))
}

fn page(command: &Command) -> Result<String> {
    // Its examples would stand under EXTRA, their lines run together.
    let without_examples = command.clone().after_help(Resettable::Reset);
    let man = Man::new(without_examples)
        .section(SECTION)
        .source(concat!("voxstore ", env!("CARGO_PKG_VERSION")))
        .manual("Voxstore Manual");
    let mut page = Vec::new();
    man.render(&mut page)?;
    if let Some(examples) = command.get_after_help() {
        page.extend(examples_section(&examples.to_string()).as_bytes());
    }
    Ok(String::from_utf8(page)?)
}

/// Examples line by line, as they are typed.
fn examples_section(text: &str) -> String {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in text.lines().filter(|line| *line != "Examples:") {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
    roff.to_roff()
}
