//! How are the voxels of a `.nii.gz` read?
//!
//! Once, from front to back, every byte checked: [`GzipSource`] refuses random reads, and the numbers
//! of a [`GzipStream`] count only when `finish` has returned, because a gzip checksum comes last.
//! No index into the deflate stream is kept.

mod members;
mod window;

use std::io::{self, Read};
use std::sync::Arc;

use self::members::Members;
use self::window::Window;
use super::digest::hex;
use super::error::ReadFault;
use super::file_bytes::{FileBytes, READ_SCRATCH_BYTES};
use super::layout::Layout;
use crate::dtype::{DType, swap_bytes};
use crate::grid::Region;
use crate::source::{Access, Source, SourceError, Stream, StreamEnd, StreamOptions};

pub(super) use self::members::MAGIC;

/// Compressed bytes loaded at once.
const WINDOW_BYTES: usize = 128 << 10;
/// Compressed bytes loaded at once when only a header is wanted.
const PEEK_BYTES: usize = 8 << 10;
/// Inflated bytes passed over at once.
const SKIP_BYTES: usize = 64 << 10;
/// The decoder: 32 KiB of history, its tables, and up to three header texts of 64 KiB.
const DECODER_BYTES: u64 = 320 << 10;
/// deflate cannot shrink data further than this.
pub(super) const MOST_INFLATION: u64 = 1032;

/// Inflates the first bytes of a file, as far as `wanted` or its end.
///
/// # Errors
/// When the compressed data are damaged or cut short, or the file cannot be read.
pub(super) fn inflate_front(file: &FileBytes, wanted: u64) -> io::Result<Vec<u8>> {
    let mut front = Vec::new();
    Members::new(Window::new(file, PEEK_BYTES, false)).take(wanted).read_to_end(&mut front)?;
    Ok(front)
}

/// The voxels of a `.nii.gz`.
#[derive(Debug)]
pub(super) struct GzipSource {
    pub(super) name: String,
    pub(super) file: FileBytes,
    pub(super) layout: Layout,
    pub(super) big_endian: bool,
    /// Volumes are the natural step.
    pub(super) block: [u64; 4],
    /// The bytes before the voxels as they were when the file was opened.
    pub(super) head: Arc<[u8]>,
}

impl GzipSource {
    fn fault(&self, place: String, fault: ReadFault) -> SourceError {
        SourceError::new(self.file.path().display().to_string(), place, fault)
    }
}

impl Source for GzipSource {
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
        Access::Sequential
    }

    fn block_shape(&self) -> &[u64] {
        &self.block
    }

    fn scratch_bytes(&self) -> u64 {
        READ_SCRATCH_BYTES + DECODER_BYTES + (WINDOW_BYTES + SKIP_BYTES) as u64
    }

    fn stored_bytes(&self) -> u64 {
        self.file.len()
    }

    fn transport(&self) -> &'static str {
        "gzip stream"
    }

    fn read(&self, region: &Region, _out: &mut [u8]) -> Result<(), SourceError> {
        Err(self.fault(format!("region {region:?}"), ReadFault::Sequential))
    }

    fn stream(&self, options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        let window = Window::new(&self.file, WINDOW_BYTES, options.sha256);
        let mut stream = GzipStream { source: self, members: Some(Members::new(window)), at: 0 };
        stream.check_head().map_err(|fault| stream.fault(fault))?;
        Ok(Box::new(stream))
    }
}

/// One pass over a gzip file.
struct GzipStream<'a> {
    source: &'a GzipSource,
    /// `None` after a failure: nothing can be had from this stream then.
    members: Option<Members<'a>>,
    /// The next byte of the inflated file.
    at: u64,
}

impl GzipStream<'_> {
    fn fault(&self, fault: ReadFault) -> SourceError {
        let compressed = self.members.as_ref().map_or(0, Members::position);
        let place = format!("inflated byte {} (byte {compressed} of the file)", self.at);
        self.source.fault(place, fault)
    }

    /// Inflates what is left of `out`, as far as the data go.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, ReadFault> {
        let members = self.members.as_mut().ok_or(ReadFault::Truncated)?;
        let mut filled = 0;
        while filled < out.len() {
            match members.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(len) => filled += len,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(decoder_fault(e)),
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }

    /// Inflates all of `out`.
    fn inflate_exact(&mut self, out: &mut [u8]) -> Result<(), ReadFault> {
        if self.inflate(out)? == out.len() {
            return Ok(());
        }
        Err(ReadFault::EndsEarly { has: self.at, needs: self.source.layout.end() })
    }

    /// Passes over `bytes`, comparing nothing.
    fn pass(&mut self, mut bytes: u64) -> Result<(), ReadFault> {
        let mut scratch = vec![0; bytes.min(SKIP_BYTES as u64) as usize];
        while bytes > 0 {
            let part = bytes.min(SKIP_BYTES as u64);
            self.inflate_exact(&mut scratch[..part as usize])?;
            bytes -= part;
        }
        Ok(())
    }

    /// Inflates the bytes before the voxels; they must be those the run was made of.
    fn check_head(&mut self) -> Result<(), ReadFault> {
        let head = Arc::clone(&self.source.head);
        let mut scratch = vec![0; head.len().min(SKIP_BYTES)];
        for expected in head.chunks(SKIP_BYTES) {
            let part = &mut scratch[..expected.len()];
            self.inflate_exact(part)?;
            if part != expected {
                return Err(ReadFault::HeaderChanged);
            }
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

    /// Inflates to the very end, which verifies the checksum of every member.
    fn end(&mut self) -> Result<StreamEnd, ReadFault> {
        self.pass(self.source.layout.end() - self.at)?;
        let mut scratch = vec![0; SKIP_BYTES];
        while self.inflate(&mut scratch)? > 0 {}
        let trailing_bytes = self.at - self.source.layout.end();
        let members = self.members.take().ok_or(ReadFault::Truncated)?;
        let (count, junk_bytes) = (members.count, members.junk_bytes);
        let sha256 = members
            .into_window()
            .and_then(|mut window| window.finish_hash())
            .map(|hasher| hex(&sha2::Digest::finalize(hasher)));
        self.source.file.check_unchanged()?;
        let mut warnings = Vec::new();
        if trailing_bytes > 0 {
            warnings
                .push(format!("N90: {}", trailing_message(trailing_bytes, &self.source.layout)));
        }
        if junk_bytes > 0 {
            warnings
                .push(format!("N89: {junk_bytes} bytes after the last gzip member are ignored"));
        }
        Ok(StreamEnd { sha256, gzip_members: count, trailing_bytes, warnings })
    }
}

impl Stream for GzipStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        self.check(out.len() as u64)
            .and_then(|()| self.inflate_exact(out))
            .map_err(|fault| self.fault(fault))?;
        if self.source.big_endian {
            swap_bytes(out, self.source.layout.dtype.size());
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.check(bytes).and_then(|()| self.pass(bytes)).map_err(|fault| self.fault(fault))
    }

    fn finish(mut self: Box<Self>) -> Result<StreamEnd, SourceError> {
        self.end().map_err(|fault| self.fault(fault))
    }
}

/// Tells a short file from a damaged one and from one that cannot be read.
fn decoder_fault(error: io::Error) -> ReadFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ReadFault::Truncated,
        io::ErrorKind::Other => match error.downcast::<ReadFault>() {
            Ok(fault) => fault,
            Err(error) => ReadFault::Corrupt(error),
        },
        _ => ReadFault::Corrupt(error),
    }
}

/// What is said of bytes after the last voxel.
pub(super) fn trailing_message(bytes: u64, layout: &Layout) -> String {
    let volumes = bytes / layout.volume_bytes();
    let what = if volumes > 0 {
        format!(", room for {volumes} more volumes than dim[4] says")
    } else {
        String::new()
    };
    format!("{bytes} bytes follow the last voxel{what}; they are ignored")
}
