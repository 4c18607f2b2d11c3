//! What does the user ask for?
//!
//! A [`LazyArray`] is an immutable expression over sources; building one checks shapes and types
//! and reads nothing. Slices, transposes, repeats and picks never run: they are views, folded into
//! the leaves as the expression is built. How an expression is computed is the business of `plan` and
//! `exec`; this module never points up at them.

mod array;
mod axes;
mod by_node;
mod concat;
mod convert;
mod create;
mod custom;
mod elementwise;
mod error;
mod group;
mod in_memory;
mod node;
mod operators;
mod projection;
mod pushdown;
mod reduce;
mod reduce_node;
mod reshape;
mod slice;
mod structure;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) mod tests;
mod types;
mod view;

pub use crate::kernel::QuantileMethod;
pub use array::LazyArray;
pub(crate) use array::block_shape_of;
pub use axes::Axes;
pub(crate) use by_node::ByNode;
pub use concat::{concatenate, stack};
pub use create::{arange, full};
pub(crate) use custom::{Custom, Footprint};
pub use elementwise::where_;
pub use error::LazyError;
pub use group::Grouped;
pub(crate) use in_memory::MemorySource;
pub use in_memory::from_ndarray;
pub(crate) use node::{Kept, Labels, MapOp, Node, Op, Reduce, Scalar};
pub use operators::Operand;
pub use projection::Projection;
pub(crate) use pushdown::see;
pub use reduce_node::ReduceOptions;
pub(crate) use view::{AxisView, View};
