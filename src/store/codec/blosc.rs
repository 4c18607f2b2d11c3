//! How does a frame of blosc come out into memory that is there already?
//!
//! By `blocks`, where it is one of those, and else by the C library that zarrs has, too; zarrs itself gives back new memory each time, which the system must clear, and
//! which the allocator keeps or not. Its plain twin, which tests compare with, is zarrs. Says nothing about sizes
//! that may be believed: that is `frame`'s matter.
#![expect(unsafe_code, reason = "decompressing into a buffer by a C library")]

use std::ops::Range;

use blosc_src::{blosc_cbuffer_validate, blosc_decompress_ctx, blosc_getitem};

use super::blocks::Blocks;

const DAMAGED: &str = "the blosc frame is damaged";
/// Where a frame's header has the size of a number.
const ITEM_BYTES_AT: usize = 3;

/// Makes `out`, which is as long, these bytes of the content of a frame, of which it has `content_bytes`; of a part only the
/// blocks are decompressed that hold some of it. On an error `out` may hold anything.
pub(super) fn decompress_part(
    frame: &[u8],
    content_bytes: usize,
    part: Range<usize>,
    out: &mut [u8],
) -> Result<(), &'static str> {
    validate(frame, content_bytes)?;
    if let Some(blocks) = Blocks::of(frame) {
        return blocks.decode(part, out);
    }
    let item = usize::from(frame[ITEM_BYTES_AT]);
    let is_whole = |at: usize| item > 0 && at.is_multiple_of(item);
    if part.end > content_bytes || part.len() != out.len() {
        return Err("less comes out of the blosc frame");
    }
    if part.len() == content_bytes {
        // SAFETY: the frame is as long as its header says (validated above), and the library reads no further; it
        // writes no more than `out.len()` bytes of exclusive memory. One thread: it starts none, and shares nothing.
        let written = unsafe {
            blosc_decompress_ctx(frame.as_ptr().cast(), out.as_mut_ptr().cast(), out.len(), 1)
        };
        return all_of(out, written);
    }
    if !is_whole(part.start) || !is_whole(part.end) {
        return Err("the size of a number in the blosc frame is another");
    }
    let (Ok(first), Ok(count)) = ((part.start / item).try_into(), (part.len() / item).try_into())
    else {
        return Err(DAMAGED);
    };
    // SAFETY: the frame is as long as its header says (validated above), and the library reads no further. It writes
    // `count` numbers of the header's size: `out.len()` bytes of exclusive memory, as they are inside the content.
    let written =
        unsafe { blosc_getitem(frame.as_ptr().cast(), first, count, out.as_mut_ptr().cast()) };
    all_of(out, written)
}

/// All of its content.
pub(super) fn decompress_into(frame: &[u8], out: &mut [u8]) -> Result<(), &'static str> {
    decompress_part(frame, out.len(), 0..out.len(), out)
}

fn all_of(out: &[u8], written: i32) -> Result<(), &'static str> {
    if usize::try_from(written) == Ok(out.len()) { Ok(()) } else { Err(DAMAGED) }
}

/// Refuses what is not a frame as long as its header says, with a content of so many bytes.
fn validate(frame: &[u8], content_bytes: usize) -> Result<(), &'static str> {
    let mut found = 0;
    // SAFETY: the library reads no more than `frame.len()` bytes of the live slice, and writes one number.
    let status =
        unsafe { blosc_cbuffer_validate(frame.as_ptr().cast(), frame.len(), &raw mut found) };
    if status == 0 && found == content_bytes {
        Ok(())
    } else {
        Err("the header of the blosc frame means nothing")
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::ops::Range;

    use zarrs::array::BytesRepresentation;
    use zarrs::array::codec::api::BytesToBytesCodecTraits;
    use zarrs::array::codec::{BloscCodec, BloscCompressor, BloscShuffleMode};

    use super::super::chunk::OPTIONS;
    use super::{Blocks, decompress_into, decompress_part};

    fn codec(compressor: BloscCompressor, shuffle: BloscShuffleMode) -> BloscCodec {
        BloscCodec::new(compressor, 5.try_into().unwrap(), None, shuffle, Some(2)).unwrap()
    }

    #[test]
    fn zarrs_gives_the_same_bytes_of_every_frame_that_it_makes_and_of_damaged_ones() {
        let numbers: Vec<u8> = (0..100_001_u32).map(|i| (i / 7 * 31 % 251) as u8).collect();
        for shuffle in
            [BloscShuffleMode::BitShuffle, BloscShuffleMode::Shuffle, BloscShuffleMode::NoShuffle]
        {
            for inner in [BloscCompressor::Zstd, BloscCompressor::LZ4, BloscCompressor::Zlib] {
                let codec = codec(inner, shuffle);
                for len in [1, 15, 16, 4096, 100_001] {
                    let frame = codec.encode((&numbers[..len]).into(), &OPTIONS).unwrap();
                    let mut out = vec![1; len];
                    decompress_into(&frame, &mut out).unwrap();
                    assert_eq!(out, numbers[..len]);
                    for at in (0..frame.len()).step_by(frame.len() / 50 + 1) {
                        let mut bad = frame.to_vec();
                        bad[at] ^= 16;
                        let size = BytesRepresentation::FixedSize(len as u64);
                        let twin = codec.decode((&bad[..]).into(), &size, &OPTIONS).ok();
                        let ours = decompress_into(&bad, &mut out).ok().map(|()| &out[..]);
                        let twin = twin.as_deref().filter(|numbers| numbers.len() == len);
                        assert_eq!(ours, twin, "byte {at} of {}", frame.len());
                    }
                }
            }
        }
    }

    #[test]
    fn a_frame_that_is_cut_or_of_another_length_is_an_error() {
        let codec = codec(BloscCompressor::Zstd, BloscShuffleMode::BitShuffle);
        let frame = codec.encode((&[3; 1000][..]).into(), &OPTIONS).unwrap();
        for len in 0..frame.len() {
            assert!(decompress_into(&frame[..len], &mut [0; 1000]).is_err(), "{len}");
        }
        assert!(decompress_into(&frame, &mut [0; 999]).is_err());
        assert!(decompress_into(&frame, &mut [0; 1001]).is_err());
        assert!(decompress_into(&frame, &mut []).is_err());
    }

    fn numbers(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i / 7 * 31 % 251) as u8).collect()
    }

    /// A frame of blocks of 8 KiB.
    fn frame(
        inner: BloscCompressor,
        shuffle: BloscShuffleMode,
        item: usize,
        len: usize,
    ) -> (BloscCodec, Vec<u8>) {
        let level = 5.try_into().unwrap();
        let codec = BloscCodec::new(inner, level, Some(8 << 10), shuffle, Some(item)).unwrap();
        let frame = codec.encode(numbers(len).into(), &OPTIONS).unwrap().into_owned();
        (codec, frame)
    }

    #[test]
    fn every_part_is_that_of_the_whole() {
        const LEN: usize = 60_000;
        for inner in [BloscCompressor::Zstd, BloscCompressor::LZ4, BloscCompressor::BloscLZ] {
            for (shuffle, item) in [
                (BloscShuffleMode::BitShuffle, 2),
                (BloscShuffleMode::Shuffle, 4),
                (BloscShuffleMode::NoShuffle, 1),
            ] {
                let (_, frame) = frame(inner, shuffle, item, LEN);
                for start in (0..LEN).step_by(4004) {
                    for len in [0, 4, 8, 8192, 20_000, LEN] {
                        let part = start..LEN.min(start + len);
                        let mut out = vec![1; part.len()];
                        decompress_part(&frame, LEN, part.clone(), &mut out).unwrap();
                        assert_eq!(out, numbers(LEN)[part.clone()], "{inner:?} {part:?}");
                    }
                }
                let part = |part: Range<usize>, room: usize| {
                    decompress_part(&frame, LEN, part, &mut vec![0; room]).is_ok()
                };
                assert!(part(8..16, 8) && !part(8..16, 4) && !part(LEN..LEN + 4, 4));
                assert_eq!(part(9..13, 4), item == 1, "{item}");
                let is_ours = inner == BloscCompressor::Zstd && item == 2;
                assert_eq!(Blocks::of(&frame).is_some(), is_ours);
                assert!(decompress_part(&frame, LEN + 4, 8..16, &mut [0; 8]).is_err());
            }
        }
    }

    /// What is flipped may lie in another block; else it is an error, or the part as zarrs has it.
    #[test]
    fn a_part_of_a_damaged_frame_is_an_error_or_what_zarrs_gives() {
        const LEN: usize = 30_000;
        let (codec, frame) = frame(BloscCompressor::Zstd, BloscShuffleMode::BitShuffle, 2, LEN);
        let part = 17_000..19_000;
        let mut out = vec![0; part.len()];
        let (mut right, mut errors) = (0, 0);
        for at in 0..frame.len() {
            for bit in [1, 16, 128] {
                let mut bad = frame.clone();
                bad[at] ^= bit;
                if decompress_part(&bad, LEN, part.clone(), &mut out).is_err() {
                    errors += 1;
                    continue;
                }
                let size = BytesRepresentation::FixedSize(LEN as u64);
                let twin = codec.decode((&bad[..]).into(), &size, &OPTIONS).ok();
                let twin = twin.filter(|numbers| numbers.len() == LEN);
                let want = twin.map_or_else(|| numbers(LEN), Cow::into_owned);
                assert_eq!(out, want[part.clone()], "byte {at}");
                right += 1;
            }
        }
        assert!(right > 0 && errors > 0, "{right} {errors}");
        for len in 0..frame.len() {
            assert!(decompress_part(&frame[..len], LEN, part.clone(), &mut out).is_err(), "{len}");
        }
    }
}
