//! `voxstore info` on files, stores and runs.

use std::fs;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::json;

use super::common::{
    DS003, FMRI1, FMRI2, FUNCTIONAL, compressed, fixture, folder, inflated, store_of, voxstore,
};

#[test]
fn a_file_is_described_from_its_header() {
    voxstore!("info", fixture(FUNCTIONAL))
        .succeeds()
        .shows(&["functional.nii", "17 x 21 x 3 x 20", "int16"])
        .shows(&["stored * 0.07540697 + 3100.7617", "4 x 4 x 8 mm", "2 s (header)"])
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
fn lengths_of_a_voxel_are_shown_as_exactly_as_a_header_has_them() {
    voxstore!("info", fixture(FMRI1)).succeeds().shows(&["2.0833333 x 2.083333 x 2.3 mm"]);
}

#[test]
fn facts_asked_for_are_printed_alone_a_line_a_run() {
    let asked = "shape,tr_seconds,zooms_mm,data_type,slope,stored.codec,gzip";
    let answer = voxstore!("info", fixture(FUNCTIONAL), fixture(FMRI1), "--field", asked);
    assert_eq!(
        answer.succeeds().stdout,
        "17 21 3 20\t2\t4 4 8\tint16\t0.07540697\tn/a\tfalse\n\
         10 10 18 40\t1.35\t2.0833333 2.083333 2.3\tint16\t1\tn/a\ttrue\n"
    );
    let folder = folder();
    let store = store_of(&[FMRI1, FUNCTIONAL].map(fixture), folder.path());
    let answer = voxstore!("info", store, "--field", "name", "--field", "stored.chunk_shape,kind");
    assert_eq!(
        answer.succeeds().stdout,
        "runs/fmri1.ome.zarr\t10 10 18 16\tstore\nruns/functional.ome.zarr\t17 21 3 16\tstore\n"
    );
    voxstore!("info", store, "--field", "name,sise").fails(2, &["'sise'", "raw_bytes"]);
    voxstore!("info", store, "--field", "name", "--json").fails(2, &["--field", "--json"]);
}

/// Each fact that can be asked for is one of `--json`, of a run that has it: none is a misspelled name.
#[test]
fn every_fact_that_can_be_asked_for_is_one_of_the_json() {
    let folder = folder();
    let store = store_of(&[fixture(FMRI1)], folder.path());
    let image = store.join("runs/fmri1.ome.zarr");
    let foreign = fixture("foreign/sharded.ome.zarr");
    let json = |path: &std::path::Path| voxstore!("info", path, "--json").succeeds().json();
    let (stored, foreign) = (json(&image), json(&foreign));
    let listed = voxstore!("info", store, "--field", "?").fails(2, &["possible values"]).stderr;
    let list = listed.split("possible values: ").nth(1).unwrap().split(']').next().unwrap();
    let names: Vec<&str> = list.split(", ").map(str::trim).collect();
    assert!(names.len() > 25, "{listed}");
    for name in names {
        let pointer = format!("/{}", name.replace('.', "/"));
        let is_in = |json: &serde_json::Value| {
            json[0].get(name).is_some() || json[0]["runs"][0].pointer(&pointer).is_some()
        };
        assert!(is_in(&stored) || is_in(&foreign), "{name}");
        let told = voxstore!("info", image, "--field", name).succeeds().stdout;
        assert_eq!((told.lines().count(), told.trim().is_empty()), (1, false), "{name}: {told}");
    }
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

#[test]
fn a_file_that_is_not_all_there_is_described_with_what_is_missing() {
    let folder = folder();
    let whole = inflated(&fixture(FUNCTIONAL));
    let plain = super::files::write(folder.path(), "part.nii", &whole[..=352 + 5 * 2142]);
    let words =
        ["warning: ", "part.nii", "11063 of 43192 bytes", "5 of 20 volumes", "fetch it again"];
    let answer = voxstore!("info", plain).fails(3, &words);
    answer.shows(&["17 x 21 x 3 x 20", "int16", "2 s (header)"]);
    let answer = voxstore!("info", plain, "--field", "shape").fails(3, &words);
    assert_eq!(answer.stdout, "17 21 3 20\n");
    let whole = fs::read(compressed(FUNCTIONAL, folder.path())).unwrap();
    let gz = super::files::write(folder.path(), "part.nii.gz", &whole[..whole.len() / 2]);
    let answer = voxstore!("info", fixture(FMRI1), gz, "--json").fails(3, &[]);
    let (json, run) = (answer.json(), "/1/runs/0");
    let of = |fact: &str| json.pointer(&format!("{run}/{fact}")).unwrap().clone();
    assert!(json[0]["runs"][0]["incomplete"].is_null());
    assert_eq!(
        (of("shape"), of("incomplete/expected_bytes")),
        (json!([17, 21, 3, 20]), json!(43192))
    );
    let (found, volumes) = (of("incomplete/found_bytes"), of("incomplete/whole_volumes"));
    let held = MultiGzDecoder::new(&whole[..whole.len() / 2]);
    assert_eq!((found, volumes), counted(held));
    assert!(of("incomplete/message").as_str().unwrap().contains("cut short"), "{json}");
    // A header that is cut itself says nothing.
    let cut = super::files::write(folder.path(), "cut.nii", &[0; 300]);
    voxstore!("info", cut).fails(1, &["300 bytes"]);
}

/// Bytes that a decoder gives before it fails, and the volumes of `FUNCTIONAL` in them.
fn counted(mut decoder: impl Read) -> (serde_json::Value, serde_json::Value) {
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).unwrap_err();
    (json!(bytes.len()), json!((bytes.len() - 352) / 2142))
}

#[test]
fn what_is_not_all_there_is_refused_by_all_else() {
    let folder = folder();
    let whole = inflated(&fixture(FUNCTIONAL));
    let part = super::files::write(folder.path(), "part.nii", &whole[..20_000]);
    let out = folder.path().join("out");
    voxstore!("tsnr", part, "-o", out.with_extension("nii")).fails(1, &["cut short"]);
    voxstore!("reduce", "mean", part, "-o", out.with_extension("nii")).fails(1, &["cut short"]);
    voxstore!("qc", part, "-o", out.with_extension("tsv")).fails(1, &["cut short"]);
    voxstore!("explain", "tsnr", part).fails(1, &["cut short"]);
    voxstore!("ingest", part, "-o", out.with_extension("zarr")).fails(1, &["cut short"]);
}
