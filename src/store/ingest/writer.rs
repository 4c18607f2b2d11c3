//! How do a run's voxels become chunk files?
//!
//! [`Slabs`] reads the source front to back in slabs as many volumes long as a chunk is, and puts each part where its
//! chunk has it; [`SlabWriter`] makes the files of a slab's chunks. Who does what when says `line`. The source's own checksums are verified before the run is sealed. Puts nothing
//! in place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::line::Line;
use super::plan::RunPlan;
use super::{Written, seal};
use crate::files::{self, FileSystem};
use crate::grid::Region;
use crate::run::Warning;
use crate::runtime::{Lease, Session};
use crate::source::{Beside, SourceError, Stream, StreamEnd, StreamOptions};
use crate::store::checksums::Checksums;
use crate::store::chunk_layout::ChunkLayout;
use crate::store::chunk_writer::ChunkWriter;
use crate::store::digest::VoxelDigest;
use crate::store::error::StoreError;
use crate::store::layout::VOXELS;

/// Read at once where chunks leave the choice: is still in the cache when it is digested.
const PIECE_BYTES: usize = 256 << 10;

/// A run of which all voxels are in files, but nothing else is, and nothing is known to be on disk.
#[derive(Debug)]
pub(super) struct UnsealedRun<'a> {
    plan: &'a RunPlan<'a>,
    dir: PathBuf,
    disk: FileSystem,
    voxels: VoxelsWritten,
    checksums: Vec<u8>,
    started: String,
    began: Instant,
}

impl<'a> UnsealedRun<'a> {
    /// Writes the rest, and waits until all of it is on disk.
    pub(super) fn seal(self) -> Result<StagedRun<'a>, StoreError> {
        let Self { plan, dir, disk, voxels, checksums, started, began } = self;
        let warnings = seal::warnings(plan, &voxels.end);
        seal::seal(plan, &dir, &disk, &voxels, &checksums, &warnings, started)?;
        Ok(StagedRun { plan, dir, voxels, warnings, began })
    }
}

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
    /// How it is stored, codec chosen.
    pub(super) layout: Arc<ChunkLayout>,
    pub(super) chunks: u64,
    pub(super) stored_bytes: u64,
    pub(super) digest: String,
    pub(super) end: StreamEnd,
}

/// Writes the run's voxels into `dir`, which must not exist. Others can help from when `open` is told of it.
pub(super) fn write_run<'a>(
    plan: &'a RunPlan<'a>,
    dir: &Path,
    lease: &mut Lease,
    session: &'a Session,
    began: Instant,
    open: impl FnOnce(&Arc<Line<'a>>),
) -> Result<UnsealedRun<'a>, StoreError> {
    let started = seal::now();
    let array_dir = dir.join(VOXELS);
    files::create_dir_all(&array_dir).map_err(StoreError::io("create", &array_dir))?;
    let disk = FileSystem::of(dir).map_err(StoreError::io("open", dir))?;
    let slab = lease.buffer(plan.needs.slab_bytes)?;
    let line = Arc::new(Line::new(plan, &array_dir, slab, session)?);
    open(&line);
    let (voxels, checksums) = line.write()?;
    Ok(UnsealedRun { plan, dir: dir.to_owned(), disk, voxels, checksums, started, began })
}

/// A source read front to back in slabs as many volumes long as a chunk is, digested on the way.
pub(super) struct Slabs<'a> {
    plan: &'a RunPlan<'a>,
    stream: Box<dyn Stream + 'a>,
    digest: VoxelDigest,
    next_volume: u64,
}

impl<'a> Slabs<'a> {
    pub(super) fn start(plan: &'a RunPlan<'_>) -> Result<Self, SourceError> {
        Ok(Self {
            plan,
            stream: plan.run.source().stream(StreamOptions { sha256: true })?,
            digest: VoxelDigest::default(),
            next_volume: 0,
        })
    }

    /// What other threads can do while this one reads.
    pub(super) fn beside(&mut self) -> Option<Beside> {
        self.stream.beside()
    }

    /// Puts the next volumes into `slab`, chunk by chunk along z, and says which they are; `None` at the end.
    pub(super) fn fill(&mut self, slab: &mut [u8]) -> Result<Option<Region>, SourceError> {
        let RunPlan { shape, chunk, .. } = self.plan;
        let volumes = chunk[3].min(shape[3] - self.next_volume);
        if volumes == 0 {
            return Ok(None);
        }
        let layout = &self.plan.layouts[0];
        let region = Region::whole(shape).with_axis(3, self.next_volume, volumes);
        let plane_bytes = shape[0] * shape[1] * self.plan.dtype.size() as u64;
        // What a chunk has of one volume.
        let part_bytes = (chunk[2] * plane_bytes) as usize;
        let last_bytes = (((shape[2] - 1) % chunk[2] + 1) * plane_bytes) as usize;
        let chunks_along_z = self.plan.grid().counts()[2] as usize;
        // The parts of a chunk that is as high as the run follow one another, in the file as well.
        let together = match chunks_along_z {
            1 => (PIECE_BYTES / part_bytes.max(1)).clamp(1, volumes as usize),
            _ => 1,
        };
        for first in (0..volumes as usize).step_by(together) {
            let count = together.min(volumes as usize - first);
            for (z, numbers) in
                slab.chunks_exact_mut(self.plan.needs.chunk_bytes as usize).enumerate()
            {
                let parts = &mut numbers[first * part_bytes..][..count * part_bytes];
                let bytes = if z + 1 == chunks_along_z { count * last_bytes } else { parts.len() };
                let (voxels, padding) = parts.split_at_mut(bytes);
                self.stream.read_next(voxels)?;
                self.digest.update(voxels);
                layout.pad(padding);
            }
        }
        for numbers in slab.chunks_exact_mut(self.plan.needs.chunk_bytes as usize) {
            layout.pad(&mut numbers[volumes as usize * part_bytes..]);
        }
        self.next_volume += volumes;
        Ok(Some(region))
    }

    /// Lets the source verify itself; then the digest may be used.
    pub(super) fn finish(self) -> Result<(StreamEnd, String), SourceError> {
        let end = self.stream.finish()?;
        Ok((end, self.digest.finish()))
    }
}

/// The chunks of one run, slab by slab. x and y are never cut: chunks are whole planes.
pub(super) struct SlabWriter<'a> {
    plan: &'a RunPlan<'a>,
    chunks: ChunkWriter,
    checksums: Checksums,
}

impl<'a> SlabWriter<'a> {
    pub(super) fn new(plan: &'a RunPlan<'_>, array_dir: &Path, layout: Arc<ChunkLayout>) -> Self {
        let chunks = ChunkWriter::new(plan.run.name(), array_dir.to_owned(), layout);
        Self { plan, chunks, checksums: Checksums::new(plan.chunks()) }
    }

    /// What was written, of a source that said so at its end, and the table of its chunks' checksums.
    pub(super) fn written(&self, end: StreamEnd, digest: String) -> (VoxelsWritten, Vec<u8>) {
        let written = VoxelsWritten {
            layout: Arc::clone(self.chunks.layout()),
            chunks: self.chunks.chunks(),
            stored_bytes: self.chunks.stored_bytes(),
            digest,
            end,
        };
        (written, self.checksums.to_bytes())
    }

    /// Writes chunk `z` of a slab, which holds the volumes of `region`.
    pub(super) fn write_chunk(
        &self,
        slab: &[u8],
        region: &Region,
        z: u64,
    ) -> Result<(), StoreError> {
        let chunk_bytes = self.plan.needs.chunk_bytes;
        let numbers = &slab[(z * chunk_bytes) as usize..][..chunk_bytes as usize];
        let position = [0, 0, z, region.start()[3] / self.plan.chunk[3]];
        let checksum = self.chunks.write_chunk(numbers, &position)?;
        self.checksums.note(self.plan.grid().number(&position), checksum);
        Ok(())
    }
}
