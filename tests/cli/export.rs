//! `voxstore export`: what went in comes out, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::common::{
    FMRI1, FMRI2, FUNCTIONAL, fixture, folder, gzipped, inflated, is_gzip, names, store_of,
    voxstore,
};
use super::files::{Nifti, TYPES};

#[test]
fn a_run_comes_back_byte_for_byte_as_nii_and_nii_gz() {
    for name in [FMRI1, FUNCTIONAL] {
        let folder = folder();
        let store = store_of(&[fixture(name)], folder.path());
        let source = inflated(&fixture(name));
        for out in ["back.nii", "back.nii.gz"] {
            let path = folder.path().join(out);
            voxstore!("export", store, "-o", path).succeeds().shows(&["back.nii"]);
            let packed = fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]);
            assert_eq!(packed, is_gzip(out));
            let found = inflated(&path);
            // The nitime files have 352 bytes after their last voxel, which are not kept.
            assert!(source.len() - found.len() <= 352, "{name}");
            assert!(found == source[..found.len()], "{name}");
        }
    }
}

#[test]
fn header_bytes_and_byte_order_are_those_of_the_source() {
    let folder = folder();
    let plain = Nifti::new([5, 4, 3, 6]);
    let padded = Nifti { offset: 368.0, slope: 0.5, inter: -3.0, ..plain.clone() };
    let big = Nifti { big_endian: true, ..plain.clone() };
    let big_two = Nifti { big_endian: true, ..plain.clone().version_two() }.of_type(64, 8);
    for (name, run) in [("plain", plain), ("padded", padded), ("big", big), ("two", big_two)] {
        let store = folder.path().join(format!("{name}.zarr"));
        let back = folder.path().join(format!("{name}-back.nii"));
        let mut bytes = run.bytes();
        // Free text that no field of ours describes.
        let text_at = if run.two { 240 } else { 148 };
        bytes[text_at..text_at + 9].copy_from_slice(b"caf\xe9 text");
        let path = super::files::write(folder.path(), &format!("{name}.nii"), &bytes);
        voxstore!("ingest", path, "-o", store).succeeds();
        voxstore!("export", store, "-o", back).succeeds();
        assert!(fs::read(&back).unwrap() == bytes, "{name}");
    }
}

#[test]
fn a_folder_gets_every_run_under_its_path() {
    let folder = folder();
    let bids = "sub-01/func/sub-01_task-rest_bold.nii";
    let run = Nifti::new([5, 4, 3, 6]).write(folder.path(), bids);
    let store = store_of(&[fixture(FMRI1), run], folder.path());
    let out = folder.path().join("out");
    let json = voxstore!("export", store, "-o", out, "--json").succeeds().json();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(names(&out), ["runs", "sub-01"]);
    // Compressed as the source was.
    assert!(out.join("runs/fmri1.nii.gz").exists());
    assert!(fs::read(out.join(bids)).unwrap() == fs::read(folder.path().join(bids)).unwrap());
}

#[test]
fn several_runs_do_not_go_into_one_file() {
    let folder = folder();
    let store = store_of(&[FMRI1, FMRI2].map(fixture), folder.path());
    let out = folder.path().join("back.nii");
    voxstore!("export", store, "-o", out).fails(1, &["runs/fmri1", "runs/fmri2", "--run"]);
    assert!(!out.exists());
    voxstore!("export", store, "--run", "*2", "-o", out).succeeds();
    let (found, source) = (fs::read(&out).unwrap(), inflated(&fixture(FMRI2)));
    assert!(found == source[..found.len()]);
}

#[test]
fn files_are_not_overwritten_unasked() {
    let folder = folder();
    let store = store_of(&[fixture(FMRI1)], folder.path());
    let out = folder.path().join("back.nii");
    fs::write(&out, "mine").unwrap();
    voxstore!("export", store, "-o", out).fails(1, &["back.nii", "exists", "--force"]);
    assert_eq!(fs::read(&out).unwrap(), b"mine");
    voxstore!("export", store, "-o", out, "--force").succeeds();
    assert!(fs::read(&out).unwrap().len() > 100_000);
    assert_eq!(names(folder.path()), ["back.nii", "study.zarr"]);
}

#[test]
fn a_damaged_chunk_is_an_error_and_no_file() {
    let folder = folder();
    let store = store_of(&[fixture(FMRI1)], folder.path());
    let chunk = store.join("runs/fmri1.ome.zarr/0/c.1.0.0.0");
    let whole = fs::read(&chunk).unwrap();
    let (out, map) = (folder.path().join("back.nii"), folder.path().join("map.nii"));
    for damaged in [super::files::flipped(&whole), whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(&chunk, damaged).unwrap();
        voxstore!("export", store, "-o", out).fails(1, &["c.1.0.0.0"]);
        voxstore!("tsnr", store, "-o", map).fails(1, &["c.1.0.0.0"]);
    }
    fs::remove_file(&chunk).unwrap();
    voxstore!("export", store, "-o", out).fails(1, &["c.1.0.0.0"]);
    voxstore!("tsnr", store, "-o", map).fails(1, &["c.1.0.0.0"]);
    assert_eq!(names(folder.path()), ["study.zarr"]);
}

#[test]
fn what_is_no_store_is_refused() {
    let folder = folder();
    let out = folder.path().join("back.nii");
    voxstore!("export", fixture(FMRI1), "-o", out).fails(1, &["is not a voxstore store"]);
    voxstore!("export", folder.path().join("nope"), "-o", out).fails(1, &["nope"]);
}

/// A run of 6 volumes in chunks of two, in a store, and the folder of its chunks.
fn store_of_chunks(run: &Nifti, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let store = folder.join("study.zarr");
    let source = run.write(folder, name);
    voxstore!("ingest", source, "-o", store, "--chunk", "2,2").succeeds();
    let stem = name.split(".nii").next().unwrap();
    let chunks = store.join(format!("runs/{stem}.ome.zarr/0"));
    (store, chunks)
}

#[test]
fn a_damaged_run_is_exported_on_request_and_what_was_filled_is_listed() {
    let folder = folder();
    let run = Nifti { big_endian: true, offset: 368.0, ..Nifti::new([5, 4, 3, 6]) };
    let (store, chunks) = store_of_chunks(&run, folder.path(), "a.nii");
    let out = folder.path().join("back.nii");
    let mark = folder.path().join("back.nii.damaged.json");
    // Whole: nothing is listed.
    voxstore!("export", store, "-o", out, "--allow-damaged").succeeds().shows(&["whole"]);
    assert!(fs::read(&out).unwrap() == run.bytes());
    assert!(!mark.exists());

    fs::remove_file(chunks.join("c.1.0.0.0")).unwrap();
    let torn = chunks.join("c.2.1.0.0");
    fs::write(&torn, super::files::flipped(&fs::read(&torn).unwrap())).unwrap();
    voxstore!("export", store, "-o", out, "--force").fails(1, &["c.1.0.0.0"]);
    assert!(fs::read(&out).unwrap() == run.bytes());
    let told = voxstore!("export", store, "-o", out, "--force", "--allow-damaged")
        .fails(4, &["chunk c.1.0.0.0, volumes 2 to 3, filled with 0", "c.2.1.0.0", "checksum"])
        .shows(&["2 chunks filled"]);
    assert!(told.stdout.contains("back.nii"));

    let (found, mut want) = (fs::read(&out).unwrap(), run.bytes());
    for (index, voxel) in want[368..].chunks_exact_mut(2).enumerate() {
        let (z, t) = (index / 20 % 3, index / 60);
        if (z < 2 && (t == 2 || t == 3)) || (z == 2 && t > 3) {
            voxel.fill(0);
        }
    }
    assert!(found == want, "the header is untouched and all other voxels are true");
    let said: Value = serde_json::from_slice(&fs::read(&mark).unwrap()).unwrap();
    assert_eq!((&said["run"], &said["fill"]), (&json!("runs/a.ome.zarr"), &json!("0")));
    assert_eq!(said["lost_voxels"], json!(5 * 4 * 2 * 2 + 5 * 4 * 2));
    let first = &said["chunks"][0];
    assert_eq!((&first["chunk"], &first["t"]), (&json!("c.1.0.0.0"), &json!([2, 4])));
    assert_eq!((&first["x"], &first["z"]), (&json!([0, 5]), &json!([0, 2])));
    assert!(said["chunks"][1]["reason"].as_str().unwrap().contains("checksum"), "{said}");

    // Neither file is overwritten unasked; a whole one takes the list away.
    fs::remove_file(&out).unwrap();
    voxstore!("export", store, "-o", out, "--allow-damaged").fails(1, &["damaged.json", "exists"]);
    voxstore!("ingest", folder.path().join("a.nii"), "-o", store, "--force", "--chunk", "1,3")
        .succeeds();
    voxstore!("export", store, "-o", out, "--force").succeeds();
    assert!(fs::read(&out).unwrap() == run.bytes());
    assert!(!mark.exists());
}

#[test]
fn lost_voxels_of_floats_are_nan_and_a_failed_export_changes_nothing() {
    let folder = folder();
    let run = Nifti::new([5, 4, 3, 6]).of_type(16, 4);
    let (store, chunks) = store_of_chunks(&run, folder.path(), "a.nii.gz");
    fs::remove_file(chunks.join("c.0.1.0.0")).unwrap();
    let out = folder.path().join("back.nii.gz");
    voxstore!("export", store, "-o", out, "--allow-damaged").fails(4, &["filled with NaN"]);
    let values: Vec<f32> = super::common::map_values(&out);
    let lost = |index: usize| index / 20 % 3 == 2 && index / 60 < 2;
    assert!(values.iter().enumerate().all(|(index, value)| value.is_nan() == lost(index)));
    // Too little memory: nothing is written, and what lay there is untouched.
    let list = fs::read(folder.path().join("back.nii.gz.damaged.json")).unwrap();
    let small = ["--allow-damaged", "--force", "--memory", "16800000"];
    for name in ["back.nii.gz", "other.nii.gz"] {
        let out = folder.path().join(name);
        voxstore!("export", store, "-o", out, small[0], small[1], small[2], small[3])
            .fails(1, &["memory budget"]);
    }
    assert!(fs::read(folder.path().join("back.nii.gz.damaged.json")).unwrap() == list);
    let left = ["a.nii.gz", "back.nii.gz", "back.nii.gz.damaged.json", "study.zarr"];
    assert_eq!(names(folder.path()), left);
}

#[test]
fn a_run_whose_metadata_are_damaged_is_not_exported_and_says_why() {
    let folder = folder();
    let one = Nifti::new([5, 4, 3, 6]).write(folder.path(), "one.nii");
    let two = Nifti { seed: 2, ..Nifti::new([5, 4, 3, 6]) }.write(folder.path(), "two.nii");
    let store = store_of(&[one.clone(), two], folder.path());
    let out = folder.path().join("out");
    for file in ["nifti/c.0", "chunk_crc32c/c.0.0.0.0", "0/zarr.json", "zarr.json"] {
        let path = store.join("runs/two.ome.zarr").join(file);
        let good = fs::read(&path).unwrap();
        fs::write(&path, "damaged").unwrap();
        let name = file.split('/').next().unwrap();
        voxstore!("export", store, "-o", out, "--allow-damaged", "--force")
            .fails(4, &["not exported: runs/two.ome.zarr", name]);
        assert!(fs::read(out.join("runs/one.nii")).unwrap() == fs::read(&one).unwrap());
        assert_eq!(names(&out.join("runs")), ["one.nii"]);
        let alone = folder.path().join("two-back.nii");
        voxstore!("export", store, "--run", "two", "-o", alone, "--allow-damaged")
            .fails(1, &[name]);
        assert!(!alone.exists());
        fs::write(&path, good).unwrap();
    }
}

/// Files of every kind that is read, by name.
fn every_kind() -> Vec<(String, Vec<u8>)> {
    let plain = Nifti::new([3, 2, 3, 4]);
    let mut kinds = Vec::new();
    for (datatype, size, name) in TYPES {
        for (two, big_endian) in [(false, false), (false, true), (true, false), (true, true)] {
            let base = if two { plain.clone().version_two() } else { plain.clone() };
            let kind = format!(
                "{name}-{}-{}",
                1 + u8::from(two),
                if big_endian { "big" } else { "little" }
            );
            kinds.push((kind, Nifti { big_endian, ..base.of_type(datatype, size) }));
        }
    }
    let mut more = |name: &str, run: Nifti| kinds.push((name.to_owned(), run));
    more("padded", Nifti { offset: 368.0, ..plain.clone() });
    more("uneven", Nifti { offset: 357.0, ..plain.clone() });
    more("far", Nifti { offset: 70_000.0, ..plain.clone() });
    more("far-two", Nifti { offset: 70_000.0, ..plain.clone().version_two() });
    more("scaled", Nifti { slope: 0.1, inter: -7.5, ..plain.clone() });
    more("unscaled", Nifti { slope: 0.0, inter: 9.0, ..plain.clone() });
    more("nan-slope", Nifti { slope: f64::NAN, ..plain.clone() });
    more("one-volume", Nifti { dim: [3, 3, 2, 3, 1, 1, 1, 1], ..plain.clone() });
    more("trailing-axes", Nifti { dim: [7, 3, 2, 3, 4, 1, 1, 1], ..plain.clone() });
    more("junk-dims", Nifti { dim: [4, 3, 2, 3, 4, 0, -5, -77], ..plain.clone() });
    more("ni1", Nifti { magic: *b"ni1\0", ..plain.clone() });
    more("wrong-bitpix", Nifti { bitpix: 16, datatype: 512, ..plain.clone() });
    let mut files: Vec<_> = kinds.into_iter().map(|(name, run)| (name, run.bytes())).collect();
    // An extension, of a comment; one whose size is nonsense; text in no field.
    let long = Nifti { offset: 384.0, ..plain }.bytes();
    for (name, esize) in [("extension", 32_i32), ("odd-extension", 24), ("bad-extension", -3)] {
        let mut bytes = long.clone();
        bytes[348] = 1;
        bytes[352..356].copy_from_slice(&esize.to_le_bytes());
        bytes[356..360].copy_from_slice(&6_i32.to_le_bytes());
        bytes[360..384].copy_from_slice(b"caf\xe9, and 18 more bytes!");
        bytes[148..156].copy_from_slice(b"\xff\x00text\x01!");
        files.push((name.to_owned(), bytes));
    }
    files
}

#[test]
fn every_kind_of_file_comes_back_byte_for_byte() {
    let folder = folder();
    let (inputs, out) = (folder.path().join("in"), folder.path().join("out"));
    let mut expected = Vec::new();
    for (name, bytes) in every_kind() {
        super::files::write(&inputs, &format!("{name}.nii"), &bytes);
        expected.push((format!("{name}.nii"), bytes.clone()));
        // Members that end anywhere, and bytes after the last voxel, which are not kept.
        let cut = bytes.len() / 3;
        let mut tailed = bytes.clone();
        tailed.extend([7; 100]);
        let members = [gzipped(&tailed[..cut]), gzipped(&tailed[cut..])].concat();
        super::files::write(&inputs, &format!("{name}-members.nii.gz"), &members);
        expected.push((format!("{name}-members.nii.gz"), bytes));
    }
    let store = folder.path().join("study.zarr");
    voxstore!("ingest", inputs, "-o", store, "--strict", "-q").succeeds();
    voxstore!("export", store, "-o", out, "-q").succeeds();
    assert_eq!(expected.len(), 2 * (40 + 12 + 3));
    for (name, bytes) in &expected {
        assert!(inflated(&out.join("runs").join(name)) == *bytes, "{name}");
    }
    assert_eq!(names(&out.join("runs")).len(), expected.len());
    // And the store agrees with every one of its headers, and with every source.
    voxstore!("verify", store, "--deep", "-q", "--against", inputs).succeeds();
}
