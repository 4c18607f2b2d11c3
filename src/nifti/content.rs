//! What does a file begin with, whether it is gzip or not?
//!
//! A [`Content`] is a file that was opened and sniffed, with its first bytes inflated. Holds what a header
//! claims against the size of the file; judges no field.

use std::path::Path;

use super::file_bytes::FileBytes;
use super::gzip::{self, MOST_INFLATION};
use super::header::Version;
use super::inspect::Incomplete;
use super::layout::{Layout, MOST_HEADER_BYTES};
use super::name::has_ending;
use super::{Intake, Io, NiftiError, sniff};

/// Enough for the header of either version.
const FRONT_BYTES: u64 = Version::Two.least_offset() as u64;
/// What a gzip file may claim beyond what its size can hold: header, trailer, rounding.
const INFLATION_SLACK_BYTES: u64 = 64 << 10;

/// A file that was opened.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) file: FileBytes,
    pub(super) gzip: bool,
    /// The first bytes, inflated: as many as any header has, or all there are.
    front: Vec<u8>,
}

impl Content {
    /// Opens the file that `intake` is about.
    ///
    /// # Errors
    /// When it cannot be read, or is certainly no NIfTI file.
    pub(super) fn open(io: Io, intake: &mut Intake) -> Result<Self, NiftiError> {
        let (file, front) = open(io, intake)?;
        let gzip = sniff::is_gzip(&front, intake)?;
        Self { file, gzip, front }.inflated(intake)
    }

    /// Opens the image of a pair. Voxels may begin with any bytes: a plain file that is just as long as the
    /// header says is not taken for what they look like.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(super) fn open_image(
        io: Io,
        layout: &Layout,
        intake: &mut Intake,
    ) -> Result<Self, NiftiError> {
        let (file, front) = open(io, intake)?;
        let is_plain = file.len() == layout.end() && !has_ending(intake.path(), &[".gz"]);
        let gzip = !is_plain && sniff::is_gzip(&front, intake)?;
        Self { file, gzip, front }.inflated(intake)
    }

    fn inflated(self, intake: &Intake) -> Result<Self, NiftiError> {
        let front = if self.gzip { self.inflate(FRONT_BYTES, intake)? } else { self.front };
        Ok(Self { front, ..self })
    }

    /// The first bytes, as many as any header has.
    pub(super) fn front(&self) -> &[u8] {
        &self.front
    }

    /// The first bytes, `wanted` or all there are.
    pub(super) fn first(&self, wanted: u64, intake: &Intake) -> Result<Vec<u8>, NiftiError> {
        match self.front.get(..usize::try_from(wanted).unwrap_or(usize::MAX)) {
            Some(front) => Ok(front.to_vec()),
            None if self.gzip => self.inflate(wanted, intake),
            None => read_front(&self.file, wanted, intake),
        }
    }

    /// All bytes of a header's file, every checksum verified.
    ///
    /// # Errors
    /// When they are more than are kept, or damaged.
    pub(super) fn whole(&self, intake: &mut Intake) -> Result<Vec<u8>, NiftiError> {
        let most = MOST_HEADER_BYTES;
        let (bytes, junk_bytes) = if self.gzip {
            gzip::inflate_whole(&self.file, most).map_err(damaged(intake))?
        } else {
            (read_front(&self.file, most + 1, intake)?, 0)
        };
        if bytes.len() as u64 > most {
            let hint = "give the .hdr of a pair, which holds no voxels";
            return Err(intake.unsupported("a header of more than 16 MiB is", hint));
        }
        if junk_bytes > 0 {
            intake.warn("N89", gzip::junk_message(junk_bytes));
        }
        Ok(bytes)
    }

    fn inflate(&self, wanted: u64, intake: &Intake) -> Result<Vec<u8>, NiftiError> {
        gzip::inflate_front(&self.file, wanted).map_err(damaged(intake))
    }

    /// Holds the header's claim against the size of the file.
    pub(super) fn check_length(
        &self,
        layout: &Layout,
        intake: &mut Intake,
    ) -> Result<(), NiftiError> {
        let (needs, len) = (layout.end(), self.file.len());
        let most = if self.gzip {
            u128::from(len) * u128::from(MOST_INFLATION) + u128::from(INFLATION_SLACK_BYTES)
        } else {
            u128::from(len)
        };
        if u128::from(needs) > most {
            let why = layout.why();
            let why = if self.gzip {
                format!("{why}; has: the most that {len} gzip bytes can inflate to")
            } else {
                why
            };
            return Err(intake.too_short(layout, most, why));
        }
        if !self.gzip && len > needs {
            intake.warn("N82", gzip::trailing_message(len - needs, layout));
        }
        Ok(())
    }

    /// What is missing of the file, where something is. A gzip file whose last bytes do not say the length that
    /// the header says is inflated to its end to know.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn missing(
        &self,
        layout: &Layout,
        intake: &Intake,
    ) -> Result<Option<Incomplete>, NiftiError> {
        let expected_bytes = layout.end();
        let (found_bytes, reason) = if self.gzip {
            let failed = |source| NiftiError::io(intake.path(), "read the file", source);
            let said = gzip::length_in_trailer(&self.file).map_err(failed)?;
            if said == Some(expected_bytes as u32) {
                return Ok(None);
            }
            let (bytes, fault) =
                gzip::inflated_bytes(&self.file, expected_bytes).map_err(failed)?;
            (bytes, fault.map(|fault| fault.to_string()))
        } else {
            (self.file.len(), None)
        };
        if found_bytes >= expected_bytes && reason.is_none() {
            return Ok(None);
        }
        let found_bytes = found_bytes.min(expected_bytes);
        let whole_volumes = found_bytes.saturating_sub(layout.offset) / layout.volume_bytes();
        Ok(Some(Incomplete {
            path: intake.path().to_owned(),
            gzip: self.gzip,
            expected_bytes,
            found_bytes,
            whole_volumes,
            volumes: layout.shape[3],
            reason,
        }))
    }

    /// The bytes before the first voxel.
    pub(super) fn before_voxels(
        &self,
        layout: &Layout,
        intake: &Intake,
    ) -> Result<Vec<u8>, NiftiError> {
        let head = self.first(layout.offset, intake)?;
        if (head.len() as u64) < layout.offset {
            return Err(intake.too_short(layout, head.len() as u128, layout.why()));
        }
        Ok(head)
    }
}

fn open(io: Io, intake: &Intake) -> Result<(FileBytes, Vec<u8>), NiftiError> {
    sniff::check_path(intake.path())?;
    let file = FileBytes::open(intake.path(), io)?;
    let front = read_front(&file, FRONT_BYTES, intake)?;
    Ok((file, front))
}

/// The first bytes of the file as it lies on disk, `wanted` or all it has.
fn read_front(file: &FileBytes, wanted: u64, intake: &Intake) -> Result<Vec<u8>, NiftiError> {
    let mut front = vec![0; wanted.min(file.len()) as usize];
    file.reading().read_at(0, &mut front).map_err(|fault| {
        NiftiError::io(intake.path(), "read the header", std::io::Error::other(fault))
    })?;
    Ok(front)
}

fn damaged(intake: &Intake) -> impl FnOnce(std::io::Error) -> NiftiError {
    let path: &Path = intake.path();
    let path = path.to_owned();
    move |reason| NiftiError::Damaged { path, reason }
}
