//! How does a NIfTI file appear whole or not at all?
//!
//! A [`StagedFile`] lies beside its destination and is renamed over to it by `commit`; dropped before
//! that it leaves nothing. An [`OutputFile`] is one that is written front to back: compressed where
//! its name ends in `.gz`, with the same bytes for the same input. Knows nothing of headers.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::NiftiError;
use super::error::WriteFault;
use super::name::has_ending;
use crate::files::{self, File, TempPath};
use crate::runtime::folder_of;

const BUFFER_BYTES: usize = 64 << 10;
/// Memory of an output: its buffers, and deflate's window and tables.
pub(super) const OUTPUT_SCRATCH_BYTES: u64 = (BUFFER_BYTES as u64) + (576 << 10);

/// What gzip files are made with.
const GZIP_LEVEL: u32 = 6;

/// A file beside its destination, which has no name there yet.
#[derive(Debug)]
pub(super) struct StagedFile {
    path: PathBuf,
    overwrite: bool,
    temp: TempPath,
}

impl StagedFile {
    /// Starts a file beside `path`.
    ///
    /// # Errors
    /// When `path` exists and is not to be overwritten, is a folder, or its folder cannot be written;
    /// when its name is not that of a single file.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<(Self, File), NiftiError> {
        if !has_ending(path, &[".nii", ".nii.gz"]) {
            return Err(NiftiError::Unsupported {
                path: path.to_owned(),
                what: "writing to this kind of name is".to_owned(),
                hint: "end it in .nii or .nii.gz",
            });
        }
        Self::begin(path, overwrite)
    }

    /// As [`create`](Self::create), under any name.
    fn begin(path: &Path, overwrite: bool) -> Result<(Self, File), NiftiError> {
        match files::look_at_link(path) {
            Ok(found) if found.is_dir() || !overwrite => {
                return Err(NiftiError::Exists { path: path.to_owned() });
            }
            _ => {}
        }
        let (temp, file) = TempPath::new(folder_of(path), ".voxstore-", ".part")
            .map_err(|e| NiftiError::io(path, "create a file in its folder", e))?;
        Ok((Self { path: path.to_owned(), overwrite, temp }, file))
    }

    /// True where a file of that name is replaced.
    pub(super) fn overwrite(&self) -> bool {
        self.overwrite
    }

    /// Makes the file durable, then visible under its name.
    pub(super) fn commit(self, file: File) -> Result<(), WriteFault> {
        let Self { path, overwrite, temp } = self;
        file.sync().map_err(WriteFault::io("write"))?;
        let renamed = if overwrite { temp.rename(&path) } else { temp.rename_to_new(&path) };
        renamed.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => WriteFault::Exists,
            _ => WriteFault::io("move the finished file to its name")(error),
        })?;
        files::sync_dir(folder_of(&path)).map_err(WriteFault::io("make the new name durable"))
    }
}

/// A file that is being written front to back.
#[derive(Debug)]
pub(super) struct OutputFile {
    staged: StagedFile,
    encoder: Encoder,
    /// A write failed: what is there has a hole, and must never get its name.
    failed: bool,
}

#[derive(Debug)]
enum Encoder {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl OutputFile {
    /// Starts a file beside `path`; one that ends in `.gz` is compressed.
    ///
    /// # Errors
    /// As [`StagedFile::create`].
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, NiftiError> {
        let (staged, file) = StagedFile::create(path, overwrite)?;
        Ok(Self::over(staged, file))
    }

    /// Starts a file of a pair.
    ///
    /// # Errors
    /// As [`StagedFile::create`], but under any name.
    pub(super) fn create_half(path: &Path, overwrite: bool) -> Result<Self, NiftiError> {
        let (staged, file) = StagedFile::begin(path, overwrite)?;
        Ok(Self::over(staged, file))
    }

    fn over(staged: StagedFile, file: File) -> Self {
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        let encoder = if is_gzip(&staged.path) {
            // No file name and no time: the same input gives the same bytes.
            let level = Compression::new(GZIP_LEVEL);
            Encoder::Gzip(Box::new(GzBuilder::new().mtime(0).write(file, level)))
        } else {
            Encoder::Plain(file)
        };
        Self { staged, encoder, failed: false }
    }

    /// Appends bytes. After a failure nothing more is taken.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFault> {
        self.check_whole()?;
        let written = match &mut self.encoder {
            Encoder::Plain(file) => file.write_all(bytes),
            Encoder::Gzip(encoder) => encoder.write_all(bytes),
        };
        self.failed = written.is_err();
        written.map_err(WriteFault::io("write"))
    }

    fn check_whole(&self) -> Result<(), WriteFault> {
        if self.failed {
            return Err(WriteFault::io("write")(io::Error::other("an earlier write failed")));
        }
        Ok(())
    }

    /// Makes the file durable, then visible under its name.
    pub(super) fn commit(self) -> Result<(), WriteFault> {
        let (staged, file) = self.finish()?;
        staged.commit(file)
    }

    /// Ends the file; what made it needs no memory any more.
    pub(super) fn finish(self) -> Result<(StagedFile, File), WriteFault> {
        self.check_whole()?;
        let file = match self.encoder {
            Encoder::Plain(file) => Ok(file),
            Encoder::Gzip(encoder) => encoder.finish(),
        };
        let file = file
            .and_then(|file| file.into_inner().map_err(io::IntoInnerError::into_error))
            .map_err(WriteFault::io("write"))?;
        Ok((self.staged, file))
    }
}

/// True for a name whose file is compressed.
pub(super) fn is_gzip(path: &Path) -> bool {
    has_ending(path, &[".gz"])
}
