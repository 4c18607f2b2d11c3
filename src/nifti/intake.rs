//! Who notes what is odd about a file while it is opened?
//!
//! [`Intake`] carries the path and gathers warnings, so that the functions that judge header fields
//! need no other context. Decides nothing itself.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use super::NiftiError;
use super::layout::Layout;
use crate::run::Warning;

/// A file on its way in.
#[derive(Debug)]
pub(super) struct Intake {
    path: PathBuf,
    warnings: Vec<Warning>,
}

impl Intake {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), warnings: Vec::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Accepts something untidy.
    pub(super) fn warn(&mut self, code: &str, message: impl Into<String>) {
        self.warnings.push(Warning { code: code.to_owned(), message: message.into() });
    }

    /// The error for an unusable header field.
    pub(super) fn refuse(
        &self,
        field: impl Into<String>,
        found: impl Display,
        expected: impl Into<String>,
    ) -> NiftiError {
        NiftiError::Field {
            path: self.path.clone(),
            field: field.into(),
            found: found.to_string(),
            expected: expected.into(),
        }
    }

    /// The error for a kind of file that is not read here.
    pub(super) fn unsupported(&self, what: impl Into<String>, hint: &'static str) -> NiftiError {
        NiftiError::Unsupported { path: self.path.clone(), what: what.into(), hint }
    }

    /// The error for something that is no NIfTI file.
    pub(super) fn not_nifti(&self, found: impl Into<String>) -> NiftiError {
        NiftiError::NotNifti { path: self.path.clone(), found: found.into() }
    }

    /// The error for a file that ends before its last voxel.
    pub(super) fn too_short(&self, layout: &Layout, has_bytes: u128, why: String) -> NiftiError {
        NiftiError::TooShort {
            path: self.path.clone(),
            needs_bytes: layout.end().into(),
            has_bytes,
            why,
        }
    }

    /// Adds what was odd about another file of the run, by its name.
    pub(super) fn take_in(&mut self, other: Self) {
        let name = other.path.file_name().unwrap_or_default().to_string_lossy();
        for Warning { code, message } in other.warnings {
            self.warn(&code, format!("{name}: {message}"));
        }
    }

    pub(super) fn into_warnings(self) -> Vec<Warning> {
        self.warnings
    }
}
