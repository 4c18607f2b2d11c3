//! tSNR beside the machine's own limit, in one run: how much of what the hardware and the codec
//! allow does voxstore use?
//!
//! ```text
//! cargo bench --bench limits -- FOLDER [ROUNDS]
//! ```
//!
//! `FOLDER` holds `.nii.gz` runs of one grid (default `fixtures/nitime`, which is too small to tell
//! much; `cargo run --release --example make_runs -- ds114 FOLDER` makes a real size). The limit
//! programs call no voxstore code and take the best of three buffer sizes. Each round runs the limit
//! and the job one after the other; medians of the rounds and their ratio are printed.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::nifti::{self, Io};
use voxstore::store::{self, IngestOptions};
use voxstore::{Run, Session};
use zarrs::array::{Array, CodecOptions};
use zarrs::filesystem::FilesystemStore;

const THREADS: usize = 2;
const BUFFERS: [usize; 3] = [64 << 10, 256 << 10, 1 << 20];

fn main() {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let folder = args.next().map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime")),
        PathBuf::from,
    );
    let rounds: usize = args.next().map_or(5, |n| n.parse().unwrap());
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort_by_key(|f| std::cmp::Reverse(fs::metadata(f).unwrap().len()));
    let scratch = tempfile::tempdir().unwrap();
    let session = Session::builder().memory("512MiB").threads(THREADS).build().unwrap();

    let gz: Vec<Run> = files.iter().map(|f| nifti::open(f).unwrap()).collect();
    let plain: Vec<PathBuf> = files.iter().map(|f| inflate_to(f, scratch.path())).collect();
    let stored = scratch.path().join("study.zarr");
    store::ingest(&gz, &stored, &IngestOptions::default(), &session).unwrap();
    let stored = store::open(&stored).unwrap();
    let from_store: Vec<Run> = stored.runs().iter().map(|n| stored.run(n).unwrap()).collect();
    let open = |io| plain.iter().map(|p| nifti::open_with(p, io).unwrap()).collect();
    let (mapped, read): (Vec<Run>, Vec<Run>) = (open(Io::Map), open(Io::Read));
    let bytes: u64 = plain.iter().map(|p| fs::metadata(p).unwrap().len()).sum();

    let inflate = |size| each(files.len(), |i| inflate_all(&files[i], size, &mut |_| {}));
    let sum = |size| each(plain.len(), |i| sum_all(&plain[i], size));
    let decode = |_| decode_all(&stored);
    let limits: [Row<'_>; 4] = [
        (".nii.gz, limit: bare inflate", &gz, &inflate),
        (".nii mapped, limit: read and sum", &mapped, &sum),
        (".nii read, limit: read and sum", &read, &sum),
        ("store, limit: read, check and decode", &from_store, &decode),
    ];
    println!("{} runs, {:.1} MB of voxels, {THREADS} threads", files.len(), bytes as f64 / 1e6);
    println!("{:40} {:>9} {:>9} {:>7}", "tSNR from", "limit s", "job s", "ratio");
    for (name, runs, limit) in limits {
        let (mut limit_s, mut job_s) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            limit_s.push(
                BUFFERS.map(|size| seconds(|| limit(size))).into_iter().fold(f64::MAX, f64::min),
            );
            job_s.push(seconds(|| drop(tsnr(runs, TsnrOptions::default(), &session).unwrap())));
        }
        let (limit, job) = (median(limit_s), median(job_s));
        println!("{name:40} {limit:9.3} {job:9.3} {:7.2}", job / limit);
    }
}

/// What is measured, the runs it is measured on, and its limit for a buffer size.
type Row<'a> = (&'a str, &'a [Run], &'a dyn Fn(usize));

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.to_string_lossy().ends_with(".nii.gz") {
            files.push(path);
        }
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs `work(0..count)` on plain threads, in order of index.
fn each(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= count {
                        return;
                    }
                    work(i);
                }
            });
        }
    });
}

fn inflate_all(path: &Path, buffer_bytes: usize, take: &mut dyn FnMut(&[u8])) {
    let file = std::io::BufReader::with_capacity(buffer_bytes, fs::File::open(path).unwrap());
    let mut decoder = flate2::bufread::MultiGzDecoder::new(file);
    let mut buffer = vec![0; buffer_bytes];
    loop {
        match decoder.read(&mut buffer).unwrap() {
            0 => return,
            n => take(&buffer[..n]),
        }
    }
}

fn inflate_to(path: &Path, folder: &Path) -> PathBuf {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let target = folder.join(name);
    let mut out = fs::File::create(&target).unwrap();
    inflate_all(path, 1 << 20, &mut |b| std::io::Write::write_all(&mut out, b).unwrap());
    target
}

fn sum_all(path: &Path, buffer_bytes: usize) {
    let mut file = fs::File::open(path).unwrap();
    let mut buffer = vec![0; buffer_bytes];
    let mut sum = 0_u64;
    loop {
        let n = file.read(&mut buffer).unwrap();
        if n == 0 {
            break;
        }
        for word in buffer[..n].as_chunks::<8>().0 {
            sum = sum.wrapping_add(u64::from_le_bytes(*word));
        }
    }
    std::hint::black_box(sum);
}

fn decode_all(stored: &store::Store) {
    let files = Arc::new(FilesystemStore::new(stored.path()).unwrap());
    let options = CodecOptions::default().with_concurrent_target(1);
    for run in stored.runs() {
        let array = Array::open(files.clone(), &format!("/{run}/0")).unwrap();
        let grid = array.chunk_grid_shape().to_vec();
        let chunks: usize = grid.iter().product::<u64>() as usize;
        each(chunks, |mut i| {
            let mut index = vec![0; grid.len()];
            for axis in (0..grid.len()).rev() {
                index[axis] = (i as u64) % grid[axis];
                i /= grid[axis] as usize;
            }
            let bytes: Vec<u8> = array
                .retrieve_chunk_opt::<zarrs::array::ArrayBytes<'static>>(&index, &options)
                .unwrap()
                .into_fixed()
                .unwrap()
                .into_owned();
            std::hint::black_box(bytes);
        });
    }
}
