//! `voxstore export`: what went in comes out, byte for byte.

use std::fs;

use super::common::{
    FMRI1, FMRI2, FUNCTIONAL, fixture, folder, inflated, is_gzip, names, store_of, voxstore,
};
use super::files::Nifti;

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
