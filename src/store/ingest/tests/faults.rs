//! Disks that fail, fill up or lose their power in the middle of an ingest: whatever the operation, what
//! the store lists is whole, what was good is still there, and the next ingest ends as if nothing had been.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use serde_json::Value;

use super::{forced, letters};
use crate::dtype::DType;
use crate::files::{Disk, Fault, Faults, Kind, Loss, Tree, lay_out};
use crate::grid::Region;
use crate::run::Run;
use crate::store::ingest::{IngestOptions, IngestReport, Outcome, ingest};
use crate::store::layout::staging_dir;
use crate::store::testing::{Memory, info, session, tree, verified};
use crate::store::{ChunkLengths, StoreError, open};

/// What is in the store before, of which the second is to be replaced.
const BEFORE: [&str; 2] = ["kept.nii", "sub-01_task-rest_bold.nii"];
/// What comes in.
const COMING: [&str; 3] =
    ["sub-01_task-rest_bold.nii", "sub-02_ses-1_task-rest_bold.nii", "new.nii"];

/// The voxels of each run in a store, by the name of its source.
type Found = BTreeMap<String, Vec<u8>>;

/// A source, as it was or as it comes in.
fn source(name: &str, coming: bool) -> Memory {
    let mut memory = Memory::new(name, [3, 2, 2, 3], DType::I16);
    if coming {
        memory.data[7] ^= 0x55;
        memory.sha256 = Some("cd".repeat(32));
    }
    memory
}

fn run(name: &str, coming: bool) -> Run {
    let mut facts = info(name);
    facts.origin.file_bytes += u64::from(coming);
    source(name, coming).run_with(facts)
}

fn options() -> IngestOptions {
    forced(IngestOptions { chunk: Some(ChunkLengths { t: 2, z: 2 }), ..IngestOptions::default() })
}

fn ingest_all(names: &[&str], coming: bool, store: &Path) -> Result<IngestReport, StoreError> {
    ingest_with(1, names, coming, store)
}

fn ingest_with(
    threads: usize,
    names: &[&str],
    coming: bool,
    store: &Path,
) -> Result<IngestReport, StoreError> {
    let runs: Vec<Run> = names.iter().map(|name| run(name, coming)).collect();
    ingest(&runs, store, &options(), &session(threads, "64MiB"))
}

/// A folder of a test's own in which nothing waits for the disk.
struct Place {
    folder: tempfile::TempDir,
    plain_renames: bool,
}

impl Place {
    fn with(before: &Tree, plain_renames: bool) -> Self {
        // Thousands of small files: in memory, where the system has such a folder.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        lay_out(before, folder.path());
        Self { folder, plain_renames }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("study.zarr")
    }

    fn faults(&self, kinds: &'static [Kind], at: usize, fault: Fault) -> Faults {
        Faults::new(self.folder.path(), self.plain_renames, kinds, at, fault)
    }

    /// Ingests without any fault.
    fn ingest(&self, names: &[&str], coming: bool) {
        let _faults = self.faults(&[], 0, Fault::None);
        let report = ingest_all(names, coming, &self.store()).unwrap();
        assert!(!letters(&report).contains('f') && report.index_error.is_none(), "{report:?}");
    }

    /// The voxels of every run that the store lists, each of them found whole.
    fn runs(&self) -> Found {
        let store = match open(self.store()) {
            Err(StoreError::NotAStore { .. }) => return BTreeMap::new(),
            store => store.unwrap(),
        };
        let whole = |name: &String| {
            let verified = verified(&store, name);
            assert_eq!(verified.damage, []);
            let short = name.rsplit('/').next().unwrap().trim_end_matches(".ome.zarr");
            (format!("{short}.nii"), super::voxels(&self.store(), name))
        };
        store.runs().iter().map(whole).collect()
    }

    /// Everything that must hold whenever an ingest ended, however it did.
    fn check(&self, before: &Before) -> Found {
        let found = self.runs();
        for (name, voxels) in &found {
            let was = before.names.contains(&name.as_str()) && *voxels == source(name, false).data;
            let came = COMING.contains(&name.as_str()) && *voxels == source(name, true).data;
            assert!(was || came, "{name} is neither as it was nor as it comes in");
        }
        for name in before.names {
            // Between two renames a run that is replaced is nowhere, until the next ingest.
            let may_wait = self.plain_renames && COMING.contains(name);
            assert!(may_wait || found.contains_key(*name), "{name} is lost");
        }
        found
    }

    /// What is left, but for times, and for runs in the making: those go with the folder they are in.
    fn left(&self) -> Tree {
        let mut left = Disk::of(self.folder.path()).after(Loss::Bytes);
        left.retain(|path, _| !path.iter().any(|part| part.to_string_lossy().starts_with("run-")));
        let nameless = |(path, bytes): (PathBuf, Option<Vec<u8>>)| {
            let same = |part: &OsStr| {
                let is_own = part.to_string_lossy().starts_with("ingest-");
                if is_own { OsString::from("ingest") } else { part.to_owned() }
            };
            // Times are equally long.
            let is_json = path.extension().is_some_and(|ending| ending == "json");
            let known = bytes.map(|b| if is_json { b.len().to_le_bytes().to_vec() } else { b });
            (path.iter().map(same).collect(), known)
        };
        left.into_iter().map(nameless).collect()
    }

    /// An ingest after all that must end as one that nothing ever happened to.
    fn ends_well(&self, before: &Before, found: &Found) {
        if before.names.iter().any(|name| !found.contains_key(*name)) {
            // Any ingest puts back what lay aside.
            self.ingest(&before.names[..1], false);
            let found = self.check(before);
            assert!(before.names.iter().all(|name| found.contains_key(*name)));
        }
        self.ingest(&COMING, true);
        assert!(!staging_dir(&self.store()).exists());
        let found = timeless(&self.store());
        let differs = found.iter().find(|(path, text)| before.after.get(*path) != Some(text));
        assert!(differs.is_none(), "{differs:?}");
        assert_eq!(found.len(), before.after.len());
    }
}

/// Where an ingest starts, and what comes of it when nothing fails.
struct Before {
    names: &'static [&'static str],
    tree: Tree,
    after: BTreeMap<String, Vec<u8>>,
}

impl Before {
    fn new(names: &'static [&'static str]) -> Self {
        let place = Place::with(&Tree::new(), false);
        if !names.is_empty() {
            place.ingest(names, false);
        }
        let tree = Disk::of(place.folder.path()).after(Loss::Bytes);
        place.ingest(&COMING, true);
        assert_eq!(place.runs().len(), 3 + names.len().saturating_sub(1));
        Self { names, tree, after: timeless(&place.store()) }
    }
}

/// The files of a store with their bytes, but for when they were made.
fn timeless(store: &Path) -> BTreeMap<String, Vec<u8>> {
    fn blank(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match key.as_str() {
                        "created" | "started" | "finished" => *value = Value::Null,
                        _ => blank(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(blank),
            _ => {}
        }
    }
    let without_times = |(path, bytes): (String, Vec<u8>)| {
        if !path.ends_with("zarr.json") {
            return (path, bytes);
        }
        let mut json = serde_json::from_slice(&bytes).unwrap();
        blank(&mut json);
        (path, json.to_string().into_bytes())
    };
    tree(store).into_iter().map(without_times).collect()
}

/// What a report says must be so.
fn holds(report: &IngestReport, found: &Found, place: &Place) {
    for run in &report.runs {
        let there = found.get(&run.source);
        let came = there.is_some_and(|voxels| *voxels == source(&run.source, true).data);
        match &run.result {
            Outcome::Written(_) => assert!(came, "{} is not there", run.source),
            Outcome::Failed(StoreError::NotSynced { .. }) => {}
            Outcome::Failed(reason) => {
                assert!(!came, "{} is there: {reason}", run.source);
                assert!(!reason.to_string().is_empty());
            }
            Outcome::Skipped => panic!("{} is new", run.source),
        }
    }
    if report.index_error.is_none() && !found.is_empty() {
        assert!(!open(place.store()).unwrap().index_is_stale());
    }
}

/// Has one operation after the other go wrong, until an ingest has fewer.
fn every_operation(
    names: &'static [&'static str],
    plain_renames: bool,
    kinds: &'static [Kind],
    fault: Fault,
) {
    every_operation_from(&Before::new(names), plain_renames, kinds, fault);
}

fn every_operation_from(
    before: &Before,
    plain_renames: bool,
    kinds: &'static [Kind],
    fault: Fault,
) {
    let mut seen: BTreeMap<Tree, Found> = BTreeMap::new();
    for at in 0.. {
        let place = Place::with(&before.tree, plain_renames);
        let faults = place.faults(kinds, at, fault);
        // With two workers, what fails beside the operation is left to chance.
        let ended = ingest_with(1 + at % 2, &COMING, true, &place.store());
        let fired = faults.fired();
        drop(faults);
        // Many operations leave the same behind.
        let left = place.left();
        let known = seen.get(&left).cloned();
        let found = known.clone().unwrap_or_else(|| place.check(before));
        match &ended {
            Ok(report) => holds(report, &found, &place),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if fired && kinds == [Kind::Sync] {
            // What may not last was not reported as done.
            let is_told = |report: &IngestReport| {
                report.index_error.is_some() || letters(report).contains('f')
            };
            assert!(ended.as_ref().map_or(true, is_told), "{at}: a sync failed");
        }
        if known.is_none() {
            place.ends_well(before, &found);
            seen.insert(left, found);
        }
        if !fired {
            assert_eq!(letters(&ended.unwrap()), "www");
            assert!(at > 5, "{at} operations");
            return;
        }
    }
}

#[test]
fn any_operation_may_fail() {
    every_operation(&BEFORE, false, &[], Fault::Once(Errno::IO));
}

#[test]
fn any_operation_may_fail_where_there_was_no_store() {
    every_operation(&[], false, &[], Fault::Once(Errno::ACCESS));
}

#[test]
fn the_power_may_go_off_at_any_operation() {
    every_operation(&BEFORE, false, &[], Fault::PowerOff);
}

#[test]
fn the_power_may_go_off_between_two_renames_where_nothing_can_be_exchanged() {
    every_operation(&BEFORE, true, &[], Fault::PowerOff);
}

#[test]
fn the_power_may_go_off_again_while_what_lay_aside_is_put_back() {
    let mut before = Before::new(&BEFORE);
    let stranded = (0..).find_map(|at| {
        let place = Place::with(&before.tree, true);
        let faults = place.faults(&[Kind::Rename], at, Fault::PowerOff);
        let ended = ingest_all(&COMING, true, &place.store());
        assert!(faults.fired() && ended.is_ok(), "no run was ever aside: {ended:?}");
        drop(faults);
        let is_there = place.runs().contains_key(BEFORE[1]);
        (!is_there).then(|| Disk::of(place.folder.path()).after(Loss::Bytes))
    });
    before.tree = stranded.unwrap();
    every_operation_from(&before, true, &[], Fault::PowerOff);
}

#[test]
fn a_disk_may_fill_up_at_any_byte_and_stay_full() {
    every_operation(&BEFORE, false, &[Kind::Create, Kind::Write], Fault::Stays(Errno::NOSPC));
}

#[test]
fn one_kind_of_operation_may_fail_from_then_on() {
    const KINDS: [&[Kind]; 5] =
        [&[Kind::Rename], &[Kind::Remove], &[Kind::Sync], &[Kind::Lock], &[Kind::List]];
    for kinds in KINDS {
        every_operation(&BEFORE, false, kinds, Fault::Stays(Errno::IO));
    }
    every_operation(&BEFORE, true, &[Kind::Rename], Fault::Stays(Errno::IO));
    every_operation(&BEFORE, false, &[Kind::Sync], Fault::Once(Errno::IO));
}

#[test]
fn a_run_that_could_not_be_put_back_is_named_and_comes_back_with_the_next_ingest() {
    let before = Before::new(&BEFORE);
    let mut stranded = 0;
    for at in 0..20 {
        let place = Place::with(&before.tree, true);
        let faults = place.faults(&[Kind::Rename], at, Fault::Stays(Errno::IO));
        let report = ingest_all(&COMING, true, &place.store()).unwrap();
        drop(faults);
        if let Outcome::Failed(StoreError::Aside { aside, .. }) = &report.runs[0].result {
            stranded += 1;
            assert!(aside.is_dir() && !place.runs().contains_key(BEFORE[1]));
            // Another ingest, of another run, is enough.
            place.ingest(&[BEFORE[0]], false);
            assert_eq!(place.runs()[BEFORE[1]], source(BEFORE[1], false).data);
        }
    }
    assert_eq!(stranded, 1);
}

#[test]
fn a_lock_that_cannot_be_asked_is_that_of_a_living_ingest() {
    const KINDS: [&[Kind]; 2] = [&[Kind::Open], &[Kind::Lock]];
    for kind in KINDS {
        let place = Place::with(&Tree::new(), false);
        let alive = staging_dir(&place.store()).join("ingest-alive");
        fs::create_dir_all(&alive).unwrap();
        let lock = fs::File::create_new(alive.join("live.lock")).unwrap();
        lock.lock().unwrap();
        for at in 0..30 {
            let faults = place.faults(kind, at, Fault::Once(Errno::MFILE));
            drop(ingest_all(&COMING, true, &place.store()));
            drop(faults);
            assert!(alive.exists(), "{kind:?} {at}");
        }
    }
}

#[test]
fn any_operation_may_fail_while_a_store_is_read() {
    let before = Before::new(&BEFORE);
    let place = Place::with(&before.tree, false);
    for at in 0.. {
        let faults = place.faults(&[], at, Fault::Once(Errno::IO));
        let read = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
            let run = open(place.store())?.run(BEFORE[1].trim_end_matches(".nii"))?;
            let whole = Region::whole(run.shape());
            let mut voxels = vec![0; whole.len() as usize * 2];
            run.source().read(&whole, &mut voxels)?;
            Ok(voxels)
        };
        match read() {
            Ok(voxels) => assert!(voxels == source(BEFORE[1], false).data),
            Err(error) => assert!(faults.fired() && !error.to_string().is_empty()),
        }
        if !faults.fired() {
            assert!(at > 20, "{at} operations");
            return;
        }
    }
}

/// The power is cut after each operation, and takes what was not synced.
fn every_power_cut(plain_renames: bool) {
    let before = Before::new(&BEFORE);
    let place = Place::with(&before.tree, plain_renames);
    let mut disk = Disk::of(place.folder.path());
    let faults = place.faults(&[], 0, Fault::None);
    ingest_all(&COMING, true, &place.store()).unwrap();
    let events = faults.events();
    drop(faults);

    let mut seen = BTreeMap::new();
    let mut states = 0;
    for at in 0..=events.len() {
        if at > 0 {
            disk.play(&events[at - 1]);
        }
        for loss in [Loss::Unsynced, Loss::Bytes] {
            let left = disk.after(loss);
            let is_known = seen.insert(loss, left.clone()) == Some(left.clone());
            if is_known && at < events.len() {
                continue;
            }
            states += 1;
            let place = Place::with(&left, plain_renames);
            let found = place.check(&before);
            if at == events.len() {
                // Whoever was told that a run is written has it.
                assert_eq!(found.len(), 4, "{loss:?}");
                for name in COMING {
                    assert!(found[name] == source(name, true).data);
                }
            }
            place.ends_well(&before, &found);
        }
    }
    assert!(states > 50, "{states} states of {} operations", events.len());
}

#[test]
fn a_power_cut_takes_no_run_that_was_reported_and_leaves_no_part_of_one() {
    every_power_cut(false);
}

#[test]
fn nor_does_one_where_nothing_can_be_exchanged() {
    every_power_cut(true);
}
