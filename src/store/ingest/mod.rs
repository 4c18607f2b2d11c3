//! How do runs get into a store so that each is whole or not there?
//!
//! [`ingest`] below is the protocol, a module a step. `plan` decides on every run from headers, and
//! `memory`, places and free space are checked, before anything is written. `stage` makes a folder beside the
//! store, with a lock that dies with its process. `schedule` takes the runs, largest first, as many at once as `team`
//! says, which shares their work (`line`): `writer`
//! reads each once, front to back, writes its chunk files and lets the source check itself; `seal`
//! writes the metadata and syncs all of it; one rename under the store's lock (`stage` again) puts it in
//! place. `index` lists what is in place, `twins` tells which of it has the same voxels, and the staging
//! folder goes.
//!
//! What holds, whatever stops an ingest and however many there are:
//!
//! - readers see the runs that were put in place, and no part of the others;
//! - a run that was put in place survives a power cut: it was synced before, the folder around it after;
//! - a source that is damaged, or changes while it is read, becomes an error and no run;
//! - the next ingest tidies up, writes what is missing and repairs the index;
//! - the bytes of a stored run depend on its voxels and the options, never on threads, memory or timing.
//!
//! No voxel is changed or computed. What memory it takes: decision 0004.

mod choose_codec;
mod index;
mod line;
mod memory;
mod plan;
mod schedule;
mod seal;
mod stage;
mod team;
#[cfg(test)]
mod tests;
mod twins;
mod writer;

use std::path::Path;

pub(super) use index::nodes_of;

use super::chunking::ChunkLengths;
use super::codec::Codec;
use super::error::StoreError;
use crate::run::{Run, Warning};
use crate::runtime::Session;

/// How runs are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestOptions {
    /// How chunks are compressed; where it is not said, [`Codec::CANDIDATES`] are tried on a chunk of
    /// each run's first volumes, and the one that makes it smallest is taken.
    pub codec: Option<Codec>,
    /// Chunk lengths, in place of the ones voxstore chooses by shape and type.
    pub chunk: Option<ChunkLengths>,
    /// Replace a run that is in the store from a different source, or with another codec or other
    /// chunks. The old run goes only after the new one is in place.
    pub force: bool,
    /// Write nothing if any source is bad.
    pub strict: bool,
}

/// What became of each run.
#[derive(Debug)]
pub struct IngestReport {
    /// In the order the runs were given.
    pub runs: Vec<RunOutcome>,
    /// Why the root does not list the runs, where it does not. They are in the store all the same, and the
    /// next ingest lists them.
    pub index_error: Option<StoreError>,
}

/// What became of one run.
#[derive(Debug)]
pub struct RunOutcome {
    /// What the source is called.
    pub source: String,
    /// Its group path in the store.
    pub target: String,
    /// What happened.
    pub result: Outcome,
    /// Where it is in the store: group paths of the other runs there that hold the same voxels, by digest,
    /// type and shape, such as one of the same file under another name. A note: nothing is done about
    /// it. Empty where `index_error` says that the store could not be looked through.
    pub same_voxels: Vec<String>,
}

/// How the ingest of one run ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is in the store; with `force`, maybe in the place of another of its name.
    Written(Written),
    /// It was in the store already.
    Skipped,
    /// It is not in the store, and of the attempt nothing is left; but where the reason is
    /// [`StoreError::NotSynced`], it is there and a power cut may take it.
    Failed(StoreError),
}

/// Figures of a run that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Number of chunk files.
    pub chunks: u64,
    /// Size of the voxels before compression.
    pub raw_bytes: u64,
    /// Size of the chunk files.
    pub stored_bytes: u64,
    /// From the first read to the rename.
    pub seconds: f64,
    /// Untidy things about the source, as they stand in the store.
    pub warnings: Vec<Warning>,
}

/// Writes runs into a store, which is made where there is none.
///
/// A run that is in the store already from the same source is skipped: same size, header bytes and
/// modification time, or, where the time differs or the name is not a BIDS name, the same SHA-256. A
/// source that fails while it is read is reported in its outcome, and the others are written.
///
/// # Errors
/// Before anything is written: two runs of one name, a run that is there from another source, too
/// little space or memory, a folder that is no store or may not be written. With `strict`, when any source fails. Later:
/// cancellation.
pub fn ingest(
    runs: &[Run],
    store: impl AsRef<Path>,
    options: &IngestOptions,
    session: &Session,
) -> Result<IngestReport, StoreError> {
    let store = plan::resolve_path(store.as_ref())?;
    stage::tidy(&store)?;
    let mut plans = plan::plan(runs, &store, options)?;
    memory::check(&plans, session)?;
    plan::check_places(&plans, &store)?;
    let unreadable = plan::compare_sources(&mut plans, options, session)?;
    plan::check_space(&plans, &store)?;

    let staging = stage::Staging::open(&store)?;
    let outcomes = schedule::write_all(&plans, unreadable, &staging, options, session);
    // After an error too: runs that were put in place before it are to be listed.
    let indexed = index::rebuild(&store, &staging);
    let mut runs = outcomes?;
    for run in runs.iter_mut().filter(|run| !matches!(run.result, Outcome::Failed(_))) {
        run.same_voxels = indexed.as_ref().map_or(Vec::new(), |twins| twins.of(&run.target));
    }
    Ok(IngestReport { runs, index_error: indexed.err() })
}
