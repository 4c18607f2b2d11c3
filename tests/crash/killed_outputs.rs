//! `kill -9` while a map or a run is written to a file.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::common::{names, run};
use super::files::Nifti;
use super::process::{Started, args, rounds};
use super::study::folder;

/// The files under way in a folder.
fn parts(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| {
        let begins = path.file_name().unwrap().to_string_lossy().starts_with(".voxstore-");
        begins && path.extension().is_some_and(|end| end == "part")
    })
}

/// True once a file under way has so many bytes.
fn has_come_to(folder: &Path, bytes: u64) -> bool {
    parts(folder).any(|part| fs::metadata(part).is_ok_and(|found| found.len() >= bytes))
}

/// A command that writes one large file and, but for `export`, a record.
struct Job {
    args: Vec<OsString>,
    output: PathBuf,
    whole: Vec<u8>,
}

impl Job {
    fn new(args: Vec<OsString>, output: &Path) -> Self {
        run(args.clone()).succeeds();
        let whole = fs::read(output).unwrap();
        Self { args, output: output.to_owned(), whole }
    }

    /// Kills it when its file has come to `bytes`; true if it was still running.
    fn kill_at(&self, bytes: u64, old: Option<&[u8]>) -> bool {
        let out = self.output.parent().unwrap();
        fs::remove_dir_all(out).unwrap();
        fs::create_dir(out).unwrap();
        if let Some(old) = old {
            fs::write(&self.output, old).unwrap();
        }
        let mut job = Started::new(self.args.clone());
        job.wait_until(|| has_come_to(out, bytes));
        let hit = job.kill();

        let found = fs::read(&self.output).ok();
        let is_known = found.as_deref() == old || found.as_ref() == Some(&self.whole);
        assert!(is_known, "killed at {bytes} of {} bytes: {:?}", self.whole.len(), self.args);
        let others: Vec<_> = names(out)
            .into_iter()
            .filter(|name| !matches!(name.as_str(), "map.nii.gz" | "map.json"))
            .filter(|name| !parts(out).any(|part| part.ends_with(name)))
            .collect();
        assert!(others.is_empty(), "{others:?}");

        run(self.args.clone()).succeeds();
        assert!(fs::read(&self.output).unwrap() == self.whole, "{:?}", self.args);
        hit
    }
}

#[test]
fn an_output_killed_at_any_point_is_the_old_one_or_none_and_a_rerun_writes_it() {
    let folder = folder();
    let source = Nifti::new([96, 96, 40, 4]).write(folder.path(), "run.nii");
    let store = folder.path().join("study.zarr");
    run(args!["ingest", source, "-o", store]).succeeds();
    fs::create_dir(folder.path().join("out")).unwrap();
    let map = folder.path().join("out/map.nii.gz");
    let jobs = [
        args!["tsnr", source, "-o", map, "--force"],
        args!["reduce", "mean", store, "-o", map, "--force"],
        args!["export", store, "-o", map, "--force"],
    ]
    .map(|args| Job::new(args, &map));

    let (mut rng, mut hits) = (Pcg64Mcg::seed_from_u64(6), 0);
    let kills = rounds().div_ceil(4);
    for round in 0..kills {
        let job = &jobs[(round % 3) as usize];
        let bytes = rng.random_range(0..job.whole.len() as u64);
        let old = (round % 2 == 0).then_some(b"what was there".as_slice());
        hits += u64::from(job.kill_at(bytes, old));
    }
    println!("{hits} of {kills} kills met a file under way");
    assert!(hits * 2 > kills, "only {hits} kills met a file under way");
}
