//! What will be done, and with how much memory?
//!
//! [`Plan::new`] turns expressions into passes over their sources and fits them into the budget:
//!
//! 1. `intern`: what computes the same becomes one node.
//! 2. `narrow`: views of a reduction go below it where nobody wants the rest (and `intern` again).
//! 3. `cut`: reductions used with elements, or reduced again, end a pass. What is left are tasks, each
//!    a fold or a map.
//! 4. `share`: tasks that touch a common source become one pass. A `draft` puts each pass together:
//!    reductions go through concatenations (`pieces`), slopes and intercepts go past the sums
//!    (`scaling`), and reductions of the same elements keep one set of sums.
//! 5. `fit`: fewer workers, then smaller blocks, then sums that wait on disk, then more readings, then a
//!    refusal that names the dominant term.
//!
//! Steps 4 and 5 are tried boldly first: with as much in one pass as can be, then with less. Where
//! stored blocks would be read many times, or blocks that are asked for do not fit, steps 3 to 5 are done
//! once more with elements waiting on disk in between (`turn`, `cut::Way`). Whatever is chosen, the bits
//! of a result are the same.
//!
//! Views were folded into the sources when the expression was built, and elementwise code is fused
//! into programs by `feed`. Nothing is listed that could be iterated: the size of a plan depends on
//! the number of files and operations, never on that of blocks. Does no I/O, starts no thread, makes
//! no numbers; `exec` carries a plan out without choices of its own.

mod apart;
mod cut;
mod delivery;
mod draft;
mod error;
mod explain;
mod fit;
mod intern;
mod kept;
mod narrow;
mod pass;
mod pieces;
mod scaling;
mod schedule;
mod share;
mod sizes;
mod tables;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use apart::Apart;
pub(crate) use delivery::{Delivery, ResultMemory};
pub use error::PlanError;
pub(crate) use kept::KeptState;
pub(crate) use pass::{Dest, EmitPiece, FoldOver, Form, Output, Part, Pass, Sum};
pub(crate) use schedule::{Schedule, SumsIn, Units, WaitingSums, leg_of};
pub(crate) use sizes::{BOX_ELEMENTS, Standing, WorkerSizes};

use crate::dtype::DType;
use crate::feed::Feed;
use crate::lazy::{LazyArray, Node, Op};
use crate::runtime::Session;
use crate::source::address;
use crate::spill::Spill;
use cut::{Cutting, Turned, Way};
use share::{Boldness, Shared};

/// A stored block may be read so often for blocks of a receiver, or steps of a walk, that cut through it;
/// more costs more than to write the array to disk once and read it back in order
/// (`docs/decisions/0011-waiting-on-disk.md`).
const MOST_REREADS: f64 = 4.0;

/// Passes in the order they run, fitted to a session's budget.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) passes: Vec<(Pass, Schedule)>,
    pub(crate) standing: Standing,
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
            let straight = Self::planned(outputs, &Way::Either, &[], delivery, session)?;
            let turned = turn::to_turn(&straight.passes);
            if !turned.is_empty()
                && let Ok(plan) = Self::planned(outputs, &Way::Either, &turned, delivery, session)
                && plan.rereads() < straight.rereads()
            {
                return Ok(plan);
            }
            return Ok(straight);
        };
        let straight = Self::planned(outputs, &Way::Map, &[], delivery, session);
        let costly = match &straight {
            Ok(plan) => plan.rereads() > MOST_REREADS,
            Err(error) => error.projected_bytes().is_some(),
        };
        if !costly {
            return straight;
        }
        let way = Way::OnDisk { block: block.clone() };
        match (straight, Self::planned(outputs, &way, &[], delivery, session)) {
            (_, Ok(waiting)) => Ok(waiting),
            (Ok(straight), Err(_)) => Ok(straight),
            // Of two refusals the one that asks for less.
            (Err(straight), Err(waiting)) => {
                let less = waiting.projected_bytes() < straight.projected_bytes();
                Err(if less { waiting } else { straight })
            }
        }
    }

    /// Plans in one way: cut, then bundled as boldly as fits.
    fn planned(
        outputs: &[(&LazyArray, DType)],
        way: &Way,
        turned: &[Turned],
        delivery: &Delivery<'_>,
        session: &Session,
    ) -> Result<Self, PlanError> {
        let cutting = cut_outputs(outputs, way, turned);
        let result_bytes = match delivery.memory {
            ResultMemory::Callers | ResultMemory::Blocks | ResultMemory::Sink => 0,
            ResultMemory::Counted => outputs
                .iter()
                .map(|(array, dtype)| array.size().saturating_mul(dtype.size() as u64))
                .fold(0, u64::saturating_add),
        };
        let mut refused = None;
        for boldness in Boldness::ALL {
            let Shared { passes, bolder } = share::share(&cutting.tasks, boldness);
            let is_last = boldness == Boldness::TIMID;
            if !is_last && (!bolder || !passes.iter().all(|pass| delivery.accepts(pass))) {
                continue;
            }
            let of_passes = passes.iter().flat_map(Pass::feeds).find_map(Feed::read_backwards);
            if let Some(name) = of_passes.or(cutting.backwards.as_deref()) {
                return Err(PlanError::Backwards { name: name.to_owned() });
            }
            let tables_bytes = tables::tables_bytes(&passes);
            let standing = Standing { result_bytes, held_bytes: cutting.held_bytes, tables_bytes };
            match fitted(passes, standing, delivery, session) {
                Ok(passes) => {
                    let budget_bytes = session.memory_bytes();
                    return Ok(Self { passes, standing, budget_bytes });
                }
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| unreachable!("the last try is always made")))
    }

    /// What waits on disk: arrays between two passes, and sums of parts until all have been read.
    pub(crate) fn spills(&self) -> impl Iterator<Item = &Arc<Spill>> {
        self.passes
            .iter()
            .flat_map(|(pass, schedule)| pass.spill().into_iter().chain(schedule.spill()))
    }

    /// Bytes that wait on disk.
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.spills().map(|spill| spill.len_bytes()).fold(0, u64::saturating_add)
    }

    /// How often a stored block is read, at most, because tiles cut through it.
    fn rereads(&self) -> f64 {
        self.passes.iter().map(|(_, schedule)| schedule.rereads).fold(1.0, f64::max)
    }

    /// The most memory the process will use.
    pub(crate) fn projected_bytes(&self) -> u64 {
        let largest = self.passes.iter().map(|(_, s)| s.total_bytes()).max().unwrap_or(0);
        self.standing.projected_bytes(largest)
    }

    /// How often the source that is read most is read.
    pub(crate) fn scans(&self) -> usize {
        let mut scans: HashMap<usize, usize> = HashMap::new();
        for (pass, schedule) in &self.passes {
            let mut here: HashMap<usize, usize> = HashMap::new();
            for part in &pass.parts {
                let trips = schedule.readings() as usize;
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

/// What is to be computed, cut where one pass must end before another.
fn cut_outputs(outputs: &[(&LazyArray, DType)], way: &Way, turned: &[Turned]) -> Cutting {
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

/// A schedule for every pass, or the refusal of the pass that needs most.
fn fitted(
    passes: Vec<Pass>,
    standing: Standing,
    delivery: &Delivery<'_>,
    session: &Session,
) -> Result<Vec<(Pass, Schedule)>, PlanError> {
    let fitted: Vec<Result<Schedule, PlanError>> =
        passes.iter().map(|pass| fit::fit(pass, standing, delivery, session)).collect();
    // The pass that needs most is the one to name: its budget is enough for all of them.
    let refused =
        fitted.iter().filter_map(|f| f.as_ref().err()).max_by_key(|e| e.projected_bytes());
    match refused {
        Some(refused) => Err(refused.clone()),
        None => Ok(passes.into_iter().zip(fitted.into_iter().flatten()).collect()),
    }
}
