//! What will be done, and with how much memory?
//!
//! [`Plan::new`] turns expressions into passes over their sources and fits them into the budget. The
//! steps, each a function of its own:
//!
//! 1. `intern`: what computes the same becomes one node.
//! 2. `narrow`: views of a reduction go below it where nobody wants the rest.
//! 3. `cut`: reductions used with elements, or reduced again, end a pass.
//! 4. `pieces`: reductions go through concatenations, results are filled file by file.
//! 5. `scaling`: slopes and intercepts go past the sums.
//! 6. `draft`: reductions of the same elements share the smallest set of sums.
//! 7. `share`: results that touch a common source share its scan.
//! 8. `fit`: fewer workers, then smaller blocks, then more readings, then a refusal that names the
//!    dominant term.
//!
//! Where a receiver asks for blocks that do not fit, or that would read stored blocks many times, all
//! of this is done once more with the result waiting on disk in between.
//!
//! Views were folded into the sources when the expression was built, and elementwise code is fused
//! into programs by `feed`. Nothing is listed that could be iterated: the size of a plan depends on
//! the number of files and operations, never on that of blocks. Does no I/O, starts no thread, makes
//! no numbers; `exec` carries a plan out without choices of its own.

mod cut;
mod delivery;
mod draft;
mod error;
mod explain;
mod fit;
mod intern;
mod narrow;
mod pass;
mod pieces;
mod scaling;
mod schedule;
mod share;
mod sizes;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use delivery::{Delivery, ResultMemory};
pub use error::PlanError;
use fit::Beside;
pub(crate) use pass::{Dest, EmitPiece, Form, Output, Part, Pass, Sum};
pub(crate) use schedule::{Schedule, Units};
pub(crate) use sizes::WorkerSizes;

use crate::dtype::DType;
use crate::feed::{Feed, address};
use crate::grid::saturating_count;
use crate::kernel::Groups;
use crate::lazy::{LazyArray, Node, Op};
use crate::runtime::{FIXED_BYTES, Session};
use crate::source::Source;
use crate::spill::Spill;
use cut::{Cutting, Turned, Way};
use share::Boldness;

/// A stored block may be read so often for the blocks of a receiver that cut through it; more costs more
/// than to write the array to disk once and read it back in order
/// (`docs/decisions/0011-waiting-on-disk.md`).
const MOST_REREADS: f64 = 4.0;

/// What a step along such a file reads: its pieces are long enough, and small budgets hold it.
const TURNED_STEP_BYTES: u64 = 8 << 20;

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

impl Plan {
    /// Plans `outputs`, each to come out as the type beside it.
    ///
    /// # Errors
    /// An expression that means nothing, a type that cannot hold the result, an order of reading
    /// that a stream cannot give, or a budget that is too small. No voxel has been read.
    pub(crate) fn new(
        outputs: &[(&LazyArray, DType)],
        delivery: &Delivery<'_>,
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
        let Some(block) = &delivery.grid else {
            let straight = Self::made(outputs, &Way::Either, &[], delivery, session)?;
            let turned = straight.turned();
            if !turned.is_empty()
                && let Ok(plan) = Self::made(outputs, &Way::Either, &turned, delivery, session)
                && plan.rereads() < straight.rereads()
            {
                return Ok(plan);
            }
            return Ok(straight);
        };
        let straight = Self::made(outputs, &Way::Map, &[], delivery, session);
        let costly = match &straight {
            Ok(plan) => plan.rereads() > MOST_REREADS,
            Err(error) => error.projected_bytes().is_some(),
        };
        if costly {
            let way = Way::OnDisk { block: block.clone() };
            return match (straight, Self::made(outputs, &way, &[], delivery, session)) {
                (_, Ok(waiting)) => Ok(waiting),
                (Ok(straight), Err(_)) => Ok(straight),
                // The refusal that a smaller budget would have avoided.
                (Err(straight), Err(waiting)) => {
                    let less = waiting.projected_bytes() < straight.projected_bytes();
                    Err(if less { waiting } else { straight })
                }
            };
        }
        straight
    }

    fn made(
        outputs: &[(&LazyArray, DType)],
        way: &Way,
        turned: &[Turned],
        delivery: &Delivery<'_>,
        session: &Session,
    ) -> Result<Self, PlanError> {
        let jobs = jobs_of(outputs, way, turned);
        let result_bytes = match delivery.memory {
            ResultMemory::Callers | ResultMemory::Blocks | ResultMemory::Sink => 0,
            ResultMemory::Counted => outputs
                .iter()
                .map(|(array, dtype)| array.size().saturating_mul(dtype.size() as u64))
                .fold(0, u64::saturating_add),
        };
        // From the fewest reads to the least memory.
        let tries = [(true, true), (false, true), (true, false), (false, false)];
        let mut refused = None;
        for (chained, mixed) in tries {
            let (passes, differs) = share::share(&jobs.jobs, Boldness { mixed, chained });
            if (chained || mixed) && (!differs || !passes.iter().all(|p| delivery.takes(p))) {
                continue;
            }
            let of_passes = passes.iter().flat_map(Pass::feeds).find_map(Feed::read_backwards);
            if let Some(name) = of_passes.or(jobs.backwards.as_deref()) {
                return Err(PlanError::Backwards { name: name.to_owned() });
            }
            let tables_bytes = tables_bytes(&passes);
            let beside = Beside { result_bytes, held_bytes: jobs.held_bytes, tables_bytes };
            match fitted(passes, beside, delivery, session) {
                Ok(passes) => {
                    return Ok(Self {
                        passes,
                        result_bytes,
                        held_bytes: jobs.held_bytes,
                        beside_bytes: FIXED_BYTES + tables_bytes,
                        budget_bytes: session.memory_bytes(),
                    });
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| unreachable!("the last try is always made")))
    }

    /// Arrays that wait on disk between two passes.
    pub(crate) fn spills(&self) -> impl Iterator<Item = &Arc<Spill>> {
        self.passes.iter().filter_map(|(pass, _)| pass.spill())
    }

    /// Bytes that wait on disk.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.spills().map(|spill| spill.len_bytes()).fold(0, u64::saturating_add)
    }

    /// How often a stored block is read, at most, because tiles cut through it.
    fn rereads(&self) -> f64 {
        self.passes.iter().map(|(_, schedule)| schedule.rereads).fold(1.0, f64::max)
    }

    /// The sources whose blocks are longer than the steps they are read in, and blocks in which they
    /// would be read once.
    fn turned(&self) -> Vec<Turned> {
        let mut turned: Vec<Turned> = Vec::new();
        for (pass, schedule) in &self.passes {
            for (part, &rows) in pass.parts.iter().zip(&schedule.rows) {
                for (source, axis) in part.feed.cut_sources(rows, MOST_REREADS) {
                    if turned.iter().all(|known| !Arc::ptr_eq(&known.source, source)) {
                        let block = block_to_walk(source.as_ref(), axis);
                        turned.push(Turned { source: Arc::clone(source), block });
                    }
                }
            }
        }
        turned
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
        for (pass, schedule) in &self.passes {
            let mut here: HashMap<usize, usize> = HashMap::new();
            for part in &pass.parts {
                let trips = part.feed.trips(schedule.keep) * schedule.readings() as usize;
                let mut of_part: HashMap<usize, usize> = HashMap::new();
                for source in part.feed.sources() {
                    *of_part.entry(address(source)).or_default() += trips;
                }
                // Parts that read different boxes of one source go through it once between them.
                for (source, count) in of_part {
                    let so_far = here.entry(source).or_default();
                    *so_far = (*so_far).max(count);
                }
            }
            for (source, count) in here {
                *scans.entry(source).or_default() += count;
            }
        }
        scans.into_values().max().unwrap_or(0)
    }

    /// Bytes of elements that all passes read, for progress.
    pub(crate) fn read_bytes(&self) -> u64 {
        let of_pass = |(pass, schedule): &(Pass, Schedule)| {
            pass.read_bytes().saturating_mul(schedule.readings())
        };
        self.passes.iter().map(of_pass).fold(0, u64::saturating_add)
    }
}

/// A source's own blocks, cut along `axis` so that a row of them can be read at a time.
fn block_to_walk(source: &dyn Source, axis: usize) -> Vec<u64> {
    let item = source.dtype().size() as u64;
    let row_bytes =
        saturating_count(source.shape()).saturating_mul(item) / source.shape()[axis].max(1);
    let mut block = source.block_shape().to_vec();
    block[axis] = (TURNED_STEP_BYTES / row_bytes.max(1)).clamp(1, block[axis].max(1));
    block
}

/// What is to be computed, cut where one pass must end before another.
fn jobs_of(outputs: &[(&LazyArray, DType)], way: &Way, turned: &[Turned]) -> Cutting {
    let mut interner = intern::Interner::default();
    let mut canonical = |nodes: &[Arc<Node>]| -> Vec<Arc<Node>> {
        nodes.iter().map(|node| interner.canonical(node)).collect()
    };
    let asked: Vec<Arc<Node>> = outputs.iter().map(|(array, _)| Arc::clone(array.node())).collect();
    let roots = narrow::narrow(&canonical(&asked));
    let roots = canonical(&roots);
    let mut cutting = Cutting::default();
    for turned in turned {
        cutting.turn(turned);
    }
    for (index, (root, (_, dtype))) in roots.iter().zip(outputs).enumerate() {
        cutting.result(root, *dtype, Dest::Result(index), way);
    }
    cutting
}

/// What a source, a program or a sum takes in the tables of a plan, with its share of the expression and
/// the headers behind it: measured on 500 joined runs (`docs/decisions/0004-memory-plan.md`).
const ENTRY_BYTES: u64 = 8 << 10;

/// So many are part of what every process needs.
const FREE_ENTRIES: u64 = 256;

/// Bytes of the plan itself and of what it was made from, beyond [`FIXED_BYTES`]. Headers and sidecars
/// are in [`ENTRY_BYTES`] as far as they are short.
fn tables_bytes(passes: &[Pass]) -> u64 {
    let held: HashMap<usize, u64> = passes
        .iter()
        .flat_map(Pass::feeds)
        .flat_map(Feed::sources)
        .map(|source| (address(source), source.open_bytes().saturating_sub(ENTRY_BYTES)))
        .collect();
    // While one is read or written, it is there in as many as three forms.
    let most_held = held.values().max().copied().unwrap_or(0);
    let held_bytes = held.values().fold(2 * most_held, |sum, &bytes| sum.saturating_add(bytes));
    let of_feed = |feed: &Feed| feed.windows.len() + feed.branches.len();
    let of_pass = |pass: &Pass| pass.sums.len() + pass.feeds().map(of_feed).sum::<usize>();
    let entries = passes.iter().map(of_pass).sum::<usize>() as u64;
    // Each part has its own share of the labels.
    let groups = passes.iter().flat_map(|pass| &pass.sums).filter_map(|sum| sum.groups.as_ref());
    let labels = groups.map(Groups::len_bytes).sum::<u64>();
    entries.saturating_sub(FREE_ENTRIES) * ENTRY_BYTES + labels + held_bytes
}

fn fitted(
    passes: Vec<Pass>,
    beside: Beside,
    delivery: &Delivery<'_>,
    session: &Session,
) -> Result<Vec<(Pass, Schedule)>, PlanError> {
    let fitted: Vec<Result<Schedule, PlanError>> =
        passes.iter().map(|pass| fit::fit(pass, beside, delivery, session)).collect();
    // The pass that needs most is the one to name: its budget is enough for all of them.
    let refused =
        fitted.iter().filter_map(|f| f.as_ref().err()).max_by_key(|e| e.projected_bytes());
    match refused {
        Some(refused) => Err(refused.clone()),
        None => Ok(passes.into_iter().zip(fitted.into_iter().flatten()).collect()),
    }
}
