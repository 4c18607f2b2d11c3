//! What the program says of odd, foreign and broken files, and that it leaves nothing of those it refuses.
//!
//! What becomes of each kind is for `tests/correctness/` to say; codes are rows of `docs/correctness.md`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::common::{FMRI1, fixture, folder, map_values, names, runs_in, ulps, voxstore};
use super::files::{Nifti, flipped, write};

fn run() -> Nifti {
    Nifti::new([5, 4, 3, 6])
}

/// tSNR of the samples, scaled, x fastest.
fn expected(run: &Nifti) -> Vec<f32> {
    let scale = |v: i64| if run.slope == 1.0 { v as f64 } else { v as f64 * run.slope } + run.inter;
    let samples: Vec<f64> = run.samples().map(scale).collect();
    let (voxels, volumes) = (60, samples.len() / 60);
    (0..voxels)
        .map(|voxel| {
            let series: Vec<f64> = samples.iter().skip(voxel).step_by(voxels).copied().collect();
            let mean = series.iter().sum::<f64>() / volumes as f64;
            let squares: f64 = series.iter().map(|v| (v - mean) * (v - mean)).sum();
            let std = (squares / volumes as f64).sqrt();
            if std == 0.0 { 0.0 } else { (mean / std) as f32 }
        })
        .collect()
}

/// Every command refuses the file with these words, and leaves nothing behind.
#[track_caller]
fn refused(path: &Path, words: &[&str]) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let words = [&[name], words].concat();
    voxstore!("info", path).fails(1, &words);
    damaged(path, &words);
}

/// The header can be read, and the voxels cannot.
#[track_caller]
fn damaged(path: &Path, words: &[&str]) {
    let folder = folder();
    voxstore!("tsnr", path, "-o", folder.path().join("map.nii")).fails(1, words);
    voxstore!("ingest", path, "-o", folder.path().join("study.zarr")).fails(1, words);
    let left: Vec<String> = names(folder.path());
    let runs = left.iter().filter(|name| *name != "study.zarr").count();
    assert_eq!(runs, 0, "{left:?}");
    assert!(!folder.path().join("study.zarr/runs").exists());
}

#[test]
fn a_file_that_is_refused_is_refused_by_every_command_and_nothing_is_left() {
    let folder = folder();
    let cut = Nifti { dim: [4, 5, 4, 3, 60, 1, 1, 1], ..run() }.header();
    for (name, bytes, words) in [
        ("n24.nii", Nifti { offset: 0.0, ..run() }.bytes(), ["vox_offset", "is 0"]),
        ("n50.nii", run().of_type(32, 8).bytes(), ["complex numbers", "magnitude"]),
        ("n57.nii", Nifti { inter: f64::NAN, ..run() }.bytes(), ["scl_inter", "NaN"]),
    ] {
        refused(&write(folder.path(), name, &bytes), &words);
    }
    // The header of a file that is cut can be read, and no more.
    let path = write(folder.path(), "n81.nii", &cut);
    voxstore!("info", path).fails(3, &["n81.nii", "352 of 7552 bytes are there"]);
    damaged(&path, &["n81.nii", "7552", "cut short"]);
}

fn has(warnings: &Value, code: &str) -> bool {
    let begins = |warning: &Value| warning.as_str().unwrap().starts_with(&format!("{code}: "));
    warnings.as_array().unwrap().iter().any(begins)
}

#[test]
fn warnings_are_printed_stand_in_the_json_and_in_the_store() {
    let folder = folder();
    let file = Nifti { offset: 353.0, tail: vec![7; 100], ..run() }.field("bitpix", 0, 32.0);
    let path = file.write(folder.path(), "run.nii.gz");
    let store = folder.path().join("study.zarr");
    let header = ["N26", "N47"];

    let said = voxstore!("info", path).succeeds();
    assert!(header.iter().all(|code| said.stderr.contains(code)), "{said:?}");
    let info = voxstore!("info", path, "--json").succeeds().json();
    let known = &info[0]["runs"][0]["warnings"];
    assert!(header.iter().all(|code| has(known, code)) && !has(known, "N90"), "{known}");

    // That the data go on is found out at their end.
    let said = voxstore!("ingest", path, "-o", store).succeeds();
    assert!(["N26", "N47", "N90"].iter().all(|code| said.stderr.contains(code)), "{said:?}");
    let info = voxstore!("info", store, "--json").succeeds().json();
    let stored = &info[0]["runs"][0]["warnings"];
    assert!(["N26", "N47", "N90"].iter().all(|code| has(stored, code)), "{stored}");
    let said = voxstore!("tsnr", path, "-o", folder.path().join("map.nii")).succeeds();
    assert!(said.stderr.contains("N90"), "{said:?}");
}

#[test]
fn n16_hidden_files_and_macos_metadata_are_skipped_when_a_folder_is_searched() {
    let folder = folder();
    let bids = folder.path().join("bids");
    run().write(&bids, "sub-01/func/sub-01_task-rest_bold.nii.gz");
    write(&bids, "sub-01/func/._sub-01_task-rest_bold.nii.gz", &[0, 5, 0x16, 7, 0, 2, 0, 0]);
    write(&bids, "sub-01/func/.sub-01_task-rest_bold.nii.gz", b"half written");
    write(&bids, ".git/annex/objects/a/key.nii.gz", b"kept elsewhere");
    write(&bids, "sub-01/func/sub-01_task-rest_bold.nii.gz~", b"an editor's");
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", bids, "-o", store).succeeds();
    assert_eq!(runs_in(&store), ["sub-01/func/sub-01_task-rest_bold.ome.zarr"]);
    // One that is named is looked at.
    let hidden = bids.join("sub-01/func/._sub-01_task-rest_bold.nii.gz");
    voxstore!("info", hidden).fails(1, &["macOS metadata", "leading ._"]);
}

#[test]
fn files_of_every_version_and_byte_order_are_described_as_they_are() {
    for two in [false, true] {
        for big_endian in [false, true] {
            let folder = folder();
            let base = if two { run().version_two() } else { run() };
            let path = Nifti { big_endian, ..base }.write(folder.path(), "run.nii.gz");
            let info = voxstore!("info", path, "--json").succeeds().json();
            let info = &info[0]["runs"][0];
            assert_eq!(info["shape"], json!([5, 4, 3, 6]));
            assert_eq!(info["big_endian"], big_endian);
            assert_eq!(info["format"], if two { "nifti2" } else { "nifti1" });
            assert_eq!(info["affine"][0], json!([3.0, 0.0, 0.0, -9.0]));
            assert_eq!(info["tr_seconds"], 2.0);
            assert_eq!(info["warnings"], json!([]));
        }
    }
}

#[test]
fn n84_damage_inside_a_gzip_stream_is_never_taken_for_voxels() {
    let folder = folder();
    let whole = fs::read(fixture(FMRI1)).unwrap();
    let end = whole.len();
    let mut crc = whole.clone();
    crc[end - 8] ^= 1;
    let mut size = whole.clone();
    size[end - 4] ^= 1;
    for (name, bytes) in [
        ("crc", crc),
        ("isize", size),
        ("no-trailer", whole[..end - 8].to_vec()),
        ("half-trailer", whole[..end - 3].to_vec()),
        ("flipped", flipped(&whole)),
        ("cut", whole[..end * 6 / 10].to_vec()),
        ("cut-late", whole[..end - 20].to_vec()),
    ] {
        let file = format!("{name}.nii.gz");
        let path = write(folder.path(), &file, &bytes);
        voxstore!("info", path).fails(3, &[&file, "fetch"]).shows(&["10 x 10 x 18 x 40"]);
        damaged(&path, &[&file, "fetch"]);
    }
}

#[test]
fn n38_time_in_the_fifth_dimension_is_read_and_given_back_where_it_is_asked_for() {
    let folder = folder();
    let five = Nifti { dim: [5, 5, 4, 3, 1, 6, 1, 1], ..run() };
    let path = five.write(folder.path(), "five.nii.gz");
    refused(&path, &["five.nii.gz", "--time-dim 5"]);
    let four = run().write(folder.path(), "four.nii");
    let [one, other] = ["one.nii", "other.nii"].map(|name| folder.path().join(name));
    voxstore!("tsnr", four, "-o", one).succeeds();
    voxstore!("tsnr", path, "--time-dim", "5", "-o", other).succeeds();
    assert!(fs::read(&one).unwrap() == fs::read(&other).unwrap());
    voxstore!("tsnr", four, "--time-dim", "5", "-o", one).fails(1, &["exists"]);
    voxstore!("info", four, "--time-dim", "5").fails(1, &["four.nii", "dim[4] is 6"]);
    voxstore!("info", path, "--time-dim", "6").fails(2, &["--time-dim"]);

    let (store, back) = (folder.path().join("study.zarr"), folder.path().join("back.nii"));
    voxstore!("ingest", path, "--time-dim", "5", "-o", store).succeeds();
    let json = voxstore!("info", store, "--json").succeeds().json();
    assert_eq!(json[0]["runs"][0]["shape"], json!([5, 4, 3, 6]));
    assert!(has(&json[0]["runs"][0]["warnings"], "N38"));
    voxstore!("export", store, "-o", back).succeeds();
    assert!(fs::read(&back).unwrap() == five.bytes());
}

#[test]
fn n63_nan_and_infinite_samples_make_their_voxel_nan_and_no_other() {
    let folder = folder();
    let run = run().of_type(16, 4);
    let mut bytes = run.bytes();
    let put = |bytes: &mut Vec<u8>, voxel: usize, volume: usize, value: f32| {
        let at = 352 + 4 * (60 * volume + voxel);
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    };
    put(&mut bytes, 3, 2, f32::NAN);
    put(&mut bytes, 7, 4, f32::INFINITY);
    let path = write(folder.path(), "run.nii", &bytes);
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", path, "-o", map).succeeds();
    for (voxel, (found, sound)) in map_values(&map).into_iter().zip(expected(&run)).enumerate() {
        if [3, 7].contains(&voxel) {
            assert!(found.is_nan(), "voxel {voxel}: {found}");
        } else {
            assert!(ulps(found, sound) <= 1, "voxel {voxel}: {found} for {sound}");
        }
    }
}

#[test]
fn headers_of_random_bytes_are_refused_without_a_panic() {
    let folder = folder();
    let mut state = 0x1234_5678_9abc_def0_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let sound = run().bytes();
    for _ in 0..40 {
        let mut bytes = sound.clone();
        for _ in 0..8 {
            // Any field but those that say what kind of file it is.
            let at = 40 + next() as usize % 220;
            bytes[at] = next() as u8;
        }
        let path = write(folder.path(), "run.nii", &bytes);
        let map = folder.path().join("map.nii");
        let answer = voxstore!("tsnr", path, "-o", map, "--force", "--memory", "64MiB");
        assert!(matches!(answer.code, Some(0 | 1)), "{answer:?}");
        assert!(!answer.stderr.contains("panicked"), "{answer:?}");
    }
}
