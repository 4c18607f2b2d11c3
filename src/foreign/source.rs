//! How do another tool's chunks come back as regions?
//!
//! [`ForeignSource`] decodes the chunks that a region touches, one at a time, turns them into the order of
//! the API, and copies what is shared. Of a shard it reads the index and just these chunks. What was never
//! written reads as the fill value, as Zarr has it; damage is an error where the store's own checksums or
//! lengths tell it. Writes nothing, caches nothing.

use std::path::{Path, PathBuf};

use super::described::Described;
use super::node::is_absent;
use super::shard::Shard;
use crate::buffer::Buffer;
use crate::dtype::{DType, swap_bytes};
use crate::files::{self, File};
use crate::grid::{BlockGrid, Gather, Region, Stride, copy_overlap};
use crate::runtime::Stamp;
use crate::source::{Access, Source, SourceError};
use crate::store::{ChunkFault, Steps, buffer};

/// Paths, names and one open file, beside what decoding needs.
const BOOKKEEPING_BYTES: u64 = 64 << 10;

pub(super) type Reason = Box<dyn std::error::Error + Send + Sync>;

/// The numbers of one array.
#[derive(Debug)]
pub(super) struct ForeignSource {
    name: String,
    folder: PathBuf,
    /// The metadata file, and what it was when it was read.
    metadata: (PathBuf, Stamp),
    array: Described,
    steps: Steps,
    /// Which axis of the disk each axis of the API is; `None` for one that is not on disk.
    axes: Vec<Option<usize>>,
    shape: Vec<u64>,
    /// Lengths of a chunk in the order of the API, also where they reach beyond the array.
    chunk: Vec<u64>,
    grid: BlockGrid,
    /// True where the memory of a chunk is in the order of the API.
    in_order: bool,
    stored_bytes: u64,
    pub(super) open_bytes: u64,
}

impl ForeignSource {
    /// The array in a folder, with these of its axes, each once; those left out have length 1.
    pub(super) fn new(
        name: String,
        folder: &Path,
        metadata: (PathBuf, Stamp),
        array: Described,
        axes: Vec<Option<usize>>,
        stored_bytes: u64,
    ) -> Self {
        let of = |lengths: &[u64]| axes.iter().map(|axis| axis.map_or(1, |a| lengths[a])).collect();
        let (shape, chunk): (Vec<u64>, Vec<u64>) = (of(&array.shape), of(&array.chunk_shape));
        // Axes of length 1 in a chunk are in order wherever they stand.
        let long = |axis: &usize| array.chunk_shape[*axis] > 1;
        let memory = array.order.iter().rev().copied().filter(long);
        let in_order = memory.eq(axes.iter().flatten().copied().filter(long));
        Self {
            name,
            folder: folder.to_owned(),
            metadata,
            steps: Steps::new(array.steps.clone(), array.chunk_bytes()),
            grid: BlockGrid::new(&shape, &chunk),
            in_order,
            array,
            axes,
            shape,
            chunk,
            stored_bytes,
            open_bytes: 0,
        }
    }

    /// Position of a chunk on the disk, from that in the grid.
    fn on_disk(&self, place: &[u64]) -> Vec<u64> {
        let mut position = vec![0; self.array.shape.len()];
        for (axis, &at) in self.axes.iter().zip(place) {
            if let Some(axis) = axis {
                position[*axis] = at;
            }
        }
        position
    }

    /// The numbers of a chunk in native byte order; `None` where it was never written.
    fn chunk(
        &self,
        position: &[u64],
        last: &mut Option<Shard>,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let per_file = self.array.chunks_in_file();
        let file: Vec<u64> = position.iter().zip(&per_file).map(|(p, n)| p / n).collect();
        let key = self.array.keys.file(&file);
        let path = self.folder.join(&key);
        let failed = |reason: Reason| {
            let place = format!("chunk {key} ({})", path.display());
            SourceError::new(&self.name, place, reason)
        };
        let bytes = match self.array.shard {
            None => whole_file(&path, self.steps.encoded_bound()).map_err(failed)?,
            Some(index) => {
                if last.as_ref().is_none_or(|shard| shard.key != key) {
                    *last = Shard::open(&path, key.clone(), index, &per_file).map_err(failed)?;
                }
                let inside: Vec<u64> = position.iter().zip(&per_file).map(|(p, n)| p % n).collect();
                let most = self.steps.encoded_bound();
                let bytes = last.as_ref().map(|shard| shard.chunk(&inside, &per_file, most));
                bytes.transpose().map_err(failed)?.flatten()
            }
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let mut numbers = self.steps.decode(&bytes).map_err(|fault| failed(fault.into()))?;
        if self.array.big_endian {
            swap_bytes(&mut numbers, self.array.dtype.size());
        }
        if self.array.dtype == DType::Bool && numbers.iter().any(|&byte| byte > 1) {
            return Err(failed(ChunkFault::Bool.into()));
        }
        Ok(Some(numbers))
    }

    /// Part of a chunk in the order of the API; the region counts from the chunk's first number.
    fn turned(&self, numbers: &[u8], part: &Region) -> Result<Buffer, Reason> {
        let mut strides = vec![0_i64; self.array.shape.len()];
        let mut stride = 1;
        for &axis in self.array.order.iter().rev() {
            strides[axis] = stride;
            stride *= self.array.chunk_shape[axis] as i64;
        }
        let steps = || self.axes.iter().map(|axis| axis.map_or(0, |axis| strides[axis]));
        let gather = Gather {
            first: part.start().iter().zip(steps()).map(|(&at, step)| at as i64 * step).sum(),
            strides: steps().map(Stride::Even).collect(),
            shape: part.shape().to_vec(),
        };
        let item = self.array.dtype.size();
        let mut turned = buffer(part.len() * item as u64)?;
        gather.copy(numbers, &mut turned, item);
        Ok(turned)
    }

    /// Copies what a chunk and a region share.
    fn copy(
        &self,
        place: &[u64],
        numbers: Option<&[u8]>,
        out: &mut [u8],
        region: &Region,
    ) -> Result<(), Reason> {
        let item = self.array.dtype.size();
        let start: Vec<u64> = place.iter().zip(&self.chunk).map(|(p, n)| p * n).collect();
        let whole = Region::new(start, self.chunk.clone());
        let Some(shared) = whole.overlap(region) else { return Ok(()) };
        match (numbers, &self.array.fill) {
            (Some(numbers), _) if self.in_order => {
                copy_overlap(numbers, &whole, out, region, item);
            }
            (Some(numbers), _) => {
                let from = shared.start().iter().zip(whole.start()).map(|(s, w)| s - w).collect();
                let part = Region::new(from, shared.shape().to_vec());
                copy_overlap(&self.turned(numbers, &part)?, &shared, out, region, item);
            }
            (None, Some(fill)) => {
                copy_overlap(&fill.repeat(shared.len() as usize), &shared, out, region, item);
            }
            (None, None) => {
                return Err(
                    "it was never written, and the array has no fill value; write it again \
                    with the tool that made it"
                        .into(),
                );
            }
        }
        Ok(())
    }

    /// Tells a store that was written anew since it was opened, as far as its metadata file does.
    fn check_version(&self) -> Result<(), SourceError> {
        let (file, version) = &self.metadata;
        if files::look(file).is_ok_and(|found| Stamp::of(&found) == *version) {
            return Ok(());
        }
        let reason = "it was written anew while it was read; open it again";
        Err(SourceError::new(&self.name, file.display().to_string(), reason))
    }
}

/// The file, when it is there; one that is a link to nothing is there.
pub(super) fn open_file(path: &Path) -> Result<Option<File>, Reason> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if is_absent(&error) && files::look_at_link(path).is_err() => Ok(None),
        Err(error) if is_absent(&error) => {
            Err("it is a link to content that is not here; fetch it first, for example with \
                `datalad get`"
                .into())
        }
        Err(error) => Err(error.into()),
    }
}

/// All bytes of a file that has at most so many.
fn whole_file(path: &Path, most: u64) -> Result<Option<Buffer>, Reason> {
    let Some(file) = open_file(path)? else { return Ok(None) };
    let found = file.metadata()?.len();
    if found > most {
        return Err(ChunkFault::Size { found, expected: format!("at most {most}") }.into());
    }
    let mut bytes = buffer(found)?;
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

impl Source for ForeignSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn dtype(&self) -> DType {
        self.array.dtype
    }

    fn access(&self) -> Access {
        Access::Random
    }

    fn block_shape(&self) -> &[u64] {
        self.grid.block_shape()
    }

    /// A chunk from its bytes to its numbers, or these with as many in the order of the API; and the index
    /// of a shard, with the bytes it is made of.
    fn scratch_bytes(&self) -> u64 {
        let chunk = self.steps.decoded_bytes();
        let decoding = self.steps.scratch_bytes().max(2 * chunk);
        let chunks = self.array.chunks_in_file().iter().product();
        let index = self.array.shard.map_or(0, |index| 2 * index.bytes(chunks));
        decoding + index + BOOKKEEPING_BYTES
    }

    fn open_bytes(&self) -> u64 {
        self.open_bytes
    }

    fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    fn transport(&self) -> &'static str {
        "zarr chunks of another tool"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        let mut shard = None;
        for place in self.grid.touching(region) {
            let position = self.on_disk(&place);
            let numbers = self.chunk(&position, &mut shard)?;
            self.copy(&place, numbers.as_deref(), out, region).map_err(|reason| {
                SourceError::new(&self.name, format!("chunk at {position:?}"), reason)
            })?;
        }
        self.check_version()
    }
}
