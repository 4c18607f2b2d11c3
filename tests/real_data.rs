//! Real runs of many origins, where they are at hand: `../shared/data`, or the folder that
//! `VOXSTORE_SHARED_DATA` names. Where they are not, each test says so and passes.
//!
//! What the files hold is in `MANIFEST.tsv` beside them, made with nibabel and numpy. The maps that
//! are computed here are left in `VOXSTORE_MAPS` (default: `real_data_maps` in Cargo's folder for
//! test files) for `tests/interop/check_maps.py`, which knows every voxel.
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, Axis, concatenate as join_arrays};
use serde_json::json;
use voxstore::jobs::{Like, TsnrOptions, tsnr};
use voxstore::nifti::{self, Io};
use voxstore::store::{self, IngestOptions, Outcome, ingest};
use voxstore::{LazyArray, Run, Session, concatenate};

use real::data;

#[path = "files/real.rs"]
mod real;

/// A line of the manifest, by column.
type Facts = BTreeMap<String, String>;

/// The lines of the manifest below a folder, as path and facts.
fn manifest(data: &Path, below: &str) -> Vec<(String, Facts)> {
    let text = fs::read_to_string(data.join("MANIFEST.tsv")).unwrap();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let facts = lines.map(|line| -> Facts {
        let cells = line.split('\t').map(str::to_owned);
        head.iter().map(|&name| name.to_owned()).zip(cells).collect()
    });
    let found: Vec<_> = facts
        .map(|facts| (facts["path"].clone(), facts))
        .filter(|(path, _)| path.starts_with(below))
        .collect();
    assert!(!found.is_empty(), "the manifest has nothing below {below}");
    found
}

fn number(facts: &Facts, column: &str) -> Option<f64> {
    facts.get(column)?.parse().ok()
}

/// The sets that the data's README joins along time: their files, and tSNR min, median, max, mean.
const JOINED: [(&str, &[&str], [f64; 4]); 3] = [
    (
        "haxby2001_1slice",
        &[
            "bold/haxby2001_1slice/task001_run001_bold_1slice.nii.gz",
            "bold/haxby2001_1slice/task001_run002_bold_1slice.nii.gz",
            "bold/haxby2001_1slice/task001_run003_bold_1slice.nii.gz",
            "bold/haxby2001_1slice/task001_run004_bold_1slice.nii.gz",
            "bold/haxby2001_1slice/task001_run005_bold_1slice.nii.gz",
        ],
        [1.964_833_964, 58.449_178_95, 144.465_914, 59.178_119_38],
    ),
    (
        "haxby2001_25mm",
        &[
            "bold/haxby2001_25mm/task001_run001_bold_25mm.nii.gz",
            "bold/haxby2001_25mm/task001_run002_bold_25mm.nii.gz",
            "bold/haxby2001_25mm/task001_run003_bold_25mm.nii.gz",
            "bold/haxby2001_25mm/task001_run004_bold_25mm.nii.gz",
            "bold/haxby2001_25mm/task001_run005_bold_25mm.nii.gz",
        ],
        [1.998_683_773, 7.128_080_932, 257.981_010_5, 20.037_534_76],
    ),
    (
        "ge_epi_4runs",
        &[
            "bold/ge_epi_4runs/DCM2NIIX_regression_test_4.nii",
            "bold/ge_epi_4runs/DCM2NIIX_regression_test_5.nii",
            "bold/ge_epi_4runs/DCM2NIIX_regression_test_6.nii",
            "bold/ge_epi_4runs/DCM2NIIX_regression_test_7.nii",
        ],
        [0.160_128_153_8, 3.951_576_496, 36.474_642_26, 4.573_448_862],
    ),
];

/// Mean, std and tSNR of a series, x fastest.
struct Maps {
    mean: Vec<f64>,
    std: Vec<f64>,
    tsnr: Vec<f64>,
}

impl Maps {
    fn of(series: &LazyArray, session: &Session) -> Self {
        // Statistics of float32 would be float32.
        let series = if series.dtype().is_float() { series.to_f64() } else { series.clone() };
        let (mean, std) = (series.mean(-1), series.std(-1));
        let tsnr = &mean / &std;
        let done = session.compute_all::<f64>(&[&mean, &std, &tsnr]).unwrap();
        assert_eq!(done.report.scans, 1);
        let mut arrays = done.arrays.into_iter();
        let mut next = || -> Vec<f64> {
            let array: ArrayD<f64> = arrays.next().unwrap();
            array.reversed_axes().iter().copied().collect()
        };
        Self { mean: next(), std: next(), tsnr: next() }
    }

    /// tSNR where std is finite and above 0, sorted; and the same above a fifth of the largest mean.
    fn figures(&self) -> (Vec<f64>, Vec<f64>) {
        let valid = |v: &usize| self.std[*v].is_finite() && self.std[*v] > 0.0;
        let voxels: Vec<usize> = (0..self.std.len()).filter(valid).collect();
        let largest = voxels.iter().map(|&v| self.mean[v]).fold(f64::MIN, f64::max);
        let sorted = |voxels: &mut dyn Iterator<Item = usize>| {
            let mut values: Vec<f64> = voxels.map(|v| self.tsnr[v]).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let mut brain = voxels.iter().copied().filter(|&v| self.mean[v] > 0.2 * largest);
        (sorted(&mut voxels.iter().copied()), sorted(&mut brain))
    }

    /// Leaves the maps for `tests/interop/check_maps.py`.
    fn dump(&self, folder: &Path, name: &str) {
        for (kind, values) in [("mean", &self.mean), ("std", &self.std), ("tsnr", &self.tsnr)] {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            fs::write(folder.join(format!("{name}.{kind}.f64")), bytes).unwrap();
        }
    }
}

fn median(sorted: &[f64]) -> f64 {
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    f64::midpoint(low, high)
}

/// Agreement of figures that were printed with `digits` digits.
#[track_caller]
fn near(what: &str, found: f64, expected: f64, relative: f64) {
    let error = (found / expected - 1.0).abs();
    assert!(error <= relative, "{what}: expected {expected}, found {found}");
}

fn open(path: &Path) -> LazyArray {
    nifti::open(path).unwrap().lazy()
}

/// Where maps are left, empty at the start.
fn maps_folder() -> PathBuf {
    let default = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_data_maps");
    let folder = std::env::var_os("VOXSTORE_MAPS").map_or(default, PathBuf::from);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn figures_of_real_runs_alone_and_joined_are_those_of_numpy() {
    let Some(data) = data("figures_of_real_runs_alone_and_joined_are_those_of_numpy") else {
        return;
    };
    let (folder, session) = (maps_folder(), Session::default());
    let mut series = Vec::new();
    for (path, facts) in manifest(&data, "bold/") {
        let Some(expected) = number(&facts, "tsnr_median") else { continue };
        let maps = Maps::of(&open(&data.join(&path)), &session);
        let (all, brain) = maps.figures();
        assert_eq!(
            all.len() as f64,
            number(&facts, "tsnr_voxels").unwrap() - number(&facts, "tsnr_std0_voxels").unwrap(),
            "{path}"
        );
        near(&format!("{path}: median"), median(&all), expected, 1e-11);
        let figure = |column| number(&facts, column).unwrap();
        near(&format!("{path}: min"), all[0], figure("tsnr_min"), 1e-9);
        near(&format!("{path}: max"), all[all.len() - 1], figure("tsnr_max"), 1e-9);
        near(&format!("{path}: brain"), median(&brain), figure("brain_tsnr_median"), 1e-11);
        assert_eq!(brain.len() as f64, figure("brain_voxels"), "{path}");

        let name = path.split(".nii").next().unwrap().replace('/', "__");
        maps.dump(&folder, &name);
        series.push(json!({"name": name, "inputs": [data.join(&path)]}));
    }
    assert!(series.len() >= 20, "expected the runs of bold/, found {}", series.len());
    for (name, files, [min, middle, max, mean]) in JOINED {
        let runs: Vec<LazyArray> = files.iter().map(|file| open(&data.join(file))).collect();
        let maps = Maps::of(&concatenate(&runs, -1), &session);
        let (all, _) = maps.figures();
        near(&format!("{name}: min"), all[0], min, 1e-8);
        near(&format!("{name}: median"), median(&all), middle, 1e-8);
        near(&format!("{name}: max"), all[all.len() - 1], max, 1e-8);
        near(&format!("{name}: mean"), all.iter().sum::<f64>() / all.len() as f64, mean, 1e-8);
        maps.dump(&folder, &format!("{name}__joined"));
        let inputs: Vec<PathBuf> = files.iter().map(|file| data.join(file)).collect();
        series.push(json!({"name": format!("{name}__joined"), "inputs": inputs}));
    }
    fs::write(folder.join("maps.json"), serde_json::to_vec_pretty(&series).unwrap()).unwrap();
}

#[test]
fn the_map_that_another_tool_computed_is_ours() {
    let Some(data) = data("the_map_that_another_tool_computed_is_ours") else { return };
    // By Spinal Cord Toolbox; NaN where the series is constant, which newer versions replace by 0.
    let theirs = Session::default()
        .compute::<f64>(&open(&data.join("bold/sct/fmri_tsnr.nii.gz")).to_f64())
        .unwrap();
    let run = nifti::open(data.join("bold/sct/fmri.nii.gz")).unwrap();
    let options = TsnrOptions::like(Like::Sct);
    let ours = tsnr(&[run], options, &Session::default()).unwrap();
    let mut constant = 0;
    for (&theirs, &ours) in theirs.iter().zip(&ours.map) {
        if theirs.is_nan() {
            constant += 1;
            assert_eq!(ours, 0.0);
        } else {
            near("voxel", ours, theirs, 1e-6);
        }
    }
    assert_eq!(constant, 408);
}

/// The inflated bytes of a file, written as plain NIfTI into `folder`.
fn plain(file: &Path, folder: &Path) -> PathBuf {
    let bytes = fs::read(file).unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    let path = folder.join(format!("{}.nii", name.split(".nii").next().unwrap()));
    let mut out = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out).unwrap();
    } else {
        out = bytes;
    }
    fs::write(&path, out).unwrap();
    path
}

#[test]
fn bits_of_real_maps_do_not_depend_on_source_threads_or_budget() {
    let Some(data) = data("bits_of_real_maps_do_not_depend_on_source_threads_or_budget") else {
        return;
    };
    let few: [&[&str]; 5] = [
        JOINED[1].1,
        JOINED[2].1,
        &["bold/sct/fmri_r.nii.gz"],
        &["bold/fsl_feeds/filtered_func_data.nii.gz"],
        &["bold/tedana_multiecho/echo1.nii.gz"],
    ];
    for files in few {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = files.iter().map(|file| data.join(file)).collect();
        let plain: Vec<PathBuf> = files.iter().map(|f| plain(f, folder.path())).collect();
        let opened: Vec<Run> = files.iter().map(|f| nifti::open(f).unwrap()).collect();
        let path = folder.path().join("study.zarr");
        let report =
            ingest(&opened, &path, &IngestOptions::default(), &Session::default()).unwrap();
        assert!(report.runs.iter().all(|run| matches!(run.result, Outcome::Written(_))));
        let stored = store::open(&path).unwrap();
        let stored: Vec<Run> = stored.runs().iter().map(|name| stored.run(name).unwrap()).collect();
        let by = |io| -> Vec<Run> {
            let open = |f| nifti::open_with(f, io).unwrap();
            plain.iter().map(open).collect()
        };
        let mut first: Option<Vec<u64>> = None;
        for runs in [&opened, &stored, &by(Io::Map), &by(Io::Read)] {
            for threads in [1, 2, 8] {
                for memory in ["64MiB", "128MiB", "512MiB"] {
                    let session =
                        Session::builder().threads(threads).memory(memory).build().unwrap();
                    let done = tsnr(runs, TsnrOptions::default(), &session).unwrap();
                    let bits: Vec<u64> = done.map.iter().map(|v| v.to_bits()).collect();
                    let first = first.get_or_insert_with(|| bits.clone());
                    assert!(*first == bits, "{files:?}, {threads} threads, {memory}");
                }
            }
        }
    }
}

#[test]
fn every_real_file_that_is_read_comes_back_from_a_store_byte_for_byte() {
    let name = "every_real_file_that_is_read_comes_back_from_a_store_byte_for_byte";
    let Some(data) = data(name) else { return };
    let files = walkdir::WalkDir::new(&data).sort_by_file_name().into_iter();
    let files = files.map(|entry| entry.unwrap().into_path()).filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().to_ascii_lowercase();
        [".nii", ".nii.gz"].iter().any(|end| name.ends_with(end))
    });
    let session = Session::default();
    let mut came_back = 0;
    for file in files {
        // What is refused, and what is damaged, is another test's matter.
        let Ok(run) = nifti::open(&file) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.zarr");
        let runs = [run];
        let report = ingest(&runs, &path, &IngestOptions::default(), &session).unwrap();
        if matches!(report.runs[0].result, Outcome::Failed(_)) {
            continue;
        }
        let stored = store::open(&path).unwrap();
        let name = stored.runs()[0].clone();
        let back = folder.path().join("back.nii");
        nifti::export(&stored.run(&name).unwrap(), &back, false, &session).unwrap();
        let (found, source) = (fs::read(&back).unwrap(), fs::read(&file).unwrap());
        let source = if source.starts_with(&[0x1f, 0x8b]) { inflated(&source) } else { source };
        // Bytes after the last voxel are not kept.
        assert!(source.starts_with(&found), "{}", file.display());
        let shape: u64 = runs[0].shape().iter().product();
        let voxel_bytes = shape * runs[0].source().dtype().size() as u64;
        assert_eq!(found.len() as u64, runs[0].info().header.len() as u64 + voxel_bytes);
        // And what is told of it follows from its header, however odd that is.
        assert_eq!(stored.verify(&name, false, &session).unwrap().damage, []);
        assert!(stored.verify_against(&name, &runs[0], &session).unwrap().is_same());
        came_back += 1;
    }
    assert!(came_back > 40, "{came_back} files came back");
}

/// The inflated bytes of a file that was read without fault; what follows its last member may be no gzip.
fn inflated(gzip: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = flate2::read::MultiGzDecoder::new(gzip).read_to_end(&mut bytes);
    bytes
}

#[test]
fn a_store_of_real_runs_is_smaller_than_their_gzip_files() {
    let Some(data) = data("a_store_of_real_runs_is_smaller_than_their_gzip_files") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut gzip_bytes, mut stored_bytes, mut codecs) = (0, 0, BTreeMap::new());
    for (at, (path, facts)) in
        ["bold/", "ds000114/"].iter().flat_map(|below| manifest(&data, below)).enumerate()
    {
        if !path.ends_with(".nii.gz") || readable(&path, &facts).is_none() {
            continue;
        }
        let run = nifti::open(data.join(&path)).unwrap();
        let (source, name) = (run.info().origin.file_bytes, run.name().to_owned());
        let store = folder.path().join(format!("{at}.zarr"));
        ingest(&[run], &store, &IngestOptions::default(), &Session::default()).unwrap();
        let opened = store::open(&store).unwrap();
        let facts = opened.facts(&opened.runs()[0]).unwrap();
        // Metadata are some 10 KB a run, which only tiny runs notice.
        assert!(facts.stored_bytes <= source, "{name}: {} of {source}", facts.stored_bytes);
        gzip_bytes += source;
        stored_bytes += facts.stored_bytes;
        *codecs.entry(facts.codec.name()).or_insert(0) += 1;
    }
    assert!(stored_bytes * 10 < gzip_bytes * 9, "{stored_bytes} of {gzip_bytes}");
    assert!(codecs.len() == 2, "{codecs:?}");
}

/// Lengths of `(x, y, z, t)` where a shape is that of a run: 3 or 4 axes, then only ones.
fn run_shape(text: &str) -> Option<Vec<u64>> {
    let mut shape: Vec<u64> = text.split('x').map(|n| n.parse().ok()).collect::<Option<_>>()?;
    if shape.len() < 3 {
        return None;
    }
    while shape.len() > 4 && shape.last() == Some(&1) {
        shape.pop();
    }
    shape.resize(shape.len().max(4), 1);
    (shape.len() == 4).then_some(shape)
}

/// Whether a file of the manifest is one that is read here, and its shape then.
fn readable(path: &str, facts: &Facts) -> Option<Vec<u64>> {
    let types = [
        "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32",
        "float64",
    ];
    let formats = ["NIfTI-1", "NIfTI-2", "NIfTI-1 pair", "NIfTI-2 pair"];
    let known = formats.contains(&facts["format"].as_str());
    // Cut short, and a header whose image is not there.
    let bad = ["_truncated.nii", "avg152T1_LR_nifti.hdr.gz"].iter().any(|end| path.ends_with(end));
    (known && !bad && types.contains(&facts["dtype"].as_str()))
        .then(|| run_shape(&facts["shape"]))
        .flatten()
}

#[test]
fn odd_files_open_with_the_right_facts_or_are_refused() {
    let Some(data) = data("odd_files_open_with_the_right_facts_or_are_refused") else { return };
    let (mut opened, mut refused) = (0, 0);
    for (path, facts) in
        ["odd/", "reencoded/", "bold/", "ds000114/"].iter().flat_map(|below| manifest(&data, below))
    {
        if Path::new(path.trim_end_matches(".gz")).extension().is_some_and(|end| end == "img") {
            // Its header has a line of its own.
            let [header, image] = &nifti::files_of(data.join(&path))[..] else { panic!("{path}") };
            let [header, image] = [header, image].map(|file| nifti::open(file).ok());
            assert_eq!(header.map(|run| run.info().clone()), image.map(|run| run.info().clone()));
            continue;
        }
        let expected = readable(&path, &facts);
        match (nifti::open(data.join(&path)), expected) {
            (Ok(run), Some(shape)) => {
                opened += 1;
                assert_eq!(run.shape(), shape, "{path}");
                assert_eq!(run.source().dtype().name(), facts["dtype"], "{path}");
                assert_eq!(run.info().origin.big_endian, facts["endian"] == "BE", "{path}");
                let same = |found: f64, column: &str| {
                    let expected = number(&facts, column).unwrap();
                    assert!(
                        (found - expected).abs() <= 1e-8 * expected.abs(),
                        "{path}: {column} is {expected}, found {found}"
                    );
                };
                let scaling = run.info().scaling;
                same(scaling.header_slope, "scl_slope");
                same(scaling.header_inter, "scl_inter");
                let is_pair = run.info().origin.image_name.is_some();
                let column = if is_pair { "uncompressed_bytes" } else { "vox_offset" };
                same(run.info().header.len() as f64, column);
                if scaling.header_slope == 0.0 {
                    assert!(scaling.is_identity(), "{path}");
                }
            }
            (Err(error), None) => {
                refused += 1;
                let file = path.rsplit('/').next().unwrap();
                assert!(error.to_string().contains(file), "{path}: {error}");
            }
            (Ok(run), None) => panic!("{path} is to be refused, and opened as {run:?}"),
            (Err(error), Some(_)) => panic!("{path} is to be read, and was refused: {error}"),
        }
    }
    assert!(opened > 60 && refused > 20, "{opened} opened, {refused} refused");
}

#[test]
fn odd_runs_have_the_right_tsnr_or_are_found_to_be_damaged() {
    let Some(data) = data("odd_runs_have_the_right_tsnr_or_are_found_to_be_damaged") else {
        return;
    };
    let session = Session::default();
    let mut damaged = Vec::new();
    for (path, facts) in ["odd/", "reencoded/"].iter().flat_map(|below| manifest(&data, below)) {
        if readable(&path, &facts).is_none_or(|shape| shape[3] < 2) {
            continue;
        }
        let run = nifti::open(data.join(&path)).unwrap();
        let done = tsnr(&[run], TsnrOptions::default(), &session);
        if ["_badcrc", "_corrupt", "_truncated"].iter().any(|end| path.contains(end)) {
            let error = done.expect_err(&path).to_string();
            assert!(error.contains("damaged") || error.contains("cut short"), "{path}: {error}");
            damaged.push(path);
            continue;
        }
        done.unwrap_or_else(|error| panic!("{path}: {error}"));
        let Some(expected) = number(&facts, "tsnr_median") else { continue };
        let (all, brain) = Maps::of(&open(&data.join(&path)), &session).figures();
        near(&format!("{path}: median"), median(&all), expected, 1e-9);
        let figure = |column| number(&facts, column).unwrap();
        near(&format!("{path}: min"), all[0], figure("tsnr_min"), 1e-7);
        near(&format!("{path}: max"), all[all.len() - 1], figure("tsnr_max"), 1e-7);
        near(&format!("{path}: brain"), median(&brain), figure("brain_tsnr_median"), 1e-9);
    }
    assert_eq!(damaged.len(), 3, "{damaged:?}");
}

#[test]
fn values_stored_in_another_way_are_the_same_values() {
    let Some(data) = data("values_stored_in_another_way_are_the_same_values") else { return };
    let source = open(&data.join(JOINED[1].1[0]));
    let whole = Session::default().compute::<f64>(&source.to_f64()).unwrap();
    let mut same = 0;
    for (path, facts) in manifest(&data, "reencoded/") {
        let other = ["_scaled", "_nan_inf", "_badcrc", "_corrupt", "_truncated"];
        if readable(&path, &facts).is_none() || other.iter().any(|end| path.contains(end)) {
            continue;
        }
        let values = Session::default().compute::<f64>(&open(&data.join(&path)).to_f64()).unwrap();
        assert!(values == whole, "{path}");
        same += 1;
    }
    assert!(same >= 9, "{same}");
    let twice = concatenate(&[source.clone(), source], -1);
    let twice = Session::default().compute::<f64>(&twice.to_f64()).unwrap();
    assert!(twice == join_arrays![Axis(3), whole, whole]);
}
