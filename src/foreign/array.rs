//! How does an array of another tool open?

use std::path::Path;
use std::sync::Arc;

use super::described::Described;
use super::error::ForeignError;
use super::keys::{Found, survey};
use super::node::{Format, Node};
use super::source::ForeignSource;
use super::{v2, v3};
use crate::files;
use crate::runtime::Stamp;
use crate::source::Source;

/// An array whose metadata have been understood, and whose files have been counted.
#[derive(Debug)]
pub(super) struct OpenedArray {
    pub(super) node: Node,
    pub(super) array: Described,
    pub(super) found: Found,
    version: Stamp,
}

impl OpenedArray {
    /// The array in a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, ForeignError> {
        let help = "give the folder of an OME-Zarr image or of a Zarr array";
        let Some(node) = Node::of(folder)? else {
            let found = if files::exists(folder).unwrap_or(false) {
                "no Zarr node"
            } else {
                "nothing is there"
            };
            return Err(ForeignError::other(folder, found, help));
        };
        if !node.is_array {
            return Err(ForeignError::other(folder, "a Zarr group and no array", help));
        }
        let version = files::look(&node.file).map_err(ForeignError::io("open", &node.file))?;
        let array = match node.format {
            Format::V2 => v2::describe(&node.file)?,
            Format::V3 => v3::describe(&node.file)?,
        };
        let found = survey(folder, array.keys, &array.file_counts())?;
        Ok(Self { node, array, found, version: Stamp::of(&version) })
    }

    /// Number of files where every chunk is there.
    pub(super) fn files(&self) -> u64 {
        self.array.file_counts().iter().fold(1, |all: u64, n| all.saturating_mul(*n))
    }

    /// The source of its numbers, with these axes.
    pub(super) fn into_source(
        self,
        name: String,
        folder: &Path,
        axes: Vec<Option<usize>>,
    ) -> ForeignSource {
        let metadata = (self.node.file, self.version);
        ForeignSource::new(name, folder, metadata, self.array, axes, self.found.bytes)
    }
}

/// Opens a Zarr array that another tool wrote, of either version of the format: any region of it can be
/// read, chunks (those in shards, where there are shards) are its blocks. Axes are reversed: the fastest of
/// a Zarr array in C order is axis 0. Reads metadata and lists files.
///
/// Nothing vouches for the numbers: a chunk that is missing reads as the fill value, and damage is found
/// only where the array's own codecs have checksums.
///
/// # Errors
/// When there is no array, it is one that voxstore wrote (use
/// [`store::open_array`](crate::store::open_array)), or it has a type, codec or field that is not read.
pub fn open_array(path: impl AsRef<Path>) -> Result<Arc<dyn Source>, ForeignError> {
    let path = path.as_ref();
    let opened = OpenedArray::open(path)?;
    if opened.node.is_ours(path) {
        let help = "open it with store::open_array, or the store that holds it, which verify what they read";
        return Err(ForeignError::other(path, "an array that voxstore wrote", help));
    }
    let axes = (0..opened.array.shape.len()).rev().map(Some).collect();
    Ok(Arc::new(opened.into_source(path.display().to_string(), path, axes)))
}
