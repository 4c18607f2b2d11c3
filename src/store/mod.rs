//! How do runs live on disk?
//!
//! A store is a folder: a Zarr v3 hierarchy with one group a run, each a valid OME-Zarr 0.5 image
//! with its `NIfTI` header kept beside the voxels. [`open`] lists the runs, [`Store::run`] gives one
//! as a [`Run`], [`ingest`] writes them so that a run is either whole or not there.
//!
//! The API's order of axes is `(x, y, z, t)`, the disk's `(t, z, y, x)`; the bytes are the same.
//!
//! Arrays that are no runs are folders of their own: [`ZarrSink`] writes one box by box, and
//! [`open_array`] opens it.
//!
//! Nothing here computes on voxels. A run that opens is complete; a chunk that is missing or
//! damaged is an error, never zeros. Stores of other tools promise less; [`foreign`](crate::foreign) reads them.
//!
//! ```no_run
//! let store = voxstore::store::open("study.zarr")?;
//! for name in store.runs() {
//!     println!("{name}: {:?}", store.run(name)?.shape());
//! }
//! # Ok::<(), voxstore::store::StoreError>(())
//! ```

mod array;
mod checksums;
mod chunk_layout;
mod chunk_reader;
mod chunk_writer;
mod chunking;
mod codec;
mod digest;
mod error;
mod ingest;
mod layout;
mod metadata;
mod open_run;
mod own_file;
mod part;
mod rename;
mod salvage;
mod small_arrays;
mod spare;
#[cfg(test)]
mod testing;
mod verify;

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::files;
use crate::run::Run;
use layout::{DERIVATIVES, MAX_DEPTH, METADATA, RUN_SUFFIX, last};
use metadata::{RootAttributes, RootHead, THEIRS, read_group};

pub(crate) use chunk_reader::buffer;
pub(crate) use chunking::CHUNK_LIMIT_BYTES;
pub(crate) use codec::{Step, Steps};
pub(crate) use error::{ChunkFault, stop_if_cancelled};
pub(crate) use metadata::is_theirs;
pub(crate) use part::{PartWriter, is_taken, list_folders, read_part};

pub use array::{ZarrOptions, ZarrSink, open_array};
pub use chunking::ChunkLengths;
pub use codec::Codec;
pub use error::StoreError;
pub use ingest::{IngestOptions, IngestReport, Outcome, RunOutcome, Written, ingest};
pub use salvage::{Hole, Holes};
pub use verify::{Damage, Verified, VerifiedIndex};

/// An opened store: the list of its runs. Reads no voxel.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    runs: Vec<String>,
}

/// What [`Store::facts`] tells about how a run is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    /// Chunk lengths along `(x, y, z, t)`.
    pub chunk_shape: [u64; 4],
    /// How chunks are compressed.
    pub codec: Codec,
    /// Number of chunk files.
    pub chunks: u64,
    /// Size of the chunk files.
    pub stored_bytes: u64,
    /// `xxh3-128:` and the XXH3-128 of the unscaled little-endian voxels in memory order, in hex.
    pub voxel_digest: String,
    /// When its ingest was finished, RFC 3339, UTC.
    pub ingested: String,
}

/// Opens a store and lists its runs.
///
/// The list is taken from the folders, because the index in the root may be older than they are
/// (see [`Store::index_is_stale`]).
///
/// # Errors
/// When the path holds no store of ours, or one of a newer schema.
pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
    let path = path.as_ref();
    let refused = |found: &str, help| {
        Err(StoreError::NotAStore { path: path.to_owned(), found: found.to_owned(), help })
    };
    match files::look(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return refused("nothing is there", "make one with voxstore ingest");
        }
        Err(e) => return Err(StoreError::io("open", path)(e)),
        Ok(kind) if !kind.is_dir() => {
            return refused("a file", "a store is a folder, made with voxstore ingest");
        }
        Ok(_) => {}
    }
    if path.to_str().is_some_and(|p| p.trim_end_matches('/').ends_with(RUN_SUFFIX)) {
        if is_theirs(&path.join(METADATA)) {
            return refused("an image of another tool", THEIRS);
        }
        return refused("a single run", "open the store that holds it and name the run");
    }
    let file = path.join(METADATA);
    if !files::exists(&file).map_err(StoreError::io("open", &file))? {
        return refused("a folder without zarr.json", "make one with voxstore ingest");
    }
    // What the root lists is only looked at when somebody asks.
    read_group::<RootHead>(&file)?;
    Ok(Store { path: path.to_owned(), runs: list_runs(path)? })
}

/// The group path that a run gets in a store, by the name of its file and the folders above it.
pub fn path_of(run: &Run) -> String {
    layout::run_path(&run.info().origin)
}

impl Store {
    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Group paths of the runs, in natural order (`run-2` before `run-10`).
    pub fn runs(&self) -> &[String] {
        &self.runs
    }

    /// True when the index in the root's metadata does not list just these runs, as after a crash
    /// or a run removed by hand. Other tools then see what the index says; the next ingest repairs
    /// it.
    pub fn index_is_stale(&self) -> bool {
        let Ok(root) = read_group::<RootAttributes>(&self.path.join(METADATA)) else { return true };
        !root.voxstore.runs.iter().map(|run| &run.path).eq(&self.runs)
    }

    /// Opens the run with this group path, or whose last component this is (with or without
    /// `.ome.zarr`). Reads metadata and header, no voxel.
    ///
    /// # Errors
    /// When no run or more than one has this name, or the run is not one that may be read:
    /// unfinished, of a newer schema, or contradicting itself.
    pub fn run(&self, name: &str) -> Result<Run, StoreError> {
        let path = self.resolve(name)?;
        open_run::OpenedRun::open(&self.path, path)?.into_run()
    }

    /// How a run is stored; names as in [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn facts(&self, name: &str) -> Result<StoredFacts, StoreError> {
        let path = self.resolve(name)?;
        Ok(open_run::OpenedRun::open(&self.path, path)?.facts())
    }

    /// Both at once, so that they are of one run, however often it is replaced; names as in
    /// [`run`](Self::run).
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_with_facts(&self, name: &str) -> Result<(Run, StoredFacts), StoreError> {
        let path = self.resolve(name)?;
        let opened = open_run::OpenedRun::open(&self.path, path)?;
        let facts = opened.facts();
        Ok((opened.into_run()?, facts))
    }

    /// The runs that match any of these patterns, in the order of [`runs`](Self::runs); all of them
    /// when there is no pattern. A pattern is matched against the group path and its last component
    /// (with and without `.ome.zarr`); `*` does not cross a `/`, `**` does.
    ///
    /// # Errors
    /// When a pattern is malformed or matches no run.
    pub fn select(&self, globs: &[String]) -> Result<Vec<String>, StoreError> {
        if globs.is_empty() {
            return Ok(self.runs.clone());
        }
        let matchers: Result<Vec<GlobMatcher>, StoreError> = globs
            .iter()
            .map(|glob| {
                let built = GlobBuilder::new(glob).literal_separator(true).build();
                built.map(|g| g.compile_matcher()).map_err(|e| StoreError::BadGlob {
                    glob: glob.clone(),
                    reason: e.kind().to_string(),
                })
            })
            .collect();
        let matchers = matchers?;
        let hits = |m: &GlobMatcher, run: &str| names_of(run).any(|name| m.is_match(name));
        for (matcher, glob) in matchers.iter().zip(globs) {
            if !self.runs.iter().any(|run| hits(matcher, run)) {
                return Err(StoreError::NoMatch {
                    store: self.path.clone(),
                    glob: glob.clone(),
                    runs: self.runs.clone(),
                });
            }
        }
        let chosen = self.runs.iter().filter(|run| matchers.iter().any(|m| hits(m, run)));
        Ok(chosen.cloned().collect())
    }

    fn resolve(&self, name: &str) -> Result<&str, StoreError> {
        let name = name.trim_end_matches('/');
        if let Some(exact) = self.runs.iter().find(|run| *run == name) {
            return Ok(exact);
        }
        let matches: Vec<&String> =
            self.runs.iter().filter(|run| names_of(run).any(|n| n == name)).collect();
        match matches[..] {
            [one] => Ok(one),
            [] => Err(StoreError::NoSuchRun {
                store: self.path.clone(),
                name: name.to_owned(),
                runs: self.runs.clone(),
            }),
            _ => Err(StoreError::AmbiguousRun {
                name: name.to_owned(),
                matches: matches.into_iter().cloned().collect(),
            }),
        }
    }
}

/// What a run may be called.
fn names_of(run: &str) -> impl Iterator<Item = &str> {
    let short = |name| str::strip_suffix(name, RUN_SUFFIX).unwrap_or(name);
    [run, short(run), last(run), short(last(run))].into_iter()
}

/// Group paths of the runs in the folders, in natural order. Links are not followed; one in the place of a
/// run is listed, so that opening the run can refuse it.
fn list_runs(root: &Path) -> Result<Vec<String>, StoreError> {
    let mut runs = Vec::new();
    let looked = files::walk(root, |below, kind, depth| {
        let Some(path) = below.to_str() else { return false };
        let is_run = path.ends_with(RUN_SUFFIX);
        if is_run && (kind.is_dir() || kind.is_symlink()) {
            runs.push(path.to_owned());
        }
        !is_run && depth + 1 < MAX_DEPTH && path != DERIVATIVES
    });
    looked.map_err(|(dir, error)| StoreError::io("list", &dir)(error))?;
    runs.sort_by(|a, b| natord::compare(a, b).then_with(|| a.cmp(b)));
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::testing::{Memory, info, session};
    use super::{IngestOptions, Store, StoreError, ingest, open};
    use crate::dtype::DType;

    fn store(names: &[&str]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.zarr");
        let run = |name: &&str| Memory::new(name, [2, 2, 1, 2], DType::U8).run_with(info(name));
        let runs: Vec<_> = names.iter().map(run).collect();
        ingest(&runs, &path, &IngestOptions::default(), &session(1, "64MiB")).unwrap();
        let store = open(path).unwrap();
        (folder, store)
    }

    const NAMES: [&str; 4] = [
        "sub-2_ses-a_task-rest_bold.nii.gz",
        "sub-10_ses-a_task-rest_bold.nii.gz",
        "sub-2_ses-b_task-x_bold.nii.gz",
        "plain.nii",
    ];

    #[test]
    fn runs_come_in_natural_order_and_by_any_clear_name() {
        let (_folder, store) = store(&NAMES);
        assert_eq!(
            store.runs(),
            [
                "runs/plain.ome.zarr",
                "sub-2/ses-a/func/sub-2_ses-a_task-rest_bold.ome.zarr",
                "sub-2/ses-b/func/sub-2_ses-b_task-x_bold.ome.zarr",
                "sub-10/ses-a/func/sub-10_ses-a_task-rest_bold.ome.zarr",
            ]
        );
        for name in ["plain", "plain.ome.zarr", "runs/plain", "runs/plain.ome.zarr/"] {
            assert_eq!(store.run(name).unwrap().name(), "runs/plain.ome.zarr");
        }
        let missing = store.run("plai").unwrap_err();
        assert!(matches!(missing, StoreError::NoSuchRun { .. }));
        assert!(missing.to_string().contains("runs/plain.ome.zarr"), "{missing}");
    }

    #[test]
    fn a_name_of_two_runs_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("study.zarr");
        let run = |folder: &str| {
            let mut facts = info("a.nii");
            facts.origin.bids_folder = Some(folder.to_owned());
            Memory::new(folder, [2, 2, 1, 2], DType::U8).run_with(facts)
        };
        let runs = [run("one"), run("two")];
        ingest(&runs, &path, &IngestOptions::default(), &session(1, "64MiB")).unwrap();
        let store = open(&path).unwrap();
        assert!(matches!(store.run("a"), Err(StoreError::AmbiguousRun { .. })));
        assert!(store.run("two/a").is_ok());
    }

    #[test]
    fn patterns_select_by_path_or_name_in_the_order_of_the_store() {
        let (_folder, store) = store(&NAMES);
        let select = |globs: &[&str]| {
            let globs: Vec<String> = globs.iter().map(|g| (*g).to_owned()).collect();
            store.select(&globs).map(|runs| runs.len())
        };
        assert_eq!(select(&[]).unwrap(), 4);
        assert_eq!(select(&["sub-2*"]).unwrap(), 2);
        assert_eq!(select(&["sub-2/**"]).unwrap(), 2);
        assert_eq!(select(&["*rest_bold", "plain"]).unwrap(), 3);
        assert!(matches!(select(&["sub-2*", "sub-3*"]), Err(StoreError::NoMatch { .. })));
        assert!(matches!(select(&["["]), Err(StoreError::BadGlob { .. })));
    }

    #[test]
    fn what_is_no_store_is_told_apart() {
        let (folder, store) = store(&["a.nii"]);
        let found = |path: &std::path::Path| match open(path) {
            Err(StoreError::NotAStore { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(&folder.path().join("nothing")), "nothing is there");
        assert_eq!(found(folder.path()), "a folder without zarr.json");
        assert_eq!(found(&store.path().join("zarr.json")), "a file");
        assert_eq!(found(&store.path().join("runs/a.ome.zarr")), "a single run");
    }

    #[test]
    fn derivatives_are_not_runs() {
        let (_folder, store) = store(&["a.nii"]);
        std::fs::create_dir_all(store.path().join("derivatives/x/b.ome.zarr")).unwrap();
        std::fs::create_dir_all(store.path().join("runs/empty")).unwrap();
        assert_eq!(open(store.path()).unwrap().runs(), ["runs/a.ome.zarr"]);
    }
}
