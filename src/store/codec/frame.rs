//! What may the file of a chunk claim?
//!
//! A frame's header says how much comes out of it, and whoever inflates it allocates that much. So it is
//! read here first and held against the size of a chunk. Inflates nothing.

use super::{BloscInner, Frame};
use crate::store::error::ChunkFault;

/// Bytes of the crc32c at the end of every chunk file.
pub(in crate::store) const CHECKSUM_BYTES: u64 = 4;
/// Header of a blosc frame, and the most that blosc adds.
pub(super) const BLOSC_HEADER_BYTES: u64 = 16;
/// The most of a block of blosc in our arrays, but for what follows; blosc allocates three of what a header names.
const BLOCK_MAX_BYTES: u64 = 512 << 10;
/// What blosc makes of itself for lz4 at our level, for each byte of a number.
const LZ4_BLOCK_BYTES: u64 = 128 << 10;
/// The most in arrays of other tools: what blosc makes of itself at its highest level.
pub(super) const FOREIGN_BLOCK_MAX_BYTES: u64 = 1 << 20;

/// The most of a block of blosc, in a chunk of numbers of so many bytes.
pub(super) fn most_block_bytes(frame: Frame, number_bytes: u64) -> u64 {
    match frame {
        Frame::Blosc { inner: BloscInner::Lz4, .. } => {
            (LZ4_BLOCK_BYTES * number_bytes).max(BLOCK_MAX_BYTES)
        }
        _ => BLOCK_MAX_BYTES,
    }
}

/// The most the file of a chunk of so many bytes can have.
pub(super) fn most_bytes(frame: Frame, decoded_bytes: u64) -> u64 {
    let more = match frame {
        Frame::None => 0,
        Frame::Blosc { .. } => BLOSC_HEADER_BYTES,
        Frame::Zstd { .. } => decoded_bytes / 256 + 64,
    };
    CHECKSUM_BYTES + decoded_bytes + more
}

/// Refuses a file that would inflate to anything but one chunk of so many bytes, in blocks of at most
/// [`most_block_bytes`].
///
/// # Errors
/// What is claimed, and what should be.
pub(super) fn check(
    frame: Frame,
    file: &[u8],
    decoded_bytes: u64,
    most_block: u64,
) -> Result<(), ChunkFault> {
    let found = file.len() as u64;
    let wrong_size = |expected: String| Err(ChunkFault::Size { found, expected });
    if found <= CHECKSUM_BYTES {
        return wrong_size(format!("more than {CHECKSUM_BYTES}"));
    }
    let data = &file[..file.len() - CHECKSUM_BYTES as usize];
    match frame {
        Frame::None if data.len() as u64 != decoded_bytes => {
            wrong_size(most_bytes(frame, decoded_bytes).to_string())
        }
        Frame::None => Ok(()),
        Frame::Blosc { .. } => {
            same("the decoded size", blosc_content_bytes(data, most_block)?, decoded_bytes)
        }
        Frame::Zstd { .. } => {
            let found = zstd_content_bytes(data).unwrap_or(0);
            same("the content size", found, decoded_bytes)
        }
    }
}

/// What comes out of a blosc frame by its header: four bytes of flags, then three sizes, little-endian.
///
/// # Errors
/// When the frame is not all of the data, or blosc would allocate more than `most_block` for a block.
pub(super) fn blosc_content_bytes(data: &[u8], most_block: u64) -> Result<u64, ChunkFault> {
    let Some(sizes) = data.get(4..BLOSC_HEADER_BYTES as usize) else {
        let expected = format!("at least {}", BLOSC_HEADER_BYTES + CHECKSUM_BYTES);
        return Err(ChunkFault::Size { found: data.len() as u64 + CHECKSUM_BYTES, expected });
    };
    let size = |at: usize| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|i| sizes[at + i])));
    same("the compressed size", size(8), data.len() as u64)?;
    if size(4) > most_block {
        let expected = format!("at most {most_block}");
        return Err(ChunkFault::Frame { field: "the block size", found: size(4), expected });
    }
    Ok(size(0))
}

fn same(field: &'static str, found: u64, expected: u64) -> Result<(), ChunkFault> {
    if found == expected {
        return Ok(());
    }
    Err(ChunkFault::Frame { field, found, expected: expected.to_string() })
}

/// The content size of data that is exactly one zstd frame (RFC 8878, 3.1.1); `None` when it is
/// anything else: what other frames behind it claim is not asked for.
fn zstd_content_bytes(data: &[u8]) -> Option<u64> {
    const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    let rest = data.strip_prefix(&MAGIC)?;
    let (&descriptor, rest) = rest.split_first()?;
    let single_segment = descriptor & 0x20 != 0;
    let has_checksum = descriptor & 0x04 != 0;
    let dictionary_bytes = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size_bytes = match descriptor >> 6 {
        0 if single_segment => 1,
        0 => return None,
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let rest = rest.get(usize::from(!single_segment) + dictionary_bytes..)?;
    let mut size = [0; 8];
    size[..size_bytes].copy_from_slice(rest.get(..size_bytes)?);
    let base = if size_bytes == 2 { 256 } else { 0 };
    let content = u64::from_le_bytes(size).checked_add(base)?;

    let mut blocks = rest.get(size_bytes..)?;
    loop {
        let header = u32::from_le_bytes([*blocks.first()?, *blocks.get(1)?, *blocks.get(2)?, 0]);
        let (last, kind, length) = (header & 1 != 0, header >> 1 & 3, (header >> 3) as usize);
        let stored = if kind == 1 { 1 } else { length };
        blocks = blocks.get(3 + stored..)?;
        if last {
            break;
        }
    }
    (blocks.len() == if has_checksum { 4 } else { 0 }).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::zstd_content_bytes;
    use crate::dtype::DType;
    use crate::store::codec::{ChunkCodec, Codec};

    #[test]
    fn two_zstd_frames_are_not_one() {
        let chunk = ChunkCodec::new(Codec::Zstd, DType::U8, &[5000]).unwrap();
        let file = chunk.encode(&[7; 5000]).unwrap();
        let one = &file[..file.len() - 4];
        assert_eq!(zstd_content_bytes(one), Some(5000));
        assert_eq!(zstd_content_bytes(&[one, one].concat()), None);
    }
}
