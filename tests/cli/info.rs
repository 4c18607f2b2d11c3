//! `voxstore info` on files, stores and runs.

use serde_json::json;

use super::common::{DS003, FMRI1, FMRI2, FUNCTIONAL, fixture, folder, store_of, voxstore};

#[test]
fn a_file_is_described_from_its_header() {
    voxstore!("info", fixture(FUNCTIONAL))
        .succeeds()
        .shows(&["functional.nii", "17 x 21 x 3 x 20", "int16"])
        .shows(&["stored * 0.07540696859359741 + 3100.76171875", "4 x 4 x 8 mm", "2 s (header)"])
        .shows(&["nifti1 little-endian", "affine", "-4.0000", "32.0000", "from sform"]);
    voxstore!("info", fixture(DS003)).succeeds().shows(&["float32", "gzip", "from pixdim"]);
}

#[test]
fn facts_of_a_file_are_there_as_json() {
    let json = voxstore!("info", fixture(FUNCTIONAL), fixture(FMRI1), "--json").succeeds().json();
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(json[0]["kind"], "file");
    let run = &json[0]["runs"][0];
    assert_eq!(run["shape"], json!([17, 21, 3, 20]));
    assert_eq!(run["data_type"], "int16");
    assert_eq!(run["raw_bytes"], 17 * 21 * 3 * 20 * 2);
    assert_eq!(run["slope"], 0.075_406_968_593_597_41);
    assert_eq!(run["inter"], 3_100.761_718_75);
    assert_eq!(run["zooms_mm"], json!([4.0, 4.0, 8.0]));
    assert_eq!(run["affine"][0], json!([-4.0, 0.0, 0.0, 32.0]));
    assert_eq!(run["tr_seconds"], 2.0);
    assert_eq!((&run["gzip"], &run["big_endian"]), (&json!(false), &json!(false)));
    assert_eq!(json[1]["runs"][0]["gzip"], true);
}

#[test]
fn a_store_is_listed_run_by_run() {
    let folder = folder();
    let store = store_of(&[FMRI1, FMRI2, FUNCTIONAL].map(fixture), folder.path());
    voxstore!("info", store)
        .succeeds()
        .shows(&["runs/fmri1", "10 x 10 x 18 x 40", "int16", "runs/fmri2", "runs/functional"])
        .shows(&["study.zarr: 3 runs"]);
    let json = voxstore!("info", store, "--json").succeeds().json();
    assert_eq!(json[0]["kind"], "store");
    let run = &json[0]["runs"][2];
    assert_eq!(run["file_name"], "functional.nii");
    assert_eq!(run["slope"], 0.075_406_968_593_597_41);
    assert!(run["stored"]["voxel_digest"].as_str().unwrap().starts_with("xxh3-128:"));
    assert!(run["stored"]["stored_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn a_run_in_a_store_is_described_with_its_chunks() {
    let folder = folder();
    let store = store_of(&[fixture(FMRI1)], folder.path());
    let run = store.join("runs/fmri1.ome.zarr");
    voxstore!("info", run).succeeds().shows(&[
        "10 x 10 x 18 x 40",
        "gzip",
        "chunks",
        "stored",
        "digest",
        "xxh3-128:",
    ]);
    let json = voxstore!("info", run, "--json").succeeds().json();
    assert_eq!(json[0]["kind"], "run");
    let source = voxstore!("info", fixture(FMRI1), "--json").succeeds().json();
    for fact in ["shape", "data_type", "slope", "inter", "tr_seconds", "affine", "zooms_mm"] {
        assert_eq!(json[0]["runs"][0][fact], source[0]["runs"][0][fact], "{fact}");
    }
}

#[test]
fn a_path_that_is_no_file_and_no_store_is_refused_as_neither() {
    let folder = folder();
    voxstore!("info", folder.path()).fails(1, &["is not a voxstore store", "zarr.json"]);
    let junk = super::files::write(folder.path(), "junk.nii", &[7; 4096]);
    voxstore!("info", junk).fails(1, &["junk.nii", "not a NIfTI file"]);
    voxstore!("info", folder.path().join("nope")).fails(1, &["nope", "no such file"]);
}
