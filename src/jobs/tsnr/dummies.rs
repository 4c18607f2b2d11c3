//! How many volumes come before the signal is steady?
//!
//! From the global signal of a run's beginning. The rule is said at [`Dummies::Auto`].

use super::super::middle::median_of;
use super::options::Dummies;
use crate::exec::{ExecError, Report};
use crate::lazy::{LazyArray, ReduceOptions};
use crate::run::Run;
use crate::runtime::Session;

/// So many volumes at a run's beginning are looked at.
const LOOKED_AT: u64 = 50;

/// A modified z-score above this stands out.
const OUTLIER: f64 = 3.5;

/// The dummy volumes of each run, and how looking for them went.
pub(super) fn dummy_volumes(
    runs: &[Run],
    dummies: Dummies,
    session: &Session,
) -> Result<(Vec<u64>, Report), ExecError> {
    if let Dummies::First(count) = dummies {
        return Ok((vec![count; runs.len()], Report::default()));
    }
    let signals: Vec<LazyArray> = runs.iter().map(global_signal).collect();
    let computed = session.compute_all::<f64>(&signals.iter().collect::<Vec<_>>())?;
    let counts =
        computed.arrays.iter().map(|signal| unsteady(&signal.iter().copied().collect::<Vec<_>>()));
    // What it says of its sources, the scan says again.
    Ok((counts.collect(), Report { warnings: Vec::new(), ..computed.report }))
}

/// The mean over space of each of the first volumes.
fn global_signal(run: &Run) -> LazyArray {
    let first = run.shape()[3].min(LOOKED_AT) as isize;
    let volumes = run.lazy().slice_axis(-1, ..first);
    if !run.source().dtype().is_float() {
        return volumes.mean([0, 1, 2]);
    }
    // Where a run is NaN outside of the head, its signal is that of the head.
    volumes.to_f64().mean_with([0, 1, 2], ReduceOptions::new().skip_nan())
}

/// How many volumes stand out before the first that does not.
fn unsteady(signal: &[f64]) -> u64 {
    if signal.iter().any(|value| !value.is_finite()) {
        return 0;
    }
    let median = median_of(&mut signal.to_vec());
    let distances: Vec<f64> = signal.iter().map(|value| (value - median).abs()).collect();
    let spread = median_of(&mut distances.clone());
    let stands_out = |distance: f64| spread > 0.0 && 0.6745 * distance / spread > OUTLIER;
    distances.iter().take_while(|&&distance| stands_out(distance)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::unsteady;

    #[test]
    fn volumes_that_stand_out_count_up_to_the_first_that_does_not() {
        let wave = |t: u32| 100.0 + f64::from(t % 3);
        let steady: Vec<f64> = (0..20).map(wave).collect();
        assert_eq!(unsteady(&steady), 0);
        let mut falling = steady.clone();
        falling.splice(0..3, [180.0, 140.0, 115.0]);
        falling[9] = 300.0; // later, so it is no dummy
        assert_eq!(unsteady(&falling), 3);
    }

    #[test]
    fn a_signal_without_spread_or_with_nan_has_none() {
        assert_eq!(unsteady(&[900.0, 5.0, 5.0, 5.0, 5.0]), 0);
        assert_eq!(unsteady(&[f64::NAN; 5]), 0);
        assert_eq!(unsteady(&[900.0, 5.0, f64::NAN, 5.0, 5.1]), 0);
    }
}
