//! How do many numbers become few? Running sums, their finishes, and elementwise programs.
//!
//! Numbers only: slices in, state out. No files, no threads, no allocation that grows with data;
//! the caller hands over every buffer. Results depend on the order of samples along the reduced
//! axis and on nothing else (`docs/numerics.md`).

mod program;
mod stub;

pub(crate) use program::{BinaryOp, Program, ProgramBuilder, Registers, Slot, TILE, UnaryOp};
pub use program::{CastFault, Overflow};
pub(crate) use stub::*;
