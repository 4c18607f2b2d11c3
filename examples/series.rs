//! A run written again in chunks of whole series, so that a voxel's time course is one chunk.
//!
//! ```text
//! cargo run --release --example series [MEMORY FOLDER RUN.nii.gz]
//! ```
//! Without arguments: 512 MiB, a folder that is removed at the end, and a run of `fixtures/nitime`. A run
//! that does not fit in memory waits in a scratch file in that folder; it is read once.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;

use ndarray::s;
use voxstore::store::{self, ZarrOptions};
use voxstore::{LazyArray, Session, nifti};

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let mut args = std::env::args().skip(1);
    let memory = args.next().unwrap_or_else(|| "512MiB".to_owned());
    let folder = args.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime/fmri1.nii.gz");
    let run = nifti::open(args.next().unwrap_or_else(|| fixture.to_owned()))?;
    let session = Session::builder().memory(&memory).scratch(&folder).build()?;

    let x = run.lazy(); // (x, y, z, t)
    let path = folder.join("series.zarr");
    let chunks = Some(vec![16, 16, 16, x.shape()[3]]);
    let options = ZarrOptions { chunks, ..ZarrOptions::default() };
    let report = session.write_zarr(&x, &path, Some(&run), &options)?;
    println!(
        "{} scan of {}, {} MiB waited on disk, at most {} MiB of memory",
        report.scans,
        run.name(),
        report.spilled_bytes >> 20,
        report.projected_bytes.div_ceil(1 << 20),
    );

    let back = LazyArray::from_source(store::open_array(&path)?);
    let [i, j, k] = [0, 1, 2].map(|axis| (x.shape()[axis] / 2) as usize);
    let series = session.compute::<f64>(&back.slice(s![i, j, k, ..]).to_f64())?;
    println!(
        "voxel ({i}, {j}, {k}): {} volumes, mean {:.3}",
        series.len(),
        series.mean().unwrap_or(0.0)
    );
    // Every voxel is where it was.
    let apart = (back - x).not_equal(0).count_nonzero(..);
    assert_eq!(session.compute::<i64>(&apart)?.sum(), 0);
    Ok(())
}
