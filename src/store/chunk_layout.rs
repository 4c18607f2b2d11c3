//! Where does a chunk lie?
//!
//! [`ChunkLayout`] says into what chunks an array is cut, what part of it each is, and what encodes it: the
//! same for who writes and who reads. What a chunk's file is called says `layout`. Opens no file.

use std::ops::Range;
use std::path::Path;

use super::chunking::CHUNK_LIMIT_BYTES;
use super::codec::{ChunkCodec, Codec};
use super::error::StoreError;
use super::layout::turned;
use super::metadata::StoredArray;
use crate::dtype::DType;
use crate::grid::{BlockGrid, Region, copy_overlap, element_count, saturating_count};

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

    /// Is this box the chunk at `position`, without padding?
    pub(super) fn is_chunk(&self, region: &Region, position: &[u64]) -> bool {
        *region == self.padded(position) && region.fits(&self.shape)
    }

    /// The box of the chunk at `position` to decode where `region`, which touches it, is asked for: the least that lies
    /// in one stretch of the chunk, where less than all can be had.
    pub(super) fn part(&self, position: &[u64], region: &Region) -> Region {
        let mut part = self.padded(position);
        let shared = part.overlap(region).filter(|_| self.codec.decodes_parts());
        let Some(shared) = shared else { return part };
        for axis in (0..part.ndim()).rev() {
            part = part.with_axis(axis, shared.start()[axis], shared.shape()[axis]);
            if shared.shape()[axis] > 1 {
                break;
            }
        }
        part
    }

    /// Where in the chunk at `position` the elements of such a part lie.
    pub(super) fn place(&self, position: &[u64], part: &Region) -> Range<u64> {
        let first = self.padded(position).number(part.start());
        first..first + part.len()
    }

    /// Copies the chunk at `position` out of the bytes of a box, `region`, that holds all of it, into
    /// `chunk`, which is as long as one. What lies beyond the array is padded, so that equal numbers give
    /// equal chunks.
    pub(super) fn cut(&self, bytes: &[u8], region: &Region, position: &[u64], chunk: &mut [u8]) {
        let padded = self.padded(position);
        if !padded.fits(&self.shape) {
            self.pad(chunk);
        }
        copy_overlap(bytes, region, chunk, &padded, self.codec.fill().len());
    }

    /// Fills what lies beyond the array.
    pub(super) fn pad(&self, bytes: &mut [u8]) {
        let fill = self.codec.fill();
        bytes.chunks_exact_mut(fill.len()).for_each(|item| item.copy_from_slice(fill));
    }
}

#[cfg(test)]
mod tests {
    use super::ChunkLayout;
    use crate::dtype::DType;
    use crate::grid::{Region, copy_overlap};
    use crate::store::codec::Codec;

    /// Every box of an array against a copy of what it shares with a chunk.
    #[test]
    fn a_part_has_all_that_a_box_shares_with_a_chunk_and_lies_in_one_stretch_of_it() {
        let shape = [2, 3, 5];
        for codec in [Codec::Raw, Codec::Zstd] {
            let layout = ChunkLayout::new(&shape, &[2, 2, 2], DType::U8, codec).unwrap();
            let mut less = 0;
            for (y0, z0) in [(0, 0), (0, 1), (0, 2), (2, 0), (0, 4)] {
                for (y1, z1) in [(2, 2), (2, 4), (2, 5), (3, 4), (3, 5)] {
                    if y0 >= y1 || z0 >= z1 {
                        continue;
                    }
                    let region = Region::new(vec![0, y0, z0], vec![2, y1 - y0, z1 - z0]);
                    for position in layout.grid.touching(&region) {
                        let chunk = layout.padded(&position);
                        let numbers: Vec<u8> = (1..=chunk.len() as u8).collect();
                        let mut want = vec![0; region.len() as usize];
                        copy_overlap(&numbers, &chunk, &mut want, &region, 1);

                        let part = layout.part(&position, &region);
                        let place = layout.place(&position, &part);
                        let numbers = &numbers[place.start as usize..place.end as usize];
                        let mut found = vec![0; region.len() as usize];
                        copy_overlap(numbers, &part, &mut found, &region, 1);
                        assert_eq!(found, want, "{position:?} in {region:?}");
                        less += usize::from(part.len() < chunk.len());
                    }
                }
            }
            assert_eq!(less > 5, codec == Codec::Raw, "{less}");
        }
    }
}
