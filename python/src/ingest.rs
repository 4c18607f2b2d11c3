//! How do files get into a store?

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use voxstore::nifti::{self, NiftiError};
use voxstore::store::{self, ChunkLengths, Codec, IngestOptions, Outcome, RunOutcome};

use crate::errors::{in_python, raised};
use crate::open::Run;
use crate::work::Limits;

/// A file to open, or a run that is open.
#[derive(FromPyObject)]
pub(crate) enum Input {
    Run(Py<Run>),
    Path(PathBuf),
}

/// What became of one source.
#[derive(IntoPyObject)]
pub(crate) struct Row {
    source: String,
    /// Its path in the store.
    run: Option<String>,
    /// `written`, `skipped` or `failed`.
    outcome: &'static str,
    error: Option<String>,
    /// Of its voxels, before compression and after, where it was written.
    raw_bytes: Option<u64>,
    stored_bytes: Option<u64>,
    warnings: Vec<String>,
}

impl Row {
    fn plain(source: String, run: Option<String>, outcome: &'static str) -> Self {
        let (error, raw_bytes, stored_bytes) = (None, None, None);
        Self { source, run, outcome, error, raw_bytes, stored_bytes, warnings: Vec::new() }
    }

    fn failed(source: String, run: Option<String>, error: &impl ToString) -> Self {
        let error = Some(in_python(&error.to_string()));
        Self { error, ..Self::plain(source, run, "failed") }
    }

    fn of(done: RunOutcome) -> Self {
        let (source, run) = (done.source, Some(done.target));
        match done.result {
            Outcome::Skipped => Self::plain(source, run, "skipped"),
            Outcome::Failed(error) => Self::failed(source, run, &error),
            Outcome::Written(written) => Self {
                raw_bytes: Some(written.raw_bytes),
                stored_bytes: Some(written.stored_bytes),
                warnings: written.warnings.iter().map(ToString::to_string).collect(),
                ..Self::plain(source, run, "written")
            },
        }
    }
}

/// Puts runs into a store; what becomes of each.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "keywords in Python")]
pub(crate) fn ingest(
    py: Python<'_>,
    inputs: Vec<Input>,
    path: PathBuf,
    codec: &str,
    chunk: Option<(u64, u64)>,
    force: bool,
    strict: bool,
    limits: Limits,
) -> PyResult<Vec<Row>> {
    let chunk = match chunk {
        Some((0, _) | (_, 0)) => {
            return Err(PyValueError::new_err("chunk: lengths are at least 1"));
        }
        chunk => chunk.map(|(t, z)| ChunkLengths { t, z }),
    };
    let options = IngestOptions { codec: codec_of(codec)?, chunk, force, strict };
    let (mut runs, mut unopened) = (Vec::new(), Vec::new());
    for (index, input) in inputs.iter().enumerate() {
        let opened = match input {
            Input::Run(run) => Ok(run.get().0.clone()),
            Input::Path(path) => py.detach(|| nifti::open(path)),
        };
        match (opened, input) {
            (Ok(run), _) => runs.push(run),
            // A name with nothing behind it is a mistake, not a bad file among good ones.
            (Err(error), Input::Path(path)) if !strict && !is_absent(&error) => {
                unopened.push((index, Row::failed(path.display().to_string(), None, &error)));
            }
            (Err(error), _) => return Err(raised(py, error.into())),
        }
    }
    let mut rows = Vec::new();
    if !runs.is_empty() {
        let done = limits.run(py, |session| Ok(store::ingest(&runs, &path, &options, session)?))?;
        if let Some(error) = done.index_error {
            return Err(raised(py, error.into()));
        }
        rows.extend(done.runs.into_iter().map(Row::of));
    }
    // In the order they were given.
    for (index, row) in unopened {
        rows.insert(index, row);
    }
    Ok(rows)
}

fn is_absent(error: &NiftiError) -> bool {
    matches!(error, NiftiError::NotFound { .. })
}

/// The codec of this name; `None` for `auto`.
fn codec_of(name: &str) -> PyResult<Option<Codec>> {
    let found = Codec::from_name(name);
    if found.is_none() && name != "auto" {
        let names = Codec::ALL.map(Codec::name).join(", ");
        return Err(PyValueError::new_err(format!("codec is {name:?}; expected auto, {names}")));
    }
    Ok(found)
}
