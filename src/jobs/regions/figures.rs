//! What follows from the sorted values of one region?

use super::{Pair, RegionRow};

/// The figures of pairs of one label, sorted by value.
pub(super) fn figures(pairs: &[Pair]) -> RegionRow {
    let finite = finite(pairs);
    let (mean, sd) = mean_and_sd(finite);
    let at = |q| quantile(finite, q);
    RegionRow {
        label: pairs[0][0] as i64,
        voxels: pairs.len() as u64,
        nan: (pairs.len() - finite.len()) as u64,
        zeros: finite.iter().filter(|pair| pair[1] == 0.0).count() as u64,
        mean,
        sd,
        min: at(0.0),
        p05: at(0.05),
        p25: at(0.25),
        median: at(0.5),
        p75: at(0.75),
        p95: at(0.95),
        max: at(1.0),
    }
}

/// NaN and infinities lie at both ends.
fn finite(pairs: &[Pair]) -> &[Pair] {
    let is_finite = |pair: &Pair| pair[1].is_finite();
    let from = pairs.iter().position(is_finite).unwrap_or(pairs.len());
    let to = pairs.iter().rposition(is_finite).map_or(from, |last| last + 1);
    &pairs[from..to]
}

/// Two passes: the first mean's own rounding is taken out of both. NaN of too few values.
fn mean_and_sd(pairs: &[Pair]) -> (f64, f64) {
    let count = pairs.len() as f64;
    let rough = pairs.iter().map(|pair| pair[1]).sum::<f64>() / count;
    let off = pairs.iter().map(|pair| pair[1] - rough).sum::<f64>() / count;
    let mean = rough + off;
    let squares: f64 = pairs.iter().map(|pair| (pair[1] - mean).powi(2)).sum();
    (mean, if pairs.len() > 1 { (squares / (count - 1.0)).sqrt() } else { f64::NAN })
}

/// numpy's `linear` quantile, `_lerp` as there: monotone, and exact at both values.
fn quantile(pairs: &[Pair], q: f64) -> f64 {
    let Some(last) = pairs.len().checked_sub(1) else { return f64::NAN };
    let at = last as f64 * q;
    let below = at as usize;
    let (low, high, t) = (pairs[below][1], pairs[last.min(below + 1)][1], at.fract());
    let apart = high - low;
    if t < 0.5 { low + apart * t } else { high - apart * (1.0 - t) }
}
