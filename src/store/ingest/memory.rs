//! How much memory does a run's ingest take?
//!
//! The formulas of decision 0004, of header facts alone. Allocates nothing. How many runs go at once is for `team`.

use std::sync::Arc;

use bytesize::ByteSize;

use super::plan::RunPlan;
use crate::runtime::{FIXED_BYTES, Session};
use crate::source::{Source, open_beyond_free_bytes};
use crate::store::checksums::Checksums;
use crate::store::chunk_layout::ChunkLayout;
use crate::store::error::StoreError;

/// Bytes that one run's ingest works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "units come last in a name")]
pub(super) struct Needs {
    /// As many volumes as a chunk is long: so many whole chunks.
    pub(super) slab_bytes: u64,
    /// One of these chunks.
    pub(super) chunk_bytes: u64,
    /// What encoding one chunk takes beyond it.
    pub(super) encode_scratch_bytes: u64,
    /// What the source's stream takes.
    stream_scratch_bytes: u64,
    /// The run's metadata, as they are written.
    pub(super) metadata_bytes: u64,
}

impl Needs {
    /// Those of a run of this shape that is cut so.
    pub(super) fn of(source: &dyn Source, layouts: &[Arc<ChunkLayout>]) -> Self {
        let chunk_bytes = layouts[0].codec.decoded_bytes();
        let scratch = layouts.iter().map(|layout| layout.codec.encode_scratch());
        Self {
            slab_bytes: layouts[0].grid.counts()[2].saturating_mul(chunk_bytes),
            chunk_bytes,
            encode_scratch_bytes: scratch.max().unwrap_or(0),
            stream_scratch_bytes: source.scratch_bytes(),
            // As attributes, as JSON, and as text; the table of checksums, as bytes and in a chunk.
            metadata_bytes: 3
                * (open_beyond_free_bytes(source) + Checksums::bytes_of(layouts[0].chunks)),
        }
    }

    /// One thread that reads a slab, then encodes it.
    pub(super) fn lease_bytes(&self) -> u64 {
        self.slab_bytes
            + self.encode_scratch_bytes
            + self.stream_scratch_bytes
            + self.metadata_bytes
    }
}

/// What the headers and sidecars of all runs take, beyond what [`FIXED_BYTES`] has room for.
fn headers_bytes(plans: &[RunPlan<'_>]) -> u64 {
    let of_run = |plan: &RunPlan<'_>| open_beyond_free_bytes(plan.run.source().as_ref());
    plans.iter().map(of_run).fold(0, u64::saturating_add)
}

/// What is left for voxels beside the headers of all runs.
pub(super) fn data_bytes(plans: &[RunPlan<'_>], session: &Session) -> u64 {
    session.data_bytes().saturating_sub(headers_bytes(plans))
}

/// Refuses, before any voxel is read, when the session cannot hold even one run at a time.
pub(super) fn check(plans: &[RunPlan<'_>], session: &Session) -> Result<(), StoreError> {
    let read = plans.iter().filter(|plan| plan.is_read());
    let Some(largest) = read.max_by_key(|plan| plan.needs.lease_bytes()) else { return Ok(()) };
    let (needs, headers_bytes) = (largest.needs, headers_bytes(plans));
    if needs.lease_bytes() <= data_bytes(plans, session) {
        return Ok(());
    }
    Err(StoreError::Memory {
        run: largest.run.name().to_owned(),
        needed_bytes: needs.lease_bytes().saturating_add(headers_bytes).saturating_add(FIXED_BYTES),
        budget_bytes: session.memory_bytes(),
        parts: format!(
            "a slab of {} volumes {}, encoding {}, reading {}, headers and sidecars {}, the program {}",
            largest.chunk[3],
            ByteSize(needs.slab_bytes),
            ByteSize(needs.encode_scratch_bytes),
            ByteSize(needs.stream_scratch_bytes),
            ByteSize(needs.metadata_bytes.saturating_add(headers_bytes)),
            ByteSize(FIXED_BYTES)
        ),
    })
}

#[cfg(test)]
impl Needs {
    /// Of a slab of so many bytes, and a few beside it.
    pub(super) const fn made_up(slab_bytes: u64) -> Self {
        Self {
            slab_bytes,
            chunk_bytes: 10,
            encode_scratch_bytes: 30,
            stream_scratch_bytes: 5,
            metadata_bytes: 0,
        }
    }
}
