//! The same bits, whatever the threads, the budget and the way the voxels come in.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use super::common::{DS003, FMRI1, FMRI2, FUNCTIONAL, compressed, folder, plain, run, store_of};

/// Computes the map in every way and compares the files byte for byte.
fn every_way_gives_one_map(fixtures: &[&str]) {
    let folder = folder();
    let plain: Vec<PathBuf> = fixtures.iter().map(|name| plain(name, folder.path())).collect();
    let gzip: Vec<PathBuf> = fixtures.iter().map(|name| compressed(name, folder.path())).collect();
    let store = vec![store_of(&gzip, folder.path())];
    let ways = [("map", &plain), ("read", &plain), ("auto", &gzip), ("auto", &store)];

    let mut first: Option<Vec<u8>> = None;
    for (io, inputs) in ways {
        for threads in ["1", "2", "8"] {
            for memory in ["64MiB", "128MiB", "512MiB"] {
                let map = folder.path().join("map.nii");
                let mut args: Vec<OsString> = vec!["tsnr".into()];
                args.extend(inputs.iter().map(Into::into));
                args.extend(["-o".into(), map.clone().into(), "--force".into(), "--quiet".into()]);
                for (flag, value) in [("--io", io), ("--threads", threads), ("--memory", memory)] {
                    args.extend([flag.into(), value.into()]);
                }
                let answer = run(args).succeeds();
                let bytes = fs::read(&map).unwrap();
                let expected = first.get_or_insert_with(|| bytes.clone());
                assert!(*expected == bytes, "another map from {answer:?}");
            }
        }
    }
}

#[test]
fn two_runs_of_integers_give_one_map_in_every_way() {
    every_way_gives_one_map(&[FMRI1, FMRI2]);
}

#[test]
fn scaled_integers_give_one_map_in_every_way() {
    every_way_gives_one_map(&[FUNCTIONAL]);
}

#[test]
fn floats_give_one_map_in_every_way() {
    every_way_gives_one_map(&[DS003]);
}
