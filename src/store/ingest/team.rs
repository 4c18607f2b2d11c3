//! How many runs are written at once, and who helps with which?
//!
//! As many as threads and memory allow, each by a thread that takes the next one as it is done. Who finds no run any more helps
//! with the one that has most left, so that one long run beside short ones, or the last of an odd number, keeps nobody waiting.
//! Where memory has room for one run at a time, everybody else helps with it from the start. Changes no byte.

use std::cmp::Reverse;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::line::Line;
use super::memory::Needs;

/// What a thread is to do.
pub(super) enum Turn<'a> {
    /// To write the run at this place of the queue.
    Run(usize),
    /// To help, if the budget has memory for it.
    Help(Arc<Line<'a>>),
}

/// The threads that write the runs of a queue.
pub(super) struct Team<'a> {
    runs: usize,
    /// So many runs at once.
    at_once: usize,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    next: usize,
    /// Runs that were taken and are not written.
    under_way: usize,
    lines: Vec<Arc<Line<'a>>>,
}

impl<'a> Team<'a> {
    /// For so many runs, of which `at_once` may be under way.
    pub(super) fn new(runs: usize, at_once: usize) -> Self {
        let state = State { next: 0, under_way: 0, lines: Vec::new() };
        Self { runs, at_once, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// What comes next for a thread; waits until there is something, and gives `None` when all runs are written.
    /// `refused` are lines for which it had no memory, until something changes.
    pub(super) fn next(&self, refused: &mut Vec<Arc<Line<'a>>>) -> Option<Turn<'a>> {
        let mut state = self.lock();
        loop {
            if state.next < self.runs && state.under_way < self.at_once {
                state.next += 1;
                state.under_way += 1;
                return Some(Turn::Run(state.next - 1));
            }
            let all_taken = state.next == self.runs;
            if all_taken && state.under_way == 0 {
                return None;
            }
            // Else memory is for the runs that are to come.
            if all_taken || self.at_once == 1 {
                let is_refused = |line| refused.iter().any(|known| Arc::ptr_eq(known, line));
                let open = state.lines.iter().filter(|line| !is_refused(line));
                let left = open.filter_map(|line| Some((line.left_bytes()?, line)));
                if let Some((_, line)) = left.max_by_key(|(left, _)| *left) {
                    return Some(Turn::Help(Arc::clone(line)));
                }
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            refused.clear();
        }
    }

    /// Goes with a run that was taken, for as long as it is under way.
    pub(super) fn under_way(&self) -> UnderWay<'_, 'a> {
        UnderWay { team: self, line: None }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that is under way, until this is dropped.
pub(super) struct UnderWay<'t, 'a> {
    team: &'t Team<'a>,
    line: Option<Arc<Line<'a>>>,
}

impl<'a> UnderWay<'_, 'a> {
    /// From here on others can help.
    pub(super) fn open(&mut self, line: &Arc<Line<'a>>) {
        self.line = Some(Arc::clone(line));
        self.team.lock().lines.push(Arc::clone(line));
        self.team.changed.notify_all();
    }
}

impl Drop for UnderWay<'_, '_> {
    fn drop(&mut self) {
        let mut state = self.team.lock();
        state.under_way -= 1;
        if let Some(line) = &self.line {
            state.lines.retain(|open| !Arc::ptr_eq(open, line));
        }
        self.team.changed.notify_all();
    }
}

/// How many runs can be written at once, one at least: their leases fit, whichever they are.
pub(super) fn at_once(needs: &[Needs], threads: usize, data_bytes: u64) -> usize {
    let mut leases: Vec<u64> = needs.iter().map(Needs::lease_bytes).collect();
    leases.sort_unstable_by_key(|&bytes| Reverse(bytes));
    let fits = |runs: &usize| {
        leases[..*runs].iter().fold(0_u64, |sum, &b| sum.saturating_add(b)) <= data_bytes
    };
    (2..=threads.min(leases.len())).rev().find(fits).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::{Team, Turn, at_once};
    use crate::store::ingest::memory::Needs;

    #[test]
    fn as_many_runs_at_once_as_threads_and_memory_allow() {
        let needs = [100, 50, 100].map(Needs::made_up);
        assert_eq!(at_once(&needs, 4, 1000), 3);
        assert_eq!(at_once(&needs, 2, 1000), 2);
        assert_eq!(at_once(&needs, 4, 270), 2);
        assert_eq!(at_once(&needs, 4, 269), 1);
        assert_eq!(at_once(&needs, 4, 0), 1);
        assert_eq!(at_once(&needs, 1, 1000), 1);
        assert_eq!(at_once(&[], 4, 1000), 1);
    }

    #[test]
    fn every_run_is_taken_once_and_no_more_are_under_way_than_may_be() {
        let team = Team::new(3, 2);
        let take = || match team.next(&mut Vec::new()) {
            Some(Turn::Run(place)) => Some((place, team.under_way())),
            Some(Turn::Help(_)) => panic!("no line is open"),
            None => None,
        };
        let (first, second) = (take().unwrap(), take().unwrap());
        assert_eq!((first.0, second.0), (0, 1));
        drop(first);
        let third = take().unwrap();
        assert_eq!(third.0, 2);
        drop((second, third));
        assert!(take().is_none());
    }
}
