//! How much of what the hardware and the libraries allow does voxstore use?
//!
//! ```text
//! cargo bench --bench limits -- [--write] [--rounds N] FOLDER...
//! ```
//!
//! Each `FOLDER` holds `.nii.gz` runs of one grid (`cargo run --release --example make_runs -- ds114 FOLDER`
//! makes a real size), and is a set: its jobs are taken beside their limits, in turn, on two threads, the files
//! in the page cache. Limits (`limit.rs`, `alone`) call no voxstore code. A ratio is that of the medians. `--write` puts
//! the report into `docs/benchmarks/limits.md`.

#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../alone/mod.rs"]
mod alone;
mod limit;
#[path = "../machine/mod.rs"]
mod machine;
mod measure;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alone::{Chunks, seconds};
use measure::{HEAD, Row};
use ndarray::s;
use tempfile::TempDir;
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::nifti::{self, Io};
use voxstore::store::{self, IngestOptions, ZarrOptions};
use voxstore::{DType, LazyArray, ReduceOptions, Run, Session, concatenate};

const THREADS: usize = 2;

fn main() {
    let machine::Asked { write, rounds, mut folders } = machine::Asked::from_args();
    if folders.is_empty() {
        folders.push(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime").into());
    }
    let mut text = format!(
        "# Limits\n\n\
         Written by `cargo bench --bench limits -- --write FOLDER...`; do not edit. What each limit does stands\n\
         in `benches/limits/limit.rs` and `benches/alone/mod.rs`.\n\n\
         - Machine: {}.\n- Versions: {}.\n\
         - Medians of {rounds} rounds (four times as many of what takes milliseconds), least and most in brackets;\n  \
           warm page cache, {THREADS} threads.\n\
         - What is written goes {}; the rows \"to disk\" take\n  \
           the same to a disk and wait for it, as people have it, beside the same limit.\n",
        machine::machine(),
        machine::versions(),
        if in_memory().is_some() {
            "into a file system in memory, for which no sync waits"
        } else {
            "to disk"
        },
    );
    // Removed at the end: see `free`.
    let mut scratches = Vec::new();
    for folder in folders {
        let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let set = Set::prepare(&folder, scratch.path(), rounds);
        writeln!(text, "\n## {}\n\n{HEAD}", set.named(&folder)).unwrap();
        for row in set.rows() {
            writeln!(text, "{row}").unwrap();
        }
        free(scratch.path());
        scratches.push(scratch);
    }
    println!("{text}");
    if write {
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks/limits.md"), text).unwrap();
    }
}

/// A folder of its own in a file system in memory, where the system has one that may be written to.
fn in_memory() -> Option<TempDir> {
    tempfile::tempdir_in("/dev/shm").ok()
}

/// Runs of one grid in every form.
struct Set {
    gz: Vec<PathBuf>,
    plain: Vec<PathBuf>,
    store: PathBuf,
    /// On disk.
    scratch: PathBuf,
    /// In memory, where no job waits for a disk.
    memory: TempDir,
    session: Session,
    bytes: u64,
    rounds: usize,
}

impl Set {
    fn prepare(folder: &Path, scratch: &Path, rounds: usize) -> Self {
        let mut gz: Vec<PathBuf> = walkdir::WalkDir::new(folder)
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .filter(|path| path.to_string_lossy().ends_with(".nii.gz"))
            .collect();
        gz.sort_by_key(|f| std::cmp::Reverse(fs::metadata(f).unwrap().len()));
        let plain: Vec<PathBuf> = gz.iter().map(|f| limit::inflate_into(f, scratch)).collect();
        let bytes = plain.iter().map(|p| fs::metadata(p).unwrap().len()).sum();
        // The budget of the jobs of ds000114; larger volumes have a larger one.
        let budget = if bytes < 250_000_000 { "64MiB" } else { "256MiB" };
        let session = Session::builder().memory(budget).threads(THREADS).build().unwrap();
        let store = scratch.join("study.zarr");
        ingest(&gz, &store, &session);
        let memory = in_memory().unwrap_or_else(|| tempfile::tempdir_in(scratch).unwrap());
        let scratch = scratch.to_owned();
        Self { gz, plain, store, scratch, memory, session, bytes, rounds }
    }

    fn named(&self, folder: &Path) -> String {
        let name = folder.file_name().unwrap().to_string_lossy();
        let (runs, mib) = (self.gz.len(), self.session.memory_bytes() >> 20);
        format!(
            "{name}: {:.0} MB of voxels, {runs} runs, budget {mib} MiB",
            self.bytes as f64 / 1e6
        )
    }

    /// The voxels of all runs, or those chunks of the first run that are wanted.
    fn voxels(&self) -> Vec<Chunks> {
        let runs = store::open(&self.store).unwrap();
        runs.runs().iter().map(|r| Chunks::of(&self.store, &format!("/{r}/0"), |_| true)).collect()
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        rows.extend(self.tsnr());
        rows.extend(self.ingest());
        rows.extend(self.reads());
        rows.extend(self.zscore());
        rows.extend(self.starts());
        rows
    }

    fn tsnr(&self) -> [Row; 4] {
        let one = self.gz.len() == 1;
        let open = |io| -> Vec<Run> {
            self.plain.iter().map(|p| nifti::open_with(p, io).unwrap()).collect()
        };
        let gz: Vec<Run> = self.gz.iter().map(|p| nifti::open(p).unwrap()).collect();
        let voxels = self.voxels();
        let job = |runs: &[Run]| {
            seconds(|| drop(tsnr(runs, TsnrOptions::default(), &self.session).unwrap()))
        };
        let (mapped, read, stored) = (open(Io::Map), open(Io::Read), self.stored());
        let sum = || limit::sum_mapped(&self.plain, THREADS);
        let row = |names, floor, limit: &dyn Fn() -> f64, runs: &[Run]| {
            Row::take(names, floor, self.rounds, limit, || job(runs))
        };
        [
            row(
                ["tSNR, .nii.gz", "inflate"],
                if one { 1.05 } else { 1.1 },
                &|| limit::inflate(&self.gz, THREADS),
                &gz,
            ),
            row(["tSNR, .nii mapped", "map and sum"], 2.0, &sum, &mapped),
            row(["tSNR, .nii read", "map and sum"], 2.0, &sum, &read),
            row(
                ["tSNR, store", "read, check, decode"],
                1.0 / 0.85,
                &|| alone::decode(&voxels, THREADS),
                &stored,
            ),
        ]
    }

    fn stored(&self) -> Vec<Run> {
        let store = store::open(&self.store).unwrap();
        store.runs().iter().map(|name| store.run(name).unwrap()).collect()
    }

    fn ingest(&self) -> [Row; 4] {
        let voxels = self.voxels();
        let into = |folder: &Path, files: &[PathBuf]| {
            let target = folder.join("again.zarr");
            set_aside(&target);
            seconds(|| ingest(files, &target, &self.session))
        };
        let job = |files: &[PathBuf]| into(self.memory.path(), files);
        let encode = || alone::encode(&voxels, 1);
        let names = ["ingest, .nii.gz", "inflate"];
        let gz = if self.gz.len() == 1 {
            let limit = || limit::inflate(&self.gz, 1);
            Row::take(names, 1.2, self.rounds, limit, || job(&self.gz))
        } else {
            let limit = || {
                let work = limit::inflate(&self.gz, 1) + encode();
                (work + limit::hash(&self.gz, &self.plain)) / THREADS as f64
            };
            let names = [names[0], "(inflate + encode + hash) / 2"];
            Row::take(names, 1.15, self.rounds, limit, || job(&self.gz))
        };
        let limit = || (encode() + limit::hash(&self.plain, &self.plain)) / THREADS as f64;
        let names = ["ingest, .nii", "(encode + hash) / 2"];
        let plain = Row::take(names, 1.0 / 0.8, self.rounds, limit, || job(&self.plain));
        let gz_to_disk = gz.beside("ingest, .nii.gz, to disk", || into(&self.scratch, &self.gz));
        let to_disk = plain.beside("ingest, .nii, to disk", || into(&self.scratch, &self.plain));
        [gz, gz_to_disk, plain, to_disk]
    }

    fn reads(&self) -> [Row; 3] {
        let run = self.stored().remove(0);
        let name = store::open(&self.store).unwrap().runs()[0].clone();
        let array = format!("/{name}/0");
        let [x, y, z, t] = [0, 1, 2, 3].map(|axis| (run.shape()[axis] / 2) as isize);
        let bold = run.lazy();
        let whole = Chunks::of(&self.store, &array, |_| true).array.chunk_shape(&[0; 4]).unwrap();
        let [tb, zb] = [whole[0].get(), whole[1].get()];
        let touched = |from: isize, n: isize, length: u64| {
            let (from, last) = (from as u64 / length, (from + n - 1) as u64 / length);
            move |at: u64| (from..=last).contains(&at)
        };
        let series = Chunks::of(&self.store, &array, |p| touched(z, 1, zb)(p[1]));
        let volume = Chunks::of(&self.store, &array, |p| touched(t, 1, tb)(p[0]));
        let cube = Chunks::of(&self.store, &array, |p| touched(z, 3, zb)(p[1]));
        let row = |what, chunks: Chunks, view: LazyArray| {
            let chunks = [chunks];
            Row::take(
                [what, "the chunks it touches"],
                2.0,
                4 * self.rounds,
                || alone::decode(&chunks, THREADS),
                || seconds(|| drop(self.session.compute::<f64>(&view).unwrap())),
            )
        };
        [
            row("one voxel's series", series, bold.slice(s![x, y, z, ..])),
            row("one volume", volume, bold.slice(s![.., .., .., t])),
            row("3x3x3 box over time", cube, bold.slice(s![x..x + 3, y..y + 3, z..z + 3, ..])),
        ]
    }

    fn zscore(&self) -> [Row; 2] {
        let target = self.memory.path().join("zscore.zarr");
        let keep = || ReduceOptions::new().keepdims();
        let series: Vec<LazyArray> = self.stored().iter().map(Run::lazy).collect();
        let x = concatenate(&series, -1);
        let z = (&x - x.mean_with(-1, keep())) / x.std_with(-1, keep());
        let z = z.astype(DType::F32);
        let job = |target: &Path| {
            set_aside(target);
            let options = ZarrOptions::default();
            seconds(|| drop(self.session.write_zarr(&z, target, None, &options).unwrap()))
        };
        // The limit encodes what the job wrote; the jobs that are timed write beside it.
        job(&target);
        let (voxels, written) = (self.voxels(), [Chunks::of(&target, "/", |_| true)]);
        let again = |folder: &Path| job(&folder.join("zscore-again.zarr"));
        let row = Row::take(
            ["z-score of the store to Zarr", "2 x decode + encode"],
            1.3,
            self.rounds,
            || 2.0 * alone::decode(&voxels, THREADS) + alone::encode(&written, THREADS),
            || again(self.memory.path()),
        );
        let to_disk = row.beside("z-score, to disk", || again(&self.scratch));
        [row, to_disk]
    }

    /// Whole processes, beside a time that people do not notice.
    fn starts(&self) -> [Row; 2] {
        let run = |args: &[&str]| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_voxstore"));
            program.args(args).stdout(Stdio::null());
            seconds(|| assert!(program.status().unwrap().success()))
        };
        let file = self.gz[0].to_string_lossy();
        let rounds = 4 * self.rounds;
        [
            Row::take(
                ["info of a .nii.gz, a process", "10 ms"],
                1.0,
                rounds,
                || 0.01,
                || run(&["info", &file]),
            ),
            Row::take(
                ["--version, a process", "5 ms"],
                1.0,
                rounds,
                || 0.005,
                || run(&["--version"]),
            ),
        ]
    }
}

/// Frees the disk that files take, and keeps them. For minutes, ext4 makes no new file of an inode whose file was deleted,
/// and looks at each of them before it makes another: what is timed next would pay for it.
fn free(folder: &Path) {
    for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            fs::File::options().write(true).open(entry.path()).unwrap().set_len(0).unwrap();
        }
    }
}

/// Makes way for another output of that name. What others wrote or freed goes to disk now, since a job that syncs would
/// wait for it.
fn set_aside(target: &Path) {
    if target.exists() {
        free(target);
        let folder = target.parent().unwrap();
        let aside = tempfile::Builder::new().prefix("freed-").tempdir_in(folder).unwrap().keep();
        fs::rename(target, aside.join("freed")).unwrap();
    }
    assert!(Command::new("sync").status().unwrap().success());
}

fn ingest(files: &[PathBuf], target: &Path, session: &Session) {
    let runs: Vec<Run> = files.iter().map(|f| nifti::open(f).unwrap()).collect();
    store::ingest(&runs, target, &IngestOptions::default(), session).unwrap();
}
