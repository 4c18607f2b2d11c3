//! What must a leaf of a lazy array promise?
//!
//! [`Source`] is the boundary between expressions and storage: `lazy`, `plan` and `exec` know only
//! this trait, `nifti` and `store` implement it. It says nothing about slope, affine or TR; those
//! belong to [`Run`](crate::Run).

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::dtype::DType;
use crate::grid::{Region, element_count, shape_text};

/// How a source can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Any region, at a cost near its own size.
    Random,
    /// Only from the first element to the last, as with a gzip stream.
    Sequential,
}

/// A storage-backed array of numbers, read by region or as one stream.
///
/// Axis 0 is the fastest in memory: bytes handed over are in memory order of the region, native
/// byte order, unscaled. A source answers facts from what it learned when it was opened; only
/// [`read`](Source::read) and [`stream`](Source::stream) touch data.
pub trait Source: Send + Sync + fmt::Debug {
    /// What messages and plans call it: a file name or a path in a store.
    fn name(&self) -> &str;
    /// Lengths of the axes, `(x, y, z, t)` for a run.
    fn shape(&self) -> &[u64];
    /// The stored type.
    fn dtype(&self) -> DType;
    /// How it can be read.
    fn access(&self) -> Access;
    /// The natural unit of reading: a region made of whole blocks costs no repeated work.
    fn block_shape(&self) -> &[u64];
    /// The most memory one `read` or one `stream` uses beyond the caller's buffer, in bytes.
    fn scratch_bytes(&self) -> u64;
    /// The most memory one `read` of a region of this shape uses beyond the caller's buffer, for
    /// sources where that depends on the region.
    fn read_scratch_bytes(&self, shape: &[u64]) -> u64 {
        let _ = shape;
        self.scratch_bytes()
    }
    /// Bytes of memory that the open source keeps whether it is read or not, with what was opened
    /// beside it: a file's header, a sidecar. Plans count them once for each source.
    fn open_bytes(&self) -> u64 {
        0
    }
    /// Bytes that a full pass reads from disk.
    fn stored_bytes(&self) -> u64;
    /// One word on how bytes get in: `mapped`, `positioned reads`, `gzip stream`, `zarr chunks`.
    fn transport(&self) -> &'static str;

    /// Fills `out` with the region's elements. `out` is exactly as long as the region.
    ///
    /// # Errors
    /// Anything that keeps the true voxels from being delivered: I/O, damage, a missing chunk, a
    /// region that [`check_read`](Source::check_read) refuses; and for [`Access::Sequential`] sources
    /// always.
    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError>;

    /// Starts at the first element. Where a source does not say how, by reading regions: cheapest in
    /// steps of whole slices of the last axis.
    ///
    /// # Errors
    /// When the data cannot be opened.
    fn stream(&self, options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        let _ = options;
        Ok(Box::new(RegionStream::new(self)))
    }

    /// What [`read`](Source::read) asks first: does the region lie in the array, and is the buffer as
    /// long as the region?
    ///
    /// # Errors
    /// When it does not, or is not.
    fn check_read(&self, region: &Region, out: &[u8]) -> Result<(), SourceError> {
        let bytes = element_count(region.shape())
            .and_then(|count| count.checked_mul(self.dtype().size() as u64));
        if region.fits(self.shape()) && bytes == Some(out.len() as u64) {
            return Ok(());
        }
        Err(SourceError::new(
            self.name(),
            place(region),
            format!("no region of {} that fills {} bytes", shape_text(self.shape()), out.len()),
        ))
    }
}

/// The identity of a source: the same for all that share it.
pub(crate) fn address(source: &Arc<dyn Source>) -> usize {
    Arc::as_ptr(source).cast::<()>().addr()
}

/// A header and a sidecar so short are part of what every process needs.
const FREE_OPEN_BYTES: u64 = 8 << 10;

/// What an open source holds beyond what there is room for anyway.
pub(crate) fn open_beyond_free_bytes(source: &dyn Source) -> u64 {
    source.open_bytes().saturating_sub(FREE_OPEN_BYTES)
}

/// What a [`Stream`] does beside delivering elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// Computes the SHA-256 of the source file's bytes on the way (a file source only).
    pub sha256: bool,
}

/// One pass over a source from its first element to its last.
pub trait Stream: Send {
    /// Fills `out` with the elements that come next in memory order.
    ///
    /// # Errors
    /// When the bytes cannot be had or are damaged.
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError>;

    /// Passes over `bytes` bytes of elements.
    ///
    /// # Errors
    /// As [`read_next`](Stream::read_next).
    fn skip(&mut self, bytes: u64) -> Result<(), SourceError>;

    /// What another thread can do meanwhile, where there is something: hashing, of bytes that were read. Nothing
    /// else needs to be done with it; [`finish`](Stream::finish) does what is left.
    fn beside(&mut self) -> Option<Beside> {
        None
    }

    /// Reads what is left, and checks every checksum the source has. Numbers made from a stream
    /// must not be used before this has returned.
    ///
    /// # Errors
    /// When a checksum or a length does not hold.
    fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError>;
}

/// Work beside a [`Stream`], a little a call. True where there was something to do; calls may come from several threads, and
/// after the stream's end.
pub type Beside = Arc<dyn Fn() -> bool + Send + Sync>;

/// What a stream found out by reaching its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamEnd {
    /// SHA-256 of the source file's bytes, as it stands on disk, in hex; `None` where it was not
    /// read front to back.
    pub sha256: Option<String>,
    /// Gzip members, 0 for a plain file.
    pub gzip_members: u64,
    /// Bytes after the last voxel (inflated) that belong to no volume.
    pub trailing_bytes: u64,
    /// Untidy things that do not change a voxel.
    pub warnings: Vec<Warning>,
}

/// Something untidy about a source that was accepted; codes are rows of `docs/correctness.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Short stable code, such as `N75`.
    pub code: String,
    /// One sentence: field, value, what was done.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// A source could not deliver true voxels.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {place}: {reason}")]
pub struct SourceError {
    /// The source, by [`Source::name`] or by path.
    pub name: String,
    /// Where in it: a region, a chunk, a byte offset.
    pub place: String,
    /// What happened; with the next step where there is one.
    #[source]
    pub reason: Box<dyn StdError + Send + Sync>,
}

impl SourceError {
    /// An error at a place of a source.
    pub fn new(
        name: impl Into<String>,
        place: impl Into<String>,
        reason: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { name: name.into(), place: place.into(), reason: reason.into() }
    }
}

/// How messages name a region, also one that lies outside of every array.
pub(crate) fn place(region: &Region) -> String {
    format!("region of {} from {:?}", shape_text(region.shape()), region.start())
}

/// A [`Stream`] over a source of random access: each step is read as the few regions that it is
/// made of, one where it is whole slices of the last axis.
#[derive(Debug)]
pub(crate) struct RegionStream<'a, S: Source + ?Sized> {
    source: &'a S,
    item_bytes: u64,
    /// The next element, in memory order.
    next: u64,
    /// Number of elements.
    total: u64,
}

impl<'a, S: Source + ?Sized> RegionStream<'a, S> {
    /// Streams `source` by reading regions.
    pub(crate) fn new(source: &'a S) -> Self {
        let total = element_count(source.shape()).unwrap_or(0);
        Self { source, item_bytes: source.dtype().size() as u64, next: 0, total }
    }

    /// The number of elements that `bytes` are, where so many are to come.
    fn elements(&self, bytes: u64) -> Result<u64, SourceError> {
        let count = bytes / self.item_bytes;
        if bytes.is_multiple_of(self.item_bytes) && count <= self.total - self.next {
            return Ok(count);
        }
        Err(SourceError::new(
            self.source.name(),
            format!("element {} of {}", self.next, self.total),
            format!("a stream was asked for {bytes} bytes of {}", self.source.dtype()),
        ))
    }

    /// The largest region that begins with the next element and holds nothing but the next `count`,
    /// which are not none.
    fn region(&self, count: u64) -> Region {
        let shape = self.source.shape();
        let (mut start, mut lengths) = (Vec::new(), vec![1; shape.len()]);
        let (mut at, mut slice) = (self.next, 1);
        for (axis, &len) in shape.iter().enumerate() {
            start.push(at % len);
            // As long as slices of all axes before this one are taken whole.
            if start[..axis].iter().all(|&index| index == 0) && count >= slice {
                lengths[..axis].copy_from_slice(&shape[..axis]);
                lengths[axis] = (count / slice).min(len - start[axis]);
            }
            at /= len;
            slice *= len;
        }
        Region::new(start, lengths)
    }
}

impl<S: Source + ?Sized> Stream for RegionStream<'_, S> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        let mut count = self.elements(out.len() as u64)?;
        let mut rest = out;
        while count > 0 {
            let region = self.region(count);
            let (part, behind) = rest.split_at_mut((region.len() * self.item_bytes) as usize);
            self.source.read(&region, part)?;
            self.next += region.len();
            count -= region.len();
            rest = behind;
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.next += self.elements(bytes)?;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError> {
        Ok(StreamEnd::default())
    }
}
