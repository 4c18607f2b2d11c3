//! Is a stored run what its own header says, and what was stored?
//!
//! Ties the two formats: `nifti` judges the header's bytes, `store` compares what it keeps with them, and
//! `against` compares stored voxels with those of a file.

mod against;

pub use against::{Against, HeaderDifference, VoxelDifference};

use crate::nifti;
use crate::runtime::Session;
use crate::store::{Store, StoreError, Verified};

impl Store {
    /// Looks for everything about a run that is not as it was stored. Names as in [`run`](Self::run).
    ///
    /// Every chunk file is held against the checksums it was stored with, without decompressing any; with
    /// `deep`, all voxels are decoded, too, and their digest compared. All that attributes, coordinates and
    /// arrays tell of the run is made anew from the header's bytes, by the code that judges a header when a file
    /// is opened, and compared. One pass over the files, or two; memory is a chunk file a worker, or a
    /// slab of volumes, and the coordinates.
    ///
    /// Damage is no error but what was to be found out. What the root tells of the run is asked by
    /// [`verify_index`](Self::verify_index).
    ///
    /// # Errors
    /// As [`run`](Self::run), where the run's metadata cannot be believed at all; cancellation, or a budget
    /// that holds not even one chunk.
    pub fn verify(
        &self,
        name: &str,
        deep: bool,
        session: &Session,
    ) -> Result<Verified, StoreError> {
        self.verify_by(name, deep, session, |info| nifti::judge(info).map_err(|e| e.to_string()))
    }
}
