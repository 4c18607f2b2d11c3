//! The z-score of a run, written as 4-D Zarr and as NIfTI without ever being whole in memory.
//!
//! ```text
//! cargo run --release --example zscore [RUN.nii.gz] [OUTPUT FOLDER] [MEMORY]
//! ```
//! Without arguments it takes a run of `fixtures/nitime`, a folder that is removed at the end, and
//! 512 MiB.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;

use voxstore::nifti::{self, NiftiOptions};
use voxstore::store::ZarrOptions;
use voxstore::{DType, ReduceOptions, Session, where_};

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let memory = std::env::args().nth(3).unwrap_or_else(|| "512MiB".to_owned());
    let session = Session::builder().memory(&memory).build()?;
    let mut args = std::env::args().skip(1).map(PathBuf::from);
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime/fmri1.nii.gz");
    let run = nifti::open(args.next().unwrap_or_else(|| fixture.into()))?;
    let folder = args.next().unwrap_or_else(|| scratch.path().to_owned());

    let x = run.lazy(); // (x, y, z, t)
    let (mean, std) = (x.mean_with(-1, keep()), x.std_with(-1, keep())); // (x, y, z, 1)
    // Voxels that never change have no z-score; numpy would leave NaN there.
    let z = where_(&std.greater(0.0), (&x - &mean) / &std, 0.0).astype(DType::F32);

    // Two passes: one sums, one reads again; the plan says what both cost.
    println!("{}", session.explain_write(&[&z])?);

    let zarr = session.write_zarr(&z, folder.join("zscore.zarr"), None, &ZarrOptions::default())?;
    let file =
        session.write_nifti(&z, folder.join("zscore.nii"), Some(&run), &NiftiOptions::default())?;

    // Every series has mean 0 and standard deviation 1 now; both come out of one scan.
    let back = nifti::open(folder.join("zscore.nii"))?.lazy();
    let moments = [back.mean(-1).abs().max(..), back.std(-1).min(..), back.std(-1).max(..)];
    let found = session.compute_all::<f64>(&moments.each_ref())?;
    let [mean, low, high] = [0, 1, 2].map(|k| found.arrays[k].sum());
    for (what, report) in [("Zarr", &zarr), ("NIfTI", &file), ("check", &found.report)] {
        let mib = report.projected_bytes.div_ceil(1 << 20);
        println!("{what}: {} scans, at most {mib} MiB", report.scans);
    }
    println!("z-scores: means within {mean:.1e} of 0, deviations from {low:.6} to {high:.6}");
    assert!(mean < 1e-5 && high < 1.0 + 1e-5);
    Ok(())
}

fn keep() -> ReduceOptions {
    ReduceOptions::new().keepdims()
}
