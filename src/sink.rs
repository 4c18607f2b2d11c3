//! What must an output promise?
//!
//! [`Sink`] is the twin of [`Source`](crate::Source): whoever computes an array box by box hands
//! the boxes to one, and an array of any size is written without ever being whole in memory. Says
//! nothing about formats or places; `nifti` and `store` implement it.

use std::error::Error as StdError;
use std::fmt;

use crate::dtype::DType;
use crate::grid::{Region, element_count, shape_text};

/// In which order a sink takes boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SinkOrder {
    /// Any, and from several threads at once.
    Any,
    /// One after the other; joined they are the array in memory order, as a gzip stream needs it.
    Memory,
}

/// An array that is being written box by box; it is there whole after [`commit`](Sink::commit), or
/// not at all.
///
/// Axis 0 is the fastest in memory: bytes handed over are in memory order of their region, in native
/// byte order; `bool` is one byte, 0 or 1. Every element is put once.
pub trait Sink: Send + Sync + fmt::Debug {
    /// What messages and plans call it: a path.
    fn name(&self) -> &str;
    /// Lengths of the axes of the array it takes.
    fn shape(&self) -> &[u64];
    /// The type of the elements it takes.
    fn dtype(&self) -> DType;
    /// Boxes start at multiples of this, and are whole blocks but for the ends of the array.
    fn block_shape(&self) -> &[u64];
    /// In which order it takes boxes.
    fn order(&self) -> SinkOrder;
    /// The most memory one `put` of a box of this shape uses beyond the caller's bytes; with
    /// [`SinkOrder::Memory`], the most the sink uses at all.
    fn scratch_bytes(&self, shape: &[u64]) -> u64;

    /// Takes the elements of a box. An empty box adds nothing.
    ///
    /// # Errors
    /// When the box does not lie in the array, is not made of whole blocks, comes out of order or
    /// has another number of bytes; when it cannot be written. The array cannot be committed then.
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError>;

    /// Makes the array durable, then visible under its name. A sink that is dropped instead leaves
    /// nothing behind.
    ///
    /// # Errors
    /// When elements are missing, a `put` failed before, or the array cannot get its name.
    fn commit(self: Box<Self>) -> Result<(), SinkError>;
}

/// An output could not take an array.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {place}: {reason}")]
pub struct SinkError {
    /// The sink, by [`Sink::name`].
    pub name: String,
    /// Where in it: a region, a chunk, a file.
    pub place: String,
    /// What happened; with the next step where there is one.
    #[source]
    pub reason: Box<dyn StdError + Send + Sync>,
}

impl SinkError {
    /// An error at a place of a sink.
    pub fn new(
        name: impl Into<String>,
        place: impl Into<String>,
        reason: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { name: name.into(), place: place.into(), reason: reason.into() }
    }
}

/// Why a box is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BoxFault {
    #[error("it does not lie in an array of shape {shape}")]
    Outside { shape: String },
    #[error("it has {found} bytes, expected {expected}")]
    Length { found: u64, expected: u64 },
    #[error("it is not made of whole blocks of {block}")]
    Unaligned { block: String },
}

/// Does a box lie in an array, and has it the bytes of its elements?
///
/// # Errors
/// When it does not, or has not.
pub(crate) fn check_bytes(
    shape: &[u64],
    dtype: DType,
    region: &Region,
    bytes: &[u8],
) -> Result<(), BoxFault> {
    if !region.fits(shape) {
        return Err(BoxFault::Outside { shape: shape_text(shape) });
    }
    let expected = element_count(region.shape()).and_then(|n| n.checked_mul(dtype.size() as u64));
    let (found, expected) = (bytes.len() as u64, expected.unwrap_or(u64::MAX));
    if found != expected {
        return Err(BoxFault::Length { found, expected });
    }
    Ok(())
}

/// Holds a box against what every sink asks of one.
///
/// # Errors
/// The first thing that [`Sink::put`] forbids.
pub(crate) fn check_box(sink: &dyn Sink, region: &Region, bytes: &[u8]) -> Result<(), BoxFault> {
    let (shape, block) = (sink.shape(), sink.block_shape());
    check_bytes(shape, sink.dtype(), region, bytes)?;
    let whole = |axis: usize| {
        let (start, end, step) = (region.start()[axis], region.end(axis), block[axis].max(1));
        start.is_multiple_of(step) && (end.is_multiple_of(step) || end == shape[axis])
    };
    if !region.is_empty() && !(0..shape.len()).all(whole) {
        return Err(BoxFault::Unaligned { block: shape_text(block) });
    }
    Ok(())
}
