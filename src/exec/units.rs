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

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::run_units;
    use crate::exec::ExecError;
    use crate::runtime::Session;

    fn error_of(unit: u64) -> ExecError {
        ExecError::Shape { array: vec![unit], view: Vec::new() }
    }

    #[test]
    fn the_error_of_the_lowest_failing_unit_is_returned_and_no_unit_begins_after_it() {
        let session = Session::builder().threads(2).build().unwrap();
        let (both, begun) = (Barrier::new(2), AtomicU64::new(0));
        let outcome = run_units(
            &session,
            2,
            100,
            || Ok(()),
            |(), unit| {
                begun.fetch_add(1, Ordering::Relaxed);
                // Both are under way, so both fail.
                both.wait();
                Err(error_of(unit))
            },
        );
        assert_eq!(outcome.unwrap_err().to_string(), error_of(0).to_string());
        assert_eq!(begun.into_inner(), 2);
    }

    #[test]
    fn every_unit_is_done_once_by_any_number_of_workers() {
        for workers in [1, 2, 5] {
            let session = Session::builder().threads(workers).build().unwrap();
            let times: Vec<AtomicU64> = (0..100).map(|_| AtomicU64::new(0)).collect();
            let done = |(): &mut (), unit: u64| {
                times[unit as usize].fetch_add(1, Ordering::Relaxed);
                Ok(())
            };
            run_units(&session, workers, 100, || Ok(()), done).unwrap();
            assert!(times.iter().all(|n| n.load(Ordering::Relaxed) == 1), "{workers} workers");
        }
    }
}
