//! Which named analyses do people run?
//!
//! Each is built from the lazy array layer alone, as a user could; none reads a voxel itself.

mod error;
mod tsnr;

pub use error::JobError;
pub use tsnr::{Constant, RunRow, Tsnr, TsnrOptions, TsnrRecord, tsnr};
