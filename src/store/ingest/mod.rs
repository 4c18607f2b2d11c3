//! How do runs get into a store so that each is whole or not there?
//!
//! Everything is planned before anything is written; every run is made in a staging folder beside
//! the store, checked against its source's own checksums, synced, and put in place by one rename;
//! the index comes last. Whatever stops an ingest, readers see the runs that were put in place and
//! no part of the others. The bytes of a stored run depend on its voxels and the options, never on
//! threads, memory or timing.
//!
//! Memory: a lease a run. With one worker a run,
//! `slab + chunk + encode scratch + stream scratch`, where a slab is `tb` volumes; with one run at
//! a time and more threads, `2 slabs + encoders x (chunk + encode scratch) + stream scratch`.

mod index;
mod memory;
mod plan;
mod schedule;
mod seal;
mod stage;
mod writer;

use std::path::Path;

use super::chunking::ChunkLengths;
use super::codec::Codec;
use super::error::StoreError;
use super::layout::METADATA;
use crate::run::{Run, Warning};
use crate::runtime::Session;

/// How runs are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestOptions {
    /// How chunks are compressed.
    pub codec: Codec,
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
}

/// How the ingest of one run ended.
#[derive(Debug)]
pub enum Outcome {
    /// It is in the store.
    Written(Written),
    /// It is in the store, in the place of another of its name.
    Replaced(Written),
    /// It was in the store already.
    Skipped,
    /// It is not in the store; of the attempt nothing is left.
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
/// modification time, or, where only the time differs, the same SHA-256. A source that fails while
/// it is read is reported in its outcome, and the others are written.
///
/// # Errors
/// Before anything is written: two runs of one name, a run that is there from another source, too
/// little space or memory, a folder that is no store. With `strict`, when any source fails. Later:
/// cancellation, or an index that cannot be written.
pub fn ingest(
    runs: &[Run],
    store: impl AsRef<Path>,
    options: &IngestOptions,
    session: &Session,
) -> Result<IngestReport, StoreError> {
    let store = plan::place(store.as_ref())?;
    let mut plans = plan::plan(runs, &store, options)?;
    memory::check(&plans, session)?;
    let unreadable = plan::compare_sources(&mut plans, options, session)?;
    plan::check_space(&plans, &store)?;

    let staging = stage::Staging::open(&store)?;
    let outcomes = schedule::write_all(&plans, unreadable, &staging, options, session);
    if store.join(METADATA).exists() {
        index::rebuild(&store, &staging)?;
    }
    outcomes.map(|runs| IngestReport { runs })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{IngestOptions, IngestReport, Outcome, ingest};
    use crate::dtype::DType;
    use crate::grid::Region;
    use crate::run::Run;
    use crate::runtime::{FIXED_BYTES, Session};
    use crate::source::{Access, StreamOptions};
    use crate::store::testing::{Memory, info, session, tree};
    use crate::store::{ChunkLengths, Codec, StoreError, open};

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn store_in(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("study.zarr")
    }

    fn staging_is_gone(store: &Path) -> bool {
        !crate::store::layout::staging_dir(store).exists()
    }

    fn defaults() -> IngestOptions {
        IngestOptions::default()
    }

    fn chunks(t: u64, z: u64) -> IngestOptions {
        IngestOptions { chunk: Some(ChunkLengths { t, z }), ..defaults() }
    }

    fn forced(options: IngestOptions) -> IngestOptions {
        IngestOptions { force: true, ..options }
    }

    fn ok(runs: &[Run], store: &Path, options: &IngestOptions) -> IngestReport {
        ingest(runs, store, options, &session(2, "256MiB")).unwrap()
    }

    fn voxels(store: &Path, name: &str) -> Vec<u8> {
        let run = open(store).unwrap().run(name).unwrap();
        let whole = Region::whole(run.shape());
        let mut out = vec![0; whole.len() as usize * run.source().dtype().size()];
        run.source().read(&whole, &mut out).unwrap();
        out
    }

    #[test]
    fn every_type_shape_and_codec_comes_back_byte_for_byte() {
        let folder = folder();
        let shapes = [[5, 4, 7, 11], [3, 2, 1, 1], [4, 3, 5, 1], [2, 2, 1, 9], [1, 1, 1, 1]];
        for codec in Codec::ALL {
            for chunk in [None, Some(ChunkLengths { t: 4, z: 3 })] {
                let store = folder.path().join(format!("{codec}-{}.zarr", chunk.is_some()));
                let sources: Vec<Memory> = DType::ALL
                    .into_iter()
                    .flat_map(|dtype| shapes.map(|shape| (dtype, shape)))
                    .enumerate()
                    .map(|(i, (dtype, shape))| Memory::new(&format!("r{i}.nii"), shape, dtype))
                    .collect();
                let runs: Vec<Run> = sources.iter().cloned().map(Memory::run).collect();
                let report = ok(&runs, &store, &IngestOptions { codec, chunk, ..defaults() });
                assert!(report.runs.iter().all(|r| matches!(r.result, Outcome::Written(_))));
                for (i, source) in sources.iter().enumerate() {
                    assert_eq!(voxels(&store, &format!("r{i}")), source.data, "{codec} {source:?}");
                }
                assert!(staging_is_gone(&store));
            }
        }
    }

    #[test]
    fn every_fact_of_a_run_comes_back() {
        let (folder, mut facts) = (folder(), info("sub-01_ses-02_task-rest_bold.nii.gz"));
        facts.timing.tr_seconds = Some(1.0 / 3.0);
        facts.origin.big_endian = true;
        let source = Memory::new("in memory", [3, 4, 5, 6], DType::I16);
        ok(&[source.run_with(facts.clone())], &store_in(&folder), &defaults());
        let run = open(store_in(&folder)).unwrap().run("sub-01_ses-02_task-rest_bold").unwrap();
        assert_eq!(run.name(), "sub-01/ses-02/func/sub-01_ses-02_task-rest_bold.ome.zarr");
        facts.origin.sha256 = Some("ab".repeat(32));
        assert_eq!(*run.info(), facts);
    }
}
