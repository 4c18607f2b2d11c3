//! A source of your own: a folder of raw volumes, one file each, as some scanners send them.
//! `cargo run --release --example own_source` makes one, reads it and takes its mean over time.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{error::Error, fs, path::PathBuf, sync::Arc};

use ndarray::s;
use voxstore::{Access, DType, LazyArray, Region, Source, SourceError, source_conformance};

/// Files `0000.raw`, `0001.raw`, ... of int16 in a folder, x fastest, without headers.
#[derive(Debug)]
struct RawVolumes(PathBuf);
const SHAPE: [u64; 4] = [5, 4, 3, 12]; // (x, y, z, t)
const VOLUME_BYTES: u64 = 2 * SHAPE[0] * SHAPE[1] * SHAPE[2];

#[rustfmt::skip] // facts, one a line
impl Source for RawVolumes {
    fn name(&self) -> &'static str { "raw volumes" }
    fn shape(&self) -> &[u64] { &SHAPE }
    fn dtype(&self) -> DType { DType::I16 }
    fn access(&self) -> Access { Access::Random }
    fn block_shape(&self) -> &[u64] { &[SHAPE[0], SHAPE[1], SHAPE[2], 1] } // plans ask for such boxes
    fn scratch_bytes(&self) -> u64 { VOLUME_BYTES } // what `read` holds: part of the plan's peak
    fn stored_bytes(&self) -> u64 { VOLUME_BYTES * SHAPE[3] }
    fn transport(&self) -> &'static str { "raw files" }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?; // it lies in the array, and `out` is as long as it
        let row_bytes = 2 * region.shape()[0] as usize;
        let mut rows = out.chunks_exact_mut(row_bytes.max(1)); // an empty region has none
        for t in region.start()[3]..region.end(3) {
            let file = format!("{t:04}.raw");
            let fault = |reason: &str| SourceError::new(self.name(), &file, reason);
            let volume = fs::read(self.0.join(&file)).map_err(|error| fault(&error.to_string()))?;
            let lines = (region.start()[2]..region.end(2))
                .flat_map(|z| (region.start()[1]..region.end(1)).map(move |y| y + SHAPE[1] * z));
            for (line, row) in lines.zip(&mut rows) {
                let at = 2 * (region.start()[0] + SHAPE[0] * line) as usize;
                row.copy_from_slice(volume.get(at..at + row_bytes).ok_or_else(|| fault("cut off"))?);
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?; // made volumes: voxel v of volume t is 100 v + t
    for t in 0..SHAPE[3] as i16 {
        let voxels = (0..VOLUME_BYTES as i16 / 2).flat_map(|v| (100 * v + t).to_ne_bytes());
        fs::write(folder.path().join(format!("{t:04}.raw")), voxels.collect::<Vec<u8>>())?;
    }
    let source = RawVolumes(folder.path().into());
    source_conformance::check(&source, None)?; // for your unit tests
    let x = LazyArray::from_source(Arc::new(source));
    println!("{x:?}\nmeans of a row: {}", x.slice(s![.., 0, 0, ..]).mean(-1).compute::<f64>()?);
    Ok(())
}
