//! What does a NIfTI file promise as a source?
//!
//! [`FileSource`] answers what is asked of any file, and says for each kind by whom it is read: a plain
//! one by `plain`, a gzip one by `gzip`. Reads nothing itself.

use std::sync::Arc;

use super::error::ReadFault;
use super::file_bytes::FileBytes;
use super::fingerprint::Fingerprint;
use super::gzip::{self, GzipStream};
use super::layout::Layout;
use super::plain::{self, PlainStream};
use crate::dtype::DType;
use crate::grid::Region;
use crate::source::{Access, Source, SourceError, Stream, StreamOptions, place};

/// The voxels of a `.nii` or `.nii.gz`, or of the `.img` of a pair.
#[derive(Debug)]
pub(super) struct FileSource {
    pub(super) name: String,
    /// Where the voxels are.
    pub(super) file: Arc<FileBytes>,
    /// Of a pair: where the header is.
    pub(super) header_file: Option<FileBytes>,
    pub(super) layout: Layout,
    pub(super) big_endian: bool,
    /// Of the header and the sidecar.
    pub(super) open_bytes: u64,
    pub(super) block: [u64; 4],
    /// Of a gzip file: the run's header, which ends with the bytes before the voxels as they were when it
    /// was opened.
    pub(super) gzip_head: Option<Arc<[u8]>>,
}

impl FileSource {
    pub(super) fn fault(&self, place: String, fault: ReadFault) -> SourceError {
        SourceError::new(self.file.path().display().to_string(), place, fault)
    }

    /// Asks whether the run's files are still the ones that were opened.
    pub(super) fn check_unchanged(&self) -> Result<(), ReadFault> {
        if let Some(header) = &self.header_file {
            let path = || header.path().to_owned();
            header.check_unchanged().map_err(|_| ReadFault::PairChanged { path: path() })?;
        }
        self.file.check_unchanged()
    }

    /// Begins the fingerprint of the run's files, where it is asked for. Of a pair, the header's file has
    /// gone in already, read as it lies on disk.
    pub(super) fn fingerprint(
        &self,
        options: StreamOptions,
    ) -> Result<Option<Fingerprint>, SourceError> {
        if !options.sha256 {
            return Ok(None);
        }
        let Some(header) = &self.header_file else {
            return Ok(Some(Fingerprint::new(self.file.key())));
        };
        let mut fingerprint = Fingerprint::new(header.key());
        plain::pass(&mut header.reading(), 0..header.len(), |part| fingerprint.update(part))
            .and_then(|()| fingerprint.next(self.file.key()))
            .map(Some)
            .map_err(|fault| {
                SourceError::new(header.path().display().to_string(), "all of it", fault)
            })
    }

    /// Makes sure that `len` bytes are whole voxels that are still to come at byte `at` of the
    /// (inflated) file.
    pub(super) fn check_next(&self, at: u64, len: u64) -> Result<(), ReadFault> {
        let (left, item) = (self.layout.end() - at, self.layout.dtype.size());
        if len > left {
            return Err(ReadFault::PastEnd { asked: len, left });
        }
        if !len.is_multiple_of(item as u64) {
            return Err(ReadFault::Uneven { len, item });
        }
        Ok(())
    }
}

impl Source for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.layout.shape
    }

    fn dtype(&self) -> DType {
        self.layout.dtype
    }

    fn access(&self) -> Access {
        if self.gzip_head.is_some() { Access::Sequential } else { Access::Random }
    }

    fn block_shape(&self) -> &[u64] {
        &self.block
    }

    fn scratch_bytes(&self) -> u64 {
        if self.gzip_head.is_some() { gzip::SCRATCH_BYTES } else { plain::SCRATCH_BYTES }
    }

    fn open_bytes(&self) -> u64 {
        self.open_bytes
    }

    fn stored_bytes(&self) -> u64 {
        if self.gzip_head.is_some() { self.file.len() } else { self.layout.voxel_bytes }
    }

    fn transport(&self) -> &'static str {
        if self.gzip_head.is_some() { "gzip stream" } else { self.file.transport() }
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        let read = match self.gzip_head {
            Some(_) => Err(ReadFault::Sequential),
            None => plain::read(self, region, out),
        };
        read.map_err(|fault| self.fault(place(region), fault))
    }

    fn stream(&self, options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Ok(match &self.gzip_head {
            Some(head) => {
                let before_voxels = head.len() - self.layout.offset as usize;
                Box::new(GzipStream::new(self, &head[before_voxels..], options)?)
            }
            None => Box::new(PlainStream::new(self, options)?),
        })
    }
}
