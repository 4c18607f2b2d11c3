//! N93 and S01 to S11, S14 and S15: is a store what was written?

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use voxstore::store::{self, ChunkLengths, IngestOptions, Outcome, StoreError, ingest};
use voxstore::{Region, Run, Session, nifti};

use crate::case::{run, values, values_of};
use crate::files::{Nifti, write};

/// A store of runs of 6 volumes, four a chunk, so that the last chunk has padding.
struct Study {
    folder: TempDir,
    store: PathBuf,
}

impl Study {
    fn of(files: &[(&str, &Nifti)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("study.zarr");
        let study = Self { folder, store };
        study.add(files);
        study
    }

    fn add(&self, files: &[(&str, &Nifti)]) {
        let open = |(name, file): &(&str, &Nifti)| {
            nifti::open(file.write(self.folder.path(), &format!("{name}.nii"))).unwrap()
        };
        let runs: Vec<Run> = files.iter().map(open).collect();
        let chunk = Some(ChunkLengths { t: 4, z: 3 });
        let options = IngestOptions { chunk, ..IngestOptions::default() };
        let report = ingest(&runs, &self.store, &options, &Session::default()).unwrap();
        for run in report.runs {
            assert!(!matches!(run.result, Outcome::Failed(_)), "{run:?}");
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.store.join("runs/a.ome.zarr").join(name)
    }

    fn open(&self, name: &str) -> Result<Run, StoreError> {
        store::open(&self.store)?.run(name)
    }

    /// Why the voxels of run `a` cannot be had.
    #[track_caller]
    fn fault(&self) -> String {
        let run = self.open("a").unwrap();
        Session::default().compute::<f64>(&run.lazy().to_f64()).unwrap_err().to_string()
    }

    /// Changes a metadata file of run `a`.
    fn edit(&self, name: &str, change: impl Fn(&mut Value)) {
        let path = self.file(name);
        let mut json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut json);
        fs::write(path, serde_json::to_vec(&json).unwrap()).unwrap();
    }
}

const CHUNKS: [&str; 2] = ["0/c.0.0.0.0", "0/c.1.0.0.0"];

#[track_caller]
fn says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
}

#[test]
fn n93_the_same_voxels_in_other_bytes_are_stored_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("study.zarr");
    let opened =
        ["a.nii", "b.nii.gz"].map(|name| nifti::open(run().write(folder.path(), name)).unwrap());
    let other = Nifti { seed: 2, ..run() }.write(folder.path(), "c.nii");
    let runs = [&opened[..], &[nifti::open(other).unwrap()]].concat();
    let report = ingest(&runs, &place, &IngestOptions::default(), &Session::default()).unwrap();
    assert_eq!(report.runs[0].same_voxels, ["runs/b.ome.zarr"]);
    assert_eq!(report.runs[1].same_voxels, ["runs/a.ome.zarr"]);
    assert!(report.runs[2].same_voxels.is_empty());

    let store = store::open(&place).unwrap();
    let digest = |name| store.facts(name).unwrap().voxel_digest;
    assert_eq!(digest("a"), digest("b"));
    assert_ne!(digest("a"), digest("c"));
    let sha256 = |name| store.run(name).unwrap().info().origin.sha256.clone().unwrap();
    assert_ne!(sha256("a"), sha256("b"));
}

#[test]
fn s01_a_missing_chunk_is_an_error_and_never_filled_in() {
    let study = Study::of(&[("a", &run())]);
    fs::remove_file(study.file(CHUNKS[1])).unwrap();
    says(&study.fault(), &["runs/a.ome.zarr", "c.1.0.0.0", "missing", "ingest"]);
    // What does not need it can be had.
    let opened = study.open("a").unwrap();
    let mut first = vec![0; 5 * 4 * 3 * 2];
    opened.source().read(&Region::new(vec![0; 4], vec![5, 4, 3, 1]), &mut first).unwrap();
    assert_eq!(first[..], run().voxels()[..120]);
}

#[test]
fn s02_a_chunk_that_is_torn_flipped_empty_or_too_long_is_an_error() {
    let study = Study::of(&[("a", &run())]);
    let path = study.file(CHUNKS[1]);
    let good = fs::read(&path).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    for bad in [
        good[..good.len() / 2].to_vec(),
        flipped,
        Vec::new(),
        [&good[..], &[0]].concat(),
        vec![0; good.len()],
    ] {
        fs::write(&path, bad).unwrap();
        says(&study.fault(), &["runs/a.ome.zarr", "chunk c.1.0.0.0", "damaged"]);
    }
    fs::write(&path, good).unwrap();
    assert_eq!(values_of(&study.open("a").unwrap()), values(&run()));
}

#[test]
fn s03_a_run_that_is_unfinished_or_of_a_newer_schema_is_refused() {
    let study = Study::of(&[("a", &run())]);
    study.edit("zarr.json", |j| j["attributes"]["voxstore"]["status"] = json!("writing"));
    let error = study.open("a").unwrap_err().to_string();
    says(
        &error,
        &["runs/a.ome.zarr/zarr.json", "\"writing\"", "\"complete\"", "ingest the run again"],
    );
    study.edit("zarr.json", |j| j["attributes"]["voxstore"] = json!({"schema": "2", "new": 1}));
    let error = study.open("a").unwrap_err().to_string();
    says(&error, &["runs/a.ome.zarr/zarr.json", "\"2\"", "\"1\"", "update voxstore"]);
}

#[test]
fn s04_the_padding_of_the_last_chunk_is_no_voxel() {
    // 6 volumes in chunks of 4, and 3 planes in chunks of 2.
    let folder = tempfile::tempdir().unwrap();
    let opened = nifti::open(run().write(folder.path(), "a.nii")).unwrap();
    let place = folder.path().join("study.zarr");
    let chunk = Some(ChunkLengths { t: 4, z: 2 });
    let options = IngestOptions { chunk, ..IngestOptions::default() };
    ingest(&[opened], &place, &options, &Session::default()).unwrap();
    let stored = store::open(&place).unwrap().run("a").unwrap();
    assert_eq!(values_of(&stored), values(&run()));
    // Samples are 40 and more; padding would be 0.
    let least = Session::default().compute::<f64>(&stored.lazy().to_f64().min(..)).unwrap();
    assert!(least[[]] >= 40.0, "{least}");
}

#[test]
fn s05_a_chunk_of_background_is_written_like_any_other() {
    let file = run();
    let folder = tempfile::tempdir().unwrap();
    let bytes = [file.header(), vec![0; 720]].concat();
    let opened = nifti::open(write(folder.path(), "a.nii", &bytes)).unwrap();
    let place = folder.path().join("study.zarr");
    ingest(&[opened], &place, &IngestOptions::default(), &Session::default()).unwrap();
    let store = store::open(&place).unwrap();
    assert_eq!(store.facts("a").unwrap().chunks, 1);
    let chunk = place.join("runs/a.ome.zarr/0/c.0.0.0.0");
    assert!(chunk.is_file());
    assert_eq!(values_of(&store.run("a").unwrap()), vec![0.0; 360]);
    // And so a chunk that is not there is no background.
    fs::remove_file(chunk).unwrap();
    let lazy = store.run("a").unwrap().lazy().to_f64();
    let error = Session::default().compute::<f64>(&lazy).unwrap_err().to_string();
    says(&error, &["missing"]);
}

#[test]
fn s06_an_index_older_than_the_folders_is_seen_and_rebuilt() {
    let (one, other) = (run(), Nifti { seed: 2, ..run() });
    let study = Study::of(&[("a", &one)]);
    let old = fs::read(study.store.join("zarr.json")).unwrap();
    study.add(&[("b", &other)]);
    fs::write(study.store.join("zarr.json"), old).unwrap();
    let store = store::open(&study.store).unwrap();
    assert!(store.index_is_stale());
    // Runs are listed from the folders all the same.
    assert_eq!(store.runs(), ["runs/a.ome.zarr", "runs/b.ome.zarr"]);
    study.add(&[("c", &run())]);
    let store = store::open(&study.store).unwrap();
    assert!(!store.index_is_stale());
    assert_eq!(store.runs().len(), 3);
}

#[test]
fn s07_what_a_killed_ingest_left_is_never_read_and_removed_by_the_next() {
    let study = Study::of(&[("a", &run())]);
    let dead = study.folder.path().join("study.zarr.staging/ingest-dead");
    write(&dead, "live.lock", b"");
    write(&dead, "run-0/0/c.0.0.0.0", b"half a chunk");
    assert_eq!(store::open(&study.store).unwrap().runs(), ["runs/a.ome.zarr"]);
    study.add(&[("b", &Nifti { seed: 2, ..run() })]);
    assert!(!dead.exists());
    assert_eq!(store::open(&study.store).unwrap().runs().len(), 2);
}

#[test]
fn s08_a_store_of_another_tool_is_not_taken_for_one_that_vouches_for_its_chunks() {
    let theirs = json!({
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"ome": {"version": "0.5", "multiscales": [{"datasets": [{"path": "0"}]}]}},
    });
    let theirs = serde_json::to_vec(&theirs).unwrap();
    let study = Study::of(&[("a", &run())]);
    let image = study.folder.path().join("theirs.zarr");
    write(&image, "zarr.json", &theirs);
    let words = ["theirs.zarr", "is not a voxstore store", "without voxstore's attributes"];
    says(&store::open(&image).unwrap_err().to_string(), &words);
    // Nothing is written into it.
    let runs = [nifti::open(study.folder.path().join("a.nii")).unwrap()];
    let error = ingest(&runs, &image, &IngestOptions::default(), &Session::default()).unwrap_err();
    says(&error.to_string(), &words);
    assert_eq!(fs::read_dir(&image).unwrap().count(), 1);

    // Put among our runs, it is none of them.
    write(&study.store, "runs/theirs.ome.zarr/zarr.json", &theirs);
    let error = study.open("theirs").unwrap_err().to_string();
    says(&error, &["runs/theirs.ome.zarr", "without voxstore's attributes"]);
    assert_eq!(values_of(&study.open("a").unwrap()), values(&run()));
}

#[test]
fn s09_attributes_that_say_otherwise_than_the_header_bytes_are_told_by_verify() {
    let scaled = Nifti { slope: 0.5, inter: 3.0, ..run() };
    let study = Study::of(&[("a", &scaled)]);
    let verify = || {
        let store = store::open(&study.store).unwrap();
        store.verify("a", false, &Session::default()).unwrap().damage
    };
    assert_eq!(verify(), []);
    for (part, field, value, header_gives) in [
        ("scaling", "slope", json!(0.25), "0.5"),
        ("scaling", "inter", json!(-3.0), "3.0"),
        ("source", "datatype", json!(512), "4"),
    ] {
        let good = fs::read(study.file("zarr.json")).unwrap();
        study.edit("zarr.json", |j| j["attributes"]["voxstore"][part][field] = value.clone());
        let damage = verify();
        let place = format!("attributes.voxstore.{part}.{field}");
        let told = damage.iter().find(|d| d.field.as_ref().is_some_and(|f| f.ends_with(&place)));
        let told = told.unwrap_or_else(|| panic!("no {place} in {damage:?}"));
        says(&told.reason, &[&value.to_string(), header_gives]);
        fs::write(study.file("zarr.json"), good).unwrap();
    }
    assert_eq!(verify(), []);
}

#[test]
fn s10_metadata_that_contradict_each_other_are_refused() {
    let edit = |name: &str, change: fn(&mut Value), words: &[&str]| {
        let study = Study::of(&[("a", &run())]);
        study.edit(name, change);
        let error = study.open("a").unwrap_err().to_string();
        says(&error, &[&["runs/a.ome.zarr", "the store is damaged or was edited"], words].concat());
    };
    edit("0/zarr.json", |j| j["shape"] = json!([6, 3, 4, 4]), &["shape"]);
    edit("0/zarr.json", |j| j["data_type"] = json!("uint16"), &["uint16", "int16"]);
    let study = Study::of(&[("a", &run())]);
    let header = study.file("nifti/c.0");
    let mut bytes = fs::read(&header).unwrap();
    bytes[108] ^= 1;
    fs::write(&header, bytes).unwrap();
    says(&study.open("a").unwrap_err().to_string(), &["nifti", "digest", "damaged"]);
}

/// Exchanges two files.
fn exchange(one: &Path, other: &Path) {
    let (a, b) = (fs::read(one).unwrap(), fs::read(other).unwrap());
    fs::write(one, b).unwrap();
    fs::write(other, a).unwrap();
}

#[test]
fn s11_a_whole_chunk_in_the_place_of_another_is_an_error() {
    let (one, other) = (run(), Nifti { seed: 2, ..run() });
    let study = Study::of(&[("a", &one), ("b", &other)]);
    let [first, second] = CHUNKS.map(|name| study.file(name));
    let words = ["runs/a.ome.zarr", "belongs elsewhere", "checksum", "ingest"];
    exchange(&first, &second);
    says(&study.fault(), &words);
    exchange(&first, &second);
    assert_eq!(values_of(&study.open("a").unwrap()), values(&one));
    fs::copy(study.store.join("runs/b.ome.zarr").join(CHUNKS[0]), &first).unwrap();
    says(&study.fault(), &words);
}

#[test]
fn s14_a_missing_key_is_not_taken_for_an_unknown_value() {
    let study = Study::of(&[("a", &run())]);
    let good = fs::read(study.file("zarr.json")).unwrap();
    for key in ["tr_s", "echo_time_s", "start_s", "affine", "warnings"] {
        study.edit("zarr.json", |json| {
            let ours = json["attributes"]["voxstore"].as_object_mut().unwrap();
            ours.remove(key).unwrap();
        });
        says(&study.open("a").unwrap_err().to_string(), &["a.ome.zarr", "zarr.json", key]);
        fs::write(study.file("zarr.json"), &good).unwrap();
    }
    assert!(study.open("a").is_ok());
}

#[test]
fn s15_an_attribute_that_was_changed_is_found_when_the_run_is_opened() {
    let study = Study::of(&[("a", &run())]);
    let good = fs::read(study.file("zarr.json")).unwrap();
    let changes: [fn(&mut Value); 4] = [
        |facts| facts["scaling"]["slope"] = json!(2.0),
        |facts| facts["affine"][0][3] = json!(1.5),
        |facts| facts["tr_s"] = json!(9.0),
        |facts| facts["source"]["mtime"] = json!("2001-01-01T00:00:00Z"),
    ];
    for change in changes {
        study.edit("zarr.json", |json| change(&mut json["attributes"]["voxstore"]));
        says(
            &study.open("a").unwrap_err().to_string(),
            &["a.ome.zarr", "voxstore.digest", "verify"],
        );
        let store = store::open(&study.store).unwrap();
        let found = store.verify("a", false, &Session::default()).unwrap();
        assert!(!found.damage.is_empty());
        fs::write(study.file("zarr.json"), &good).unwrap();
    }
    // Written anew by another tool: other spaces, another order, whole numbers for floats.
    study.edit("zarr.json", |json| {
        json["attributes"]["mine"] = json!("a note");
        json["attributes"]["voxstore"]["start_s"] = json!(0);
        json.sort_all_objects();
    });
    assert!(study.open("a").is_ok());
}
