//! `voxstore verify`

use std::path::PathBuf;

use anyhow::{Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use voxstore::store::{self, StoreError, Verified};

use crate::args::VerifyArgs;
use crate::exit::Done;
use crate::render;

#[derive(Serialize)]
struct Row {
    run: String,
    chunks: Option<u64>,
    read_bytes: Option<u64>,
    /// Why the run cannot be opened.
    error: Option<String>,
    damage: Vec<DamageRow>,
}

#[derive(Serialize)]
struct DamageRow {
    chunk: Option<String>,
    file: PathBuf,
    first_volume: u64,
    end_volume: u64,
    reason: String,
}

impl Row {
    fn of(found: Verified) -> Self {
        let damage = found.damage.into_iter().map(|damage| DamageRow {
            chunk: damage.chunk,
            file: damage.file,
            first_volume: damage.volumes.start,
            end_volume: damage.volumes.end,
            reason: damage.reason,
        });
        Self {
            run: found.run,
            chunks: Some(found.chunks),
            read_bytes: Some(found.read_bytes),
            error: None,
            damage: damage.collect(),
        }
    }

    fn is_well(&self) -> bool {
        self.error.is_none() && self.damage.is_empty()
    }
}

pub(crate) fn run(args: &VerifyArgs) -> Result<Done> {
    let store = store::open(&args.store)?;
    let names = store.select(&args.runs.globs)?;
    if names.is_empty() {
        bail!("{} holds no runs", args.store.display());
    }
    let session = args.limits.session(&args.talk)?;
    let mut rows = Vec::new();
    for name in names {
        rows.push(match store.verify(&name, args.deep, &session) {
            Ok(found) => Row::of(found),
            Err(
                error @ (StoreError::Cancelled
                | StoreError::Budget(_)
                | StoreError::Session(_)
                | StoreError::Replaced { .. }),
            ) => {
                return Err(error.into());
            }
            // One run that cannot be opened does not keep the others from being looked at.
            Err(error) => Row {
                run: name,
                chunks: None,
                read_bytes: None,
                error: Some(error.to_string()),
                damage: Vec::new(),
            },
        });
    }
    let damaged = rows.iter().filter(|row| !row.is_well()).count();
    if args.talk.json {
        render::json(&rows)?;
    } else {
        tell(&rows, args.talk.quiet)?;
    }
    Ok(if damaged > 0 { Done::Damaged } else { Done::All })
}

/// A line a damaged chunk, and a table of all runs.
fn tell(rows: &[Row], quiet: bool) -> Result<()> {
    for row in rows {
        if let Some(error) = &row.error {
            render::say(&format!("damaged: {}: {error}", row.run));
        }
        for damage in &row.damage {
            let chunk = damage.chunk.as_ref().map_or(String::new(), |c| format!("chunk {c}, "));
            render::say(&format!(
                "damaged: {}: {chunk}volumes {} to {} ({}): {}",
                row.run,
                damage.first_volume,
                damage.end_volume - 1,
                damage.file.display(),
                damage.reason
            ));
        }
    }
    if quiet {
        return Ok(());
    }
    let number = |n: Option<u64>| n.map_or("-".to_owned(), |n| n.to_string());
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let state = match (&row.error, row.damage.len()) {
                (Some(_), _) => "cannot be opened".to_owned(),
                (None, 0) => "ok".to_owned(),
                (None, n) => format!("{n} damaged"),
            };
            let read = row.read_bytes.map_or("-".to_owned(), |b| ByteSize(b).to_string());
            vec![row.run.clone(), number(row.chunks), read, state]
        })
        .collect();
    render::line(&render::table(&["run", "chunks", "read", "state"], &table))
}
