//! What is to be written, and may it be?
//!
//! From headers' facts and the store's metadata; voxels are read only where nothing else tells a run
//! from the one that is stored ([`compare_sources`]). Writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::IngestOptions;
use super::memory::{Needs, data_bytes};
use super::writer::Slabs;
use crate::dtype::DType;
use crate::files;
use crate::grid::{BlockGrid, Region, shape_text};
use crate::run::Run;
use crate::runtime::{Budget, Session, check_writable, free_bytes, same_mount};
use crate::store::chunk_layout::ChunkLayout;
use crate::store::chunking::{CHUNK_LIMIT_BYTES, CHUNKS_LIMIT, chunk_shape};
use crate::store::codec::Codec;
use crate::store::error::{StoreError, stop_if_cancelled};
use crate::store::layout::{METADATA, PLAIN_RUNS, RUN_SUFFIX, run_path, staging_dir};
use crate::store::metadata::labels_known;
use crate::store::{open, open_run::OpenedRun};

/// One run, where it goes, and what is to be done about it.
#[derive(Debug)]
pub(super) struct RunPlan<'a> {
    pub(super) run: &'a Run,
    pub(super) target: String,
    pub(super) shape: [u64; 4],
    pub(super) chunk: [u64; 4],
    pub(super) dtype: DType,
    /// How it is stored; several where the codec is to be chosen, which differ in that only.
    pub(super) layouts: Vec<Arc<ChunkLayout>>,
    pub(super) raw_bytes: u64,
    pub(super) needs: Needs,
    pub(super) action: Action,
}

/// What is to be done about a run.
#[derive(Debug)]
pub(super) enum Action {
    /// It is new.
    Write,
    /// Another is in its place.
    Replace,
    /// It is there.
    Skip,
    /// Only reading the source tells whether it is there: what is stored has these digests.
    Compare { sha256: Option<String>, voxels: String },
    /// Nothing: its source could not be read.
    Unreadable,
}

impl<'a> RunPlan<'a> {
    fn new(run: &'a Run, options: &IngestOptions) -> Result<Self, StoreError> {
        let source = run.source();
        let refuse = |field, expected: String, found: String| {
            Err(StoreError::Unsupported { run: run.name().to_owned(), field, expected, found })
        };
        let shape_found = || shape_text(source.shape());
        let Ok(shape) = <[u64; 4]>::try_from(source.shape()) else {
            return refuse("shape", "four axes, (x, y, z, t)".to_owned(), shape_found());
        };
        let item_bytes = source.dtype().size() as u64;
        let codecs = options.codec.map_or(Codec::CANDIDATES.to_vec(), |codec| vec![codec]);
        let cut = chunk_shape(shape, item_bytes, options.chunk).and_then(|chunk| {
            let layout = |codec| ChunkLayout::new(&shape, &chunk, source.dtype(), codec);
            let layouts = codecs.into_iter().map(|codec| layout(codec).map(Arc::new));
            Some((chunk, layouts.collect::<Option<Vec<_>>>()?))
        });
        let cut = cut.filter(|(_, layouts)| layouts[0].chunks <= CHUNKS_LIMIT);
        let Some((chunk, layouts)) = cut else {
            let expected = format!(
                "lengths of at least 1, chunks of at most {CHUNK_LIMIT_BYTES} bytes and at most \
                 {CHUNKS_LIMIT} of them"
            );
            return refuse("shape", expected, shape_found());
        };
        let raw_bytes = shape.iter().try_fold(item_bytes, |n, &length| n.checked_mul(length));
        let Some(raw_bytes) = raw_bytes.filter(|&b| b <= u64::MAX / 4) else {
            return refuse("shape", "a size that can be counted".to_owned(), shape_found());
        };
        if let Err((field, found)) = labels_known(run.info()) {
            return refuse(field, "a known name".to_owned(), format!("{found:?}"));
        }
        Ok(Self {
            run,
            target: run_path(&run.info().origin),
            shape,
            chunk,
            dtype: source.dtype(),
            needs: Needs::of(source.as_ref(), &layouts),
            layouts,
            raw_bytes,
            action: Action::Write,
        })
    }

    /// True when voxels are to be written.
    pub(super) fn writes(&self) -> bool {
        matches!(self.action, Action::Write | Action::Replace)
    }

    /// True when its source is read, to write it or to compare it.
    pub(super) fn is_read(&self) -> bool {
        self.writes() || matches!(self.action, Action::Compare { .. })
    }

    /// Into what chunks it is cut, whatever their codec.
    pub(super) fn grid(&self) -> &BlockGrid {
        &self.layouts[0].grid
    }

    /// Number of its chunks.
    pub(super) fn chunks(&self) -> u64 {
        self.layouts[0].chunks
    }

    /// Size of a box of the run.
    pub(super) fn bytes_of(&self, region: &Region) -> u64 {
        region.len() * self.dtype.size() as u64
    }

    /// Chunk lengths in the order of the disk.
    pub(super) fn chunk_on_disk(&self) -> [u64; 4] {
        let [x, y, z, t] = self.chunk;
        [t, z, y, x]
    }

    /// Lengths in the order of the disk.
    pub(super) fn shape_on_disk(&self) -> [u64; 4] {
        let [x, y, z, t] = self.shape;
        [t, z, y, x]
    }

    /// What is done where another run has this one's place.
    fn replace_or_refuse(
        &self,
        difference: String,
        options: &IngestOptions,
    ) -> Result<Action, StoreError> {
        if options.force {
            return Ok(Action::Replace);
        }
        Err(StoreError::Exists {
            target: self.target.clone(),
            run: self.run.name().to_owned(),
            difference,
        })
    }
}

/// The store's path without links, so that staging lies on its file system.
///
/// # Errors
/// When something is there that is neither a store nor an empty folder.
pub(super) fn resolve_path(store: &Path) -> Result<PathBuf, StoreError> {
    let not_a_store = |found: &str, help| {
        Err(StoreError::NotAStore { path: store.to_owned(), found: found.to_owned(), help })
    };
    let path = if let Ok(path) = files::canonicalize(store) {
        path
    } else {
        let path = std::path::absolute(store).map_err(StoreError::io("find", store))?;
        let parent = path.parent().unwrap_or(&path);
        let parent = files::canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
        path.file_name().map_or_else(|| path.clone(), |name| parent.join(name))
    };
    let Some(name) = path.file_name() else {
        return not_a_store("no name for a folder", "give a folder such as study.zarr");
    };
    if name.to_str().is_some_and(|n| n.ends_with(RUN_SUFFIX)) {
        return not_a_store("the name of a run", "choose a name that does not end in .ome.zarr");
    }
    let kind = match files::look(&path) {
        Ok(kind) => kind,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(path),
        Err(e) => return Err(StoreError::io("open", &path)(e)),
    };
    if !kind.is_dir() {
        return not_a_store("a file", "choose another path");
    }
    let metadata = path.join(METADATA);
    if files::exists(&metadata).map_err(StoreError::io("open", &metadata))? {
        return open(&path).map(|_| path);
    }
    let mut entries = files::list(&path).map_err(StoreError::io("list", &path))?;
    if entries.next().is_some() {
        return not_a_store("a folder with other things in it", "choose a new or empty folder");
    }
    Ok(path)
}

/// Plans every run, in the order given.
///
/// # Errors
/// The first thing that keeps any run from being stored as asked.
pub(super) fn plan<'a>(
    runs: &'a [Run],
    store: &Path,
    options: &IngestOptions,
) -> Result<Vec<RunPlan<'a>>, StoreError> {
    let mut plans = Vec::with_capacity(runs.len());
    let mut taken: BTreeMap<String, &Run> = BTreeMap::new();
    for run in runs {
        let mut plan = RunPlan::new(run, options)?;
        if let Some(first) = taken.insert(plan.target.clone(), run) {
            return Err(StoreError::Clash {
                target: plan.target,
                first: first.name().to_owned(),
                second: run.name().to_owned(),
            });
        }
        plan.action = action(&plan, store, options)?;
        plans.push(plan);
    }
    Ok(plans)
}

/// What is to be done about a run. The first of these that holds:
///
/// 1. Nothing has its place: write.
/// 2. What is there cannot be read: another run.
/// 3. File size, header, shape or type differ: another run.
/// 4. `force`, and other chunks or another codec: replace.
/// 5. A BIDS path, and the same modification time: skip.
/// 6. Else the source is read and compared: skip, or another run.
///
/// Another run is replaced with `force`, else refused. A BIDS path names one run; `rest.nii` may be
/// anybody's, and archives give whole studies one modification time.
fn action(plan: &RunPlan<'_>, store: &Path, options: &IngestOptions) -> Result<Action, StoreError> {
    let place = store.join(&plan.target);
    if !files::exists(&place).map_err(StoreError::io("open", &place))? {
        return Ok(Action::Write);
    }
    let stored = OpenedRun::open(store, &plan.target).and_then(|run| Ok((run.info()?, run)));
    let (there, stored) = match stored {
        Ok(stored) => stored,
        Err(error) => {
            return plan.replace_or_refuse(format!("it cannot be read: {error}"), options);
        }
    };
    let (here, voxels) = (plan.run.info(), stored.attributes().voxels());
    let differs = [
        ("number of files", here.origin.image_name.is_some() != there.origin.image_name.is_some()),
        ("file size", here.origin.file_bytes != there.origin.file_bytes),
        ("header", here.header != there.header),
        ("shape", plan.shape_on_disk() != voxels.shape),
        ("data type", plan.dtype.name() != voxels.dtype),
    ];
    if let Some((what, _)) = differs.iter().find(|(_, differs)| *differs) {
        return plan.replace_or_refuse(format!("the {what} differs"), options);
    }
    let stored_otherwise = plan.chunk_on_disk() != voxels.chunk_shape
        || options.codec.is_some_and(|codec| codec.name() != voxels.codec);
    if options.force && stored_otherwise {
        return Ok(Action::Replace);
    }
    let is_bids = !plan.target.starts_with(PLAIN_RUNS);
    let times = (&here.origin.modified, &there.origin.modified);
    if is_bids && matches!(times, (Some(a), Some(b)) if a == b) {
        return Ok(Action::Skip);
    }
    Ok(Action::Compare {
        sha256: stored.attributes().source_sha256().cloned(),
        voxels: voxels.digest.clone(),
    })
}

/// Reads the sources that only reading tells from the stored run, and decides by SHA-256 (by voxels,
/// where one is not known). Returns the sources that could not be read, by their place in `plans`.
pub(super) fn compare_sources(
    plans: &mut [RunPlan<'_>],
    options: &IngestOptions,
    session: &Session,
) -> Result<BTreeMap<usize, StoreError>, StoreError> {
    let budget = session.budget_of(data_bytes(plans, session));
    let mut unreadable = BTreeMap::new();
    for (at, plan) in plans.iter_mut().enumerate() {
        let Action::Compare { sha256, voxels } = &plan.action else { continue };
        let same = digests(plan, session, &budget).map(|(here, digest)| match (&here, sha256) {
            (Some(here), Some(there)) => here == there,
            _ => digest == *voxels,
        });
        plan.action = match same {
            Ok(true) => Action::Skip,
            Ok(false) => {
                plan.replace_or_refuse("the bytes of the file differ".to_owned(), options)?
            }
            Err(StoreError::Cancelled) => return Err(StoreError::Cancelled),
            Err(error) => {
                unreadable.insert(at, error);
                Action::Unreadable
            }
        };
    }
    Ok(unreadable)
}

/// SHA-256 of a source's file, where it tells, and the digest of its voxels; reads all of it.
fn digests(
    plan: &RunPlan<'_>,
    session: &Session,
    budget: &Budget,
) -> Result<(Option<String>, String), StoreError> {
    let mut lease = budget.lease("comparing a run", plan.needs.lease_bytes())?;
    let mut slab = lease.buffer(plan.needs.slab_bytes)?;
    let mut slabs = Slabs::start(plan)?;
    while slabs.fill(&mut slab)?.is_some() {
        stop_if_cancelled(session)?;
    }
    let (end, digest) = slabs.finish()?;
    Ok((end.sha256, digest))
}

/// Checks that runs can be made beside the store and renamed into it, before any source is read.
pub(super) fn check_places(plans: &[RunPlan<'_>], store: &Path) -> Result<(), StoreError> {
    let targets = plans.iter().filter(|plan| plan.is_read()).map(|plan| store.join(&plan.target));
    let above = targets.filter_map(|run| run.parent().map(Path::to_owned));
    // The store itself in any case: its index is written anew.
    let places: BTreeSet<PathBuf> =
        above.chain([store.to_owned()]).map(|place| there(&place).to_owned()).collect();
    let staging = staging_dir(store);
    loop {
        let made = there(&staging);
        let checked = check_places_of(made, &places);
        // The last ingest to end removes the staging folder, and may do so while it is looked at; the next one may have
        // made it again by now.
        let is_gone = |error: &StoreError| match error {
            StoreError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        };
        let went = checked.as_ref().is_err_and(is_gone)
            && places.iter().all(|place| files::exists(place).unwrap_or(false));
        if !went {
            return checked;
        }
    }
}

fn check_places_of(made: &Path, places: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
    for place in places.iter().map(PathBuf::as_path).chain([made]) {
        check_writable(place).map_err(StoreError::io("write to", place))?;
        if !same_mount(made, place).map_err(StoreError::io("look at", place))? {
            return Err(StoreError::OtherMount { path: place.to_owned() });
        }
    }
    Ok(())
}

/// The folder that is there, of a path and those above it.
fn there(path: &Path) -> &Path {
    path.ancestors().find(|path| files::exists(path).unwrap_or(false)).unwrap_or(path)
}

/// Checks that the disk has room for all voxels as if nothing were compressed.
pub(super) fn check_space(plans: &[RunPlan<'_>], store: &Path) -> Result<(), StoreError> {
    let needed_bytes = plans
        .iter()
        .filter(|plan| plan.writes())
        .fold(0_u64, |sum, plan| sum.saturating_add(plan.raw_bytes));
    let path = there(store);
    let free_bytes = free_bytes(path).map_err(StoreError::io("ask for the free space of", path))?;
    if needed_bytes > free_bytes {
        return Err(StoreError::NoSpace { path: path.to_owned(), needed_bytes, free_bytes });
    }
    Ok(())
}
