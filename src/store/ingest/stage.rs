//! Where are runs made, and how do they get into place?
//!
//! Beside the store lies `<store>.staging/`, with a folder for each ingest that is under way. Each
//! holds a lock file that the system unlocks when its process ends, however it ends: a folder whose
//! lock can be had is dead, and the next ingest removes it. A second lock, for the store, is held
//! while the tree is changed. Readers look at neither.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::plan::RunPlan;
use crate::runtime::Stamp;
use crate::store::error::StoreError;
use crate::store::layout::{LIVE_LOCK, METADATA, STAGING_PREFIX, STORE_LOCK, parents, staging_dir};
use crate::store::metadata::{
    GroupFile, NoAttributes, RootAttributes, RunAttributes, read_group, write_json, write_root,
};
use crate::store::own_file;
use crate::store::rename::{exchange, rename_to_new, sync_dir};

/// One ingest's own folder; gone when this is dropped.
#[derive(Debug)]
pub(super) struct Staging {
    store: PathBuf,
    /// `<store>.staging`.
    folder: PathBuf,
    // Options so that `drop` lets go of them in order, under the store's lock: first what is in the
    // folder, then the lock that says that it is alive.
    own: Option<TempDir>,
    live: Option<File>,
}

impl Staging {
    /// Removes what dead ingests left, and makes a folder for this one.
    pub(super) fn open(store: &Path) -> Result<Self, StoreError> {
        let folder = staging_dir(store);
        let lock = StoreLock::take(&folder)?;
        remove_dead(&folder)?;
        let own = tempfile::Builder::new()
            .prefix(STAGING_PREFIX)
            .tempdir_in(&folder)
            .map_err(StoreError::io("create a folder in", &folder))?;
        let path = own.path().join(LIVE_LOCK);
        let live = File::create_new(&path).map_err(StoreError::io("create", &path))?;
        live.lock().map_err(StoreError::io("lock", &path))?;
        drop(lock);
        Ok(Self { store: store.to_owned(), folder, own: Some(own), live: Some(live) })
    }

    fn own(&self) -> &Path {
        self.own.as_ref().map_or(&self.folder, TempDir::path)
    }

    /// Where run number `at` is made.
    pub(super) fn run_dir(&self, at: usize) -> PathBuf {
        self.own().join(format!("run-{at}"))
    }

    /// Keeps every other ingest from changing the store's tree.
    pub(super) fn lock_store(&self) -> Result<StoreLock, StoreError> {
        StoreLock::take(&self.folder)
    }

    /// Puts a staged run in place with one rename: the moment from which it is in the store. With
    /// `force`, what it replaces moves to `staged` in the same step. False when another ingest was quicker to
    /// put a run of the same source there.
    pub(super) fn commit(
        &self,
        staged: &Path,
        plan: &RunPlan<'_>,
        force: bool,
    ) -> Result<bool, StoreError> {
        let _lock = self.lock_store()?;
        self.make_groups(&plan.target)?;
        let place = self.store.join(&plan.target);
        // Whatever the plan found there: who asks for force asks for the last word.
        if force && place.exists() {
            exchange(staged, &place)?;
        } else if let Err(e) = rename_to_new(staged, &place) {
            return match e.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
                    if have_one_source(staged, &place) {
                        return Ok(false);
                    }
                    Err(StoreError::Exists {
                        target: plan.target.clone(),
                        run: plan.run.name().to_owned(),
                        difference: "another ingest was quicker".to_owned(),
                    })
                }
                _ => Err(StoreError::io("rename a staged run to", &place)(e)),
            };
        }
        sync_dir(place.parent().unwrap_or(&self.store)).map(|()| true)
    }

    /// Makes the root and the plain groups above a run, where they are missing.
    fn make_groups(&self, target: &str) -> Result<(), StoreError> {
        self.make_group(&self.store, |path| {
            let root = RootAttributes::new(super::seal::now(), vec![]);
            let mut text = Vec::new();
            write_root(&mut text, path, &root, std::iter::empty())?;
            fs::write(path, text).map_err(StoreError::io("write", path))
        })?;
        for group in parents(target) {
            let dir = self.store.join(group);
            own_file::refuse_link(&dir).map_err(StoreError::io("put a run into", &dir))?;
            self.make_group(&dir, |path| {
                write_json(path, &GroupFile::new(NoAttributes {})).map(drop)
            })?;
        }
        Ok(())
    }

    fn make_group(
        &self,
        dir: &Path,
        write: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let metadata = dir.join(METADATA);
        if metadata.exists() {
            return Ok(());
        }
        fs::create_dir_all(dir).map_err(StoreError::io("create", dir))?;
        let new = self.own().join("group.json");
        drop(fs::remove_file(&new));
        write(&new)?;
        replace_file(&new, &metadata)?;
        dir.parent().map_or(Ok(()), sync_dir)
    }

    /// Replaces the root's metadata by what `write` writes, in one step.
    pub(super) fn replace_root(
        &self,
        write: impl FnOnce(&mut File) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let new = self.own().join("root.json");
        let mut file = File::create(&new).map_err(StoreError::io("create", &new))?;
        write(&mut file)?;
        drop(file);
        replace_file(&new, &self.store.join(METADATA))
    }
}

impl Drop for Staging {
    /// Tidies up as far as it goes; what stays is dead, and the next ingest's to remove.
    fn drop(&mut self) {
        let lock = StoreLock::take(&self.folder);
        drop(self.own.take());
        drop(self.live.take());
        if let Ok(lock) = lock {
            lock.remove_folder_if_last(&self.folder);
        }
    }
}

/// True when two runs were made from the same file.
fn have_one_source(one: &Path, other: &Path) -> bool {
    let digests = |run: &Path| {
        let run = read_group::<RunAttributes>(&run.join(METADATA)).ok()?;
        Some((run.source_sha256()?.clone(), run.voxels().digest.clone()))
    };
    digests(one).is_some_and(|digest| digests(other) == Some(digest))
}

/// Removes the folders of ingests that are no longer running. Called under the store's lock, which
/// every ingest holds while it makes its folder and locks it.
fn remove_dead(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.starts_with(STAGING_PREFIX)) {
            continue;
        }
        let dir = entry.path();
        let alive = File::open(dir.join(LIVE_LOCK))
            .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
        if !alive {
            fs::remove_dir_all(&dir).map_err(StoreError::io("remove", &dir))?;
        }
    }
    Ok(())
}

/// The lock on a store's tree; let go when dropped.
#[derive(Debug)]
pub(super) struct StoreLock {
    file: File,
    path: PathBuf,
}

impl StoreLock {
    /// Waits for the lock. The last ingest to end removes the file, so a lock on a file that is no
    /// longer there is taken again.
    fn take(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(STORE_LOCK);
        loop {
            fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
            let opened = File::options().create(true).truncate(false).write(true).open(&path);
            let file = match opened {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(StoreError::io("create", &path))?,
            };
            file.lock().map_err(StoreError::io("lock", &path))?;
            if is_at(&file, &path) {
                return Ok(Self { file, path });
            }
        }
    }

    /// Removes the lock and its folder when nothing else is in it.
    fn remove_folder_if_last(self, folder: &Path) {
        let others = fs::read_dir(folder).map_or(usize::MAX, Iterator::count);
        if others == 1 {
            drop(fs::remove_file(&self.path));
            drop(fs::remove_dir(folder));
        }
        drop(self.file);
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let (here, there) = (file.metadata(), fs::metadata(path));
    matches!((here, there), (Ok(a), Ok(b)) if Stamp::of(&a) == Stamp::of(&b))
}

/// Syncs a new file and renames it over an old one.
fn replace_file(new: &Path, old: &Path) -> Result<(), StoreError> {
    File::open(new).and_then(|file| file.sync_all()).map_err(StoreError::io("sync", new))?;
    fs::rename(new, old).map_err(StoreError::io("replace", old))?;
    old.parent().map_or(Ok(()), sync_dir)
}
