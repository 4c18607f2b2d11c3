//! How does an array of any size become a NIfTI file, box by box?
//!
//! A `.nii` is written at the places of the boxes, whatever their order; a `.nii.gz` is one stream, so
//! its boxes must come in memory order. What the header says is `new_header`'s matter, how the file
//! gets its name `output`'s.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::WriteFault;
use super::header::Header;
use super::new_header::NewHeader;
use super::output::{OUTPUT_SCRATCH_BYTES, OutputFile, StagedFile, is_gzip};
use super::{Intake, NiftiError};
use crate::dtype::DType;
use crate::files::File;
use crate::grid::{Pieces, Region, element_count, shape_text};
use crate::run::RunInfo;
use crate::sink::{Sink, SinkError, SinkOrder, check_box};

#[cfg(test)]
mod tests;

/// Blocks are whole planes below this, and as many rows above it.
const BLOCK_BYTES: u64 = 1 << 20;
/// What a positioned write uses.
const WRITE_SCRATCH_BYTES: u64 = 4 << 10;

/// How an array is written, and what the file says about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NiftiOptions {
    /// What the numbers are, at most 15 bytes: `zscore`.
    pub intent_name: String,
    /// Free text, at most 79 bytes; longer text is cut.
    pub description: String,
    /// The brightness at which viewers saturate; `None` leaves it to them.
    pub cal_max: Option<f32>,
    /// Replaces a file of that name.
    pub overwrite: bool,
}

/// An array of one to seven axes that is being written as a NIfTI file, in its own type, unscaled.
///
/// A `.nii` takes boxes in any order, from several threads; a `.nii.gz` in memory order. The file
/// appears whole, by rename, in [`commit`](Sink::commit), or not at all. It is NIfTI-1 unless the run it
/// is like is NIfTI-2 or an axis is longer than 32767.
///
/// `bool` becomes `uint8`. `int64` and `uint64` are written as they are, but many programs cannot
/// read them: convert such arrays to `int32` or `float64` first.
#[derive(Debug)]
pub struct NiftiSink {
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    block: Vec<u64>,
    /// First byte of the first element.
    offset: u64,
    voxel_bytes: u64,
    /// Bytes of elements taken so far.
    put_bytes: AtomicU64,
    output: Output,
}

/// A file to be.
#[derive(Debug)]
pub(super) enum Output {
    Plain(StagedFile, File),
    Gzip(Mutex<OutputFile>),
}

/// True for an array that begins with the axes of a grid; one that was reduced over is 1 long.
fn lies_on(shape: &[u64], grid: &[u64; 3]) -> bool {
    shape.len() >= grid.len() && shape.iter().zip(grid).all(|(&n, &of)| n == of || n == 1)
}

impl NiftiSink {
    /// Starts an array of this shape and type; a name ending in `.nii.gz` is compressed.
    ///
    /// Where a run lends its grid, `like`, the file has its voxel sizes, qform and sform, and its TR
    /// where there is a fourth axis. An axis that was reduced over is 1 long and lies where the run's
    /// first element does. Where the fourth axis is not the run's time (bins of a histogram, every tenth
    /// volume), give [`RunInfo::without_time`]. Without a run, voxels are 1 without a unit and lie nowhere.
    ///
    /// # Errors
    /// When `path` exists and is not to be overwritten, has another ending, or cannot be written; when
    /// NIfTI cannot hold the shape, or its first three axes are not the grid of `like`.
    pub fn create(
        path: impl AsRef<Path>,
        shape: &[u64],
        dtype: DType,
        like: Option<&RunInfo>,
        options: &NiftiOptions,
    ) -> Result<Self, NiftiError> {
        let path = path.as_ref();
        Output::create(path, options.overwrite)?.sink(path, shape, dtype, like, options)
    }

    /// As [`put`](Sink::put), for a caller who says himself of which file a fault is.
    pub(super) fn take(&self, region: &Region, bytes: &[u8]) -> Result<(), WriteFault> {
        check_box(self, region, bytes)?;
        let pieces = Pieces::new(self.offset, &self.shape, self.dtype.size(), region);
        match &self.output {
            Output::Plain(_, file) => {
                for piece in pieces {
                    file.write_all_at(&bytes[piece.to..piece.to + piece.len], piece.at)
                        .map_err(WriteFault::io("write"))?;
                }
            }
            Output::Gzip(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let next = self.put_bytes.load(Ordering::Relaxed);
                let mut at = self.offset + next;
                for piece in pieces {
                    if piece.at != at {
                        return Err(WriteFault::OutOfOrder { next });
                    }
                    at += piece.len as u64;
                }
                file.write(bytes)?;
            }
        }
        self.put_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// As [`commit`](Sink::commit), for the same caller.
    pub(super) fn finish(self) -> Result<(), WriteFault> {
        let (found, expected) = (self.put_bytes.load(Ordering::Relaxed), self.voxel_bytes);
        if found != expected {
            return Err(WriteFault::Missing { found, expected });
        }
        match self.output {
            Output::Plain(staged, file) => staged.commit(file),
            Output::Gzip(file) => {
                file.into_inner().unwrap_or_else(PoisonError::into_inner).commit()
            }
        }
    }
}

impl Output {
    /// A file that is still empty.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, NiftiError> {
        if is_gzip(path) {
            return Ok(Self::Gzip(Mutex::new(OutputFile::create(path, overwrite)?)));
        }
        let (staged, file) = StagedFile::create(path, overwrite)?;
        Ok(Self::Plain(staged, file))
    }

    /// An array that goes into this file, which lies at `path`.
    pub(super) fn sink(
        mut self,
        path: &Path,
        shape: &[u64],
        dtype: DType,
        like: Option<&RunInfo>,
        options: &NiftiOptions,
    ) -> Result<NiftiSink, NiftiError> {
        if let Some(grid) = like.map(RunInfo::grid_shape).filter(|g| !lies_on(shape, g)) {
            return Err(NiftiError::Length {
                path: path.to_owned(),
                found: format!("an array of shape {}", shape_text(shape)),
                expected: format!("a grid of {}, the first three axes", shape_text(&grid)),
            });
        }
        let header =
            like.map(|like| Header::parse(&like.header, &mut Intake::new(path))).transpose()?;
        let header = NewHeader {
            like: header.as_ref(),
            shape,
            dtype,
            tr_seconds: like.and_then(|l| l.timing.tr_seconds).filter(|_| shape.len() > 3),
            intent_name: &options.intent_name,
            description: &options.description,
            cal_max: options.cal_max,
        };
        let offset = header.version().least_offset() as u64;
        let voxel_bytes = voxel_bytes(path, shape, dtype, offset)?;
        self.begin(&header.bytes()).map_err(|fault| NiftiError::write(path, fault))?;
        Ok(NiftiSink {
            name: path.display().to_string(),
            shape: shape.to_vec(),
            dtype,
            block: block(shape, dtype),
            offset,
            voxel_bytes,
            put_bytes: AtomicU64::new(0),
            output: self,
        })
    }

    /// Writes what comes before the voxels.
    fn begin(&mut self, header: &[u8]) -> Result<(), WriteFault> {
        match self {
            Self::Plain(_, file) => file.write_all_at(header, 0).map_err(WriteFault::io("write")),
            Self::Gzip(file) => {
                file.get_mut().unwrap_or_else(PoisonError::into_inner).write(header)
            }
        }
    }
}

impl Sink for NiftiSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn block_shape(&self) -> &[u64] {
        &self.block
    }

    fn order(&self) -> SinkOrder {
        match self.output {
            Output::Plain(..) => SinkOrder::Any,
            Output::Gzip(_) => SinkOrder::Memory,
        }
    }

    fn scratch_bytes(&self, _shape: &[u64]) -> u64 {
        match self.output {
            Output::Plain(..) => WRITE_SCRATCH_BYTES,
            Output::Gzip(_) => OUTPUT_SCRATCH_BYTES,
        }
    }

    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError> {
        let place = || format!("{region:?}");
        self.take(region, bytes).map_err(|fault| SinkError::new(&self.name, place(), fault))
    }

    fn commit(self: Box<Self>) -> Result<(), SinkError> {
        let name = self.name.clone();
        self.finish().map_err(|fault| SinkError::new(name, "finishing", fault))
    }
}

/// The size of an array that NIfTI can hold.
fn voxel_bytes(path: &Path, shape: &[u64], dtype: DType, offset: u64) -> Result<u64, NiftiError> {
    element_count(shape)
        .and_then(|count| count.checked_mul(dtype.size() as u64))
        .filter(|&bytes| bytes > 0 && bytes <= i64::MAX as u64 - offset)
        .filter(|_| (1..=7).contains(&shape.len()))
        .ok_or_else(|| NiftiError::Unsupported {
            path: path.to_owned(),
            what: format!("an array of shape {} is", shape_text(shape)),
            hint: "NIfTI holds one to seven axes, each of at least 1, below 8 EiB",
        })
}

/// Whole planes, or where those are large rows: long writes, and boxes of any part of the rest.
fn block(shape: &[u64], dtype: DType) -> Vec<u64> {
    let mut block = vec![1; shape.len()];
    let mut bytes = dtype.size() as u64;
    for (to, &length) in block.iter_mut().zip(shape).take(2) {
        *to = length.min((BLOCK_BYTES / bytes).max(1));
        if *to < length {
            break;
        }
        bytes *= *to;
    }
    block
}
