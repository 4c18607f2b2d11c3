//! How fast is a whole job, from files to files? In bytes of voxels a second, two threads.
//!
//! ```text
//! cargo bench --bench end_to_end
//! VOXSTORE_BENCH_RUNS=FOLDER cargo bench --bench end_to_end -- tsnr
//! ```
//!
//! On two made runs of 20 MB; or on the `.nii.gz` runs of one grid below `FOLDER`, such as
//! `cargo run --release --example make_runs -- ds114 FOLDER` makes. Outputs, and the `.nii` files and the
//! store that are made of the runs, go to a scratch folder in `TMPDIR`; syncing them is part of a job.
//! `limits` holds the same jobs against what the machine allows.
#![expect(clippy::expect_used, reason = "a benchmark")]

mod made;

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use divan::Bencher;
use divan::counter::BytesCount;
use flate2::bufread::MultiGzDecoder;
use ndarray::s;
use tempfile::TempDir;
use voxstore::jobs::{TsnrOptions, tsnr as tsnr_of};
use voxstore::nifti::{self, Io, NiftiOptions};
use voxstore::store::{self, IngestOptions, ZarrOptions};
use voxstore::{DType, LazyArray, ReduceOptions, Run, Session, from_ndarray};
use walkdir::WalkDir;

const SHAPE: [u64; 4] = [64, 64, 24, 100];

/// Opened when the first job is reached.
static INPUTS: OnceLock<Inputs> = OnceLock::new();

fn main() {
    divan::main();
    // What is static is never dropped.
    if let Some(inputs) = INPUTS.get() {
        fs::remove_dir_all(inputs.scratch.path()).expect("our own folder");
    }
}

/// The same runs in every form.
struct Inputs {
    scratch: TempDir,
    gz: Vec<Run>,
    mapped: Vec<Run>,
    read: Vec<Run>,
    stored: Vec<Run>,
    /// Of all voxels.
    bytes: u64,
}

impl Inputs {
    fn get() -> &'static Self {
        INPUTS.get_or_init(Self::open)
    }

    fn open() -> Self {
        let scratch = tempfile::tempdir().expect("a scratch folder");
        let files = std::env::var_os("VOXSTORE_BENCH_RUNS")
            .map_or_else(|| make_runs(scratch.path()), |folder| runs_below(Path::new(&folder)));
        assert!(!files.is_empty(), "VOXSTORE_BENCH_RUNS: no .nii.gz below that folder");
        let plain: Vec<PathBuf> = files.iter().map(|file| inflate(file, scratch.path())).collect();
        let open = |files: &[PathBuf], io| {
            files.iter().map(|f| nifti::open_with(f, io).expect("a run")).collect::<Vec<Run>>()
        };
        let gz = open(&files, Io::Read);
        let study = scratch.path().join("study.zarr");
        store::ingest(&gz, &study, &IngestOptions::default(), &session())
            .expect("room for a store");
        let study = store::open(&study).expect("it was just made");
        let stored =
            study.runs().iter().map(|name| study.run(name).expect("it is there")).collect();
        let bytes = gz.iter().map(voxel_bytes).sum();
        Self {
            gz,
            mapped: open(&plain, Io::Map),
            read: open(&plain, Io::Read),
            stored,
            bytes,
            scratch,
        }
    }

    fn of(&self, form: &str) -> &[Run] {
        match form {
            "nii_gz" => &self.gz,
            "nii_mapped" => &self.mapped,
            "nii_read" => &self.read,
            _ => &self.stored,
        }
    }

    /// A new folder for what a job writes.
    fn out(&self) -> TempDir {
        tempfile::tempdir_in(self.scratch.path()).expect("a folder for outputs")
    }
}

fn session() -> Session {
    Session::builder().memory("512MiB").threads(2).build().expect("a session")
}

fn voxel_bytes(run: &Run) -> u64 {
    LazyArray::from_source(Arc::clone(run.source())).nbytes()
}

fn make_runs(folder: &Path) -> Vec<PathBuf> {
    let make = |seed| {
        let file = folder.join(format!("sub-01_task-rest_run-{seed}_bold.nii.gz"));
        let voxels = from_ndarray(made::bold::<i16>(SHAPE, seed));
        let options = NiftiOptions::default();
        session().write_nifti(&voxels, &file, None, &options).expect("room for a run");
        file
    };
    [1, 2].map(make).to_vec()
}

fn runs_below(folder: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = entries.map(|entry| entry.expect("a folder that can be read").into_path());
    files.filter(|file| file.to_string_lossy().ends_with(".nii.gz")).collect()
}

fn inflate(gz: &Path, folder: &Path) -> PathBuf {
    let plain = folder.join(gz.file_stem().expect("it ends in .gz"));
    let open = || Ok((BufReader::new(File::open(gz)?), File::create(&plain)?));
    let copied =
        open().and_then(|(from, mut to)| io::copy(&mut MultiGzDecoder::new(from), &mut to));
    copied.expect("a whole .nii.gz, and room for the .nii");
    plain
}

#[divan::bench(args = ["nii_gz", "nii_mapped", "nii_read", "store"], sample_size = 1, max_time = 3)]
fn tsnr(bencher: Bencher<'_, '_>, from: &str) {
    let (inputs, session) = (Inputs::get(), session());
    bencher.counter(BytesCount::new(inputs.bytes)).bench_local(|| {
        tsnr_of(inputs.of(from), TsnrOptions::default(), &session).expect("whole runs")
    });
}

#[divan::bench(args = ["nii_gz", "nii_mapped"], sample_size = 1, max_time = 3)]
fn ingest(bencher: Bencher<'_, '_>, from: &str) {
    let (inputs, session) = (Inputs::get(), session());
    bencher.with_inputs(|| inputs.out()).counter(BytesCount::new(inputs.bytes)).bench_local_values(
        |out| {
            let (store, options) = (out.path().join("study.zarr"), IngestOptions::default());
            store::ingest(inputs.of(from), store, &options, &session).expect("room for a store");
            out
        },
    );
}

/// A part of the first run, in the middle of it; bytes are those of the part.
#[divan::bench(args = ["series", "volume", "box_3x3x3"], sample_size = 1, max_time = 1)]
fn part_of_store(bencher: Bencher<'_, '_>, part: &str) {
    let session = session();
    let run = LazyArray::from_source(Arc::clone(Inputs::get().stored[0].source()));
    let middle: Vec<isize> = run.shape().iter().map(|&n| n as isize / 2).collect();
    let &[x, y, z, t] = middle.as_slice() else { panic!("a run of four axes") };
    let part = match part {
        "series" => run.slice(s![x, y, z, ..]),
        "volume" => run.slice(s![.., .., .., t]),
        _ => run.slice(s![x - 1..x + 2, y - 1..y + 2, z - 1..z + 2, ..]),
    };
    let bytes = BytesCount::new(part.nbytes());
    let part = part.to_f64();
    bencher.counter(bytes).bench_local(|| session.compute::<f64>(&part).expect("a whole run"));
}

/// Of the first run, from the store: one pass for mean and deviation, one that reads again and writes.
#[divan::bench(sample_size = 1, max_time = 3)]
fn zscore_to_zarr(bencher: Bencher<'_, '_>) {
    let (inputs, session) = (Inputs::get(), session());
    let x = inputs.stored[0].lazy();
    let keep = || ReduceOptions::new().keepdims();
    let z = ((&x - x.mean_with(-1, keep())) / x.std_with(-1, keep())).astype(DType::F32);
    bencher
        .with_inputs(|| inputs.out())
        .counter(BytesCount::new(voxel_bytes(&inputs.stored[0])))
        .bench_local_values(|out| {
            let (place, options) = (out.path().join("zscore.zarr"), ZarrOptions::default());
            session.write_zarr(&z, place, None, &options).expect("room for an array");
            out
        });
}
