//! Definitions of other tools, from their formulas, in float64. What can be run is run by
//! `tests/interop/check_like.py`.

use voxstore::Session;
use voxstore::jobs::{Across, Constant, Like, Mask, NonFinite, TsnrOptions, TsnrRecord, tsnr};

use crate::made::Made;

const ALL: [Like; 8] = [
    Like::Seed,
    Like::Fsl,
    Like::Afni,
    Like::AfniCvarinv,
    Like::Nipype,
    Like::Mriqc,
    Like::Sct,
    Like::Halfpipe,
];

/// What the tool makes of a series.
fn by_formula(like: Like, series: &[f64]) -> f64 {
    let n = series.len() as f64;
    let zeroed = matches!(like, Like::Nipype | Like::Mriqc | Like::Halfpipe);
    let series: Vec<f64> =
        series.iter().map(|&v| if zeroed && !v.is_finite() { 0.0 } else { v }).collect();
    let mean = series.iter().sum::<f64>() / n;
    let constant = series.iter().all(|v| *v == series[0]);
    let squares: f64 = series.iter().map(|v| (v - mean).powi(2)).sum();
    let squares = if constant { 0.0 } else { squares };
    let or_zero = |std: f64| if std == 0.0 { 0.0 } else { mean / std };
    match like {
        Like::Seed => mean / (squares / n).sqrt(),
        Like::Fsl => or_zero((squares / (n - 1.0)).sqrt()),
        Like::Afni => or_zero((squares / (n - 1.0)).sqrt()).abs(),
        Like::AfniCvarinv => {
            // The sum of squares that mean and slope leave.
            let middle = (n - 1.0) / 2.0;
            let time = |t: usize| t as f64 - middle;
            let along: f64 = series.iter().enumerate().map(|(t, v)| time(t) * (v - mean)).sum();
            let times: f64 = (0..series.len()).map(|t| time(t).powi(2)).sum();
            let left = if constant { 0.0 } else { squares - along * along / times };
            or_zero((left / (n - 1.0)).sqrt()).abs()
        }
        Like::Nipype | Like::Mriqc | Like::Halfpipe => {
            let std = (squares / n).sqrt();
            if std > 1e-3 { mean / std } else { 0.0 }
        }
        Like::Sct => {
            let ratio = mean / (squares / (n - 1.0)).sqrt();
            if ratio.is_nan() { 0.0 } else { ratio }
        }
    }
}

#[test]
fn each_is_its_formula() {
    let made = Made::with_holes([5, 4, 3], &[30]);
    let mask = made.mask_run();
    for like in ALL {
        let of = if like == Like::Mriqc { Mask::Of(&mask) } else { Mask::None };
        let options = TsnrOptions { mask: of, ..TsnrOptions::like(like) };
        let found = tsnr(&made.runs, options, &Session::default()).unwrap();
        for ((x, y, z), &found) in found.map.indexed_iter() {
            let series = made.values[0].slice(ndarray::s![x, y, z, ..]).to_vec();
            let want = by_formula(like, &series);
            let same = found == want || (found.is_nan() && want.is_nan());
            let near = (found - want).abs() <= 1e-9 * want.abs();
            assert!(same || near, "{like} {:?}: {found}, expected {want}", (x, y, z));
        }
    }
}

/// nipype's `regress_poly` takes out all but the constant of a fit of Legendre polynomials.
#[test]
fn nipype_with_trends_divides_the_constant_of_its_fit() {
    let made = Made::drifting([5, 4, 3], &[21]);
    let options = TsnrOptions { detrend: 2, ..TsnrOptions::like(Like::Nipype) };
    let found = tsnr(&made.runs, options, &Session::default()).unwrap();
    let count = 21_usize;
    let time = |t: usize| 2.0 * t as f64 / (count - 1) as f64 - 1.0;
    let second = |t: usize| (3.0 * time(t) * time(t) - 1.0) / 2.0;
    let sum = |of: &dyn Fn(usize) -> f64| (0..count).map(of).sum::<f64>();
    for ((x, y, z), &found) in found.map.indexed_iter() {
        let y_of = |t: usize| made.values[0][[x, y, z, t]];
        if (0..count).all(|t| y_of(t) == y_of(0)) {
            assert_eq!(found, 0.0);
            continue;
        }
        // On times about 0 the straight line is orthogonal to both others.
        let slope = sum(&|t| y_of(t) * time(t)) / sum(&|t| time(t) * time(t));
        let (n, p, pp) = (count as f64, sum(&second), sum(&|t| second(t) * second(t)));
        let (v, pv) = (sum(&y_of), sum(&|t| second(t) * y_of(t)));
        let curve = (n * pv - p * v) / (n * pp - p * p);
        let constant = (v - curve * p) / n;
        let rest = |t: usize| y_of(t) - constant - slope * time(t) - curve * second(t);
        let std = (sum(&|t| rest(t) * rest(t)) / n).sqrt();
        let want = constant / std;
        assert!((found - want).abs() <= 1e-9 * want.abs(), "{:?}: {found} {want}", (x, y, z));
    }
}

#[test]
fn mriqc_is_the_median_in_the_mask_of_a_map_that_is_whole() {
    let made = Made::drifting([5, 4, 3], &[30]);
    let mask = made.mask_run();
    let options = TsnrOptions { mask: Mask::Of(&mask), ..TsnrOptions::like(Like::Mriqc) };
    let found = tsnr(&made.runs, options, &Session::default()).unwrap();
    let mut inside: Vec<f64> = found
        .map
        .t()
        .iter()
        .zip(&made.mask)
        .filter(|(_, inside)| **inside)
        .map(|(tsnr, _)| *tsnr)
        .collect();
    inside.sort_by(f64::total_cmp);
    assert_eq!(inside.len(), 40);
    assert_eq!(found.concatenated_median, f64::midpoint(inside[19], inside[20]));
    let outside =
        found.map.t().iter().zip(&made.mask).filter(|(tsnr, i)| !**i && **tsnr != 0.0).count();
    assert!(outside > 10);
    let whole = TsnrOptions { mask: Mask::None, ..options };
    let error = tsnr(&made.runs, whole, &Session::default()).unwrap_err().to_string();
    assert!(error.contains("mriqc") && error.contains("mask"), "{error}");
}

#[test]
fn what_contradicts_a_definition_is_refused_and_what_repeats_it_is_not() {
    let made = Made::drifting([5, 4, 3], &[9, 8]);
    let one = &made.runs[..1];
    let fsl = TsnrOptions::like(Like::Fsl);
    let refused = |options: TsnrOptions<'_>, words: &[&str]| {
        let error = tsnr(&made.runs, options, &Session::default()).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no {word:?} in {error}");
        }
    };
    refused(TsnrOptions { ddof: 0, ..fsl }, &["ddof 0", "like fsl", "is 1"]);
    refused(TsnrOptions { ddof_of_model: true, ..fsl }, &["ddof model", "fsl"]);
    refused(TsnrOptions { detrend: 1, ..fsl }, &["detrend 1", "fsl", "is 0"]);
    refused(TsnrOptions { constant: Constant::Nan, ..fsl }, &["constant NaN", "fsl"]);
    refused(TsnrOptions { non_finite: NonFinite::Skip, ..fsl }, &["nan skip", "fsl"]);
    refused(TsnrOptions { across: Across::Pooled, ..fsl }, &["across pooled", "fsl"]);
    refused(TsnrOptions::like(Like::AfniCvarinv), &["one polynomial through all runs", "per-run"]);
    assert!(
        tsnr(&made.runs, TsnrOptions { across: Across::PerRun, ..fsl }, &Session::default())
            .is_ok()
    );
    let trend = TsnrOptions { detrend: 2, ..TsnrOptions::like(Like::Nipype) };
    assert!(tsnr(one, trend, &Session::default()).is_ok());
    refused(trend, &["one polynomial through all runs"]);
}

#[test]
fn a_record_says_the_whole_definition() {
    let made = Made::drifting([5, 4, 3], &[9, 8]);
    let lists = [vec![4, 0], vec![]];
    let options = TsnrOptions {
        across: Across::Pooled,
        detrend: 2,
        ddof_of_model: true,
        dummies: voxstore::jobs::Dummies::First(1),
        censored: &lists,
        mask: Mask::Auto,
        ..TsnrOptions::default()
    };
    let found = tsnr(&made.runs, options, &Session::default()).unwrap();
    let record = TsnrRecord::new(&found, &made.runs, options, 1 << 29, None);
    let json = serde_json::to_value(&record).unwrap();
    let definition = &json["definition"];
    assert_eq!(definition["across_runs"], "pooled");
    assert_eq!((&definition["ddof"], &definition["detrend_order"]), (&"model".into(), &2.into()));
    assert_eq!(definition["map_mask"], "median mask; 0 outside");
    assert!(definition["like"].is_null() && definition["mask"].is_null());
    let first = &json["inputs"][0];
    assert_eq!((&first["dummy_volumes"], &first["volumes_counted"]), (&1.into(), &7.into()));
    assert_eq!(first["censored_volumes"], serde_json::json!([4]));
    let between = found.between_runs.unwrap();
    assert_eq!(json["figures"]["between_run_variance_median"], between.variance_median);
    assert_eq!(json["figures"]["between_run_share_median"], between.share_median);

    let cvarinv = TsnrOptions::like(Like::AfniCvarinv);
    let found = tsnr(&made.runs[..1], cvarinv, &Session::default()).unwrap();
    let json =
        serde_json::to_value(TsnrRecord::new(&found, &made.runs[..1], cvarinv, 1, None)).unwrap();
    assert_eq!(json["definition"]["like"], "afni-cvarinv");
    assert_eq!(json["definition"]["formula"], "|mean over time| / standard deviation over time");
    assert!(json["figures"]["between_run_variance_median"].is_null());
}
