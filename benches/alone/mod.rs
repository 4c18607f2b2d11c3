//! What do the libraries take alone? Inflating, decoding and encoding, without voxstore.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;
use zarrs::array::codec::api::ArrayToBytesCodecTraits as _;
use zarrs::array::{Array, ArrayBytes, CodecOptions};
use zarrs::filesystem::FilesystemStore;

/// The inflater gets the best of these.
pub(crate) const BUFFERS: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];

/// Seconds that `work` takes.
pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Runs `work(0..count)` on plain threads, in order of index.
pub(crate) fn each(threads: usize, count: usize, work: impl Fn(usize) + Sync) {
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

/// Inflates a file by a buffer of this size, and hands on what comes.
pub(crate) fn inflate_all(path: &Path, buffer_bytes: usize, mut take: impl FnMut(&[u8])) {
    let file = BufReader::with_capacity(buffer_bytes, File::open(path).unwrap());
    let mut decoder = MultiGzDecoder::new(file);
    let mut buffer = vec![0; buffer_bytes];
    loop {
        match decoder.read(&mut buffer).unwrap() {
            0 => return,
            n => take(&buffer[..n]),
        }
    }
}

/// An array of a store, as zarrs opens it, and the chunks that are wanted of it.
pub(crate) struct Chunks {
    pub(crate) array: Array<FilesystemStore>,
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
