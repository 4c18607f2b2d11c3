//! How does a path become a run?
//!
//! Reads header bytes and file metadata, and the sidecar; no voxel. Every claim of the header is
//! held against the size of the file before anything is allocated for it.

use std::path::Path;
use std::sync::Arc;

use super::file_bytes::FileBytes;
use super::file_source::FileSource;
use super::gzip::{self, MOST_INFLATION};
use super::header::{Header, Version};
use super::layout::Layout;
use super::{Intake, NiftiError, extensions, geometry, origin, scaling, sidecar, sniff, timing};
use crate::run::{Run, RunInfo};

/// Enough for the header of either version.
const FRONT_BYTES: u64 = Version::Two.least_offset() as u64;
/// What a gzip file may claim beyond what its size can hold: header, trailer, rounding.
const INFLATION_SLACK_BYTES: u64 = 64 << 10;

/// How a file's bytes come in. Both ways give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Io {
    /// Mapped, or positioned reads on network file systems and where mapping does not work.
    #[default]
    Auto,
    /// Mapped into memory, a window at a time.
    Map,
    /// Positioned reads into buffers.
    Read,
}

/// Opens a NIfTI-1 or NIfTI-2 file, plain or gzip, as a run of axes `(x, y, z, t)`.
///
/// Content decides what the file is, not its name. Reads the bytes before the voxels (at most
/// 16 MiB) and the JSON sidecar beside the file; no voxel. A gzip file's checksums are verified when
/// its voxels are streamed.
///
/// ```no_run
/// let run = voxstore::nifti::open("sub-01_task-rest_bold.nii.gz")?;
/// println!("{:?}, TR {:?} s", run.shape(), run.info().timing.tr_seconds);
/// # Ok::<(), voxstore::nifti::NiftiError>(())
/// ```
///
/// # Errors
/// When the file is absent, no NIfTI, cut short, of a kind that is not read here, or has a header
/// field that leaves a voxel's value or place in doubt.
pub fn open(path: impl AsRef<Path>) -> Result<Run, NiftiError> {
    open_with(path, Io::default())
}

/// Opens a NIfTI file as [`open`] does; its bytes come in this way.
///
/// # Errors
/// As [`open`]; and with [`Io::Map`] when the file cannot be mapped.
pub fn open_with(path: impl AsRef<Path>, io: Io) -> Result<Run, NiftiError> {
    let path = path.as_ref();
    sniff::check_path(path)?;
    let file = FileBytes::open(path, io)?;
    let mut intake = Intake::new(path);
    let front = read_front(&file, FRONT_BYTES, &intake)?;
    let gzip = sniff::is_gzip(&front, &mut intake)?;
    let mut front = if gzip { inflate(&file, FRONT_BYTES, &intake)? } else { front };

    let header = parse(&front, &mut intake)?;
    let layout = Layout::of(&header, &mut intake)?;
    check_length(&file, &layout, gzip, &mut intake)?;
    let head = if layout.offset <= front.len() as u64 {
        front.truncate(layout.offset as usize);
        front
    } else if gzip {
        inflate(&file, layout.offset, &intake)?
    } else {
        read_front(&file, layout.offset, &intake)?
    };
    if (head.len() as u64) < layout.offset {
        return Err(too_short(&layout, head.len() as u128, layout.why(), &intake));
    }
    let head: Arc<[u8]> = head.into();
    extensions::check(&header, &head, &mut intake);

    let scaling = scaling::scaling(&header, &mut intake)?;
    let geometry = geometry::geometry(&header, layout.shape, &mut intake);
    let sidecar = sidecar::sidecar(&mut intake);
    let timing = timing::timing(&header, layout.shape[3], &sidecar, &mut intake);
    let origin = origin::origin(path, file.stamp(), &header, gzip);
    let warnings = intake.into_warnings();
    let info = RunInfo { geometry, timing, scaling, header: head, origin, sidecar, warnings };
    Ok(Run::new(Arc::new(source(file, layout, header.big_endian, &info)), info))
}

/// The header, or a word on what else the bytes are.
fn parse(front: &[u8], intake: &mut Intake) -> Result<Header, NiftiError> {
    let least = Version::One.header_bytes();
    if front.len() < least {
        return Err(
            intake.not_nifti(format!("{} bytes, fewer than the {least} of a header", front.len()))
        );
    }
    Header::parse(front, intake)
}

/// The first bytes of the file, `wanted` or all it has.
fn read_front(file: &FileBytes, wanted: u64, intake: &Intake) -> Result<Vec<u8>, NiftiError> {
    let mut front = vec![0; wanted.min(file.len()) as usize];
    file.reading().read_at(0, &mut front).map_err(|fault| {
        NiftiError::io(intake.path(), "read the header", std::io::Error::other(fault))
    })?;
    Ok(front)
}

/// The first bytes of the inflated file, `wanted` or all it has.
fn inflate(file: &FileBytes, wanted: u64, intake: &Intake) -> Result<Vec<u8>, NiftiError> {
    gzip::inflate_front(file, wanted)
        .map_err(|reason| NiftiError::Damaged { path: intake.path().to_owned(), reason })
}

/// Holds the header's claim against the size of the file.
fn check_length(
    file: &FileBytes,
    layout: &Layout,
    gzip: bool,
    intake: &mut Intake,
) -> Result<(), NiftiError> {
    let needs = layout.end();
    let most = if gzip {
        u128::from(file.len()) * u128::from(MOST_INFLATION) + u128::from(INFLATION_SLACK_BYTES)
    } else {
        u128::from(file.len())
    };
    if u128::from(needs) > most {
        let why = if gzip {
            format!("{}; has: the most that {} gzip bytes can inflate to", layout.why(), file.len())
        } else {
            layout.why()
        };
        return Err(too_short(layout, most, why, intake));
    }
    if !gzip && file.len() > needs {
        intake.warn("N82", gzip::trailing_message(file.len() - needs, layout));
    }
    Ok(())
}

fn too_short(layout: &Layout, has_bytes: u128, why: String, intake: &Intake) -> NiftiError {
    NiftiError::TooShort {
        path: intake.path().to_owned(),
        needs_bytes: layout.end().into(),
        has_bytes,
        why,
    }
}

fn source(file: FileBytes, layout: Layout, big_endian: bool, info: &RunInfo) -> FileSource {
    let [x, y, z, _] = layout.shape;
    // A stream is read by whole volumes, a file by any rows; planes keep plans short.
    let block = if info.origin.gzip { [x, y, z, 1] } else { [x, y, 1, 1] };
    FileSource {
        name: info.origin.file_name.clone(),
        file,
        layout,
        big_endian,
        open_bytes: info.open_bytes(),
        block,
        gzip_head: info.origin.gzip.then(|| Arc::clone(&info.header)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Io, open, open_with};
    use crate::nifti::testing::{Folder, Image};

    #[test]
    fn the_origin_records_file_time_and_bids_folders() {
        let folder = Folder::new();
        let image = Image::new(super::Version::Two, true);
        let path = folder.write("sub-01/ses-test/func/sub-01_bold.nii", &image.bytes);
        let run = open(&path).unwrap();
        let origin = &run.info().origin;
        assert_eq!(run.name(), "sub-01_bold.nii");
        assert_eq!(origin.bids_folder.as_deref(), Some("sub-01/ses-test/func"));
        assert_eq!(origin.file_bytes, image.bytes.len() as u64);
        assert_eq!((origin.datatype, origin.gzip, &origin.sha256), (4, false, &None));
        let modified: jiff::Timestamp = origin.modified.as_deref().unwrap().parse().unwrap();
        let found = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(modified, jiff::Timestamp::try_from(found).unwrap());
    }

    #[test]
    fn voxels_are_mapped_or_read_as_asked() {
        let folder = Folder::new();
        let path = folder.write("x.nii", &Image::v1().bytes);
        for (io, transport) in [(Io::Map, "mapped"), (Io::Read, "positioned reads")] {
            let run = open_with(&path, io).unwrap();
            assert_eq!(run.source().transport(), transport);
        }
    }

    #[test]
    fn thousands_of_runs_can_be_open_at_once() {
        let folder = Folder::new();
        let path = folder.write("x.nii", &Image::v1().bytes);
        let runs: Vec<_> = (0..3000).map(|_| open(&path)).collect();
        assert!(runs.iter().all(Result::is_ok));
    }

    #[test]
    fn a_plain_file_that_is_cut_anywhere_is_refused() {
        let folder = Folder::new();
        let image = Image::v1();
        for len in 0..image.bytes.len() {
            assert!(open(folder.write("x.nii", &image.bytes[..len])).is_err(), "{len}");
        }
    }
}
