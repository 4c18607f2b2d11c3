//! What `--shard` does in place of the whole job: one part, in a folder of parts.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use voxstore::jobs::MemoryRecord;
use voxstore::shard::{Part, PartOptions, Shard};
use voxstore::{Session, peak_memory_bytes};

use crate::args::{LimitArgs, TalkArgs};
use crate::exit::Done;
use crate::{render, typed};

/// Where parts go, and within which limits they are made.
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) force: bool,
    pub(super) limits: &'a LimitArgs,
    pub(super) talk: &'a TalkArgs,
}

#[derive(Serialize)]
struct Answer<'a> {
    part: &'a Path,
    shard: String,
    was_there: bool,
    units: u64,
    total_units: u64,
    runs: usize,
    warnings: &'a [String],
    memory: MemoryRecord,
}

/// Makes a part within the limits, and tells of it.
pub(super) fn run(
    args: &Place<'_>,
    shard: Shard,
    make: impl FnOnce(&PartOptions, &Session) -> Result<Part>,
) -> Result<Done> {
    // Sums wait where the part will be: there is room for it.
    std::fs::create_dir_all(args.folder)
        .with_context(|| format!("{}: cannot be made", args.folder.display()))?;
    let session = args.limits.builder(args.talk)?.scratch(args.folder).build()?;
    let how = PartOptions { force: args.force, typed: typed::now() };
    let part = make(&how, &session)?;
    let measured = peak_memory_bytes();
    if args.talk.json {
        render::json(&Answer {
            part: &part.path,
            shard: shard.to_string(),
            was_there: part.was_there,
            units: part.units,
            total_units: part.total_units,
            runs: part.runs,
            warnings: &part.warnings,
            memory: MemoryRecord::new(session.memory_bytes(), &part.report, measured),
        })?;
    } else if !args.talk.quiet {
        tell(&part, shard, measured, session.memory_bytes())?;
    }
    Ok(Done::All)
}

fn tell(part: &Part, shard: Shard, measured: Option<u64>, budget_bytes: u64) -> Result<()> {
    let (units, total) = (part.units, part.total_units);
    render::line(&format!("shard {shard}: {units} of {total} units, of {} run(s)", part.runs))?;
    if units == 0 {
        render::say(&format!(
            "warning: shard {shard} has nothing to do: there are {total} unit(s) (a .nii.gz is one, and those that a median \
             joins are one together, so ingest them; a run of a store or a .nii is cut between its blocks)"
        ));
    }
    for warning in &part.warnings {
        render::say(&format!("warning: {warning}"));
    }
    if part.was_there || units == 0 {
        let there = if part.was_there { " (was there already)" } else { "" };
        return render::line(&format!("part:   {}{there}", part.path.display()));
    }
    render::memory(budget_bytes, &part.report, measured)?;
    render::line(&format!("part:   {}", part.path.display()))
}
