//! How does a path become a run?
//!
//! Reads header bytes and file metadata, and the sidecars; no voxel. Every claim of the header is
//! held against the size of the file before anything is allocated for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Content;
use super::file_bytes::FileBytes;
use super::file_source::FileSource;
use super::header::{Header, Version};
use super::inspect::Incomplete;
use super::layout::{Layout, MOST_HEADER_BYTES};
use super::pair::{Container, Half};
use super::{Intake, NiftiError, extensions, geometry, origin, scaling, sidecar, sniff, timing};
use crate::run::{Origin, Run, RunInfo};

#[cfg(test)]
mod tests;

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

/// Which dimension of a header is time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeDim {
    /// dim\[4\], as NIfTI says.
    #[default]
    Fourth,
    /// dim\[5\], behind a dim\[4\] of 1: as if the two, and their pixdim, were exchanged. Files of fewer
    /// dimensions are read as ever.
    Fifth,
}

/// How a file is opened. An [`Io`] will do where the rest is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OpenOptions {
    /// How its bytes come in.
    pub io: Io,
    /// Which dimension is time.
    pub time_dim: TimeDim,
}

impl From<Io> for OpenOptions {
    fn from(io: Io) -> Self {
        Self { io, ..Self::default() }
    }
}

/// Opens a NIfTI-1 or NIfTI-2 file, plain or gzip, as a run of axes `(x, y, z, t)`.
///
/// Content decides what the file is, not its name; but a `.hdr` and an `.img` of one name are a pair, of
/// which either is given, and each may be gzip. Reads the bytes before the voxels (at most
/// 16 MiB) and the JSON sidecar beside the file, and of a file in a BIDS dataset those it inherits; no voxel. A gzip file's checksums are verified when
/// its voxels are streamed.
///
/// ```no_run
/// let run = voxstore::nifti::open("sub-01_task-rest_bold.nii.gz")?;
/// println!("{:?}, TR {:?} s", run.shape(), run.info().timing.tr_seconds);
/// # Ok::<(), voxstore::nifti::NiftiError>(())
/// ```
///
/// # Errors
/// When the file, or its other half, is absent, no NIfTI, cut short, of a kind that is not read here, or has a header
/// field that leaves a voxel's value or place in doubt.
pub fn open(path: impl AsRef<Path>) -> Result<Run, NiftiError> {
    open_with(path, OpenOptions::default())
}

/// Opens a NIfTI file as [`open`] does; the bytes of its voxels come in as the options say.
///
/// # Errors
/// As [`open`]; with [`TimeDim::Fifth`] when dim\[4\] is not 1; and with [`Io::Map`] when the file cannot be mapped.
pub fn open_with(
    path: impl AsRef<Path>,
    options: impl Into<OpenOptions>,
) -> Result<Run, NiftiError> {
    let Judged { found, info, big_endian } =
        judged(path.as_ref(), options.into(), Short::IsRefused)?;
    let source = source(found.voxels, found.header_file, found.layout, big_endian, &info);
    Ok(Run::new(Arc::new(source), info))
}

/// What becomes of a file that ends before its last voxel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    IsRefused,
    /// Its header is told, and what is missing.
    IsTold,
}

/// A header whose fields were judged, and the files it was found in.
pub(super) struct Judged {
    pub(super) found: Found,
    pub(super) info: RunInfo,
    big_endian: bool,
}

/// Reads and judges all that is said of a run, and no voxel.
pub(super) fn judged(
    path: &Path,
    OpenOptions { io, time_dim }: OpenOptions,
    short: Short,
) -> Result<Judged, NiftiError> {
    sniff::check_path(path)?;
    let (header_path, image) = halves(path)?;
    let mut intake = Intake::new(&header_path);
    let first = Content::open(io, &mut intake)?;
    let mut header = parse(first.front(), &mut intake)?;
    let dim = header.dim;
    if time_dim == TimeDim::Fifth {
        header.take_fifth_as_time(&mut intake)?;
    }
    let mut found = match image {
        Some(image) if header.single_file => return Err(two_homes(&image, &intake)),
        Some(image) => Found::pair(first, &image, &header, (io, short), &mut intake)?,
        None if !header.single_file && Half::of(path).is_some() => {
            return Err(Half::Header.alone(path));
        }
        None => Found::single(first, &header, short, &mut intake)?,
    };
    if found.incomplete.is_none() {
        extensions::check(&header, &found.head[..found.header_bytes], &mut intake);
    }

    let scaling = scaling::scaling(&header, &mut intake)?;
    let geometry = geometry::geometry(&header, found.layout.shape, &mut intake);
    let (sidecar, sidecar_files) = sidecar::sidecar(&mut intake);
    let timing = timing::timing(&header, found.layout.shape[3], &sidecar, &mut intake);
    let at = |file| (FileBytes::path(file), FileBytes::stamp(file));
    let header_file = found.header_file.as_ref().map(at);
    let origin = origin::origin(at(&found.voxels), header_file, &header, found.gzip);
    let origin = Origin { dim, ..origin };
    let warnings = intake.into_warnings();
    let (big_endian, header) = (header.big_endian, std::mem::take(&mut found.head).into());
    let info =
        RunInfo { geometry, timing, scaling, header, origin, sidecar, sidecar_files, warnings };
    Ok(Judged { found, info, big_endian })
}

/// The file that a run's header is in; and of a pair, where both files are there, that of its voxels.
fn halves(path: &Path) -> Result<(PathBuf, Option<PathBuf>), NiftiError> {
    let half = Half::of(path);
    let partner = half.map_or(Ok(None), |half| half.partner(path))?;
    match (half, partner) {
        (Some(half @ Half::Image), None) => Err(half.alone(path)),
        (Some(Half::Image), Some(header)) => Ok((header, Some(path.to_owned()))),
        (_, partner) => Ok((path.to_owned(), partner)),
    }
}

/// What is refused of a header that says that the voxels follow it, and has an image beside it.
fn two_homes(image: &Path, intake: &Intake) -> NiftiError {
    let image = image.file_name().unwrap_or_default().to_string_lossy();
    intake.refuse(
        "magic",
        format!("that of a single file, and {image} lies beside it"),
        "ni1 or ni2 in the .hdr of a pair; rename a single file to .nii",
    )
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

/// Where a run's bytes are.
pub(super) struct Found {
    pub(super) voxels: FileBytes,
    /// Of a pair.
    header_file: Option<FileBytes>,
    /// True where the voxels are compressed.
    pub(super) gzip: bool,
    pub(super) layout: Layout,
    /// All bytes before the first voxel; of a pair, those of both files; where voxels are missing, those at hand.
    head: Vec<u8>,
    /// As many of them are header and extensions.
    header_bytes: usize,
    /// What is missing; nothing where that is refused.
    pub(super) incomplete: Option<Incomplete>,
}

impl Found {
    fn single(
        file: Content,
        header: &Header,
        short: Short,
        intake: &mut Intake,
    ) -> Result<Self, NiftiError> {
        let layout = Layout::of(header, Container::Single, intake)?;
        let (head, incomplete) = before_voxels(&file, &layout, short, intake)?;
        let Content { file: voxels, gzip, .. } = file;
        let header_bytes = head.len();
        Ok(Self { voxels, header_file: None, gzip, layout, head, header_bytes, incomplete })
    }

    fn pair(
        header_file: Content,
        image: &Path,
        header: &Header,
        (io, short): (Io, Short),
        intake: &mut Intake,
    ) -> Result<Self, NiftiError> {
        let layout = Layout::of(header, Container::Pair, intake)?;
        let mut head = header_file.whole(intake)?;
        let header_bytes = head.len();
        let most = MOST_HEADER_BYTES - header_bytes as u64;
        if layout.offset > most {
            let expected = format!("at most {most}, behind a header of {header_bytes} bytes");
            return Err(intake.refuse("vox_offset", layout.offset, expected));
        }
        let mut at_image = Intake::new(image);
        let file = Content::open_image(io, &layout, &mut at_image)?;
        let (before, incomplete) = before_voxels(&file, &layout, short, &mut at_image)?;
        head.extend(before);
        intake.take_in(at_image);
        let Content { file: voxels, gzip, .. } = file;
        let header_file = Some(header_file.file.unmapped());
        Ok(Self { voxels, header_file, gzip, layout, head, header_bytes, incomplete })
    }
}

/// The bytes before the voxels, once the file is found to be long enough; or what is missing.
fn before_voxels(
    file: &Content,
    layout: &Layout,
    short: Short,
    intake: &mut Intake,
) -> Result<(Vec<u8>, Option<Incomplete>), NiftiError> {
    if short == Short::IsTold
        && let Some(incomplete) = file.missing(layout, intake)?
    {
        let at_hand = file.front().len().min(layout.offset as usize);
        return Ok((file.front()[..at_hand].to_vec(), Some(incomplete)));
    }
    file.check_length(layout, intake)?;
    Ok((file.before_voxels(layout, intake)?, None))
}

fn source(
    file: FileBytes,
    header_file: Option<FileBytes>,
    layout: Layout,
    big_endian: bool,
    info: &RunInfo,
) -> FileSource {
    let [x, y, z, _] = layout.shape;
    // A stream is read by whole volumes, a file by any rows; planes keep plans short.
    let block = if info.origin.gzip { [x, y, z, 1] } else { [x, y, 1, 1] };
    FileSource {
        name: info.origin.file_name.clone(),
        file: Arc::new(file),
        header_file,
        layout,
        big_endian,
        open_bytes: info.open_bytes(),
        block,
        gzip_head: info.origin.gzip.then(|| Arc::clone(&info.header)),
    }
}
