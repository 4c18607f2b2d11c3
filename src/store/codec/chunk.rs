//! How do a chunk's numbers become bytes of a file, and back?
//!
//! A [`ChunkCodec`] is one array's codecs: numbers in, file bytes out, one chunk a call, on the calling
//! thread. It opens no file. zarrs encodes, `steps` decodes. Bytes from disk are not trusted: what they claim
//! to inflate to is checked by `frame` before anything is allocated for it.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::{Arc, LazyLock};
use std::thread;

use zarrs::array::codec::api::{ArrayToBytesCodecTraits, BytesToBytesCodecTraits, CodecOptions};
use zarrs::array::codec::{BloscCodec, BloscCompressor, BloscShuffleMode, BytesCodec, ZstdCodec};
use zarrs::array::{CodecChain, DataType, FillValue, data_type};

use super::frame::{check, most_block_bytes, most_bytes};
use super::{BloscInner, Codec, Frame, Step, Steps};
use crate::dtype::DType;
use crate::grid::element_count;
use crate::store::checksums::checksum;
use crate::store::error::ChunkFault;

/// Working memory of an encoder beyond its input and outputs: zstd's or lz4's tables, and [`ENCODER_BLOCKS`].
const ENCODER_BYTES: u64 = 2 << 20;
/// The same of a decoder: zstd's context, as we make it, and [`DECODER_BLOCKS`].
const DECODER_BYTES: u64 = 1 << 20;
/// Blocks of blosc that an encoder holds beside its tables, and what the allocator keeps of such a size when it is
/// given back. Bounds from above, by peaks of whole processes.
const ENCODER_BLOCKS: u64 = 4;
/// The same of a decoder: three, a chunk, and holes between them. Eight were passed by 0.8 MiB a worker, with seven.
const DECODER_BLOCKS: u64 = 12;

/// zarrs' options: its own concurrency 1, checksums verified.
///
/// `CodecOptions::default` asks rayon for the size of the current pool, which outside of one starts
/// rayon's global pool: threads nobody counted. So it is asked once, inside a pool of one; and from
/// a thread of no pool, because a rayon worker that waits for another pool takes up other jobs
/// meanwhile, and one that came back here would wait for itself.
pub(super) static OPTIONS: LazyLock<CodecOptions> = LazyLock::new(|| {
    let ask = || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        pool.map_or_else(|_| CodecOptions::default(), |p| p.install(CodecOptions::default))
    };
    let options = thread::spawn(ask).join().unwrap_or_default();
    options.with_concurrent_target(1).with_validate_checksums(true)
});

/// The codec chain of one array: `bytes` (little-endian), the [`Codec`], crc32c.
#[derive(Debug)]
pub(in crate::store) struct ChunkCodec {
    /// All steps but the last, crc32c: zarrs would copy what is compressed to put four bytes behind it.
    compress: CodecChain,
    steps: Steps,
    codec: Codec,
    /// The most that a block of blosc can have.
    most_block: u64,
    data_type: DataType,
    fill: FillValue,
    shape: Vec<NonZeroU64>,
}

impl ChunkCodec {
    /// The chain for chunks of this type and shape (order of the disk); `None` when a length is 0
    /// or the size does not fit.
    pub(in crate::store) fn new(codec: Codec, dtype: DType, shape: &[u64]) -> Option<Self> {
        let decoded_bytes = element_count(shape)?.checked_mul(dtype.size() as u64)?;
        let shape: Option<Vec<_>> = shape.iter().map(|&n| NonZeroU64::new(n)).collect();
        let compressor: Option<Arc<dyn BytesToBytesCodecTraits>> = match codec.frame() {
            Frame::Blosc { inner, level, block_bytes } => {
                Some(Arc::new(blosc(inner, level, block_bytes, dtype)?))
            }
            Frame::Zstd { level } => Some(Arc::new(ZstdCodec::new(level.into(), false))),
            Frame::None => None,
        };
        let compressor = compressor.into_iter().collect();
        Some(Self {
            compress: CodecChain::new(vec![], Arc::new(BytesCodec::little()), compressor),
            steps: Steps::new(steps_of(codec), decoded_bytes),
            codec,
            most_block: most_block_bytes(codec.frame(), dtype.size() as u64),
            data_type: zarr_type(dtype),
            fill: FillValue::new(fill_bytes(dtype)),
            shape: shape?,
        })
    }

    pub(in crate::store) fn codec(&self) -> Codec {
        self.codec
    }

    /// One fill value in native byte order.
    pub(in crate::store) fn fill(&self) -> &[u8] {
        self.fill.as_ne_bytes()
    }

    /// Size of a whole chunk in memory.
    pub(in crate::store) fn decoded_bytes(&self) -> u64 {
        self.steps.decoded_bytes()
    }

    /// The most a chunk's file can have.
    pub(in crate::store) fn encoded_bound(&self) -> u64 {
        most_bytes(self.codec.frame(), self.decoded_bytes())
    }

    /// Memory of one [`encode`](Self::encode) beyond its input: the compressed bytes, twice while
    /// the checksum is put behind them, and the compressor.
    pub(in crate::store) fn encode_scratch(&self) -> u64 {
        2 * self.encoded_bound() + ENCODER_BYTES + ENCODER_BLOCKS * self.block_bound()
    }

    /// Memory of reading and decoding one chunk, result included: the file's bytes, the voxels and the
    /// decompressor.
    pub(in crate::store) fn decode_scratch(&self) -> u64 {
        let work = DECODER_BYTES + DECODER_BLOCKS * self.block_bound();
        self.encoded_bound() + self.decoded_bytes() + work
    }

    fn block_bound(&self) -> u64 {
        self.decoded_bytes().min(self.most_block)
    }

    /// The file bytes of a whole chunk of numbers in native byte order.
    pub(in crate::store) fn encode(&self, voxels: &[u8]) -> Result<Vec<u8>, String> {
        let voxels = Cow::Borrowed(voxels).into();
        let (dtype, fill) = (&self.data_type, &self.fill);
        let compressed = self.compress.encode(voxels, &self.shape, dtype, fill, &OPTIONS);
        let mut file = compressed.map_err(|e| e.to_string())?.into_owned();
        file.extend_from_slice(&checksum(&file));
        Ok(file)
    }

    /// Makes `numbers`, which is as long as a chunk, those of the chunk, in native byte order, from its file's
    /// bytes. On an error it may hold anything.
    pub(in crate::store) fn decode_into(
        &self,
        file: &[u8],
        numbers: &mut [u8],
    ) -> Result<(), ChunkFault> {
        check(self.codec.frame(), file, self.decoded_bytes(), self.most_block)?;
        self.steps.decode_into(file, numbers)
    }
}

/// What is undone to read a chunk.
fn steps_of(codec: Codec) -> Vec<Step> {
    match codec.frame() {
        Frame::None => vec![Step::Crc32c],
        Frame::Zstd { .. } => vec![Step::Zstd, Step::Crc32c],
        Frame::Blosc { .. } => vec![Step::Blosc, Step::Crc32c],
    }
}

fn blosc(inner: BloscInner, level: u8, block_bytes: u32, dtype: DType) -> Option<BloscCodec> {
    let compressor = match inner {
        BloscInner::Zstd => BloscCompressor::Zstd,
        BloscInner::Lz4 => BloscCompressor::LZ4,
    };
    let level = level.try_into().ok()?;
    let (block_bytes, shuffle) = (block_bytes as usize, BloscShuffleMode::BitShuffle);
    BloscCodec::new(compressor, level, Some(block_bytes), shuffle, Some(dtype.size())).ok()
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
fn fill_bytes(dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F32 => f32::NAN.to_ne_bytes().to_vec(),
        DType::F64 => f64::NAN.to_ne_bytes().to_vec(),
        integer => vec![0; integer.size()],
    }
}

#[cfg(test)]
mod tests {
    use super::{ChunkCodec, ChunkFault, Codec};
    use crate::dtype::DType;

    impl ChunkCodec {
        fn decode(&self, file: &[u8]) -> Result<Vec<u8>, ChunkFault> {
            let mut numbers = vec![7; self.decoded_bytes() as usize];
            self.decode_into(file, &mut numbers).map(|()| numbers)
        }
    }

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
                assert_eq!(chunk.decode(&file).unwrap(), want, "{codec} {dtype}");
            }
        }
    }

    /// blosc chooses its blocks by the size of a chunk, the codec and the type; all are within what is read.
    #[test]
    fn a_chunk_of_full_size_comes_back_in_every_type() {
        for codec in Codec::ALL {
            for dtype in DType::ALL {
                let count = (3 << 20) / dtype.size() as u64;
                let chunk = ChunkCodec::new(codec, dtype, &[count]).unwrap();
                let want = voxels(chunk.decoded_bytes() as usize);
                let file = chunk.encode(&want).unwrap();
                assert!(chunk.decode(&file).unwrap() == want, "{codec} {dtype}");
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
                assert!(chunk.decode(&bad).is_err(), "{codec}, bit {bit}");
            }
            for len in 0..good.len() {
                assert!(chunk.decode(&good[..len]).is_err(), "{codec}, {len} bytes");
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
            assert!(matches!(small.decode(&file), Err(ChunkFault::Frame { .. })), "{codec}");
        }
        assert!(matches!(small.decode(&[]), Err(ChunkFault::Size { found: 0, .. })));
    }
}
