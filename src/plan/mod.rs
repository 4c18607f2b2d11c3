//! What will be done, and with how much memory?
//!
//! [`Plan::new`] turns expressions into passes over their sources and fits them into the budget:
//! fewer workers, then smaller blocks, then a refusal that names the dominant term and the fix.
//! Does no I/O, starts no thread, makes no numbers; `exec` carries a plan out without choices of
//! its own.

mod error;
mod explain;
mod feed;
mod fit;
mod intern;
mod lower;
mod pass;
mod sizes;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use error::PlanError;
pub(crate) use feed::{Feed, Leaf};
pub(crate) use fit::{Blocks, Schedule, slab_shape};
pub(crate) use pass::{Dest, FoldPass, MapPass, Output, Part, Pass};
pub(crate) use sizes::WorkerSizes;

use crate::dtype::DType;
use crate::lazy::{LazyArray, Op};
use crate::runtime::{FIXED_BYTES, Session};

/// Passes in the order they run, fitted to a session's budget.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) passes: Vec<(Pass, Schedule)>,
    /// Bytes of the results, held from start to end; 0 where the caller brought the memory.
    pub(crate) result_bytes: u64,
    /// Bytes of results of one pass that a later one reads.
    pub(crate) held_bytes: u64,
    /// What the process and the caller hold beside the plan.
    beside_bytes: u64,
    budget_bytes: u64,
}

/// Who owns the memory that results go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultMemory {
    /// Allocated for the plan, and part of its projection.
    Counted,
    /// Brought by the caller.
    Callers,
    /// Handed on box by box, with a box in use while the next one is made.
    Blocks,
}

impl Plan {
    /// Plans `outputs`, each to come out as the type beside it.
    ///
    /// # Errors
    /// An expression that means nothing, a type that cannot hold the result, an order of reading
    /// that a stream cannot give, or a budget that is too small. No voxel has been read.
    pub(crate) fn new(
        outputs: &[(&LazyArray, DType)],
        results: ResultMemory,
        session: &Session,
    ) -> Result<Self, PlanError> {
        for (array, dtype) in outputs {
            if let Op::Invalid(error) = &array.node().op {
                return Err(PlanError::Expression(error.clone()));
            }
            if array.dtype().promote(*dtype) != *dtype {
                return Err(PlanError::LossyResult { array: array.dtype(), wanted: *dtype });
            }
        }
        let roots: Vec<_> =
            outputs.iter().map(|(array, dtype)| (Arc::clone(array.node()), *dtype)).collect();
        let (passes, held_bytes) = lower::lower(&roots)?;
        let result_bytes = match results {
            ResultMemory::Callers | ResultMemory::Blocks => 0,
            ResultMemory::Counted => outputs
                .iter()
                .map(|(array, dtype)| array.size().saturating_mul(dtype.size() as u64))
                .fold(0, u64::saturating_add),
        };
        let constant = result_bytes.saturating_add(held_bytes);
        let fitted: Vec<Result<Schedule, PlanError>> = passes
            .iter()
            .map(|pass| fit::fit(pass, constant, result_bytes, results, session))
            .collect();
        // The pass that needs most is the one to name: its budget is enough for all of them.
        let schedules = match fitted
            .iter()
            .filter_map(|f| f.as_ref().err())
            .max_by_key(|e| e.projected_bytes())
        {
            Some(refused) => return Err(refused.clone()),
            None => fitted.into_iter().flatten(),
        };
        let passes = passes.into_iter().zip(schedules).collect();
        Ok(Self {
            passes,
            result_bytes,
            held_bytes,
            beside_bytes: FIXED_BYTES + session.reserved_bytes(),
            budget_bytes: session.memory_bytes(),
        })
    }

    /// Bytes that will be leased at once, at most.
    pub(crate) fn leased_bytes(&self) -> u64 {
        let largest = self.passes.iter().map(|(_, s)| s.total_bytes()).max().unwrap_or(0);
        self.result_bytes + self.held_bytes + largest
    }

    /// The most memory the process will use.
    pub(crate) fn projected_bytes(&self) -> u64 {
        self.beside_bytes + self.leased_bytes()
    }

    /// How often the source that is read most is read.
    pub(crate) fn scans(&self) -> usize {
        let mut scans: HashMap<usize, usize> = HashMap::new();
        for (pass, _) in &self.passes {
            let sources = pass.feeds().flat_map(|feed| &feed.leaves);
            let once: HashSet<usize> =
                sources.map(|leaf| Arc::as_ptr(&leaf.source).addr()).collect();
            for source in once {
                *scans.entry(source).or_default() += 1;
            }
        }
        scans.into_values().max().unwrap_or(0)
    }

    /// Bytes of elements that all passes read, for progress.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.passes.iter().map(|(pass, _)| pass.read_bytes()).sum()
    }
}
