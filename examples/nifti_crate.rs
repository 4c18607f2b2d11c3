//! What the `nifti` crate makes of a file: a second opinion for `tests/interop/compare_readers.py`.
//!
//! ```text
//! cargo run --release --example nifti_crate -- run.nii.gz voxels.f64
//! ```
//!
//! Writes the values as little-endian float64, x fastest. An error is exit code 1; a panic is 101, and
//! an allocation that fails ends the process. The crate allocates what a header asks for, so call this
//! under a limit such as `ulimit -v`.

use std::error::Error;
use std::path::PathBuf;

use nifti::{IntoNdArray as _, NiftiObject as _, ReaderOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = std::env::args_os().skip(1).map(PathBuf::from);
    let (file, out) = paths.next().zip(paths.next()).ok_or("usage: nifti_crate FILE OUT")?;
    let image = ReaderOptions::new().read_file(file)?;
    let array = image.into_volume().into_ndarray::<f64>()?;
    let values = array.t();
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(out, bytes)?;
    Ok(())
}
