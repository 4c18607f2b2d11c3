//! How do an array's chunk files come back as regions?
//!
//! [`ChunkedSource`] is the [`Source`] of one stored array: it decodes just the chunks that a region
//! touches, one at a time, and copies what is shared. Never fills in: a missing chunk, a torn file, a
//! wrong checksum, an array replaced while it is read are errors that name array, chunk and file.
//! Caches nothing. Whether metadata may be believed is decided before, by whoever opens the array.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::checksums::{Checksums, checksum_of, verified_checksum};
use super::chunk_layout::ChunkLayout;
use super::error::ChunkFault;
use super::layout::{METADATA, chunk_file};
use super::own_file;
use super::spare::{RoomFor, Spare};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::files;
use crate::grid::{Region, Run, SharedRuns};
use crate::runtime::Stamp;
use crate::source::{Access, Source, SourceError};

/// Paths, names and one open file, beside what decoding needs.
const BOOKKEEPING_BYTES: u64 = 64 << 10;

type Reason = Box<dyn std::error::Error + Send + Sync>;

/// The numbers of one stored array.
#[derive(Debug)]
pub(super) struct ChunkedSource {
    pub(super) name: String,
    /// What would bring a missing chunk back: `ingest the run again`.
    pub(super) remedy: &'static str,
    pub(super) array_dir: PathBuf,
    /// Of the array's metadata file, from before that was read.
    pub(super) version: Stamp,
    pub(super) layout: ChunkLayout,
    pub(super) dtype: DType,
    pub(super) stored_bytes: u64,
    /// What each chunk's checksum must be; `None` for an array that is no run's.
    pub(super) checksums: Option<Checksums>,
    /// Of the run's header and sidecar.
    pub(super) open_bytes: u64,
}

impl ChunkedSource {
    pub(super) fn chunk_path(&self, position: &[u64]) -> PathBuf {
        self.array_dir.join(chunk_file(position))
    }

    /// Reads a chunk's file and holds it against its own checksum and that of its place; decodes nothing.
    /// Gives its length.
    pub(super) fn verify_chunk(&self, position: &[u64]) -> Result<u64, SourceError> {
        let failed = |reason| self.fault(position, reason);
        let file = self.file_bytes(&self.chunk_path(position)).map_err(failed)?;
        let checksum = verified_checksum(&file).map_err(|fault| failed(fault.into()))?;
        self.check_place(position, checksum).map_err(|fault| failed(fault.into()))?;
        Ok(file.len() as u64)
    }

    fn check_place(&self, position: &[u64], checksum: u32) -> Result<(), ChunkFault> {
        self.checksums.as_ref().map_or(Ok(()), |checksums| {
            checksums.check(self.layout.grid.number(position), checksum, self.remedy)
        })
    }

    fn fault(&self, position: &[u64], reason: Reason) -> SourceError {
        let (key, path) = (chunk_file(position), self.chunk_path(position));
        SourceError::new(&self.name, format!("chunk {key} ({})", path.display()), reason)
    }

    /// What the chunk at this position of the grid shares with a box, into the memory of the box; on an error it may hold
    /// anything.
    pub(super) fn shared_into(
        &self,
        position: &[u64],
        region: &Region,
        out: &mut [u8],
    ) -> Result<(), SourceError> {
        let Some(runs) = SharedRuns::of(&self.layout.padded(position), region) else {
            return Ok(());
        };
        let failed = |reason| self.fault(position, reason);
        let file = self.file_bytes(&self.chunk_path(position)).map_err(failed)?;
        let checksum = checksum_of(&file);
        self.layout.codec.decode_runs(&file, &runs, out).map_err(|e| failed(e.into()))?;
        self.check_place(position, checksum).map_err(|e| failed(e.into()))?;
        let is_bool = |run: Run| {
            let numbers = &out[run.to as usize..][..run.len as usize];
            numbers.iter().all(|&byte| byte <= 1)
        };
        if self.dtype == DType::Bool && !runs.clone().all(is_bool) {
            return Err(failed(ChunkFault::Bool.into()));
        }
        Ok(())
    }

    /// A chunk file's bytes, when there are no more of them than a chunk can have.
    fn file_bytes(&self, path: &Path) -> Result<Spare, Reason> {
        let (mut file, found) = own_file::open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => ChunkFault::Missing { remedy: self.remedy }.into(),
            _ => Reason::from(e),
        })?;
        let most = self.layout.codec.encoded_bound();
        if found > most {
            return Err(ChunkFault::Size { found, expected: format!("at most {most}") }.into());
        }
        let mut bytes = Spare::take(RoomFor::File, found).ok_or_else(|| no_memory(found))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Whoever replaces an array exchanges it whole. Chunks read since it was opened are of one
    /// version exactly when its metadata file is still the same file.
    pub(super) fn check_version(&self) -> Result<(), SourceError> {
        let file = self.array_dir.join(METADATA);
        if files::look_at_link(&file).is_ok_and(|found| Stamp::of(&found) == self.version) {
            return Ok(());
        }
        let reason = "it was replaced while it was read; open it again";
        Err(SourceError::new(&self.name, file.display().to_string(), reason))
    }
}

/// Memory that goes back when it is dropped: bytes of files have other lengths each time, and an allocator
/// would keep some of each.
pub(crate) fn buffer(bytes: u64) -> Result<Buffer, Reason> {
    Buffer::zeroed(bytes).ok_or_else(|| no_memory(bytes))
}

fn no_memory(bytes: u64) -> Reason {
    format!("the system has no {bytes} bytes of memory").into()
}

impl Source for ChunkedSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.layout.shape
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn access(&self) -> Access {
        Access::Random
    }

    fn block_shape(&self) -> &[u64] {
        self.layout.grid.block_shape()
    }

    fn scratch_bytes(&self) -> u64 {
        self.layout.codec.decode_scratch() + BOOKKEEPING_BYTES
    }

    fn open_bytes(&self) -> u64 {
        self.open_bytes
    }

    fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    fn transport(&self) -> &'static str {
        "zarr chunks"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        for position in self.layout.grid.touching(region) {
            // Chunks of a newer version may look like damaged ones of this.
            let replaced = |error| self.check_version().err().unwrap_or(error);
            self.shared_into(&position, region, out).map_err(replaced)?;
        }
        self.check_version()
    }
}
