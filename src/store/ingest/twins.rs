//! Which runs of a store hold the same voxels?
//!
//! Told from the digests in their metadata: the same numbers, of one type and shape, whatever else the
//! files said. Reads nothing and judges nothing: a copy may be meant.

use std::collections::BTreeMap;

use crate::store::metadata::StoredVoxels;

/// The runs of a store, by their voxels.
#[derive(Debug, Default)]
pub(super) struct Twins(BTreeMap<Voxels, Vec<String>>);

/// Digest, type, and shape.
type Voxels = (String, String, [u64; 4]);

impl Twins {
    /// Notes the run at this group path.
    pub(super) fn note(&mut self, path: &str, voxels: &StoredVoxels) {
        let key = (voxels.digest.clone(), voxels.dtype.clone(), voxels.shape);
        self.0.entry(key).or_default().push(path.to_owned());
    }

    /// The others that have the voxels of the run at this path, in the order they were noted.
    pub(super) fn of(&self, path: &str) -> Vec<String> {
        let mut several = self.0.values().filter(|paths| paths.len() > 1);
        let Some(same) = several.find(|paths| paths.iter().any(|other| other == path)) else {
            return Vec::new();
        };
        same.iter().filter(|other| *other != path).cloned().collect()
    }
}
