//! What must an output promise?
use std::fmt;
use crate::grid::Region;
/// How boxes come to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkOrder { /// In any order.
    Any, /// One after the other, contiguous in memory order.
    Memory }
/// Where a result goes that is never whole in memory.
pub trait Sink: Send + Sync + fmt::Debug {
    /// What messages call it.
    fn name(&self) -> &str;
    /// Boxes are whole blocks of this shape.
    fn block_shape(&self) -> &[u64];
    /// How boxes come.
    fn order(&self) -> SinkOrder;
    /// The most memory one `put` uses.
    fn scratch_bytes(&self, shape: &[u64]) -> u64;
    /// Takes a box.
    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError>;
    /// Makes it visible.
    fn commit(self: Box<Self>) -> Result<(), SinkError>;
}
/// x
#[derive(Debug, thiserror::Error)]
#[error("{name}")]
pub struct SinkError { pub name: String }
