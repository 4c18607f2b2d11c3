//! How do the bytes of a chunk's file become the bytes of its numbers?
//!
//! [`Steps`] undoes what compresses and checks, in our chunks and in those of other tools, one step after the
//! other, each into a bound that was known before: what a chunk has in memory is known from its shape, and
//! what each step may have added, too.
//! zarrs' own chains allocate what the data claim (its gzip inflates without end, its shards come whole),
//! so only its blosc is used here, behind `frame`'s look at the header. Byte order and the order of axes
//! are not its matter.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};
use zarrs::array::BytesRepresentation;
use zarrs::array::codec::api::BytesToBytesCodecTraits;
use zarrs::array::codec::{BloscCodec, BloscCompressor, BloscShuffleMode};

use super::chunk::OPTIONS;
use super::frame::{self, CHECKSUM_BYTES, FOREIGN_BLOCK_MAX_BYTES};
use crate::store::checksums::verified_checksum;
use crate::store::error::ChunkFault;

/// Working memory of a decoder beyond its input and output: three of blosc's largest blocks, and the
/// contexts of zstd and deflate.
const DECODER_BYTES: u64 = 4 << 20;

/// One thing that was done to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Blosc,
    Zstd,
    Gzip,
    Zlib,
    Crc32c,
}

impl Step {
    /// The step of this name, which is Zarr's.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Blosc, Self::Zstd, Self::Gzip, Self::Zlib, Self::Crc32c]
            .into_iter()
            .find(|step| step.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Blosc => "blosc",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Crc32c => "crc32c",
        }
    }

    /// The most that comes of so many bytes: what the libraries say they add, and some more.
    const fn most_bytes(self, before: u64) -> u64 {
        match self {
            Self::Blosc => before + frame::BLOSC_HEADER_BYTES,
            Self::Zstd => before + before / 64 + 1024,
            Self::Gzip | Self::Zlib => before + before / 8 + 1024,
            Self::Crc32c => before + CHECKSUM_BYTES,
        }
    }

    /// What the bytes were before this step: `exactly` so many, or at most.
    fn undo(
        self,
        bytes: Cow<'_, [u8]>,
        most: u64,
        exactly: bool,
    ) -> Result<Cow<'_, [u8]>, ChunkFault> {
        let codec = |error: &dyn std::fmt::Display| ChunkFault::Codec(error.to_string());
        Ok(match self {
            Self::Crc32c => {
                verified_checksum(&bytes)?;
                let end = bytes.len() - CHECKSUM_BYTES as usize;
                match bytes {
                    Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[..end]),
                    Cow::Owned(mut bytes) => {
                        bytes.truncate(end);
                        Cow::Owned(bytes)
                    }
                }
            }
            Self::Blosc => {
                let size = frame::blosc_content_bytes(&bytes, FOREIGN_BLOCK_MAX_BYTES)?;
                if size > most || (exactly && size != most) {
                    let expected = bound(most, exactly);
                    let field = "the decoded size";
                    return Err(ChunkFault::Frame { field, found: size, expected });
                }
                if size == 0 {
                    return Ok(Cow::Owned(vec![]));
                }
                let size = BytesRepresentation::FixedSize(size);
                blosc()?.decode(bytes, &size, &OPTIONS).map_err(|e| codec(&e))?
            }
            Self::Zstd => {
                let decoded = zstd::bulk::decompress(&bytes, most as usize);
                Cow::Owned(decoded.map_err(|e| codec(&e))?)
            }
            Self::Gzip => Cow::Owned(inflate(MultiGzDecoder::new(&bytes[..]), most)?),
            Self::Zlib => Cow::Owned(inflate(ZlibDecoder::new(&bytes[..]), most)?),
        })
    }
}

/// All that comes out of a decoder, which is at most so much. It is read to its end, so that it checks
/// its checksum.
fn inflate(decoder: impl Read, most: u64) -> Result<Vec<u8>, ChunkFault> {
    let mut bytes = Vec::with_capacity(most as usize);
    let read = decoder.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|e| ChunkFault::Codec(e.to_string()))?;
    Ok(bytes)
}

/// blosc's settings are in its frames; those of a codec are for writing.
fn blosc() -> Result<BloscCodec, ChunkFault> {
    let level = 1.try_into().map_err(|_| ChunkFault::Codec("blosc has no level 1".to_owned()))?;
    BloscCodec::new(BloscCompressor::Zstd, level, None, BloscShuffleMode::NoShuffle, None)
        .map_err(|e| ChunkFault::Codec(e.to_string()))
}

fn bound(bytes: u64, exactly: bool) -> String {
    if exactly { bytes.to_string() } else { format!("at most {bytes}") }
}

/// What was done to the numbers of every chunk of an array, in this order.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    steps: Vec<Step>,
    /// The most bytes before each step, and after the last: first of all the size of a chunk in memory.
    most: Vec<u64>,
}

impl Steps {
    /// For chunks of so many bytes.
    pub(crate) fn new(steps: Vec<Step>, decoded_bytes: u64) -> Self {
        let mut most = vec![decoded_bytes];
        for step in &steps {
            most.push(step.most_bytes(most[most.len() - 1]));
        }
        Self { steps, most }
    }

    /// Size of a chunk in memory.
    pub(crate) fn decoded_bytes(&self) -> u64 {
        self.most[0]
    }

    /// The most bytes a chunk can have in a file.
    pub(crate) fn encoded_bound(&self) -> u64 {
        self.most[self.steps.len()]
    }

    /// Memory of reading and decoding one chunk, result included: the file's bytes, what goes into a step and
    /// what comes out of it, where that is most, and the decoder. A checksum is checked where it lies.
    pub(crate) fn scratch_bytes(&self) -> u64 {
        let (mut held, mut most) = (0, self.decoded_bytes());
        for (step, &after) in self.steps.iter().zip(&self.most).rev() {
            if *step != Step::Crc32c {
                most = most.max(held + after);
                held = after;
            }
        }
        self.encoded_bound() + most + DECODER_BYTES
    }

    /// The bytes of a chunk's numbers, from those of its file.
    pub(crate) fn decode(&self, file: &[u8]) -> Result<Vec<u8>, ChunkFault> {
        let wrong = |found: usize, most: u64, exactly: bool| {
            let found = found as u64;
            (found > most || (exactly && found != most))
                .then(|| ChunkFault::Size { found, expected: bound(most, exactly) })
        };
        if let Some(fault) = wrong(file.len(), self.encoded_bound(), self.steps.is_empty()) {
            return Err(fault);
        }
        let mut bytes = Cow::Borrowed(file);
        for (at, step) in self.steps.iter().enumerate().rev() {
            let (most, exactly) = (self.most[at], at == 0);
            bytes = step.undo(bytes, most, exactly)?;
            if let Some(fault) = wrong(bytes.len(), most, exactly) {
                return Err(ChunkFault::Codec(format!("what {} gives back: {fault}", step.name())));
            }
        }
        Ok(bytes.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::{ChunkFault, Step, Steps};
    use crate::dtype::DType;
    use crate::store::codec::{ChunkCodec, Codec};

    fn numbers(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i / 3 * 7 % 251) as u8).collect()
    }

    /// Does a step, in the ways that its readers meet.
    fn done(step: Step, bytes: &[u8]) -> Vec<u8> {
        match step {
            Step::Blosc => {
                let chunk = ChunkCodec::new(Codec::BloscLz4, DType::U8, &[bytes.len() as u64]);
                let mut file = chunk.unwrap().encode(bytes).unwrap();
                file.truncate(file.len() - 4);
                file
            }
            // As a stream, whose frame names no size.
            Step::Zstd => zstd::stream::encode_all(bytes, 1).unwrap(),
            Step::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Step::Zlib => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Step::Crc32c => [bytes, &crc32c::crc32c(bytes).to_le_bytes()].concat(),
        }
    }

    fn file(steps: &[Step], bytes: &[u8]) -> Vec<u8> {
        steps.iter().fold(bytes.to_vec(), |bytes, &step| done(step, &bytes))
    }

    const CHAINS: [&[Step]; 8] = [
        &[],
        &[Step::Blosc],
        &[Step::Zstd],
        &[Step::Gzip],
        &[Step::Zlib],
        &[Step::Crc32c],
        &[Step::Blosc, Step::Crc32c],
        &[Step::Crc32c, Step::Gzip, Step::Zstd, Step::Crc32c],
    ];

    #[test]
    fn every_chain_gives_back_what_went_in() {
        for chain in CHAINS {
            for bytes in [1, 240, 70_000] {
                let want = numbers(bytes);
                let steps = Steps::new(chain.to_vec(), bytes as u64);
                assert_eq!(steps.decode(&file(chain, &want)).unwrap(), want, "{chain:?}");
            }
        }
    }

    #[test]
    fn a_chunk_of_another_size_is_an_error() {
        for chain in CHAINS {
            for bytes in [0_usize, 1, 239, 241, 1 << 20] {
                if bytes == 0 && chain.contains(&Step::Blosc) {
                    continue;
                }
                let steps = Steps::new(chain.to_vec(), 240);
                let decoded = steps.decode(&file(chain, &numbers(bytes)));
                assert!(decoded.is_err(), "{chain:?}: {bytes} bytes");
            }
            assert!(Steps::new(chain.to_vec(), 240).decode(&[]).is_err(), "{chain:?}");
        }
    }

    #[test]
    fn what_inflates_without_end_is_cut_at_the_bound() {
        let bomb = vec![0; 64 << 20];
        for step in [Step::Gzip, Step::Zlib, Step::Zstd] {
            let file = done(step, &bomb);
            let steps = Steps::new(vec![step], file.len() as u64);
            assert!(matches!(steps.decode(&file), Err(ChunkFault::Codec(_))), "{step:?}");
        }
    }

    #[test]
    fn a_checksum_that_does_not_hold_is_told_as_such() {
        let mut bytes = file(&[Step::Crc32c], &numbers(240));
        bytes[7] ^= 1;
        let steps = Steps::new(vec![Step::Crc32c], 240);
        assert!(matches!(steps.decode(&bytes), Err(ChunkFault::Checksum)));
    }

    #[test]
    fn no_cut_and_no_flip_is_a_panic_or_numbers_of_another_length() {
        for chain in CHAINS {
            let good = file(chain, &numbers(240));
            let steps = Steps::new(chain.to_vec(), 240);
            let length = |bytes: &[u8]| steps.decode(bytes).map_or(240, |numbers| numbers.len());
            for len in 0..good.len() {
                assert_eq!(length(&good[..len]), 240, "{chain:?}");
            }
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(length(&bad), 240, "{chain:?}: bit {bit}");
            }
        }
    }
}
