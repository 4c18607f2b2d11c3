//! Is a stored run what was stored?
//!
//! Every chunk file is held against its own checksum and the run's table of checksums, without being
//! decompressed; if asked, all voxels are then decoded and their digest compared. What is told beside the
//! voxels is held against the header's bytes (`agreement`), what the root tells against the runs (`index`).
//! Says what is damaged and where; mends nothing.

mod agreement;
mod index;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::Store;
use super::chunk_reader::ChunkedSource;
use super::digest::VoxelDigest;
use super::error::{StoreError, stop_if_cancelled};
use super::layout::chunk_file;
use super::open_run::OpenedRun;
use crate::grid::Region;
use crate::run::{HeaderFacts, RunInfo};
use crate::runtime::Session;
use crate::source::{Source, SourceError, StreamOptions};

/// What was found out about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its group path.
    pub run: String,
    /// Chunks it has.
    pub chunks: u64,
    /// Bytes of the chunk files that were read.
    pub read_bytes: u64,
    /// What is not as it was stored: facts first, then chunks in their order; empty where all is well.
    pub damage: Vec<Damage>,
}

/// What was found out about what the root tells of the runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifiedIndex {
    /// Runs that the root does not tell of yet, as an ingest leaves it that is under way or was stopped.
    pub unlisted: Vec<String>,
    /// What it tells and is not so.
    pub damage: Vec<Damage>,
}

/// Something that is not as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The chunk of voxels, as `c.1.0.0.0`, where it is one.
    pub chunk: Option<String>,
    /// What is told wrongly, as `attributes.voxstore.scaling.slope`, where it is one field of the file.
    pub field: Option<String>,
    /// The file; a folder where all its chunks are whole and the voxels are not those ingested.
    pub file: PathBuf,
    /// Volumes that cannot be had without it; none where voxels are not in question.
    pub volumes: Range<u64>,
    /// What is wrong.
    pub reason: String,
}

impl Damage {
    /// Damage to what is told beside the voxels.
    fn told(file: PathBuf, field: Option<String>, reason: impl ToString) -> Self {
        Self { chunk: None, field, file, volumes: 0..0, reason: reason.to_string() }
    }
}

impl Store {
    /// Looks at what is told of a run and reads every chunk file of it; if `deep`, decodes all voxels.
    /// `judge` says what follows from a header's bytes, or why nothing does.
    pub(crate) fn verify_by(
        &self,
        name: &str,
        deep: bool,
        session: &Session,
        judge: impl FnOnce(&RunInfo) -> Result<HeaderFacts, String>,
    ) -> Result<Verified, StoreError> {
        let run = OpenedRun::open_to_verify(&self.path, self.resolve(name)?)?;
        // Chunks of a run that has taken its place look like damage.
        run.unless_replaced(self.verify_opened(&run, deep, session, judge))
    }

    fn verify_opened(
        &self,
        run: &OpenedRun,
        deep: bool,
        session: &Session,
        judge: impl FnOnce(&RunInfo) -> Result<HeaderFacts, String>,
    ) -> Result<Verified, StoreError> {
        // Its header must be that of the source, too.
        let info = run.info()?;
        let open_bytes = run.open_bytes(&info);
        let room_bytes = session.data_bytes().saturating_sub(open_bytes);
        let budget = session.budget_of(room_bytes);
        let mut damage = agreement::check(run, &self.path, &info, judge, &budget)?;

        let source = run.source();
        let name = source.name().to_owned();
        let (read_bytes, lost) = chunks(source, room_bytes, session)?;
        if lost.is_empty() {
            damage.extend(agreement::check_stored_bytes(run, read_bytes));
            if deep {
                damage.extend(voxels(run, room_bytes, session)?);
            }
        }
        damage.extend(lost);
        Ok(Verified { run: name, chunks: source.layout.chunks, read_bytes, damage })
    }

    /// Holds what the root's metadata tell of these runs against the runs' own; with all runs of the store,
    /// also that it tells of no others. Reads metadata, a run at a time.
    ///
    /// The root is what other tools believe; voxstore itself does not. The next ingest writes it anew.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub fn verify_index(&self, runs: &[String]) -> Result<VerifiedIndex, StoreError> {
        index::check(self, runs)
    }
}

/// Bytes read, and what is damaged.
fn chunks(
    source: &ChunkedSource,
    room_bytes: u64,
    session: &Session,
) -> Result<(u64, Vec<Damage>), StoreError> {
    let most_bytes = source.layout.codec.encoded_bound();
    let fit = room_bytes / most_bytes.max(1);
    let workers = (session.threads() as u64).min(fit).max(1) as usize;
    let _lease =
        session.budget_of(room_bytes).lease("verify", most_bytes.saturating_mul(workers as u64))?;
    let _progress = session.report(&format!("verify {}", source.name()), source.stored_bytes());
    let found = Mutex::new((0, Vec::new()));
    let whole = Region::whole(source.shape());
    session.pool(workers)?.install(|| {
        source.layout.grid.touching(&whole).par_bridge().try_for_each(|position| {
            stop_if_cancelled(session)?;
            let verified = source.verify_chunk(&position);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match verified {
                Ok(bytes) => {
                    found.0 += bytes;
                    session.progress().advance(bytes);
                }
                Err(error) => found.1.push(damage_of(source, &position, &error)),
            }
            Ok::<_, StoreError>(())
        })
    })?;
    let (read_bytes, mut damage) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    damage.sort_by_key(|damage: &Damage| (damage.volumes.start, damage.chunk.clone()));
    Ok((read_bytes, damage))
}

fn damage_of(source: &ChunkedSource, position: &[u64], error: &SourceError) -> Damage {
    let region = source.layout.grid.region(position);
    let last = region.ndim() - 1;
    Damage {
        chunk: Some(chunk_file(position)),
        field: None,
        file: source.chunk_path(position),
        volumes: region.start()[last]..region.end(last),
        reason: error.reason.to_string(),
    }
}

/// Decodes all voxels; what is wrong with them, where chunks are whole.
fn voxels(
    run: &OpenedRun,
    room_bytes: u64,
    session: &Session,
) -> Result<Option<Damage>, StoreError> {
    let source = run.source();
    let volumes = source.shape()[3];
    let volume_bytes = Region::whole(&source.shape()[..3]).len() * source.dtype().size() as u64;
    let room = room_bytes.saturating_sub(source.scratch_bytes()) / volume_bytes.max(1);
    let step = source.block_shape()[3].min(room).max(1);
    let lease_bytes = source.scratch_bytes() + step * volume_bytes;
    let mut lease = session.budget_of(room_bytes).lease("verify", lease_bytes)?;
    let mut slab = lease.buffer(step * volume_bytes)?;
    let mut digest = VoxelDigest::default();
    let mut stream = source.stream(StreamOptions::default())?;
    let _progress = session.report(&format!("decode {}", source.name()), volumes * volume_bytes);
    for first in (0..volumes).step_by(step as usize) {
        stop_if_cancelled(session)?;
        let part = &mut slab[..(step.min(volumes - first) * volume_bytes) as usize];
        stream.read_next(part)?;
        digest.update(part);
        session.progress().advance(part.len() as u64);
    }
    stream.finish()?;
    let (found, expected) = (digest.finish(), &run.attributes().voxels().digest);
    Ok((found != *expected).then(|| Damage {
        chunk: None,
        field: None,
        file: source.array_dir.clone(),
        volumes: 0..volumes,
        reason: format!("the voxels have digest {found}, expected {expected}"),
    }))
}
