//! tSNR as one would write it down: samples in lists, residuals materialised, nothing shared.

use ndarray::{Array3, Array4};
use voxstore::jobs::{Across, Constant, Mask, NonFinite, TsnrOptions};

pub(crate) struct Definition<'a> {
    pub(crate) options: TsnrOptions<'a>,
    /// Of each run.
    pub(crate) dummies: &'a [usize],
    /// x fastest.
    pub(crate) mask: Option<&'a [bool]>,
}

pub(crate) struct Twin {
    pub(crate) map: Array3<f64>,
    pub(crate) run_maps: Vec<Array3<f64>>,
    pub(crate) mean: Array3<f64>,
    pub(crate) std: Array3<f64>,
    pub(crate) joined: f64,
    pub(crate) pooled: f64,
    pub(crate) each: Vec<f64>,
    /// Variance and share.
    pub(crate) between: (f64, f64),
    pub(crate) voxels: usize,
}

/// What is known of a voxel.
struct Voxel {
    mean: f64,
    std: f64,
    joined: f64,
    pooled: f64,
    each: Vec<f64>,
    between: (f64, f64),
}

/// A run's samples of a voxel, and what is left of each after trends, its mean kept.
struct Series {
    values: Vec<f64>,
    residuals: Vec<f64>,
}

pub(crate) fn twin(runs: &[Array4<f64>], definition: &Definition<'_>) -> Twin {
    let shape = (runs[0].shape()[0], runs[0].shape()[1], runs[0].shape()[2]);
    let voxels = Array3::from_shape_fn(shape, |(x, y, z)| {
        let series = |(run, values): (usize, &Array4<f64>)| {
            let samples: Vec<f64> = values.slice(ndarray::s![x, y, z, ..]).to_vec();
            kept(&samples, run, definition)
        };
        voxel(&runs.iter().enumerate().map(series).collect::<Vec<_>>(), &definition.options)
    });
    let largest = voxels
        .iter()
        .filter(|v| v.std > 0.0 && v.mean.is_finite())
        .fold(f64::NAN, |largest: f64, v| largest.max(v.mean));
    let counts = Array3::from_shape_fn(shape, |(x, y, z)| match definition.mask {
        Some(mask) => mask[x + shape.0 * (y + shape.1 * z)],
        None => voxels[[x, y, z]].std > 0.0 && voxels[[x, y, z]].mean > 0.2 * largest,
    });
    let median = |of: &dyn Fn(&Voxel) -> f64| {
        let chosen = voxels.iter().zip(&counts).filter(|(_, counts)| **counts);
        let mut values: Vec<f64> = chosen
            .map(|(voxel, _)| of(voxel))
            .map(|v| if v.is_finite() { v } else { 0.0 })
            .collect();
        values.sort_by(f64::total_cmp);
        match values.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => values[n / 2],
            n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
        }
    };
    let is_masked = !matches!(definition.options.mask, Mask::None);
    let map =
        |of: &dyn Fn(&Voxel) -> f64| {
            Array3::from_shape_fn(shape, |at| {
                if is_masked && !counts[at] { 0.0 } else { of(&voxels[at]) }
            })
        };
    let across = definition.options.across;
    let each = || 0..runs.len();
    Twin {
        map: match across {
            Across::Concat | Across::PerRun => map(&|v| v.joined),
            Across::Pooled => map(&|v| v.pooled),
            Across::Mean => map(&|v| v.each.iter().sum::<f64>() / v.each.len() as f64),
        },
        run_maps: match across {
            Across::PerRun => each().map(|run| map(&|v| v.each[run])).collect(),
            _ => Vec::new(),
        },
        mean: map(&|v| v.mean),
        std: map(&|v| v.std),
        joined: median(&|v| v.joined),
        pooled: median(&|v| v.pooled),
        each: each().map(|run| median(&|v| v.each[run])).collect(),
        between: (median(&|v| v.between.0), median(&|v| v.between.1)),
        voxels: counts.iter().filter(|counts| **counts).count(),
    }
}

/// The samples of a run that count, and their residuals.
fn kept(samples: &[f64], run: usize, definition: &Definition<'_>) -> Series {
    let options = definition.options;
    let first = definition.dummies[run];
    let list = options.censored.get(run).cloned().unwrap_or_default();
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for (t, &sample) in samples.iter().enumerate().skip(first) {
        if list.contains(&(t as u64))
            || (options.non_finite == NonFinite::Skip && !sample.is_finite())
        {
            continue;
        }
        let zero = options.non_finite == NonFinite::Zero && !sample.is_finite();
        times.push(t as f64);
        values.push(if zero { 0.0 } else { sample });
    }
    let residuals = detrended(&times, &values, options.detrend);
    Series { values, residuals }
}

/// The series without a polynomial of this order, its mean kept: powers of time made orthogonal one after
/// the other.
fn detrended(times: &[f64], values: &[f64], order: u32) -> Vec<f64> {
    if order == 0 {
        return values.to_vec();
    }
    let middle = mean(times);
    let scale = times.iter().map(|t| (t - middle).abs()).fold(1.0, f64::max);
    let level = mean(values);
    let mut rest: Vec<f64> = values.iter().map(|v| v - level).collect();
    let mut basis: Vec<Vec<f64>> = vec![vec![1.0; times.len()]];
    for power in 1..=order {
        let mut column: Vec<f64> =
            times.iter().map(|t| ((t - middle) / scale).powi(power as i32)).collect();
        for _ in 0..2 {
            for other in &basis {
                let share = dot(&column, other) / dot(other, other);
                column.iter_mut().zip(other).for_each(|(c, o)| *c -= share * o);
            }
        }
        basis.push(column);
    }
    for _ in 0..2 {
        for column in &basis {
            let share = dot(&rest, column) / dot(column, column);
            rest.iter_mut().zip(column).for_each(|(r, c)| *r -= share * c);
        }
    }
    rest.iter().map(|r| r + level).collect()
}

fn voxel(runs: &[Series], options: &TsnrOptions<'_>) -> Voxel {
    let columns = f64::from(options.detrend);
    let ddof_of_run = if options.ddof_of_model { columns + 1.0 } else { options.ddof as f64 };
    let ddof_joined =
        if options.ddof_of_model { columns * runs.len() as f64 + 1.0 } else { options.ddof as f64 };
    let all: Vec<f64> = runs.iter().flat_map(|run| run.values.clone()).collect();
    let rest: Vec<f64> = runs.iter().flat_map(|run| run.residuals.clone()).collect();
    let is_constant = |values: &[f64]| values.iter().all(|v| *v == values[0]);
    let squares = |values: &[f64]| {
        let middle = mean(values);
        let exact = !values.is_empty() && is_constant(values);
        if exact { 0.0 } else { values.iter().map(|v| (v - middle).powi(2)).sum() }
    };
    let std = |values: &[f64], samples: &[f64], ddof: f64| {
        if !samples.is_empty() && is_constant(samples) && samples[0].is_finite() {
            return 0.0;
        }
        if values.iter().any(|v| !v.is_finite()) || values.is_empty() {
            return f64::NAN;
        }
        (squares(values) / (values.len() as f64 - ddof)).sqrt()
    };
    let ratio = |mean: f64, std: f64| match options.constant {
        _ if std != 0.0 => mean / std,
        Constant::Zero => 0.0,
        Constant::Nan => f64::NAN,
        Constant::Divided => mean / std,
    };
    let mean_of_all = mean(&all);
    let joined_std = std(&rest, &all, ddof_joined);
    let finite = all.iter().all(|v| v.is_finite());
    let within: f64 =
        runs.iter().filter(|r| !r.values.is_empty()).map(|r| squares(&r.residuals)).sum();
    let freedom: f64 = runs.iter().map(|r| (r.values.len() as f64 - ddof_of_run).max(0.0)).sum();
    let levels: f64 = runs
        .iter()
        .filter(|run| !run.values.is_empty())
        .map(|run| run.values.len() as f64 * (mean(&run.values) - mean_of_all).powi(2))
        .sum();
    let nan = if finite { 0.0 } else { f64::NAN };
    Voxel {
        mean: mean_of_all,
        std: joined_std,
        joined: ratio(mean_of_all, joined_std),
        pooled: ratio(mean_of_all, (within / freedom + nan).sqrt()),
        each: runs
            .iter()
            .map(|r| ratio(mean(&r.values), std(&r.residuals, &r.values, ddof_of_run)))
            .collect(),
        between: (levels / all.len() as f64, levels / (levels + within)),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
