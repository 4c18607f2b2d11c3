//! Stored runs beside the files they came from.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;
use voxstore::store::{Store, StoreError, path_of};
use voxstore::{Against, Run, Session};

use crate::args::VerifyArgs;
use crate::exit::Misuse;
use crate::inputs::{self, Inputs};
use crate::render;

/// What became of a source.
#[derive(Serialize)]
pub(super) struct Compared {
    source: PathBuf,
    run: Option<String>,
    same: Option<bool>,
    /// Why it could not be compared.
    error: Option<String>,
    voxels: Option<u64>,
    differing: Option<u64>,
    volumes: Vec<[u64; 2]>,
    first: Option<First>,
    header: Option<Header>,
    /// Another difference: shape, type, or that no such run is in the store.
    kind: Option<String>,
}

#[derive(Serialize)]
struct First {
    at: [u64; 4],
    stored: String,
    source: String,
    stored_scaled: Option<f64>,
    source_scaled: Option<f64>,
}

#[derive(Serialize)]
struct Header {
    byte: usize,
    field: &'static str,
    stored: Option<u8>,
    source: Option<u8>,
}

/// Compares the sources that were asked for with their runs, one after the other.
pub(super) fn all(
    args: &VerifyArgs,
    store: &Store,
    chosen: &[String],
    session: &Session,
) -> Result<Vec<Compared>> {
    if args.against.is_empty() {
        return Ok(Vec::new());
    }
    let Inputs::Files { paths, .. } = inputs::find(&args.against, &args.runs.filter.filter()?)?
    else {
        bail!("--against takes NIfTI files and folders, not a store");
    };
    // Whatever the file is called.
    let by_name = match (args.runs.globs.is_empty(), chosen, &paths[..]) {
        (true, ..) => None,
        (false, [run], [_]) => Some(run),
        (false, runs, paths) => {
            return Err(Misuse(format!(
                "--run with --against compares one run with one file; here are {} runs and {} files",
                runs.len(),
                paths.len()
            ))
            .into());
        }
    };
    let mut done = Vec::new();
    for (path, opened) in inputs::open_files(&paths, args.reading.options()) {
        done.push(match opened {
            Ok(source) => {
                let target = by_name.cloned().unwrap_or_else(|| path_of(&source));
                one(path, &source, target, store, session)?
            }
            Err(error) => Compared { error: Some(error.to_string()), ..Compared::new(path, None) },
        });
    }
    Ok(done)
}

fn one(
    path: &Path,
    source: &Run,
    target: String,
    store: &Store,
    session: &Session,
) -> Result<Compared> {
    let compared = Compared::new(path, Some(target.clone()));
    if !store.runs().contains(&target) {
        let kind = Some("the store has no such run".to_owned());
        return Ok(Compared { same: Some(false), kind, ..compared });
    }
    Ok(match store.verify_against(&target, source, session) {
        Ok(found) => compared.with(found),
        Err(error @ (StoreError::Cancelled | StoreError::Budget(_))) => return Err(error.into()),
        Err(error) => Compared { error: Some(error.to_string()), ..compared },
    })
}

impl Compared {
    fn new(source: &Path, run: Option<String>) -> Self {
        Self {
            source: source.to_owned(),
            run,
            same: None,
            error: None,
            voxels: None,
            differing: None,
            volumes: Vec::new(),
            first: None,
            header: None,
            kind: None,
        }
    }

    fn with(self, found: Against) -> Self {
        Self {
            same: Some(found.is_same()),
            voxels: Some(found.voxels),
            differing: found.kind.is_none().then_some(found.differing),
            volumes: found.volumes.iter().map(|range| [range.start, range.end]).collect(),
            first: found.first.map(|first| First {
                at: first.at,
                stored: first.stored,
                source: first.source,
                stored_scaled: first.scaled.map(|scaled| scaled.0),
                source_scaled: first.scaled.map(|scaled| scaled.1),
            }),
            header: found.header.map(|header| Header {
                byte: header.byte,
                field: header.field,
                stored: header.stored,
                source: header.source,
            }),
            kind: found.kind,
            ..self
        }
    }

    pub(super) fn differs(&self) -> bool {
        self.same == Some(false)
    }

    pub(super) fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// A line for each thing that is not the same.
    pub(super) fn tell(&self) {
        let run = self.run.as_deref().unwrap_or("-");
        let source = self.source.display();
        if let Some(error) = &self.error {
            // It names the file, or the run and its chunk.
            render::say(&format!("not compared: {error}"));
        }
        let differs = |what: String| render::say(&format!("differs: {run} and {source}: {what}"));
        if let Some(kind) = &self.kind {
            differs(kind.clone());
        }
        if let Some(Header { byte, field, stored, source }) = &self.header {
            let shown = |byte: &Option<u8>| byte.map_or("none".to_owned(), |b| format!("{b:#04x}"));
            differs(format!(
                "byte {byte} of the header ({field}) is {} in the store, {} in the source",
                shown(stored),
                shown(source)
            ));
        }
        if let (Some(first), Some(differing)) = (&self.first, self.differing) {
            let scaled = first.stored_scaled.zip(first.source_scaled);
            let scaled = scaled.map_or(String::new(), |(stored, source)| {
                format!(" (scaled: {stored:?} and {source:?})")
            });
            let [x, y, z, t] = first.at;
            differs(format!(
                "{differing} of {} voxels, in volumes {}; the first at x {x}, y {y}, z {z}, t {t}: {} \
                 in the store, {} in the source{scaled}",
                self.voxels.unwrap_or_default(),
                ranges(&self.volumes),
                first.stored,
                first.source,
            ));
        }
    }

    /// Source, run and outcome, for a table.
    pub(super) fn cells(&self) -> Vec<String> {
        let state = match (&self.error, self.same, self.differing) {
            (Some(_), ..) => "not compared".to_owned(),
            (None, Some(true), _) => "the same".to_owned(),
            (None, _, Some(n)) if n > 0 => format!("{n} voxels differ"),
            _ => "differs".to_owned(),
        };
        let run = self.run.clone().unwrap_or_else(|| "-".to_owned());
        vec![self.source.display().to_string(), run, state]
    }
}

/// `0 to 3, 7, ...`
fn ranges(volumes: &[[u64; 2]]) -> String {
    const SHOWN: usize = 6;
    let text = |&[start, end]: &[u64; 2]| match end - start {
        1 => start.to_string(),
        _ => format!("{start} to {}", end - 1),
    };
    let shown: Vec<String> = volumes.iter().take(SHOWN).map(text).collect();
    let more = if volumes.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
