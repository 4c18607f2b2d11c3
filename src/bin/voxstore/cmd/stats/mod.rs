//! `voxstore stats`

mod names;
mod record;
mod table;

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use voxstore::jobs::{MemoryRecord, Regions, regions};
use voxstore::peak_memory_bytes;

use self::names::Names;
use self::record::Record;
use self::table::Row;
use crate::args::StatsArgs;
use crate::exit::Done;
use crate::{inputs, output, render};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a Path>,
    regions: &'a [Row<'a>],
    record: &'a Record,
}

pub(crate) fn run(args: &StatsArgs) -> Result<Done> {
    let outputs = args.output.as_deref().map(with_sidecar).transpose()?;
    if let Some((table, sidecar)) = &outputs {
        output::require_folder(table)?;
        output::refuse_existing([*table, sidecar.as_path()], args.force)?;
    }
    let options = args.reading.options();
    let session = args.limits.session(&args.talk)?;
    let names = args.labels.as_deref().map(Names::read).transpose()?.unwrap_or_default();
    let map = inputs::open_one(&args.map, options)?;
    let atlas = inputs::open_one(&args.atlas, options)?;
    let Regions { rows, mut warnings, report, .. } = regions(&map, &atlas, &session)?;
    warnings.extend(names.warning(&rows));
    let rows: Vec<Row<'_>> = rows.iter().map(|row| Row::of(row, &names)).collect();
    let memory = MemoryRecord::new(session.memory_bytes(), &report, peak_memory_bytes());
    let record = Record::new(&map, &atlas, args.labels.as_deref(), warnings, memory);

    if let Some((table, sidecar)) = &outputs {
        output::write_text(table, &table::tsv(&rows), args.force)?;
        output::write_json(sidecar, &record, args.force)?;
    }
    if args.talk.json {
        let table = outputs.as_ref().map(|(table, _)| *table);
        render::json(&Answer { table, regions: &rows, record: &record })?;
    } else if !args.talk.quiet {
        render::line(&table::text(&rows))?;
        for warning in record.warnings() {
            render::say(&format!("warning: {warning}"));
        }
        render::memory(session.memory_bytes(), &report, peak_memory_bytes())?;
        if let Some((table, sidecar)) = &outputs {
            render::line(&format!("table:  {}", table.display()))?;
            render::line(&format!("record: {}", sidecar.display()))?;
        }
    } else if outputs.is_none() {
        render::line(table::tsv(&rows).trim_end())?;
    }
    Ok(Done::All)
}

fn with_sidecar(table: &Path) -> Result<(&Path, std::path::PathBuf)> {
    let Some(sidecar) = output::sidecar_of(table, &[".tsv"]) else {
        bail!("{}: a table by region is written as NAME.tsv", table.display());
    };
    Ok((table, sidecar))
}
