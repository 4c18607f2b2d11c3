//! Which operation is this?
//!
//! Each function of this layer names what it is about to do. In the library that name goes nowhere; in
//! unit tests `faults` decides whether the operation happens.

use std::path::Path;

/// An operation on the disk.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "looked into by unit tests only"))]
pub(super) enum Op<'a> {
    /// A new file, or an old one emptied.
    Create(&'a Path),
    CreateDir(&'a Path),
    Open(&'a Path),
    /// What kind of thing is there, of what length?
    Look(&'a Path),
    List(&'a Path),
    Read(&'a Path),
    Lock(&'a Path),
    /// At this byte, or behind what was written before.
    Write(&'a Path, Option<u64>),
    SyncFile(&'a Path),
    SyncDir(&'a Path),
    /// The whole file system that this lies on.
    SyncAll(&'a Path),
    Rename(&'a Path, &'a Path),
    /// Only to a name that is free.
    RenameToNew(&'a Path, &'a Path),
    Exchange(&'a Path, &'a Path),
    /// A second name.
    Link(&'a Path, &'a Path),
    Remove(&'a Path),
}

#[cfg(test)]
pub(super) use super::faults::{watch, watch_sync, watch_write};

#[cfg(not(test))]
pub(super) use plain::{watch, watch_sync, watch_write};

#[cfg(not(test))]
mod plain {
    use std::io::Result;

    use super::Op;

    /// Does it.
    pub(in crate::files) fn watch<T>(_: Op<'_>, call: impl FnOnce() -> Result<T>) -> Result<T> {
        call()
    }

    /// Syncs.
    pub(in crate::files) fn watch_sync(_: Op<'_>, call: impl FnOnce() -> Result<()>) -> Result<()> {
        call()
    }

    /// Writes all of the bytes.
    pub(in crate::files) fn watch_write(
        _: Op<'_>,
        bytes: &[u8],
        call: impl FnOnce(&[u8]) -> Result<()>,
    ) -> Result<()> {
        call(bytes)
    }
}
