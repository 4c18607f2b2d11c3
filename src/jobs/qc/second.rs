//! What is there beside the second scan?

use crate::exec::ExecError;
use crate::grid::saturating_count;
use crate::plan::PlanError;
use crate::runtime::{FIXED_BYTES, Session};

/// Maps of the first scan while the second runs, and while one becomes the other: mean, std, median, MAD,
/// predicted variance and mask as they come, a copy of one of them, and three sets of bools.
const VOXEL_BYTES: u64 = 64;

/// Memory that is in use from the first scan on.
pub(super) struct Held {
    maps_bytes: u64,
    series_bytes: u64,
}

impl Held {
    /// For a run of this shape and so many rows of the carpet.
    pub(super) fn of(shape: &[u64], carpet_rows: usize) -> Self {
        let (slices, volumes) = (shape[2], shape[3]);
        // Five series, slices with their spikes and what these are made of, and the rows in float32.
        let voxels = saturating_count(&shape[..3]);
        let a_volume = voxels
            .min(carpet_rows as u64)
            .saturating_mul(4)
            .saturating_add(slices.saturating_mul(32))
            .saturating_add(5 * 8);
        Self {
            maps_bytes: voxels.saturating_mul(VOXEL_BYTES),
            series_bytes: volumes.saturating_mul(a_volume),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.maps_bytes.saturating_add(self.series_bytes)
    }

    /// The least that a computation beside it needs, it included.
    pub(super) fn least_bytes(&self) -> u64 {
        FIXED_BYTES.saturating_mul(2).saturating_add(self.bytes())
    }

    /// The session with what is left of its memory.
    ///
    /// # Errors
    /// How much would do, where nothing is left.
    pub(super) fn session(&self, session: &Session) -> Result<Session, ExecError> {
        session.with_less(self.bytes()).ok_or_else(|| {
            let largest = if self.maps_bytes < self.series_bytes {
                ("the series of all slices, and the carpet".to_owned(), self.series_bytes)
            } else {
                ("maps of the voxels".to_owned(), self.maps_bytes)
            };
            PlanError::memory(self.least_bytes(), session, largest, None).into()
        })
    }
}
