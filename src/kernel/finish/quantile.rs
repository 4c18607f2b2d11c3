//! Quantiles between the samples of all parts: numpy's `linear` (method 7 of Hyndman & Fan, *The
//! American Statistician* 50, 1996).

use super::{Part, scale};

/// NaN where the cell has no sample, or a NaN.
pub(super) fn of(q: f64, parts: &[Part<'_>], cell: usize, scratch: &mut [f64]) -> f64 {
    let mut filled = 0;
    for part in parts {
        let count = part.count(cell) as usize;
        let samples = &mut scratch[filled..filled + count];
        part.state.samples(part.first_cell + cell, samples);
        if part.is_scaled() {
            samples.iter_mut().for_each(|v| *v = scale(*v, part.slope, part.inter));
        }
        filled += count;
    }
    let samples = &mut scratch[..filled];
    if samples.is_empty() || samples.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    // numpy's median is the middle, or the mean of the middle two.
    if q == 0.5 {
        let (low, high) = neighbours(samples, (filled - 1) / 2);
        return if filled % 2 == 1 { low } else { (low + high) / 2.0 };
    }
    let last = filled - 1;
    let virtual_index = (last as f64 * q).clamp(0.0, last as f64);
    let previous = virtual_index.floor();
    let (low, high) = neighbours(samples, previous as usize);
    between(low, high, virtual_index - previous)
}

/// The samples of rank `rank` and the next (the same where there is none), in time linear in the
/// number of samples.
fn neighbours(samples: &mut [f64], rank: usize) -> (f64, f64) {
    let (_, &mut low, above) = samples.select_nth_unstable_by(rank, f64::total_cmp);
    (low, above.iter().copied().min_by(f64::total_cmp).unwrap_or(low))
}

/// numpy's `_lerp`: from both ends, so that it is monotone and hits both.
fn between(low: f64, high: f64, t: f64) -> f64 {
    let difference = high - low;
    if t >= 0.5 { high - difference * (1.0 - t) } else { low + difference * t }
}
