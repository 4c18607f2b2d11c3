//! `voxstore tsnr`: the map, the record beside it, the table, and what is refused.

use std::fs;
use std::path::Path;

use nifti::NiftiHeader;
use serde_json::{Value, json};

use super::common::{
    DS003, FMRI1, FMRI2, FUNCTIONAL, MAP_OFFSET, compressed, fixture, folder, inflated, map_values,
    names, plain, store_of, voxstore,
};
use super::files::Nifti;

#[test]
fn gzip_files_plain_files_and_a_store_give_the_same_map() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    let store = store_of(&[fixture(FMRI1), fixture(FMRI2)], folder.path());
    let (plain1, plain2) = (plain(FMRI1, folder.path()), plain(FMRI2, folder.path()));
    voxstore!("tsnr", fixture(FMRI1), fixture(FMRI2), "-o", place("gz.nii.gz")).succeeds();
    voxstore!("tsnr", plain1, plain2, "-o", place("nii.nii.gz")).succeeds();
    voxstore!("tsnr", store, "-o", place("store.nii.gz")).succeeds();
    let first = fs::read(place("gz.nii.gz")).unwrap();
    assert!(first == fs::read(place("nii.nii.gz")).unwrap());
    assert!(first == fs::read(place("store.nii.gz")).unwrap());
}

#[test]
fn a_plain_map_is_the_inflated_compressed_one() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    voxstore!("tsnr", fixture(FMRI1), "-o", place("a.nii")).succeeds();
    voxstore!("tsnr", fixture(FMRI1), "-o", place("b.nii.gz")).succeeds();
    assert!(fs::read(place("b.nii.gz")).unwrap().starts_with(&[0x1f, 0x8b]));
    assert!(fs::read(place("a.nii")).unwrap() == inflated(&place("b.nii.gz")));
}

#[test]
fn the_map_lies_where_its_run_lies() {
    for name in [FMRI1, FUNCTIONAL, DS003] {
        let folder = folder();
        let map = folder.path().join("map.nii.gz");
        voxstore!("tsnr", fixture(name), "-o", map).succeeds();
        let source = NiftiHeader::from_file(fixture(name)).unwrap();
        let found = NiftiHeader::from_file(&map).unwrap();

        assert_eq!(found.dim, [&[3], &source.dim[1..4], &[1; 4]].concat().as_slice(), "{name}");
        assert_eq!(found.pixdim[..4], source.pixdim[..4], "{name}");
        assert_eq!(found.xyzt_units & 7, source.xyzt_units & 7, "{name}");
        assert_eq!(found.qform_code, source.qform_code);
        assert_eq!(found.sform_code, source.sform_code);
        let form = |h: &NiftiHeader| [h.srow_x, h.srow_y, h.srow_z];
        assert_eq!(form(&found), form(&source), "{name}");
        let turn = |h: &NiftiHeader| [h.quatern_b, h.quatern_c, h.quatern_d];
        assert_eq!(turn(&found), turn(&source), "{name}");
        let shift = |h: &NiftiHeader| [h.quatern_x, h.quatern_y, h.quatern_z];
        assert_eq!(shift(&found), shift(&source), "{name}");

        assert_eq!((found.datatype, found.bitpix), (16, 32), "float32");
        assert_eq!((found.scl_slope, found.scl_inter), (1.0, 0.0));
        assert_eq!(found.vox_offset, MAP_OFFSET as f32);
        let text = String::from_utf8_lossy(&found.descrip).into_owned();
        assert!(text.starts_with("voxstore ") && text.contains("tsnr ddof0"), "{text:?}");
        let voxels: usize = source.dim[1..4].iter().map(|&n| usize::from(n)).product();
        assert_eq!(inflated(&map).len(), MAP_OFFSET + 4 * voxels);
    }
}

#[test]
fn a_map_of_a_nifti_2_run_is_nifti_2() {
    let folder = folder();
    let run = Nifti::new([5, 4, 3, 6]).version_two().write(folder.path(), "run.nii");
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", run, "-o", map).succeeds();
    let json = voxstore!("info", map, "--json").succeeds().json();
    assert_eq!(json[0]["runs"][0]["format"], "nifti2");
    assert_eq!(json[0]["runs"][0]["data_type"], "float32");
}

fn record(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_record_says_how_the_map_was_made() {
    let folder = folder();
    let map = folder.path().join("map.nii.gz");
    let runs = [fixture(FMRI1), fixture(FMRI2)];
    voxstore!("tsnr", runs[0], runs[1], "-o", map, "--memory", "100MB").succeeds();
    let record = record(&folder.path().join("map.json"));

    assert_eq!(record["definition"]["ddof"], 0);
    assert_eq!(record["definition"]["across_runs"], "concatenated");
    assert_eq!(record["definition"]["detrend"], "none");
    assert_eq!(record["definition"]["constant_voxels"], "0");
    for (index, file) in ["fmri1.nii.gz", "fmri2.nii.gz"].into_iter().enumerate() {
        let input = &record["inputs"][index];
        assert_eq!(input["file_name"], file);
        assert_eq!(input["file_bytes"], fs::metadata(&runs[index]).unwrap().len());
        assert_eq!(input["shape"], json!([10, 10, 18, 40]));
        assert_eq!(input["data_type"], "int16");
        assert_eq!((&input["slope"], &input["inter"]), (&json!(1.0), &json!(0.0)));
        assert_eq!(input["header_xxh3"].as_str().unwrap().len(), 32);
        assert!(input["modified"].is_string());
    }
    assert_eq!(record["figures"]["constant_voxels"], 0);
    assert_eq!(record["figures"]["mask_voxels"], 1800);
    let figure = |name: &str| record["figures"][name].as_f64().unwrap();
    assert!(figure("concatenated_median") < 0.8 * figure("pooled_median"));
    let memory = |name: &str| record["memory"][name].as_u64().unwrap();
    assert_eq!(memory("budget_bytes"), 100_000_000);
    assert!(memory("measured_peak_bytes") <= memory("projected_peak_bytes"));
    assert!(memory("projected_peak_bytes") <= memory("budget_bytes"));
    assert_eq!(memory("voxel_bytes_read"), 2 * 10 * 10 * 18 * 40 * 2);
    assert_eq!(memory("scans"), 1);
    let tool = record["tool"].as_str().unwrap();
    assert!(tool.starts_with("voxstore "), "{tool}");
}

#[test]
fn a_record_of_stored_runs_names_the_checksum_of_their_sources() {
    let folder = folder();
    let map = folder.path().join("map.nii.gz");
    let store = store_of(&[fixture(FMRI1)], folder.path());
    voxstore!("tsnr", store, "-o", map).succeeds();
    let record = record(&folder.path().join("map.json"));
    // As fixtures/README.md has it.
    let sha256 = "473b394d20815b9982341877f1ee3e6a29e3b722f01ff045bf5a3fca2f9d66fe";
    assert_eq!(record["inputs"][0]["sha256"], sha256);
    assert_eq!(record["inputs"][0]["file_name"], "fmri1.nii.gz");
}

#[test]
fn json_on_stdout_is_the_record_and_nothing_else() {
    let folder = folder();
    let map = folder.path().join("map.nii.gz");
    let answer = voxstore!("tsnr", fixture(FMRI1), "-o", map, "--json").succeeds();
    let json = answer.json();
    assert_eq!(json["map"], map.to_str().unwrap());
    assert_eq!(json["record"], record(&folder.path().join("map.json")));
}

#[test]
fn the_table_shows_each_run_the_pooled_and_the_joined_median() {
    let folder = folder();
    let map = folder.path().join("map.nii.gz");
    voxstore!("tsnr", fixture(FMRI1), fixture(FMRI2), "-o", map)
        .succeeds()
        .shows(&["run", "volumes", "TR", "median tSNR"])
        .shows(&["fmri1.nii.gz", "40", "31.91", "fmri2.nii.gz", "40", "34.87"])
        .shows(&["pooled (within runs)", "80", "32.73", "joined (the map)", "80", "12.54"])
        .shows(&["medians over 1800 voxels", "0 constant voxels"])
        .shows(&["memory: budget 512.0 MiB", "projected peak", "measured", "in 1 scan"])
        .shows(&["map:", "map.nii.gz", "record:", "map.json"]);
}

#[test]
fn quiet_says_nothing() {
    let folder = folder();
    let map = folder.path().join("map.nii.gz");
    let answer = voxstore!("tsnr", fixture(FMRI1), "-o", map, "--quiet").succeeds();
    assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("", ""));
}

#[test]
fn level_shifts_between_runs_are_warned_of() {
    let folder = folder();
    let map = folder.path().join("map.nii.gz");
    let answer = voxstore!("tsnr", fixture(FMRI1), fixture(FMRI2), "-o", map).succeeds();
    assert!(answer.stderr.contains("joined median 12.54 is under 80 %"), "{answer:?}");
    let alone = voxstore!("tsnr", fixture(FMRI1), "-o", map, "--force").succeeds();
    assert!(!alone.stderr.contains("80 %"), "{alone:?}");
}

#[test]
fn runs_of_different_tr_are_joined_with_a_warning() {
    let folder = folder();
    let a = Nifti::new([5, 4, 3, 6]).write(folder.path(), "a.nii");
    let b = Nifti::new([5, 4, 3, 8]).field("pixdim", 4, 1.5).write(folder.path(), "b.nii");
    let answer = voxstore!("tsnr", a, b, "-o", folder.path().join("map.nii")).succeeds();
    assert!(answer.stderr.contains("differ in TR: 2 s in a.nii, 1.5 s in b.nii"), "{answer:?}");
}

#[test]
fn constant_voxels_are_0_or_nan_as_asked() {
    let folder = folder();
    let mut bytes = Nifti::new([5, 4, 3, 6]).bytes();
    for volume in 0..6 {
        // The second voxel along x never changes.
        let at = 352 + 2 * (60 * volume + 1);
        bytes[at..at + 2].copy_from_slice(&50_i16.to_le_bytes());
    }
    let run = super::files::write(folder.path(), "run.nii", &bytes);
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", run, "-o", map).succeeds().shows(&["1 constant voxel"]);
    assert_eq!(map_values(&map)[1], 0.0);
    voxstore!("tsnr", run, "-o", map, "--force", "--constant", "nan").succeeds();
    let values = map_values(&map);
    assert!(values[1].is_nan() && values.iter().filter(|v| v.is_nan()).count() == 1);
}

#[test]
fn ddof_changes_the_map_by_its_factor() {
    let folder = folder();
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", fixture(FMRI1), "-o", map).succeeds();
    let zero = map_values(&map);
    voxstore!("tsnr", fixture(FMRI1), "-o", map, "--force", "--ddof", "1").succeeds();
    let header = NiftiHeader::from_file(&map).unwrap();
    assert!(String::from_utf8_lossy(&header.descrip).contains("ddof1"));
    let factor = (39.0_f64 / 40.0).sqrt();
    for (one, zero) in map_values(&map).into_iter().zip(zero) {
        assert!((f64::from(one) / (f64::from(zero) * factor) - 1.0).abs() < 1e-6);
    }
}

#[test]
fn results_are_not_overwritten_unasked() {
    let folder = folder();
    let map = folder.path().join("map.nii");
    for taken in ["map.nii", "map.json"] {
        fs::write(folder.path().join(taken), "mine").unwrap();
        voxstore!("tsnr", fixture(FMRI1), "-o", map).fails(1, &[taken, "exists", "--force"]);
        assert_eq!(names(folder.path()), [taken]);
        assert_eq!(fs::read(folder.path().join(taken)).unwrap(), b"mine");
        fs::remove_file(folder.path().join(taken)).unwrap();
    }
    fs::write(&map, "mine").unwrap();
    voxstore!("tsnr", fixture(FMRI1), "-o", map, "--force").succeeds();
    assert_eq!(names(folder.path()), ["map.json", "map.nii"]);
}

#[test]
fn a_map_is_named_nii_or_nii_gz() {
    let folder = folder();
    let map = folder.path().join("map.img");
    voxstore!("tsnr", fixture(FMRI1), "-o", map).fails(1, &["map.img", ".nii.gz"]);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_budget_that_is_too_small_is_refused_with_one_that_is_not() {
    let folder = folder();
    // 16 MiB of running sums and results at least, in a file of 2 MiB.
    let run = Nifti::new([128, 128, 64, 2]).of_type(2, 1);
    let map = folder.path().join("map.nii");
    for name in ["run.nii", "run.nii.gz"] {
        let run = run.write(folder.path(), name);
        let answer = voxstore!("tsnr", run, "-o", map, "--memory", "20MiB");
        let answer = answer.fails(1, &["20.0 MiB", "no data was read", "largest part", "--memory"]);
        assert!(!map.exists());
        // What it says would fit, as a shell would take it apart, does fit.
        let (_, said) = answer.stderr.split_once("--memory ").unwrap();
        let fits = said.split_whitespace().next().unwrap();
        voxstore!("tsnr", run, "-o", map, "--memory", fits).succeeds();
        fs::remove_file(&map).unwrap();
        fs::remove_file(folder.path().join("map.json")).unwrap();
    }
}

#[test]
fn runs_on_different_grids_are_refused_with_both() {
    let folder = folder();
    let map = folder.path().join("map.nii");
    let a = Nifti::new([5, 4, 3, 6]).write(folder.path(), "a.nii");
    let b = Nifti::new([5, 4, 2, 6]).write(folder.path(), "b.nii");
    voxstore!("tsnr", a, b, "-o", map).fails(1, &["a.nii", "(5, 4, 3)", "b.nii", "(5, 4, 2)"]);
    let moved = Nifti { zoom: 3.5, ..Nifti::new([5, 4, 3, 6]) }.write(folder.path(), "c.nii");
    voxstore!("tsnr", a, moved, "-o", map).fails(1, &["a.nii", "c.nii", "affine", "mm apart"]);
    assert!(!map.exists());
}

#[test]
fn one_volume_has_no_tsnr() {
    let folder = folder();
    let map = folder.path().join("map.nii");
    let run = Nifti::new([5, 4, 3, 1]).write(folder.path(), "one.nii");
    voxstore!("tsnr", run, "-o", map).fails(1, &["one.nii", "at least 2 volumes"]);
    let mut flat = Nifti::new([5, 4, 3, 1]);
    flat.dim[0] = 3;
    let run = flat.write(folder.path(), "flat.nii");
    voxstore!("tsnr", run, "-o", map).fails(1, &["flat.nii", "at least 2 volumes"]);
    assert!(!map.exists());
}

#[test]
fn a_missing_file_is_named() {
    let folder = folder();
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", folder.path().join("nope.nii"), "-o", map)
        .fails(1, &["nope.nii", "no such file"]);
    voxstore!("tsnr", folder.path().join("*.nii.gz"), "-o", map).fails(1, &["*.nii.gz"]);
}

#[test]
fn a_run_that_is_there_plain_and_compressed_is_not_joined_twice() {
    let folder = folder();
    let runs = folder.path().join("runs");
    fs::create_dir(&runs).unwrap();
    plain("nibabel/functional.nii", &runs);
    compressed("nibabel/functional.nii", &runs);
    let map = folder.path().join("t.nii");
    let said = ["functional.nii and ", "functional.nii.gz would be joined as two runs", "*.nii.gz"];
    voxstore!("tsnr", runs, "-o", map).fails(1, &said);
    // Who names both means both.
    voxstore!("tsnr", runs.join("functional.nii"), runs.join("functional.nii.gz"), "-o", map)
        .succeeds();
}

#[test]
fn a_map_into_a_folder_that_is_not_there_is_refused() {
    let folder = folder();
    let map = folder.path().join("no/such/map.nii");
    voxstore!("tsnr", fixture(FMRI1), "-o", map).fails(1, &["map.nii"]);
    // Before any voxel is read: these are damaged.
    let whole = fs::read(fixture(FMRI1)).unwrap();
    let bad = super::files::write(folder.path(), "bad.nii.gz", &super::files::flipped(&whole));
    let answer = voxstore!("tsnr", bad, "-o", map).fails(1, &["map.nii", "there is no folder"]);
    assert!(!answer.stderr.contains("damaged"), "{answer:?}");
}

/// A store of two subjects, two runs each.
fn study(folder: &Path) -> std::path::PathBuf {
    let runs: Vec<_> = [(1, 1), (1, 2), (2, 1), (2, 2)]
        .map(|(subject, run)| {
            let name = format!("sub-{subject:02}_task-rest_run-{run}_bold.nii.gz");
            Nifti { seed: 10 * subject + run, ..Nifti::new([5, 4, 3, 6]) }.write(folder, &name)
        })
        .into();
    store_of(&runs, folder)
}

#[test]
fn several_subjects_are_not_joined_unasked() {
    let folder = folder();
    let store = study(folder.path());
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", store, "-o", map)
        .fails(1, &["4 runs of 2 subjects or sessions", "sub-01", "sub-02", "--run"]);
    assert!(!map.exists());
    voxstore!("tsnr", folder.path().join("sub-*.nii.gz"), "-o", map)
        .fails(1, &["2 subjects or sessions"]);
}

#[test]
fn run_patterns_choose_among_stored_runs() {
    let folder = folder();
    let store = study(folder.path());
    let map = folder.path().join("map.nii");
    let names = |args: &[&str]| -> Vec<String> {
        let mut all: Vec<std::ffi::OsString> = vec!["tsnr".into(), store.clone().into()];
        all.extend(args.iter().flat_map(|glob| ["--run".into(), glob.into()]));
        all.extend(["-o".into(), map.clone().into(), "--force".into(), "--json".into()]);
        let json = super::common::run(all).succeeds().json();
        let inputs = json["record"]["inputs"].as_array().unwrap().clone();
        inputs.iter().map(|i| i["file_name"].as_str().unwrap().to_owned()).collect()
    };
    let file = |s: u8, r: u8| format!("sub-{s:02}_task-rest_run-{r}_bold.nii.gz");
    assert_eq!(names(&["sub-01/**"]), [file(1, 1), file(1, 2)]);
    assert_eq!(names(&["sub-02*run-1*"]), [file(2, 1)]);
    // The order is that of the store, whatever the order of the patterns.
    assert_eq!(names(&["*sub-02*run-2*", "*sub-02*run-1*"]), [file(2, 1), file(2, 2)]);
    assert_eq!(names(&["*run-2*"]), [file(1, 2), file(2, 2)]);

    voxstore!("tsnr", store, "--run", "sub-09*", "-o", map, "--force")
        .fails(1, &["sub-09*", "sub-01_task-rest_run-1_bold"]);
    let file = folder.path().join("sub-01_task-rest_run-1_bold.nii.gz");
    voxstore!("tsnr", file, "--run", "x", "-o", map, "--force").fails(1, &["--run", "store"]);
}

#[test]
fn runs_of_a_folder_are_joined_in_natural_order() {
    let folder = folder();
    for run in [10, 2, 1] {
        Nifti { seed: run, ..Nifti::new([5, 4, 3, 6]) }
            .write(folder.path(), &format!("data/sub-01_run-{run}_bold.nii.gz"));
    }
    let map = folder.path().join("map.nii");
    voxstore!("tsnr", folder.path().join("data"), "-o", map).succeeds().shows(&[
        "run-1_bold",
        "run-2_bold",
        "run-10_bold",
    ]);
}

#[test]
fn a_damaged_run_leaves_no_map() {
    let folder = folder();
    let whole = fs::read(fixture(FMRI2)).unwrap();
    let bad = super::files::write(folder.path(), "bad.nii.gz", &super::files::flipped(&whole));
    voxstore!("tsnr", fixture(FMRI1), bad, "-o", folder.path().join("map.nii"))
        .fails(1, &["bad.nii.gz", "damaged"]);
    assert_eq!(names(folder.path()), ["bad.nii.gz"]);
}

#[test]
fn each_run_can_have_a_map_of_its_own() {
    let folder = folder();
    let map = folder.path().join("t.nii.gz");
    let of = |run: &str, name: &str| {
        let alone = folder.path().join(name);
        voxstore!("tsnr", fixture(run), "-o", alone).succeeds();
        map_values(&alone)
    };
    let alone = [of(FMRI1, "one.nii"), of(FMRI2, "two.nii")];
    let args = [fixture(FMRI1), fixture(FMRI2)];
    voxstore!("tsnr", args[0], args[1], "-o", map, "--across", "per-run").succeeds().shows(&[
        "fmri1.nii.gz",
        "31.91",
        "joined",
        "12.54",
        "t_run-1.nii.gz",
        "t_run-2.nii.gz",
    ]);
    for (number, alone) in (1..).zip(&alone) {
        let path = folder.path().join(format!("t_run-{number}.nii.gz"));
        assert_eq!(&map_values(&path), alone);
    }
    assert!(!map.exists());
    let record = record(&folder.path().join("t.json"));
    assert_eq!(record["definition"]["across_runs"], "per_run");
    let big = Nifti::new([128, 128, 64, 3]).write(folder.path(), "big.nii");
    let small = folder.path().join("small.nii");
    voxstore!("tsnr", big, "-o", small, "--across", "per-run", "--memory", "40MiB")
        .fails(1, &["--memory", "one run at a time"]);
    voxstore!("tsnr", args[0], args[1], "-o", map, "--across", "per-run")
        .fails(1, &["t.json", "--force"]);
    fs::remove_file(folder.path().join("t.json")).unwrap();
    voxstore!("tsnr", args[0], args[1], "-o", map, "--across", "per-run")
        .fails(1, &["t_run-1.nii.gz", "--force"]);
}

#[test]
fn the_table_shows_what_the_map_is_and_what_lies_between_runs() {
    let folder = folder();
    let map = folder.path().join("t.nii");
    let args = [fixture(FMRI1), fixture(FMRI2)];
    let answer = voxstore!("tsnr", args[0], args[1], "-o", map, "--across", "pooled")
        .succeeds()
        .shows(&["pooled (within runs) (the map)", "32.73", "joined", "12.54"])
        .shows(&["between runs: variance of the runs' means", " % of that of the joined series"]);
    assert!(!answer.stderr.contains("80 %"), "{answer:?}");
    voxstore!("tsnr", args[0], args[1], "-o", map, "--across", "mean", "--force")
        .succeeds()
        .shows(&["joined", "12.54", "mean of runs (the map)"]);
    let alone = voxstore!("tsnr", args[0], "-o", map, "--force").succeeds();
    assert!(!alone.stdout.contains("between runs"), "{alone:?}");
}

/// A run of ten volumes.
fn ten(folder: &Path, name: &str) -> std::path::PathBuf {
    Nifti::new([5, 4, 3, 10]).write(folder, name)
}

#[test]
fn censor_files_of_both_forms_leave_out_the_same_volumes() {
    let folder = folder();
    let run = ten(folder.path(), "run.nii");
    let map = folder.path().join("t.nii");
    let write = |name: &str, text: &str| super::files::write(folder.path(), name, text.as_bytes());
    let series = write("censor.1D", "# kept: 1\n0\n1\n1\n1\n0\n1\n1\n\n1\n1\n1 # last\n");
    let mark = |at: usize, t: usize| if t == at { "1.0" } else { "0.0" };
    let row = |t: usize| format!("n/a\t{}\t{}\t1\n", mark(4, t), mark(0, t));
    let rows: String = (0..10).map(row).collect();
    let head = "global_signal\tmotion_outlier00\tnon_steady_state_outlier00\tmotion\n";
    let table = write("confounds.tsv", &format!("{head}{rows}"));
    let mut maps = Vec::new();
    for file in [&series, &table] {
        voxstore!("tsnr", run, "-o", map, "--force", "--censor", file)
            .succeeds()
            .shows(&["volumes", "censored", "run.nii", "10", "2"]);
        let record = record(&folder.path().join("t.json"));
        assert_eq!(record["inputs"][0]["censored_volumes"], json!([0, 4]));
        assert_eq!(record["inputs"][0]["volumes_counted"], 8);
        maps.push(map_values(&map));
    }
    assert_eq!(maps[0], maps[1]);
    voxstore!("tsnr", run, "-o", map, "--force").succeeds();
    assert_ne!(map_values(&map), maps[0]);
    voxstore!("explain", "tsnr", run, "--censor", series).succeeds().shows(&["pass"]);
}

#[test]
fn a_censor_file_that_is_not_of_its_run_says_so() {
    let folder = folder();
    let (run, other) = (ten(folder.path(), "run.nii"), ten(folder.path(), "other.nii"));
    let map = folder.path().join("t.nii");
    let write = |name: &str, text: &str| super::files::write(folder.path(), name, text.as_bytes());
    let with = |file: &Path| voxstore!("tsnr", run, "-o", map, "--censor", file);
    with(&write("short.1D", "1\n0\n1\n")).fails(1, &["short.1D: 3 volumes", "run.nii has 10"]);
    with(&write("two.1D", "1\n0 1\n")).fails(1, &["two.1D: line 2", "0 1", "expected 0"]);
    with(&write("a.tsv", "motion_outlier00\n0\nn/a\n"))
        .fails(1, &["a.tsv: line 3", "motion_outlier00", "n/a"]);
    with(&write("b.tsv", "x\tmotion_outlier00\n0\n")).fails(1, &["line 2 has 1 cells, expected 2"]);
    with(&write("c.tsv", "")).fails(1, &["c.tsv: is empty"]);
    with(&write("long.1D", &"1\n".repeat(11)))
        .fails(1, &["long.1D: more than 10", "run.nii has 10"]);
    with(&write("line.1D", &"1".repeat(2 << 20))).fails(1, &["line.1D: line 1", "is not text"]);
    with(&folder.path().join("no.1D")).fails(1, &["no.1D", "cannot be opened"]);
    with(&write("all.1D", &"0\n".repeat(10))).fails(1, &["0 of its 10 volumes", "at least 2"]);
    let whole = write("whole.1D", &"1\n".repeat(10));
    voxstore!("tsnr", run, other, "-o", map, "--censor", whole)
        .fails(2, &["1 --censor file(s) for 2 run(s)", "run.nii", "other.nii"]);
    assert!(!map.exists());
    // fMRIPrep writes no such column where it finds no outlier.
    let none = write("none.tsv", &format!("global_signal\n{}", "1.5\n".repeat(10)));
    let answer = with(&none).succeeds();
    assert!(answer.stderr.contains("no volume of it is left out"), "{answer:?}");
}

#[test]
fn a_mask_of_another_grid_or_of_several_volumes_is_refused() {
    let folder = folder();
    let run = ten(folder.path(), "run.nii");
    let map = folder.path().join("t.nii");
    let small = Nifti::new([5, 4, 2, 1]).write(folder.path(), "small.nii");
    voxstore!("tsnr", run, "-o", map, "--mask", small).fails(1, &["grids", "small.nii"]);
    voxstore!("tsnr", run, "-o", map, "--mask", run).fails(1, &["run.nii", "10 volumes"]);
    voxstore!("explain", "tsnr", run, "--mask", small).fails(1, &["grids", "small.nii"]);
    let mut file = Nifti::new([5, 4, 3, 1]).of_type(2, 1).header();
    file.extend((0..60).map(|at| u8::from(at < 20)));
    let mask = super::files::write(folder.path(), "mask.nii", &file);
    voxstore!("tsnr", run, "-o", map, "--mask", mask)
        .succeeds()
        .shows(&["medians over 20 voxels: in mask.nii"]);
    let values = map_values(&map);
    assert!(values[..20].iter().all(|v| *v > 0.0) && values[20..].iter().all(|v| *v == 0.0));
    assert_eq!(record(&folder.path().join("t.json"))["definition"]["mask"]["run"], "mask.nii");
}

#[test]
fn a_definition_of_another_tool_is_named_and_not_contradicted() {
    let folder = folder();
    let run = ten(folder.path(), "run.nii");
    let map = folder.path().join("t.nii");
    voxstore!("tsnr", run, "-o", map, "--like", "fsl", "--ddof", "1").succeeds();
    let header = NiftiHeader::from_file(&map).unwrap();
    assert!(String::from_utf8_lossy(&header.descrip).contains("tsnr ddof1 like fsl"));
    let like_fsl = map_values(&map);
    voxstore!("tsnr", run, "-o", map, "--ddof", "1", "--force").succeeds();
    assert_eq!(map_values(&map), like_fsl);
    let other = folder.path().join("o.nii");
    for (option, value) in [("--ddof", "0"), ("--ddof", "model"), ("--constant", "nan")] {
        voxstore!("tsnr", run, "-o", other, "--like", "fsl", option, value)
            .fails(1, &[&option[2..], "like fsl"]);
    }
    voxstore!("tsnr", run, "-o", other, "--like", "mriqc").fails(1, &["mriqc", "mask"]);
    voxstore!("tsnr", run, "-o", other, "--like", "spm").fails(2, &["spm", "afni-cvarinv"]);
    voxstore!("explain", "tsnr", run, "--like", "afni-cvarinv").succeeds();
    assert!(!other.exists());
}

#[test]
fn trends_and_dummy_volumes_are_options_that_the_record_repeats() {
    let folder = folder();
    let run = ten(folder.path(), "run.nii");
    let map = folder.path().join("t.nii");
    let options = ["--detrend", "2", "--ddof", "model", "--dummy-scans", "1", "--nan", "zero"];
    let mut args: Vec<std::ffi::OsString> = vec!["tsnr".into(), run.clone().into()];
    args.extend(options.iter().map(Into::into));
    args.extend(["-o".into(), map.clone().into()]);
    super::common::run(args)
        .succeeds()
        .shows(&["dummies", "run.nii", "10", "1"])
        .shows(&["1 scan"]);
    let definition = &record(&folder.path().join("t.json"))["definition"];
    assert_eq!((&definition["ddof"], &definition["detrend_order"]), (&json!("model"), &json!(2)));
    assert_eq!(definition["non_finite_samples"], "zero");
    voxstore!("tsnr", run, "-o", map, "--force", "--dummy-scans", "auto")
        .succeeds()
        .shows(&["2 scans"]);
    voxstore!("explain", "tsnr", run, "--dummy-scans", "auto")
        .succeeds()
        .shows(&["first 50 volumes of each run"]);
    voxstore!("tsnr", run, "-o", map, "--detrend", "6").fails(2, &["6", "0..=5"]);
    voxstore!("tsnr", run, "-o", map, "--force", "--detrend", "1", "--nan", "skip")
        .fails(1, &["cannot be skipped"]);
}
