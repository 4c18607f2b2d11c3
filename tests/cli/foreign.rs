//! Stores of other tools on the command line: read, said to be unverified, never written to.

use std::fs;
use std::path::PathBuf;

use super::common::{FUNCTIONAL, fixture, folder, voxstore};

fn store(name: &str) -> PathBuf {
    fixture(&format!("foreign/{name}.ome.zarr"))
}

#[test]
fn info_states_what_vouches_for_an_image() {
    voxstore!("info", store("big_missing")).succeeds().shows(&[
        "5 x 4 x 3 x 6 (x y z t)",
        "OME-Zarr 0.5, Zarr v3",
        "5 x 4 x 3 x 3, blosc",
        "in 1 file",
        "promises",
        "read-only, unverified: 1 of 2 chunk files are missing, and a missing chunk reads as -1.5",
    ]);
    let json = voxstore!("info", "--json", store("sharded"), store("nifti_zarr")).succeeds().json();
    let foreign = &json[0]["runs"][0]["foreign"];
    assert_eq!((&json[0]["kind"], &foreign["kind"]), (&"foreign".into(), &"OME-Zarr 0.5".into()));
    assert_eq!(foreign["shard_shape"], serde_json::json!([6, 4, 2, 4]));
    assert!(foreign["guarantees"].as_str().unwrap().starts_with("read-only, unverified"));
    let nifti = &json[1]["runs"][0];
    assert_eq!(nifti["foreign"]["kind"], "nifti-zarr (OME-Zarr 0.5)");
    assert_eq!(
        (&nifti["slope"], &nifti["tr_seconds"]),
        (&f64::from(0.075_406_97_f32).into(), &2.0.into())
    );
    assert_eq!(nifti["affine_source"], "sform");
}

#[test]
fn tsnr_reads_it_and_says_once_that_nothing_vouches_for_it() {
    let folder = folder();
    for name in ["v2_blosc", "transposed", "nifti_zarr"] {
        let map = folder.path().join(format!("{name}.nii.gz"));
        let answer = voxstore!("tsnr", store(name), "-o", map).succeeds();
        assert_eq!(answer.stderr.matches("unverified").count(), 1, "{answer:?}");
        assert!(answer.stderr.contains("warning: ") && answer.stderr.contains("Z01"), "{answer:?}");
        let record = fs::read_to_string(map.with_file_name(format!("{name}.json"))).unwrap();
        assert!(record.contains("read-only, unverified"), "{record}");
        let quiet = voxstore!("tsnr", "--quiet", "--force", store(name), "-o", map).succeeds();
        assert_eq!(quiet.stderr, "");
    }
    let answer = voxstore!("reduce", "max", store("sharded"), "-o", folder.path().join("m.nii"));
    assert_eq!(answer.succeeds().stderr.matches("unverified").count(), 1);
    voxstore!("explain", "tsnr", store("sharded")).succeeds();
}

#[test]
fn it_joins_runs_of_files() {
    let folder = folder();
    let map = folder.path().join("t.nii");
    voxstore!("tsnr", store("sharded"), store("v2_fortran"), "-o", map).succeeds();
    // Another grid.
    voxstore!("tsnr", store("sharded"), fixture(FUNCTIONAL), "-o", map, "--force")
        .fails(1, &["shape"]);
}

#[test]
fn a_budget_that_holds_no_chunk_is_refused_before_anything_is_read() {
    let folder = folder();
    let copy = folder.path().join("x.ome.zarr");
    fs::create_dir_all(copy.join("0")).unwrap();
    for file in ["zarr.json", "0/zarr.json"] {
        let text = fs::read_to_string(store("transposed").join(file)).unwrap();
        let text: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut text = text;
        if file == "0/zarr.json" {
            text["chunk_grid"]["configuration"]["chunk_shape"] =
                serde_json::json!([256, 256, 256, 8]);
        }
        fs::write(copy.join(file), text.to_string()).unwrap();
    }
    let map = folder.path().join("t.nii");
    voxstore!("tsnr", copy, "-o", map, "--memory", "256MiB").fails(1, &["memory", "needs"]);
    assert!(!map.exists());
}

#[test]
fn ingest_takes_nothing_from_it_and_puts_nothing_into_it() {
    let folder = folder();
    let target = folder.path().join("s.zarr");
    voxstore!("ingest", store("sharded"), "-o", target).fails(1, &["another tool", "NIfTI"]);
    assert!(!target.exists());
    fs::create_dir(&target).unwrap();
    fs::copy(store("sharded").join("zarr.json"), target.join("zarr.json")).unwrap();
    voxstore!("ingest", fixture(FUNCTIONAL), "-o", target).fails(1, &["never written to"]);
    assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
}

#[test]
fn commands_for_stores_say_that_it_is_of_another_tool() {
    voxstore!("verify", store("sharded")).fails(1, &["an image of another tool", "foreign::open"]);
    let out = folder();
    voxstore!("export", store("sharded"), "-o", out.path()).fails(1, &["another tool"]);
    voxstore!("info", store("sharded").join("0")).fails(1, &["does not say where"]);
}
