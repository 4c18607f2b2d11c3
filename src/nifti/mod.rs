//! How do NIfTI files become runs, and arrays become NIfTI files?
//!
//! [`open`] reads a header, judges every field and hands out a [`Run`](crate::Run) whose voxels are read later:
//! any region of a plain file, front to back of a gzip one. [`export`], [`write_map`] and, for arrays
//! of any size, [`NiftiSink`] go the other way. Anything that could change a voxel's value or place is an error; untidy metadata is a
//! [`Warning`](crate::Warning) with the number of its row in `docs/correctness.md`. ANALYZE, complex numbers, colours and arrays of five axes are refused by name.

mod annex;
mod content;
mod error;
mod export;
mod extensions;
mod fields;
mod file_bytes;
mod file_source;
mod fingerprint;
mod geometry;
mod gzip;
mod header;
mod hex;
mod inspect;
mod intake;
mod joined_header;
mod judge;
mod layout;
mod lone_header;
mod map;
mod mmap;
mod name;
mod near_pieces;
mod new_header;
mod open;
mod origin;
mod output;
mod pair;
mod pair_output;
mod plain;
mod run_writer;
mod scaling;
mod sidecar;
mod sink;
mod sniff;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timing;
mod units;

pub use error::NiftiError;
pub use export::export;
pub(crate) use fields::field_at;
pub use inspect::{Incomplete, Inspection, inspect};
pub(crate) use judge::judge;
pub(crate) use lone_header::{made_header, run_info_of_header};
pub use map::{MapFile, write_map};
pub use open::{Io, OpenOptions, TimeDim, open, open_with};
pub use pair::files_of;
pub use sink::{NiftiOptions, NiftiSink};

use intake::Intake;
