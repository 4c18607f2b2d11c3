//! How do the bytes of a chunk's file become the bytes of its numbers?
//!
//! [`Steps`] undoes what compresses and checks, in our chunks and in those of other tools, one step after the
//! other, each into a bound that was known before: what a chunk has in memory is known from its shape, and
//! what each step may have added, too.
//! zarrs' own chains allocate what the data claim (its gzip inflates without end, its shards come whole), so
//! none of them is used here. Byte order and the order of axes are not its matter.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::blocks;
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

    /// Puts what the bytes were before this step, no checksum, into the front of `room`; gives its length.
    fn undo(self, bytes: &[u8], room: &mut [u8]) -> Result<usize, ChunkFault> {
        let codec = |error: &dyn std::fmt::Display| ChunkFault::Codec(error.to_string());
        Ok(match self {
            Self::Crc32c => return Err(codec(&"a checksum holds nothing")),
            Self::Blosc => {
                let found = frame::blosc_content_bytes(bytes, FOREIGN_BLOCK_MAX_BYTES)?;
                if found > room.len() as u64 {
                    let (field, expected) = ("the decoded size", at_most(room.len() as u64));
                    return Err(ChunkFault::Frame { field, found, expected });
                }
                if found > 0 {
                    let out = &mut room[..found as usize];
                    blocks::decompress_into(bytes, out).map_err(|e| codec(&e))?;
                }
                found as usize
            }
            Self::Zstd => zstd::bulk::decompress_to_buffer(bytes, room).map_err(|e| codec(&e))?,
            Self::Gzip => inflate(MultiGzDecoder::new(bytes), room)?,
            Self::Zlib => inflate(ZlibDecoder::new(bytes), room)?,
        })
    }
}

/// All that comes out of a decoder, which must fit. It is read to its end, so that it checks its checksum.
fn inflate(mut decoder: impl Read, room: &mut [u8]) -> Result<usize, ChunkFault> {
    let codec = |error: io::Error| ChunkFault::Codec(error.to_string());
    let (mut len, mut behind) = (0, [0]);
    loop {
        let at_end = len == room.len();
        let rest = if at_end { &mut behind[..] } else { &mut room[len..] };
        match decoder.read(rest) {
            Ok(0) => return Ok(len),
            Ok(_) if at_end => {
                let expected = at_most(len as u64);
                return Err(ChunkFault::Codec(format!("more comes out of it than {expected}")));
            }
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(codec(error)),
        }
    }
}

fn at_most(bytes: u64) -> String {
    format!("at most {bytes}")
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
        let mut numbers = vec![0; self.decoded_bytes() as usize];
        self.decode_into(file, &mut numbers)?;
        Ok(numbers)
    }

    /// The same, into memory that is as long. On an error it may hold anything.
    pub(crate) fn decode_into(&self, file: &[u8], out: &mut [u8]) -> Result<(), ChunkFault> {
        let size = |found: usize, expected| ChunkFault::Size { found: found as u64, expected };
        if file.len() as u64 > self.encoded_bound() {
            return Err(size(file.len(), at_most(self.encoded_bound())));
        }
        let mut bytes = Cow::Borrowed(file);
        for (at, step) in self.steps.iter().enumerate().rev() {
            if *step == Step::Crc32c {
                verified_checksum(&bytes)?;
                let end = bytes.len() - CHECKSUM_BYTES as usize;
                match &mut bytes {
                    Cow::Borrowed(bytes) => *bytes = &bytes[..end],
                    Cow::Owned(bytes) => bytes.truncate(end),
                }
            } else if at == 0 {
                return match step.undo(&bytes, out)? {
                    len if len == out.len() => Ok(()),
                    len => Err(size(len, out.len().to_string())),
                };
            } else {
                let mut room = vec![0; self.most[at] as usize];
                let len = step.undo(&bytes, &mut room)?;
                room.truncate(len);
                bytes = Cow::Owned(room);
            }
        }
        if bytes.len() != out.len() {
            return Err(size(bytes.len(), out.len().to_string()));
        }
        out.copy_from_slice(&bytes);
        Ok(())
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
                let file = chunk.unwrap().encode(bytes).unwrap();
                file[..file.len() - 4].to_vec()
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
