//! How do finished files and folders get their names?
//!
//! Each in one step of the system, where it has such a step.

use std::fs;
use std::io::{ErrorKind, Result};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::watch::{Op, watch};

/// Gives a file another name, in the place of what has it; a folder only where nothing is in that.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    watch(Op::Rename(from, to), || fs::rename(from, to))
}

/// Gives a file or folder a name that must be free.
///
/// Where the file system knows no such rename, a file gets a second name and loses the first, and a
/// folder is renamed over none or an empty one.
pub(crate) fn rename_to_new(from: &Path, to: &Path) -> Result<()> {
    let done = watch(Op::RenameToNew(from, to), || with(from, to, RenameFlags::NOREPLACE));
    match done {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        done => return done,
    }
    if super::look_at_link(from)?.is_dir() {
        return rename(from, to);
    }
    watch(Op::Link(from, to), || fs::hard_link(from, to))?;
    // It has its name; a second one that stays is untidy and no more.
    drop(super::remove_file(from));
    Ok(())
}

/// Has two files or folders change places, in one step.
///
/// # Errors
/// [`ErrorKind::Unsupported`] where the file system cannot.
pub(crate) fn exchange(one: &Path, other: &Path) -> Result<()> {
    watch(Op::Exchange(one, other), || with(one, other, RenameFlags::EXCHANGE))
}

fn with(from: &Path, to: &Path, flags: RenameFlags) -> Result<()> {
    match renameat_with(CWD, from, CWD, to, flags) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Err(ErrorKind::Unsupported.into()),
        done => Ok(done?),
    }
}
