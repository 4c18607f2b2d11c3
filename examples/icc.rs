//! Test-retest reliability: ICC(3,1) of maps over sessions.
//!
//! ```text
//! cargo run --release --example icc
//! ```
//! ICC(3,1) is that of Shrout & Fleiss (Psychological Bulletin 86, 1979): two-way mixed effects,
//! consistency, one measurement. Its input here is made, so that the answer is known.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use ndarray::Array3;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use voxstore::{LazyArray, from_ndarray, stack};

/// ICC(3,1) of `maps`, whose last two axes are subjects and sessions: `(BMS - EMS) / (BMS + (k - 1)
/// EMS)`, with the mean squares between subjects and of the error of a two-way analysis of variance.
fn icc31(maps: &LazyArray) -> LazyArray {
    // Without two such axes the sum is an error that says so, and computing it shows it.
    let &[.., n, k] = maps.shape() else { return maps.sum([-2, -1]) };
    let (n, k) = (n as f64, k as f64);
    // Sums of squared deviations: of all n * k numbers, of subjects' means, of sessions' means.
    let total = maps.var([-2, -1]) * (n * k);
    let subjects = maps.mean(-1).var(-1) * (n * k);
    let sessions = maps.mean(-2).var(-1) * (n * k);
    let between = &subjects / (n - 1.0);
    let error = (total - subjects - sessions) / ((n - 1.0) * (k - 1.0));
    (&between - &error) / (between + error * (k - 1.0))
}

fn main() -> Result<(), voxstore::Error> {
    // Maps of 40 subjects in 3 sessions, as a first level gives: each voxel has a value of the subject
    // (variance 1), a shift of the session, and noise (variance 1/3), so the true ICC is 3/4. With
    // files: nifti::open(path)?.lazy() instead of from_ndarray.
    let (shape, mut random) = ((8, 8, 6), Pcg64::seed_from_u64(1));
    let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
    let subjects: Vec<LazyArray> = (0..40)
        .map(|_| {
            let own = Array3::from_shape_simple_fn(shape, &mut normal);
            let session =
                |shift: f64| from_ndarray(own.mapv(|v| v + shift + normal() / 3_f64.sqrt()));
            stack(&[0.0, 5.0, -2.0].map(session), -1)
        })
        .collect();
    let maps = stack(&subjects, -2); // (x, y, z, subject, session); nothing is copied
    println!("{maps:?}");

    let icc = icc31(&maps);
    println!("ICC(3,1): {} passes over them", icc.explain()?.passes.len());
    let map = icc.compute::<f64>()?;
    let mean = map.mean().unwrap_or(f64::NAN);
    println!("mean over {} voxels {mean:.3}; true value 0.750", map.len());
    assert!((mean - 0.75).abs() < 0.02);
    let shift = maps.mean([0, 1, 2, 3]).compute::<f64>()?;
    println!("means of the sessions, which consistency leaves out: {shift:.2}");
    Ok(())
}
