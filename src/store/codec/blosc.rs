//! How does a frame of blosc come out into memory that is there already?
//!
//! By the C library that zarrs has, too; zarrs itself gives back new memory each time, which the system must clear, and
//! which the allocator keeps or not. Its plain twin, which tests compare with, is zarrs. Says nothing about sizes
//! that may be believed: that is `frame`'s matter.
#![expect(unsafe_code, reason = "decompressing into a buffer by a C library")]

use blosc_src::{blosc_cbuffer_validate, blosc_decompress_ctx};

/// Decompresses a frame into `out`, which is as long as its content. On an error `out` may hold anything.
pub(super) fn decompress_into(frame: &[u8], out: &mut [u8]) -> Result<(), &'static str> {
    let mut content_bytes = 0;
    // SAFETY: the library reads no more than `frame.len()` bytes of the live slice, and writes one number.
    let status = unsafe {
        blosc_cbuffer_validate(frame.as_ptr().cast(), frame.len(), &raw mut content_bytes)
    };
    if status != 0 || content_bytes != out.len() {
        return Err("the header of the blosc frame means nothing");
    }
    // SAFETY: the frame is as long as its header says (validated above), and the library reads no further; it
    // writes no more than `out.len()` bytes of exclusive memory. One thread: it starts none, and shares nothing.
    let written = unsafe {
        blosc_decompress_ctx(frame.as_ptr().cast(), out.as_mut_ptr().cast(), out.len(), 1)
    };
    if usize::try_from(written) == Ok(out.len()) {
        Ok(())
    } else {
        Err("the blosc frame is damaged")
    }
}

#[cfg(test)]
mod tests {
    use zarrs::array::BytesRepresentation;
    use zarrs::array::codec::api::BytesToBytesCodecTraits;
    use zarrs::array::codec::{BloscCodec, BloscCompressor, BloscShuffleMode};

    use super::super::chunk::OPTIONS;
    use super::decompress_into;

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
}
