//! Does a pass fit the budget, and in what pieces?
//!
//! Tries arrangements from the fastest to the smallest and takes the first whose bytes fit. Every
//! number is a closed formula of header facts (`docs/decisions/0004-memory-plan.md`); nothing is
//! measured at run time. `boxes` says in what boxes, `tiles` and `parts` list the schedules,
//! `legs` has workers share tiles.

mod boxes;
mod legs;
mod parts;
mod tiles;

pub(super) use boxes::grow;
use parts::{by_parts, by_parts_on_disk, by_slabs, whole_parts};
use tiles::{fold_kept, fold_tiles, map_tiles};

use super::error::PlanError;
use super::pass::{Form, Pass};
use super::schedule::Schedule;
use super::sizes::Standing;
use super::{Delivery, MOST_REREADS, ResultMemory};
use crate::feed::ReadTarget;
use crate::runtime::Session;

const TILE_CELLS: u64 = 64 << 10;

/// What a step reads where stored blocks can be read whole.
const WHOLE_READS: [ReadTarget; 2] = [ReadTarget::Blocks(1 << 20), ReadTarget::Blocks(256 << 10)];

/// The same where they cannot: as much of a block as fits, since it is read again for the rest of it.
const CUT_READS: [ReadTarget; 6] = [
    ReadTarget::Rows(256 << 20),
    ReadTarget::Rows(64 << 20),
    ReadTarget::Rows(16 << 20),
    ReadTarget::Rows(4 << 20),
    ReadTarget::Rows(1 << 20),
    ReadTarget::Rows(0),
];

/// The first arrangement of `pass` that fits beside what is there anyway; one that reads stored blocks often only where no
/// other fits.
pub(super) fn fit(
    pass: &Pass,
    standing: Standing,
    delivery: &Delivery<'_>,
    session: &Session,
) -> Result<Schedule, PlanError> {
    let spill_bytes = |shape: &[u64]| pass.spill().map_or(0, |spill| spill.put_bytes(shape));
    let of_spill = Delivery::of_spill(&spill_bytes);
    let delivery = if pass.spill().is_some() { &of_spill } else { delivery };
    let mut smallest: Option<Schedule> = None;
    let first = candidates(pass, delivery, session.threads()).into_iter();
    let mut rereading = None;
    for mut schedule in first.chain(by_slabs(pass, delivery, session.threads())) {
        if delivery.memory == ResultMemory::Blocks {
            schedule.sizes.handed_on = 2;
        }
        schedule.sizes.sink_bytes = delivery.sink_bytes.map_or(0, |bytes| bytes(&schedule.emitted));
        let total = schedule.total_bytes();
        if standing.projected_bytes(total) <= session.memory_bytes() {
            if schedule.rereads < MOST_REREADS {
                return Ok(schedule);
            }
            // Sums may wait on disk instead.
            rereading.get_or_insert(schedule);
            continue;
        }
        if smallest.as_ref().is_none_or(|s| total < s.total_bytes()) {
            smallest = Some(schedule);
        }
    }
    if let Some(schedule) = rereading {
        return Ok(schedule);
    }
    // Where there is no arrangement at all, no budget is enough.
    let none =
        || Schedule { shared_bytes: u64::MAX, ..whole_parts(pass, ReadTarget::Rows(0), 1, false) };
    let schedule = smallest.unwrap_or_else(none);
    Err(refusal(pass, &schedule, standing, session))
}

fn refusal(pass: &Pass, schedule: &Schedule, standing: Standing, session: &Session) -> PlanError {
    let result_bytes = standing.result_bytes;
    let mut terms = vec![
        (result_bytes, "the results in memory".to_owned()),
        (standing.held_bytes, "results of an earlier pass".to_owned()),
        (standing.tables_bytes, "the plan, headers and sidecars of all runs".to_owned()),
        (schedule.sums_bytes(), "running sums of every run, one set a file".to_owned()),
        (schedule.regroup_bytes, "rows put together for a block of the output".to_owned()),
    ];
    let of_worker = schedule.sizes.terms();
    terms.extend(of_worker.into_iter().map(|(name, bytes)| (bytes, format!("{name} of a worker"))));
    let (dominant_bytes, dominant) =
        terms.into_iter().max_by_key(|(bytes, _)| *bytes).unwrap_or_default();
    let alternative = if result_bytes > session.data_bytes() / 2 {
        Some(
            "walk the array with blocks(), or reduce it, so that it is never whole in memory"
                .to_owned(),
        )
    } else if pass.is_sequential() {
        let advice = "ingest the .nii.gz files first: from a store the same job is cut into tiles";
        Some(advice.to_owned())
    } else {
        None
    };
    let needed = standing.projected_bytes(schedule.total_bytes());
    PlanError::memory(needed, session, (dominant, dominant_bytes), alternative)
}

/// Arrangements from the fastest to the smallest.
fn candidates(pass: &Pass, delivery: &Delivery<'_>, threads: usize) -> Vec<Schedule> {
    let is_sequential = pass.is_sequential();
    let mut list = match &pass.form {
        Form::Fold(_) if !pass.emits.is_empty() => return fold_kept(pass, delivery, threads),
        Form::Fold(_) if !is_sequential => fold_tiles(pass, delivery, threads),
        Form::Map if !is_sequential => map_tiles(pass, delivery, threads),
        Form::Fold(_) | Form::Map | Form::Mixed => by_parts(pass, delivery, threads),
    };
    list.extend(by_parts_on_disk(pass, threads));
    if is_sequential {
        // Inflating takes longest: nothing costs as much as a worker less.
        list.sort_by_key(|schedule| std::cmp::Reverse(schedule.workers));
    }
    list
}

fn longer(one: &[u64], other: &[u64]) -> Vec<u64> {
    if one.len() != other.len() {
        return other.to_vec();
    }
    one.iter().zip(other).map(|(&a, &b)| a.max(b)).collect()
}

fn clip(shape: &[u64], to: &[u64]) -> Vec<u64> {
    shape.iter().zip(to).map(|(&a, &b)| a.min(b)).collect()
}
