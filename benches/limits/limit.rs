//! How fast could it be? The least that each job cannot do without, by the libraries alone.
//!
//! No voxstore code is called. What depends on a buffer's size takes the best of three.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{Advice, Mmap, UncheckedAdvice};
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::Xxh3;
use zarrs::array::codec::api::ArrayToBytesCodecTraits as _;
use zarrs::array::{Array, ArrayBytes, CodecOptions};
use zarrs::filesystem::FilesystemStore;

use super::measure::seconds;

const BUFFERS: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];
const STEPS: [usize; 3] = [1 << 20, 2 << 20, 8 << 20];

/// Runs `work(0..count)` on plain threads, in order of index.
fn each(threads: usize, count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let i = next.fetch_add(1, Ordering::Relaxed)
                    && i < count
                {
                    work(i);
                }
            });
        }
    });
}

fn best(sizes: [usize; 3], work: impl Fn(usize)) -> f64 {
    sizes.map(|size| seconds(|| work(size))).into_iter().fold(f64::MAX, f64::min)
}

/// Seconds to inflate files, each on one of the threads, the longest first.
pub(crate) fn inflate(files: &[PathBuf], threads: usize) -> f64 {
    best(BUFFERS, |size| each(threads, files.len(), |i| inflate_all(&files[i], size, |_| {})))
}

fn inflate_all(path: &Path, buffer_bytes: usize, mut take: impl FnMut(&[u8])) {
    let file = BufReader::with_capacity(buffer_bytes, File::open(path).unwrap());
    let mut decoder = flate2::bufread::MultiGzDecoder::new(file);
    let mut buffer = vec![0; buffer_bytes];
    loop {
        match decoder.read(&mut buffer).unwrap() {
            0 => return,
            n => take(&buffer[..n]),
        }
    }
}

/// Inflates a file into a folder, where it is not there.
pub(crate) fn inflate_into(path: &Path, folder: &Path) -> PathBuf {
    let target = folder.join(path.file_stem().unwrap());
    let mut out = File::create(&target).unwrap();
    inflate_all(path, 1 << 20, |bytes| out.write_all(bytes).unwrap());
    target
}

/// Seconds to sum all pages of files, mapped and given back step by step.
#[expect(unsafe_code, reason = "maps files that nobody changes")]
pub(crate) fn sum_mapped(files: &[PathBuf], threads: usize) -> f64 {
    let maps: Vec<Mmap> = files
        .iter()
        // SAFETY: the files are the bench's own, and nobody writes to them.
        .map(|file| unsafe { Mmap::map(&File::open(file).unwrap()).unwrap() })
        .collect();
    best(STEPS, |step| {
        let steps: Vec<(&Mmap, usize)> = maps
            .iter()
            .flat_map(|map| (0..map.len().div_ceil(step)).map(move |i| (map, i * step)))
            .collect();
        each(threads, steps.len(), |i| {
            let (map, from) = steps[i];
            let len = step.min(map.len() - from);
            map.advise_range(Advice::PopulateRead, from, len).unwrap();
            std::hint::black_box(sum(&map[from..from + len]));
            // SAFETY: a mapping of a file that can only be read loads its pages again.
            unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, from, len).unwrap() };
        });
    })
}

fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks::<8>().0;
    words.iter().fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

/// Seconds of one thread for the digests that an ingest makes: SHA-256 of what is read, XXH3 of voxels.
pub(crate) fn hash(sources: &[PathBuf], plain: &[PathBuf]) -> f64 {
    let bytes = |files: &[PathBuf]| files.iter().map(|f| fs::read(f).unwrap()).collect::<Vec<_>>();
    let mut total = 0.0;
    for source in bytes(sources) {
        total += seconds(|| {
            std::hint::black_box(Sha256::digest(&source));
        });
    }
    for voxels in bytes(plain) {
        total += seconds(|| {
            let mut digest = Xxh3::new();
            digest.update(&voxels);
            std::hint::black_box(digest.digest128());
        });
    }
    total
}

/// An array of a store, as zarrs opens it, and the chunks that are wanted of it.
pub(crate) struct Chunks {
    array: Array<FilesystemStore>,
    positions: Vec<Vec<u64>>,
}

impl Chunks {
    /// The chunks of an array that `wanted` says yes to, by position.
    pub(crate) fn of(store: &Path, array: &str, wanted: impl Fn(&[u64]) -> bool) -> Self {
        let files = Arc::new(FilesystemStore::new(store).unwrap());
        let array = Array::open(files, array).unwrap();
        let mut positions = vec![vec![]];
        for &count in array.chunk_grid_shape() {
            positions = positions
                .iter()
                .flat_map(|front| (0..count).map(|i| [&front[..], &[i]].concat()))
                .collect();
        }
        positions.retain(|position| wanted(position));
        Self { array, positions }
    }

    /// The shape of a chunk.
    pub(crate) fn chunk_shape(&self) -> Vec<u64> {
        let shape = self.array.chunk_shape(&self.positions[0]).unwrap();
        shape.iter().map(|length| length.get()).collect()
    }

    fn decode_one(&self, position: &[u64]) -> ArrayBytes<'static> {
        self.array.retrieve_chunk_opt(position, &options()).unwrap()
    }
}

fn options() -> CodecOptions {
    CodecOptions::default().with_concurrent_target(1)
}

/// Seconds to read, check and decode chunks.
pub(crate) fn decode(arrays: &[Chunks], threads: usize) -> f64 {
    let all: Vec<(&Chunks, &Vec<u64>)> =
        arrays.iter().flat_map(|a| a.positions.iter().map(move |p| (a, p))).collect();
    seconds(|| {
        each(threads, all.len(), |i| drop(std::hint::black_box(all[i].0.decode_one(all[i].1))));
    })
}

/// Seconds to encode the chunks of arrays again, in memory.
pub(crate) fn encode(arrays: &[Chunks], threads: usize) -> f64 {
    let mut total = 0.0;
    for chunks in arrays {
        let (codecs, array) = (chunks.array.codecs(), &chunks.array);
        let shape = array.chunk_shape(&chunks.positions[0]).unwrap();
        // So many at a time, to stay in memory.
        for some in chunks.positions.chunks(64) {
            let decoded: Vec<Vec<u8>> = some
                .iter()
                .map(|p| chunks.decode_one(p).into_fixed().unwrap().into_owned())
                .collect();
            total += seconds(|| {
                each(threads, decoded.len(), |i| {
                    let encoded = codecs
                        .encode(
                            Cow::Borrowed(&decoded[i][..]).into(),
                            &shape,
                            array.data_type(),
                            array.fill_value(),
                            &options(),
                        )
                        .unwrap();
                    std::hint::black_box(encoded);
                });
            });
        }
    }
    total
}
