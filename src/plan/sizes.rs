//! What is in memory while a plan is carried out, in bytes?
//!
//! ```text
//! projected = fixed + tables + results + held + the largest pass                  (Standing)
//! pass      = shared + workers x worker                                           (Schedule::total_bytes)
//! worker    = blocks in memory + decoding + running sums + results of a tile      (WorkerSizes::terms)
//! ```
//!
//! Closed formulas that leases are made from: `exec` allocates each buffer that is named here and no other.
//! Why they are what they are: `docs/decisions/0004-memory-plan.md`.

use super::pass::{Emit, Output, Pass};
use crate::feed::FeedSizes;
use crate::grid::saturating_count;
use crate::kernel::BATCH_BYTES;
use crate::runtime::FIXED_BYTES;
use crate::spill::Spill;

/// So many elements of a result, about, are made before they are handed on: what is on its way stays in a cache.
pub(crate) const BOX_ELEMENTS: u64 = 8 << 10;

/// What each sum that waits on disk takes of a worker beside its words: the state and the cells that a tile has of it, and what an
/// allocator of many small buffers leaves unused (500 runs: 7 KiB).
const SUM_BYTES: u64 = 12 << 10;

/// What is in memory while any pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "units end a name")]
pub(crate) struct Standing {
    /// The arrays asked for, held from start to end; 0 where the caller brought the memory.
    pub(crate) result_bytes: u64,
    /// Results of one pass that a later one reads.
    pub(crate) held_bytes: u64,
    /// The plan itself, and what it was made from.
    pub(crate) tables_bytes: u64,
}

impl Standing {
    /// The most memory of the process while a pass of so many bytes runs.
    pub(crate) fn projected_bytes(&self, pass_bytes: u64) -> u64 {
        [FIXED_BYTES, self.tables_bytes, self.result_bytes, self.held_bytes]
            .into_iter()
            .fold(pass_bytes, u64::saturating_add)
    }

    /// What is leased from the beginning to the end of a plan.
    pub(crate) fn leased_bytes(&self) -> u64 {
        [self.tables_bytes, self.result_bytes, self.held_bytes]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// What the process holds beside arrays and passes.
    pub(super) fn fixed_bytes(&self) -> u64 {
        FIXED_BYTES.saturating_add(self.tables_bytes)
    }
}

/// What one worker allocates, each buffer sized for the largest unit it will meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkerSizes {
    /// What its trips take.
    pub(crate) feed: FeedSizes,
    /// Running sums of a tile, one entry a sum; once more where tiles are summed in legs.
    pub(crate) state_bytes: Vec<u64>,
    /// Running sums of a part, one entry a sum of the part that has most, where they wait on disk afterwards. There are
    /// either these or those of a tile.
    pub(crate) part_state_bytes: Vec<u64>,
    /// Words on their way to such a file or from it, where there is one.
    pub(crate) words_bytes: u64,
    /// Registers of the largest program over finished reductions.
    pub(crate) finish_register_bytes: u64,
    /// Finished reductions of one tile of a program, one entry an input.
    pub(crate) input_count: u64,
    /// What finishing one cell takes.
    pub(crate) finish_bytes: u64,
    /// Boxes of results being made.
    pub(crate) out_bytes: u64,
    /// A box put together out of several files.
    pub(crate) assembled_bytes: u64,
    /// Copies of that box that others hold.
    pub(crate) handed_on: u64,
    /// What a sink takes beside such a box.
    pub(crate) sink_bytes: u64,
    /// More boxes like that of load 0, for a reader that runs ahead.
    pub(crate) ahead: u64,
}

impl WorkerSizes {
    /// Bytes of one box that a reader ahead fills.
    pub(crate) fn ahead_box_bytes(&self) -> u64 {
        self.feed.loads.first().copied().unwrap_or(0)
    }

    /// What is left of it when all has been read, and results are made of the sums of whole parts.
    pub(crate) fn when_read(&self) -> Self {
        Self {
            feed: FeedSizes::default(),
            part_state_bytes: Vec::new(),
            assembled_bytes: 0,
            ahead: 0,
            ..self.clone()
        }
    }

    /// What sources, sinks and receivers allocate for themselves while the worker calls them.
    pub(crate) fn others_bytes(&self) -> u64 {
        let handed_on = self.out_bytes.saturating_mul(self.handed_on);
        let others = self.feed.source_bytes.saturating_add(handed_on);
        others.saturating_add(self.sink_bytes).saturating_add(self.spill_bytes())
    }

    /// What a scratch file takes beside the words that are sent there, and what is noted of the sums that come back.
    fn spill_bytes(&self) -> u64 {
        // As for 128 more: what planning leaves of its lists.
        let noted = SUM_BYTES.saturating_mul(128 + self.state_bytes.len() as u64);
        if self.words_bytes == 0 {
            0
        } else {
            Spill::put_bytes_of(self.words_bytes).saturating_add(noted)
        }
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.terms().into_iter().map(|(_, bytes)| bytes).fold(0, u64::saturating_add)
    }

    /// All of it, by name.
    pub(crate) fn terms(&self) -> [(&'static str, u64); 4] {
        let boxes =
            self.feed.box_bytes().saturating_add(self.ahead.saturating_mul(self.ahead_box_bytes()));
        let feed = self.feed.total().saturating_sub(self.feed.box_bytes());
        let tiles = self.input_count.saturating_mul(BATCH_BYTES as u64);
        let of_tile = self.state_bytes.iter().fold(self.finish_bytes, |n, &b| n.saturating_add(b));
        let of_part =
            self.part_state_bytes.iter().fold(self.finish_bytes, |n, &b| n.saturating_add(b));
        let sums = of_tile.max(of_part);
        [
            ("blocks in memory", boxes),
            ("decoding", feed),
            (
                "running sums",
                sums.saturating_add(self.words_bytes).saturating_add(self.spill_bytes()),
            ),
            (
                "results of a tile",
                self.out_bytes
                    .saturating_mul(1 + self.handed_on)
                    .saturating_add(self.assembled_bytes)
                    .saturating_add(self.sink_bytes)
                    .saturating_add(self.finish_register_bytes)
                    .saturating_add(tiles),
            ),
        ]
    }

    /// Makes room for the boxes that a part hands on, about `most` elements at once.
    pub(super) fn cover_emits(&mut self, pass: &Pass, part: usize, step: &[u64], most: u64) {
        let of_part = |emit: &Emit| {
            let pieces = emit.pieces.iter().filter(|piece| piece.part == part);
            let largest = pieces.map(|piece| {
                most_in_rows(&pass.parts[part].feed.branches[piece.branch].shape_of(step), most)
            });
            let boxes = largest.fold(0, u64::saturating_add);
            boxes.saturating_mul(emit.dtype.size() as u64)
        };
        // Boxes of one step are all filled before they are handed on; one branch may fill several.
        let together = pass.emits.iter().map(of_part).fold(0, u64::saturating_add);
        self.out_bytes = self.out_bytes.max(together);
    }

    /// Makes room for finishing a tile of a fold's results, those of an output at once.
    pub(super) fn cover_finish(&mut self, pass: &Pass, output: &Output, tile: &[u64]) {
        self.finish_register_bytes =
            self.finish_register_bytes.max(output.program.register_bytes());
        self.input_count = self.input_count.max(output.inputs.len() as u64);
        let cells = most_in_rows(tile, BOX_ELEMENTS);
        self.out_bytes = self.out_bytes.max(output.box_bytes(cells));
        for &input in &output.inputs {
            let sums = pass.reductions[input].sums.iter().map(|&sum| &pass.sums[sum]);
            let samples = sums.clone().map(|sum| sum.count).fold(0, u64::saturating_add);
            let scratch = sums.map(|sum| sum.kind.finish_bytes(samples)).max().unwrap_or(0);
            self.finish_bytes = self.finish_bytes.max(scratch);
        }
    }
}

/// The most elements of a piece, where boxes no longer than `shape` along any axis are cut by
/// [`in_rows`](crate::grid::Region::in_rows).
fn most_in_rows(shape: &[u64], elements: u64) -> u64 {
    let row = saturating_count(&shape[..shape.len().saturating_sub(1)]);
    saturating_count(shape).min(row.max(elements))
}
