//! Does a chunk lie where it was put?
//!
//! A chunk file ends with the crc32c of its bytes, which tells damage but not place: the chunk of another
//! volume, run or ingest is as good. So a run has a table of these checksums, one a chunk, and every chunk
//! that is read is held against it. Reads no chunk itself.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::StoreError;
use super::codec::CHECKSUM_BYTES;
use super::digest;
use super::error::ChunkFault;

/// The checksums of an array's chunks, in the order of the grid, axis 0 counted fastest.
#[derive(Debug)]
pub(super) struct Checksums(Vec<AtomicU32>);

impl Checksums {
    /// Room for so many.
    pub(super) fn new(chunks: u64) -> Self {
        Self((0..chunks).map(|_| AtomicU32::new(0)).collect())
    }

    /// Memory of a table of so many chunks.
    pub(super) const fn bytes_of(chunks: u64) -> u64 {
        chunks.saturating_mul(size_of::<u32>() as u64)
    }

    /// Notes the checksum of a chunk, by its number in the grid.
    pub(super) fn note(&self, number: u64, checksum: u32) {
        self.0[number as usize].store(checksum, Ordering::Relaxed);
    }

    /// The table as little-endian bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|checksum| checksum.load(Ordering::Relaxed).to_le_bytes()).collect()
    }

    /// Reads the table of so many chunks, whose bytes must have this digest.
    ///
    /// # Errors
    /// When the file is absent, of another length, or not the one that was written with the run.
    pub(super) fn read(file: &Path, chunks: u64, digest: &str) -> Result<Self, StoreError> {
        let bytes = digest::read(file, Self::bytes_of(chunks), CHECKSUM_BYTES, digest)?;
        let own = verified_checksum(&bytes).map_err(|fault| {
            StoreError::metadata(file, "crc32c", "that of the bytes before it", fault)
        })?;
        let numbers = bytes.strip_suffix(&own.to_le_bytes()).unwrap_or(&bytes);
        let (numbers, _) = numbers.as_chunks::<4>();
        Ok(Self(numbers.iter().map(|&b| AtomicU32::new(u32::from_le_bytes(b))).collect()))
    }

    /// Refuses a chunk, by its checksum, that is not the one put at this place of the grid.
    pub(super) fn check(
        &self,
        number: u64,
        found: u32,
        remedy: &'static str,
    ) -> Result<(), ChunkFault> {
        match self.0.get(number as usize).map(|checksum| checksum.load(Ordering::Relaxed)) {
            Some(expected) if expected == found => Ok(()),
            expected => {
                let expected = expected.unwrap_or_default();
                Err(ChunkFault::Elsewhere { found, expected, remedy })
            }
        }
    }
}

/// The checksum that a chunk's file ends with; 0 for a file that is too short to have one.
pub(super) fn checksum_of(file: &[u8]) -> u32 {
    file.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// What a chunk's file ends with, of all bytes before it.
pub(super) fn checksum(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).to_le_bytes()
}

/// The checksum that a chunk's file ends with, where the bytes before it have it.
pub(super) fn verified_checksum(file: &[u8]) -> Result<u32, ChunkFault> {
    let found = file.len() as u64;
    let data = file.len().checked_sub(CHECKSUM_BYTES as usize).map(|end| &file[..end]);
    let data = data.ok_or_else(|| ChunkFault::Size {
        found,
        expected: format!("more than {CHECKSUM_BYTES}"),
    })?;
    let checksum = checksum_of(file);
    if crc32c::crc32c(data) == checksum { Ok(checksum) } else { Err(ChunkFault::Checksum) }
}
