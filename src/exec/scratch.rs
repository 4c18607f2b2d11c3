//! The buffers of one worker, taken out of its lease once and used for every unit.

use crate::buffer::Buffer;
use crate::kernel::{Registers, State, StateKind};
use crate::plan::WorkerSizes;
use crate::runtime::{Budget, BudgetError, Lease};

/// Buffers of one worker.
#[derive(Debug)]
pub(super) struct Scratch {
    /// For each leaf: the box wanted, and what is read around it.
    pub(super) leaves: Vec<(Buffer, Buffer)>,
    pub(super) registers: Registers,
    /// A program's result, one tile.
    pub(super) tile: Buffer,
    /// Finished reductions, one tile for each input of a program.
    pub(super) inputs: Vec<Buffer>,
    /// The box of the result being made.
    pub(super) out: Buffer,
    /// Boxes like that of leaf 0 for a reader that runs ahead.
    pub(super) ahead: Vec<Buffer>,
    state_bytes: Vec<u64>,
    lease: Lease,
}

impl Scratch {
    /// Leases and allocates everything that `sizes` names.
    pub(super) fn new(sizes: &WorkerSizes, budget: &Budget) -> Result<Self, BudgetError> {
        let mut lease = budget.lease("a worker", sizes.total())?;
        let tile_bytes = WorkerSizes::PROGRAM_TILE_BYTES;
        let slab = sizes.leaves.first().map_or(0, |leaf| leaf.0);
        Ok(Self {
            leaves: sizes
                .leaves
                .iter()
                .map(|&(wanted, around)| Ok((lease.buffer(wanted)?, lease.buffer(around)?)))
                .collect::<Result<_, BudgetError>>()?,
            registers: Registers::new(lease.buffer(sizes.register_bytes)?),
            tile: lease.buffer(tile_bytes)?,
            inputs: (0..sizes.input_count)
                .map(|_| lease.buffer(tile_bytes))
                .collect::<Result<_, _>>()?,
            out: lease.buffer(sizes.out_bytes)?,
            ahead: (0..sizes.ahead).map(|_| lease.buffer(slab)).collect::<Result<_, _>>()?,
            state_bytes: sizes.state_bytes.clone(),
            lease,
        })
    }

    /// States of a tile, one a part.
    pub(super) fn states(&mut self, kinds: &[StateKind]) -> Result<Vec<State>, BudgetError> {
        let buffers = kinds.iter().zip(&self.state_bytes);
        buffers
            .map(|(kind, &bytes)| Ok(State::new(kind.clone(), 0, self.lease.buffer(bytes)?)))
            .collect()
    }
}
