//! A shard that is killed, or started twice.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;
use walkdir::WalkDir;

use super::common::{names, run};
use super::files::Nifti;
use super::process::{Started, args, rounds};
use super::snapshot::{assert_same, snapshot};
use super::study::folder;

/// A shard of two runs, and the part that it makes.
struct Shard {
    folder: TempDir,
    sources: [PathBuf; 2],
    /// Made by a process that nothing happened to.
    whole: PathBuf,
}

const PART: &str = "tsnr.part-00000-of-00001.zarr";

impl Shard {
    fn new() -> Self {
        let folder = folder();
        let sources = ["a.nii.gz", "b.nii"]
            .map(|name| Nifti::new([96, 96, 40, 6]).write(folder.path(), name));
        let whole = folder.path().join("whole");
        let shard = Self { folder, sources, whole };
        run(shard.args(&shard.whole)).succeeds();
        shard
    }

    fn args(&self, out: &Path) -> Vec<OsString> {
        let [a, b] = &self.sources;
        args!["tsnr", a, b, "--shard", "0/1", "-o", out, "--quiet"]
    }

    /// Asserts that the part is there, and is as if nothing had happened: but for the command that made it, which
    /// names another folder.
    fn is_whole(&self, out: &Path) {
        let arrays = |folder: &Path| {
            let mut part = snapshot(&folder.join(PART));
            part.remove(Path::new("zarr.json"));
            part
        };
        assert_same(&arrays(out), &arrays(&self.whole), "the part");
        let map = self.folder.path().join("map.nii");
        run(args!["merge", out, "-o", map, "--force", "--quiet"]).succeeds();
    }
}

/// Bytes of all files below a folder.
fn bytes_in(folder: &Path) -> u64 {
    let files = WalkDir::new(folder).into_iter().flatten();
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(fs::Metadata::is_file)
        .map(|f| f.len())
        .sum()
}

#[test]
fn a_part_killed_at_any_point_is_not_there_or_whole_and_a_rerun_makes_it() {
    let shard = Shard::new();
    let all = bytes_in(&shard.whole);
    let out = shard.folder.path().join("out");
    let (mut rng, mut hits) = (Pcg64Mcg::seed_from_u64(32), 0);
    let kills = rounds().div_ceil(5);
    for _ in 0..kills {
        let _ = fs::remove_dir_all(&out);
        let mut process = Started::new(shard.args(&out));
        let at = rng.random_range(0..all);
        process.wait_until(|| bytes_in(&out) > at);
        hits += u64::from(process.kill());
        for name in names(&out) {
            assert!(name == PART || name.starts_with(".voxstore-"), "{name}");
        }
        if out.join(PART).exists() {
            shard.is_whole(&out);
        } else {
            run(args!["merge", out, "-o", out.join("m.nii")]).fails(1, &["has no part"]);
        }
        run(shard.args(&out)).succeeds();
        shard.is_whole(&out);
    }
    assert!(hits * 2 > kills, "only {hits} of {kills} kills met a shard under way");
}

#[test]
fn one_shard_started_twice_at_once_is_one_part_and_two_successes() {
    let shard = Shard::new();
    for second_ends_first in [false, true] {
        let out = shard.folder.path().join(format!("out-{second_ends_first}"));
        let mut first = Started::new(shard.args(&out));
        first.wait_until(|| bytes_in(&out) > 0);
        first.stop();
        let mut second = Started::new(shard.args(&out));
        if second_ends_first {
            second.answer().succeeds();
            first.signal("CONT");
        } else {
            second.wait_until(|| names(&out).len() == 2);
            first.signal("CONT");
            second.answer().succeeds();
        }
        first.answer().succeeds();
        assert_eq!(names(&out), [PART]);
        shard.is_whole(&out);
    }
}
