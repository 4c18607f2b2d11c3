//! A job done in shards has the bits of the job done by one process, whatever the number of shards and the order of
//! parts; and parts that are not those of one whole job are refused by name.
//!
//! The one process is the oracle: its numbers are held against a naive twin in `tests/tsnr.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "files/mod.rs"]
#[expect(dead_code, reason = "made for several tests")]
mod files;
#[path = "tsnr/made.rs"]
#[expect(dead_code, reason = "made for several tests")]
mod made;
#[path = "shards/values.rs"]
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use files::Nifti;
use made::Made;
use tempfile::TempDir;
use voxstore::jobs::{
    Across, Constant, Dummies, JobError, Like, Mask, NonFinite, Tsnr, TsnrOptions,
    explain_tsnr_part, merge_tsnr, tsnr, tsnr_part,
};
use voxstore::shard::{Part, PartOptions, Parts, Shard, ShardError};
use voxstore::store::{ChunkLengths, Codec, IngestOptions, ingest};
use voxstore::{Run, Session, nifti, store};

const COUNTS: [u64; 4] = [1, 2, 3, 7];

fn session() -> Session {
    Session::builder().memory("64MiB").threads(2).build().unwrap()
}

fn shard(index: u64, count: u64) -> Shard {
    Shard::new(index, count).unwrap()
}

fn make(runs: &[Run], options: TsnrOptions<'_>, of: Shard, folder: &Path) -> Part {
    tsnr_part(runs, options, of, folder, &PartOptions::default(), &session()).unwrap()
}

/// All parts, made in an order that is not theirs.
fn make_all(runs: &[Run], options: TsnrOptions<'_>, count: u64, folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = (0..count)
        .map(|k| make(runs, options, shard((k * 11 + 3) % count, count), folder).path)
        .collect();
    paths.rotate_left(1);
    paths
}

/// The bits of all that a map is.
fn bits(tsnr: &Tsnr) -> Vec<u64> {
    let between = tsnr.between_runs.iter().flat_map(|b| [b.variance_median, b.share_median]);
    let figures = [tsnr.pooled_median, tsnr.concatenated_median].into_iter();
    let figures = figures.chain(tsnr.runs.iter().map(|run| run.median));
    let figures = figures.chain(tsnr.mean_of_runs_median).chain(between);
    let maps = [&tsnr.map].into_iter().chain(&tsnr.run_maps).flatten();
    let counts = [tsnr.mask_voxels, tsnr.constant_voxels];
    maps.copied().chain(figures).map(f64::to_bits).chain(counts).collect()
}

/// Holds every number of shards against one process.
fn shards_are_one(runs: &[Run], options: TsnrOptions<'_>, counts: &[u64]) {
    let one = tsnr(runs, options, &session()).unwrap();
    for &count in counts {
        let folder = tempfile::tempdir().unwrap();
        let paths = make_all(runs, options, count, folder.path());
        let parts = Parts::open(&paths).unwrap();
        let merged = merge_tsnr(&parts, runs, options, &session()).unwrap();
        assert!(bits(&merged) == bits(&one), "{count} shards of {options:?}");
        assert_eq!(merged.runs, one.runs, "{options:?}");
        assert_eq!(merged.warnings, one.warnings, "{options:?}");
    }
}

/// Runs of one type in one folder, each of a seed of its own.
fn runs_of(folder: &Path, like: &Nifti, names: &[&str]) -> Vec<Run> {
    let run = |(index, name): (usize, &&str)| {
        let seed = 11 * index as u64 + 3;
        let file = Nifti { seed, slope: 1.0 + index as f64 * 0.37, inter: -3.5, ..like.clone() };
        nifti::open(file.write(folder, name)).unwrap()
    };
    names.iter().enumerate().map(run).collect()
}

/// The same runs in a store of small chunks.
fn stored(runs: &[Run], folder: &Path) -> Vec<Run> {
    stored_in_planes(runs, folder, 2)
}

/// The same, in chunks of so many planes.
fn stored_in_planes(runs: &[Run], folder: &Path, z: u64) -> Vec<Run> {
    let path = folder.join("study.zarr");
    let chunk = Some(ChunkLengths { t: 4, z });
    let options =
        IngestOptions { chunk, codec: Some(Codec::default()), ..IngestOptions::default() };
    ingest(runs, &path, &options, &session()).unwrap();
    let store = store::open(&path).unwrap();
    store.runs().iter().map(|name| store.run(name).unwrap()).collect()
}

#[test]
fn every_type_from_every_kind_of_file_has_the_bits_of_one_process() {
    for (datatype, size, _) in files::TYPES {
        let folder = tempfile::tempdir().unwrap();
        let like = Nifti::new([5, 4, 7, 9]).of_type(datatype, size);
        let gzip = runs_of(folder.path(), &like, &["a.nii.gz", "b.nii.gz", "c.nii.gz"]);
        let plain = runs_of(folder.path(), &like, &["a.nii", "b.nii", "c.nii"]);
        let mixed = [gzip[0].clone(), plain[1].clone(), gzip[2].clone()];
        let stored = stored(&plain, folder.path());
        shards_are_one(&gzip, TsnrOptions::default(), &[1, 2]);
        shards_are_one(&plain, TsnrOptions::default(), &[7]);
        shards_are_one(&stored, TsnrOptions::default(), &COUNTS);
        shards_are_one(&mixed, TsnrOptions::default(), &[3]);
    }
}

#[test]
fn every_option_that_states_carry_has_the_bits_of_one_process() {
    let made = Made::with_holes([5, 4, 3], &[14, 9, 11]);
    let mask = made.mask_run();
    let lists = [vec![3, 7], vec![], vec![10]];
    let default = TsnrOptions::default();
    let mut all = Vec::new();
    for across in [Across::Concat, Across::Pooled, Across::Mean, Across::PerRun] {
        for non_finite in [NonFinite::Propagate, NonFinite::Skip, NonFinite::Zero] {
            all.push(TsnrOptions { across, non_finite, ddof: 1, ..default });
        }
        for detrend in [1, 3] {
            let non_finite = NonFinite::Zero;
            all.push(TsnrOptions { across, detrend, ddof_of_model: true, non_finite, ..default });
        }
    }
    all.push(TsnrOptions { mask: Mask::Of(&mask), constant: Constant::Nan, ..default });
    all.push(TsnrOptions { mask: Mask::Auto, dummies: Dummies::First(2), ..default });
    all.push(TsnrOptions { censored: &lists, dummies: Dummies::First(1), ..default });
    for options in all {
        shards_are_one(&made.runs, options, &[1, 2, 7]);
    }
}

#[test]
fn definitions_of_other_tools_have_the_bits_of_one_process() {
    let made = Made::drifting([5, 4, 3], &[14]);
    let mask = made.mask_run();
    let tools = [
        Like::Seed,
        Like::Fsl,
        Like::Afni,
        Like::AfniCvarinv,
        Like::Nipype,
        Like::Mriqc,
        Like::Sct,
        Like::Halfpipe,
    ];
    for tool in tools {
        let mask = if tool == Like::Mriqc { Mask::Of(&mask) } else { Mask::None };
        shards_are_one(&made.runs, TsnrOptions { mask, ..TsnrOptions::like(tool) }, &[2]);
    }
    let nipype = TsnrOptions { detrend: 2, ..TsnrOptions::like(Like::Nipype) };
    shards_are_one(&made.runs, nipype, &[2]);
}

#[test]
fn dummy_volumes_are_looked_for_by_the_shard_that_reads_the_run() {
    let mut made = Made::drifting([5, 4, 3], &[14, 12, 16]);
    made.raise(0, &[900.0, 400.0]);
    made.raise(2, &[700.0]);
    let options = TsnrOptions { dummies: Dummies::Auto, ..TsnrOptions::default() };
    let one = tsnr(&made.runs, options, &session()).unwrap();
    let dummies: Vec<u64> = one.runs.iter().map(|row| row.dummy_volumes).collect();
    assert_eq!(dummies, [2, 0, 1]);
    shards_are_one(&made.runs, options, &COUNTS);
}

#[test]
fn a_run_that_is_there_twice_is_summed_once_and_counts_twice() {
    let made = Made::drifting([5, 4, 3], &[14, 9]);
    let runs = [made.runs[0].clone(), made.runs[1].clone(), made.runs[0].clone()];
    shards_are_one(&runs, TsnrOptions::default(), &COUNTS);
}

#[test]
fn parts_of_different_numbers_of_shards_go_together_where_they_meet() {
    let made = Made::drifting([5, 4, 3], &[14, 14]);
    let (options, folder) = (TsnrOptions::default(), tempfile::tempdir().unwrap());
    let paths = [(0, 2), (2, 4), (3, 4)]
        .map(|(index, count)| make(&made.runs, options, shard(index, count), folder.path()).path);
    let parts = Parts::open(&paths).unwrap();
    let merged = merge_tsnr(&parts, &made.runs, options, &session()).unwrap();
    assert!(bits(&merged) == bits(&tsnr(&made.runs, options, &session()).unwrap()));
}

#[test]
fn budget_and_threads_change_no_byte_of_a_part() {
    let folder = tempfile::tempdir().unwrap();
    let like = Nifti::new([16, 16, 9, 20]).of_type(16, 4);
    let runs = runs_of(folder.path(), &like, &["a.nii.gz", "b.nii", "c.nii.gz"]);
    let mut first: Option<Vec<(PathBuf, Vec<u8>)>> = None;
    for (memory, threads) in [("20MiB", 1), ("64MiB", 2), ("512MiB", 8)] {
        let session = Session::builder().memory(memory).threads(threads).build().unwrap();
        let out = tempfile::tempdir().unwrap();
        let how = PartOptions::default();
        for index in 0..2 {
            let options = TsnrOptions::default();
            tsnr_part(&runs, options, shard(index, 2), out.path(), &how, &session).unwrap();
        }
        let files = snapshot(out.path());
        assert!(files.len() > 8);
        let expected = first.get_or_insert_with(|| files.clone());
        assert!(*expected == files, "{memory}, {threads} threads");
    }
}

/// Every file below a folder, with its bytes.
fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.is_file())
        .map(|path| (path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_shard_reads_its_own_runs_only_and_says_so_before() {
    let folder = tempfile::tempdir().unwrap();
    let like = Nifti::new([8, 8, 6, 20]);
    let runs = runs_of(folder.path(), &like, &["a.nii.gz", "b.nii.gz", "c.nii.gz", "d.nii.gz"]);
    let out = folder.path().join("parts");
    let all: u64 = (0..2)
        .map(|index| {
            let of = shard(index, 2);
            let plan =
                explain_tsnr_part(&runs, TsnrOptions::default(), of, &session()).unwrap().summary;
            let part = make(&runs, TsnrOptions::default(), of, &out);
            assert_eq!((part.runs, part.units, part.total_units), (2, 2, 4));
            assert_eq!(part.report.read_bytes, plan.read_bytes);
            assert!(part.report.projected_bytes >= plan.peak_bytes);
            assert!(part.report.leased_peak_bytes <= part.report.projected_bytes);
            plan.read_bytes
        })
        .sum();
    assert_eq!(all, 4 * 8 * 8 * 6 * 20 * 2);
}

#[test]
fn more_shards_than_units_leave_some_with_nothing_and_the_map_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs_of(folder.path(), &Nifti::new([4, 4, 3, 8]), &["a.nii.gz", "b.nii.gz"]);
    let empty = (0..5).filter(|&index| {
        let options = TsnrOptions::default();
        make(&runs, options, shard(index, 5), folder.path()).units == 0
    });
    assert_eq!(empty.count(), 3);
    shards_are_one(&runs, TsnrOptions::default(), &[5]);
}

/// Parts of a job of three runs, in a folder that goes with it.
struct Job {
    folder: TempDir,
    made: Made,
    paths: Vec<PathBuf>,
}

impl Job {
    fn new(count: u64) -> Self {
        let made = Made::drifting([5, 4, 3], &[14, 9, 11]);
        let folder = tempfile::tempdir().unwrap();
        let options = TsnrOptions::default();
        let paths = (0..count)
            .map(|index| make(&made.runs, options, shard(index, count), folder.path()).path)
            .collect();
        Self { folder, made, paths }
    }

    fn merge(&self, paths: &[PathBuf]) -> Result<Tsnr, JobError> {
        let parts = Parts::open(paths)?;
        merge_tsnr(&parts, &self.made.runs, TsnrOptions::default(), &session())
    }

    fn refusal(&self, paths: &[PathBuf]) -> String {
        self.merge(paths).unwrap_err().to_string()
    }
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn missing_parts_are_named_with_the_shards_that_make_them() {
    let job = Job::new(4);
    let error = job.merge(&[job.paths[0].clone(), job.paths[2].clone()]).unwrap_err();
    let JobError::Shard(ShardError::Missing { shards, total, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!((shards.as_slice(), *total), (&[shard(1, 4), shard(3, 4)][..], 9));
    says(&error.to_string(), &["of 9 units are in no part", "1/4, 3/4"]);
}

#[test]
fn units_that_are_in_two_parts_are_named_with_both() {
    let job = Job::new(2);
    let third = make(&job.made.runs, TsnrOptions::default(), shard(1, 3), job.folder.path()).path;
    let paths = [job.paths[0].clone(), job.paths[1].clone(), third];
    let error = job.refusal(&paths);
    says(&error, &["-of-00003.zarr", "-of-00002.zarr", "the same units", "leave out one"]);
    // Naming a part twice is no mistake.
    let twice = [&job.paths[..], &job.paths[..]].concat();
    assert!(job.merge(&twice).is_ok());
}

#[test]
fn parts_of_another_job_are_named_with_what_differs() {
    let job = Job::new(2);
    let other = tempfile::tempdir().unwrap();
    let options = TsnrOptions { ddof: 1, ..TsnrOptions::default() };
    let foreign = make(&job.made.runs, options, shard(1, 2), other.path()).path;
    let error = job.refusal(&[job.paths[0].clone(), foreign]);
    says(&error, &["another job", "definition.ddof", "1", "0"]);

    let other = tempfile::tempdir().unwrap();
    let fewer = make(&job.made.runs[..2], TsnrOptions::default(), shard(1, 2), other.path()).path;
    let error = job.refusal(&[job.paths[0].clone(), fewer]);
    says(&error, &["another job", "its number of sources is 2, the other's 3"]);
}

#[test]
fn another_part_at_its_place_is_refused_and_replaced_by_force() {
    let job = Job::new(2);
    let options = TsnrOptions { ddof: 1, ..TsnrOptions::default() };
    let how = |force| PartOptions { force, ..PartOptions::default() };
    let (runs, folder) = (&job.made.runs, job.folder.path());
    let make = |force| tsnr_part(runs, options, shard(0, 2), folder, &how(force), &session());
    says(&make(false).unwrap_err().to_string(), &["another job", "definition.ddof", "--force"]);
    assert!(job.merge(&job.paths).is_ok());
    assert!(!make(true).unwrap().was_there);
    says(&job.refusal(&job.paths), &["another job"]);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn a_part_that_is_there_is_left_alone() {
    let job = Job::new(2);
    let before = snapshot(job.folder.path());
    let part = make(&job.made.runs, TsnrOptions::default(), shard(1, 2), job.folder.path());
    assert!(part.was_there);
    assert_eq!(part.report.read_bytes, 0);
    assert!(snapshot(job.folder.path()) == before);
}

#[test]
fn sources_that_changed_are_refused_by_name() {
    let job = Job::new(2);
    let parts = Parts::open(&job.paths).unwrap();
    let merge = |runs: &[Run], options| {
        merge_tsnr(&parts, runs, options, &session()).unwrap_err().to_string()
    };
    let options = TsnrOptions { detrend: 1, ..TsnrOptions::default() };
    says(&merge(&job.made.runs, options), &["definition.detrend", "is 0, now it is 1"]);
    let other = Made::drifting([5, 4, 3], &[14, 9, 12]);
    says(&merge(&other.runs, TsnrOptions::default()), &["sources["]);
    let two = &job.made.runs[..2];
    says(&merge(two, TsnrOptions::default()), &["number of sources is 3, now it is 2"]);
}

#[test]
fn damage_to_any_file_of_a_part_is_an_error_that_names_the_part() {
    let job = Job::new(2);
    let want = bits(&job.merge(&job.paths).unwrap());
    let part = job.paths[1].file_name().unwrap().to_str().unwrap();
    let mut tried = 0;
    for (name, bytes) in snapshot(&job.paths[1]) {
        let path = job.paths[1].join(&name);
        let is_json = name.ends_with("zarr.json");
        let damage = |bad: Option<Vec<u8>>| {
            match &bad {
                Some(bad) => fs::write(&path, bad).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let outcome = job.merge(&job.paths);
            match outcome {
                Err(error) => says(&error.to_string(), &[part]),
                // Not every byte of the JSON means something; but then no number is another one.
                Ok(tsnr) => assert!(is_json && bits(&tsnr) == want, "{name:?} {bad:?}"),
            }
            fs::write(&path, &bytes).unwrap();
        };
        // A group's own file is for other tools: nothing of ours is in it.
        let is_needed = !name.ends_with("run-00000/zarr.json") && name.components().count() != 2;
        if is_needed {
            damage(None);
            damage(Some(bytes[..bytes.len() / 2].to_vec()));
        }
        let step = if is_json { 37 } else { 5 };
        for at in (0..bytes.len()).step_by(step) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x04;
            damage(Some(bad));
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
    assert!(bits(&job.merge(&job.paths).unwrap()) == want);
}

#[test]
fn what_is_no_part_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: PathBuf| Parts::open(&[path]).unwrap_err().to_string();
    says(&error(folder.path().to_owned()), &["has no part", "tsnr.part-00000-of-00004.zarr"]);
    says(&error(folder.path().join("no")), &["no"]);
    let part = folder.path().join("tsnr.part-00000-of-00002.zarr");
    fs::create_dir(&part).unwrap();
    says(&error(part), &["tsnr.part-00000-of-00002.zarr"]);
    assert!(Parts::open(&[]).is_err());
}

#[test]
fn merging_is_refused_before_reading_when_it_cannot_fit() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs_of(folder.path(), &Nifti::new([100, 100, 60, 3]), &["a.nii.gz", "b.nii.gz"]);
    let options = TsnrOptions::default();
    let paths = make_all(&runs, options, 2, folder.path());
    let parts = Parts::open(&paths).unwrap();
    let merge = |memory| {
        let session = Session::builder().memory(memory).threads(1).build().unwrap();
        merge_tsnr(&parts, &runs, options, &session)
    };
    let error = merge("18MiB").unwrap_err().to_string();
    says(&error, &["no data was read", "what would fit"]);
    // On disk, as one process would: five maps of 4.6 MiB do not fit, and one does.
    let tight = merge("28MiB").unwrap();
    assert!(tight.report.leased_peak_bytes <= 28 << 20);
    assert!(bits(&tight) == bits(&tsnr(&runs, options, &session()).unwrap()));
}
