//! How small and how fast is each codec on a set?

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::s;
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::{self, Codec, IngestOptions, Outcome};
use voxstore::{Run, Session, nifti};

use crate::alone::{BUFFERS, Chunks, decode, encode, inflate_all};
use crate::sets::Set;

pub(crate) const THREADS: usize = 2;
/// What takes less is done again, until a round is this long.
const ROUND: Duration = Duration::from_millis(100);

/// What was measured of a set.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) is_real: bool,
    pub(crate) run_count: usize,
    pub(crate) voxel_bytes: u64,
    /// Of the `.nii.gz`; of plain files by flate2's level 6.
    pub(crate) gzip_bytes: u64,
    pub(crate) inflate: Seconds,
    pub(crate) codecs: Vec<OfCodec>,
}

/// One codec on a set. Seconds are of all its voxels; of a series and a volume, those of its largest run.
pub(crate) struct OfCodec {
    pub(crate) choice: Option<Codec>,
    /// What it came down to; several where runs differ.
    pub(crate) chosen: Vec<Codec>,
    pub(crate) stored_bytes: u64,
    pub(crate) encode: Seconds,
    pub(crate) ingest: Seconds,
    pub(crate) decode_alone: Seconds,
    pub(crate) decode: Seconds,
    /// `None` where no run has two volumes.
    pub(crate) tsnr: Option<Seconds>,
    pub(crate) series: Seconds,
    pub(crate) volume: Seconds,
}

/// The median of rounds, and how far they are apart as a part of it.
#[derive(Clone, Copy)]
pub(crate) struct Seconds {
    pub(crate) median: f64,
    pub(crate) spread: f64,
}

impl Seconds {
    fn of(mut rounds: Vec<f64>) -> Self {
        rounds.sort_by(f64::total_cmp);
        let median = rounds[rounds.len() / 2];
        Self { median, spread: (rounds[rounds.len() - 1] - rounds[0]) / median }
    }
}

pub(crate) fn set(set: &Set, choices: &[Option<Codec>], rounds: usize) -> Measured {
    let scratch = tempfile::tempdir().unwrap();
    let both = set.files.iter().enumerate().map(|(at, file)| both(file, scratch.path(), at));
    let (plain, gzip): (Vec<PathBuf>, Vec<PathBuf>) = both.unzip();
    let runs: Vec<Run> = plain.iter().map(|path| nifti::open(path).unwrap()).collect();
    let voxel_bytes =
        |run: &Run| run.shape().iter().product::<u64>() * run.source().dtype().size() as u64;
    let inflate = |size| gzip.iter().for_each(|path| inflate_all(path, size, |_| {}));
    let inflate = BUFFERS.map(|size| timed(rounds, || inflate(size)));
    Measured {
        name: set.name.clone(),
        is_real: set.is_real,
        run_count: runs.len(),
        voxel_bytes: runs.iter().map(voxel_bytes).sum(),
        gzip_bytes: gzip.iter().map(|path| fs::metadata(path).unwrap().len()).sum(),
        inflate: inflate.into_iter().min_by(|a, b| a.median.total_cmp(&b.median)).unwrap(),
        codecs: choices.iter().map(|&choice| of_codec(&runs, choice, rounds)).collect(),
    }
}

fn of_codec(runs: &[Run], codec: Option<Codec>, rounds: usize) -> OfCodec {
    let session = Session::builder().memory("512MiB").threads(THREADS).build().unwrap();
    let options = IngestOptions { codec, ..IngestOptions::default() };
    let ingest = || {
        let folder = tempfile::tempdir().unwrap();
        let report = store::ingest(runs, folder.path().join("s.zarr"), &options, &session).unwrap();
        assert!(report.runs.iter().all(|run| matches!(run.result, Outcome::Written(_))));
        folder
    };
    let folder = ingest();
    let stored = store::open(folder.path().join("s.zarr")).unwrap();
    let (opened, facts): (Vec<_>, Vec<_>) =
        stored.runs().iter().map(|name| stored.run_with_facts(name).unwrap()).unzip();
    let mut chosen: Vec<Codec> = facts.iter().map(|facts| facts.codec).collect();
    chosen.sort_by_key(|codec| codec.name());
    chosen.dedup();

    let largest = opened.iter().max_by_key(|run| run.shape().iter().product::<u64>()).unwrap();
    let [x, y, z, t] = [0, 1, 2, 3].map(|axis| (largest.shape()[axis] / 2) as isize);
    let bold = largest.lazy();
    let (series, volume) = (bold.slice(s![x, y, z, ..]), bold.slice(s![.., .., .., t]));
    let compute = |slice| drop(session.compute::<f64>(slice).unwrap());
    let tsnr = |run: &Run| {
        drop(tsnr(std::slice::from_ref(run), TsnrOptions::default(), &session).unwrap());
    };
    let chunks = chunks(&stored);
    let in_time: Vec<&Run> = opened.iter().filter(|run| run.shape()[3] > 1).collect();
    OfCodec {
        choice: codec,
        chosen,
        stored_bytes: facts.iter().map(|facts| facts.stored_bytes).sum(),
        encode: Seconds::of((0..rounds).map(|_| encode(&chunks, 1)).collect()),
        ingest: timed(rounds, || drop(ingest())),
        decode_alone: timed(rounds, || _ = decode(&chunks, 1)),
        decode: timed(rounds, || _ = decode(&chunks, THREADS)),
        tsnr: (!in_time.is_empty())
            .then(|| timed(rounds, || in_time.iter().for_each(|run| tsnr(run)))),
        series: timed(rounds, || compute(&series)),
        volume: timed(rounds, || compute(&volume)),
    }
}

/// One call, by rounds.
fn timed(rounds: usize, work: impl Fn()) -> Seconds {
    let round = |_| {
        let start = Instant::now();
        let mut calls = 0;
        while calls == 0 || start.elapsed() < ROUND {
            work();
            calls += 1;
        }
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    Seconds::of((0..rounds).map(round).collect())
}

/// A run as `.nii` in scratch, and as `.nii.gz`: there as well where it is not one.
fn both(file: &Path, scratch: &Path, at: usize) -> (PathBuf, PathBuf) {
    let plain = scratch.join(format!("run-{at}.nii"));
    if file.extension().is_some_and(|end| end == "gz") {
        let mut out = fs::File::create(&plain).unwrap();
        inflate_all(file, BUFFERS[2], |bytes| out.write_all(bytes).unwrap());
        return (plain, file.to_owned());
    }
    fs::copy(file, &plain).unwrap();
    let gzip = scratch.join(format!("run-{at}.nii.gz"));
    let mut out = GzEncoder::new(fs::File::create(&gzip).unwrap(), Compression::new(6));
    out.write_all(&fs::read(file).unwrap()).unwrap();
    out.finish().unwrap();
    (plain, gzip)
}

/// The voxels of each run, as zarrs sees them.
fn chunks(stored: &store::Store) -> Vec<Chunks> {
    let of = |run| Chunks::of(stored.path(), &format!("/{run}/0"), |_| true);
    stored.runs().iter().map(of).collect()
}
