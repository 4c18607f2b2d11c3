//! `voxstore ingest`

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use voxstore::store::{ChunkLengths, IngestOptions, Outcome, ingest};
use voxstore::{Warning, foreign};

use crate::args::IngestArgs;
use crate::chosen::{self, LeftOut};
use crate::exit::Done;
use crate::inputs::{self, Inputs};
use crate::render;

#[derive(Serialize)]
struct Row {
    source: String,
    run: Option<String>,
    outcome: &'static str,
    chunks: Option<u64>,
    raw_bytes: Option<u64>,
    stored_bytes: Option<u64>,
    seconds: Option<f64>,
    warnings: Vec<String>,
    notes: Vec<String>,
    error: Option<String>,
}

impl Row {
    fn failed(source: String, error: &dyn std::error::Error) -> Self {
        let error = Some(error.to_string());
        Self { error, ..Self::plain(source, None, "failed") }
    }

    fn plain(source: String, run: Option<String>, outcome: &'static str) -> Self {
        Self {
            source,
            run,
            outcome,
            chunks: None,
            raw_bytes: None,
            stored_bytes: None,
            seconds: None,
            warnings: Vec::new(),
            notes: Vec::new(),
            error: None,
        }
    }
}

pub(crate) fn run(args: &IngestArgs) -> Result<Done> {
    let found = inputs::find(&args.inputs, &args.filter.filter()?)?;
    let Inputs::Files { mut paths, left_out, .. } = found else {
        bail!("the input is a store already; ingest takes NIfTI files and folders");
    };
    if let Some(path) = paths.iter().find(|path| foreign::is_foreign(path)) {
        bail!(
            "{} is a store of another tool, whose voxels nothing vouches for; ingest takes NIfTI files, so \
             ingest the file it was made from",
            path.display()
        );
    }
    if let Some(shard) = args.shard {
        let all = paths.len();
        let (first, step) = (shard.index() as usize, shard.count() as usize);
        paths = paths.into_iter().skip(first).step_by(step).collect();
        if paths.is_empty() {
            render::say(&format!("warning: shard {shard} has nothing to do: there are {all} runs"));
            report(args, Vec::new(), &left_out)?;
            return Ok(Done::All);
        }
    }
    let session = args.limits.session(&args.talk)?;
    let (mut runs, mut rows, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (path, opened) in inputs::open_files(&paths, args.reading.options()) {
        match opened {
            Ok(run) => runs.push(run),
            Err(error) if seen.insert(path) => {
                rows.push(Row::failed(path.display().to_string(), &error));
            }
            Err(_) => {}
        }
    }
    let bad = rows.len();
    if bad > 0 && (args.strict || runs.is_empty()) {
        report(args, rows, &left_out)?;
        let rest = if args.strict { "with --strict nothing is written" } else { "nothing to do" };
        bail!("{bad} of {} sources cannot be opened; {rest}", paths.len());
    }
    let options = IngestOptions {
        codec: args.codec.0,
        chunk: args.chunk.map(|(t, z)| ChunkLengths { t, z }),
        force: args.force,
        strict: args.strict,
    };
    let done = ingest(&runs, &args.output, &options, &session)?;
    for outcome in done.runs {
        let target = Some(outcome.target);
        let same = outcome.same_voxels;
        let notes = same.into_iter().map(|other| format!("N93: the same voxels as {other}"));
        let row = match outcome.result {
            Outcome::Skipped => Row::plain(outcome.source, target, "skipped"),
            Outcome::Failed(error) => Row::failed(outcome.source, &error),
            Outcome::Written(written) => Row {
                chunks: Some(written.chunks),
                raw_bytes: Some(written.raw_bytes),
                stored_bytes: Some(written.stored_bytes),
                seconds: Some(written.seconds),
                warnings: written.warnings.iter().map(Warning::to_string).collect(),
                ..Row::plain(outcome.source, target, "written")
            },
        };
        rows.push(Row { notes: notes.collect(), ..row });
    }
    let failed = rows.iter().filter(|row| row.error.is_some()).count();
    let is_all = failed == rows.len();
    report(args, rows, &left_out)?;
    if is_all && failed > 0 {
        bail!("none of the sources could be ingested ({failed})");
    }
    if let Some(error) = done.index_error {
        bail!(
            "the store does not list its runs, though they are in it: {error}; the next ingest mends that"
        );
    }
    Ok(if failed > 0 { Done::Some } else { Done::All })
}

fn report(args: &IngestArgs, mut rows: Vec<Row>, left_out: &[LeftOut]) -> Result<()> {
    if args.talk.json {
        rows.extend(left_out.iter().map(|LeftOut { path, reason }| {
            let row = Row::plain(path.display().to_string(), None, "left out");
            Row { notes: vec![reason.to_string()], ..row }
        }));
        return render::json(&rows);
    }
    chosen::tell_left_out(left_out, &args.talk);
    for row in &rows {
        for warning in &row.warnings {
            if !args.talk.quiet {
                render::say(&format!("warning: {}: {warning}", row.source));
            }
        }
        if let Some(error) = &row.error {
            render::say(&format!("failed: {error}"));
        }
    }
    if args.talk.quiet {
        return Ok(());
    }
    let size = |bytes: Option<u64>| bytes.map_or("-".to_owned(), |b| ByteSize(b).to_string());
    let is_noted = rows.iter().any(|row| !row.notes.is_empty());
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let ratio = row.stored_bytes.zip(row.raw_bytes).filter(|(_, raw)| *raw > 0);
            let mut cells = vec![
                row.run.clone().unwrap_or_else(|| row.source.clone()),
                row.outcome.to_owned(),
                size(row.raw_bytes),
                size(row.stored_bytes),
                ratio.map_or("-".to_owned(), |(s, r)| format!("{:.3}", s as f64 / r as f64)),
                row.seconds.map_or("-".to_owned(), |s| format!("{s:.2} s")),
            ];
            cells.extend(is_noted.then(|| row.notes.join("\n")));
            cells
        })
        .collect();
    let head = ["run", "outcome", "voxels", "stored", "ratio", "time", "note"];
    let columns = if is_noted { head.len() } else { head.len() - 1 };
    render::line(&render::table(&head[..columns], &table))?;
    if rows.iter().any(|row| row.error.is_none()) {
        render::line(&format!("store: {}", args.output.display()))?;
    }
    Ok(())
}
