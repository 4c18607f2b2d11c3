//! Reading a store while it is written.

use std::collections::BTreeMap;
use std::path::Path;

use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::open;
use voxstore::{Error, Run, Session, nifti};

use super::common::run;
use super::process::{Started, rounds};
use super::study::{REPLACED, folder, ingest, source, sources, stem, well};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "1"];

/// A map's bits, so that NaN is equal to itself.
type Bits = Vec<u64>;

fn session() -> Session {
    Session::builder().memory("64MiB").threads(1).build().unwrap()
}

fn tsnr_bits(run: &Run) -> Result<Bits, Error> {
    let answer = tsnr(std::slice::from_ref(run), TsnrOptions::default(), &session())?;
    Ok(answer.map.iter().map(|v| v.to_bits()).collect())
}

fn bits_of_file(file: &Path) -> Bits {
    tsnr_bits(&nifti::open(file).unwrap()).unwrap()
}

/// tSNR of every run that is in the store now, by name; nothing where there is no store yet.
fn read_all(store: &Path) -> BTreeMap<String, Bits> {
    let Ok(store) = open(store) else { return BTreeMap::new() };
    let bits = |name: &String| tsnr_bits(&store.run(name).unwrap()).unwrap();
    store.runs().iter().map(|name| (name.clone(), bits(name))).collect()
}

#[test]
fn readers_during_an_ingest_see_only_whole_runs_with_the_right_numbers() {
    let folder = folder();
    let files = sources(folder.path(), &NAMES, 1);
    let known: BTreeMap<String, Bits> =
        NAMES.into_iter().map(stem).zip(files.iter().map(|file| bits_of_file(file))).collect();
    let check = |found: &BTreeMap<String, Bits>| {
        for (name, bits) in found {
            let (stem, _) = name.rsplit('/').next().unwrap().split_once(".ome").unwrap();
            assert!(*bits == known[stem], "{name}");
        }
    };
    let store = folder.path().join("study.zarr");
    let mut writer = Started::new(ingest(&files, &store, &["--threads", "1"]));
    let (mut readings, mut held_at) = (0, Vec::new());
    while !writer.is_over() {
        check(&read_all(&store));
        readings += 1;
        // Once for each number of runs, the writer is held in whatever it is at.
        let there = open(&store).map_or(0, |store| store.runs().len());
        if !held_at.contains(&there) && !writer.is_over() {
            writer.stop();
            let found = read_all(&store);
            check(&found);
            held_at.push(found.len());
            writer.signal("CONT");
        }
    }
    writer.answer().succeeds();
    let found = read_all(&store);
    assert_eq!(found.len(), NAMES.len());
    check(&found);
    println!("{readings} readings, held at {held_at:?} runs");
    assert!(held_at.iter().any(|&runs| runs > 0 && runs < NAMES.len()), "{held_at:?}");
    well(&store);
}

/// What a reader makes of the one run in a store: digest of its voxels and its tSNR.
fn look(store: &Path, name: &str) -> Result<(String, String, Bits), Error> {
    let store = open(store)?;
    let (run, facts) = store.run_with_facts(name)?;
    let sha256 = run.info().origin.sha256.clone().unwrap();
    let bits = tsnr_bits(&run)?;
    let verified = store.verify(name, true, &session())?;
    assert!(verified.damage.is_empty(), "{verified:?}");
    Ok((sha256, facts.voxel_digest, bits))
}

#[test]
fn a_run_that_is_replaced_while_it_is_read_gives_the_numbers_of_one_version_or_says_so() {
    let folder = folder();
    let store = folder.path().join("study.zarr");
    let versions = [1, 2].map(|version| source(folder.path(), "1", version));
    let known = versions.each_ref().map(|file| {
        run(ingest(std::slice::from_ref(file), &store, &["--force"])).succeeds();
        let found = look(&store, "1").unwrap();
        assert!(found.2 == bits_of_file(file));
        found
    });
    let (mut whole, mut replaced) = (0, 0);
    for round in 0..rounds() {
        let file = &versions[(round % 2) as usize..][..1];
        let mut writer = Started::new(ingest(file, &store, &["--force"]));
        while !writer.is_over() {
            match look(&store, "1") {
                Ok(found) => {
                    assert!(known.contains(&found), "{} {}", found.0, found.1);
                    whole += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains(REPLACED), "{error}");
                    replaced += 1;
                }
            }
        }
        writer.answer().succeeds();
    }
    println!("{whole} readings of one version, {replaced} of a run that was replaced");
    assert!(whole > 0);
}
