//! Seed correlation: Pearson's r of every voxel's series with that of one voxel.
//!
//! ```text
//! cargo run --release --example seed_correlation [RUN.nii.gz X Y Z]
//! ```
//! Without arguments it takes a run of `fixtures/nitime` and a voxel in its middle. Two reads: the
//! seed's own series, then one pass over all voxels.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use ndarray::{Ix3, s};
use voxstore::{from_ndarray, nifti};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime/fmri1.nii.gz");
    let x = nifti::open(args.next().unwrap_or_else(|| fixture.into()))?.lazy(); // (x, y, z, t)
    let mut place = [5_usize, 5, 9];
    for (index, text) in place.iter_mut().zip(args) {
        *index = text.parse()?;
    }

    // A slice of one voxel is small: compute it, and go on with it in memory.
    let [i, j, k] = place;
    let seed = x.slice(s![i, j, k, ..]).compute::<f64>()?;
    let (mean, std) = (seed.mean().unwrap_or(f64::NAN), seed.std(0.0));
    let weights = from_ndarray((&seed - mean) / (std * seed.len() as f64));

    // r = sum((x - mean(x)) * (s - mean(s))) / (n * std(x) * std(s)). The weights sum to 0, so x need
    // not be centred; they stand along the last axis, so they repeat over space by themselves.
    let r = (&x * &weights).sum(-1) / x.std(-1);
    println!("{}", r.explain()?); // one pass: both sums are kept side by side

    let map = r.compute::<f64>()?.into_dimensionality::<Ix3>()?;
    println!("r of the seed {place:?} with itself: {:.6}", map[place]);
    let others =
        map.indexed_iter().filter(|&(at, r)| <[usize; 3]>::from(at) != place && !r.is_nan());
    if let Some((at, r)) = others.max_by(|a, b| a.1.total_cmp(b.1)) {
        println!("most like it: voxel {at:?}, r {r:.3}");
    }
    assert!((map[place] - 1.0).abs() < 1e-9);
    Ok(())
}
