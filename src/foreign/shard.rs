//! Where in a shard does a chunk lie?
//!
//! A shard is a file of many chunks with an index of their places (Zarr's `sharding_indexed`). Only the index
//! and the chunks asked for are read; what the index claims is held against the file's length.

use std::path::Path;

use super::described::ShardIndex;
use super::source::{Reason, open_file};
use crate::buffer::Buffer;
use crate::files::File;
use crate::store::{ChunkFault, Step, Steps, buffer};

/// Place and length of a chunk that was never written.
const NEVER: u64 = u64::MAX;

/// An open shard.
#[derive(Debug)]
pub(super) struct Shard {
    /// The key of its file.
    pub(super) key: String,
    file: File,
    file_bytes: u64,
    /// Place and length of each chunk, the last axis of the disk counted fastest.
    index: Vec<[u64; 2]>,
}

impl Shard {
    /// Opens a shard of so many chunks along each axis; `None` where it was never written.
    pub(super) fn open(
        path: &Path,
        key: String,
        index: ShardIndex,
        chunks: &[u64],
    ) -> Result<Option<Self>, Reason> {
        let Some(file) = open_file(path)? else { return Ok(None) };
        let file_bytes = file.metadata()?.len();
        let chunks = chunks.iter().product();
        let length = index.bytes(chunks);
        let Some(behind) = file_bytes.checked_sub(length) else {
            let expected = format!("at least the {length} of a shard's index");
            return Err(ChunkFault::Size { found: file_bytes, expected }.into());
        };
        let mut bytes = buffer(length)?;
        file.read_exact_at(&mut bytes, if index.at_start { 0 } else { behind })?;
        let steps = if index.checksum { vec![Step::Crc32c] } else { vec![] };
        let bytes = Steps::new(steps, 16 * chunks).decode(&bytes)?;
        let number = |bytes: &[u8; 16], at: usize| {
            u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
        };
        let (entries, _) = bytes.as_chunks::<16>();
        let index = entries.iter().map(|entry| [number(entry, 0), number(entry, 8)]).collect();
        Ok(Some(Self { key, file, file_bytes, index }))
    }

    /// The bytes of a chunk at a position of so many, when they are at most so many; `None` where it was
    /// never written.
    pub(super) fn chunk(
        &self,
        position: &[u64],
        chunks: &[u64],
        most: u64,
    ) -> Result<Option<Buffer>, Reason> {
        let number = position.iter().zip(chunks).fold(0, |number, (p, n)| number * n + p);
        let [at, length] = self.index[number as usize];
        if [at, length] == [NEVER, NEVER] {
            return Ok(None);
        }
        if at.checked_add(length).is_none_or(|end| end > self.file_bytes) {
            let expected = format!("inside the file of {} bytes", self.file_bytes);
            return Err(format!(
                "its index says that chunk {position:?} has {length} bytes from {at}, \
                expected them {expected}; it is torn or damaged"
            )
            .into());
        }
        if length > most {
            return Err(
                ChunkFault::Size { found: length, expected: format!("at most {most}") }.into()
            );
        }
        let mut bytes = buffer(length)?;
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(Some(bytes))
    }
}
