//! A damaged store through opening, reading, `verify`, `verify --deep` and `tsnr`.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::store::Codec;
use voxstore::{Run, store};
use walkdir::WalkDir;

use crate::claim::Claim;
use crate::common::{folder, session, store_in, voxels};
use crate::damage::{every, guarded};
use crate::image::big_endian_scaled;

pub(crate) const RUN: &str = "runs/x.ome.zarr";

/// A store of one run in four chunks, and what must come out of it.
pub(crate) struct Good {
    pub(crate) folder: TempDir,
    voxels: Vec<u8>,
    facts: String,
}

impl Good {
    pub(crate) fn new(codec: Codec) -> Self {
        let folder = folder();
        store_in(folder.path(), codec);
        let bytes = big_endian_scaled().bytes();
        let voxels = Claim::of(&bytes).unwrap().voxels(&bytes).unwrap();
        let mut good = Self { folder, voxels, facts: String::new() };
        good.facts = good.facts_now();
        good
    }

    pub(crate) fn place(&self) -> PathBuf {
        self.folder.path().join("s.zarr")
    }

    /// A file of the run.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place().join(RUN).join(name)
    }

    pub(crate) fn open(&self) -> Result<Run, store::StoreError> {
        store::open(self.place())?.run("x")
    }

    fn facts_now(&self) -> String {
        let store = store::open(self.place()).unwrap();
        facts_of(&store, &store.run("x").unwrap())
    }

    /// True where `verify` refuses the run or finds damage.
    fn verify_complains(&self, deep: bool) -> bool {
        let verified = store::open(self.place()).and_then(|s| s.verify("x", deep, &session()));
        verified.map_or(true, |found| !found.damage.is_empty())
    }

    /// Reads all voxels, which are right or an error; true where they were read.
    fn check_voxels(&self, what: &str, run: &Run) -> bool {
        let found = voxels(run);
        assert!(found.as_ref().is_none_or(|found| *found == self.voxels), "{what}: wrong voxels");
        found.is_some()
    }

    /// Damages a file of the store everywhere and puts it back.
    fn damage(&self, file: &Path, check: impl Fn(&str, &[u8], usize)) {
        let good = fs::read(file).unwrap();
        for (at, (what, bytes)) in every(&good).enumerate() {
            let what = format!("{}, {what}", file.display());
            fs::write(file, &bytes).unwrap();
            guarded(&what, || check(&what, &bytes, at));
        }
        fs::write(file, good).unwrap();
        assert_eq!(self.facts_now(), self.facts);
    }

    /// Files whose every bit counts.
    fn damage_bytes(&self, file: &Path, is_chunk: bool) {
        self.damage(file, |what, _, _| {
            assert_eq!(self.open().is_ok(), is_chunk, "{what}");
            if let Ok(run) = self.open() {
                assert!(!self.check_voxels(what, &run), "{what}: unnoticed");
                check_tsnr(what, run, false);
            }
            assert!(self.verify_complains(false) && self.verify_complains(true), "{what}");
        });
    }

    /// Files that are metadata, or that only other tools read.
    fn damage_metadata(&self, file: &Path) {
        let is_root = file == self.place().join("zarr.json");
        let opened = store::open(self.place()).unwrap();
        self.damage(file, |what, _, at| {
            if is_root && let Ok(store) = store::open(self.place()) {
                assert_eq!(store.runs(), [RUN], "{what}");
                let _ = store.index_is_stale();
            }
            let Ok(run) = opened.run("x") else { return };
            let read = self.check_voxels(what, &run);
            let same = facts_of(&opened, &run) == self.facts;
            // The expensive ones where something changed, and for every 64th case.
            if same && !at.is_multiple_of(64) {
                return;
            }
            let complains = [false, true].map(|deep| self.verify_complains(deep));
            assert!(same || complains[1], "{what}: changes what is known of the run, unnoticed");
            check_tsnr(what, run, read);
        });
    }

    /// Files of the store whose path below it passes.
    fn files(&self, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let files = WalkDir::new(self.place()).sort_by_file_name().into_iter().map(Result::unwrap);
        let files =
            files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
        let wanted =
            |path: &PathBuf| wanted(path.strip_prefix(self.place()).unwrap().to_str().unwrap());
        files.filter(wanted).collect()
    }
}

fn check_tsnr(what: &str, run: Run, works: bool) {
    assert_eq!(tsnr(&[run], TsnrOptions::default(), &session()).is_ok(), works, "{what}");
}

/// All that is known of an open run and how it is stored.
/// All that is known of a run; when it was stored is nobody's matter but the store's.
fn facts_of(store: &store::Store, run: &Run) -> String {
    let facts = store::StoredFacts { ingested: String::new(), ..store.facts("x").unwrap() };
    format!("{:?} {:?} {facts:?}", run.shape(), run.info())
}

fn damage_chunks_of(codec: Codec) {
    let good = Good::new(codec);
    let chunks = good.files(|path| path.contains("/0/c."));
    assert_eq!(chunks.len(), 4);
    for chunk in chunks {
        good.damage_bytes(&chunk, true);
    }
}

#[test]
fn a_damaged_chunk_of_any_codec_is_an_error_wherever_it_is_met() {
    Codec::ALL.into_iter().for_each(damage_chunks_of);
}

#[test]
fn a_damaged_header_or_table_of_checksums_is_an_error_wherever_it_is_met() {
    let good = Good::new(Codec::default());
    for name in ["nifti/c.0", "chunk_crc32c/c.0.0.0.0"] {
        good.damage_bytes(&good.file(name), false);
    }
}

#[test]
fn damaged_metadata_of_a_run_are_an_error_or_change_nothing_that_is_said_twice() {
    let good = Good::new(Codec::default());
    good.damage_metadata(&good.file("zarr.json"));
}

#[test]
fn damaged_metadata_of_the_root_are_an_error_or_change_nothing() {
    let good = Good::new(Codec::default());
    good.damage_metadata(&good.place().join("zarr.json"));
}

#[test]
fn damaged_metadata_of_arrays_and_damaged_coordinates_are_an_error_or_change_nothing() {
    let good = Good::new(Codec::default());
    let run = Path::new(RUN);
    let done = ["zarr.json", "nifti/c.0", "chunk_crc32c/c.0.0.0.0"].map(|name| run.join(name));
    let others = good.files(|path| {
        let is_done = done.iter().any(|done| done == Path::new(path));
        !path.contains("/0/c.") && path != "zarr.json" && !is_done
    });
    assert_eq!(others.len(), 12, "{others:?}");
    for file in others {
        good.damage_metadata(&file);
    }
}
