//! How do workers share out units of work?
//!
//! Over the threads of a private pool. Knows nothing of what a unit is.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::ExecError;
use crate::runtime::Session;

/// Runs units `0..count` on `workers` workers. Each worker makes its state once and takes the next
/// unit as it comes free; no worker waits on another. The error of the lowest failing unit is
/// returned; after an error or a cancellation no new unit begins.
pub(super) fn run_units<W>(
    session: &Session,
    workers: usize,
    count: u64,
    worker: impl Fn() -> Result<W, ExecError> + Sync,
    work: impl Fn(&mut W, u64) -> Result<(), ExecError> + Sync,
) -> Result<(), ExecError> {
    let next = AtomicU64::new(0);
    let failed: Mutex<Option<(u64, ExecError)>> = Mutex::new(None);
    let fail = |unit: u64, error: ExecError| {
        let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
        if first.as_ref().is_none_or(|(lowest, _)| unit < *lowest) {
            *first = Some((unit, error));
        }
        next.store(count, Ordering::Relaxed);
    };
    let run = || {
        let mut state = match worker() {
            Ok(state) => state,
            Err(error) => return fail(0, error),
        };
        loop {
            let unit = next.fetch_add(1, Ordering::Relaxed);
            if unit >= count {
                return;
            }
            let outcome = if session.cancel_token().is_cancelled() {
                Err(ExecError::Cancelled)
            } else {
                work(&mut state, unit)
            };
            if let Err(error) = outcome {
                return fail(unit, error);
            }
        }
    };
    if count > 0 {
        let pool = session.pool(workers)?;
        pool.scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|_| run());
            }
        });
    }
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}
