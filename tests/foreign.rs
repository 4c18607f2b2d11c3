//! Stores of other tools, as `fixtures/foreign` has them: what `tests/interop/make_foreign.py` wrote by
//! zarr-python, tensorstore and nifti-zarr-py, with the numbers that numpy had in memory beside them.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read is a failure")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use voxstore::foreign::{self, ForeignError, Image, UNVERIFIED};
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::{self, IngestOptions, StoreError};
use voxstore::{Region, Run, Session, SourceError, nifti, source_conformance};
use walkdir::WalkDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/foreign")
}

/// The stores, and what must be read from them.
fn expected() -> Vec<Value> {
    serde_json::from_slice(&fs::read(fixtures().join("foreign.json")).unwrap()).unwrap()
}

fn path(want: &Value) -> PathBuf {
    fixtures().join(want["path"].as_str().unwrap())
}

/// The stored numbers, little-endian, x fastest.
fn raw(want: &Value) -> Vec<u8> {
    fs::read(fixtures().join(want["raw"].as_str().unwrap())).unwrap()
}

fn lengths(want: &Value) -> Vec<u64> {
    serde_json::from_value(want["shape"].clone()).unwrap()
}

fn read(run: &Run) -> Result<Vec<u8>, SourceError> {
    let whole = Region::whole(run.shape());
    let mut bytes = vec![0xAA; whole.len() as usize * run.source().dtype().size()];
    run.source().read(&whole, &mut bytes).map(|()| bytes)
}

/// A store of the fixtures that may be edited.
struct Copy(tempfile::TempDir);

impl Copy {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = fixtures().join(name);
        for entry in WalkDir::new(&from).into_iter().map(Result::unwrap) {
            let to =
                folder.path().join("x.ome.zarr").join(entry.path().strip_prefix(&from).unwrap());
            if entry.file_type().is_dir() {
                fs::create_dir_all(to).unwrap();
            } else {
                fs::copy(entry.path(), to).unwrap();
            }
        }
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("x.ome.zarr")
    }

    fn open(&self) -> Result<Image, ForeignError> {
        foreign::open(self.path())
    }

    fn edit(&self, file: &str, edit: impl FnOnce(&mut Value)) {
        let path = self.path().join(file);
        let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(&mut json);
        fs::write(path, json.to_string()).unwrap();
    }

    /// What reading all voxels says.
    fn fault(&self) -> Option<String> {
        read(self.open().unwrap().run()).err().map(|error| error.to_string())
    }
}

#[test]
fn every_voxel_is_what_numpy_had_and_sources_keep_their_promises() {
    for want in expected() {
        let image = foreign::open(path(&want)).unwrap();
        let (run, raw) = (image.run(), raw(&want));
        assert_eq!(run.shape(), lengths(&want), "{want}");
        assert_eq!(run.source().dtype().name(), want["dtype"]);
        assert_eq!(read(run).unwrap(), raw, "{}", want["path"]);
        source_conformance::check(run.source().as_ref(), Some(&raw)).unwrap();
    }
}

#[test]
fn place_time_and_scaling_are_those_that_were_written() {
    for want in expected() {
        let image = foreign::open(path(&want)).unwrap();
        let info = image.run().info();
        let rows =
            want["affine"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
        let affine: Vec<f64> = rows.map(|v| v.as_f64().unwrap()).collect();
        for (found, want) in info.geometry.affine.as_flattened().iter().zip(&affine) {
            assert!((found - want).abs() < 1e-6, "{:?}", info.geometry);
        }
        assert_eq!(info.timing.tr_seconds, want["tr_s"].as_f64(), "{want}");
        assert_eq!(Some(info.scaling.slope), want["slope"].as_f64());
        assert_eq!(Some(info.scaling.inter), want["inter"].as_f64());
    }
}

#[test]
fn what_vouches_for_the_voxels_is_said() {
    for want in expected() {
        let image = foreign::open(path(&want)).unwrap();
        let facts = image.facts();
        assert_eq!(facts.kind, want["kind"].as_str().unwrap());
        assert_eq!(json!(facts.zarr_format), want["zarr_format"]);
        assert_eq!(json!(facts.missing_files), want["missing_files"], "{facts:?}");
        assert_eq!(json!(facts.checksummed), want["checksummed"], "{facts:?}");
        assert!(
            facts.guarantees().starts_with("read-only, unverified: "),
            "{}",
            facts.guarantees()
        );
        let first = &image.run().info().warnings[0];
        assert_eq!(first.code, UNVERIFIED);
        assert!(first.message.contains(&facts.guarantees()), "{first}");
    }
}

#[test]
fn tsnr_is_mean_over_standard_deviation_of_the_scaled_voxels() {
    let want = expected().into_iter().find(|want| want["path"] == "nifti_zarr.ome.zarr").unwrap();
    let run = foreign::open(path(&want)).unwrap().into_run();
    let map =
        tsnr(std::slice::from_ref(&run), TsnrOptions::default(), &Session::default()).unwrap().map;
    let (slope, inter) = (want["slope"].as_f64().unwrap(), want["inter"].as_f64().unwrap());
    let raw = raw(&want);
    let stored = raw.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes(b.try_into().unwrap())));
    let values: Vec<f64> = stored.map(|v| v * slope + inter).collect();
    let (voxels, volumes) = (6 * 5 * 3, 4);
    let found: Vec<f64> = map.reversed_axes().iter().copied().collect();
    for voxel in 0..voxels {
        let series = || (0..volumes).map(|t| values[voxel + t * voxels]);
        let mean = series().sum::<f64>() / volumes as f64;
        let std = (series().map(|v| (v - mean).powi(2)).sum::<f64>() / volumes as f64).sqrt();
        let want = if std > 0.0 { mean / std } else { 0.0 };
        assert!((found[voxel] - want).abs() <= 1e-9 * want, "{} is not {want}", found[voxel]);
    }
    // Maps lie on the run's grid.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.nii");
    nifti::export(&run, &file, false, &Session::default()).unwrap();
    let again = nifti::open(&file).unwrap();
    assert_eq!(again.info().geometry, run.info().geometry);
    assert_eq!(again.info().scaling, run.info().scaling);
    assert_eq!(read(&again).unwrap(), raw);
}

#[test]
fn nothing_is_ever_written_into_a_store_of_another_tool() {
    for want in expected() {
        let copy = Copy::of(want["path"].as_str().unwrap());
        let list = || -> Vec<(PathBuf, Option<Vec<u8>>)> {
            let entries = WalkDir::new(copy.path()).sort_by_file_name().into_iter();
            entries.map(|e| e.unwrap().into_path()).map(|p| (p.clone(), fs::read(p).ok())).collect()
        };
        let before = list();
        let run = copy.open().unwrap().into_run();
        read(&run).unwrap();
        let target = copy.0.path().join("x.zarr");
        fs::rename(copy.path(), &target).unwrap();
        let source = nifti::open(fixtures().join("../nibabel/functional.nii")).unwrap();
        let options = IngestOptions { force: true, ..IngestOptions::default() };
        let error = store::ingest(&[source], &target, &options, &Session::default()).unwrap_err();
        assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");
        fs::rename(target, copy.path()).unwrap();
        assert_eq!(list(), before);
        let beside = fs::read_dir(copy.0.path()).unwrap().count();
        assert_eq!(beside, 1, "staging was left beside {}", want["path"]);
    }
}

#[test]
fn arrays_open_with_their_axes_reversed_wherever_they_lie() {
    let want = expected().into_iter().find(|want| want["path"] == "sharded.ome.zarr").unwrap();
    let source = foreign::open_array(path(&want).join("0")).unwrap();
    assert_eq!((source.shape(), source.block_shape()), (&[5, 4, 3, 6][..], &[3, 2, 1, 2][..]));
    source_conformance::check(source.as_ref(), Some(&raw(&want))).unwrap();
    let fortran = foreign::open_array(fixtures().join("v2_fortran.ome.zarr/0")).unwrap();
    assert_eq!(fortran.shape(), [5, 4, 3, 1, 6]);
    source_conformance::check(fortran.as_ref(), None).unwrap();
}

#[test]
fn what_voxstore_wrote_is_left_to_the_store_that_verifies_it() {
    let frozen = fixtures().join("../store-v1");
    for ours in ["store.zarr", "store.zarr/runs/big.ome.zarr", "float32-4d.zarr"] {
        let path = frozen.join(ours);
        assert!(!foreign::is_foreign(&path));
        assert!(foreign::open(&path).unwrap_err().to_string().contains("voxstore wrote it"));
    }
    for ours in ["float32-4d.zarr", "store.zarr/runs/big.ome.zarr/0"] {
        assert!(!foreign::is_foreign(frozen.join(ours)));
        let error = foreign::open_array(frozen.join(ours)).unwrap_err().to_string();
        assert!(error.contains("voxstore wrote"), "{error}");
    }
}

#[test]
fn what_is_no_image_is_told_apart() {
    let found = |path: PathBuf| foreign::open(path).unwrap_err().to_string();
    let image = fixtures().join("sharded.ome.zarr");
    for (path, part) in [
        (fixtures().join("nothing"), "nothing is there"),
        (fixtures(), "no Zarr store"),
        (image.join("0"), "does not say where its voxels lie"),
        (image.join("zarr.json"), "no Zarr store"),
    ] {
        let text = found(path);
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let copy = Copy::of("sharded.ome.zarr");
    copy.edit("zarr.json", |j| j["attributes"] = json!({"plate": {}}));
    assert!(found(copy.path()).contains("without OME metadata"));
}

#[test]
fn damage_that_the_store_itself_can_tell_is_an_error() {
    // Every byte of a shard: index and gzip chunks have checksums, but for what gzip says of itself.
    let copy = Copy::of("sharded.ome.zarr");
    let file = copy.path().join("0/c/0/0/0/0");
    let good = fs::read(&file).unwrap();
    let right = read(copy.open().unwrap().run()).unwrap();
    for at in (0..good.len()).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        fs::write(&file, bad).unwrap();
        let found = read(copy.open().unwrap().run());
        assert!(found.is_err() || found.unwrap() == right, "byte {at}");
    }
    for len in (0..good.len()).step_by(3) {
        fs::write(&file, &good[..len]).unwrap();
        assert!(copy.fault().is_some(), "{len} bytes");
    }
    fs::write(&file, &good).unwrap();
    assert_eq!(copy.fault(), None);

    let copy = Copy::of("transposed.ome.zarr");
    let file = copy.path().join("0/c/1/0/0/1");
    let good = fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, bad).unwrap();
        let fault = copy.fault().unwrap();
        assert!(fault.contains("c/1/0/0/1"), "{fault}");
    }
    fs::write(&file, [&good[..], &vec![0; 1 << 20]].concat()).unwrap();
    assert!(copy.fault().unwrap().contains("at most"));
}

#[test]
fn an_index_that_points_outside_of_its_shard_is_an_error() {
    let copy = Copy::of("tensorstore_volume.ome.zarr");
    let file = copy.path().join("0/c/0/0/0");
    let good = fs::read(&file).unwrap();
    for (at, value) in [(0, u64::MAX - 1), (0, 1 << 40), (8, 1 << 40), (8, u64::MAX), (0, u64::MAX)]
    {
        let mut bad = good.clone();
        bad[at..at + 8].copy_from_slice(&value.to_le_bytes());
        fs::write(&file, bad).unwrap();
        let fault = copy.fault().unwrap();
        assert!(fault.contains("torn or damaged"), "{fault}");
    }
}

#[test]
fn content_that_is_a_dangling_link_is_an_error_and_not_the_fill_value() {
    let copy = Copy::of("big_missing.ome.zarr");
    let file = copy.path().join("0/c.0.0.0.0");
    fs::remove_file(&file).unwrap();
    assert_eq!(copy.open().unwrap().facts().missing_files, 2);
    assert_eq!(copy.fault(), None);
    symlink("../../.git/annex/objects/aa/bb", &file).unwrap();
    assert_eq!(copy.open().unwrap().facts().missing_files, 1);
    assert!(copy.fault().unwrap().contains("datalad get"));
}

#[test]
fn a_missing_chunk_of_an_array_without_a_fill_value_is_an_error() {
    let copy = Copy::of("v2_fortran.ome.zarr");
    fs::remove_file(copy.path().join("0/0.0.0.0.0")).unwrap();
    let image = copy.open().unwrap();
    assert!(image.facts().guarantees().contains("a missing chunk is an error"));
    assert!(copy.fault().unwrap().contains("no fill value"));
}

#[test]
fn a_store_that_is_written_anew_while_it_is_read_is_an_error() {
    let copy = Copy::of("big_missing.ome.zarr");
    let image = copy.open().unwrap();
    copy.edit("0/zarr.json", |j| j["fill_value"] = json!(7.0));
    assert!(read(image.run()).unwrap_err().to_string().contains("written anew"));
    assert_eq!(copy.fault(), None);
}

#[test]
fn metadata_that_could_change_a_number_or_its_place_are_refused() {
    type Edit = fn(&mut Value);
    let edits: [(&str, Edit); 27] = [
        ("0/zarr.json", |j| j["zarr_format"] = json!(4)),
        ("0/zarr.json", |j| j["node_type"] = json!("group")),
        ("0/zarr.json", |j| j["shape"] = json!([6, 3, 4])),
        ("0/zarr.json", |j| j["shape"] = json!([6, 3, 4, 0])),
        ("0/zarr.json", |j| j["shape"] = json!([6, 3, 4, -5])),
        ("0/zarr.json", |j| j["shape"] = json!([u64::MAX, u64::MAX, 4, 5])),
        ("0/zarr.json", |j| j["data_type"] = json!("complex64")),
        ("0/zarr.json", |j| j["data_type"] = json!({"name": "numpy.datetime64"})),
        ("0/zarr.json", |j| j["fill_value"] = json!("0x7fc0000")),
        ("0/zarr.json", |j| j["fill_value"] = Value::Null),
        ("0/zarr.json", |j| j["chunk_grid"]["name"] = json!("rectilinear")),
        ("0/zarr.json", |j| j["chunk_grid"]["configuration"]["chunk_shape"][0] = json!(0)),
        ("0/zarr.json", |j| {
            j["chunk_grid"]["configuration"]["chunk_shape"] = json!([1 << 20, 1 << 20, 4, 5]);
        }),
        ("0/zarr.json", |j| {
            j["chunk_grid"]["configuration"]["chunk_shape"] = json!([u64::MAX, u64::MAX, 4, 5]);
        }),
        ("0/zarr.json", |j| j["chunk_key_encoding"]["name"] = json!("suffix")),
        ("0/zarr.json", |j| j["chunk_key_encoding"]["configuration"]["separator"] = json!("-")),
        ("0/zarr.json", |j| j["codecs"] = json!([])),
        ("0/zarr.json", |j| j["codecs"][0] = json!({"name": "pcodec"})),
        ("0/zarr.json", |j| j["codecs"][0]["configuration"] = json!({})),
        ("0/zarr.json", |j| j["codecs"][0]["configuration"]["endian"] = json!("middle")),
        ("0/zarr.json", |j| j["codecs"][1] = json!({"name": "packbits"})),
        ("0/zarr.json", |j| {
            j["codecs"][1] = json!({"name": "transpose", "configuration": {"order": [3, 2, 1, 0]}});
        }),
        ("0/zarr.json", |j| j["storage_transformers"] = json!([{"name": "x"}])),
        ("0/zarr.json", |j| j["a_new_field"] = json!({"must_understand": true})),
        ("0/zarr.json", |j| j["dimension_names"] = json!(["t", "y", "z", "x"])),
        ("zarr.json", |j| j["attributes"]["ome"]["version"] = json!("0.6")),
        ("zarr.json", |j| {
            j["attributes"]["ome"]["multiscales"][0]["datasets"][0]["path"] = json!("1");
        }),
    ];
    for (at, (file, edit)) in edits.into_iter().enumerate() {
        let copy = Copy::of("big_missing.ome.zarr");
        copy.edit(file, edit);
        let error = copy.open().map(drop);
        assert!(error.is_err(), "edit {at}");
    }
    let copy = Copy::of("big_missing.ome.zarr");
    copy.edit("0/zarr.json", |j| j["a_new_field"] = json!({"must_understand": false}));
    assert!(copy.open().is_ok());
}

#[test]
fn shards_that_are_not_understood_are_refused() {
    type Edit = fn(&mut Value);
    let edits: [Edit; 8] = [
        |j| j["chunk_shape"] = json!([2, 1, 2, 4]),
        |j| j["chunk_shape"] = json!([2, 1, 2]),
        |j| j["chunk_shape"] = json!([2, 1, 2, 0]),
        |j| j["index_codecs"][0]["configuration"]["endian"] = json!("big"),
        |j| j["index_codecs"][1] = json!({"name": "zstd"}),
        |j| j["index_location"] = json!("middle"),
        |j| {
            let shards = j.clone();
            j["codecs"] = json!([{"name": "sharding_indexed", "configuration": shards}]);
        },
        |j| j["codecs"] = json!([{"name": "gzip", "configuration": {"level": 1}}]),
    ];
    for (at, edit) in edits.into_iter().enumerate() {
        let copy = Copy::of("sharded.ome.zarr");
        copy.edit("0/zarr.json", |j| edit(&mut j["codecs"][0]["configuration"]));
        assert!(copy.open().is_err(), "edit {at}");
    }
    // An index that would take much memory.
    let copy = Copy::of("sharded.ome.zarr");
    copy.edit("0/zarr.json", |j| {
        j["chunk_grid"]["configuration"]["chunk_shape"] = json!([2 << 20, 1 << 20, 4, 6]);
    });
    assert!(copy.open().unwrap_err().to_string().contains("index"));
}

#[test]
fn a_header_beside_the_voxels_that_describes_others_is_refused() {
    let copy = Copy::of("nifti_zarr.ome.zarr");
    let file = copy.path().join("nifti/c/0");
    let good = fs::read(&file).unwrap();
    // dim[1], datatype, scl_inter, magic
    for (at, byte) in [(42, 7), (70, 8), (118, 0xff), (344, b'x')] {
        let mut bad = good.clone();
        bad[at] = byte;
        if at == 118 {
            bad[116..120].copy_from_slice(&f32::NAN.to_le_bytes());
        }
        fs::write(&file, bad).unwrap();
        assert!(copy.open().is_err(), "byte {at}");
    }
    fs::remove_file(&file).unwrap();
    assert!(copy.open().unwrap_err().to_string().contains("no chunk"));
}

#[test]
fn no_cut_and_no_flip_of_metadata_is_a_panic() {
    for (name, file) in [
        ("sharded.ome.zarr", "0/zarr.json"),
        ("transposed.ome.zarr", "zarr.json"),
        ("v2_fortran.ome.zarr", "0/.zarray"),
        ("v2_fortran.ome.zarr", ".zattrs"),
        ("nifti_zarr.ome.zarr", "nifti/c/0"),
    ] {
        let copy = Copy::of(name);
        let path = copy.path().join(file);
        let good = fs::read(&path).unwrap();
        for at in (0..good.len()).step_by(5) {
            fs::write(&path, &good[..at]).unwrap();
            assert!(copy.open().is_err() || file.ends_with("c/0"), "{file}: {at} bytes");
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 7);
            fs::write(&path, bad).unwrap();
            if let Ok(image) = copy.open() {
                let bytes = image.run().shape().iter().product::<u64>();
                if bytes < 1 << 20 {
                    let _ = read(image.run());
                }
            }
        }
    }
}
