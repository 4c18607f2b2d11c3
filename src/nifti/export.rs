//! How is a run of any source copied to a NIfTI file within a memory budget?
//!
//! One slab of volumes at a time goes from the source to a [`Writer`]; the source is read to its end
//! and verified before the file appears. Copies only: no scaling, no conversion.

use std::path::Path;

use super::NiftiError;
use super::run_writer::{WRITER_SCRATCH_BYTES, Writer};
use crate::run::Run;
use crate::runtime::{FIXED_BYTES, Session};
use crate::source::{Source, StreamOptions};

/// Slabs grow to this where volumes are small; more gains nothing.
const ENOUGH_SLAB_BYTES: u64 = 8 << 20;

/// What is written between two looks at the cancel token: whole voxels, and compressed in a moment.
const PIECE_BYTES: usize = 1 << 20;

/// Writes a run's header and voxels as they were, to `.nii` or `.nii.gz` by the name; returns the
/// bytes of voxels written.
///
/// A run that came from a pair becomes a pair again where `path` ends in `.hdr`, `.img`, `.hdr.gz` or
/// `.img.gz`: both files, plain or compressed alike. As `.nii` its header is changed in two fields, the magic and
/// `vox_offset`, and bytes that were before the first voxel in its `.img` are left out.
///
/// One pass over the source; memory is one slab of whole volumes out of the session's budget.
///
/// # Errors
/// When the destination exists and `overwrite` is false, a voxel cannot be had for certain, the
/// budget is below one volume, or the session was cancelled. The destination is untouched then.
pub fn export(
    run: &Run,
    path: impl AsRef<Path>,
    overwrite: bool,
    session: &Session,
) -> Result<u64, NiftiError> {
    let path = path.as_ref();
    let slab = Slab::plan(run.source().as_ref(), path, session)?;
    let writer = Writer::create(path, run.info(), overwrite)?;
    let _progress = session.report(&format!("export {}", run.name()), slab.total_bytes);
    copy(run.source().as_ref(), &slab, writer, path, session)?;
    Ok(slab.total_bytes)
}

/// How much is copied at once.
struct Slab {
    volumes: u64,
    volume_bytes: u64,
    total_volumes: u64,
    total_bytes: u64,
    lease_bytes: u64,
}

impl Slab {
    /// As many whole blocks along t as are worth while and fit; a part of a block where none fits.
    fn plan(source: &dyn Source, path: &Path, session: &Session) -> Result<Self, NiftiError> {
        let shape = source.shape();
        let last = shape.len() - 1;
        let volume_bytes = shape[..last].iter().product::<u64>() * source.dtype().size() as u64;
        let fixed_bytes = source.scratch_bytes() + 2 * source.open_bytes() + WRITER_SCRATCH_BYTES;
        let fit = session.data_bytes().saturating_sub(fixed_bytes) / volume_bytes.max(1);
        if fit == 0 {
            return Err(NiftiError::Memory {
                path: path.to_owned(),
                needs_bytes: FIXED_BYTES + fixed_bytes + volume_bytes,
                has_bytes: session.memory_bytes(),
                why: format!("one volume is {volume_bytes} bytes"),
            });
        }
        let block = source.block_shape()[last].max(1);
        let wanted = block.max(ENOUGH_SLAB_BYTES / volume_bytes.max(1) / block * block);
        let volumes = if fit >= block { wanted.min(fit / block * block) } else { fit };
        let volumes = volumes.min(shape[last]).max(1);
        Ok(Self {
            volumes,
            volume_bytes,
            total_volumes: shape[last],
            total_bytes: shape[last] * volume_bytes,
            lease_bytes: fixed_bytes + volumes * volume_bytes,
        })
    }
}

fn copy(
    source: &dyn Source,
    slab: &Slab,
    mut writer: Writer,
    path: &Path,
    session: &Session,
) -> Result<(), NiftiError> {
    let unread = |source| NiftiError::Voxels { path: path.to_owned(), source };
    let mut lease = session.budget().lease("export", slab.lease_bytes)?;
    let mut buffer = lease.buffer(slab.volumes * slab.volume_bytes)?;
    let mut stream = source.stream(StreamOptions::default()).map_err(unread)?;
    let stop_if_cancelled = || {
        if session.cancel_token().is_cancelled() {
            return Err(NiftiError::Cancelled { path: path.to_owned() });
        }
        Ok(())
    };
    let mut done = 0;
    while done < slab.total_volumes {
        stop_if_cancelled()?;
        let volumes = slab.volumes.min(slab.total_volumes - done);
        let part = &mut buffer[..(volumes * slab.volume_bytes) as usize];
        stream.read_next(part).map_err(unread)?;
        for piece in part.chunks(PIECE_BYTES) {
            stop_if_cancelled()?;
            writer.put(piece)?;
        }
        session.progress().advance(part.len() as u64);
        done += volumes;
    }
    stream.finish().map_err(unread)?;
    writer.commit()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::export;
    use crate::nifti::testing::{Folder, Image};
    use crate::nifti::{NiftiError, open};
    use crate::runtime::{CancelToken, Session};

    #[test]
    fn export_reproduces_header_and_voxels() {
        let folder = Folder::new();
        let session = Session::default();
        for image in Image::all() {
            for (name, bytes) in [("x.nii", image.bytes.clone()), ("x.nii.gz", image.gzip())] {
                let run = open(folder.write(name, &bytes)).unwrap();
                assert_eq!(export(&run, folder.path("y.nii"), true, &session).unwrap(), 96);
                assert_eq!(fs::read(folder.path("y.nii")).unwrap(), image.bytes);
            }
        }
    }

    #[test]
    fn a_damaged_source_leaves_no_file() {
        let folder = Folder::new();
        let mut bytes = Image::long().gzip();
        let crc = bytes.len() - 8;
        bytes[crc] ^= 1;
        let run = open(folder.write("x.nii.gz", &bytes)).unwrap();
        let error = export(&run, folder.path("y.nii"), false, &Session::default()).unwrap_err();
        assert!(matches!(error, NiftiError::Voxels { .. }), "{error}");
        assert_eq!(folder.names(), ["x.nii.gz"]);
    }

    #[test]
    fn a_volume_beyond_the_budget_is_refused_with_the_smallest_that_would_do() {
        let folder = Folder::new();
        let mut image = Image::v1();
        image.dim(&[4, 200, 100, 50, 2]);
        image.bytes.resize(352 + 4_000_000, 3);
        let run = open(folder.write("x.nii", &image.bytes)).unwrap();
        let session = |bytes| Session::builder().memory_bytes(bytes).build().unwrap();
        let refused = export(&run, folder.path("y.nii"), false, &session(17 << 20)).unwrap_err();
        let NiftiError::Memory { needs_bytes, .. } = refused else { panic!("{refused}") };
        assert!(export(&run, folder.path("y.nii"), false, &session(needs_bytes - 1)).is_err());
        assert!(export(&run, folder.path("y.nii"), false, &session(needs_bytes)).is_ok());
        assert!(fs::read(folder.path("y.nii")).unwrap() == image.bytes);
    }

    #[test]
    fn a_cancelled_session_leaves_no_file() {
        let folder = Folder::new();
        let run = open(folder.write("x.nii", &Image::v1().bytes)).unwrap();
        let cancel = CancelToken::new();
        cancel.cancel();
        let session = Session::builder().cancel_token(cancel).build().unwrap();
        let error = export(&run, folder.path("y.nii"), false, &session).unwrap_err();
        assert!(matches!(error, NiftiError::Cancelled { .. }));
        assert_eq!(folder.names(), ["x.nii"]);
    }
}
