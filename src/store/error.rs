//! What can go wrong with a store, and what would help?
//!
//! [`StoreError`] is what opening and writing say: damage, user mistakes and things that are not
//! supported are different variants, each with the path or run, what was expected and what was found.
//! [`ChunkFault`] is the reason inside the [`SourceError`] of a read, which names array, chunk and file.
//! Prints nothing and decides no exit code.

use std::io;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use crate::runtime::{BudgetError, Session, SessionError, remedy};
use crate::source::SourceError;

/// A store or an array could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system said no.
    #[error("cannot {action} {}: {source}{}", .path.display(), remedy(.source))]
    Io {
        /// What was tried: `read`, `create`, `rename`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was to be replaced was moved aside and could not be put back.
    #[error("cannot put what is new at {}: {source}; what was there is whole and lies at {}: rename it \
        back, or ingest again, which puts it back", .place.display(), .aside.display())]
    Aside {
        /// The place, which is empty now.
        place: PathBuf,
        /// Where that lies which was there.
        aside: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It has its name and is whole, and the disk would not say that the name will last.
    #[error("{} is whole and in place, but may be gone after a power cut: its folder cannot be \
        synced: {source}; look after the disk, then write it again", .place.display())]
    NotSynced {
        /// The place.
        place: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path holds something else, or nothing.
    #[error("{} is not a voxstore store: {found}; {help}", .path.display())]
    NotAStore {
        /// The path given.
        path: PathBuf,
        /// What is there instead.
        found: String,
        /// The next step.
        help: &'static str,
    },
    /// The path holds no array of ours.
    #[error("{} is not an array that voxstore wrote: {found}; {help}", .path.display())]
    NotAnArray {
        /// The path given.
        path: PathBuf,
        /// What is there instead.
        found: String,
        /// The next step.
        help: &'static str,
    },
    /// The path of an array to write is taken.
    #[error("{} exists already and is {found}; {help}. Nothing was written", .path.display())]
    Occupied {
        /// The path given.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// The next step.
        help: &'static str,
    },
    /// Written by a later version of voxstore.
    #[error("{}: schema {found:?} is newer than {supported:?}, the newest this voxstore reads; \
        update voxstore", .path.display())]
    NewerSchema {
        /// The metadata file.
        path: PathBuf,
        /// The schema it names.
        found: String,
        /// The newest that is understood.
        supported: &'static str,
    },
    /// A run whose ingest never finished.
    #[error("{}: status is {found:?}, not \"complete\"; ingest the run again", .path.display())]
    Incomplete {
        /// The metadata file.
        path: PathBuf,
        /// Its status.
        found: String,
    },
    /// A metadata file that contradicts itself, another file, or what voxstore writes.
    #[error("{}: {field}: expected {expected}, found {found}; the store is damaged or was edited, \
        ingest the run (or write the array) again", .path.display())]
    Metadata {
        /// The metadata file.
        path: PathBuf,
        /// The field.
        field: String,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// No run has this name.
    #[error("{} has no run {name:?}; it has {}", .store.display(), list(.runs))]
    NoSuchRun {
        /// The store.
        store: PathBuf,
        /// What was asked for.
        name: String,
        /// The runs there are.
        runs: Vec<String>,
    },
    /// More than one run ends in this name.
    #[error("{name:?} names more than one run: {}; give the whole path", list(.matches))]
    AmbiguousRun {
        /// What was asked for.
        name: String,
        /// The runs it could be.
        matches: Vec<String>,
    },
    /// Not a pattern.
    #[error("{glob:?} is not a pattern: {reason}; patterns use *, ?, [a-z] and {{a,b}}")]
    BadGlob {
        /// The text given.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern that no run matches.
    #[error("no run of {} matches {glob:?}; it has {}", .store.display(), list(.runs))]
    NoMatch {
        /// The store.
        store: PathBuf,
        /// The pattern.
        glob: String,
        /// The runs there are.
        runs: Vec<String>,
    },
    /// A run that cannot be stored.
    #[error("{run}: {field}: expected {expected}, found {found}")]
    Unsupported {
        /// The run.
        run: String,
        /// What about it.
        field: &'static str,
        /// What can be stored.
        expected: String,
        /// What it has.
        found: String,
    },
    /// Two sources would become the same run.
    #[error(
        "{first} and {second} would both become {target}; rename one, or ingest them into \
        different stores. Nothing was written"
    )]
    Clash {
        /// The path in the store.
        target: String,
        /// One source.
        first: String,
        /// The other.
        second: String,
    },
    /// The store has a run of this name from another source.
    #[error(
        "{target} is in the store already, from a different source ({difference}); to replace \
        it with {run} use --force. Nothing of it was written"
    )]
    Exists {
        /// The path in the store.
        target: String,
        /// The run that would take its place.
        run: String,
        /// What tells them apart.
        difference: String,
    },
    /// The disk is too full.
    #[error("{} has {} free and up to {} may be needed; free some space or choose another disk. \
        Nothing was written", .path.display(), ByteSize(*.free_bytes), ByteSize(*.needed_bytes))]
    NoSpace {
        /// A folder on the disk.
        path: PathBuf,
        /// Size of the voxels before compression.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// Staging lies beside the store, and a run cannot be renamed from there.
    #[error(
        "{} is a file system of its own, or a mount, and runs are made beside the store and renamed into it; \
        choose a folder in it, such as {}. Nothing was written", .path.display(),
        .path.join("study.zarr").display()
    )]
    OtherMount {
        /// The store, or a folder in it.
        path: PathBuf,
    },
    /// Another ingest put a new run in the place of this one.
    #[error("{run} was replaced while it was read; open it again")]
    Replaced {
        /// The run's path in the store.
        run: String,
    },
    /// The budget cannot hold one run's slab and its encoder.
    #[error("{run} needs {} of memory ({}) but the budget is {}; give --memory {}MiB or \
        shorter chunks along t", ByteSize(*.needed_bytes), .parts, ByteSize(*.budget_bytes),
        .needed_bytes.div_ceil(1 << 20))]
    Memory {
        /// The run that needs most.
        run: String,
        /// The smallest session memory that works.
        needed_bytes: u64,
        /// The session's memory.
        budget_bytes: u64,
        /// What it is made of.
        parts: String,
    },
    /// The source could not deliver its voxels.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A chunk could not be encoded.
    #[error("{run}: chunk {chunk} cannot be encoded: {reason}")]
    Encode {
        /// The run.
        run: String,
        /// The chunk's key.
        chunk: String,
        /// What the codec said.
        reason: String,
    },
    /// A strict ingest met a bad source.
    #[error("nothing was written, because --strict was asked for and {} of {total} runs failed; \
        first {}: {}", .failed.len(), .failed[0].0, .failed[0].1)]
    Strict {
        /// The sources that failed, with the reason; never empty.
        failed: Vec<(String, StoreError)>,
        /// How many were to be ingested.
        total: usize,
    },
    /// Stopped by the session's cancel token.
    #[error("cancelled; runs that were complete are in the store, of the others nothing is left")]
    Cancelled,
    /// Memory counting failed.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// Threads could not be started.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl StoreError {
    /// An [`Io`](Self::Io) error, as a function for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn metadata(
        path: &Path,
        field: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Metadata {
            path: path.to_owned(),
            field: field.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// An error where the session was cancelled.
pub(crate) fn stop_if_cancelled(session: &Session) -> Result<(), StoreError> {
    if session.cancel_token().is_cancelled() { Err(StoreError::Cancelled) } else { Ok(()) }
}

/// Why a chunk file gives no numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkFault {
    #[error("the chunk is missing; the store is damaged, {remedy}")]
    Missing { remedy: &'static str },
    #[error("the file has {found} bytes, expected {expected}; it is torn or damaged")]
    Size { found: u64, expected: String },
    #[error("the compressed frame says {field} is {found}, expected {expected}; it is damaged")]
    Frame { field: &'static str, found: u64, expected: String },
    #[error("the crc32c checksum does not match; the file is damaged")]
    Checksum,
    #[error(
        "the chunk is whole but belongs elsewhere: its checksum is {found:08x}, expected {expected:08x}; \
        files of the store were moved or put back, {remedy}"
    )]
    Elsewhere { found: u32, expected: u32, remedy: &'static str },
    #[error("cannot decode: {0}")]
    Codec(String),
    #[error("a bool is neither 0 nor 1; the file is damaged")]
    Bool,
}

/// The first few names of a list, for a message.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    if names.is_empty() {
        return "no runs".to_owned();
    }
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
