//! What is left of a run that is damaged?
//!
//! [`Salvaged`] is the one source that fills in: chunks that are missing or damaged become zeros (NaN for floats),
//! and each is noted in [`Holes`]. For whoever asks for it by name, to save the rest of an only copy; nothing else
//! reads through it. Metadata must be whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Store;
use super::chunk_reader::ChunkedSource;
use super::error::StoreError;
use super::layout::chunk_file;
use super::open_run::OpenedRun;
use crate::dtype::DType;
use crate::grid::{Region, SharedRuns};
use crate::run::Run;
use crate::source::{Access, Source, SourceError};

/// The chunks that were filled in so far.
#[derive(Clone, Debug, Default)]
pub struct Holes(Arc<Mutex<BTreeMap<u64, Hole>>>);

/// A chunk that could not be read, and was filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The chunk, as `c.1.0.0.0`.
    pub chunk: String,
    /// The voxels that are lost, `(x, y, z, t)`.
    pub region: Region,
    /// Why it could not be read.
    pub reason: String,
}

impl Holes {
    /// Those found by reading, in the order of the chunks. Of a run that was read whole, all there are.
    pub fn found(&self) -> Vec<Hole> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Store {
    /// Opens a run that may have lost chunks: reading it fills them with 0 (NaN for floats) and notes them.
    /// Names as in [`run`](Self::run), which is the way to true voxels.
    ///
    /// # Errors
    /// As [`run`](Self::run): a run whose metadata, header bytes or table of checksums are damaged does not
    /// open, because nothing then says what its chunks mean.
    pub fn salvage(&self, name: &str) -> Result<(Run, Holes), StoreError> {
        let run = OpenedRun::open(&self.path, self.resolve(name)?)?;
        let info = run.info()?;
        let holes = Holes::default();
        let chunks = run.into_source(&info);
        Ok((Run::new(Arc::new(Salvaged { chunks, holes: holes.clone() }), info), holes))
    }
}

/// The numbers of a stored array, with something in the place of those that are lost.
#[derive(Debug)]
struct Salvaged {
    chunks: ChunkedSource,
    holes: Holes,
}

impl Salvaged {
    /// Something in the place of what a box has of a chunk, and a note that it is not the chunk.
    fn fill(&self, position: &[u64], error: &SourceError, region: &Region, out: &mut [u8]) {
        let layout = &self.chunks.layout;
        let hole = Hole {
            chunk: chunk_file(position),
            region: layout.grid.region(position),
            reason: error.reason.to_string(),
        };
        let mut holes = self.holes.0.lock().unwrap_or_else(PoisonError::into_inner);
        holes.insert(layout.grid.number(position), hole);
        let item = layout.codec.fill().len() as u64;
        for run in SharedRuns::of(&layout.padded(position), region).into_iter().flatten() {
            layout.pad(&mut out[(run.to * item) as usize..((run.to + run.len) * item) as usize]);
        }
    }
}

impl Source for Salvaged {
    fn name(&self) -> &str {
        self.chunks.name()
    }

    fn shape(&self) -> &[u64] {
        self.chunks.shape()
    }

    fn dtype(&self) -> DType {
        self.chunks.dtype()
    }

    fn access(&self) -> Access {
        self.chunks.access()
    }

    fn block_shape(&self) -> &[u64] {
        self.chunks.block_shape()
    }

    fn scratch_bytes(&self) -> u64 {
        self.chunks.scratch_bytes()
    }

    fn open_bytes(&self) -> u64 {
        self.chunks.open_bytes()
    }

    fn stored_bytes(&self) -> u64 {
        self.chunks.stored_bytes()
    }

    fn transport(&self) -> &'static str {
        self.chunks.transport()
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        let layout = &self.chunks.layout;
        for position in layout.grid.touching(region) {
            if let Err(error) = self.chunks.shared_into(&position, region, out) {
                // Chunks of a newer version may look like damaged ones of this.
                self.chunks.check_version()?;
                self.fill(&position, &error, region, out);
            }
        }
        self.chunks.check_version()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::dtype::DType;
    use crate::grid::Region;
    use crate::store::testing::{Memory, session};
    use crate::store::{ChunkLengths, IngestOptions, ingest, open};

    #[test]
    fn lost_chunks_are_filled_and_noted_and_all_others_are_true() {
        for (dtype, fill) in [(DType::I16, vec![0; 2]), (DType::F32, f32::NAN.to_le_bytes().into())]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("s.zarr");
            let memory = Memory::new("a.nii", [5, 4, 6, 7], dtype);
            let mut want = memory.data.clone();
            let chunk = Some(ChunkLengths { t: 3, z: 4 });
            let options = IngestOptions { chunk, ..IngestOptions::default() };
            ingest(&[memory.run()], &path, &options, &session(1, "64MiB")).unwrap();
            let store = open(&path).unwrap();
            let whole = Region::whole(&[5, 4, 6, 7]);
            let read = || {
                let (run, holes) = store.salvage("a").unwrap();
                let mut out = vec![0xAA; want.len()];
                run.source().read(&whole, &mut out).unwrap();
                (out, holes.found())
            };
            assert_eq!(read(), (want.clone(), vec![]));

            let file = |name: &str| path.join("runs/a.ome.zarr/0").join(name);
            fs::remove_file(file("c.2.1.0.0")).unwrap();
            fs::write(file("c.0.0.0.0"), b"torn").unwrap();
            let (out, holes) = read();
            let regions: Vec<_> = holes.iter().map(|hole| hole.region.clone()).collect();
            let lost = [
                Region::new(vec![0, 0, 0, 0], vec![5, 4, 4, 3]),
                Region::new(vec![0, 0, 4, 6], vec![5, 4, 2, 1]),
            ];
            assert_eq!(regions, lost);
            assert_eq!([&holes[0].chunk, &holes[1].chunk], ["c.0.0.0.0", "c.2.1.0.0"]);
            assert!(holes[1].reason.contains("missing"), "{holes:?}");
            let size = dtype.size();
            for (index, item) in want.chunks_exact_mut(size).enumerate() {
                let (z, t) = (index / 20 % 6, index / 120);
                if (z < 4 && t < 3) || (z >= 4 && t == 6) {
                    item.copy_from_slice(&fill);
                }
            }
            assert!(out == want);
            // The true road stays closed.
            let mut all = out;
            assert!(store.run("a").unwrap().source().read(&whole, &mut all).is_err());
        }
    }
}
