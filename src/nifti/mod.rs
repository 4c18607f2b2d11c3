//! How do NIfTI files become runs, and arrays become NIfTI files?
//!
//! [`open`] reads a header, judges every field and hands out a [`Run`] whose voxels are read later:
//! any region of a plain file, front to back of a gzip one. [`export`] and [`write_map`] go the other
//! way. Anything that could change a voxel's value or place is an error; untidy metadata is a
//! [`Warning`](crate::Warning) with the number of its row in `docs/correctness.md`. Pairs
//! (`.hdr`/`.img`), ANALYZE, complex numbers, colours and arrays of five axes are refused by name.

mod digest;
mod error;
mod extensions;
mod file_bytes;
mod geometry;
mod gzip;
mod header;
mod intake;
mod layout;
mod mapping;
mod open;
mod origin;
mod pieces;
mod plain;
mod scaling;
mod sidecar;
mod sniff;
mod stamp;
mod timing;
mod units;

pub use error::NiftiError;
pub use open::{Io, OpenOptions, open, open_with};

use intake::Intake;
