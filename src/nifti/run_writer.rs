//! How does a run become a NIfTI file again, byte for byte?
//!
//! [`Writer`] takes the header bytes a run came with and its voxels in memory order, and swaps them
//! back where the header is big-endian. Bytes that followed the last voxel of the source are not
//! part of a run and do not come back.

use std::path::{Path, PathBuf};

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
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    output: OutputFile,
    layout: Layout,
    big_endian: bool,
    /// Bytes of voxels put so far.
    put_bytes: u64,
    swapped: Vec<u8>,
}

impl Writer {
    /// Starts a file with the header of a run, unchanged. `.nii.gz` compresses (gzip level 6, the
    /// same bytes every time), `.nii` does not.
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
        let header = Header::parse(&info.header, &mut intake)?;
        let layout = Layout::of(&header, &mut intake)?;
        if layout.offset != info.header.len() as u64 {
            return Err(NiftiError::Length {
                path: path.to_owned(),
                found: format!("{} bytes of header", info.header.len()),
                expected: format!("voxels from byte {}", layout.offset),
            });
        }
        let output = OutputFile::create(path, overwrite)?;
        let (path, big_endian) = (path.to_owned(), header.big_endian);
        let mut writer = Self { path, output, layout, big_endian, put_bytes: 0, swapped: vec![] };
        writer.append(&info.header)?;
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
        self.output.commit().map_err(|fault| NiftiError::write(&self.path, fault))
    }

    fn length(&self, found: u64) -> NiftiError {
        NiftiError::Length {
            path: self.path.clone(),
            found: format!("{found} bytes of voxels"),
            expected: format!("{} ({})", self.layout.voxel_bytes, self.layout.why()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Writer;
    use crate::nifti::testing::{Folder, Image, drain, open_as, voxel_bytes};
    use crate::nifti::{NiftiError, open};

    #[test]
    fn header_and_voxels_come_back_byte_for_byte() {
        let folder = Folder::new();
        for mut image in Image::all() {
            image.raw(150, b"odd but kept");
            let run = open_as("x.nii", &image.bytes).unwrap();
            for name in ["y.nii", "y.nii.gz"] {
                let mut writer = Writer::create(folder.path(name), run.info(), true).unwrap();
                for part in voxel_bytes().chunks(10) {
                    writer.put(part).unwrap();
                }
                writer.commit().unwrap();
            }
            assert_eq!(fs::read(folder.path("y.nii")).unwrap(), image.bytes);
            let again = open(folder.path("y.nii.gz")).unwrap();
            assert_eq!(again.info().header, run.info().header);
            assert_eq!(drain(&again, false).unwrap().0, voxel_bytes());
        }
    }

    #[test]
    fn compressed_output_is_the_same_bytes_every_time() {
        let folder = Folder::new();
        let run = open_as("x.nii", &Image::v1().bytes).unwrap();
        for name in ["a.nii.gz", "b.nii.gz"] {
            let mut writer = Writer::create(folder.path(name), run.info(), false).unwrap();
            writer.put(&voxel_bytes()).unwrap();
            writer.commit().unwrap();
        }
        assert_eq!(
            fs::read(folder.path("a.nii.gz")).unwrap(),
            fs::read(folder.path("b.nii.gz")).unwrap()
        );
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = Folder::new();
        let run = open_as("x.nii", &Image::v1().bytes).unwrap();
        let mut writer = Writer::create(folder.path("y.nii"), run.info(), false).unwrap();
        writer.put(&[0; 94]).unwrap();
        assert!(matches!(writer.put(&[0; 4]), Err(NiftiError::Length { .. })));
        assert!(matches!(writer.put(&[0; 1]), Err(NiftiError::Length { .. })));
        assert!(matches!(writer.commit(), Err(NiftiError::Length { .. })));
        drop(Writer::create(folder.path("y.nii"), run.info(), false).unwrap());
        assert!(folder.names().is_empty());
    }

    #[test]
    fn an_existing_file_is_kept_unless_overwriting_is_asked_for() {
        let folder = Folder::new();
        let run = open_as("x.nii", &Image::v1().bytes).unwrap();
        let path = folder.write("y.nii", b"mine");
        let refused = Writer::create(&path, run.info(), false);
        assert!(matches!(refused, Err(NiftiError::Exists { .. })));
        // Created between the check and the commit.
        let late = folder.path("late.nii");
        let mut writer = Writer::create(&late, run.info(), false).unwrap();
        writer.put(&voxel_bytes()).unwrap();
        fs::write(&late, b"mine").unwrap();
        assert!(matches!(writer.commit(), Err(NiftiError::Exists { .. })));
        assert_eq!(fs::read(&late).unwrap(), b"mine");
        let mut writer = Writer::create(&path, run.info(), true).unwrap();
        writer.put(&voxel_bytes()).unwrap();
        writer.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), Image::v1().bytes);
    }

    #[test]
    fn other_endings_and_absent_folders_are_refused() {
        let folder = Folder::new();
        let run = open_as("x.nii", &Image::v1().bytes).unwrap();
        for name in ["y.img", "y", "y.gz", "absent/y.nii"] {
            assert!(Writer::create(folder.path(name), run.info(), false).is_err(), "{name}");
        }
    }
}
