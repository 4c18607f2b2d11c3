//! `voxstore reduce`: every reduction against a plain loop, over time, over space and over both; masks,
//! types, records, and what is refused before anything is opened.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::common::{Answer, folder, gzipped, inflated, names, run, store_of, voxstore};
use super::files::{Nifti, write};

const SPACE: [usize; 3] = [5, 4, 3];
const VOXELS: usize = 60;

/// Two runs that are joined, and their samples.
struct Study {
    paths: Vec<PathBuf>,
    /// `series[voxel]` over both runs.
    series: Vec<Vec<f64>>,
}

fn study(folder: &Path) -> Study {
    let mut series = vec![Vec::new(); VOXELS];
    let paths = [("a.nii.gz", 7), ("b.nii", 6)].map(|(name, volumes)| {
        let mut file = Nifti::new([5, 4, 3, volumes]);
        file.seed = volumes as u64;
        // Scaled, differently from run to run; some samples become 0.
        (file.slope, file.inter) = (0.5, -volumes as f64 * 4.0);
        for (index, sample) in file.samples().enumerate() {
            series[index % VOXELS].push(sample as f64 * file.slope + file.inter);
        }
        file.write(folder, name)
    });
    Study { paths: paths.into(), series }
}

impl Study {
    fn volumes(&self) -> usize {
        self.series[0].len()
    }

    fn volume(&self, t: usize) -> Vec<f64> {
        self.series.iter().map(|series| series[t]).collect()
    }

    /// Runs `voxstore reduce` on the study with these words.
    fn reduce(&self, words: &[&str]) -> Answer {
        let mut args: Vec<OsString> = vec!["reduce".into(), words[0].into()];
        args.extend(self.paths.iter().map(Into::into));
        args.extend(words[1..].iter().map(Into::into));
        run(args)
    }
}

/// An image as any NIfTI-1 reader sees it.
struct Image {
    dim: Vec<i16>,
    datatype: i16,
    tr_seconds: f32,
    values: Vec<f64>,
}

fn image(path: &Path) -> Image {
    let bytes = inflated(path);
    let short = |at: usize| i16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let datatype = short(70);
    let voxels = &bytes[352..];
    let values = match datatype {
        2 => voxels.iter().map(|&b| f64::from(b)).collect(),
        4 => voxels.chunks(2).map(|b| i16::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        8 => voxels.chunks(4).map(|b| i32::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        16 => voxels.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
        64 => voxels.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        other => panic!("datatype {other} is not expected"),
    };
    Image {
        dim: (0..=short(40)).map(|axis| short(40 + 2 * axis as usize)).collect(),
        datatype,
        tr_seconds: f32::from_le_bytes(bytes[92..96].try_into().unwrap()),
        values,
    }
}

#[track_caller]
fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let apart = (found - expected).abs();
        let same = found == expected || (found.is_nan() && expected.is_nan());
        assert!(
            same || apart <= tolerance * expected.abs(),
            "{what} of cell {index}: expected {expected:?}, found {found:?}"
        );
    }
}

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

fn variance(samples: &[f64], ddof: usize) -> f64 {
    let mean = mean(samples);
    samples.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (samples.len() - ddof) as f64
}

/// Between samples as numpy's default method has it.
fn quantile(samples: &[f64], q: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

fn smallest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::INFINITY, f64::min)
}

fn largest(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn first(samples: &[f64], wanted: f64) -> f64 {
    samples.iter().position(|&v| v == wanted).unwrap() as f64
}

/// Every operation of one number: its words, the NIfTI type of its map, and a plain loop.
type Case = (&'static [&'static str], i16, fn(&[f64]) -> f64);

const CASES: [Case; 21] = [
    (&["sum"], 64, |s| s.iter().sum()),
    (&["prod"], 64, |s| s.iter().product()),
    (&["mean"], 16, mean),
    (&["var"], 16, |s| variance(s, 0)),
    (&["var", "--ddof", "2"], 16, |s| variance(s, 2)),
    (&["std"], 16, |s| variance(s, 0).sqrt()),
    (&["std", "--ddof", "1"], 16, |s| variance(s, 1).sqrt()),
    (&["min"], 16, smallest),
    (&["max"], 16, largest),
    (&["ptp"], 16, |s| largest(s) - smallest(s)),
    (&["argmin"], 8, |s| first(s, smallest(s))),
    (&["argmax"], 8, |s| first(s, largest(s))),
    (&["any"], 2, |s| f64::from(s.iter().any(|&v| v != 0.0))),
    (&["all"], 2, |s| f64::from(s.iter().all(|&v| v != 0.0))),
    (&["count-nonzero"], 8, |s| s.iter().filter(|&&v| v != 0.0).count() as f64),
    (&["median"], 16, |s| quantile(s, 0.5)),
    (&["mad"], 16, |s| {
        let middle = quantile(s, 0.5);
        quantile(&s.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>(), 0.5)
    }),
    (&["quantile", "--q", "0.9"], 16, |s| quantile(s, 0.9)),
    (&["quantile", "--q", "0.9", "--quantile-method", "lower"], 16, |s| ranks(s, 0.9).0),
    (&["quantile", "--q", "0.9", "--quantile-method", "higher"], 16, |s| ranks(s, 0.9).1),
    (&["quantile", "--q", "0.9", "--quantile-method", "midpoint"], 16, |s| {
        f64::midpoint(ranks(s, 0.9).0, ranks(s, 0.9).1)
    }),
];

/// The samples below and above a quantile, as numpy's `lower` and `higher`.
fn ranks(samples: &[f64], q: f64) -> (f64, f64) {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * (sorted.len() - 1) as f64;
    (sorted[at.floor() as usize], sorted[at.ceil() as usize])
}

#[test]
fn every_reduction_over_time_is_that_of_a_plain_loop() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("map.nii.gz");
    for (words, datatype, by_loop) in CASES {
        let words = [words, &["-o", map.to_str().unwrap(), "--force"]].concat();
        study.reduce(&words).succeeds().shows(&[words[0], "of 2 run(s)", "memory:", "map:"]);
        let found = image(&map);
        assert_eq!(found.dim, [3, 5, 4, 3], "{words:?}");
        assert_eq!(found.datatype, datatype, "{words:?}");
        let expected: Vec<f64> = study.series.iter().map(|series| by_loop(series)).collect();
        // Sums of float64 in another order, rounded to float32 where the map is.
        close(&found.values, &expected, if datatype == 16 { 1e-6 } else { 1e-12 }, words[0]);
    }
}

#[test]
fn every_reduction_over_space_is_a_series() {
    let folder = folder();
    let study = study(folder.path());
    let out = folder.path().join("series.tsv");
    for (words, _, by_loop) in CASES.into_iter().filter(|(words, ..)| !words[0].starts_with("arg"))
    {
        let more = ["--axis", "x,y,z", "-o", out.to_str().unwrap(), "--force", "--quiet"];
        study.reduce(&[words, &more].concat()).succeeds();
        let text = fs::read_to_string(&out).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(words[0]));
        let number = |line: &str| match line {
            "true" => 1.0,
            "false" => 0.0,
            number => number.parse().unwrap(),
        };
        let found: Vec<f64> = lines.map(number).collect();
        let expected: Vec<f64> = (0..study.volumes()).map(|t| by_loop(&study.volume(t))).collect();
        // Variances lose what the mean has beyond them.
        close(&found, &expected, 1e-10, words[0]);
    }
    assert_eq!(names(folder.path()), ["a.nii.gz", "b.nii", "series.json", "series.tsv"]);
}

#[test]
fn over_all_axes_one_number_comes_out() {
    let folder = folder();
    let study = study(folder.path());
    let all = study.series.concat();
    let answer = study.reduce(&["mean", "--axis", "t,x,y,z", "--json"]).succeeds().json();
    close(&[answer["values"].as_f64().unwrap()], &[mean(&all)], 1e-12, "mean");
    let bare = study.reduce(&["max", "--axis", "x,y,z,t", "--quiet"]).succeeds();
    assert_eq!(bare.stdout.trim().parse::<f64>().unwrap(), largest(&all));
    study.reduce(&["min", "--axis", "x,y,z,t"]).succeeds().shows(&["min", "memory:"]);
}

#[test]
fn the_place_of_an_extreme_is_its_voxel_and_volume() {
    let folder = folder();
    let study = study(folder.path());
    let words = ["argmax", "--axis", "x,y,z,t", "--quiet"];
    let said = study.reduce(&words).succeeds().stdout;
    let place: Vec<usize> = said.split_whitespace().map(|n| n.parse().unwrap()).collect();
    let [x, y, z, t] = place[..] else { panic!("{said}") };
    let found = study.series[x + SPACE[0] * (y + SPACE[1] * z)][t];
    assert_eq!(found, largest(&study.series.concat()));
}

#[test]
fn a_histogram_has_its_bins_last() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("counts.nii");
    let edges = [-10.0, 0.0, 12.5, 30.0];
    let count = |samples: &[f64]| -> [f64; 3] {
        std::array::from_fn(|bin| {
            let last = bin == 2;
            let inside = |v: f64| v >= edges[bin] && (v < edges[bin + 1] || last && v == edges[3]);
            samples.iter().filter(|&&v| inside(v)).count() as f64
        })
    };
    let words = ["histogram", "--edges", "-10,0,12.5,30"];
    study.reduce(&[&words[..], &["-o", map.to_str().unwrap()]].concat()).succeeds();
    let found = image(&map);
    assert_eq!((found.dim, found.datatype, found.tr_seconds), (vec![4, 5, 4, 3, 3], 8, 0.0));
    let expected: Vec<f64> =
        (0..3).flat_map(|bin| study.series.iter().map(move |s| count(s)[bin])).collect();
    assert_eq!(found.values, expected);

    let all = count(&study.series.concat()).map(|n| n as u64);
    let over_all = [&words[..], &["--axis", "x,y,z,t"]].concat();
    let rows = study.reduce(&[&over_all[..], &["--json"]].concat()).succeeds().json();
    assert_eq!(rows["values"]["columns"], json!(["from", "to", "count"]));
    for (bin, row) in rows["values"]["rows"].as_array().unwrap().iter().enumerate() {
        assert_eq!(row, &json!([edges[bin], edges[bin + 1], all[bin]]));
    }
    let by_volume = [&words[..], &["--axis", "x,y,z"]].concat();
    study.reduce(&by_volume).succeeds().shows(&[
        "run",
        "volume",
        "[-10, 0)",
        "[0, 12.5)",
        "[12.5, 30]",
    ]);
}

#[test]
fn several_quantiles_are_volumes_columns_or_rows() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("quantiles.nii");
    let q = [0.05, 0.5, 0.95];
    let words = ["quantile", "--q", "0.05,0.5,0.95"];
    study.reduce(&[&words[..], &["-o", map.to_str().unwrap()]].concat()).succeeds();
    let found = image(&map);
    assert_eq!((found.dim, found.datatype, found.tr_seconds), (vec![4, 5, 4, 3, 3], 16, 0.0));
    let of = |samples: &[f64]| q.map(|q| quantile(samples, q));
    let expected: Vec<f64> =
        (0..3).flat_map(|at| study.series.iter().map(move |s| of(s)[at])).collect();
    close(&found.values, &expected, 1e-6, "volumes");
    let record: Value =
        serde_json::from_slice(&fs::read(map.with_extension("json")).unwrap()).unwrap();
    assert_eq!(record["definition"]["q"], json!(q));
    assert_eq!(record["definition"]["quantile_method"], "linear");
    assert_eq!(record["result"]["axes"], json!(["x", "y", "z", "quantile"]));

    let tsv = folder.path().join("by_volume.tsv");
    let by_volume = ["--axis", "x,y,z", "-o", tsv.to_str().unwrap()];
    study.reduce(&[&words[..], &by_volume].concat()).succeeds();
    let text = fs::read_to_string(tsv).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    assert_eq!(head, "q0.05\tq0.5\tq0.95");
    let found: Vec<f64> = rows.split_whitespace().map(|cell| cell.parse().unwrap()).collect();
    let expected: Vec<f64> = (0..study.volumes()).flat_map(|t| of(&study.volume(t))).collect();
    close(&found, &expected, 1e-12, "columns");

    let answer = study.reduce(&[&words[..], &["--axis", "x,y,z,t", "--json"]].concat());
    let values = &answer.succeeds().json()["values"];
    assert_eq!(values["columns"], json!(["q", "quantile"]));
    let row = |at: usize| [0, 1].map(|column| values["rows"][at][column].as_f64().unwrap());
    let all = of(&study.series.concat());
    close(&[row(0)[1], row(1)[1], row(2)[1]], &all, 1e-12, "rows");
    assert_eq!([row(0)[0], row(1)[0], row(2)[0]], q);
}

#[test]
fn axes_reduced_away_from_an_image_stay_one_long() {
    let folder = folder();
    let study = study(folder.path());
    let out = folder.path().join("out.nii");
    let reduce = |axes: &str| {
        let words = ["sum", "--axis", axes, "-o", out.to_str().unwrap(), "--force"];
        study.reduce(&words).succeeds();
        image(&out)
    };
    let found = reduce("z");
    assert_eq!((found.dim, found.tr_seconds), (vec![4, 5, 4, 1, 13], 2.0));
    let at = |t: usize, v: usize| (0..3).map(|z| study.series[v + 20 * z][t]).sum();
    let expected: Vec<f64> = (0..13 * 20).map(|i| at(i / 20, i % 20)).collect();
    close(&found.values, &expected, 1e-12, "sum over z");

    let found = reduce("t,x");
    assert_eq!((found.dim, found.tr_seconds), (vec![3, 1, 4, 3], 0.0));
    let row = |r: usize| study.series[5 * r..5 * r + 5].concat().iter().sum();
    let expected: Vec<f64> = (0..12).map(row).collect();
    close(&found.values, &expected, 1e-12, "sum over x and t");
}

/// A mask of the study's grid: every third voxel is inside.
fn mask(folder: &Path) -> PathBuf {
    let mut file = Nifti::new([5, 4, 3, 1]).of_type(2, 1);
    file.dim[0] = 3;
    let mut bytes = file.header();
    bytes.extend((0..VOXELS).map(|voxel| if voxel % 3 == 0 { 7 } else { 0 }));
    write(folder, "mask.nii.gz", &gzipped(&bytes))
}

#[test]
fn outside_of_a_mask_maps_are_0_and_series_do_not_look() {
    let folder = folder();
    let study = study(folder.path());
    let mask = mask(folder.path());
    let mask = mask.to_str().unwrap();
    let map = folder.path().join("map.nii");
    for op in ["mean", "min", "argmax"] {
        let words = [op, "--mask", mask, "-o", map.to_str().unwrap(), "--force"];
        study.reduce(&words).succeeds();
        let (.., by_loop) = CASES.into_iter().find(|(words, ..)| words[0] == op).unwrap();
        let inside = |voxel: usize| voxel.is_multiple_of(3);
        let value = |(voxel, s): (usize, &Vec<f64>)| if inside(voxel) { by_loop(s) } else { 0.0 };
        let expected: Vec<f64> = study.series.iter().enumerate().map(value).collect();
        close(&image(&map).values, &expected, 1e-6, op);
    }
    let words = ["mean", "--axis", "x,y,z", "--mask", mask, "--json"];
    let answer = study.reduce(&words).succeeds().json();
    let inside = |t: usize| -> Vec<f64> { study.volume(t).into_iter().step_by(3).collect() };
    let expected: Vec<f64> = (0..study.volumes()).map(|t| mean(&inside(t))).collect();
    let found: Vec<f64> =
        answer["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    close(&found, &expected, 1e-12, "mean inside the mask");
    assert_eq!(answer["record"]["definition"]["mask"]["file_name"], "mask.nii.gz");
}

#[test]
fn a_mask_lies_on_the_grid_of_the_runs_and_has_one_volume() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("map.nii");
    for (file, said) in [
        (Nifti::new([5, 4, 2, 1]), "(5, 4, 2)"),
        (Nifti { zoom: 3.5, ..Nifti::new([5, 4, 3, 1]) }, "mm apart"),
        (Nifti::new([5, 4, 3, 2]), "a mask has one"),
    ] {
        let mask = file.write(folder.path(), "other.nii");
        let words = ["mean", "--mask", mask.to_str().unwrap(), "-o", map.to_str().unwrap()];
        study.reduce(&words).fails(1, &["other.nii", said]);
    }
    assert!(!map.exists());
}

#[test]
fn nan_samples_count_unless_they_are_skipped() {
    let folder = folder();
    let file = Nifti::new([2, 1, 1, 4]).of_type(16, 4);
    let mut bytes = file.header();
    for sample in [1.0_f32, 5.0, f32::NAN, 6.0, 3.0, f32::NAN, 8.0, f32::NAN] {
        bytes.extend(sample.to_le_bytes());
    }
    let run = write(folder.path(), "run.nii", &bytes);
    let map = folder.path().join("map.nii");
    voxstore!("reduce", "mean", run, "-o", map).succeeds();
    assert!(image(&map).values.iter().all(|v| v.is_nan()));
    voxstore!("reduce", "mean", run, "-o", map, "--skip-nan", "--force").succeeds();
    assert_eq!(image(&map).values, [4.0, 5.5]);
    voxstore!("reduce", "max", run, "-o", map, "--skip-nan", "--force").succeeds();
    assert_eq!(image(&map).values, [8.0, 6.0]);
}

#[test]
fn the_type_of_a_map_can_be_chosen_and_must_hold_its_numbers() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("map.nii");
    let out = map.to_str().unwrap();
    study.reduce(&["mean", "--dtype", "float64", "-o", out]).succeeds();
    let expected: Vec<f64> = study.series.iter().map(|s| mean(s)).collect();
    let found = image(&map);
    assert_eq!(found.datatype, 64);
    close(&found.values, &expected, 1e-12, "mean");
    study.reduce(&["mean", "--dtype", "int16", "-o", out, "--force"]).succeeds();
    let found = image(&map);
    assert_eq!(found.datatype, 4);
    let rounded: Vec<f64> = expected.iter().map(|v| v.round_ties_even()).collect();
    assert_eq!(found.values, rounded);
    study.reduce(&["prod", "--dtype", "int16", "-o", out, "--force"]).fails(1, &["int16"]);
    assert_eq!(image(&map).values, rounded, "what was there stays");
}

#[test]
fn extremes_of_stored_integers_keep_their_type() {
    let folder = folder();
    let run = Nifti::new([5, 4, 3, 6]).write(folder.path(), "run.nii.gz");
    let map = folder.path().join("map.nii");
    voxstore!("reduce", "max", run, "-o", map).succeeds();
    assert_eq!(image(&map).datatype, 4);
    // 30000 - -30000 is no int16.
    let mut bytes = Nifti::new([1, 1, 1, 2]).header();
    for sample in [30000_i16, -30000] {
        bytes.extend(sample.to_le_bytes());
    }
    let run = write(folder.path(), "wide.nii", &bytes);
    voxstore!("reduce", "ptp", run, "-o", map, "--force").succeeds();
    assert_eq!(image(&map).values, [60000.0]);
}

#[test]
fn files_and_a_store_give_the_same_bytes() {
    let folder = folder();
    let study = study(folder.path());
    let store = store_of(&study.paths, folder.path());
    for op in ["median", "std"] {
        let place = |name: &str| folder.path().join(format!("{op}-{name}.nii"));
        let (of_files, of_store) = (place("files"), place("store"));
        study.reduce(&[op, "-o", of_files.to_str().unwrap()]).succeeds();
        let small = ["--memory", "40MiB", "--threads", "1"];
        voxstore!("reduce", op, store, "-o", of_store, small[0], small[1], small[2], small[3])
            .succeeds();
        assert!(fs::read(of_files).unwrap() == fs::read(of_store).unwrap(), "{op}");
    }
}

#[test]
fn the_record_says_how_the_result_was_made() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("std.nii.gz");
    let words = ["std", "--ddof", "1", "-o", map.to_str().unwrap(), "--memory", "100MB", "--json"];
    let answer = study.reduce(&words).succeeds().json();
    let text = fs::read_to_string(folder.path().join("std.json")).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["record"], record);
    assert_eq!(answer["map"], map.to_str().unwrap());

    let definition = &record["definition"];
    assert_eq!(definition["operation"], "std");
    assert_eq!(definition["axes"], json!(["t"]));
    assert_eq!((&definition["ddof"], &definition["skip_nan"]), (&json!(1), &json!(false)));
    assert_eq!(
        record["result"],
        json!({
            "axes": ["x", "y", "z"], "shape": [5, 4, 3], "data_type": "float32"
        })
    );
    assert_eq!(record["inputs"][0]["file_name"], "a.nii.gz");
    assert_eq!(record["inputs"][1]["shape"], json!([5, 4, 3, 6]));
    let memory = |name: &str| record["memory"][name].as_u64().unwrap();
    assert!(memory("measured_peak_bytes") <= memory("projected_peak_bytes"));
    assert!(memory("projected_peak_bytes") <= memory("budget_bytes"));
    assert_eq!(memory("voxel_bytes_read"), 60 * 13 * 2);
    assert_eq!(memory("scans"), 1);
}

#[test]
fn a_json_file_holds_the_numbers_and_their_record() {
    let folder = folder();
    let study = study(folder.path());
    let out = folder.path().join("global.json");
    study.reduce(&["mean", "--axis", "x,y,z", "-o", out.to_str().unwrap()]).succeeds();
    let answer: Value = serde_json::from_slice(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(answer["values"].as_array().unwrap().len(), 13);
    assert_eq!(answer["record"]["result"]["axes"], json!(["t"]));
}

#[test]
fn options_that_exclude_each_other_are_refused_before_anything_is_opened() {
    let misused: [(&[&str], &str); 17] = [
        (&["mean"], "-o"),
        (&["mean", "--axis", "x"], "-o"),
        (&["quantile", "-o", "m.nii"], "--q"),
        (&["quantile", "--q", "1.5", "-o", "m.nii"], "1.5"),
        (&["quantile", "--q", "0.1,NaN", "-o", "m.nii"], "NaN"),
        (&["quantile", "--q", "0.1,0.9", "--axis", "z", "-o", "m.nii"], "fifth axis"),
        (&["mean", "--q", "0.1,0.9", "-o", "m.nii"], "--q is for quantile"),
        (&["mean", "--quantile-method", "lower", "-o", "m.nii"], "--quantile-method"),
        (&["mean", "--q", "0.5", "-o", "m.nii"], "--q"),
        (&["histogram", "-o", "m.nii"], "--edges"),
        (&["histogram", "--edges", "2,1", "-o", "m.nii"], "above"),
        (&["histogram", "--edges", "1,2", "--axis", "z", "-o", "m.nii"], "fifth"),
        (&["min", "--edges", "1,2", "-o", "m.nii"], "--edges"),
        (&["mean", "--ddof", "1", "-o", "m.nii"], "--ddof"),
        (&["argmin", "--axis", "x,y", "-o", "m.nii"], "one axis"),
        (&["mean", "--axis", "t,t", "-o", "m.nii"], "twice"),
        (&["mean", "--axis", "x,y,z", "--dtype", "int16"], "--dtype"),
    ];
    for (words, said) in misused {
        let mut args: Vec<OsString> =
            vec!["reduce".into(), words[0].into(), "not-there.nii".into()];
        args.extend(words[1..].iter().map(Into::into));
        let answer = run(args).fails(2, &[said, "--help"]);
        assert!(!answer.stderr.contains("not-there.nii"), "{answer:?}");
    }
    voxstore!("reduce", "meen", "not-there.nii").fails(2, &["meen", "mean"]);
    voxstore!("reduce", "mean", "not-there.nii", "--axis", "w").fails(2, &["w"]);
    voxstore!("reduce", "mean", "not-there.nii", "--dtype", "bool").fails(2, &["float32"]);
}

#[test]
fn a_name_must_suit_what_comes_out_and_must_be_free() {
    let folder = folder();
    let study = study(folder.path());
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    study.reduce(&["mean", "-o", &place("map.tsv")]).fails(1, &["map.tsv", "NAME.nii.gz"]);
    study
        .reduce(&["mean", "--axis", "x,y,z", "-o", &place("series.nii")])
        .fails(1, &["series.nii", "NAME.tsv"]);
    for (taken, out, axes) in [
        ("map.json", "map.nii.gz", "t"),
        ("map.nii", "map.nii", "t"),
        ("s.json", "s.tsv", "x,y,z"),
        ("s.tsv", "s.tsv", "x,y,z"),
    ] {
        fs::write(folder.path().join(taken), "mine").unwrap();
        let words = ["mean", "--axis", axes, "-o", &place(out)];
        study.reduce(&words).fails(1, &[taken, "exists", "--force"]);
        assert_eq!(names(folder.path()).len(), 3, "{taken}");
        fs::remove_file(folder.path().join(taken)).unwrap();
    }
}

#[test]
fn quiet_says_nothing_where_the_result_is_a_file() {
    let folder = folder();
    let study = study(folder.path());
    let map = folder.path().join("map.nii");
    let answer = study.reduce(&["mean", "-o", map.to_str().unwrap(), "--quiet"]).succeeds();
    assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("", ""));
}

#[test]
fn a_damaged_run_leaves_no_result() {
    let folder = folder();
    let whole = gzipped(&Nifti::new([5, 4, 3, 6]).bytes());
    let bad = write(folder.path(), "bad.nii.gz", &super::files::flipped(&whole));
    let out = folder.path().join("s.tsv");
    voxstore!("reduce", "mean", bad, "--axis", "x,y,z", "-o", out).fails(1, &["bad.nii.gz"]);
    assert_eq!(names(folder.path()), ["bad.nii.gz"]);
}
