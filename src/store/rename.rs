//! How does a folder get its name in one step, and stay there after a power cut?
//!
//! Renames that never replace, exchanges, and syncs. Knows nothing of what lies in the folders.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with, syncfs};
use rustix::io::Errno;

use super::StoreError;

/// Renames a folder to a name that must be free.
pub(super) fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(done) = rename_with(from, to, RenameFlags::NOREPLACE) {
        return done;
    }
    // Over a folder that is not empty this fails too.
    fs::rename(from, to)
}

/// Puts `new` where `old` is and the other way round, in one step where the file system can.
pub(super) fn exchange(new: &Path, old: &Path) -> Result<(), StoreError> {
    if let Some(done) = rename_with(new, old, RenameFlags::EXCHANGE) {
        return done.map_err(StoreError::io("exchange", old));
    }
    let aside = new.with_extension("old");
    fs::rename(old, &aside).map_err(StoreError::io("move aside", old))?;
    fs::rename(new, old).map_err(|e| {
        drop(fs::rename(&aside, old));
        StoreError::io("rename a staged run to", old)(e)
    })
}

/// `None` where the file system cannot do it in one step.
fn rename_with(from: &Path, to: &Path, flags: RenameFlags) -> Option<io::Result<()>> {
    match renameat_with(CWD, from, CWD, to, flags) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => None,
        done => Some(done.map_err(io::Error::from)),
    }
}

/// Makes everything below `dir` survive a power cut: one call for its file system.
pub(super) fn sync_tree(dir: &Path) -> Result<(), StoreError> {
    let handle = File::open(dir).map_err(StoreError::io("open", dir))?;
    syncfs(&handle).map_err(|e| StoreError::io("sync", dir)(e.into()))
}

/// Makes renames in a folder survive a power cut.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|handle| handle.sync_all()).map_err(StoreError::io("sync", dir))
}
