//! Is this still the file that was opened?
//!
//! A [`Stamp`] is what the file system says about a file; two equal stamps mean that nobody wrote to
//! it in between (as far as file systems tell). Reads no content.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

/// Identity, size and time of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    pub(super) len: u64,
    pub(super) modified: Option<SystemTime>,
}

impl Stamp {
    pub(super) fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            len: found.len(),
            modified: found.modified().ok(),
        }
    }
}
