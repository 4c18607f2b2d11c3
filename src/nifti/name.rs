//! What does a file's name say?
//!
//! Content decides what a file is; names decide where its sidecar lies, how an output is encoded, and which
//! hint a refusal gives.

use std::path::Path;

use crate::bids;

/// The file name without the first of these endings that it has; `None` where it has none of them.
pub(super) fn without_ending<'a>(path: &'a Path, endings: &[&str]) -> Option<&'a str> {
    bids::without_ending(path.file_name()?.to_str()?, endings)
}

/// True for a file name with one of these endings.
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    without_ending(path, endings).is_some()
}
