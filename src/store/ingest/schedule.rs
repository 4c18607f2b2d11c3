//! Who writes which run, and when does it go in place?
//!
//! Runs are taken largest first; outcomes are in the order given. Without `strict` a run goes in
//! place as soon as it is staged; with it, all do at the end or none does.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::memory::{Needs, Team, data_bytes};
use super::plan::{Action, RunPlan};
use super::stage::Staging;
use super::writer::{StagedRun, stage_run};
use super::{IngestOptions, Outcome, RunOutcome, Written};
use crate::runtime::{Budget, Session};
use crate::store::error::StoreError;

/// Writes every run that is to be written, and says what became of each; `unreadable` are those
/// whose sources failed already, by their place in `plans`.
///
/// # Errors
/// Cancelled, strict with a failure, or threads that cannot be started.
pub(super) fn write_all(
    plans: &[RunPlan<'_>],
    unreadable: BTreeMap<usize, StoreError>,
    staging: &Staging,
    options: &IngestOptions,
    session: &Session,
) -> Result<Vec<RunOutcome>, StoreError> {
    let mut queue: Vec<usize> = (0..plans.len()).filter(|&at| plans[at].writes()).collect();
    queue.sort_by_key(|&at| Reverse(plans[at].raw_bytes));
    let needs: Result<Vec<Needs>, StoreError> =
        queue.iter().map(|&at| Needs::of(&plans[at])).collect();
    let data_bytes = data_bytes(plans, session);
    let mut done: Vec<Option<Progressed<'_>>> = plans.iter().map(|_| None).collect();
    for (at, error) in unreadable {
        done[at] = Some(Err(error));
    }
    let work = Work {
        plans,
        team: Team::choose(&needs?, session.threads(), data_bytes),
        queue,
        next: AtomicUsize::new(0),
        done: Mutex::new(done),
        staging,
        options,
        session,
        budget: Budget::new(data_bytes),
    };
    let total_bytes = work.queue.iter().map(|&at| plans[at].raw_bytes).sum();
    session.progress().begin("ingest", total_bytes);
    let ended = work.run();
    session.progress().end();
    ended?;
    work.outcomes()
}

/// A run on its way, or why it is not.
type Progressed<'a> = Result<Done<'a>, StoreError>;

enum Done<'a> {
    Staged(StagedRun<'a>),
    Placed(Written),
}

struct Work<'a> {
    plans: &'a [RunPlan<'a>],
    queue: Vec<usize>,
    next: AtomicUsize,
    done: Mutex<Vec<Option<Progressed<'a>>>>,
    team: Team,
    staging: &'a Staging,
    options: &'a IngestOptions,
    session: &'a Session,
    budget: Budget,
}

impl<'a> Work<'a> {
    fn run(&self) -> Result<(), StoreError> {
        match self.team {
            Team::Runs(workers) => {
                let pool = self.session.pool(workers)?;
                pool.scope(|scope| {
                    for _ in 0..workers {
                        scope.spawn(|_| self.take_runs(None));
                    }
                });
            }
            Team::Pipeline(encoders) => self.take_runs(Some(&self.session.pool(encoders)?)),
            Team::Alone => self.take_runs(None),
        }
        Ok(())
    }

    /// Takes runs off the queue until it is empty or the session is cancelled.
    fn take_runs(&self, encoders: Option<&rayon::ThreadPool>) {
        while let Some(&at) = self.queue.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let result = self.one(at, encoders);
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            done[at] = Some(result);
        }
    }

    fn one(&self, at: usize, encoders: Option<&rayon::ThreadPool>) -> Progressed<'a> {
        if self.session.cancel_token().is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        let began = Instant::now();
        let plan = &self.plans[at];
        let lease = self.budget.lease("ingest", self.team.lease_bytes(&Needs::of(plan)?))?;
        let dir = self.staging.run_dir(at);
        let staged = stage_run(plan, &dir, lease, encoders, self.session, began);
        if staged.is_err() {
            discard(&dir);
        }
        let staged = staged?;
        if self.options.strict { Ok(Done::Staged(staged)) } else { self.put_in_place(staged) }
    }

    fn put_in_place(&self, staged: StagedRun<'a>) -> Progressed<'a> {
        let placed = self.staging.commit(&staged.dir, staged.plan);
        discard(&staged.dir);
        placed.map(|()| Done::Placed(staged.into_written()))
    }

    fn outcomes(self) -> Result<Vec<RunOutcome>, StoreError> {
        let mut done =
            std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        if done.iter().flatten().any(|d| matches!(d, Err(StoreError::Cancelled))) {
            return Err(StoreError::Cancelled);
        }
        if self.options.strict {
            self.refuse_if_any_failed(&mut done)?;
        }
        let mut outcomes = Vec::with_capacity(self.plans.len());
        for (plan, done) in self.plans.iter().zip(done) {
            let placed = match done {
                Some(Ok(Done::Staged(staged))) => Some(self.put_in_place(staged)),
                other => other,
            };
            let result = match placed {
                Some(Ok(Done::Placed(written))) if matches!(plan.action, Action::Replace) => {
                    Outcome::Replaced(written)
                }
                Some(Ok(Done::Placed(written))) => Outcome::Written(written),
                Some(Err(error)) => Outcome::Failed(error),
                Some(Ok(Done::Staged(_))) | None => Outcome::Skipped,
            };
            outcomes.push(RunOutcome {
                source: plan.run.name().to_owned(),
                target: plan.target.clone(),
                result,
            });
        }
        Ok(outcomes)
    }

    fn refuse_if_any_failed(&self, done: &mut [Option<Progressed<'a>>]) -> Result<(), StoreError> {
        let mut failed = Vec::new();
        for (plan, done) in self.plans.iter().zip(done) {
            match done.take() {
                Some(Err(error)) => failed.push((plan.run.name().to_owned(), error)),
                fine => *done = fine,
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        Err(StoreError::Strict { failed, total: self.plans.len() })
    }
}

/// Removes what is left of a run in staging; what cannot be removed goes with the whole folder.
fn discard(dir: &Path) {
    drop(fs::remove_dir_all(dir));
}
