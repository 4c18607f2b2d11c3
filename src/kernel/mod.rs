//! How do many numbers become few? States of reductions, their finishes, and elementwise programs.
//!
//! Numbers only: slices in, state out. No files, no threads, no allocation that grows with data;
//! the caller hands over every buffer. Results depend on the order of samples along the reduced
//! axes and on nothing else (`docs/numerics.md`).
//!
//! Read `fold` (which sample goes to which cell), `state` (what is kept of them), `finish` (what is made
//! of it), then `program` (elementwise code), which knows none of the three.

mod basis;
mod bits;
mod finish;
mod fold;
mod program;
mod reduce_op;
mod state;
mod wide;

#[cfg(test)]
mod tests;

pub(crate) use basis::Basis;
pub(crate) use finish::{FinishFault, Span, Summed, finish};
pub(crate) use fold::{Fold, Groups};
pub(crate) use program::{
    BATCH, BATCH_BYTES, BinaryOp, Program, ProgramBuilder, Registers, Slot, UnaryOp,
};
pub use program::{CastFault, Overflow};
pub use reduce_op::QuantileMethod;
pub(crate) use reduce_op::ReduceOp;
pub(crate) use state::{Component, State, StateKind};
