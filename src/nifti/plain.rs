//! How are the voxels of an uncompressed file read?
//!
//! [`PlainSource`] reads any region; [`PlainStream`] goes front to back and can hash the file on the
//! way. Bytes leave here little-endian, whatever the file has.

use sha2::{Digest, Sha256};

use super::digest::hex;
use super::error::ReadFault;
use super::file_bytes::{FileBytes, READ_SCRATCH_BYTES, Reading};
use super::layout::Layout;
use super::pieces::Pieces;
use crate::dtype::{DType, swap_bytes};
use crate::grid::{Region, shape_text};
use crate::source::{Access, Source, SourceError, Stream, StreamEnd, StreamOptions};

/// What is read at once to hash bytes that nobody else asks for.
const HASH_BYTES: u64 = 64 << 10;

/// The voxels of a plain `.nii`.
#[derive(Debug)]
pub(super) struct PlainSource {
    pub(super) name: String,
    pub(super) file: FileBytes,
    pub(super) layout: Layout,
    pub(super) big_endian: bool,
    pub(super) block: [u64; 4],
}

impl PlainSource {
    fn fault(&self, place: String, fault: ReadFault) -> SourceError {
        SourceError::new(self.file.path().display().to_string(), place, fault)
    }

    fn fill(&self, region: &Region, out: &mut [u8]) -> Result<(), ReadFault> {
        let (shape, item) = (&self.layout.shape, self.layout.dtype.size());
        let fits =
            region.fits(shape) && region.len().checked_mul(item as u64) == Some(out.len() as u64);
        if !fits {
            return Err(ReadFault::BadRegion { shape: shape_text(shape) });
        }
        let mut reading = self.file.reading();
        let mut pieces = Pieces::new(self.layout.offset, shape, item, region);
        while let Some((together, span)) = pieces.group() {
            if together > 1 {
                reading.gather(span, pieces.by_ref().take(together), out)?;
            } else if let Some(piece) = pieces.next() {
                reading.read_at(piece.at, &mut out[piece.to..piece.to + piece.len])?;
            }
        }
        self.file.check_unchanged()?;
        if self.big_endian {
            swap_bytes(out, item);
        }
        Ok(())
    }
}

impl Source for PlainSource {
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
        Access::Random
    }

    fn block_shape(&self) -> &[u64] {
        &self.block
    }

    fn scratch_bytes(&self) -> u64 {
        READ_SCRATCH_BYTES + HASH_BYTES
    }

    fn stored_bytes(&self) -> u64 {
        self.layout.voxel_bytes
    }

    fn transport(&self) -> &'static str {
        self.file.transport()
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.fill(region, out).map_err(|fault| self.fault(format!("region {region:?}"), fault))
    }

    fn stream(&self, options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        let mut stream = PlainStream {
            source: self,
            reading: self.file.reading(),
            at: 0,
            hasher: options.sha256.then(Sha256::new),
        };
        stream.pass(self.layout.offset).map_err(|fault| stream.fault(fault))?;
        Ok(Box::new(stream))
    }
}

/// One pass over a plain file.
struct PlainStream<'a> {
    source: &'a PlainSource,
    reading: Reading<'a>,
    /// The next byte of the file.
    at: u64,
    hasher: Option<Sha256>,
}

impl PlainStream<'_> {
    fn fault(&self, fault: ReadFault) -> SourceError {
        self.source.fault(format!("byte {}", self.at), fault)
    }

    /// Moves on, through the hash where there is one.
    fn pass(&mut self, mut bytes: u64) -> Result<(), ReadFault> {
        let Some(hasher) = &mut self.hasher else {
            self.at += bytes;
            return Ok(());
        };
        let mut window = vec![0; bytes.min(HASH_BYTES) as usize];
        while bytes > 0 {
            let part = &mut window[..bytes.min(HASH_BYTES) as usize];
            self.reading.read_at(self.at, part)?;
            hasher.update(&*part);
            self.at += part.len() as u64;
            bytes -= part.len() as u64;
        }
        Ok(())
    }

    /// Makes sure that `len` bytes are whole voxels that are still to come.
    fn check(&self, len: u64) -> Result<(), ReadFault> {
        let (left, item) = (self.source.layout.end() - self.at, self.source.layout.dtype.size());
        if len > left {
            return Err(ReadFault::PastEnd { asked: len, left });
        }
        if !len.is_multiple_of(item as u64) {
            return Err(ReadFault::Uneven { len, item });
        }
        Ok(())
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), ReadFault> {
        self.check(out.len() as u64)?;
        self.reading.read_at(self.at, out)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&*out);
        }
        self.at += out.len() as u64;
        if self.source.big_endian {
            swap_bytes(out, self.source.layout.dtype.size());
        }
        Ok(())
    }

    fn end(&mut self) -> Result<StreamEnd, ReadFault> {
        let trailing_bytes = self.source.file.len() - self.source.layout.end();
        self.pass(self.source.file.len() - self.at)?;
        self.source.file.check_unchanged()?;
        let sha256 = self.hasher.take().map(|hasher| hex(&hasher.finalize()));
        Ok(StreamEnd { sha256, trailing_bytes, ..StreamEnd::default() })
    }
}

impl Stream for PlainStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        self.fill(out).map_err(|fault| self.fault(fault))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.check(bytes).and_then(|()| self.pass(bytes)).map_err(|fault| self.fault(fault))
    }

    fn finish(mut self: Box<Self>) -> Result<StreamEnd, SourceError> {
        self.end().map_err(|fault| self.fault(fault))
    }
}
