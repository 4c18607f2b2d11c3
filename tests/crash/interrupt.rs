//! Ctrl-C and SIGTERM in the middle of the work.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::common::{Answer, FMRI1, fixture, gzipped, names, run, runs_in, voxstore};
use super::files::{Nifti, write};
use super::process::{Started, args};
use super::study::{chunk_files, folder, staging};

/// More than it ever takes, so that a program that goes on regardless is a failure.
const HUNG: Duration = Duration::from_secs(20);

/// What ends the program, and the exit code of each.
const SIGNALS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];

/// A run of 7.5 GiB of zeros in a few MB: the same gzip member again and again.
fn long_run(folder: &Path) -> PathBuf {
    const MEMBERS: usize = 240;
    const VOLUME_BYTES: usize = 64 * 64 * 32 * 2;
    let volumes_a_member = (32 << 20) / VOLUME_BYTES;
    let mut run = Nifti::new([64, 64, 32, (MEMBERS * volumes_a_member) as i64]);
    run.zoom = 3.0;
    let mut bytes = gzipped(&run.header());
    let member = gzipped(&vec![0; volumes_a_member * VOLUME_BYTES]);
    for _ in 0..MEMBERS {
        bytes.extend(&member);
    }
    write(folder, "long.nii.gz", &bytes)
}

/// Starts the program, waits until `begun`, sends the signal and gives back how it ended.
fn interrupted(args: Vec<OsString>, signal: &str, begun: impl FnMut() -> bool) -> Answer {
    let mut started = Started::new(args);
    assert!(started.wait_until(begun), "the work was over before it was seen");
    let at = Instant::now();
    started.signal(signal);
    let answer = started.answer();
    println!("ended {:?} after SIG{signal}: {answer:?}", at.elapsed());
    assert!(at.elapsed() < HUNG, "{answer:?}");
    answer
}

#[test]
fn an_interrupted_ingest_leaves_whole_runs_and_nothing_else() {
    let folder = folder();
    let run = long_run(folder.path());
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let store = out.join("study.zarr");
    voxstore!("ingest", fixture(FMRI1), "-o", store).succeeds();
    let before = names(&store);
    for (signal, code) in SIGNALS {
        let args = args!["ingest", run, "-o", store];
        let answer = interrupted(args, signal, || chunk_files(&staging(&store)) > 0);
        answer.fails(code, &["cancelled"]);
        assert_eq!(names(&out), ["study.zarr"]);
        assert_eq!(names(&store), before);
        assert_eq!(runs_in(&store), ["runs/fmri1.ome.zarr"]);
    }
}

#[test]
fn an_interrupted_job_leaves_no_file() {
    let folder = folder();
    let long = long_run(folder.path());
    // An export takes long enough to be met where much is to be compressed.
    let stored = folder.path().join("study.zarr");
    let large = Nifti::new([96, 96, 48, 40]).write(folder.path(), "large.nii");
    run(args!["ingest", large, "-o", stored]).succeeds();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let map = out.join("map.nii.gz");
    for (signal, code) in SIGNALS {
        for args in [
            args!["tsnr", long, "-o", map],
            args!["reduce", "mean", long, "-o", map],
            args!["export", stored, "-o", map],
        ] {
            // The file is begun before anything is read.
            interrupted(args, signal, || fs::read_dir(&out).unwrap().next().is_some())
                .fails(code, &[]);
            assert!(names(&out).is_empty());
        }
    }
}
