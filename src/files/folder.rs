//! How are folders made, listed, removed and made to last?

use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use rustix::fs::syncfs;

use super::watch::{Op, watch, watch_sync};

/// Makes a folder whose name must be free.
pub(crate) fn create_dir(dir: &Path) -> Result<()> {
    watch(Op::CreateDir(dir), || fs::create_dir(dir))
}

/// Makes a folder and those above it, where they are missing.
pub(crate) fn create_dir_all(dir: &Path) -> Result<()> {
    watch(Op::CreateDir(dir), || fs::create_dir_all(dir))
}

/// What is in a folder, in no order.
pub(crate) fn list(dir: &Path) -> Result<fs::ReadDir> {
    watch(Op::List(dir), || fs::read_dir(dir))
}

/// Goes through what is in a folder and, where `enter` says so, in the folders in it; links are not
/// followed. `enter` gets each path below `root`, what is there, and how many folders above it are below
/// `root`.
///
/// # Errors
/// What the system said, and the folder.
pub(crate) fn walk(
    root: &Path,
    mut enter: impl FnMut(&Path, fs::FileType, usize) -> bool,
) -> std::result::Result<(), (PathBuf, Error)> {
    let mut open = vec![(root.to_owned(), 0)];
    while let Some((dir, depth)) = open.pop() {
        let failed = |error| (dir.clone(), error);
        for entry in list(&dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let below = path.strip_prefix(root).unwrap_or(&path);
            if enter(below, kind, depth) && kind.is_dir() {
                open.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

pub(crate) fn remove_file(path: &Path) -> Result<()> {
    watch(Op::Remove(path), || fs::remove_file(path))
}

/// Removes a folder that is empty.
pub(crate) fn remove_dir(dir: &Path) -> Result<()> {
    watch(Op::Remove(dir), || fs::remove_dir(dir))
}

/// Removes a folder and what is in it; links are not followed.
pub(crate) fn remove_dir_all(dir: &Path) -> Result<()> {
    watch(Op::Remove(dir), || fs::remove_dir_all(dir))
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    watch_sync(Op::SyncDir(dir), || fs::File::open(dir)?.sync_all())
}

/// The file system that a folder lies on, to be synced later.
///
/// Linux tells of a page that could not be written to every handle that was open then, and else to one
/// only: another process that syncs in between would hear of it in our place. So this is opened before
/// the first byte is written.
#[derive(Debug)]
pub(crate) struct FileSystem {
    handle: fs::File,
    path: PathBuf,
}

impl FileSystem {
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let handle = watch(Op::Open(dir), || fs::File::open(dir))?;
        Ok(Self { handle, path: dir.to_owned() })
    }

    /// Makes everything on it survive a power cut.
    ///
    /// # Errors
    /// Also when anything that was written since [`of`](Self::of) did not reach the disk.
    pub(crate) fn sync(&self) -> Result<()> {
        watch_sync(Op::SyncAll(&self.path), || Ok(syncfs(&self.handle)?))
    }
}
