//! `voxstore stats`: a table of a map by region.

use std::fs;

use serde_json::{Value, json};

use super::common::{FMRI1, fixture, folder, voxstore};
use super::files::{self, Nifti};

/// A map 1, 2, 3 ... and an atlas of int16 labels: background, 3, -2, and 8 in one voxel.
fn map_and_atlas(folder: &std::path::Path) -> [std::path::PathBuf; 2] {
    let grid = [3, 2, 2, 1];
    let bytes_of = |datatype, size| Nifti::new(grid).of_type(datatype, size).header();
    let mut map = bytes_of(16, 4);
    let values = [1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0, 0.0, 8.0, 9.0, 10.0, 11.0, 12.5];
    map.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    let mut atlas = bytes_of(4, 2);
    let labels: [i16; 12] = [0, 3, 3, 3, 3, 0, 3, -2, -2, -2, 0, 8];
    atlas.extend(labels.iter().flat_map(|label| label.to_le_bytes()));
    [files::write(folder, "map.nii", &map), files::write(folder, "atlas.nii", &atlas)]
}

#[test]
fn the_table_has_names_and_the_numbers_worked_by_hand() {
    let folder = folder();
    let [map, atlas] = map_and_atlas(folder.path());
    let table = "index\tname\tcolor\r\n3\tLeft nucleus\tred\r\n-2\tRight\tblue\r\n0\tBackground\t-\r\n77\tNowhere\t-\r\n";
    let names = files::write(folder.path(), "dseg.tsv", table.as_bytes());
    let out = folder.path().join("roi.tsv");
    let done = voxstore!("stats", map, "--atlas", atlas, "--labels", names, "-o", out).succeeds();
    assert!(done.stderr.contains("1 of its labels have no voxel in the atlas, 1 of 3 regions"));
    done.shows(&["label", "Right", "Left nucleus", "n/a", "memory:", "roi.tsv", "roi.json"]);
    let head = "label\tname\tvoxels\tnan\tzeros\tmean\tsd\tmin\tp05\tp25\tmedian\tp75\tp95\tmax";
    let rows = [
        head,
        // Of 8, 9, 10; of 0, 2, 3, 4 and NaN; of 12.5.
        "-2\tRight\t3\t0\t0\t9.0\t1.0\t8.0\t8.1\t8.5\t9.0\t9.5\t9.9\t10.0",
        "3\tLeft nucleus\t5\t1\t1\t2.25\t1.707825127659933\t0.0\t0.3\t1.5\t2.5\t3.25\t3.85\t4.0",
        "8\tn/a\t1\t0\t0\t12.5\tn/a\t12.5\t12.5\t12.5\t12.5\t12.5\t12.5\t12.5",
    ];
    let found = fs::read_to_string(&out).unwrap();
    for (found, want) in found.lines().zip(rows) {
        for (found, want) in found.split('\t').zip(want.split('\t')) {
            // One rounding more or less where a decimal is no float64.
            let near = |a: f64, b: f64| (a - b).abs() <= 4e-15 * b.abs();
            let same = found.parse().is_ok_and(|a| want.parse().is_ok_and(|b| near(a, b)));
            assert!(found == want || same, "{found} and {want}");
        }
    }
    assert_eq!(found.lines().count(), rows.len());
    let record = fs::read(folder.path().join("roi.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    for column in head.split('\t') {
        assert!(record[column]["Description"].is_string(), "{column} in {record}");
    }
    assert_eq!(record["map"]["file_name"], "map.nii");
    assert_eq!(
        (&record["atlas"]["file_name"], &record["labels"]),
        (&json!("atlas.nii"), &json!("dseg.tsv"))
    );
    assert!(record["memory"]["projected_peak_bytes"].is_u64());
    voxstore!("stats", map, "--atlas", atlas, "-o", out).fails(1, &["roi.tsv", "--force"]);
}

#[test]
fn without_a_file_it_is_printed_for_people_machines_and_pipes() {
    let folder = folder();
    let [map, atlas] = map_and_atlas(folder.path());
    let said = voxstore!("stats", map, "--atlas", atlas, "--json").succeeds().json();
    let one = &said["regions"][2];
    assert_eq!((&one["label"], &one["name"], &one["sd"]), (&json!(8), &Value::Null, &json!("NaN")));
    let plain = voxstore!("stats", map, "--atlas", atlas, "-q").succeeds();
    assert_eq!(plain.stdout.lines().count(), 4);
    assert!(plain.stdout.starts_with("label\tname\t"));
    voxstore!("stats", map, "--atlas", atlas).succeeds().shows(&["label", "median", "9.00"]);
}

#[test]
fn a_series_and_tables_that_name_no_labels_are_refused() {
    let folder = folder();
    let [map, atlas] = map_and_atlas(folder.path());
    let reduce = ["fmri1.nii.gz", "volumes", "voxstore tsnr", "voxstore reduce mean"];
    voxstore!("stats", fixture(FMRI1), "--atlas", atlas).fails(1, &reduce);
    voxstore!("stats", map, "--atlas", atlas, "-o", "roi.csv").fails(1, &["roi.csv", "NAME.tsv"]);
    let cases: [(&str, &[&str]); 5] = [
        ("label,name\n3,Left\n", &["label,name", "index and name"]),
        ("index\tname\n3\n", &["line 2", "1 cells, expected 2"]),
        ("index\tname\nx\tLeft\n", &["line 2", "\"x\"", "an integer"]),
        ("index\tname\n3\tLeft\n3\tRight\n", &["line 3", "label 3", "Right", "Left"]),
        ("", &["expected index and name"]),
    ];
    for (text, words) in cases {
        let names = files::write(folder.path(), "names.tsv", text.as_bytes());
        voxstore!("stats", map, "--atlas", atlas, "--labels", names)
            .fails(1, words)
            .fails(1, &["names.tsv"]);
    }
    let long = format!("index\tname\n{}", "3\tLeft\n".repeat(200_000));
    let names = files::write(folder.path(), "long.tsv", long.as_bytes());
    voxstore!("stats", map, "--atlas", atlas, "--labels", names).fails(1, &["long.tsv", "bytes"]);
}
