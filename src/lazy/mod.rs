//! What does the user ask for?
//!
//! A [`LazyArray`] is an immutable expression over sources; building one checks shapes and types
//! and reads nothing. Slices never become nodes: they are folded into the leaves as the expression
//! is built. How an expression is computed is the business of `plan` and `exec`; this module never
//! points up at them.

mod array;
mod concat;
mod error;
mod memory;
mod node;
mod operators;
mod slice;
mod view;

pub use array::{LazyArray, ReduceOptions};
pub use concat::concatenate;
pub use error::LazyError;
pub(crate) use memory::MemorySource;
pub use memory::from_ndarray;
pub(crate) use node::{Node, Op, Scalar};
pub(crate) use slice::pieces;
pub(crate) use view::{Located, View};
