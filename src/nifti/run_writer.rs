//! How does a run become a NIfTI file again, byte for byte?
//!
//! [`Writer`] takes the header bytes a run came with and its voxels in memory order, and swaps them
//! back where the header is big-endian. A pair becomes a pair, or under the name of a single file one.
//! Bytes that followed the last voxel of the source are not part of a run and do not come back.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::error::WriteFault;
use super::header::Header;
use super::joined_header::joined_header;
use super::layout::Layout;
use super::output::{OUTPUT_SCRATCH_BYTES, OutputFile};
use super::pair::{Container, Half};
use super::pair_output::PairOutput;
use super::{Intake, NiftiError};
use crate::dtype::swap_bytes;
use crate::run::RunInfo;

#[cfg(test)]
mod tests;

/// Voxels swapped at once.
const SWAP_BYTES: usize = 64 << 10;
/// Memory a [`Writer`] uses.
pub(super) const WRITER_SCRATCH_BYTES: u64 = OUTPUT_SCRATCH_BYTES + SWAP_BYTES as u64;

/// A NIfTI file that is being written; it appears under its name when
/// [`commit`](Self::commit) returns. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    output: Output,
    layout: Layout,
    big_endian: bool,
    /// Bytes of voxels put so far.
    put_bytes: u64,
    swapped: Vec<u8>,
}

#[derive(Debug)]
enum Output {
    Single(OutputFile),
    Pair(Box<PairOutput>),
}

impl Writer {
    /// Starts a file with the header of a run, unchanged. A name that ends in `.gz` compresses (gzip level 6,
    /// the same bytes every time), others do not.
    ///
    /// A run that came from a pair becomes a pair where `path` names the `.hdr` or the `.img` of one. As
    /// `.nii` or `.nii.gz` its header gets the magic and `vox_offset` of a single file; bytes that were
    /// before the first voxel in the `.img` are left out.
    ///
    /// # Errors
    /// When `path` exists and `overwrite` is false, has another ending, or cannot be written; when
    /// the run's header bytes are no NIfTI header.
    pub(super) fn create(
        path: impl AsRef<Path>,
        info: &RunInfo,
        overwrite: bool,
    ) -> Result<Self, NiftiError> {
        let path = path.as_ref();
        let mut intake = Intake::new(path);
        let mut header = Header::parse(&info.header, &mut intake)?;
        if info.origin.dim[0] >= 5 && info.origin.dim[5] > 1 {
            // It became a run because that was asked for when it was opened.
            header.take_fifth_as_time(&mut intake)?;
        }
        let container = Container::of(&info.origin);
        let layout = Layout::of(&header, container, &mut intake)?;
        let header_bytes = match container {
            Container::Single => layout.offset as usize,
            Container::Pair => info.header.len().saturating_sub(layout.offset as usize),
        };
        let least = header.version.header_bytes();
        let (Some((head, gap)), true) =
            (info.header.split_at_checked(header_bytes), header_bytes >= least)
        else {
            return Err(header_length(path, info, &layout));
        };
        let (output, first) = match (container, Half::of(path)) {
            (Container::Pair, Some(half)) => {
                let output = PairOutput::create(path, half, head, overwrite)?;
                (Output::Pair(Box::new(output)), Cow::Borrowed(gap))
            }
            (Container::Pair, None) => {
                let output = OutputFile::create(path, overwrite)?;
                (Output::Single(output), Cow::Owned(joined_header(&header, head)))
            }
            (Container::Single, _) if !gap.is_empty() => {
                return Err(header_length(path, info, &layout));
            }
            (Container::Single, _) => {
                (Output::Single(OutputFile::create(path, overwrite)?), Cow::Borrowed(head))
            }
        };
        let (path, big_endian) = (path.to_owned(), header.big_endian);
        let mut writer = Self { path, output, layout, big_endian, put_bytes: 0, swapped: vec![] };
        writer.append(&first)?;
        Ok(writer)
    }

    /// Appends voxels: whole ones, little-endian, in memory order (x fastest, t slowest).
    ///
    /// # Errors
    /// When they are more than the header's shape holds, or cannot be written. The file will not
    /// appear then.
    pub(super) fn put(&mut self, voxels: &[u8]) -> Result<(), NiftiError> {
        let (len, item) = (voxels.len() as u64, self.layout.dtype.size());
        if len > self.layout.voxel_bytes - self.put_bytes || !len.is_multiple_of(item as u64) {
            return Err(self.length(self.put_bytes.saturating_add(len)));
        }
        self.put_bytes += len;
        if !self.big_endian || item == 1 {
            return self.append(voxels);
        }
        for part in voxels.chunks(SWAP_BYTES) {
            self.swapped.clear();
            self.swapped.extend_from_slice(part);
            swap_bytes(&mut self.swapped, item);
            let written = self.output.write(&self.swapped);
            written.map_err(|fault| NiftiError::write(&self.path, fault))?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), NiftiError> {
        self.output.write(bytes).map_err(|fault| NiftiError::write(&self.path, fault))
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// When voxels are missing, a `put` failed before, the disk refuses, or the name was taken
    /// meanwhile.
    pub(super) fn commit(self) -> Result<(), NiftiError> {
        if self.put_bytes != self.layout.voxel_bytes {
            return Err(self.length(self.put_bytes));
        }
        match self.output {
            Output::Single(file) => {
                file.commit().map_err(|fault| NiftiError::write(&self.path, fault))
            }
            Output::Pair(pair) => pair.commit(),
        }
    }

    fn length(&self, found: u64) -> NiftiError {
        NiftiError::Length {
            path: self.path.clone(),
            found: format!("{found} bytes of voxels"),
            expected: format!("{} ({})", self.layout.voxel_bytes, self.layout.why()),
        }
    }
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteFault> {
        match self {
            Self::Single(file) => file.write(bytes),
            Self::Pair(pair) => pair.write(bytes),
        }
    }
}

/// The error for header bytes that end elsewhere than the header says.
fn header_length(path: &Path, info: &RunInfo, layout: &Layout) -> NiftiError {
    NiftiError::Length {
        path: path.to_owned(),
        found: format!("{} bytes of header", info.header.len()),
        expected: format!("voxels from byte {}", layout.offset),
    }
}
