//! Rounds of writers and readers at one store, chosen by chance.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

use super::common::{Answer, names, run};
use super::process::{Started, args, rounds};
use super::snapshot::{assert_same, snapshot};
use super::study::{
    REPLACED, chunk_files, digests, digests_in, folder, ingest, is_well, outcomes, source, staging,
    stem, well,
};

const NAMES: [&str; 4] = ["a", "b", "c", "1"];
const VERSIONS: [u64; 3] = [1, 2, 3];

/// The runs in a store by their paths, each with its version.
type State = BTreeMap<String, u64>;

/// A store that several processes are at, and everything it may hold.
struct Arena {
    folder: TempDir,
    store: PathBuf,
    /// The file of each run of each version.
    sources: BTreeMap<(&'static str, u64), PathBuf>,
    /// Digests of each run of each version.
    digests: BTreeMap<(String, u64), [String; 2]>,
    /// Voxels of its tSNR map.
    maps: BTreeMap<(String, u64), Vec<u8>>,
}

/// An ingest to be.
#[derive(Clone, Debug)]
struct Writer {
    names: Vec<&'static str>,
    version: u64,
    force: bool,
    /// Killed when so many chunk files are under way.
    killed_at: Option<usize>,
}

impl Arena {
    fn new() -> Self {
        let folder = folder();
        let mut arena = Self {
            store: folder.path().join("out/study.zarr"),
            folder,
            sources: BTreeMap::new(),
            digests: BTreeMap::new(),
            maps: BTreeMap::new(),
        };
        fs::create_dir(arena.store.parent().unwrap()).unwrap();
        for version in VERSIONS {
            let store = arena.alone(version);
            let files = NAMES.map(|name| source(arena.folder.path(), name, version));
            run(ingest(&files, &store, &[])).succeeds();
            let keys = NAMES.map(|name| (name, version));
            arena.sources.extend(keys.into_iter().zip(files));
            for (name, digest) in digests(&store) {
                let map = arena.folder.path().join("known.nii");
                run(args!["tsnr", store, "--run", name, "-o", map, "--force"]).succeeds();
                arena.maps.insert((name.clone(), version), fs::read(&map).unwrap());
                arena.digests.insert((name, version), digest);
            }
        }
        arena
    }

    /// The store of one version that nobody disturbs.
    fn alone(&self, version: u64) -> PathBuf {
        self.folder.path().join(format!("alone-{version}.zarr"))
    }

    fn args_of(&self, writer: &Writer) -> Vec<OsString> {
        let file = |name: &&str| self.sources[&(*name, writer.version)].clone();
        let files: Vec<PathBuf> = writer.names.iter().map(file).collect();
        ingest(&files, &self.store, if writer.force { &["--json", "--force"] } else { &["--json"] })
    }

    /// Which version of each run there is; every run must be a version of it, whole.
    fn state(&self, found: BTreeMap<String, [String; 2]>) -> State {
        let version = |(name, digest): (String, [String; 2])| {
            let is = |version: &&u64| self.digests[&(name.clone(), **version)] == digest;
            let version = VERSIONS.iter().find(is).copied();
            (name.clone(), version.unwrap_or_else(|| panic!("{name} is no version: {digest:?}")))
        };
        found.into_iter().map(version).collect()
    }

    /// Reads the store in one of the ways until all writers are done; gives what was seen.
    fn read(&self, writers: &mut [Started], rng: &mut Pcg64Mcg) -> Seen {
        let mut seen = Seen::default();
        while writers.iter_mut().any(|writer| !writer.is_over()) {
            if self.store.join("zarr.json").exists() {
                self.read_once(rng, &mut seen);
            }
        }
        seen
    }

    fn read_once(&self, rng: &mut Pcg64Mcg, seen: &mut Seen) {
        seen.readings += 1;
        let store = &self.store;
        let info = run(args!["info", store, "--json"]);
        if seen.is_refused(&info) {
            return;
        }
        let state = self.state(digests_in(&info));
        let Some((name, _)) = state.iter().collect::<Vec<_>>().choose(rng).copied() else { return };
        if rng.random() {
            let answer = run(args!["verify", store, "--deep", "--json", "--run", name]);
            if !is_well(&answer) {
                seen.is_refused(&answer);
            }
            return;
        }
        let map = self.folder.path().join("map.nii");
        if !seen.is_refused(&run(args!["tsnr", store, "--run", name, "-o", map, "--force"])) {
            let found = fs::read(&map).unwrap();
            let is_known = VERSIONS.iter().any(|v| self.maps[&(name.clone(), *v)] == found);
            assert!(is_known, "the tSNR of {name} is that of no version");
        }
    }

    /// One round: all writers at once while the store is read, then what must be there.
    fn round(&self, writers: &[Writer], rng: &mut Pcg64Mcg) -> Seen {
        let before = self.state_now();
        let mut started: Vec<Started> =
            writers.iter().map(|writer| Started::new(self.args_of(writer))).collect();
        let mut killed = Vec::new();
        for (at, writer) in writers.iter().enumerate().rev() {
            let Some(mark) = writer.killed_at else { continue };
            let mut doomed = started.remove(at);
            doomed.wait_until(|| chunk_files(&staging(&self.store)) >= mark);
            doomed.kill();
            killed.push(writer);
        }
        let seen = self.read(&mut started, rng);

        // What may be there now: what was reported as written, or might have been before a kill.
        let mut written: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        let living = writers.iter().filter(|writer| writer.killed_at.is_none());
        for (writer, process) in living.zip(started) {
            let answer = process.answer();
            assert!(matches!(answer.code, Some(0 | 1 | 4)), "{writer:?}: {answer:?}");
            assert!(!writer.force || answer.code == Some(0), "{writer:?}: {answer:?}");
            if answer.stdout.is_empty() {
                answer.fails(1, &["is in the store already, from a different source"]);
                continue;
            }
            for (stem, outcome) in outcomes(&answer) {
                if outcome == "written" {
                    written.entry(stem).or_default().insert(writer.version);
                }
            }
        }
        self.check(&before, &written, &killed);
        seen
    }

    fn state_now(&self) -> State {
        let is_there = self.store.join("zarr.json").exists();
        if is_there { self.state(well(&self.store)) } else { State::new() }
    }

    fn check(&self, before: &State, written: &BTreeMap<String, BTreeSet<u64>>, killed: &[&Writer]) {
        let now = self.state_now();
        for name in NAMES {
            let maybe = killed.iter().filter(|writer| writer.names.contains(&name));
            let mut may_be: Vec<Option<u64>> = maybe.map(|writer| Some(writer.version)).collect();
            match written.get(&stem(name)) {
                Some(versions) => may_be.extend(versions.iter().copied().map(Some)),
                None => may_be.push(version_of(before, name)),
            }
            let found = version_of(&now, name);
            assert!(may_be.contains(&found), "{name} is {found:?}, and may be {may_be:?}");
        }
    }
}

/// Which version of a run there is, if it is there.
fn version_of(state: &State, name: &str) -> Option<u64> {
    let end = format!("/{}.ome.zarr", stem(name));
    state.iter().find(|(path, _)| path.ends_with(&end)).map(|(_, version)| *version)
}

/// What readers came to.
#[derive(Debug, Default)]
struct Seen {
    readings: u64,
    replaced: u64,
}

impl Seen {
    /// Whether a reader had no numbers to give, which it may where the run was replaced.
    fn is_refused(&mut self, answer: &Answer) -> bool {
        if answer.code == Some(0) {
            return false;
        }
        assert!(answer.code == Some(1) && answer.stderr.contains(REPLACED), "{answer:?}");
        self.replaced += 1;
        true
    }
}

/// Two or three ingests, of which at most one is killed.
fn writers(rng: &mut Pcg64Mcg) -> Vec<Writer> {
    let doomed = rng.random_range(0..6);
    let writer = |at: usize, rng: &mut Pcg64Mcg| Writer {
        names: NAMES.choose_multiple(rng, at + 2).copied().collect(),
        version: *VERSIONS.choose(rng).unwrap(),
        force: rng.random_bool(0.7),
        killed_at: (at == doomed).then(|| rng.random_range(0..1200)),
    };
    (0..rng.random_range(2..=3)).map(|at| writer(at, rng)).collect()
}

#[test]
fn whoever_writes_and_reads_at_once_a_run_is_one_version_of_it_and_whole() {
    let arena = Arena::new();
    let mut rng = Pcg64Mcg::seed_from_u64(6);
    let mut seen = Seen::default();
    for _ in 0..rounds().div_ceil(5) {
        let writers = writers(&mut rng);
        let found = arena.round(&writers, &mut rng);
        seen = Seen {
            readings: seen.readings + found.readings,
            replaced: seen.replaced + found.replaced,
        };
    }
    println!("{seen:?}");
    assert!(seen.readings > 0);
    // In the end, one undisturbed ingest makes it the store of one version.
    let all = Writer { names: NAMES.to_vec(), version: 2, force: true, killed_at: None };
    run(arena.args_of(&all)).succeeds();
    assert_same(&snapshot(&arena.store), &snapshot(&arena.alone(2)), "after all rounds");
    assert_eq!(names(arena.store.parent().unwrap()), ["study.zarr"]);
}
