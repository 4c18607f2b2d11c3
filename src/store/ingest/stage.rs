//! Where are runs made, and how do they get into place?
//!
//! Beside the store lies `<store>.staging/`, with a folder for each ingest that is under way. Each
//! holds a lock file that the system unlocks when its process ends, however it ends: a folder whose
//! lock can be had is dead, and the next ingest removes it. A second lock, for the store, is held
//! while the tree is changed. Readers look at neither.
//!
//! Where the file system cannot exchange two folders, a run that is being replaced lies in `aside/` of an
//! ingest's own folder for a moment, by its path in the store. No such folder is removed before what
//! lies aside in it, and is missing in the store, is back.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::plan::RunPlan;
use crate::files::{self, File, TempDir};
use crate::runtime::Stamp;
use crate::store::error::StoreError;
use crate::store::layout::{
    ASIDE, LIVE_LOCK, METADATA, STAGING_PREFIX, STORE_LOCK, parents, staging_dir,
};
use crate::store::list_runs;
use crate::store::metadata::{
    GroupFile, NoAttributes, RootAttributes, RunAttributes, read_group, write_json, write_root,
};
use crate::store::own_file;
use crate::store::rename::{exchange, sync_place};

/// Removes what dead ingests left, and puts back what they had moved aside. Makes nothing.
pub(super) fn tidy(store: &Path) -> Result<(), StoreError> {
    let folder = staging_dir(store);
    if !files::exists(&folder).map_err(StoreError::io("open", &folder))? {
        return Ok(());
    }
    let lock = StoreLock::take(&folder)?;
    remove_dead(store, &folder)?;
    lock.remove_folder_if_last(&folder);
    Ok(())
}

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
        remove_dead(store, &folder)?;
        let own = TempDir::new(&folder, STAGING_PREFIX, "")
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
        let is_there = files::exists(&place).map_err(StoreError::io("open", &place))?;
        // Whatever the plan found there: who asks for force asks for the last word.
        if force && is_there {
            exchange(staged, &place, &self.own().join(ASIDE).join(&plan.target))?;
        } else if let Err(e) = files::rename_to_new(staged, &place) {
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
        sync_place(&place).map(|()| true)
    }

    /// Makes the root and the plain groups above a run, where they are missing.
    fn make_groups(&self, target: &str) -> Result<(), StoreError> {
        self.make_group(&self.store, |path| {
            let root = RootAttributes::new(super::seal::now(), vec![]);
            let mut text = Vec::new();
            write_root(&mut text, path, &root, std::iter::empty())?;
            File::create_new(path)
                .and_then(|mut file| file.write_all(&text))
                .map_err(StoreError::io("write", path))
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
        if files::exists(&metadata).map_err(StoreError::io("open", &metadata))? {
            return Ok(());
        }
        files::create_dir_all(dir).map_err(StoreError::io("create", dir))?;
        let new = self.own().join("group.json");
        drop(files::remove_file(&new));
        write(&new)?;
        replace_file(&new, &metadata)?;
        sync_place(dir)
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
        if let Some(own) = self.own.take()
            && (lock.is_err() || put_back(&self.store, own.path()).is_err())
        {
            own.keep();
        }
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
fn remove_dead(store: &Path, folder: &Path) -> Result<(), StoreError> {
    for entry in files::list(folder).map_err(StoreError::io("list", folder))? {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.starts_with(STAGING_PREFIX)) {
            continue;
        }
        let dir = entry.path();
        if is_dead(&dir.join(LIVE_LOCK)) {
            put_back(store, &dir)?;
            files::remove_dir_all(&dir).map_err(StoreError::io("remove", &dir))?;
        }
    }
    Ok(())
}

/// True where an ingest's lock can be had, or it never came to make one. One that cannot be asked may be
/// alive.
fn is_dead(live: &Path) -> bool {
    match File::open(live).and_then(|lock| lock.is_locked()) {
        Ok(locked) => !locked,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Gives their places back to the runs that lie aside in an ingest's folder, where nothing has them.
fn put_back(store: &Path, own: &Path) -> Result<(), StoreError> {
    let aside = own.join(ASIDE);
    if !files::exists(&aside).map_err(StoreError::io("open", &aside))? {
        return Ok(());
    }
    for run in list_runs(&aside)? {
        let place = store.join(&run);
        if !files::exists(&place).map_err(StoreError::io("open", &place))? {
            let run = aside.join(run);
            files::rename_to_new(&run, &place).map_err(StoreError::io("put back", &run))?;
            sync_place(&place)?;
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
            match files::create_dir_all(folder) {
                // It was there, and went before it could be asked whether it is a folder.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && may_be_folder(folder) => {
                    continue;
                }
                made => made.map_err(StoreError::io("create", folder))?,
            }
            let file = match File::open_or_create(&path) {
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
        let others = files::list(folder).map_or(usize::MAX, Iterator::count);
        if others == 1 {
            drop(files::remove_file(&self.path));
            drop(files::remove_dir(folder));
        }
        drop(self.file);
    }
}

/// True unless something else than a folder is there.
fn may_be_folder(path: &Path) -> bool {
    match files::look_at_link(path) {
        Ok(found) => found.is_dir(),
        Err(e) => e.kind() == io::ErrorKind::NotFound,
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let (here, there) = (file.metadata(), files::look(path));
    matches!((here, there), (Ok(a), Ok(b)) if Stamp::of(&a) == Stamp::of(&b))
}

/// Syncs a new file and renames it over an old one.
fn replace_file(new: &Path, old: &Path) -> Result<(), StoreError> {
    File::open(new).and_then(|file| file.sync()).map_err(StoreError::io("sync", new))?;
    files::rename(new, old).map_err(StoreError::io("replace", old))?;
    sync_place(old)
}
