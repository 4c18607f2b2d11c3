//! `voxstore verify`

mod against;

use std::path::PathBuf;

use anyhow::{Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use voxstore::store::{self, Damage, StoreError, Verified};

use self::against::Compared;
use crate::args::VerifyArgs;
use crate::exit::Done;
use crate::{chosen, render};

/// With `--against`.
#[derive(Serialize)]
struct Answer<'a> {
    runs: &'a [Row],
    against: &'a [Compared],
}

/// What the row about the root's metadata is called.
const INDEX: &str = "(index)";

#[derive(Serialize)]
struct Row {
    run: String,
    chunks: Option<u64>,
    read_bytes: Option<u64>,
    /// Why the run cannot be opened.
    error: Option<String>,
    damage: Vec<DamageRow>,
    /// Whether the root does not tell of the run yet.
    unlisted: bool,
}

#[derive(Serialize)]
struct DamageRow {
    chunk: Option<String>,
    field: Option<String>,
    file: PathBuf,
    first_volume: u64,
    end_volume: u64,
    reason: String,
}

impl From<Damage> for DamageRow {
    fn from(damage: Damage) -> Self {
        Self {
            chunk: damage.chunk,
            field: damage.field,
            file: damage.file,
            first_volume: damage.volumes.start,
            end_volume: damage.volumes.end,
            reason: damage.reason,
        }
    }
}

impl DamageRow {
    /// `chunk c.1.0.0.0, volumes 2 to 3 (FILE): REASON`
    fn tell(&self, run: &str) {
        let volumes = (self.first_volume < self.end_volume)
            .then(|| format!("volumes {} to {}", self.first_volume, self.end_volume - 1));
        let chunk = self.chunk.as_ref().map(|chunk| format!("chunk {chunk}"));
        let place = [chunk, self.field.clone(), volumes].into_iter().flatten();
        let place = place.collect::<Vec<_>>().join(", ");
        render::say(&format!(
            "damaged: {run}: {place}{}({}): {}",
            if place.is_empty() { "" } else { " " },
            self.file.display(),
            self.reason
        ));
    }
}

impl Row {
    fn of(found: Verified) -> Self {
        Self {
            chunks: Some(found.chunks),
            read_bytes: Some(found.read_bytes),
            damage: found.damage.into_iter().map(DamageRow::from).collect(),
            ..Self::named(found.run)
        }
    }

    fn named(run: String) -> Self {
        let damage = Vec::new();
        Self { run, chunks: None, read_bytes: None, error: None, damage, unlisted: false }
    }

    fn is_well(&self) -> bool {
        self.error.is_none() && self.damage.is_empty()
    }
}

pub(crate) fn run(args: &VerifyArgs) -> Result<Done> {
    let store = store::open(&args.store)?;
    let names = chosen::runs_of(&store, &args.runs)?;
    if names.is_empty() {
        bail!("{} holds no runs", args.store.display());
    }
    let session = args.limits.session(&args.talk)?;
    let mut rows = Vec::new();
    for name in &names {
        rows.push(match store.verify(name, args.deep, &session) {
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
            Err(error) => Row { error: Some(error.to_string()), ..Row::named(name.clone()) },
        });
    }
    let index = store.verify_index(&names)?;
    // In the same order.
    let mut unlisted = index.unlisted.iter().peekable();
    for row in &mut rows {
        row.unlisted = unlisted.next_if(|run| **run == row.run).is_some();
    }
    if !index.damage.is_empty() {
        let damage = index.damage.into_iter().map(DamageRow::from).collect();
        rows.push(Row { damage, ..Row::named(INDEX.to_owned()) });
    }
    let compared = against::all(args, &store, &names, &session)?;
    if !args.talk.json {
        tell(&rows, &compared, args.talk.quiet)?;
    } else if args.against.is_empty() {
        render::json(&rows)?;
    } else {
        render::json(&Answer { runs: &rows, against: &compared })?;
    }
    let damaged = rows.iter().any(|row| !row.is_well()) || compared.iter().any(Compared::differs);
    let failed = compared.iter().any(Compared::failed);
    Ok(match (damaged, failed) {
        (true, _) => Done::Different,
        (false, true) => Done::Some,
        (false, false) => Done::All,
    })
}

/// A line for each thing that is wrong, and tables of all runs and sources.
fn tell(rows: &[Row], compared: &[Compared], quiet: bool) -> Result<()> {
    for row in rows {
        if let Some(error) = &row.error {
            render::say(&format!("damaged: {}: {error}", row.run));
        }
        row.damage.iter().for_each(|damage| damage.tell(&row.run));
    }
    compared.iter().for_each(Compared::tell);
    if quiet {
        return Ok(());
    }
    let mut unlisted = rows.iter().filter(|row| row.unlisted);
    if let Some(first) = unlisted.next() {
        let more = match unlisted.count() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        render::say(&format!(
            "note: not in the list of the store's root yet: {}{more}; an ingest is under way, or was stopped. Other tools \
             go by that list; the next ingest writes it anew",
            first.run
        ));
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
    render::line(&render::table(&["run", "chunks", "read", "state"], &table))?;
    if compared.is_empty() {
        return Ok(());
    }
    let table: Vec<Vec<String>> = compared.iter().map(Compared::cells).collect();
    render::line(&render::table(&["source", "run", "state"], &table))
}
