//! `voxstore verify`: what is whole, what is damaged, and where.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::common::{folder, voxstore};
use super::files::Nifti;

const CHUNKS: [&str; 3] = ["0/c.0.0.0.0", "0/c.1.0.0.0", "0/c.2.0.0.0"];

/// A store of two runs of 6 volumes, two a chunk.
fn store(folder: &Path) -> PathBuf {
    let store = folder.join("study.zarr");
    let runs = [1, 2].map(|seed| {
        let run = Nifti { seed, ..Nifti::new([5, 4, 3, 6]) };
        run.write(folder, &format!("run-{seed}.nii.gz"))
    });
    voxstore!("ingest", runs[0], runs[1], "-o", store, "--chunk", "2,3").succeeds();
    store
}

fn file(store: &Path, run: u8, name: &str) -> PathBuf {
    store.join(format!("runs/run-{run}.ome.zarr")).join(name)
}

#[test]
fn a_store_as_it_was_written_is_well() {
    let folder = folder();
    let store = store(folder.path());
    voxstore!("verify", store)
        .succeeds()
        .shows(&["run", "chunks", "run-1", "3", "ok", "run-2", "ok"]);
    let said = voxstore!("verify", store, "--deep", "--json", "--threads", "1").succeeds().json();
    assert_eq!(said.as_array().unwrap().len(), 2);
    for row in said.as_array().unwrap() {
        assert_eq!((&row["chunks"], &row["damage"]), (&json!(3), &json!([])));
        assert!(row["read_bytes"].as_u64().unwrap() > 0);
    }
    voxstore!("verify", store, "--run", "run-2").succeeds().shows(&["run-2"]);
    voxstore!("verify", store, "--run", "run-9").fails(1, &["run-9"]);
}

#[test]
fn every_kind_of_damage_is_told_with_its_run_chunk_and_volumes() {
    let folder = folder();
    let store = store(folder.path());
    let chunk = |run, at: usize| file(&store, run, CHUNKS[at]);
    let good = fs::read(chunk(1, 1)).unwrap();
    let damaged = |reason: &str| {
        let words = ["run-1.ome.zarr", "c.1.0.0.0", "volumes 2 to 3", reason];
        voxstore!("verify", store).fails(3, &words).shows(&["1 damaged", "ok"]);
        let said = voxstore!("verify", store, "--json", "--deep").fails(3, &[]).json();
        let damage = said[0]["damage"].as_array().unwrap();
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert_eq!((&damage[0]["first_volume"], &damage[0]["end_volume"]), (&json!(2), &json!(4)));
        assert_eq!(said[1]["damage"], json!([]));
    };
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    fs::write(chunk(1, 1), &flipped).unwrap();
    damaged("checksum");
    fs::write(chunk(1, 1), &good[..good.len() - 3]).unwrap();
    damaged("checksum");
    fs::write(chunk(1, 1), [&good[..], &vec![0; 1 << 20][..]].concat()).unwrap();
    damaged("expected at most");
    fs::write(chunk(1, 1), fs::read(chunk(2, 1)).unwrap()).unwrap();
    damaged("belongs elsewhere");
    fs::remove_file(chunk(1, 1)).unwrap();
    damaged("missing");
    fs::write(chunk(1, 1), &good).unwrap();
    voxstore!("verify", store, "--deep").succeeds();
}

#[test]
fn a_run_that_cannot_be_opened_does_not_hide_the_others() {
    let folder = folder();
    let store = store(folder.path());
    fs::write(file(&store, 1, "nifti/c.0"), "short").unwrap();
    let table = file(&store, 2, "chunk_crc32c/c.0.0.0.0");
    voxstore!("verify", store, "--deep").fails(3, &["damaged: runs/run-1.ome.zarr", "nifti"]);
    fs::remove_file(table).unwrap();
    let said = voxstore!("verify", store, "--json").fails(3, &[]).json();
    assert!(said[1]["error"].as_str().unwrap().contains("chunk_crc32c"), "{said}");
    voxstore!("verify", folder.path()).fails(1, &["zarr.json"]);
}

#[test]
fn voxels_that_are_not_those_ingested_are_found_by_looking_deep() {
    let folder = folder();
    let store = store(folder.path());
    let metadata = file(&store, 1, "zarr.json");
    let text = fs::read_to_string(&metadata).unwrap();
    let at = text.find("\"digest\": \"xxh3-128:").unwrap();
    // The digest of the voxels, not those of the header or the table.
    let voxels = text[at..].find("\"n_chunks\"").map(|from| at + from).unwrap();
    let digest = voxels + text[voxels..].find("xxh3-128:").unwrap() + "xxh3-128:".len();
    let mut other = text.clone().into_bytes();
    other[digest] = if other[digest] == b'0' { b'1' } else { b'0' };
    fs::write(&metadata, other).unwrap();
    voxstore!("verify", store).succeeds();
    voxstore!("verify", store, "--deep").fails(3, &["run-1", "volumes 0 to 5", "digest"]);
}
