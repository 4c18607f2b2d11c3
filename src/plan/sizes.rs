//! The buffers of one worker, in bytes: the closed formula that a lease is made from.

use super::feed::Feed;
use crate::kernel::TILE;

/// What one worker allocates, each buffer sized for the largest unit it will meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkerSizes {
    /// For leaf number so-and-so of any feed: the box wanted, and what must be read around it.
    pub(crate) leaves: Vec<(u64, u64)>,
    /// What sources use inside a read, beyond the buffers above.
    pub(crate) source_bytes: u64,
    /// Registers of the largest program.
    pub(crate) register_bytes: u64,
    /// Running sums of a tile, one entry a part.
    pub(crate) state_bytes: Vec<u64>,
    /// Finished reductions of one tile of a program, one entry an input.
    pub(crate) input_count: u64,
    /// The box of the result being made.
    pub(crate) out_bytes: u64,
    /// Copies of that box that others hold.
    pub(crate) handed_on: u64,
    /// More boxes like that of leaf 0, for a reader that runs ahead.
    pub(crate) ahead: u64,
}

impl WorkerSizes {
    /// Makes room for reading boxes of `shape` from `feed`.
    pub(crate) fn cover(&mut self, feed: &Feed, shape: &[u64]) {
        let elements = shape.iter().fold(1_u64, |n, &len| n.saturating_mul(len));
        self.leaves.resize(self.leaves.len().max(feed.leaves.len()), (0, 0));
        for (leaf, (wanted, around)) in feed.leaves.iter().zip(&mut self.leaves) {
            *wanted = (*wanted).max(elements.saturating_mul(leaf.element_bytes()));
            *around = (*around).max(leaf.around_bytes(shape));
        }
        let source =
            feed.leaves.iter().map(|leaf| leaf.source.scratch_bytes()).fold(0, u64::saturating_add);
        self.source_bytes = self.source_bytes.max(source);
        self.register_bytes = self.register_bytes.max(feed.register_bytes());
    }

    /// Bytes of the tile that a program's result passes through.
    pub(crate) const PROGRAM_TILE_BYTES: u64 = TILE as u64 * 8;

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.terms().into_iter().map(|(_, bytes)| bytes).fold(0, u64::saturating_add)
    }

    /// All of it, by name.
    pub(crate) fn terms(&self) -> [(&'static str, u64); 4] {
        let sum = |list: &mut dyn Iterator<Item = u64>| list.fold(0, u64::saturating_add);
        let slab = self.leaves.first().map_or(0, |l| l.0);
        let blocks = sum(&mut self.leaves.iter().map(|l| l.0.saturating_add(l.1)))
            .saturating_add(self.ahead.saturating_mul(slab));
        [
            ("blocks in memory", blocks),
            ("decoding", self.source_bytes),
            ("running sums", sum(&mut self.state_bytes.iter().copied())),
            (
                "results of a tile",
                self.out_bytes.saturating_mul(1 + self.handed_on).saturating_add(
                    self.register_bytes
                        + self.input_count * Self::PROGRAM_TILE_BYTES
                        + Self::PROGRAM_TILE_BYTES,
                ),
            ),
        ]
    }
}
