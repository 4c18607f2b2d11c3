//! Reading from a store: a voxel's series, a volume, a box, and a walk over a whole run.
//!
//! ```text
//! cargo run --release --example read [STORE]
//! ```
//! Without an argument it makes a store of the two runs in `fixtures/nitime` first.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::{Path, PathBuf};

use ndarray::{Array4, s};
use voxstore::store::{self, IngestOptions};
use voxstore::{Session, nifti};

fn main() -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?; // removed at the end
    let path = std::env::args().nth(1).map_or_else(|| make_store(scratch.path()), |p| Ok(p.into()));
    let store = store::open(path?)?;
    let name = store.runs().first().ok_or("the store holds no run")?;
    let run = store.run(name)?;
    let bold = run.lazy(); // (x, y, z, t), slope and intercept applied; nothing is read yet
    println!("{name}\n{bold:?}");
    let [x, y, z, t] = [0, 1, 2, 3].map(|axis| (run.shape()[axis] / 2) as isize);

    // Decodes just the chunks that a slice touches. f64 holds the numbers of any run; for these,
    // which are int16 and unscaled, compute::<i16>() gives them as they are.
    let series = bold.slice(s![x, y, z, ..]).compute::<f64>()?;
    println!("series of voxel ({x}, {y}, {z}): {} values, first {}", series.len(), series[0]);

    let volume = bold.slice(s![.., .., .., t]).compute::<f64>()?;
    println!("volume {t}: {:?}, mean {:?}", volume.shape(), volume.mean());

    let cube = bold.slice(s![x..x + 3, y..y + 3, z..z + 3, t..t + 8]);
    let mut mine = Array4::<f64>::zeros([3, 3, 3, 8]); // your own memory, in any layout
    cube.compute_into(mine.view_mut().into_dyn())?;
    println!("box {:?}, mean {:?}", mine.shape(), mine.mean());

    // A run of any size, block by block, in little memory.
    let session = Session::builder().memory("32MiB").build()?;
    let (mut blocks, mut total) = (0, 0.0);
    for block in session.blocks::<f64>(&bold)? {
        let (_region, values) = block?;
        (blocks, total) = (blocks + 1, total + values.sum());
    }
    let sum = session.compute::<f64>(&bold.sum(-1))?.sum();
    println!("sum in {blocks} blocks: {total}; by bold.sum(-1): {sum}");
    assert!(sum.is_nan() || (total - sum).abs() <= 1e-9 * sum.abs());
    Ok(())
}

fn make_store(folder: &Path) -> Result<PathBuf, voxstore::Error> {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime"));
    let [one, two] = ["fmri1.nii.gz", "fmri2.nii.gz"].map(|f| nifti::open(fixtures.join(f)));
    let path = folder.join("study.zarr");
    store::ingest(&[one?, two?], &path, &IngestOptions::default(), &Session::default())?;
    Ok(path)
}
