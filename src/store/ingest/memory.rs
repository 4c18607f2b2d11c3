//! How much memory does a run's ingest take, and how many go at once?
//!
//! The formulas of decision 0004, of header facts alone, and the choice they lead to. Allocates
//! nothing.

use std::sync::Arc;

use bytesize::ByteSize;

use super::line::SLABS;
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
    encode_scratch_bytes: u64,
    /// What the source's stream takes.
    stream_scratch_bytes: u64,
    /// The run's metadata, as they are written.
    metadata_bytes: u64,
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
    pub(super) fn inline(&self) -> u64 {
        self.slab_bytes
            + self.encode_scratch_bytes
            + self.stream_scratch_bytes
            + self.metadata_bytes
    }

    /// So many threads that encode one slab and read the next one.
    pub(super) fn shared(&self, workers: usize) -> u64 {
        SLABS as u64 * self.slab_bytes
            + workers as u64 * self.encode_scratch_bytes
            + self.stream_scratch_bytes
            + self.metadata_bytes
    }
}

/// Who works on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Team {
    /// So many runs at a time, each on one thread.
    Runs(usize),
    /// A run at a time, by so many threads.
    Shared(usize),
    /// A run at a time on one thread.
    Alone,
}

impl Team {
    /// As many at once as threads and memory allow; assumes that one fits.
    pub(super) fn choose(needs: &[Needs], threads: usize, data_bytes: u64) -> Self {
        let mut leases: Vec<u64> = needs.iter().map(Needs::inline).collect();
        leases.sort_unstable_by_key(|&bytes| std::cmp::Reverse(bytes));
        let mut workers = threads.min(needs.len());
        let total = |n: usize| leases[..n].iter().fold(0_u64, |sum, &b| sum.saturating_add(b));
        while workers > 1 && total(workers) > data_bytes {
            workers -= 1;
        }
        if workers > 1 {
            return Self::Runs(workers);
        }
        let fits = |workers: &usize| needs.iter().all(|n| n.shared(*workers) <= data_bytes);
        (2..=threads).rev().find(fits).map_or(Self::Alone, Self::Shared)
    }

    /// What a run's lease is in this team.
    pub(super) fn lease_bytes(self, needs: &Needs) -> u64 {
        match self {
            Self::Runs(_) | Self::Alone => needs.inline(),
            Self::Shared(workers) => needs.shared(workers),
        }
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
    let Some(largest) = read.max_by_key(|plan| plan.needs.inline()) else { return Ok(()) };
    let (needs, headers_bytes) = (largest.needs, headers_bytes(plans));
    if needs.inline() <= data_bytes(plans, session) {
        return Ok(());
    }
    Err(StoreError::Memory {
        run: largest.run.name().to_owned(),
        needed_bytes: needs.inline().saturating_add(headers_bytes).saturating_add(FIXED_BYTES),
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
mod tests {
    use super::{Needs, Team};

    fn needs(slab_bytes: u64) -> Needs {
        Needs {
            slab_bytes,
            chunk_bytes: 10,
            encode_scratch_bytes: 30,
            stream_scratch_bytes: 5,
            metadata_bytes: 0,
        }
    }

    #[test]
    fn fewer_runs_then_fewer_threads_then_one_as_memory_shrinks() {
        let runs = [needs(100), needs(50), needs(100)];
        assert_eq!(Team::choose(&runs, 4, 1000), Team::Runs(3));
        assert_eq!(Team::choose(&runs, 2, 1000), Team::Runs(2));
        assert_eq!(Team::choose(&runs, 4, 270), Team::Runs(2));
        assert_eq!(Team::choose(&runs, 4, 269), Team::Shared(2));
        assert_eq!(Team::choose(&runs, 4, 265), Team::Shared(2));
        assert_eq!(Team::choose(&runs, 4, 264), Team::Alone);
        assert_eq!(Team::choose(&runs, 1, 1000), Team::Alone);
        assert_eq!(Team::choose(&runs[..1], 4, 1000), Team::Shared(4));
        assert_eq!(Team::choose(&[], 4, 1000), Team::Shared(4));
    }
}
