//! The z-score of joined runs, written as 4-D Zarr, and its first run as NIfTI, without ever being whole in
//! memory.
//!
//! ```text
//! cargo run --release --example zscore [MEMORY FOLDER RUN.nii.gz...]
//! ```
//! Without arguments: 512 MiB, a folder that is removed at the end, and a run of `fixtures/nitime`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;

use voxstore::nifti::{self, NiftiOptions};
use voxstore::store::{self, ZarrOptions};
use voxstore::{DType, LazyArray, ReduceOptions, Run, Session, concatenate, where_};

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let mut args = std::env::args().skip(1);
    let memory = args.next().unwrap_or_else(|| "512MiB".to_owned());
    let folder = args.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let mut files: Vec<PathBuf> = args.map(PathBuf::from).collect();
    if files.is_empty() {
        files.push(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime/fmri1.nii.gz").into());
    }
    let session = Session::builder().memory(&memory).scratch(&folder).build()?;
    let runs = files.iter().map(nifti::open).collect::<Result<Vec<_>, _>>()?;

    let series: Vec<LazyArray> = runs.iter().map(Run::lazy).collect();
    let x = concatenate(&series, -1); // (x, y, z, t)
    let (mean, std) = (x.mean_with(-1, keep()), x.std_with(-1, keep())); // (x, y, z, 1)
    // Voxels that never change have no z-score; numpy would leave NaN there.
    let z = where_(&std.greater(0.0), (&x - &mean) / &std, 0.0).astype(DType::F32);

    // Two passes: one sums, one reads again; the plan says what both cost.
    println!("{}", session.explain_write(&[&z])?);

    let zarr = session.write_zarr(&z, folder.join("zscore.zarr"), None, &ZarrOptions::default())?;
    let volumes = i64::try_from(series[0].shape()[3])? as isize;
    let first = z.slice_axis(-1, ..volumes);
    let options = NiftiOptions::default();
    let file = session.write_nifti(&first, folder.join("zscore.nii"), Some(&runs[0]), &options)?;

    // Every series has mean 0 and standard deviation 1 now; both come out of one scan.
    let back = LazyArray::from_source(store::open_array(folder.join("zscore.zarr"))?);
    let part = nifti::open(folder.join("zscore.nii"))?.lazy();
    let moments = [
        back.mean(-1).abs().max(..),
        back.std(-1).min(..),
        back.std(-1).max(..),
        (back.slice_axis(-1, ..volumes) - part).abs().max(..),
    ];
    let found = session.compute_all::<f64>(&moments.each_ref())?;
    let [mean, low, high, apart] = [0, 1, 2, 3].map(|k| found.arrays[k].sum());
    for (what, report) in [("Zarr", &zarr), ("NIfTI", &file), ("check", &found.report)] {
        let mib = report.projected_bytes.div_ceil(1 << 20);
        println!("{what}: {} scans, at most {mib} MiB", report.scans);
    }
    println!("z-scores: means within {mean:.1e} of 0, deviations from {low:.6} to {high:.6}");
    assert!(mean < 1e-5 && high < 1.0 + 1e-5 && apart == 0.0);
    Ok(())
}

fn keep() -> ReduceOptions {
    ReduceOptions::new().keepdims()
}
