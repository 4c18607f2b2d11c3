//! Who writes which run, and when does it go in place?
//!
//! Runs are taken largest first, as many at once as `team` says; outcomes are in the order given. Without `strict` a run goes in
//! place as soon as it is staged. With it, none goes before every source has been read and found good.
//! How a run is made and put in place is `writer`'s and `stage`'s matter.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use bytesize::ByteSize;

use super::memory::{Needs, data_bytes};
use super::plan::RunPlan;
use super::stage::Staging;
use super::team::{Team, Turn, at_once};
use super::writer::{StagedRun, UnsealedRun, write_run};
use super::{IngestOptions, Outcome, RunOutcome, Written};
use crate::files;
use crate::runtime::{Budget, Session, SessionError};
use crate::store::error::{StoreError, stop_if_cancelled};

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
    let data_bytes = data_bytes(plans, session);
    let mut reached: Vec<Reached<'_>> = plans.iter().map(|_| Reached::NotDue).collect();
    for (at, error) in unreadable {
        reached[at] = Reached::Failed(error);
    }
    let work = Work {
        plans,
        queue,
        over: AtomicUsize::new(0),
        reached: Mutex::new(reached),
        staging,
        options,
        session,
        budget: session.budget_of(data_bytes),
    };
    let total_bytes = work.queue.iter().map(|&at| plans[at].raw_bytes).sum();
    let progress = session.report("ingest", total_bytes);
    work.run(data_bytes)?;
    drop(progress);
    let reached = work.place_staged()?;
    Ok(plans.iter().zip(reached).map(|(plan, reached)| outcome(plan, reached)).collect())
}

/// What became of writing the voxels of run number `at`.
struct Taken<'a> {
    at: usize,
    written: Result<UnsealedRun<'a>, StoreError>,
}

/// How far a run has come.
enum Reached<'a> {
    /// Not to be written, as it is there already, or not yet begun.
    NotDue,
    Staged(StagedRun<'a>),
    Placed(Written),
    Failed(StoreError),
}

struct Work<'a> {
    plans: &'a [RunPlan<'a>],
    queue: Vec<usize>,
    /// How many of the queue are over.
    over: AtomicUsize,
    reached: Mutex<Vec<Reached<'a>>>,
    staging: &'a Staging,
    options: &'a IngestOptions,
    session: &'a Session,
    budget: Budget,
}

impl<'a> Work<'a> {
    /// Writes all runs. Where several threads do, one more waits for the disk: it ends each run while others are written.
    fn run(&self, data_bytes: u64) -> Result<(), StoreError> {
        let needs: Vec<Needs> = self.queue.iter().map(|&at| self.plans[at].needs).collect();
        let most = |of: fn(&Needs) -> u64| needs.iter().map(of).max().unwrap_or(0);
        let (run_bytes, end_bytes) = (most(Needs::lease_bytes), most(|needs| needs.metadata_bytes));
        let threads = self.session.threads();
        if threads == 1 || needs.is_empty() || run_bytes.saturating_add(end_bytes) > data_bytes {
            self.work(&Team::new(needs.len(), 1), &|taken| self.end(taken));
            return Ok(());
        }
        let _of_the_end = self.budget.lease("the end of a run", end_bytes)?;
        let team = Team::new(needs.len(), at_once(&needs, threads, data_bytes - end_bytes));
        // Who comes before the disk is done waits, so that one run is being ended.
        let (to, from) = sync_channel(0);
        thread::scope(|scope| {
            thread::Builder::new()
                .name("voxstore-end".to_owned())
                .stack_size(1 << 20)
                .spawn_scoped(scope, move || from.into_iter().for_each(|taken| self.end(taken)))
                .map_err(|e| SessionError::Pool { workers: 1, reason: e.to_string() })?;
            let pool = self.session.pool(threads)?;
            pool.broadcast(|_| self.work(&team, &|taken| drop(to.send(taken))));
            drop(to);
            Ok(())
        })
    }

    /// Takes runs, and helps with runs of others, until all are written or the session is cancelled.
    fn work(&self, team: &Team<'a>, hand_on: &dyn Fn(Taken<'a>)) {
        let mut refused = Vec::new();
        while let Some(turn) = team.next(&mut refused) {
            match turn {
                Turn::Run(place) => {
                    let at = self.queue[place];
                    hand_on(Taken { at, written: self.write(at, team) });
                }
                Turn::Help(line) => {
                    if !line.help(&self.budget) {
                        refused.push(line);
                    }
                }
            }
        }
    }

    fn write(&self, at: usize, team: &Team<'a>) -> Result<UnsealedRun<'a>, StoreError> {
        // The last to go: whoever takes its place has the memory that is let go before.
        let mut under_way = team.under_way();
        stop_if_cancelled(self.session)?;
        let began = Instant::now();
        let plan = &self.plans[at];
        let mut lease = self.budget.lease("ingest", plan.needs.lease_bytes())?;
        let dir = self.staging.run_dir(at);
        let open = |line: &_| under_way.open(line);
        let written = write_run(plan, &dir, &mut lease, self.session, began, open);
        if written.is_err() {
            discard(&dir);
        }
        written
    }

    /// Seals a run, puts it in place if it may go there, and tells how it ended.
    fn end(&self, Taken { at, written }: Taken<'a>) {
        let reached = written.and_then(|run| self.seal_and_place(at, run));
        let reached = reached.unwrap_or_else(Reached::Failed);
        let left = self.queue.len() - 1 - self.over.fetch_add(1, Ordering::Relaxed);
        self.session.progress().run_over(&self.plans[at].target, &became(&reached), left);
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)[at] = reached;
    }

    fn seal_and_place(&self, at: usize, run: UnsealedRun<'a>) -> Result<Reached<'a>, StoreError> {
        let staged = run.seal();
        if staged.is_err() {
            discard(&self.staging.run_dir(at));
        }
        let staged = staged?;
        Ok(if self.options.strict { Reached::Staged(staged) } else { self.put_in_place(staged) })
    }

    fn put_in_place(&self, staged: StagedRun<'a>) -> Reached<'a> {
        let placed = self.staging.commit(&staged.dir, staged.plan, self.options.force);
        // After an exchange the run that was replaced lies there; after a rename, nothing.
        discard(&staged.dir);
        match placed {
            Ok(true) => Reached::Placed(staged.into_written()),
            Ok(false) => Reached::NotDue,
            Err(error) => Reached::Failed(error),
        }
    }

    /// Puts the runs in place that wait for it. One that cannot go stops no other.
    fn place_staged(&self) -> Result<Vec<Reached<'a>>, StoreError> {
        let reached = mem::take(&mut *self.reached.lock().unwrap_or_else(PoisonError::into_inner));
        if reached.iter().any(|run| matches!(run, Reached::Failed(StoreError::Cancelled))) {
            return Err(StoreError::Cancelled);
        }
        if self.options.strict && reached.iter().any(|run| matches!(run, Reached::Failed(_))) {
            return Err(strict(self.plans, reached));
        }
        let place = |run| match run {
            Reached::Staged(staged) => self.put_in_place(staged),
            other => other,
        };
        Ok(reached.into_iter().map(place).collect())
    }
}

/// How a run ended, for whoever waits; why it failed is said in its outcome.
fn became(reached: &Reached<'_>) -> String {
    match reached {
        Reached::Placed(Written { raw_bytes, stored_bytes, seconds, .. }) => format!(
            "written, {} of voxels as {} in {seconds:.1} s",
            ByteSize(*raw_bytes),
            ByteSize(*stored_bytes)
        ),
        Reached::Staged(_) => "read, waits for the others".to_owned(),
        Reached::NotDue => "skipped, it is there already".to_owned(),
        Reached::Failed(StoreError::Cancelled) => "cancelled".to_owned(),
        Reached::Failed(_) => "failed".to_owned(),
    }
}

/// What a strict ingest says of the runs that failed.
fn strict(plans: &[RunPlan<'_>], reached: Vec<Reached<'_>>) -> StoreError {
    let failed = plans.iter().zip(reached).filter_map(|(plan, reached)| match reached {
        Reached::Failed(error) => Some((plan.run.name().to_owned(), error)),
        _ => None,
    });
    StoreError::Strict { failed: failed.collect(), total: plans.len() }
}

fn outcome(plan: &RunPlan<'_>, reached: Reached<'_>) -> RunOutcome {
    let result = match reached {
        Reached::Placed(written) => Outcome::Written(written),
        Reached::Failed(error) => Outcome::Failed(error),
        Reached::NotDue | Reached::Staged(_) => Outcome::Skipped,
    };
    RunOutcome {
        source: plan.run.name().to_owned(),
        target: plan.target.clone(),
        result,
        same_voxels: Vec::new(),
    }
}

/// Removes what is left of a run in staging; what cannot be removed goes with the whole folder.
fn discard(dir: &Path) {
    drop(files::remove_dir_all(dir));
}
