//! Two ingests into one store at once.
//!
//! One is stopped in the middle (SIGSTOP) until the other is under way or done, so that both have planned
//! before either has put a run in place.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::common::{Answer, names, run};
use super::process::Started;
use super::snapshot::{assert_same, snapshot};
use super::study::{digests, folder, ingest, outcomes, source, sources, staging, stopped, well};

/// A place for a store, and what it holds when one ingest after the other has written these.
struct Place {
    folder: TempDir,
    store: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = folder();
        fs::create_dir(folder.path().join("out")).unwrap();
        let store = folder.path().join("out/study.zarr");
        Self { folder, store }
    }

    fn sources(&self, names: &[&str]) -> Vec<PathBuf> {
        sources(self.folder.path(), names, 1)
    }

    /// Asserts that the store is what an ingest of these alone would have made, and nothing is beside it.
    fn is_that_of(&self, sources: &[PathBuf]) {
        let alone = self.folder.path().join("alone.zarr");
        run(ingest(sources, &alone, &[])).succeeds();
        assert_same(&snapshot(&self.store), &snapshot(&alone), "after two at once");
        assert_eq!(names(self.store.parent().unwrap()), ["study.zarr"]);
        well(&self.store);
        assert!(!voxstore::store::open(&self.store).unwrap().index_is_stale());
    }

    /// Runs both so that the second begins in the middle of the first and ends before or after it.
    fn both(
        &self,
        first: Vec<OsString>,
        second: Vec<OsString>,
        second_ends_first: bool,
    ) -> [Answer; 2] {
        let mut first = stopped(&first, &self.store);
        let mut second = Started::new(second);
        if second_ends_first {
            let second = second.answer();
            first.signal("CONT");
            return [first.answer(), second];
        }
        second.wait_until(|| ingests_in(&staging(&self.store)) == 2);
        first.signal("CONT");
        [first.answer(), second.answer()]
    }
}

/// Ingests that have a folder of their own.
fn ingests_in(staging: &Path) -> usize {
    let entries = fs::read_dir(staging).into_iter().flatten().flatten();
    entries.filter(|e| e.file_name().to_string_lossy().starts_with("ingest-")).count()
}

#[test]
fn two_ingests_of_different_runs_at_once_both_succeed() {
    for second_ends_first in [true, false] {
        let place = Place::new();
        let [a, b] = [place.sources(&["a", "1"]), place.sources(&["b", "2"])];
        let both = place.both(
            ingest(&a, &place.store, &["--json"]),
            ingest(&b, &place.store, &["--json"]),
            second_ends_first,
        );
        for answer in both {
            assert!(outcomes(&answer.succeeds()).values().all(|outcome| outcome == "written"));
        }
        place.is_that_of(&[a, b].concat());
    }
}

#[test]
fn two_ingests_of_the_same_runs_at_once_both_succeed_and_without_force_write_each_once() {
    for (names, second_ends_first) in [(["a", "1"], true), (["a", "1"], false), (["1", "2"], true)]
    {
        for force in [&["--json"][..], &["--json", "--force"]] {
            let place = Place::new();
            let sources = place.sources(&names);
            let args = || ingest(&sources, &place.store, force);
            let [first, second] = place.both(args(), args(), second_ends_first);
            let (first, second) = (outcomes(&first.succeeds()), outcomes(&second.succeeds()));
            for (run, outcome) in &first {
                let mut both = [outcome.as_str(), second[run].as_str()];
                both.sort_unstable();
                // With force, the slower has the last word.
                let once = both == ["skipped", "written"];
                assert!(once || (force.contains(&"--force") && both == ["written"; 2]), "{both:?}");
            }
            place.is_that_of(&sources);
        }
    }
}

#[test]
fn two_ingests_that_share_a_run_at_once_both_succeed() {
    let place = Place::new();
    let [a, b] = [place.sources(&["a", "b"]), place.sources(&["b", "c"])];
    let [first, second] = place.both(
        ingest(&a, &place.store, &["--json"]),
        ingest(&b, &place.store, &["--json"]),
        true,
    );
    assert_eq!(outcomes(&first.succeeds())["sub-b_task-rest_bold"], "skipped");
    assert_eq!(outcomes(&second.succeeds())["sub-b_task-rest_bold"], "written");
    place.is_that_of(&place.sources(&["a", "b", "c"]));
}

#[test]
fn of_two_sources_of_one_run_at_once_the_slower_is_refused_or_with_force_replaces() {
    let place = Place::new();
    let versions = [1, 2].map(|version| source(place.folder.path(), "a", version));
    let other = source(place.folder.path(), "b", 1);
    let slower = [versions[0].clone(), other.clone()];
    let [first, second] = place.both(
        ingest(&slower, &place.store, &["--json"]),
        ingest(&versions[1..], &place.store, &["--json"]),
        true,
    );
    second.succeeds();
    let said = ["sub-a_task-rest_bold.ome.zarr", "different source", "another ingest", "--force"];
    first.fails(4, &[]).shows(&said);
    place.is_that_of(&[versions[1].clone(), other]);

    let place = Place::new();
    let both = place.both(
        ingest(&versions[..1], &place.store, &["--json", "--force"]),
        ingest(&versions[1..], &place.store, &["--json", "--force"]),
        true,
    );
    for answer in both {
        assert_eq!(outcomes(&answer.succeeds())["sub-a_task-rest_bold"], "written");
    }
    place.is_that_of(&versions[..1]);
}

#[test]
fn an_ingest_beside_one_that_is_killed_succeeds_and_a_rerun_of_the_other_completes_the_store() {
    let place = Place::new();
    let [a, b] = [place.sources(&["a", "b"]), place.sources(&["b", "c"])];
    let first = stopped(&ingest(&a, &place.store, &["--json"]), &place.store);
    let second = Started::new(ingest(&b, &place.store, &["--json"]));
    assert!(first.kill());
    second.answer().succeeds();
    assert_eq!(digests(&place.store).len(), 2);
    well(&place.store);
    let rerun = outcomes(&run(ingest(&a, &place.store, &["--json"])).succeeds());
    assert_eq!(rerun["sub-a_task-rest_bold"], "written");
    assert_eq!(rerun["sub-b_task-rest_bold"], "skipped");
    place.is_that_of(&place.sources(&["a", "b", "c"]));
}
