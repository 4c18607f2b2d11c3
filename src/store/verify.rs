//! Is a stored run what was stored?
//!
//! Every chunk file is held against its own checksum and the run's table of checksums, without being
//! decompressed; if asked, all voxels are then decoded and their digest compared. Says what is damaged and
//! where; mends nothing.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};

use super::chunk_reader::ChunkedSource;
use super::digest::VoxelDigest;
use super::error::StoreError;
use super::layout::chunk_file;
use super::open_run::OpenedRun;
use crate::grid::Region;
use crate::runtime::{Budget, Session};
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
    /// What is not as it was stored, in the order of the chunks; empty where all is well.
    pub damage: Vec<Damage>,
}

/// Something that is not as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The chunk, as `c.1.0.0.0`; `None` where all chunks are whole and the voxels are not those ingested.
    pub chunk: Option<String>,
    /// The file.
    pub file: PathBuf,
    /// Volumes that cannot be had without it.
    pub volumes: Range<u64>,
    /// What is wrong.
    pub reason: String,
}

/// Reads every chunk file of a run and, if `deep`, decodes all voxels.
pub(super) fn verify(
    run: &OpenedRun,
    deep: bool,
    session: &Session,
) -> Result<Verified, StoreError> {
    // Chunks of a run that has taken its place look like damage.
    run.unless_replaced(verify_all(run, deep, session))
}

fn verify_all(run: &OpenedRun, deep: bool, session: &Session) -> Result<Verified, StoreError> {
    // Its header must be that of the source, too.
    let open_bytes = run.open_bytes(&run.info()?);
    let room_bytes = session.data_bytes().saturating_sub(open_bytes);
    let source = run.source();
    let name = source.name().to_owned();
    session.progress().begin(&format!("verify {name}"), source.stored_bytes());
    let found = chunks(source, room_bytes, session);
    session.progress().end();
    let (read_bytes, mut damage) = found?;
    if deep && damage.is_empty() {
        damage.extend(voxels(run, room_bytes, session)?);
    }
    Ok(Verified { run: name, chunks: source.layout.chunks, read_bytes, damage })
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
        Budget::new(room_bytes).lease("verify", most_bytes.saturating_mul(workers as u64))?;
    let found = Mutex::new((0, Vec::new()));
    let whole = Region::whole(source.shape());
    session.pool(workers)?.install(|| {
        source.layout.grid.touching(&whole).par_bridge().try_for_each(|position| {
            if session.cancel_token().is_cancelled() {
                return Err(StoreError::Cancelled);
            }
            let verified = source.verify_chunk(&position);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match verified {
                Ok(bytes) => {
                    found.0 += bytes;
                    session.progress().advance(bytes);
                }
                Err(error) => found.1.push(damage_of(source, &position, &error)),
            }
            Ok(())
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
    let mut lease = Budget::new(room_bytes).lease("verify", lease_bytes)?;
    let mut slab = lease.buffer(step * volume_bytes)?;
    let mut digest = VoxelDigest::default();
    let mut stream = source.stream(StreamOptions::default())?;
    session.progress().begin(&format!("decode {}", source.name()), volumes * volume_bytes);
    let outcome = (0..volumes).step_by(step as usize).try_for_each(|first| {
        if session.cancel_token().is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        let part = &mut slab[..(step.min(volumes - first) * volume_bytes) as usize];
        stream.read_next(part)?;
        digest.update(part);
        session.progress().advance(part.len() as u64);
        Ok(())
    });
    session.progress().end();
    outcome?;
    stream.finish()?;
    let (found, expected) = (digest.finish(), &run.attributes().voxels().digest);
    Ok((found != *expected).then(|| Damage {
        chunk: None,
        file: source.array_dir.clone(),
        volumes: 0..volumes,
        reason: format!("the voxels have digest {found}, expected {expected}"),
    }))
}
