//! How do a chunk's numbers become bytes of a file, and back?
//!
//! A [`ChunkCodec`] is one array's codecs: numbers in, file bytes out, one chunk a call, on the calling
//! thread. It opens no file. `blocks` or zarrs encode, `steps` decodes. Bytes from disk are not trusted: what they claim
//! to inflate to is checked by `frame` before anything is allocated for it.

use std::borrow::Cow;
use std::num::NonZeroU64;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};
use std::thread;

use zarrs::array::codec::api::{ArrayToBytesCodecTraits, BytesToBytesCodecTraits, CodecOptions};
use zarrs::array::codec::{BloscCodec, BloscCompressor, BloscShuffleMode, BytesCodec, ZstdCodec};
use zarrs::array::{CodecChain, DataType, FillValue, data_type};

use super::blocks::{Blocks, Making};
use super::frame::{CHECKSUM_BYTES, check, most_block_bytes, most_bytes};
use super::{BloscInner, Codec, Frame, Numbers, Step, Steps};
use crate::dtype::DType;
use crate::grid::{SharedRuns, element_count};
use crate::store::checksums::{checksum, verified_checksum};
use crate::store::error::ChunkFault;
use crate::store::spare::{RoomFor, Spare};

/// Working memory of an encoder beyond its input and output: zstd's context for a block (0.6 MB at level 1), and what rooms
/// are larger than asked for.
const ENCODER_BYTES: u64 = 1 << 20;
/// The same of c-blosc and zarrs: zstd's or lz4's tables, and [`ENCODER_BLOCKS`].
const FOREIGN_ENCODER_BYTES: u64 = 2 << 20;
/// The same of a decoder: zstd's context, as we make it, and [`DECODER_BLOCKS`].
const DECODER_BYTES: u64 = 1 << 20;
/// Blocks of blosc that c-blosc holds beside its tables, and what the allocator keeps of such a size when it is
/// given back. Bounds from above, by peaks of whole processes.
const ENCODER_BLOCKS: u64 = 4;
/// The same of a decoder: planes and a block in order; or such a block and three of c-blosc's.
const DECODER_BLOCKS: u64 = 5;
/// The same where c-blosc reads every frame, and holes are left between its blocks.
const BLOSC_BLOCKS: u64 = 12;

/// So many runs, or runs as long, are taken out of a block's planes one by one; else all of the chunk is put in order, and
/// they are copied.
const FEW_RUNS: u64 = 1024;
const LONG_RUN_BYTES: usize = 4 << 10;

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
    /// How `blocks` makes what compress would, for `blosc-zstd`.
    making: Option<Making>,
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
            making: making(codec, dtype.size()),
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

    /// Memory of one [`encode`](Self::encode) beyond its input: the compressed bytes and the compressor. Where we
    /// make the frame, planes of one block beside them; else the bytes twice, while zarrs puts the checksum behind them.
    pub(in crate::store) fn encode_scratch(&self) -> u64 {
        if self.making.is_some() {
            return self.encoded_bound() + ENCODER_BYTES + self.block_bound();
        }
        2 * self.encoded_bound() + FOREIGN_ENCODER_BYTES + ENCODER_BLOCKS * self.block_bound()
    }

    /// Memory of reading a chunk and decoding what is wanted of it: the file's bytes, the voxels where they cannot be had
    /// block by block, and the decompressor.
    pub(in crate::store) fn decode_scratch(&self) -> u64 {
        let work = match self.codec.frame() {
            Frame::Blosc { inner: BloscInner::Zstd, .. } => DECODER_BLOCKS * self.block_bound(),
            Frame::Blosc { inner: BloscInner::Lz4, .. } => BLOSC_BLOCKS * self.block_bound(),
            Frame::Zstd { .. } | Frame::None => self.decoded_bytes(),
        };
        self.encoded_bound() + DECODER_BYTES + work
    }

    fn block_bound(&self) -> u64 {
        self.decoded_bytes().min(self.most_block)
    }

    /// Memory for what [`encode_numbers`](Self::encode_numbers) cuts out of a box: one block, or all of the chunk where
    /// zarrs takes it.
    pub(in crate::store) fn cut_scratch(&self) -> u64 {
        if self.making.is_some() { self.block_bound() } else { self.decoded_bytes() }
    }

    /// The file bytes of a whole chunk of numbers in native byte order.
    pub(in crate::store) fn encode(&self, voxels: &[u8]) -> Result<ChunkFile, String> {
        self.encode_numbers(&Numbers::Whole(voxels))
    }

    /// The same of numbers wherever they lie.
    pub(in crate::store) fn encode_numbers(
        &self,
        numbers: &Numbers<'_>,
    ) -> Result<ChunkFile, String> {
        let Some(file) = self.making.and_then(|making| making.encode(numbers)) else {
            let bytes = numbers.left();
            let mut room = Spare::take(RoomFor::Numbers, numbers.room_bytes(bytes) as u64)
                .ok_or_else(|| "no memory for it".to_owned())?;
            let voxels = numbers.clone().take(bytes, &mut room);
            return self.encode_by_zarrs(voxels).map(ChunkFile::Made);
        };
        let mut file = file?;
        let end = file.len() - CHECKSUM_BYTES as usize;
        let sum = checksum(&file[..end]);
        file[end..].copy_from_slice(&sum);
        Ok(ChunkFile::Room(file))
    }

    fn encode_by_zarrs(&self, voxels: &[u8]) -> Result<Vec<u8>, String> {
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

    /// Puts these runs of the chunk's numbers into a box, `out`, in native byte order, from all of its file's bytes, which
    /// are verified. On an error the box may hold anything.
    pub(in crate::store) fn decode_runs(
        &self,
        file: &[u8],
        runs: &SharedRuns,
        out: &mut [u8],
    ) -> Result<(), ChunkFault> {
        let item = self.fill.size();
        let bytes = |first: u64| {
            let first = first as usize * item;
            first..first + runs.run_len() as usize * item
        };
        // Mostly a box is so many whole chunks, one after the other.
        if runs.run_len() * item as u64 == self.decoded_bytes() {
            return runs
                .clone()
                .try_for_each(|run| self.decode_into(file, &mut out[bytes(run.to)]));
        }
        if matches!(self.codec.frame(), Frame::Blosc { .. }) {
            check(self.codec.frame(), file, self.decoded_bytes(), self.most_block)?;
            verified_checksum(file)?;
            let many = runs.count_left() > FEW_RUNS && bytes(0).len() < LONG_RUN_BYTES;
            let blocks = Blocks::of(&file[..file.len() - CHECKSUM_BYTES as usize]);
            let blocks = blocks.ok_or("a block of the blosc frame is not so many numbers");
            let decoded = blocks.and_then(|of| of.decode_runs(item, runs.clone(), many, out));
            return decoded.map_err(|reason| ChunkFault::Codec(reason.to_owned()));
        }
        let mut numbers = Spare::take(RoomFor::Numbers, self.decoded_bytes()).ok_or_else(|| {
            ChunkFault::Codec(format!("the system has no {} bytes of memory", self.decoded_bytes()))
        })?;
        self.decode_into(file, &mut numbers)?;
        for run in runs.clone() {
            out[bytes(run.to)].copy_from_slice(&numbers[bytes(run.from)]);
        }
        Ok(())
    }
}

/// The bytes of a chunk's file.
pub(in crate::store) enum ChunkFile {
    Made(Vec<u8>),
    Room(Spare),
}

impl Deref for ChunkFile {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Room(bytes) => bytes,
        }
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

fn making(codec: Codec, number_bytes: usize) -> Option<Making> {
    let Frame::Blosc { inner: BloscInner::Zstd, level, block_bytes } = codec.frame() else {
        return None;
    };
    Some(Making {
        number_bytes,
        block_bytes: block_bytes as usize,
        // As blosc has its levels.
        level: 2 * i32::from(level) - 1,
        behind: CHECKSUM_BYTES as usize,
    })
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
    use super::{ChunkCodec, ChunkFault, ChunkFile, Codec, Numbers};
    use crate::dtype::DType;
    use crate::grid::{Region, SharedRuns, copy_overlap};
    use crate::store::codec::Cut;
    use crate::store::testing::noise;

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

    /// zarrs has c-blosc make them. What gets no smaller, a block or all of them, is there as it is, as c-blosc has it.
    #[test]
    fn files_are_those_that_zarrs_makes_to_the_last_byte() {
        const BLOCK: usize = 512 << 10;
        let mut cases = Vec::new();
        for dtype in DType::ALL {
            for numbers in [1, 15, 16, 63, 64, 100, 1000, 1001, 4096, 70_000] {
                cases.push((dtype, voxels(numbers * dtype.size())));
            }
            for bytes in [BLOCK - 8, BLOCK, BLOCK + 8, BLOCK + 64, 3 * BLOCK + 4000] {
                // Bytes that repeat, noise in the low byte of each number, and noise behind bytes that repeat.
                let noise = noise(bytes);
                let size = dtype.size();
                cases.push((dtype, voxels(bytes)));
                let low = |at: usize| if at.is_multiple_of(size) { noise[at] } else { 3 };
                cases.push((dtype, (0..bytes).map(low).collect()));
                let (half, zeros) = (&noise[..bytes / 2], vec![0; bytes - bytes / 2]);
                cases.push((dtype, [&zeros, half].concat()));
                cases.push((dtype, [half, &zeros].concat()));
                for most in [0, 7, 15, 16, 17, 40] {
                    let zeros = vec![0; most * 50];
                    cases.push((dtype, [&noise[..bytes - zeros.len()], &zeros].concat()));
                }
                cases.push((dtype, noise));
            }
        }
        let (mut made, mut copied) = (0, 0);
        for (dtype, numbers) in cases {
            let count = numbers.len() as u64 / dtype.size() as u64;
            let chunk = ChunkCodec::new(Codec::BloscZstd, dtype, &[count]).unwrap();
            let file = chunk.encode(&numbers).unwrap();
            let twin = chunk.encode_by_zarrs(&numbers).unwrap();
            assert!(*file == twin, "{dtype}, {} bytes", numbers.len());
            made += usize::from(matches!(file, ChunkFile::Room(_)));
            copied += usize::from(file[2] & 2 != 0);
            assert!(chunk.decode(&file).unwrap() == numbers, "{dtype}, {} bytes", numbers.len());
        }
        assert!(made > 600 && copied > 60, "{made} {copied}");
    }

    #[test]
    fn a_chunk_cut_out_of_a_box_has_the_file_of_the_same_numbers_in_one_stretch() {
        let (whole, part) =
            (Region::whole(&[100, 61, 9]), Region::new(vec![0, 0, 2], vec![100, 61, 5]));
        let across = Region::new(vec![3, 7, 1], vec![90, 50, 8]);
        for codec in Codec::ALL {
            for dtype in [DType::U8, DType::I16, DType::F64] {
                let bytes = whole.len() as usize * 5 * dtype.size();
                for bytes in [voxels(bytes), noise(bytes)] {
                    // Five boxes along a fourth axis: a chunk has several blocks.
                    for cut in [&part, &across] {
                        let [from, to] = [&whole, cut].map(|of| {
                            let start = [of.start(), &[0]].concat();
                            Region::new(start, [of.shape(), &[5]].concat())
                        });
                        let size = dtype.size();
                        let chunk = ChunkCodec::new(codec, dtype, &[to.len()]).unwrap();
                        let mut numbers = vec![0; to.len() as usize * size];
                        copy_overlap(&bytes, &from, &mut numbers, &to, size);
                        let runs = SharedRuns::of(&from, &to).unwrap();
                        let cut = Cut::new(&bytes, runs, size, None, numbers.len());
                        let found = chunk.encode_numbers(&Numbers::Cut(cut)).unwrap();
                        assert!(
                            *found == *chunk.encode(&numbers).unwrap(),
                            "{codec} {dtype} {to:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn noise_stays_within_the_bound() {
        let noise = noise(300_000);
        for codec in Codec::ALL {
            let chunk = ChunkCodec::new(codec, DType::U8, &[300_000]).unwrap();
            assert!(chunk.encode(&noise).unwrap().len() as u64 <= chunk.encoded_bound(), "{codec}");
        }
    }

    #[test]
    fn a_flip_of_any_bit_and_a_cut_at_any_byte_are_errors() {
        for codec in Codec::ALL {
            let chunk = ChunkCodec::new(codec, DType::I16, &[2, 3, 5, 4]).unwrap();
            let good = chunk.encode(&voxels(240)).unwrap().to_vec();
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
