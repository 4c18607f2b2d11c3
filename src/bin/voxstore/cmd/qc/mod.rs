//! `voxstore qc`

mod names;
mod table;

use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use voxstore::jobs::{QcOptions, QcRecord, qc};
use voxstore::peak_memory_bytes;

use self::names::Names;
use crate::args::QcArgs;
use crate::chosen;
use crate::exit::Done;
use crate::{inputs, output, render};

#[derive(Serialize)]
struct Answer {
    table: PathBuf,
    record: QcRecord,
}

pub(crate) fn run(args: &QcArgs) -> Result<Done> {
    let chosen = inputs::runs_one_by_one(&args.inputs, &args.runs, args.reading.options())?;
    chosen::tell_left_out(&chosen.left_out, &args.talk);
    let names = Names::of(&chosen.runs, &args.output)?;
    let mask = args.mask.as_ref().map(|path| inputs::open_one(path, args.reading.options()));
    let options = QcOptions { mask: mask.transpose()?, ..QcOptions::default() };
    output::refuse_existing(names.all(), args.force)?;
    names.make_folder()?;
    let session = args.limits.builder(&args.talk)?.scratch(names.folder()).build()?;
    let mut answers = Vec::new();
    let mut rows = Vec::new();
    for (run, (table, sidecar)) in chosen.runs.iter().zip(&names.files) {
        let found = qc(run, &options, &session)?;
        let measured = peak_memory_bytes();
        let record = QcRecord::new(&found, run, &options, session.memory_bytes(), measured);
        output::write_text(table, &table::tsv(&found), args.force)?;
        output::write_json(sidecar, &record, args.force)?;
        if !args.talk.json && !args.talk.quiet {
            for warning in &found.warnings {
                render::say(&format!("warning: {warning}"));
            }
        }
        rows.push(table::summary(&found));
        if chosen.runs.len() == 1 && !args.talk.json && !args.talk.quiet {
            render::line(&render::table(&table::SUMMARY, &rows))?;
            render::memory(session.memory_bytes(), &found.report, measured)?;
        }
        answers.push(Answer { table: table.clone(), record });
    }
    if args.talk.json {
        render::json(&answers)?;
    } else if !args.talk.quiet {
        if chosen.runs.len() > 1 {
            render::line(&render::table(&table::SUMMARY, &rows))?;
        }
        let tables = if answers.len() == 1 { "table: " } else { "tables:" };
        render::line(&format!("{tables} {}", args.output.display()))?;
    }
    Ok(Done::All)
}
