//! What a killed ingest leaves, and what it does to those who come after.

use std::fs;

use super::common::{names, run, voxstore};
use super::process::args;
use super::study::{chunk_files, folder, ingest, sources, staging, stopped, well};

#[test]
fn staging_of_a_killed_ingest_is_nothing_to_readers_and_goes_with_the_next_ingest() {
    let folder = folder();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    let store = out.join("study.zarr");
    let there = ingest(&sources(folder.path(), &["a", "b"], 1), &store, &[]);
    run(there.clone()).succeeds();
    let map = folder.path().join("map.nii");
    let read = || {
        [
            args!["info", store],
            args!["info", store, "--json"],
            args!["verify", store, "--deep", "--json"],
            args!["tsnr", store, "--run", "*sub-a*", "-o", map, "--force", "--quiet"],
        ]
        .map(|args| run(args).succeeds().stdout)
    };
    let undisturbed = read();

    let staging = staging(&store);
    // One ingest that comes next writes other runs, one has nothing to write.
    let next = [ingest(&sources(folder.path(), &["c"], 1), &store, &[]), there];
    for next in next {
        let killed = stopped(&ingest(&sources(folder.path(), &["x", "y"], 1), &store, &[]), &store);
        assert!(killed.kill());
        assert!(chunk_files(&staging) > 20);
        let in_the_store = voxstore!("info", store, "--json").succeeds().stdout;
        if !in_the_store.contains("sub-c") {
            assert_eq!(read(), undisturbed);
        }
        run(next).succeeds();
        assert_eq!(names(&out), ["study.zarr"]);
    }
    assert_eq!(well(&store).len(), 3);
}

#[test]
fn staging_of_an_ingest_that_lives_is_left_alone() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let mut living = stopped(&ingest(&sources(folder.path(), &["a"], 1), &store, &[]), &store);
    run(ingest(&sources(folder.path(), &["b"], 1), &store, &[])).succeeds();
    assert!(chunk_files(&staging(&store)) > 20);
    living.signal("CONT");
    living.answer().succeeds();
    assert_eq!(well(&store).len(), 2);
    assert!(!staging(&store).exists());
}
