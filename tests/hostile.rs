//! Bytes that somebody else chose.
//!
//! Every flipped bit and every cut of small files and of every file of a small store, structures that no
//! honest tool makes, and every input that the fuzz targets in `fuzz/` started from or found. What is asked
//! of all: an error or the right answer; no panic, no hang, no large allocation, no wrong voxel.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "oracle/allocator.rs"]
#[expect(dead_code, reason = "others measure one function; here one ceiling holds for all")]
mod allocator;
#[path = "hostile/claim.rs"]
mod claim;
#[path = "hostile/common.rs"]
mod common;
#[path = "hostile/corpus.rs"]
mod corpus;
#[path = "hostile/damage.rs"]
mod damage;
#[path = "hostile/files.rs"]
mod files;
#[path = "hostile/image.rs"]
mod image;
#[path = "hostile/inputs.rs"]
mod inputs;
#[path = "hostile/stores.rs"]
mod stores;
#[path = "hostile/structure.rs"]
mod structure;
