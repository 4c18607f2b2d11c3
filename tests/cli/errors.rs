//! What is said when something is not there, or not what was meant: to what it happened, what was found, and
//! what to do next.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::common::{FMRI1, FUNCTIONAL, fixture, folder, inflated, program, store_of, voxstore};

/// Runs the program in a folder; gives its exit code and what it said.
fn said(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let args: Vec<OsString> = words.iter().map(Into::into).collect();
    let output = program().args(args).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn every_error_names_what_it_is_about_and_the_next_step() {
    let place = folder();
    let here = place.path();
    store_of(&[fixture(FMRI1), fixture(FUNCTIONAL)], here);
    fs::write(here.join("run.nii"), inflated(&fixture(FUNCTIONAL))).unwrap();
    fs::write(here.join("other.nii"), inflated(&fixture(FMRI1))).unwrap();
    fs::create_dir(here.join("empty")).unwrap();
    fs::write(here.join("there.nii"), b"mine").unwrap();
    voxstore!("reduce", "max", here.join("other.nii"), "-o", here.join("mask.nii"), "-q")
        .succeeds();

    let cases: [(&[&str], &[&str]); 31] = [
        // Nothing is there; near it, something is.
        (
            &["tsnr", "nothing-at-all.nii", "-o", "m.nii"],
            &["nothing-at-all.nii: no such file", "check the path"],
        ),
        (&["tsnr", "rum.nii", "-o", "m.nii"], &["rum.nii: no such file", "did you mean run.nii?"]),
        (&["info", "study.zar"], &["study.zar", "did you mean study.zarr?"]),
        (&["tsnr", "study.zar", "-o", "m.nii"], &["study.zar", "did you mean study.zarr?"]),
        (&["verify", "study.zar"], &["nothing is there", "did you mean study.zarr?"]),
        (&["export", "stduy.zarr", "-o", "out"], &["nothing is there", "did you mean study.zarr?"]),
        (
            &["info", "study.zarr/runs/fmri2.ome.zarr"],
            &["did you mean study.zarr/runs/fmri1.ome.zarr?"],
        ),
        (
            &["reduce", "mean", "run.nii", "--mask", "maks.nii", "-o", "m.nii"],
            &["did you mean mask.nii?"],
        ),
        (
            &["diff", "run.nii", "ohter.nii"],
            &["ohter.nii: no such file", "did you mean other.nii?"],
        ),
        (&["stats", "mask.nii", "--atlas", "masc.nii"], &["masc.nii", "did you mean mask.nii?"]),
        (&["bids", "emty", "out", "participant"], &["emty: no such folder"]),
        (&["bids", "empty", "out", "group"], &["out: no such folder"]),
        (&["tsnr", "run.nii", "--censor", "no.txt", "-o", "m.nii"], &["no.txt", "--censor"]),
        (
            &["stats", "mask.nii", "--atlas", "mask.nii", "--labels", "no.tsv"],
            &["no.tsv", "--labels"],
        ),
        // Something else is there.
        (
            &["tsnr", "empty", "-o", "m.nii"],
            &["no .nii, .nii.gz or .hdr file was found in empty", "give the folder"],
        ),
        (&["ingest", "empty", "-o", "s.zarr"], &["found in empty", "give the folder"]),
        (&["qc", "empty", "-o", "q"], &["found in empty", "give the folder"]),
        (&["tsnr", "b*.nii", "-o", "m.nii"], &["matches b*.nii", "`ls b*.nii`"]),
        (&["verify", "run.nii"], &["run.nii is not a voxstore store: a file", "voxstore ingest"]),
        (&["export", "empty", "-o", "out"], &["a folder without zarr.json", "voxstore ingest"]),
        (&["info", "study.zarr/runs"], &["lies in the store study.zarr", "--run 'runs/**'"]),
        (
            &["bids", "empty", "out", "participant"],
            &["empty is no BIDS dataset", "dataset_description.json"],
        ),
        // Nothing is meant.
        (
            &["tsnr", "study.zarr", "--run", "fmri9", "-o", "m.nii"],
            &["\"fmri9\"", "runs/fmri1.ome.zarr"],
        ),
        (
            &["tsnr", "study.zarr", "--entity", "sub=9", "-o", "m.nii"],
            &["2 runs of study.zarr", "voxstore info study.zarr"],
        ),
        (
            &["tsnr", ".", "--entity", "sub=9", "-o", "m.nii"],
            &["no file is left", "(no sub)", "--entity and --suffix"],
        ),
        // It does not fit together.
        (
            &["tsnr", "run.nii", "--mask", "mask.nii", "-o", "m.nii"],
            &["run.nii: shape (17, 21, 3)", "mask.nii: shape (10, 10, 18)", "resample"],
        ),
        (
            &["tsnr", "run.nii", "--mask", "run.nii", "-o", "m.nii"],
            &["run.nii: has 20 volumes", "voxstore reduce max"],
        ),
        // It cannot be written, or not with so little.
        (&["tsnr", "run.nii", "-o", "there.nii"], &["there.nii exists", "--force"]),
        (
            &["tsnr", "run.nii", "-o", "no/m.nii"],
            &["no/m.nii: there is no folder no", "`mkdir -p no`"],
        ),
        (
            &["reduce", "mean", "run.nii", "-o", "no/m.nii"],
            &["no/m.nii: there is no folder no", "`mkdir -p no`"],
        ),
        (
            &["reduce", "median", "run.nii", "-o", "m.nii", "--memory", "17MiB"],
            &["this needs", "the budget is 17.0 MiB", "--memory"],
        ),
    ];
    for (words, expected) in cases {
        let (code, text) = said(here, words);
        assert_eq!(code, Some(1), "voxstore {words:?}: {text}");
        for word in expected {
            assert!(text.contains(word), "voxstore {words:?}: no {word:?} in {text}");
        }
        assert!(!text.contains("os error") || text.contains("check what"), "{words:?}: {text}");
    }
    assert!(!here.join("m.nii").exists());
    assert_eq!(fs::read(here.join("there.nii")).unwrap(), b"mine");
}
