//! How does a part of a job lie on disk?
//!
//! As a Zarr v3 group of its own, `x.zarr`, with groups and arrays below it that [`ZarrSink`](super::ZarrSink) writes. It
//! is made beside its place and gets its name whole, by one rename. What its attributes say is the caller's matter.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::layout::{ASIDE_SUFFIX, METADATA, PART_PREFIX, PART_SUFFIX, beside};
use super::metadata::{
    COMPLETE, GroupFile, NoAttributes, Ours, SCHEMA, read_group, tool, write_json,
};
use super::rename::{exchange, sync_place};
use crate::files::{self, FileSystem, TempDir};
use crate::runtime::folder_of;

/// Attributes of a part's group.
#[derive(Debug, Serialize, Deserialize)]
struct PartAttributes<A> {
    voxstore: Head,
    part: A,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    schema: String,
    status: String,
    tool: String,
}

impl<A: DeserializeOwned> Ours for PartAttributes<A> {
    fn schema(&self) -> &str {
        &self.voxstore.schema
    }

    fn status(&self) -> Option<&str> {
        Some(&self.voxstore.status)
    }
}

/// What the attributes of a part say.
///
/// # Errors
/// When nothing is there, or something else; when the metadata is damaged.
pub(crate) fn read_part<A: DeserializeOwned>(place: &Path) -> Result<A, StoreError> {
    let attributes: PartAttributes<A> = read_group(&place.join(METADATA))?;
    Ok(attributes.part)
}

/// True when something is there.
///
/// # Errors
/// When the file system does not say.
pub(crate) fn is_taken(place: &Path) -> Result<bool, StoreError> {
    match files::look_at_link(place) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("open", place)(error)),
    }
}

/// The folders in `folder` that are called like parts, by name.
///
/// # Errors
/// When it cannot be listed.
pub(crate) fn list_folders(
    folder: &Path,
    is_part: impl Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for entry in files::list(folder).map_err(StoreError::io("list", folder))? {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        if entry.file_name().to_str().is_some_and(&is_part) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// A part that is being written. Dropped instead of sealed, it leaves nothing behind.
pub(crate) struct PartWriter {
    place: PathBuf,
    staged: TempDir,
    disk: FileSystem,
}

impl PartWriter {
    /// Begins a part beside `place`, whose folder is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn create(place: &Path) -> Result<Self, StoreError> {
        let folder = folder_of(place);
        files::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        let staged = TempDir::new(folder, PART_PREFIX, PART_SUFFIX)
            .map_err(StoreError::io("create a folder in", folder))?;
        let disk = FileSystem::of(staged.path()).map_err(StoreError::io("open", staged.path()))?;
        let writer = Self { place: place.to_owned(), staged, disk };
        let dir = writer.dir();
        files::create_dir(&dir).map_err(StoreError::io("create", &dir))?;
        Ok(writer)
    }

    /// Where the group is made.
    fn dir(&self) -> PathBuf {
        self.staged.path().join("part")
    }

    /// Makes a group without attributes below the part's; gives its folder.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn group(&self, name: &str) -> Result<PathBuf, StoreError> {
        let dir = self.dir().join(name);
        files::create_dir(&dir).map_err(StoreError::io("create", &dir))?;
        write_json(&dir.join(METADATA), &GroupFile::new(NoAttributes {}))?;
        Ok(dir)
    }

    /// Syncs everything and gives the part its name; where `replace`, in the place of what has it. False where something
    /// has the name by now and stays.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn seal<A: Serialize>(self, part: A, replace: bool) -> Result<bool, StoreError> {
        let (schema, status) = (SCHEMA.to_owned(), COMPLETE.to_owned());
        let attributes = PartAttributes { voxstore: Head { schema, status, tool: tool() }, part };
        let dir = self.dir();
        write_json(&dir.join(METADATA), &GroupFile::new(attributes))?;
        self.disk.sync().map_err(StoreError::io("sync", &dir))?;
        if replace && is_taken(&self.place)? {
            exchange(&dir, &self.place, &beside(&self.place, ASIDE_SUFFIX))?;
        } else if let Err(error) = files::rename_to_new(&dir, &self.place) {
            return match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => Ok(false),
                _ => Err(StoreError::io("rename the finished part to", &self.place)(error)),
            };
        }
        sync_place(&self.place)?;
        Ok(true)
    }
}
