//! How do numbers in memory become chunk files?
//!
//! [`ChunkWriter`] encodes a chunk, which may have to be taken out of a box, and writes its file once, whole, and
//! never again. From several threads at once. Knows neither where boxes come
//! from nor when an array is complete.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::StoreError;
use super::checksums::checksum_of;
use super::chunk_layout::ChunkLayout;
use super::codec::Numbers;
use super::layout::chunk_file;
use crate::files::File;
use crate::grid::Region;

/// Writes the chunk files of one array.
#[derive(Debug)]
pub(super) struct ChunkWriter {
    /// What errors call the array.
    name: String,
    array_dir: PathBuf,
    layout: Arc<ChunkLayout>,
    chunks: AtomicU64,
    stored_bytes: AtomicU64,
}

impl ChunkWriter {
    /// A writer of these chunks into a folder that is there.
    pub(super) fn new(name: &str, array_dir: PathBuf, layout: Arc<ChunkLayout>) -> Self {
        Self {
            name: name.to_owned(),
            array_dir,
            layout,
            chunks: AtomicU64::new(0),
            stored_bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn layout(&self) -> &Arc<ChunkLayout> {
        &self.layout
    }

    /// Chunk files written.
    pub(super) fn chunks(&self) -> u64 {
        self.chunks.load(Ordering::Relaxed)
    }

    /// Bytes of all chunk files written.
    pub(super) fn stored_bytes(&self) -> u64 {
        self.stored_bytes.load(Ordering::Relaxed)
    }

    /// Writes the chunk at `position` of the grid out of the bytes of a box, `region`, that holds all of
    /// it.
    pub(super) fn cut_and_write(
        &self,
        bytes: &[u8],
        region: &Region,
        position: &[u64],
    ) -> Result<(), StoreError> {
        let numbers = self.layout.numbers(bytes, region, position);
        let numbers = numbers
            .ok_or_else(|| self.encode_fault(position, "the box has nothing of it".to_owned()))?;
        self.write(&numbers, position).map(drop)
    }

    fn encode_fault(&self, position: &[u64], reason: String) -> StoreError {
        StoreError::Encode { run: self.name.clone(), chunk: chunk_file(position), reason }
    }

    /// Writes the numbers of the chunk at `position`, padding included. Gives the checksum that the file
    /// ends with.
    pub(super) fn write_chunk(&self, numbers: &[u8], position: &[u64]) -> Result<u32, StoreError> {
        self.write(&Numbers::Whole(numbers), position)
    }

    fn write(&self, numbers: &Numbers<'_>, position: &[u64]) -> Result<u32, StoreError> {
        let key = chunk_file(position);
        let encoded = self.layout.codec.encode_numbers(numbers);
        let file_bytes = encoded.map_err(|reason| self.encode_fault(position, reason))?;
        let path = self.array_dir.join(&key);
        File::create_new(&path)
            .and_then(|mut file| file.write_all(&file_bytes).map(|()| file.begin_sync()))
            .map_err(StoreError::io("write", &path))?;
        self.chunks.fetch_add(1, Ordering::Relaxed);
        self.stored_bytes.fetch_add(file_bytes.len() as u64, Ordering::Relaxed);
        Ok(checksum_of(&file_bytes))
    }
}
