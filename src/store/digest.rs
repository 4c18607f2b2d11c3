//! Are these the same bytes?
//!
//! XXH3-128, written `xxh3-128:` and 32 hex digits. For voxels, over their little-endian form in
//! memory order, so that a digest does not depend on the chunking. Guards against
//! damage and tells runs apart; no defence against forgery.

use std::fmt;
use std::path::Path;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::StoreError;
use crate::files;

/// The digest of bytes.
pub(super) fn of(bytes: &[u8]) -> String {
    text(xxh3_128(bytes))
}

/// Reads a file of `bytes` bytes, which must have this digest, and `more` behind them.
///
/// # Errors
/// When it cannot be read, is longer or shorter, or has another digest.
pub(super) fn read(
    file: &Path,
    bytes: u64,
    more: u64,
    digest: &str,
) -> Result<Vec<u8>, StoreError> {
    let found = files::look(file).map_err(StoreError::io("open", file))?.len();
    if Some(found) != bytes.checked_add(more) {
        return Err(StoreError::metadata(file, "length", bytes.saturating_add(more), found));
    }
    let mut content = files::read(file).map_err(StoreError::io("read", file))?;
    content.truncate(bytes as usize);
    let found = of(&content);
    if found != digest {
        return Err(StoreError::metadata(file, "digest", digest, found));
    }
    Ok(content)
}

fn text(hash: u128) -> String {
    format!("xxh3-128:{hash:032x}")
}

/// A digest over voxels that come slab by slab.
#[derive(Default)]
pub(super) struct VoxelDigest(Box<Xxh3>);

impl VoxelDigest {
    /// Takes the next voxels.
    pub(super) fn update(&mut self, voxels: &[u8]) {
        self.0.update(voxels);
    }

    pub(super) fn finish(&self) -> String {
        text(self.0.digest128())
    }
}

impl fmt::Debug for VoxelDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::{VoxelDigest, of};

    #[test]
    fn slabs_do_not_change_a_digest() {
        let voxels: Vec<u8> = (0..=255).collect();
        let mut digest = VoxelDigest::default();
        for slab in voxels.chunks(100) {
            digest.update(slab);
        }
        assert_eq!(digest.finish(), of(&voxels));
        // xxhsum -H128 of an empty input
        assert_eq!(of(b""), "xxh3-128:99aa06d3014798d86001c324468d497f");
    }
}
