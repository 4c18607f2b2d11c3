//! Where is a thing made that has no name yet?
//!
//! Under a name nobody has, in a folder of the caller's choice; what got no name of its own in the end
//! is removed.

use std::io::Result;
use std::mem;
use std::path::{Path, PathBuf};

use super::watch::{Op, watch};
use super::{File, create_dir, remove_dir_all, remove_file, rename, rename_to_new};

/// A folder that goes when this is dropped, with what is in it.
#[derive(Debug)]
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// A new folder in `folder`.
    pub(crate) fn new(folder: &Path, prefix: &str, suffix: &str) -> Result<Self> {
        unique(folder, prefix, suffix, create_dir).map(|((), path)| Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Lets it stay.
    pub(crate) fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            drop(remove_dir_all(&self.0));
        }
    }
}

/// The name of a file that goes when this is dropped, unless it was given another name.
#[derive(Debug)]
pub(crate) struct TempPath(PathBuf);

impl TempPath {
    /// A new file in `folder`.
    pub(crate) fn new(folder: &Path, prefix: &str, suffix: &str) -> Result<(Self, File)> {
        unique(folder, prefix, suffix, File::create_new).map(|(file, path)| (Self(path), file))
    }

    /// Gives the file a name, in the place of a file that has it.
    pub(crate) fn rename(self, to: &Path) -> Result<()> {
        rename(&self.0, to).map(|()| self.forget())
    }

    /// Gives the file a name that must be free.
    pub(crate) fn rename_to_new(self, to: &Path) -> Result<()> {
        rename_to_new(&self.0, to).map(|()| self.forget())
    }

    fn forget(mut self) {
        mem::take(&mut self.0);
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            drop(remove_file(&self.0));
        }
    }
}

/// A file without a name, gone when it is closed.
pub(crate) fn unnamed_file(folder: &Path) -> Result<File> {
    let called = folder.join("(unnamed)");
    File::new(&called, watch(Op::Create(&called), || tempfile::tempfile_in(folder)))
}

/// Makes something under a name that nobody has.
fn unique<T>(
    folder: &Path,
    prefix: &str,
    suffix: &str,
    make: impl FnMut(&Path) -> Result<T>,
) -> Result<(T, PathBuf)> {
    let made = tempfile::Builder::new().prefix(prefix).suffix(suffix).make_in(folder, make)?;
    let (made, path) = made.into_parts();
    // It is ours to remove from here on.
    Ok((made, path.keep().map_err(|refused| refused.error)?))
}
