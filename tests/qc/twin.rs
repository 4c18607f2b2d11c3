//! The figures by their formulas, one sample after the other; nothing of the library is used.

use ndarray::{Array1, Array2, Array3, Array4, s};

pub(crate) struct Twin {
    pub(crate) mask: Array3<bool>,
    pub(crate) mean: Array3<f64>,
    pub(crate) std: Array3<f64>,
    pub(crate) global_signal: Vec<f64>,
    pub(crate) dvars: Vec<f64>,
    pub(crate) std_dvars: Vec<f64>,
    pub(crate) dvars_vstd: Vec<f64>,
    pub(crate) outlier_fraction: Vec<f64>,
    pub(crate) slice_means: Array2<f64>,
    pub(crate) spikes: Array2<f64>,
    pub(crate) carpet: Array2<f64>,
}

pub(crate) fn twin(x: &Array4<f64>, given: Option<&Array3<bool>>, rows: &[[u64; 3]]) -> Twin {
    let (nx, ny, nz, volumes) = x.dim();
    let grid = (nx, ny, nz);
    let series = |x_: usize, y: usize, z: usize| x.slice(s![x_, y, z, ..]).to_vec();
    let map =
        |of: &dyn Fn(&[f64]) -> f64| Array3::from_shape_fn(grid, |(x, y, z)| of(&series(x, y, z)));
    let (means, stds) = (map(&mean), map(&std));
    let largest =
        means.iter().zip(&stds).filter(|(_, s)| **s > 0.0).fold(0.0, |l: f64, (m, _)| l.max(*m));
    let mask = Array3::from_shape_fn(grid, |at| {
        let finite = series(at.0, at.1, at.2).iter().all(|v| v.is_finite());
        finite && given.map_or(stds[at] > 0.0 && means[at] > 0.2 * largest, |given| given[at])
    });
    let inside: Vec<Vec<f64>> =
        mask.indexed_iter().filter(|(_, m)| **m).map(|((x, y, z), _)| series(x, y, z)).collect();
    let over = |lists: &[Vec<f64>], t: usize| mean(&lists.iter().map(|l| l[t]).collect::<Vec<_>>());

    // nipype's compute_dvars with remove_zerovariance, without its intensity normalisation.
    let robust = |l: &[f64]| (lower(l, 0.75) - lower(l, 0.25)) / 1.349;
    let varying: Vec<&Vec<f64>> = inside.iter().filter(|l| robust(l) > 0.0).collect();
    let predicted: Vec<f64> =
        varying.iter().map(|l| (2.0 * (1.0 - lag_1(l))).sqrt() * robust(l)).collect();
    let changes = |scales: &[f64], t: usize| {
        let squares = varying.iter().zip(scales).map(|(l, s)| ((l[t] - l[t - 1]) / s).powi(2));
        mean(&squares.collect::<Vec<_>>()).sqrt()
    };
    let from_second = |of: &dyn Fn(usize) -> f64| -> Vec<f64> {
        std::iter::once(f64::NAN).chain((1..volumes).map(of)).collect()
    };
    let ones = vec![1.0; varying.len()];
    let dvars = from_second(&|t| changes(&ones, t));
    let quiet = mean(&predicted);

    // 3dToutcount -fraction; qginv(0.001 / 40) by scipy.stats.norm.isf, scipy 1.17.1.
    assert_eq!(volumes, 40);
    let alpha = 4.055_626_981_122_4 * (std::f64::consts::PI / 2.0).sqrt();
    let far: Vec<Vec<f64>> = inside
        .iter()
        .map(|l| {
            let (middle, spread) = (median(l), mad(l));
            let is_far = |v: &f64| spread > 0.0 && (v - middle).abs() > alpha * spread;
            l.iter().map(|v| f64::from(u8::from(is_far(v)))).collect()
        })
        .collect();

    let slice_means = Array2::from_shape_fn((nz, volumes), |(z, t)| {
        let here = mask.indexed_iter().filter(|((_, _, k), m)| *k == z && **m);
        mean(&here.map(|((x_, y, z), _)| x[[x_, y, z, t]]).collect::<Vec<_>>())
    });
    let spikes = Array2::from_shape_fn((nz, volumes), |(z, t)| {
        let l = slice_means.row(z).to_vec();
        (l[t] - median(&l)) / (1.482_602_218_505_602 * mad(&l))
    });
    let carpet = rows.iter().flat_map(|voxel| {
        let [x, y, z] = voxel.map(|i| i as usize);
        let l = Array1::from_vec(series(x, y, z));
        let scaled = (l - means[[x, y, z]]) / stds[[x, y, z]];
        scaled.mapv(|v| if v.is_nan() { 0.0 } else { v.clamp(-2.0, 2.0) })
    });
    Twin {
        global_signal: (0..volumes).map(|t| over(&inside, t)).collect(),
        std_dvars: dvars.iter().map(|v| v / quiet).collect(),
        dvars,
        dvars_vstd: from_second(&|t| changes(&predicted, t)),
        outlier_fraction: (0..volumes).map(|t| over(&far, t)).collect(),
        carpet: Array2::from_shape_vec((rows.len(), volumes), carpet.collect()).unwrap(),
        mask,
        mean: means,
        std: stds,
        slice_means,
        spikes,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn std(values: &[f64]) -> f64 {
    let middle = mean(values);
    mean(&values.iter().map(|v| (v - middle).powi(2)).collect::<Vec<_>>()).sqrt()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// `numpy.percentile(values, 100 * q, method="lower")`.
fn lower(values: &[f64], q: f64) -> f64 {
    sorted(values)[((values.len() - 1) as f64 * q).floor() as usize]
}

fn median(values: &[f64]) -> f64 {
    if values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let (sorted, n) = (sorted(values), values.len());
    if n % 2 == 1 { sorted[n / 2] } else { f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]) }
}

fn mad(values: &[f64]) -> f64 {
    let middle = median(values);
    median(&values.iter().map(|v| (v - middle).abs()).collect::<Vec<_>>())
}

/// Lag-1 autocorrelation as Yule and Walker estimate it (nitime's `AR_est_YW` of order 1).
fn lag_1(values: &[f64]) -> f64 {
    let middle = mean(values);
    let d: Vec<f64> = values.iter().map(|v| v - middle).collect();
    let products: f64 = d.windows(2).map(|pair| pair[0] * pair[1]).sum();
    products / d.iter().map(|v| v * v).sum::<f64>()
}
