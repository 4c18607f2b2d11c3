//! What can go wrong with a store of another tool, and what would help?

use std::io;
use std::path::{Path, PathBuf};

use crate::nifti::NiftiError;

/// A store of another tool cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// The file system said no.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried: `read`, `list`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path holds something else than was asked for.
    #[error("{}: {found}; {help}", .path.display())]
    Other {
        /// The path given.
        path: PathBuf,
        /// What is there.
        found: String,
        /// The next step.
        help: &'static str,
    },
    /// Sound, perhaps, and of a kind that is not read here.
    #[error("{}: {field} is {found}; voxstore reads {expected}; convert it with the tool that wrote it", .file.display())]
    Unsupported {
        /// The metadata file.
        file: PathBuf,
        /// The field.
        field: &'static str,
        /// What can be read.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A metadata file that contradicts itself or its format.
    #[error("{}: {field}: expected {expected}, found {found}; the file is damaged or was made by hand, \
        write the store again", .file.display())]
    Metadata {
        /// The metadata file.
        file: PathBuf,
        /// The field.
        field: &'static str,
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// The NIfTI header beside the voxels is not usable.
    #[error(transparent)]
    Nifti(#[from] NiftiError),
}

impl ForeignError {
    /// An [`Io`](Self::Io) error, as a function for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(super) fn other(path: &Path, found: impl Into<String>, help: &'static str) -> Self {
        Self::Other { path: path.to_owned(), found: found.into(), help }
    }
}

/// Words errors about one metadata file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Complain<'a>(pub(super) &'a Path);

impl Complain<'_> {
    pub(super) fn unsupported(
        self,
        field: &'static str,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> ForeignError {
        let (expected, found) = (expected.into(), found.to_string());
        ForeignError::Unsupported { file: self.0.to_owned(), field, expected, found }
    }

    pub(super) fn wrong(
        self,
        field: &'static str,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> ForeignError {
        let (expected, found) = (expected.into(), found.to_string());
        ForeignError::Metadata { file: self.0.to_owned(), field, expected, found }
    }
}
