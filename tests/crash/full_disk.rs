//! Disks that are full, and files that may not grow.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::common::{Answer, names, program_path, run, voxstore};
use super::files::{Nifti, flipped, write};
use super::process::args;
use super::sandbox::Sandbox;
use super::snapshot::{Snapshot, assert_same, snapshot};
use super::study::{Digests, digests, folder, ingest, well};

/// Runs the program where no file may grow beyond so many blocks (of 512 or 1024 bytes, by the shell).
fn limited(blocks: u32, args: Vec<OsString>) -> Answer {
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f \"$0\" && exec \"$@\"", &blocks.to_string()])
        .arg(program_path())
        .args(&args)
        .output()
        .unwrap();
    Answer::of(args, output)
}

/// A store of one run, and what it is with two more.
struct Study {
    store: PathBuf,
    before: Digests,
    after: Snapshot,
    args: Vec<OsString>,
}

fn made(folder: &Path, name: &str, shape: [i64; 4]) -> PathBuf {
    Nifti { seed: name.len() as u64, ..Nifti::new(shape) }.write(folder, &format!("{name}.nii.gz"))
}

impl Study {
    fn new(folder: &Path) -> Self {
        let runs =
            [made(folder, "first", [52, 44, 4, 12]), made(folder, "longer", [52, 44, 6, 24])];
        let there = made(folder, "there", [10, 8, 4, 12]);
        let store = folder.join("out/study.zarr");
        fs::create_dir(store.parent().unwrap()).unwrap();
        // A little more than a page each: two pages of a disk in memory, which the plan does not know.
        let args = ingest(&runs, &store, &["--threads", "1", "--codec", "none"]);
        run(ingest(std::slice::from_ref(&there), &store, &[])).succeeds();
        run(args.clone()).succeeds();
        let after = snapshot(&store);
        fs::remove_dir_all(&store).unwrap();
        run(ingest(&[there], &store, &[])).succeeds();
        Self { before: digests(&store), after, args, store }
    }

    /// What was there is there, what is new is whole, and nothing is beside the store.
    fn is_well(&self, answer: &Answer) {
        let found = well(&self.store);
        for (name, digest) in &self.before {
            assert_eq!(found.get(name), Some(digest), "{answer:?}");
        }
        assert_eq!(names(self.store.parent().unwrap()), ["study.zarr"], "{answer:?}");
    }
}

/// What an ingest said of which nothing, or not all, was written.
#[track_caller]
fn failed(answer: Answer, words: &[&str]) -> String {
    // 1 where no run got in or the index did not; 4 where some did.
    let code = if answer.stdout.contains(".ome.zarr") { answer.code.unwrap() } else { 1 };
    assert!(matches!(code, 1 | 4), "{answer:?}");
    answer.fails(code, words).stderr
}

/// What the failures named, so that a test knows that it met different ones.
fn assert_named(said: &[String], words: &[&str]) {
    for word in words {
        assert!(said.iter().any(|text| text.contains(word)), "no {word:?} in {said:#?}");
    }
}

#[test]
fn an_ingest_whose_files_may_not_grow_fails_by_name_and_leaves_the_store_as_it_was() {
    let folder = folder();
    let study = Study::new(folder.path());
    let mut said = Vec::new();
    for blocks in 0.. {
        let answer = limited(blocks, study.args.clone());
        study.is_well(&answer);
        if answer.code == Some(0) {
            break;
        }
        said.push(failed(answer, &["study.zarr", "File too large", "ulimit"]));
    }
    assert_same(&snapshot(&study.store), &study.after, "once files may grow");
    assert_named(&said, &["/0/c.", "run-0/zarr.json", "the store does not list its runs"]);
}

#[test]
fn outputs_that_may_not_grow_fail_by_name_and_leave_what_was_there() {
    let folder = folder();
    let source = made(folder.path(), "run", [12, 10, 8, 6]);
    let store = folder.path().join("study.zarr");
    run(args!["ingest", source, "-o", store]).succeeds();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let path = |name: &str| out.join(name);
    let (map, table) = (path("map.nii.gz"), path("series.tsv"));
    for (output, args) in [
        (&map, args!["tsnr", store, "-o", map, "--force"]),
        (&map, args!["reduce", "mean", source, "-o", map, "--force"]),
        (&map, args!["export", store, "-o", map, "--force"]),
        (&table, args!["reduce", "mean", source, "--axis", "x,y,z", "-o", table, "--force"]),
    ] {
        let mut failures = 0;
        for old in [None, Some(b"old".as_slice())] {
            for blocks in 0.. {
                drop(fs::remove_file(output));
                if let Some(bytes) = old {
                    fs::write(output, bytes).unwrap();
                }
                let answer = limited(blocks, args.clone());
                let hidden: Vec<_> =
                    names(&out).into_iter().filter(|n| n.starts_with('.')).collect();
                assert!(hidden.is_empty(), "{hidden:?} {answer:?}");
                if answer.code == Some(0) {
                    break;
                }
                let record =
                    output.to_string_lossy().replace(".nii.gz", ".json").replace("tsv", "json");
                let answer = answer.fails(1, &["File too large"]);
                // The record comes last, when its map is in place.
                if !answer.stderr.contains(&record) {
                    assert!(answer.stderr.contains(&*output.to_string_lossy()), "{answer:?}");
                    assert_eq!(fs::read(output).ok().as_deref(), old, "{answer:?}");
                }
                failures += 1;
            }
        }
        assert!(failures >= 4, "{failures} failures of {args:?}");
    }
}

#[test]
fn a_disk_that_fills_up_fails_the_ingest_and_leaves_the_store_as_it_was() {
    let folder = folder();
    let disk = folder.path().join("out");
    let mount = "mount -t tmpfs -o size=600k tmpfs \"$1\"";
    let study = Study::new(folder.path());
    let there = folder.path().join("there.nii.gz");
    let Some(sandbox) = Sandbox::new(mount, &disk) else { return };
    sandbox.run(ingest(&[there], &study.store, &[])).succeeds();
    let outside = sandbox.outside(&study.store);
    let mut said = Vec::new();
    for kib in (600..).step_by(200) {
        sandbox.shell(&format!("mount -o remount,size={kib}k \"$1\""), &disk);
        let answer = sandbox.run(study.args.clone());
        sandbox.run(args!["verify", study.store, "--deep"]).succeeds();
        assert_eq!(names(outside.parent().unwrap()), ["study.zarr"], "{answer:?}");
        if answer.code == Some(0) {
            break;
        }
        said.push(failed(answer, &["out", "free some space"]));
    }
    assert_same(&snapshot(&outside), &study.after, "once there is room");
    assert_named(&said, &["may be needed", "No space left", "/0/c."]);
}

#[test]
fn an_ingest_that_the_disk_has_no_room_for_is_refused_before_anything_is_read_or_written() {
    let folder = folder();
    let disk = folder.path().join("out");
    fs::create_dir(&disk).unwrap();
    let whole = fs::read(made(folder.path(), "whole", [40, 40, 10, 40])).unwrap();
    // Whoever read it would say that it is damaged.
    let damaged = write(folder.path(), "damaged.nii.gz", &flipped(&whole));
    let Some(sandbox) = Sandbox::new("mount -t tmpfs -o size=1m tmpfs \"$1\"", &disk) else {
        return;
    };
    let store = disk.join("study.zarr");
    let said = sandbox.run(args!["ingest", damaged, "-o", store]).fails(
        1,
        &[
            "out has 1.0 MiB free",
            "1.2 MiB may be needed",
            "free some space",
            "Nothing was written",
        ],
    );
    assert!(!said.stderr.contains("damaged.nii.gz"), "{said:?}");
    assert!(names(&sandbox.outside(&disk)).is_empty());
    voxstore!("ingest", damaged, "-o", store).fails(1, &["damaged.nii.gz"]);
}
