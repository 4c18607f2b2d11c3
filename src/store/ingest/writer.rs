//! How do a run's voxels become chunk files?
//!
//! [`Slabs`] reads the source front to back in slabs of `tb` volumes; [`ChunkWriter`] makes the files
//! of a slab's chunks. Either on one thread in turn or, with
//! encoders, one plain thread reads the next slab meanwhile. The source's own checksums are
//! verified before the run is sealed.

use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::memory::Needs;
use super::plan::RunPlan;
use super::{Written, seal};
use crate::buffer::Buffer;
use crate::grid::Region;
use crate::run::Warning;
use crate::runtime::{Lease, Session};
use crate::source::{SourceError, Stream, StreamEnd, StreamOptions};
use crate::store::chunk_writer::ChunkWriter;
use crate::store::digest::VoxelDigest;
use crate::store::error::StoreError;
use crate::store::layout::VOXELS;

/// Stack of the thread that reads; inflating is its deepest work.
const READER_STACK_BYTES: usize = 1 << 20;

/// A run that is whole and synced, but not in place.
#[derive(Debug)]
pub(super) struct StagedRun<'a> {
    pub(super) plan: &'a RunPlan<'a>,
    pub(super) dir: PathBuf,
    voxels: VoxelsWritten,
    warnings: Vec<Warning>,
    began: Instant,
}

impl StagedRun<'_> {
    pub(super) fn into_written(self) -> Written {
        Written {
            chunks: self.voxels.chunks,
            raw_bytes: self.plan.raw_bytes,
            stored_bytes: self.voxels.stored_bytes,
            seconds: self.began.elapsed().as_secs_f64(),
            warnings: self.warnings,
        }
    }
}

/// What is known once a run's last chunk is written and its source verified.
#[derive(Debug)]
pub(super) struct VoxelsWritten {
    pub(super) chunks: u64,
    pub(super) stored_bytes: u64,
    pub(super) digest: String,
    pub(super) end: StreamEnd,
}

/// Makes the run in `dir`, which must not exist. With `encoders`, reading and encoding overlap.
pub(super) fn stage_run<'a>(
    plan: &'a RunPlan<'a>,
    dir: &Path,
    mut lease: Lease,
    encoders: Option<&rayon::ThreadPool>,
    session: &Session,
    began: Instant,
) -> Result<StagedRun<'a>, StoreError> {
    let started = seal::now();
    let array_dir = dir.join(VOXELS);
    fs::create_dir_all(&array_dir).map_err(StoreError::io("create", &array_dir))?;
    let writer = SlabWriter::new(plan, &array_dir)?;
    let (end, digest) = match encoders {
        Some(pool) => write_overlapped(plan, &writer, &mut lease, pool, session)?,
        None => write_in_turn(plan, &writer, &mut lease, session)?,
    };
    let voxels = VoxelsWritten {
        chunks: writer.chunks.chunks(),
        stored_bytes: writer.chunks.stored_bytes(),
        digest,
        end,
    };
    drop(lease);
    let warnings = seal::warnings(plan, &voxels.end);
    seal::seal(plan, dir, &voxels, &warnings, started)?;
    Ok(StagedRun { plan, dir: dir.to_owned(), voxels, warnings, began })
}

fn write_in_turn(
    plan: &RunPlan<'_>,
    writer: &SlabWriter,
    lease: &mut Lease,
    session: &Session,
) -> Result<(StreamEnd, String), StoreError> {
    let needs = Needs::of(plan)?;
    let mut slab = lease.buffer(needs.slab_bytes)?;
    let mut chunk = lease.buffer(needs.chunk_bytes)?;
    let mut slabs = Slabs::start(plan)?;
    while let Some(region) = slabs.fill(&mut slab)? {
        for z in 0..writer.chunks_per_slab() {
            stop_if_cancelled(session)?;
            writer.write(&slab, &region, z, &mut chunk)?;
        }
        session.progress().advance(slabs.bytes_of(&region));
    }
    slabs.finish().map_err(StoreError::from)
}

fn write_overlapped(
    plan: &RunPlan<'_>,
    writer: &SlabWriter,
    lease: &mut Lease,
    pool: &rayon::ThreadPool,
    session: &Session,
) -> Result<(StreamEnd, String), StoreError> {
    let needs = Needs::of(plan)?;
    let (full, to_encode) = sync_channel(1);
    let (empty, to_fill) = sync_channel(2);
    for _ in 0..2 {
        let slab = lease.buffer(needs.slab_bytes)?;
        empty.send(slab).unwrap_or_else(|_| unreachable!("both ends are held here"));
    }
    let mut chunks = Vec::new();
    for _ in 0..pool.current_num_threads() {
        chunks.push(lease.buffer(needs.chunk_bytes)?);
    }
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("voxstore-reader".to_owned())
            .stack_size(READER_STACK_BYTES)
            .spawn_scoped(scope, move || read_ahead(plan, &to_fill, &full))
            .map_err(StoreError::io("start a thread to read", Path::new(plan.run.name())))?;
        let encoded = encode_slabs(writer, to_encode, empty, &mut chunks, pool, session);
        let read = reader.join().unwrap_or_else(|panic| resume_unwind(panic));
        encoded?;
        read?.ok_or(StoreError::Cancelled)
    })
}

/// A slab on its way, and the volumes it holds.
type Filled = (Region, Buffer);

/// The reading thread: fills slabs as they come back. `None` when nobody wants more.
fn read_ahead(
    plan: &RunPlan<'_>,
    to_fill: &Receiver<Buffer>,
    full: &SyncSender<Filled>,
) -> Result<Option<(StreamEnd, String)>, StoreError> {
    let mut slabs = Slabs::start(plan)?;
    while let Ok(mut slab) = to_fill.recv() {
        let Some(region) = slabs.fill(&mut slab)? else { return Ok(Some(slabs.finish()?)) };
        if full.send((region, slab)).is_err() {
            break;
        }
    }
    Ok(None)
}

/// Encodes slabs as they come, each by all encoders. Both channels end with it, which ends the
/// reader too.
fn encode_slabs(
    writer: &SlabWriter,
    to_encode: Receiver<Filled>,
    empty: SyncSender<Buffer>,
    chunks: &mut [Buffer],
    pool: &rayon::ThreadPool,
    session: &Session,
) -> Result<(), StoreError> {
    for (region, slab) in to_encode {
        let next = AtomicU64::new(0);
        let failed = Mutex::new(None);
        pool.scope(|scope| {
            for chunk in chunks.iter_mut() {
                scope.spawn(|_| {
                    let encoded = encode_chunks(writer, &slab, &region, &next, chunk, session);
                    if let Err(error) = encoded {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                });
            }
        });
        if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        session.progress().advance(writer.bytes_of(&region));
        // The reader has ended already when this was the last slab.
        drop(empty.send(slab));
    }
    Ok(())
}

/// One encoder: takes the slab's chunks by number until there are none.
fn encode_chunks(
    writer: &SlabWriter,
    slab: &[u8],
    region: &Region,
    next: &AtomicU64,
    buffer: &mut [u8],
    session: &Session,
) -> Result<(), StoreError> {
    loop {
        let z = next.fetch_add(1, Ordering::Relaxed);
        if z >= writer.chunks_per_slab() {
            return Ok(());
        }
        stop_if_cancelled(session)?;
        writer.write(slab, region, z, buffer)?;
    }
}

fn stop_if_cancelled(session: &Session) -> Result<(), StoreError> {
    if session.cancel_token().is_cancelled() { Err(StoreError::Cancelled) } else { Ok(()) }
}

/// A source read front to back in slabs of `tb` volumes, digested on the way.
pub(super) struct Slabs<'a> {
    stream: Box<dyn Stream + 'a>,
    digest: VoxelDigest,
    shape: [u64; 4],
    slab_volumes: u64,
    item_bytes: u64,
    next_volume: u64,
}

impl<'a> Slabs<'a> {
    pub(super) fn start(plan: &'a RunPlan<'_>) -> Result<Self, SourceError> {
        Ok(Self {
            stream: plan.run.source().stream(StreamOptions { sha256: true })?,
            digest: VoxelDigest::new(plan.dtype),
            shape: plan.shape,
            slab_volumes: plan.chunk[3],
            item_bytes: plan.dtype.size() as u64,
            next_volume: 0,
        })
    }

    /// Fills the front of `slab` with the next volumes and says which they are; `None` at the end.
    pub(super) fn fill(&mut self, slab: &mut [u8]) -> Result<Option<Region>, SourceError> {
        let volumes = self.slab_volumes.min(self.shape[3] - self.next_volume);
        if volumes == 0 {
            return Ok(None);
        }
        let region = Region::whole(&self.shape).with_axis(3, self.next_volume, volumes);
        let voxels = &mut slab[..self.bytes_of(&region) as usize];
        self.stream.read_next(voxels)?;
        self.digest.update(voxels);
        self.next_volume += volumes;
        Ok(Some(region))
    }

    fn bytes_of(&self, region: &Region) -> u64 {
        region.len() * self.item_bytes
    }

    /// Lets the source verify itself; then the digest may be used.
    pub(super) fn finish(self) -> Result<(StreamEnd, String), SourceError> {
        let end = self.stream.finish()?;
        Ok((end, self.digest.finish()))
    }
}

/// The chunks of one run, slab by slab.
struct SlabWriter {
    chunks: ChunkWriter,
    item_bytes: u64,
}

impl SlabWriter {
    fn new(plan: &RunPlan<'_>, array_dir: &Path) -> Result<Self, StoreError> {
        let (name, array_dir, codec) = (plan.run.name(), array_dir.to_owned(), plan.chunk_codec()?);
        Ok(Self {
            chunks: ChunkWriter::new(name, array_dir, codec, plan.dtype, &plan.shape, &plan.chunk),
            item_bytes: plan.dtype.size() as u64,
        })
    }

    fn chunks_per_slab(&self) -> u64 {
        self.chunks.grid().counts()[2]
    }

    fn bytes_of(&self, region: &Region) -> u64 {
        region.len() * self.item_bytes
    }

    /// Writes the slab's chunk number `z`; `buffer` holds one chunk.
    fn write(
        &self,
        slab: &[u8],
        slab_region: &Region,
        z: u64,
        buffer: &mut [u8],
    ) -> Result<(), StoreError> {
        let t = slab_region.start()[3] / self.chunks.grid().block_shape()[3];
        let voxels = &slab[..self.bytes_of(slab_region) as usize];
        self.chunks.write(voxels, slab_region, &[0, 0, z, t], buffer)
    }
}
