//! What does a header that lay apart from its voxels say once they follow it?
//!
//! The same, but for the magic and `vox_offset`: all other fields and the extensions are untouched.

use super::header::{Header, Version};

/// Extensions, and what follows them, begin and end at multiples of this.
const STEP_BYTES: usize = 16;

/// The bytes before the voxels of a single file, from those of a header that lay apart, which `header` was parsed
/// from.
pub(super) fn joined_header(header: &Header, bytes: &[u8]) -> Vec<u8> {
    let least = header.version.least_offset();
    let mut joined = bytes.to_vec();
    // A bare header has no extender; a lone part of one is filled up.
    joined.resize(bytes.len().max(least).next_multiple_of(STEP_BYTES), 0);
    let offset = joined.len();
    let mut put = |at: usize, field: &[u8]| {
        let field = field.iter().copied();
        let field: Vec<u8> =
            if header.big_endian { field.rev().collect() } else { field.collect() };
        joined[at..at + field.len()].copy_from_slice(&field);
    };
    match header.version {
        // Exact: a header is at most 2^24 bytes long.
        Version::One => put(108, &(offset as f32).to_le_bytes()),
        Version::Two => put(168, &(offset as i64).to_le_bytes()),
    }
    match header.version {
        Version::One => joined[344..348].copy_from_slice(b"n+1\0"),
        Version::Two => joined[4..8].copy_from_slice(b"n+2\0"),
    }
    joined
}
