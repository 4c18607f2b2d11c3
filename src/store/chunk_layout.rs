//! Where does a chunk lie?
//!
//! [`ChunkLayout`] says into what chunks an array is cut, what part of it each is, and what encodes it: the
//! same for who writes and who reads. What a chunk's file is called says `layout`. Opens no file.

use std::path::Path;

use super::chunking::CHUNK_LIMIT_BYTES;
use super::codec::{ChunkCodec, Codec, Cut, Numbers, pad};
use super::error::StoreError;
use super::layout::turned;
use super::metadata::StoredArray;
use crate::dtype::DType;
use crate::grid::{BlockGrid, Region, SharedRuns, element_count, saturating_count};

/// How an array is cut into chunks; lengths and positions in the order of the API.
#[derive(Debug)]
pub(super) struct ChunkLayout {
    pub(super) grid: BlockGrid,
    pub(super) shape: Vec<u64>,
    pub(super) codec: ChunkCodec,
    /// Number of chunks.
    pub(super) chunks: u64,
}

impl ChunkLayout {
    /// `None` where chunks are not inside the array, or not of 1 byte to 1 GiB.
    pub(super) fn new(shape: &[u64], chunk: &[u64], dtype: DType, codec: Codec) -> Option<Self> {
        let inside = chunk.len() == shape.len()
            && chunk.iter().zip(shape).all(|(c, n)| (1..=(*n).max(1)).contains(c));
        let codec = ChunkCodec::new(codec, dtype, &turned(chunk))?;
        if !inside || codec.decoded_bytes() > CHUNK_LIMIT_BYTES {
            return None;
        }
        let grid = BlockGrid::new(shape, chunk);
        let chunks = saturating_count(&grid.counts());
        Some(Self { grid, shape: shape.to_vec(), codec, chunks })
    }

    /// The layout that an array's metadata describe; `file` is named in errors.
    ///
    /// # Errors
    /// When the chunks are not some that we would write.
    pub(super) fn of(array: &StoredArray, file: &Path) -> Result<Self, StoreError> {
        let wrong = |field: &str, expected: String, found: &dyn std::fmt::Debug| {
            Err(StoreError::metadata(file, field, expected, format!("{found:?}")))
        };
        let count = element_count(&array.shape);
        let bytes = count.and_then(|n| n.checked_mul(array.dtype.size() as u64));
        // Where a chunk ends can then be counted, too.
        if bytes.is_none_or(|bytes| bytes > i64::MAX as u64) {
            return wrong("shape", "an array below 8 EiB".to_owned(), &array.shape);
        }
        let (shape, chunk) = (turned(&array.shape), turned(&array.chunk_shape));
        let layout = array.codec.and_then(|codec| Self::new(&shape, &chunk, array.dtype, codec));
        let Some(layout) = layout else {
            let expected = format!("inside the array and at most {CHUNK_LIMIT_BYTES} bytes");
            return wrong("chunk_shape", expected, &array.chunk_shape);
        };
        Ok(layout)
    }

    /// The numbers of the chunk at this position: what is beyond the array is padding.
    pub(super) fn padded(&self, position: &[u64]) -> Region {
        let lengths = self.grid.block_shape();
        let start = position.iter().zip(lengths).map(|(p, n)| p * n).collect();
        Region::new(start, lengths.to_vec())
    }

    /// The numbers of the chunk at `position`, out of the bytes of a box, `region`, that holds all of it. What lies beyond
    /// the array is padded, so that equal numbers give equal chunks. `None` where the box has nothing of it.
    pub(super) fn numbers<'a>(
        &'a self,
        bytes: &'a [u8],
        region: &Region,
        position: &[u64],
    ) -> Option<Numbers<'a>> {
        let padded = self.padded(position);
        let is_inside = padded.fits(&self.shape);
        if is_inside && *region == padded {
            return Some(Numbers::Whole(bytes));
        }
        let (fill, runs) = (self.codec.fill(), SharedRuns::of(region, &padded)?);
        let padding = (!is_inside).then_some(fill);
        let chunk_bytes = self.codec.decoded_bytes() as usize;
        Some(Numbers::Cut(Cut::new(bytes, runs, fill.len(), padding, chunk_bytes)))
    }

    /// Fills what lies beyond the array.
    pub(super) fn pad(&self, bytes: &mut [u8]) {
        pad(bytes, self.codec.fill());
    }
}
