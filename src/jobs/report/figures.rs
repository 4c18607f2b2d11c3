//! What are a run's figures?

use super::RunFigures;
use super::gather::{Gathered, GatheredRun};

/// Below this a voxel counts as lost.
pub(super) const DROPOUT: f64 = 10.0;
/// A standardised DVARS above this is a spike, as fMRIPrep has it by default (`--dvars-spike-threshold`).
pub(super) const DVARS_SPIKE: f64 = 1.5;

pub(super) fn of_runs(gathered: &Gathered) -> Vec<RunFigures> {
    gathered.runs.iter().map(|run| of_run(gathered, run)).collect()
}

fn of_run(gathered: &Gathered, run: &GatheredRun) -> RunFigures {
    let sorted = Sorted::of(gathered, |voxel| run.tsnr[voxel]);
    let below = sorted.0.partition_point(|&value| value < DROPOUT);
    let not_finite = (0..run.tsnr.len())
        .filter(|&voxel| gathered.mask[voxel] && !run.tsnr[voxel].is_finite())
        .count();
    RunFigures {
        name: run.name.clone(),
        volumes: run.volumes,
        tr_seconds: run.tr_seconds,
        median: sorted.quantile(0.5),
        p05: sorted.quantile(0.05),
        p95: sorted.quantile(0.95),
        dropout_share: below as f64 / sorted.0.len() as f64,
        std_dvars_share: share_above(&run.std_dvars, DVARS_SPIKE),
        std_dvars_largest: run.std_dvars.iter().copied().fold(f64::NAN, f64::max),
        spike_largest: run.spike.map_or(f64::NAN, |(z, ..)| z),
        spike_at: run.spike.map(|(_, slice, volume)| (slice, volume)),
        not_finite_voxels: not_finite as u64,
    }
}

/// Median over the mask.
pub(super) fn median(gathered: &Gathered, value: impl Fn(usize) -> f64) -> f64 {
    Sorted::of(gathered, value).quantile(0.5)
}

/// Numbers in their order.
pub(super) struct Sorted(Vec<f64>);

impl Sorted {
    /// Values of the mask; what is no number counts as 0, as in [`tsnr`](crate::jobs::tsnr()).
    pub(super) fn of(gathered: &Gathered, value: impl Fn(usize) -> f64) -> Self {
        let inside = (0..gathered.mask.len()).filter(|&voxel| gathered.mask[voxel]);
        let values = inside.map(|voxel| Some(value(voxel)).filter(|v| v.is_finite()));
        Self::new(values.map(Option::unwrap_or_default).collect())
    }

    /// Values, none of them NaN.
    pub(super) fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self(values)
    }

    /// Between samples linear, as numpy's; NaN of no values.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else { return f64::NAN };
        let at = q * last as f64;
        let (below, part) = (at.floor() as usize, at.fract());
        let upper = self.0[(below + 1).min(last)];
        // Exact in the middle of two, as the median of `tsnr` is.
        if part == 0.5 {
            return f64::midpoint(self.0[below], upper);
        }
        self.0[below] + (upper - self.0[below]) * part
    }
}

/// Share of the numbers among values that are above a limit.
fn share_above(values: &[f64], limit: f64) -> f64 {
    let numbers = values.iter().filter(|v| v.is_finite()).count();
    let above = values.iter().filter(|v| **v > limit).count();
    if numbers == 0 { 0.0 } else { above as f64 / numbers as f64 }
}

#[cfg(test)]
mod tests {
    use super::{Sorted, share_above};

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], q)
        let sorted = Sorted::new(vec![3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]);
        assert_eq!(sorted.quantile(0.5), 3.5);
        assert_eq!(sorted.quantile(0.05), 1.0);
        assert!((sorted.quantile(0.95) - 7.95).abs() < 1e-12);
        assert!(Sorted::new(vec![]).quantile(0.5).is_nan());
    }

    #[test]
    fn the_first_difference_is_not_a_volume() {
        assert_eq!(share_above(&[f64::NAN, 1.0, 2.0, 1.0, 1.0], 1.5), 0.25);
        assert_eq!(share_above(&[f64::NAN], 1.5), 0.0);
    }
}
