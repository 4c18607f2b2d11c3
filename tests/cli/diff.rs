//! `voxstore diff`: how far two maps, runs or arrays are apart.

use std::fs;
use std::path::Path;

use serde_json::json;
use voxstore::{nifti, store};

use super::common::{FMRI1, fixture, folder, store_of, voxstore};
use super::files::Nifti;

/// A copy of a plain file with some bytes changed.
fn changed(source: &Path, name: &str, changes: &[(usize, u8)]) -> std::path::PathBuf {
    let mut bytes = fs::read(source).unwrap();
    for &(at, value) in changes {
        bytes[at] = value;
    }
    super::files::write(source.parent().unwrap(), name, &bytes)
}

#[test]
fn a_file_its_run_in_a_store_and_its_export_are_the_same() {
    let folder = folder();
    let store = store_of(&[fixture(FMRI1)], folder.path());
    let run = store.join("runs/fmri1.ome.zarr");
    let back = folder.path().join("back.nii");
    voxstore!("export", store, "-o", back).succeeds();
    for other in [run.as_path(), &back] {
        let said = voxstore!("diff", fixture(FMRI1), other, "--json").succeeds().json();
        let values = &said["values"];
        assert_eq!(values["identical"], values["elements"], "{said}");
        assert_eq!((&values["max_abs"], &values["correlation"]), (&json!(0.0), &json!(1.0)));
        assert_eq!((&said["within"], &said["corners_apart_mm"]), (&json!(true), &json!(0.0)));
        assert!(said["memory"]["projected_peak_bytes"].is_u64(), "{said}");
    }
    voxstore!("diff", run, back).succeeds().shows(&["a", "b", "100.0000 %", "within a tolerance"]);
}

#[test]
fn the_largest_difference_is_placed_and_a_tolerance_decides() {
    let folder = folder();
    let run = Nifti { slope: 0.5, inter: 3.0, ..Nifti::new([5, 4, 3, 6]) };
    let a = run.write(folder.path(), "a.nii");
    let at = [3, 1, 2, 4];
    let index = at[0] + 5 * (at[1] + 4 * (at[2] + 3 * at[3]));
    let samples: Vec<i64> = run.samples().collect();
    let value = samples[index] as f64 * 0.5 + 3.0;
    let b = changed(&a, "b.nii", &[(352 + 2 * index, 200), (352, samples[0] as u8 ^ 1)]);
    let largest = 103.0 - value;
    let text = format!("{largest:?} at (3, 1, 2, 4): {value:?} and 103.0");
    voxstore!("diff", a, b).fails(3, &[]).shows(&["358 of 360", &text, "not within"]);
    voxstore!("diff", a, b, "--tolerance", largest.to_string()).succeeds().shows(&["within"]);
    let below = (largest - 0.25).to_string();
    voxstore!("diff", a, b, "--tolerance", below, "-q").fails(3, &[]);
    let said = voxstore!("diff", a, b, "--json").fails(3, &[]).json();
    let place = &said["values"]["at"];
    assert_eq!((&place["index"], &place["b"]), (&json!(at), &json!(103.0)), "{said}");
    // One of the sum's roundings and one of the quotient's.
    let mean = said["values"]["mean_abs"].as_f64().unwrap();
    assert!((mean - (largest + 0.5) / 360.0).abs() < 1e-15, "{mean}");
    voxstore!("diff", a, b, "--tolerance=-1").fails(2, &["not below 0"]);
    voxstore!("diff", a, b, "--tolerance", "NaN").fails(2, &["not below 0"]);
}

#[test]
fn places_shapes_and_types_that_differ_are_told() {
    let folder = folder();
    let run = Nifti::new([5, 4, 3, 6]);
    let a = run.write(folder.path(), "a.nii");
    let wide = run.clone().of_type(16, 4).write(folder.path(), "wide.nii.gz");
    let said = voxstore!("diff", a, wide, "--json").succeeds().json();
    assert_eq!((&said["same_type"], &said["within"]), (&json!(false), &json!(true)));
    let moved = Nifti { zoom: 3.5, ..run }.write(folder.path(), "moved.nii");
    voxstore!("diff", a, moved).fails(3, &[]).shows(&["100.0000 %", "2.000e0 mm", "not within"]);
    let shorter = Nifti::new([5, 4, 3, 5]).write(folder.path(), "shorter.nii");
    voxstore!("diff", a, shorter).fails(3, &[]).shows(&["shapes differ"]);
    assert!(voxstore!("diff", a, shorter, "--json").json()["values"].is_null());
}

#[test]
fn arrays_are_compared_with_each_other_and_with_files() {
    let folder = folder();
    let run = nifti::open(Nifti::new([5, 4, 3, 6]).write(folder.path(), "a.nii")).unwrap();
    let mean = run.lazy().mean(-1);
    let [one, two] = ["one.zarr", "two.zarr"].map(|name| folder.path().join(name));
    mean.write_zarr(&one).unwrap();
    (&mean + 0.25).write_zarr(&two).unwrap();
    let map = folder.path().join("mean.nii");
    mean.write_nifti(&map, Some(&run)).unwrap();
    voxstore!("diff", one, two).fails(3, &[]).shows(&["0.25"]);
    // A map is 4-D as a file; an array has no place.
    let said = voxstore!("diff", one, map, "--json").succeeds().json();
    assert_eq!(said["corners_apart_mm"], json!(null));
    let store = store_of(&[folder.path().join("a.nii")], folder.path());
    voxstore!("diff", store, one).fails(1, &["is a store", "runs"]);
    voxstore!("diff", folder.path().join("nope.nii"), one).fails(1, &["nope.nii"]);
    assert!(store::open_array(&one).is_ok());
}

#[test]
fn damage_is_an_error_and_no_figure() {
    let folder = folder();
    let store = store_of(&[fixture(FMRI1)], folder.path());
    let run = store.join("runs/fmri1.ome.zarr");
    fs::remove_file(run.join("0/c.1.0.0.0")).unwrap();
    voxstore!("diff", run, fixture(FMRI1)).fails(1, &["c.1.0.0.0", "missing"]).shows(&[]);
}

#[test]
fn runs_larger_than_the_budget_are_compared_in_it_whatever_they_are_stored_in() {
    let folder = folder();
    let run = Nifti::new([64, 64, 16, 56]);
    let a = run.write(folder.path(), "a.nii");
    let b = Nifti { seed: 2, ..run.clone() }.write(folder.path(), "b.nii.gz");
    let c = run.write(folder.path(), "c.nii.gz");
    let store = store_of(std::slice::from_ref(&a), folder.path());
    let stored = store.join("runs/a.ome.zarr");
    let figures = |one: &Path, other: &Path| {
        let said = voxstore!("diff", one, other, "--json", "--memory", "34MiB").json();
        let projected = &said["memory"]["projected_peak_bytes"];
        assert!(projected.as_u64().unwrap() <= 34 << 20, "{said}");
        said["values"].clone()
    };
    // The same numbers by whichever road.
    let found = figures(&stored, &b);
    assert!(found["correlation"].as_f64().unwrap() > 0.5, "{found}");
    assert_eq!(figures(&c, &b), found);
}
