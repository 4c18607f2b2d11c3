//! The seed's program: tSNR over runs that are opened lazily and joined along time.
//!
//! ```text
//! cargo run --release --example seed [RUN.nii.gz ...]
//! ```
//! Without arguments it takes the two runs in `fixtures/nitime`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use voxstore::{LazyArray, concatenate, nifti};

fn main() -> Result<(), voxstore::Error> {
    let mut fnames: Vec<String> = std::env::args().skip(1).collect();
    if fnames.is_empty() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime");
        fnames = vec![format!("{folder}/fmri1.nii.gz"), format!("{folder}/fmri2.nii.gz")];
    }
    // Opens headers only.
    let runs = fnames
        .iter()
        .map(|fname| Ok(nifti::open(fname)?.lazy()))
        .collect::<Result<Vec<LazyArray>, voxstore::Error>>()?;

    let arr = concatenate(&runs, -1);
    println!("{arr:?}"); // shape, type and blocks; none of the data

    let tsnr = arr.mean(-1) / arr.std(-1); // still nothing read
    println!("{}", tsnr.explain()?); // passes, running sums, projected peak

    let map = tsnr.compute::<f64>()?; // one scan of every file
    let mut inside: Vec<f64> = map.iter().copied().filter(|v| v.is_finite()).collect();
    inside.sort_by(f64::total_cmp);
    println!("tSNR map {:?}, median {:.3}", map.shape(), inside[inside.len() / 2]);
    Ok(())
}
