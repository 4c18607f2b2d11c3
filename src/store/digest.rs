//! Are these the same bytes?
//!
//! XXH3-128, written `xxh3-128:` and 32 hex digits. For voxels, over their little-endian form in
//! memory order, so that a digest does not depend on the machine or the chunking. Guards against
//! damage and tells runs apart; no defence against forgery.

use std::fmt;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::dtype::{DType, swap_bytes};

/// The digest of bytes.
pub(super) fn of(bytes: &[u8]) -> String {
    text(xxh3_128(bytes))
}

fn text(hash: u128) -> String {
    format!("xxh3-128:{hash:032x}")
}

/// A digest over voxels that come slab by slab.
pub(super) struct VoxelDigest {
    state: Box<Xxh3>,
    item_bytes: usize,
}

impl VoxelDigest {
    pub(super) fn new(dtype: DType) -> Self {
        Self { state: Box::new(Xxh3::new()), item_bytes: dtype.size() }
    }

    /// Takes the next voxels, in native byte order; leaves them as they were.
    pub(super) fn update(&mut self, voxels: &mut [u8]) {
        if cfg!(target_endian = "big") {
            swap_bytes(voxels, self.item_bytes);
        }
        self.state.update(voxels);
        if cfg!(target_endian = "big") {
            swap_bytes(voxels, self.item_bytes);
        }
    }

    pub(super) fn finish(&self) -> String {
        text(self.state.digest128())
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
    use crate::dtype::DType;

    #[test]
    fn slabs_do_not_change_a_digest() {
        let mut voxels: Vec<u8> = (0..=255).collect();
        let mut digest = VoxelDigest::new(DType::I16);
        for slab in voxels.chunks_mut(100) {
            digest.update(slab);
        }
        assert_eq!(digest.finish(), of(&voxels));
        // xxhsum -H128 of an empty input
        assert_eq!(of(b""), "xxh3-128:99aa06d3014798d86001c324468d497f");
    }
}
