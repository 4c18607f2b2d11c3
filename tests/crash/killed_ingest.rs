//! `kill -9` of an ingest.

use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::common::{names, run};
use super::process::{Started, rounds};
use super::snapshot::{Snapshot, assert_same, copy, snapshot};
use super::study::{Digests, chunk_files, digests, folder, ingest, sources, well};

/// What is there before, what is to get in, and what is there when nobody disturbs.
struct Case {
    /// A store with an old run that is replaced and one that is not; `None` for no store at all.
    before: Option<PathBuf>,
    kept: Digests,
    sources: Vec<PathBuf>,
    after: Snapshot,
    complete: Digests,
    /// Chunk files that the ingest makes.
    chunks: usize,
}

impl Case {
    fn new(folder: &Path, before: Option<PathBuf>) -> Self {
        let sources = sources(folder, &["a", "b", "c", "1"], 2);
        let store = folder.join("undisturbed/study.zarr");
        fs::create_dir_all(store.parent().unwrap()).unwrap();
        let kept = before.as_ref().map_or_else(Digests::new, |before| {
            copy(before, &store);
            digests(before)
        });
        let chunks_before = chunk_files(&store);
        run(ingest(&sources, &store, &["--force"])).succeeds();
        let chunks = chunk_files(&store) - chunks_before;
        let (after, complete) = (snapshot(store.parent().unwrap()), digests(&store));
        fs::remove_dir_all(store.parent().unwrap()).unwrap();
        Self { before, kept, sources, after, complete, chunks }
    }

    /// Kills an ingest once it has made `mark` chunk files; true if it was still running.
    fn kill_at(&self, out: &Path, mark: usize, threads: &str) -> bool {
        fs::create_dir(out).unwrap();
        let store = out.join("study.zarr");
        if let Some(before) = &self.before {
            copy(before, &store);
        }
        let chunks_before = chunk_files(out);
        let args = ingest(&self.sources, &store, &["--force", "--threads", threads]);
        let mut ingest = Started::new(args.clone());
        ingest.wait_until(|| chunk_files(out) >= chunks_before + mark);
        let hit = ingest.kill();

        let when = format!("killed after {mark} of {} chunk files", self.chunks);
        self.check(&store, &when);
        run(args).succeeds();
        assert_same(&snapshot(out), &self.after, &when);
        fs::remove_dir_all(out).unwrap();
        hit
    }

    /// Every run there is is whole, and each that was there still is, as it was or as it is to be.
    fn check(&self, store: &Path, when: &str) {
        if !store.join("zarr.json").exists() {
            assert!(self.before.is_none(), "{when}");
            assert!(!store.exists() || names(store).is_empty(), "{when}: {:?}", names(store));
            return;
        }
        let found = well(store);
        for (name, digest) in &found {
            let known = [self.kept.get(name), self.complete.get(name)];
            assert!(known.contains(&Some(digest)), "{when}: {name} is {digest:?}, not {known:?}");
        }
        let lost: Vec<_> = self.kept.keys().filter(|name| !found.contains_key(*name)).collect();
        assert!(lost.is_empty(), "{when}: {lost:?}");
    }
}

#[test]
fn an_ingest_killed_at_any_point_leaves_whole_runs_and_is_completed_by_a_rerun() {
    let folder = folder();
    let before = folder.path().join("before/study.zarr");
    fs::create_dir(before.parent().unwrap()).unwrap();
    run(ingest(&sources(folder.path(), &["b", "z"], 1), &before, &[])).succeeds();
    let cases = [Case::new(folder.path(), Some(before)), Case::new(folder.path(), None)];
    assert_eq!(cases[0].complete.len(), 5);

    let (mut rng, mut hits) = (Pcg64Mcg::seed_from_u64(6), 0);
    for round in 0..rounds() {
        let case = &cases[usize::from(round % 4 == 3)];
        let mark = rng.random_range(0..=case.chunks);
        let threads = if round % 3 == 0 { "1" } else { "2" };
        let out = folder.path().join(format!("out-{round}"));
        hits += u64::from(case.kill_at(&out, mark, threads));
    }
    println!("{hits} of {} kills met an ingest under way", rounds());
    assert!(hits * 2 > rounds(), "only {hits} kills met an ingest under way");
}
