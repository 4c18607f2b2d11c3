//! How fast could it be? The least that each job cannot do without, by the libraries alone.
//!
//! No voxstore code is called. What depends on a buffer's size takes the best of three.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use memmap2::{Advice, Mmap, UncheckedAdvice};
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::Xxh3;

use super::alone::{BUFFERS, each, inflate_all, seconds};

const STEPS: [usize; 3] = [1 << 20, 2 << 20, 8 << 20];

fn best(sizes: [usize; 3], work: impl Fn(usize)) -> f64 {
    sizes.map(|size| seconds(|| work(size))).into_iter().fold(f64::MAX, f64::min)
}

/// Seconds to inflate files, each on one of the threads, the longest first.
pub(crate) fn inflate(files: &[PathBuf], threads: usize) -> f64 {
    best(BUFFERS, |size| each(threads, files.len(), |i| inflate_all(&files[i], size, |_| {})))
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
