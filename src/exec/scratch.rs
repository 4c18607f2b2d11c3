//! With which buffers does a worker work?
//!
//! Those that the plan named, taken out of one lease and used for every unit.

use crate::buffer::Buffer;
use crate::feed::FeedBuffers;
use crate::kernel::BATCH_BYTES;
use crate::kernel::{Registers, State};
use crate::plan::{Sum, WorkerSizes};
use crate::runtime::{Budget, BudgetError, Lease};

/// Buffers of one worker.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) feed: FeedBuffers,
    /// Registers of programs over finished reductions.
    pub(super) registers: Registers,
    /// Finished reductions, one tile for each input of a program.
    pub(super) inputs: Vec<Buffer>,
    /// What finishing one cell takes.
    pub(super) finish: Buffer,
    /// Boxes of results being made.
    pub(super) out: Buffer,
    /// A box put together out of several files.
    pub(super) assembled: Buffer,
    /// Boxes like that of load 0 for a reader that runs ahead.
    pub(super) ahead: Vec<Buffer>,
    /// Words on their way to a scratch file or from it.
    pub(super) words: Buffer,
    state_bytes: Vec<u64>,
    part_state_bytes: Vec<u64>,
    lease: Lease,
}

impl Scratch {
    /// Leases and allocates everything that `sizes` names.
    pub(super) fn new(sizes: &WorkerSizes, budget: &Budget) -> Result<Self, BudgetError> {
        let mut lease = budget.lease("a worker", sizes.total())?;
        lease.set_aside(sizes.others_bytes())?;
        let batch_bytes = BATCH_BYTES as u64;
        Ok(Self {
            feed: FeedBuffers::new(&sizes.feed, |bytes| lease.buffer(bytes))?,
            registers: Registers::new(lease.buffer(sizes.finish_register_bytes)?),
            inputs: (0..sizes.input_count)
                .map(|_| lease.buffer(batch_bytes))
                .collect::<Result<_, _>>()?,
            finish: lease.buffer(sizes.finish_bytes)?,
            out: lease.buffer(sizes.out_bytes)?,
            assembled: lease.buffer(sizes.assembled_bytes)?,
            ahead: (0..sizes.ahead)
                .map(|_| lease.buffer(sizes.ahead_box_bytes()))
                .collect::<Result<_, _>>()?,
            words: lease.buffer(sizes.words_bytes)?,
            state_bytes: sizes.state_bytes.clone(),
            part_state_bytes: sizes.part_state_bytes.clone(),
            lease,
        })
    }

    /// Room for the states of a part that wait on disk when it has been read.
    pub(super) fn part_rooms(&mut self) -> Result<Vec<Buffer>, BudgetError> {
        self.part_state_bytes.iter().map(|&bytes| self.lease.buffer(bytes)).collect()
    }

    /// States of a tile, one a sum.
    pub(super) fn states(&mut self, sums: &[Sum]) -> Result<Vec<State>, BudgetError> {
        let buffers = sums.iter().zip(&self.state_bytes);
        buffers
            .map(|(sum, &bytes)| Ok(State::new(sum.kind.clone(), 0, self.lease.buffer(bytes)?)))
            .collect()
    }
}
