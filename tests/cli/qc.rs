//! `voxstore qc`: a table a run, volume by volume.

use std::fs;

use serde_json::Value;

use super::common::{FMRI1, FMRI2, fixture, folder, names, store_of, voxstore};
use super::files::Nifti;

const SERIES: &str =
    "global_signal\tdvars\tstd_dvars\tdvars_vstd\toutlier_fraction\tslice_spike_00";

#[test]
fn a_run_gets_a_table_with_a_row_a_volume_and_a_json_that_describes_every_column() {
    let folder = folder();
    let out = folder.path().join("qc.tsv");
    let done = voxstore!("qc", fixture(FMRI1), "-o", out).succeeds();
    done.shows(&["mask voxels", "std DVARS", "in 2 scans", "qc.tsv"]);
    let table = fs::read_to_string(&out).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    assert!(table.starts_with(SERIES), "{table}");
    // 40 volumes; 5 series, and 18 slices.
    assert_eq!((rows.len(), rows[0].len(), rows[0][22]), (41, 23, "slice_spike_17"));
    assert!(rows.iter().all(|row| row.len() == 23));
    assert_eq!(rows[1][1..4], ["n/a"; 3]);
    let number = |text: &str| text.parse::<f64>().unwrap();
    assert!(rows[2..].iter().all(|row| row[..5].iter().all(|cell| number(cell).is_finite())));

    let record: Value =
        serde_json::from_slice(&fs::read(out.with_extension("json")).unwrap()).unwrap();
    for column in &rows[0] {
        assert!(record[column]["Description"].is_string(), "{column}");
        assert!(record[column]["Units"].is_string(), "{column}");
    }
    // The header has 32-bit floats.
    let (tr, scans) = (&record["RepetitionTime"], &record["memory"]["scans"]);
    assert_eq!((tr, scans), (&f64::from(1.35_f32).into(), &2.into()));
    assert_eq!(record["Sources"][0], record["input"]["file_name"]);

    voxstore!("qc", fixture(FMRI1), "-o", out).fails(1, &["qc.tsv", "--force"]);
    let told = voxstore!("qc", fixture(FMRI1), "-o", out, "--force", "--json").succeeds().json();
    assert_eq!(told[0]["record"]["MaskVoxels"], record["MaskVoxels"]);
    assert_eq!(fs::read_to_string(&out).unwrap(), table);
}

#[test]
fn several_runs_get_tables_of_their_own_named_as_bids_has_it() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    fs::copy(fixture(FMRI1), place("sub-01_task-rest_run-1_bold.nii.gz")).unwrap();
    fs::copy(fixture(FMRI2), place("other.nii.gz")).unwrap();
    let runs = [place("sub-01_task-rest_run-1_bold.nii.gz"), place("other.nii.gz")];
    let out = place("qc");
    voxstore!("qc", runs[0], runs[1], "-o", out, "--quiet").succeeds();
    let bids = "sub-01_task-rest_run-1_desc-qc_timeseries";
    let mut want: Vec<String> = ["other_desc-qc_timeseries", bids]
        .iter()
        .flat_map(|name| [format!("{name}.json"), format!("{name}.tsv")])
        .collect();
    want.sort();
    assert_eq!(names(&out), want);
    // The same numbers from a store.
    let store = store_of(&runs, folder.path());
    let again = place("again");
    voxstore!("qc", store, "-o", again, "--quiet").succeeds();
    let table = |folder: &std::path::Path| fs::read(folder.join(format!("{bids}.tsv"))).unwrap();
    assert!(table(&out) == table(&again));

    voxstore!("qc", runs[0], runs[1], "-o", place("one.tsv"))
        .fails(1, &["one.tsv", "2 runs", "folder"]);
    voxstore!("qc", runs[0], runs[0], "-o", place("twice")).fails(1, &["would both be", bids]);
    voxstore!("qc", runs[0], "-o", runs[1]).fails(1, &["other.nii.gz", "NAME.tsv"]);
    assert!(!place("one.tsv").exists() && !place("twice").exists());
}

#[test]
fn a_run_that_cannot_be_looked_at_leaves_no_table() {
    let folder = folder();
    let out = folder.path().join("qc.tsv");
    let other = tempfile::tempdir().unwrap();
    let single = Nifti::new([10, 10, 17, 1]).write(other.path(), "single.nii");
    voxstore!("qc", single, "-o", out).fails(1, &["single.nii", "at least 2"]);
    voxstore!("qc", fixture(FMRI1), "-o", out, "--mask", single)
        .fails(1, &["different grids", "fmri1.nii.gz", "single.nii"]);
    voxstore!("qc", fixture(FMRI1), "-o", out, "--memory", "16500KiB")
        .fails(1, &["--memory", "would fit"]);
    assert!(names(folder.path()).is_empty());
}
