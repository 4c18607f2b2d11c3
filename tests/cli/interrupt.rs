//! Ctrl-C in the middle of the work.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::common::{FMRI1, fixture, folder, gzipped, names, program, runs_in, voxstore};
use super::files::{Nifti, write};

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

/// Starts the program, waits until `begun`, sends SIGINT and gives back how it ended.
fn interrupted(args: Vec<OsString>, begun: impl Fn() -> bool) -> (Option<i32>, String) {
    let mut child: Child = program().args(args).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while !begun() {
        assert!(Instant::now() < deadline, "the work never began");
        assert!(child.try_wait().unwrap().is_none(), "the work was over before it was seen");
        sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_interrupted_ingest_leaves_whole_runs_and_nothing_else() {
    let folder = folder();
    let run = long_run(folder.path());
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let store = out.join("study.zarr");
    voxstore!("ingest", fixture(FMRI1), "-o", store).succeeds();
    let before = names(&store);

    let staging = out.join("study.zarr.staging");
    let args = vec!["ingest".into(), run.into(), "-o".into(), store.clone().into()];
    let (code, said) = interrupted(args, || {
        let chunks = walkdir::WalkDir::new(&staging).into_iter().flatten();
        chunks.filter(|entry| entry.file_name().to_string_lossy().starts_with("c.")).count() > 0
    });
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("cancelled"), "{said}");
    assert_eq!(names(&out), ["study.zarr"]);
    assert_eq!(names(&store), before);
    assert_eq!(runs_in(&store), ["runs/fmri1.ome.zarr"]);
}

#[test]
fn an_interrupted_tsnr_leaves_no_map() {
    let folder = folder();
    let run = long_run(folder.path());
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let map = out.join("map.nii");
    let args = vec!["tsnr".into(), run.into(), "-o".into(), map.into()];
    // The map's file is begun before anything is read.
    let (code, said) = interrupted(args, || std::fs::read_dir(&out).unwrap().next().is_some());
    assert_eq!(code, Some(130), "{said}");
    assert!(names(&out).is_empty());
}
