//! How is a pass carried out, and with which buffers?
//!
//! Chosen by `fit`, obeyed by `exec`.

use std::ops::Range;
use std::sync::Arc;

use super::pass::Pass;
use super::sizes::WorkerSizes;
use crate::dtype::DType;
use crate::grid::{Partition, saturating_count};
use crate::spill::Spill;

/// How a pass is carried out.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    /// Workers that compute.
    pub(crate) workers: usize,
    /// One more thread a worker reads ahead of it.
    pub(crate) read_ahead: bool,
    pub(crate) units: Units,
    /// For each part: how many rows of the walk a step takes. The largest tile decides; more for a
    /// smaller tile could need a larger buffer.
    pub(crate) rows: Vec<u64>,
    /// Into how many legs the steps of a tile are parted, to be taken by several workers; 1 where one takes all.
    pub(crate) legs: u64,
    /// Windows stay in memory between the two phases of a tile. A pass with two phases always keeps.
    pub(crate) keep: bool,
    /// The buffers of each worker.
    pub(crate) sizes: WorkerSizes,
    /// Leased once: states that outlive a worker's unit.
    pub(crate) shared_bytes: u64,
    /// Rows that are put together before they are handed on; 0 where boxes go on as they come.
    pub(crate) regroup_rows: u64,
    /// Part of `shared_bytes`.
    pub(crate) regroup_bytes: u64,
    /// So many elements of a step, about, are made and handed on before more are; all of them where the receiver wants
    /// whole boxes.
    pub(crate) emit_elements: u64,
    /// The largest box that is handed on.
    pub(super) emitted: Vec<u64>,
    /// How often a stored block is read for tiles that cut through it; 1 where none does.
    pub(super) rereads: f64,
}

/// Which of so many steps of a tile belong to leg `leg` of `legs`.
pub(crate) fn leg_of(legs: u64, leg: u64, steps: u64) -> Range<u64> {
    let edge = |leg: u64| (u128::from(steps) * u128::from(leg) / u128::from(legs)) as u64;
    edge(leg)..edge(leg + 1)
}

/// What a worker takes at a time.
#[derive(Clone, Debug)]
pub(crate) enum Units {
    /// Boxes of the result; their input is read by region.
    Tiles(Partition),
    /// Parts, read front to back.
    Parts {
        /// The boxes that each output is finished in.
        finish: Vec<Partition>,
        sums: SumsIn,
    },
}

/// Where the sums of parts are until all parts have been read.
#[derive(Clone, Debug)]
pub(crate) enum SumsIn {
    /// In memory, for all cells.
    Memory,
    /// In memory, for one of these boxes of cells after the other, each by reading all parts again.
    Slabs(Partition),
    /// On disk: each part's from when it has been read to its end.
    Disk(WaitingSums),
}

/// The words of all sums of a pass in a scratch file: one word of all cells of a sum lies side by side.
#[derive(Clone, Debug)]
pub(crate) struct WaitingSums {
    pub(crate) spill: Arc<Spill>,
    /// Where the words of each sum begin.
    pub(crate) first_words: Vec<u64>,
}

impl WaitingSums {
    /// Room for the sums of a pass; `None` where some of them are not a few words a cell.
    pub(super) fn of(pass: &Pass) -> Option<Self> {
        let mut end = 0_u64;
        let mut first_words = Vec::with_capacity(pass.sums.len());
        for sum in &pass.sums {
            sum.kind.components()?;
            first_words.push(end);
            let words = saturating_count(sum.cells.shape()).checked_mul(sum.kind.words())?;
            end = end.checked_add(words)?;
        }
        let spill = Arc::new(Spill::new("running sums", &[end], DType::U64, &[end]));
        Some(Self { spill, first_words })
    }
}

impl Schedule {
    /// Bytes leased at once by the pass.
    pub(crate) fn total_bytes(&self) -> u64 {
        self.shared_bytes.saturating_add((self.workers as u64).saturating_mul(self.sizes.total()))
    }

    /// Workers that make results when all parts have been read, of so many at most: as many as take no more memory than
    /// those that read.
    pub(crate) fn finishing_workers(&self, most: usize) -> usize {
        let reading_bytes = (self.workers as u64).saturating_mul(self.sizes.total());
        let enough = reading_bytes / self.sizes.when_read().total().max(1);
        most.min(enough.max(self.workers as u64) as usize).max(1)
    }

    /// The sums among what is leased once.
    pub(super) fn sums_bytes(&self) -> u64 {
        self.shared_bytes.saturating_sub(self.regroup_bytes)
    }

    /// How often the parts are read.
    pub(crate) fn readings(&self) -> u64 {
        match &self.units {
            Units::Parts { sums: SumsIn::Slabs(slabs), .. } => slabs.len(),
            _ => 1,
        }
    }

    /// The scratch file that sums wait in, where they do.
    pub(super) fn spill(&self) -> Option<&Arc<Spill>> {
        match &self.units {
            Units::Parts { sums: SumsIn::Disk(waiting), .. } => Some(&waiting.spill),
            _ => None,
        }
    }

    /// Makes room for the rows of one block of where the only emit goes.
    pub(super) fn regroup(&mut self, pass: &Pass, grid: &[u64]) {
        let Some(emit) = pass.emits.first() else { return };
        let mut shape = emit.shape.clone();
        if let (Some(rows), Some(&block)) = (shape.last_mut(), grid.last()) {
            self.regroup_rows = block.clamp(1, (*rows).max(1));
            *rows = self.regroup_rows;
        }
        self.regroup_bytes = saturating_count(&shape).saturating_mul(emit.dtype.size() as u64);
        self.shared_bytes = self.shared_bytes.saturating_add(self.regroup_bytes);
        self.emitted = shape;
    }
}
