//! How do a chunk's voxels become bytes of a file, and back?
//!
//! The only module that names zarrs. A [`ChunkCodec`] is one array's codec chain: numbers in, file
//! bytes out, one chunk a call, on the calling thread. It opens no file. Bytes from disk are not
//! trusted: what they claim to inflate to is checked against the chunk's size before zarrs
//! allocates anything for it.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::thread;

use zarrs::array::codec::api::{
    ArrayToBytesCodecTraits, BytesToBytesCodecTraits, CodecError, CodecOptions,
};
use zarrs::array::codec::{
    BloscCodec, BloscCompressor, BloscShuffleMode, BytesCodec, Crc32cCodec, ZstdCodec,
};
use zarrs::array::{CodecChain, DataType, FillValue, data_type};

use crate::dtype::DType;
use crate::grid::element_count;

/// How chunks are compressed. A crc32c checksum follows whatever is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Codec {
    /// blosc: bitshuffle, zstd level 1. Smallest on real BOLD.
    #[default]
    BloscZstd,
    /// blosc: bitshuffle, lz4 level 5. Fastest to decode.
    BloscLz4,
    /// Plain zstd, level 1.
    Zstd,
    /// Not at all.
    Raw,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BloscZstd, Self::BloscLz4, Self::Zstd, Self::Raw];

    /// `blosc-zstd`, `blosc-lz4`, `zstd` or `none`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BloscZstd => "blosc-zstd",
            Self::BloscLz4 => "blosc-lz4",
            Self::Zstd => "zstd",
            Self::Raw => "none",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        let found = Self::ALL.into_iter().find(|codec| codec.name() == name);
        found.ok_or_else(|| UnknownCodec(name.to_owned()))
    }
}

/// Not the name of a [`Codec`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a codec; choose blosc-zstd, blosc-lz4, zstd or none")]
pub struct UnknownCodec(pub String);

/// Level of zstd, in blosc and alone.
pub(super) const ZSTD_LEVEL: u8 = 1;
/// Level of lz4 in blosc.
pub(super) const LZ4_LEVEL: u8 = 5;

/// Bytes of the crc32c at the end of every chunk file.
const CHECKSUM_BYTES: u64 = 4;
/// Header of a blosc frame, and the most that blosc adds.
const BLOSC_HEADER_BYTES: u64 = 16;
/// blosc's own blocks are 32 to 256 KiB at our levels; it allocates three of what a header names.
const BLOSC_BLOCK_MAX_BYTES: u64 = 1 << 20;
/// Working memory of an encoder beyond its input and outputs: zstd's or lz4's tables and blosc's
/// blocks. A bound from above: on noise, whole-process peaks of the codecs are 16.1 (none) to
/// 18.3 MB (lz4).
const ENCODER_BYTES: u64 = 2 << 20;
/// The same of a decoder: blosc's blocks and zstd's context.
const DECODER_BYTES: u64 = 1 << 20;

/// zarrs' options: its own concurrency 1, checksums verified.
///
/// `CodecOptions::default` asks rayon for the size of the current pool, which outside of one starts
/// rayon's global pool: threads nobody counted. So it is asked once, inside a pool of one; and from
/// a thread of no pool, because a rayon worker that waits for another pool takes up other jobs
/// meanwhile, and one that came back here would wait for itself.
static OPTIONS: LazyLock<CodecOptions> = LazyLock::new(|| {
    let ask = || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.map_or_else(|_| CodecOptions::default(), |p| p.install(CodecOptions::default))
    };
    let options = thread::spawn(ask).join().unwrap_or_default();
    options.with_concurrent_target(1).with_validate_checksums(true)
});

/// Why a chunk's bytes are not voxels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkFault {
    #[error("the file has {found} bytes, expected {expected}; it is torn or damaged")]
    Size { found: u64, expected: String },
    #[error("the compressed frame says {field} is {found}, expected {expected}; it is damaged")]
    Frame { field: &'static str, found: u64, expected: String },
    #[error("the crc32c checksum does not match; the file is damaged")]
    Checksum,
    #[error("cannot decode: {0}")]
    Codec(String),
}

/// The codec chain of one array: `bytes` (little-endian), the [`Codec`], crc32c.
#[derive(Debug)]
pub(super) struct ChunkCodec {
    chain: CodecChain,
    codec: Codec,
    data_type: DataType,
    fill: FillValue,
    shape: Vec<NonZeroU64>,
    decoded_bytes: u64,
}

impl ChunkCodec {
    /// The chain for chunks of this type and shape (order of the disk); `None` when a length is 0
    /// or the size does not fit.
    pub(super) fn new(codec: Codec, dtype: DType, shape: &[u64]) -> Option<Self> {
        let decoded_bytes = element_count(shape)?.checked_mul(dtype.size() as u64)?;
        let shape: Option<Vec<_>> = shape.iter().map(|&n| NonZeroU64::new(n)).collect();
        let compressor: Option<Arc<dyn BytesToBytesCodecTraits>> = match codec {
            Codec::BloscZstd => Some(Arc::new(blosc(BloscCompressor::Zstd, ZSTD_LEVEL, dtype)?)),
            Codec::BloscLz4 => Some(Arc::new(blosc(BloscCompressor::LZ4, LZ4_LEVEL, dtype)?)),
            Codec::Zstd => Some(Arc::new(ZstdCodec::new(ZSTD_LEVEL.into(), false))),
            Codec::Raw => None,
        };
        let checksum: Arc<dyn BytesToBytesCodecTraits> = Arc::new(Crc32cCodec::new());
        let tail = compressor.into_iter().chain([checksum]).collect();
        Some(Self {
            chain: CodecChain::new(vec![], Arc::new(BytesCodec::little()), tail),
            codec,
            data_type: zarr_type(dtype),
            fill: FillValue::new(fill_bytes(dtype)),
            shape: shape?,
            decoded_bytes,
        })
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Size of a whole chunk in memory.
    pub(super) fn decoded_bytes(&self) -> u64 {
        self.decoded_bytes
    }

    /// The most a chunk's file can have.
    pub(super) fn encoded_bound(&self) -> u64 {
        CHECKSUM_BYTES
            + match self.codec {
                Codec::Raw => self.decoded_bytes,
                Codec::BloscZstd | Codec::BloscLz4 => self.decoded_bytes + BLOSC_HEADER_BYTES,
                Codec::Zstd => self.decoded_bytes + self.decoded_bytes / 256 + 64,
            }
    }

    /// Memory of one [`encode`](Self::encode) beyond its input: the compressed bytes, twice while
    /// the checksum is put behind them, and the compressor.
    pub(super) fn encode_scratch(&self) -> u64 {
        2 * self.encoded_bound() + ENCODER_BYTES
    }

    /// Memory of reading and decoding one chunk, result included: the file's bytes with a copy
    /// without checksum, then that copy with the voxels and the decompressor.
    pub(super) fn decode_scratch(&self) -> u64 {
        self.encoded_bound() + self.encoded_bound().max(self.decoded_bytes) + DECODER_BYTES
    }

    /// The file bytes of a whole chunk of numbers in native byte order.
    pub(super) fn encode(&self, voxels: &[u8]) -> Result<Vec<u8>, String> {
        self.chain
            .encode(
                Cow::Borrowed(voxels).into(),
                &self.shape,
                &self.data_type,
                &self.fill,
                &OPTIONS,
            )
            .map(Cow::into_owned)
            .map_err(|e| e.to_string())
    }

    /// The numbers of a chunk, in native byte order, from its file's bytes.
    pub(super) fn decode(&self, file: Vec<u8>) -> Result<Vec<u8>, ChunkFault> {
        self.check_claims(&file)?;
        let decoded = self
            .chain
            .decode(Cow::Owned(file), &self.shape, &self.data_type, &self.fill, &OPTIONS)
            .map_err(|e| match e {
                CodecError::InvalidChecksum => ChunkFault::Checksum,
                other => ChunkFault::Codec(other.to_string()),
            })?;
        let bytes =
            decoded.into_fixed().map_err(|e| ChunkFault::Codec(e.to_string()))?.into_owned();
        if bytes.len() as u64 != self.decoded_bytes {
            let (found, expected) = (bytes.len() as u64, self.decoded_bytes);
            return Err(ChunkFault::Codec(format!("{found} bytes came out, not {expected}")));
        }
        Ok(bytes)
    }

    /// Refuses a file that would inflate to anything but one chunk.
    fn check_claims(&self, file: &[u8]) -> Result<(), ChunkFault> {
        let found = file.len() as u64;
        let wrong_size = |expected: String| Err(ChunkFault::Size { found, expected });
        if found <= CHECKSUM_BYTES {
            return wrong_size(format!("more than {CHECKSUM_BYTES}"));
        }
        let data = &file[..file.len() - CHECKSUM_BYTES as usize];
        match self.codec {
            Codec::Raw if data.len() as u64 != self.decoded_bytes => {
                wrong_size(self.encoded_bound().to_string())
            }
            Codec::Raw => Ok(()),
            Codec::BloscZstd | Codec::BloscLz4 => self.check_blosc(data),
            Codec::Zstd => {
                let found = zstd_content_bytes(data).unwrap_or(0);
                frame("the content size", found, self.decoded_bytes)
            }
        }
    }

    /// The header of a blosc frame: four bytes of flags, then three sizes, little-endian.
    fn check_blosc(&self, data: &[u8]) -> Result<(), ChunkFault> {
        let Some(sizes) = data.get(4..BLOSC_HEADER_BYTES as usize) else {
            let expected = format!("at least {}", BLOSC_HEADER_BYTES + CHECKSUM_BYTES);
            return Err(ChunkFault::Size { found: data.len() as u64 + CHECKSUM_BYTES, expected });
        };
        let size = |at: usize| u64::from(u32::from_le_bytes([0, 1, 2, 3].map(|i| sizes[at + i])));
        frame("the decoded size", size(0), self.decoded_bytes)?;
        frame("the compressed size", size(8), data.len() as u64)?;
        if size(4) > BLOSC_BLOCK_MAX_BYTES {
            let expected = format!("at most {BLOSC_BLOCK_MAX_BYTES}");
            return Err(ChunkFault::Frame { field: "the block size", found: size(4), expected });
        }
        Ok(())
    }
}

fn frame(field: &'static str, found: u64, expected: u64) -> Result<(), ChunkFault> {
    if found == expected {
        return Ok(());
    }
    Err(ChunkFault::Frame { field, found, expected: expected.to_string() })
}

/// The content size of data that is exactly one zstd frame (RFC 8878, 3.1.1); `None` when it is
/// anything else. zarrs allocates what all frames of a file claim, so both are checked.
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

fn blosc(compressor: BloscCompressor, level: u8, dtype: DType) -> Option<BloscCodec> {
    let level = level.try_into().ok()?;
    BloscCodec::new(compressor, level, None, BloscShuffleMode::BitShuffle, Some(dtype.size())).ok()
}

fn zarr_type(dtype: DType) -> DataType {
    match dtype {
        DType::Bool => data_type::bool(),
        DType::U8 => data_type::uint8(),
        DType::I8 => data_type::int8(),
        DType::U16 => data_type::uint16(),
        DType::I16 => data_type::int16(),
        DType::U32 => data_type::uint32(),
        DType::I32 => data_type::int32(),
        DType::U64 => data_type::uint64(),
        DType::I64 => data_type::int64(),
        DType::F32 => data_type::float32(),
        DType::F64 => data_type::float64(),
    }
}

/// One fill value in native byte order: 0 for integers, NaN for floats.
pub(super) fn fill_bytes(dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F32 => f32::NAN.to_ne_bytes().to_vec(),
        DType::F64 => f64::NAN.to_ne_bytes().to_vec(),
        integer => vec![0; integer.size()],
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkCodec, ChunkFault, Codec, zstd_content_bytes};
    use crate::dtype::DType;

    fn voxels(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| (i / 3 * 7 % 251) as u8).collect()
    }

    #[test]
    fn every_codec_gives_back_every_type() {
        for codec in Codec::ALL {
            for dtype in DType::ALL {
                let chunk = ChunkCodec::new(codec, dtype, &[3, 2, 5, 7]).unwrap();
                let want = voxels(chunk.decoded_bytes() as usize);
                let file = chunk.encode(&want).unwrap();
                assert!(file.len() as u64 <= chunk.encoded_bound(), "{codec} {dtype}");
                assert_eq!(chunk.decode(file).unwrap(), want, "{codec} {dtype}");
            }
        }
    }

    #[test]
    fn noise_stays_within_the_bound() {
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..300_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        for codec in Codec::ALL {
            let chunk = ChunkCodec::new(codec, DType::U8, &[300_000]).unwrap();
            assert!(chunk.encode(&noise).unwrap().len() as u64 <= chunk.encoded_bound(), "{codec}");
        }
    }

    #[test]
    fn a_flip_of_any_bit_and_a_cut_at_any_byte_are_errors() {
        for codec in Codec::ALL {
            let chunk = ChunkCodec::new(codec, DType::I16, &[2, 3, 5, 4]).unwrap();
            let good = chunk.encode(&voxels(240)).unwrap();
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert!(chunk.decode(bad).is_err(), "{codec}, bit {bit}");
            }
            for len in 0..good.len() {
                assert!(chunk.decode(good[..len].to_vec()).is_err(), "{codec}, {len} bytes");
            }
        }
    }

    #[test]
    fn a_frame_that_claims_more_is_refused_before_anything_is_allocated_for_it() {
        let small = ChunkCodec::new(Codec::BloscZstd, DType::U8, &[100]).unwrap();
        for codec in [Codec::BloscZstd, Codec::BloscLz4, Codec::Zstd] {
            let large = ChunkCodec::new(codec, DType::U8, &[1 << 20]).unwrap();
            let file = large.encode(&vec![0; 1 << 20]).unwrap();
            let small = ChunkCodec::new(codec, DType::U8, &[100]).unwrap();
            assert!(matches!(small.decode(file), Err(ChunkFault::Frame { .. })), "{codec}");
        }
        assert!(matches!(small.decode(vec![]), Err(ChunkFault::Size { found: 0, .. })));
    }

    #[test]
    fn two_zstd_frames_are_not_one() {
        let chunk = ChunkCodec::new(Codec::Zstd, DType::U8, &[5000]).unwrap();
        let file = chunk.encode(&voxels(5000)).unwrap();
        let one = &file[..file.len() - 4];
        assert_eq!(zstd_content_bytes(one), Some(5000));
        assert_eq!(zstd_content_bytes(&[one, one].concat()), None);
    }

    #[test]
    fn names_are_read_back() {
        for codec in Codec::ALL {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        assert!("lzma".parse::<Codec>().is_err());
    }
}
