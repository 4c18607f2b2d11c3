//! How do the two files of a pair appear together?
//!
//! The image gets its name first and the header last: who finds a header finds its voxels. Where an older pair
//! is replaced, its header goes first, so that at no time an old header lies beside new voxels. A
//! process that dies in between leaves an image alone, which nobody reads.

use std::io;
use std::path::{Path, PathBuf};

use super::NiftiError;
use super::error::WriteFault;
use super::output::{OutputFile, StagedFile};
use super::pair::Half;
use crate::files::{self, File};

/// A header that is finished, and an image that is being written.
#[derive(Debug)]
pub(super) struct PairOutput {
    header_path: PathBuf,
    image_path: PathBuf,
    header: StagedFile,
    header_file: File,
    image: OutputFile,
}

impl PairOutput {
    /// Starts both files beside their names, and writes all of the header. `path` names either.
    ///
    /// # Errors
    /// When one of them exists and is not to be overwritten, or cannot be written.
    pub(super) fn create(
        path: &Path,
        half: Half,
        header_bytes: &[u8],
        overwrite: bool,
    ) -> Result<Self, NiftiError> {
        let (header_path, image_path) = match half {
            Half::Header => (path.to_owned(), half.twin(path)),
            Half::Image => (half.twin(path), path.to_owned()),
        };
        let mut header = OutputFile::create_half(&header_path, overwrite)?;
        let finished = header.write(header_bytes).and_then(|()| header.finish());
        let (header, header_file) =
            finished.map_err(|fault| NiftiError::write(&header_path, fault))?;
        let image = OutputFile::create_half(&image_path, overwrite)?;
        Ok(Self { header_path, image_path, header, header_file, image })
    }

    /// Appends to the image.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFault> {
        self.image.write(bytes)
    }

    /// Makes both durable, then visible.
    pub(super) fn commit(self) -> Result<(), NiftiError> {
        let Self { header_path, image_path, header, header_file, image } = self;
        let (image, image_file) =
            image.finish().map_err(|fault| NiftiError::write(&image_path, fault))?;
        if header.overwrite() {
            match files::remove_file(&header_path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(NiftiError::io(&header_path, "replace the old header", e));
                }
                _ => {}
            }
        }
        image.commit(image_file).map_err(|fault| NiftiError::write(&image_path, fault))?;
        header.commit(header_file).map_err(|fault| {
            // The name was free a moment ago; the image is ours and of no use alone.
            drop(files::remove_file(&image_path));
            NiftiError::write(&header_path, fault)
        })
    }
}
