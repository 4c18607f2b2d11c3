//! The promise of `docs/format.md`: a store of schema 1 stays readable by every later version.
//!
//! `fixtures/store-v1` was written once and is never written again. What must come out of it stands
//! beside it, computed by nibabel and numpy. If a test here fails, the code is wrong, not the store.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read is a failure")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::{self, IngestOptions, Store, StoreError};
use voxstore::{DType, Region, Run, Session, Source, nifti};
use walkdir::WalkDir;

fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store-v1")
}

fn opened() -> Store {
    store::open(frozen().join("store.zarr")).unwrap()
}

/// A list of `expected.json`.
fn expected(list: &str) -> Vec<Value> {
    let text = fs::read(frozen().join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    all[list].as_array().unwrap().clone()
}

/// The expected runs, each with what the store makes of it.
fn runs() -> Vec<(Value, Run)> {
    let store = opened();
    let run = |want: Value| {
        let run = store.run(want["path"].as_str().unwrap()).unwrap();
        (want, run)
    };
    expected("runs").into_iter().map(run).collect()
}

/// A number as `expected.json` has it.
fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some(other) => panic!("{other} is no number"),
        None => value.as_f64().unwrap(),
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(number).collect()
}

/// The bits of a float; those of NaN may differ.
fn bits(value: f64) -> Option<u64> {
    (!value.is_nan()).then_some(value.to_bits())
}

fn same(what: &str, found: &[f64], want: &[f64]) {
    assert_eq!(found.len(), want.len(), "{what}");
    for (at, (&found, &want)) in found.iter().zip(want).enumerate() {
        assert_eq!(bits(found), bits(want), "{what}: element {at}: {found} is not {want}");
    }
}

/// All elements of a source, unscaled; every type that is frozen fits into float64.
fn stored(source: &dyn Source) -> Vec<f64> {
    fn of<const N: usize>(bytes: &[u8], to: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.chunks_exact(N).map(|b| to(b.try_into().unwrap())).collect()
    }
    let whole = Region::whole(source.shape());
    let mut bytes = vec![0; whole.len() as usize * source.dtype().size()];
    source.read(&whole, &mut bytes).unwrap();
    match source.dtype() {
        DType::Bool | DType::U8 => of(&bytes, |[b]| f64::from(b)),
        DType::I16 => of(&bytes, |b| f64::from(i16::from_le_bytes(b))),
        DType::U16 => of(&bytes, |b| f64::from(u16::from_le_bytes(b))),
        DType::F32 => of(&bytes, |b| f64::from(f32::from_le_bytes(b))),
        other => panic!("{other} is not frozen"),
    }
}

#[test]
fn not_a_byte_of_the_frozen_store_was_changed() {
    let sums = fs::read_to_string(frozen().join("SHA256SUMS")).unwrap();
    let entries = WalkDir::new(frozen()).sort_by_file_name().into_iter();
    let files = entries.map(|entry| entry.unwrap().into_path()).filter(|path| path.is_file());
    let mut found: Vec<String> = files
        .filter(|path| !path.ends_with("SHA256SUMS"))
        .map(|path| {
            let digest = Sha256::digest(fs::read(&path).unwrap());
            let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            let hex = hex.concat();
            format!("{hex}  {}", path.strip_prefix(frozen()).unwrap().display())
        })
        .collect();
    let mut want: Vec<String> = sums.lines().map(str::to_owned).collect();
    found.sort();
    want.sort();
    assert_eq!(found, want, "fixtures/store-v1 is frozen: restore it from the history");
}

#[test]
fn every_voxel_is_what_nibabel_reads_from_the_sources() {
    let mut codecs = Vec::new();
    for (want, run) in runs() {
        let name = run.name().to_owned();
        same(&name, &stored(run.source().as_ref()), &numbers(&want["stored"]));
        if want["values"].is_array() {
            let values = run.lazy().to_f64().compute::<f64>().unwrap().reversed_axes();
            let values: Vec<f64> = values.iter().copied().collect();
            same(&name, &values, &numbers(&want["values"]));
        }
        codecs.push(opened().facts(&name).unwrap().codec.name());
        assert_eq!(want["codec"], *codecs.last().unwrap(), "{name}");
    }
    assert_eq!(codecs, ["blosc-zstd", "blosc-lz4", "zstd", "none"]);
}

#[test]
fn every_fact_is_what_nibabel_reads_from_the_sources() {
    for (want, run) in runs() {
        let (name, info) = (run.name(), run.info());
        assert_eq!(serde_json::json!(run.shape()), want["shape"], "{name}");
        assert_eq!(run.source().dtype().name(), want["dtype"], "{name}");
        assert_eq!(info.origin.file_name, *want["source"].as_str().unwrap());
        same(name, &[info.scaling.slope], &[number(&want["slope"])]);
        same(name, &[info.scaling.inter], &[number(&want["inter"])]);
        let near = |found: &[f64], want: &[f64], what: &str| {
            assert_eq!(found.len(), want.len(), "{name}: {what}");
            for (found, want) in found.iter().zip(want) {
                // nibabel rounds a qform on the way, and a TR in milliseconds is a product.
                assert!((found - want).abs() < 1e-6, "{name}: {what}: {found} is not {want}");
            }
        };
        let rows = want["affine"].as_array().unwrap().iter().flat_map(numbers);
        near(info.geometry.affine.as_flattened(), &rows.collect::<Vec<_>>(), "affine");
        near(&info.geometry.zooms_mm, &numbers(&want["zooms_mm"]), "zooms");
        let (found, want) = (info.timing.tr_seconds, want.get("tr_s").map(number));
        near(found.as_slice(), want.as_slice(), "TR");
    }
}

#[test]
fn sidecar_and_warnings_are_those_of_the_ingest() {
    let run = opened().run("sub-01_task-rest_bold").unwrap();
    let file = fs::read(frozen().join("sources/sub-01_task-rest_bold.json")).unwrap();
    assert_eq!(
        Value::from(run.info().sidecar.clone()),
        serde_json::from_slice::<Value>(&file).unwrap()
    );
    assert_eq!(run.info().timing.tr_source, "sidecar");
    assert_eq!(run.info().timing.echo_time_seconds, Some(0.03));
    let codes: Vec<&str> = run.info().warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["N70", "N76"]);
}

#[test]
fn it_is_listed_and_verified_whole() {
    let store = opened();
    assert!(!store.index_is_stale());
    assert_eq!(store.runs().len(), 4);
    let session = Session::default();
    for name in store.runs() {
        let found = store.verify(name, true, &session).unwrap();
        assert!(found.damage.is_empty(), "{found:?}");
        assert_eq!(found.chunks, store.facts(name).unwrap().chunks);
    }
}

#[test]
fn tsnr_is_that_of_numpy() {
    for (want, run) in runs().into_iter().filter(|(want, _)| want["tsnr"].is_array()) {
        let map = tsnr(&[run], TsnrOptions::default(), &Session::default()).unwrap().map;
        let found: Vec<f64> = map.reversed_axes().iter().copied().collect();
        let mut compared = 0;
        for (found, want) in found.iter().zip(numbers(&want["tsnr"])) {
            if want.is_nan() {
                assert!(found.is_nan(), "{found} is a number");
                continue;
            }
            // numpy divides by 0 where the job gives 0.
            let want = if want.is_infinite() { 0.0 } else { want };
            assert!((found - want).abs() <= 1e-10 * want.abs(), "{found} is not {want}");
            compared += 1;
        }
        assert!(compared >= found.len() - 1, "{compared} of {} voxels", found.len());
    }
}

#[test]
fn export_gives_the_sources_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for (want, run) in runs() {
        let source = frozen().join("sources").join(want["source"].as_str().unwrap());
        let file = folder.path().join("out.nii");
        nifti::export(&run, &file, true, &Session::default()).unwrap();
        let mut bytes = fs::read(&source).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let packed = std::mem::take(&mut bytes);
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut bytes)
                .unwrap();
        }
        assert!(fs::read(&file).unwrap() == bytes, "{}", source.display());
    }
}

#[test]
fn frozen_arrays_that_are_no_runs_read_as_they_were_written() {
    for want in expected("arrays") {
        let name = want["path"].as_str().unwrap();
        let source = store::open_array(frozen().join(name)).unwrap();
        assert_eq!(serde_json::json!(source.shape()), want["shape"], "{name}");
        assert_eq!(source.dtype().name(), want["dtype"], "{name}");
        same(name, &stored(source.as_ref()), &numbers(&want["stored"]));
    }
}

/// Copies all that is in a folder.
fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).into_iter().map(Result::unwrap) {
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A copy of all that is frozen, in which schema 1 of one metadata file is schema 2, of which nothing is
/// known but its name.
fn copy_of_schema_2(file: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    copy(&frozen(), folder.path());
    let path = folder.path().join(file);
    let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(json["attributes"]["voxstore"]["schema"], "1");
    json["attributes"]["voxstore"] = serde_json::json!({"schema": "2", "runs": {"news": []}});
    fs::write(&path, json.to_string()).unwrap();
    (folder, path)
}

/// Asserts an error that names the file, both schemas, and what to do.
fn refused<T: std::fmt::Debug>(opened: Result<T, StoreError>, file: &Path) {
    let error = opened.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { .. }), "{error:?}");
    let text = error.to_string();
    let named = file.display().to_string();
    for part in [named.as_str(), "schema \"2\"", "\"1\"", "update voxstore"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn a_store_of_a_newer_schema_is_refused_with_the_next_step() {
    let (folder, file) = copy_of_schema_2("store.zarr/zarr.json");
    refused(store::open(folder.path().join("store.zarr")), &file);
}

#[test]
fn a_run_of_a_newer_schema_is_refused_and_the_others_are_read() {
    let (folder, file) = copy_of_schema_2("store.zarr/runs/big.ome.zarr/zarr.json");
    let store = store::open(folder.path().join("store.zarr")).unwrap();
    refused(store.run("big"), &file);
    refused(store.facts("big"), &file);
    refused(store.verify("big", true, &Session::default()), &file);
    assert!(store.run("volume").is_ok());
}

#[test]
fn an_array_of_a_newer_schema_is_refused_with_the_next_step() {
    let (folder, file) = copy_of_schema_2("float32-4d.zarr/zarr.json");
    refused(store::open_array(folder.path().join("float32-4d.zarr")), &file);
}

#[test]
fn ingest_does_not_touch_a_store_of_a_newer_schema() {
    let (folder, file) = copy_of_schema_2("store.zarr/zarr.json");
    let runs = [nifti::open(frozen().join("sources/big.nii")).unwrap()];
    let target = folder.path().join("store.zarr");
    let before = fs::read(&file).unwrap();
    refused(store::ingest(&runs, target, &IngestOptions::default(), &Session::default()), &file);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn ingest_finds_the_runs_of_an_older_program_and_adds_to_them() {
    let folder = tempfile::tempdir().unwrap();
    // The copies are younger than the sources were, so their SHA-256 decides.
    copy(&frozen(), folder.path());
    let (target, sources) = (folder.path().join("store.zarr"), folder.path().join("sources"));
    let names = ["big.nii", "sub-01_task-rest_bold.nii.gz"];
    let runs = names.map(|name| nifti::open(sources.join(name)).unwrap());
    let done =
        store::ingest(&runs, &target, &IngestOptions::default(), &Session::default()).unwrap();
    for outcome in &done.runs {
        assert!(matches!(outcome.result, store::Outcome::Skipped), "{outcome:?}");
    }
    let new = [nifti::open(frozen().join("../nibabel/functional.nii")).unwrap()];
    store::ingest(&new, &target, &IngestOptions::default(), &Session::default()).unwrap();
    let store = store::open(&target).unwrap();
    assert_eq!((store.runs().len(), store.index_is_stale()), (5, false));
}
