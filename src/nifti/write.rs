//! How does a run become a NIfTI file again, byte for byte?
//!
//! [`Writer`] takes the header bytes a run came with and its voxels in memory order, and swaps them
//! back where the header is big-endian. Bytes that followed the last voxel of the source are not
//! part of a run and do not come back.

use std::fmt;
use std::path::Path;

use super::header::Header;
use super::layout::Layout;
use super::output::{OUTPUT_SCRATCH_BYTES, OutputFile};
use super::{Intake, NiftiError};
use crate::dtype::swap_bytes;
use crate::run::RunInfo;

/// Voxels swapped at once.
const SWAP_BYTES: usize = 64 << 10;
/// Memory a [`Writer`] uses.
pub(super) const WRITER_SCRATCH_BYTES: u64 = OUTPUT_SCRATCH_BYTES + SWAP_BYTES as u64;

/// A NIfTI file that is being written; it appears under its name when
/// [`commit`](Self::commit) returns. Dropped before that, it leaves nothing.
pub struct Writer {
    output: OutputFile,
    layout: Layout,
    big_endian: bool,
    /// Bytes of voxels put so far.
    put_bytes: u64,
    swapped: Vec<u8>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.output.path())
            .field("layout", &self.layout)
            .field("put_bytes", &self.put_bytes)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts a file with the header of a run, unchanged. `.nii.gz` compresses (gzip level 6, the
    /// same bytes every time), `.nii` does not.
    ///
    /// # Errors
    /// When `path` exists and `overwrite` is false, has another ending, or cannot be written; when
    /// the run's header bytes are no NIfTI header.
    pub fn create(
        path: impl AsRef<Path>,
        info: &RunInfo,
        overwrite: bool,
    ) -> Result<Self, NiftiError> {
        let path = path.as_ref();
        let mut intake = Intake::new(path);
        let header = Header::parse(&info.header, &mut intake)?;
        let layout = Layout::of(&header, &mut intake)?;
        if layout.offset != info.header.len() as u64 {
            return Err(NiftiError::Length {
                path: path.to_owned(),
                found: format!("{} bytes of header", info.header.len()),
                expected: format!("voxels from byte {}", layout.offset),
            });
        }
        let mut output = OutputFile::create(path, overwrite)?;
        output.write(&info.header)?;
        let big_endian = header.big_endian;
        Ok(Self { output, layout, big_endian, put_bytes: 0, swapped: Vec::new() })
    }

    /// Appends voxels: whole ones, little-endian, in memory order (x fastest, t slowest).
    ///
    /// # Errors
    /// When they are more than the header's shape holds, or cannot be written. The file will not
    /// appear then.
    pub fn put(&mut self, voxels: &[u8]) -> Result<(), NiftiError> {
        let (len, item) = (voxels.len() as u64, self.layout.dtype.size());
        if len > self.layout.voxel_bytes - self.put_bytes || !len.is_multiple_of(item as u64) {
            return Err(self.length(self.put_bytes.saturating_add(len)));
        }
        self.put_bytes += len;
        if !self.big_endian || item == 1 {
            return self.output.write(voxels);
        }
        for part in voxels.chunks(SWAP_BYTES) {
            self.swapped.clear();
            self.swapped.extend_from_slice(part);
            swap_bytes(&mut self.swapped, item);
            self.output.write(&self.swapped)?;
        }
        Ok(())
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// When voxels are missing, a `put` failed before, the disk refuses, or the name was taken
    /// meanwhile.
    pub fn commit(self) -> Result<(), NiftiError> {
        if self.put_bytes != self.layout.voxel_bytes {
            return Err(self.length(self.put_bytes));
        }
        self.output.commit()
    }

    fn length(&self, found: u64) -> NiftiError {
        NiftiError::Length {
            path: self.output.path().to_owned(),
            found: format!("{found} bytes of voxels"),
            expected: format!("{} ({})", self.layout.voxel_bytes, self.layout.why()),
        }
    }
}
