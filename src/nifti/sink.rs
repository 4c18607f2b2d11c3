//! How does an array of any size become a NIfTI file, box by box?
//!
//! A `.nii` is written at the places of the boxes, whatever their order; a `.nii.gz` is one stream, so
//! its boxes must come in memory order. What the header says is `new_header`'s matter, how the file
//! gets its name `output`'s.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::WriteFault;
use super::header::Header;
use super::new_header::NewHeader;
use super::output::{OUTPUT_SCRATCH_BYTES, OutputFile, StagedFile, is_gzip};
use super::{Intake, NiftiError};
use crate::dtype::DType;
use crate::grid::{Pieces, Region, element_count, shape_text};
use crate::run::RunInfo;
use crate::sink::{Sink, SinkError, SinkOrder, check_box};

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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{NiftiOptions, NiftiSink};
    use crate::dtype::DType;
    use crate::grid::{BlockGrid, Region, copy_overlap};
    use crate::nifti::header::Version;
    use crate::nifti::testing::{Folder, Image, drain, open_as};
    use crate::nifti::{NiftiError, open};
    use crate::sink::{Sink, SinkOrder};
    use crate::source_conformance;

    const SHAPES: [&[u64]; 7] = [
        &[9],
        &[5, 4],
        &[5, 4, 3],
        &[5, 4, 3, 6],
        &[2, 3, 2, 1, 2],
        &[2, 3, 1, 2, 1, 2],
        &[2, 1, 3, 1, 2, 1, 2],
    ];

    fn numbers(shape: &[u64], dtype: DType) -> Vec<u8> {
        let len = Region::whole(shape).len() as usize * dtype.size();
        let mask = if dtype == DType::Bool { 1 } else { 0xFF };
        (0..len).map(|i| ((i * 37 + i / 7) % 251) as u8 & mask).collect()
    }

    fn options(overwrite: bool) -> NiftiOptions {
        NiftiOptions { overwrite, ..NiftiOptions::default() }
    }

    fn create(folder: &Folder, name: &str, shape: &[u64], dtype: DType) -> NiftiSink {
        NiftiSink::create(folder.path(name), shape, dtype, None, &options(true)).unwrap()
    }

    fn put(sink: &NiftiSink, region: &Region) {
        let (shape, item_bytes) = (sink.shape(), sink.dtype().size());
        let mut part = vec![0; region.len() as usize * item_bytes];
        let all = numbers(shape, sink.dtype());
        copy_overlap(&all, &Region::whole(shape), &mut part, region, item_bytes);
        sink.put(region, &part).unwrap();
    }

    /// All blocks in memory order.
    fn blocks(sink: &NiftiSink) -> Vec<Region> {
        let grid = BlockGrid::new(sink.shape(), sink.block_shape());
        let block = |position: Vec<u64>| {
            let start = position.iter().zip(sink.block_shape()).map(|(p, n)| p * n).collect();
            let region = Region::new(start, sink.block_shape().to_vec());
            region.overlap(&Region::whole(sink.shape())).unwrap()
        };
        grid.touching(&Region::whole(sink.shape())).map(block).collect()
    }

    fn put_all(sink: &NiftiSink) {
        for region in blocks(sink) {
            put(sink, &region);
        }
    }

    #[test]
    fn arrays_of_every_type_and_number_of_axes_are_written_in_any_order() {
        let folder = Folder::new();
        for dtype in DType::ALL {
            for shape in SHAPES {
                let sink = create(&folder, "x.nii", shape, dtype);
                assert_eq!(sink.order(), SinkOrder::Any);
                for region in blocks(&sink).iter().rev() {
                    put(&sink, region);
                }
                Box::new(sink).commit().unwrap();
                let bytes = fs::read(folder.path("x.nii")).unwrap();
                assert_eq!(bytes[352..], numbers(shape, dtype), "{dtype} {shape:?}");
                let header = ::nifti::NiftiHeader::from_reader(&bytes[..]).unwrap();
                let lengths: Vec<u64> = header.dim().unwrap().iter().map(|&n| n.into()).collect();
                assert_eq!((lengths.as_slice(), header.bitpix), (shape, dtype.size() as i16 * 8));
            }
        }
    }

    #[test]
    fn what_was_written_is_a_source_that_keeps_its_promises_plain_and_gzip() {
        let folder = Folder::new();
        for dtype in DType::ALL {
            for shape in [&[5, 4, 3][..], &[5, 4, 3, 6]] {
                for name in ["x.nii", "x.nii.gz"] {
                    let sink = create(&folder, name, shape, dtype);
                    put_all(&sink);
                    Box::new(sink).commit().unwrap();
                    let run = open(folder.path(name)).unwrap();
                    let stored = if dtype == DType::Bool { DType::U8 } else { dtype };
                    assert_eq!(run.source().dtype(), stored);
                    assert!(run.info().scaling.is_identity());
                    let expected = numbers(shape, dtype);
                    source_conformance::check(run.source().as_ref(), Some(&expected)).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_gzip_file_is_the_same_whatever_the_boxes_and_takes_them_in_memory_order_only() {
        let folder = Folder::new();
        let shape = [5, 4, 3, 6];
        let sink = create(&folder, "a.nii.gz", &shape, DType::I16);
        assert_eq!(sink.order(), SinkOrder::Memory);
        put_all(&sink);
        Box::new(sink).commit().unwrap();
        let sink = create(&folder, "b.nii.gz", &shape, DType::I16);
        let whole = Region::whole(&shape);
        put(&sink, &whole.with_axis(3, 0, 2));
        for late in [whole.with_axis(3, 3, 1), whole.with_axis(3, 1, 1)] {
            let error = sink.put(&late, &[0; 120]).unwrap_err().to_string();
            assert!(error.contains("memory order") && error.contains("byte 240"), "{error}");
        }
        let gaps = whole.with_axis(3, 2, 2).with_axis(2, 0, 1);
        assert!(sink.put(&gaps, &[0; 80]).is_err());
        put(&sink, &whole.with_axis(3, 2, 4));
        Box::new(sink).commit().unwrap();
        let read = |name| fs::read(folder.path(name)).unwrap();
        assert_eq!(read("a.nii.gz"), read("b.nii.gz"));
    }

    #[test]
    fn an_array_lies_where_the_run_lies_whose_grid_it_is_on() {
        let folder = Folder::new();
        for mut image in Image::all() {
            let (code, srow) = if image.version == Version::One { (254, 280) } else { (348, 400) };
            let width = if image.version == Version::One { (2, 4) } else { (4, 8) };
            image.int(code, width.0, 4);
            for (i, v) in (0..12).map(|i| f64::from(i * i + 1)).enumerate() {
                image.float(srow + i * width.1, v);
            }
            let run = open_as("x.nii", &image.bytes).unwrap();
            for shape in [&[2, 3, 2][..], &[2, 3, 2, 9], &[1, 3, 2, 4], &[2, 3, 1]] {
                let path = folder.path("y.nii");
                let sink =
                    NiftiSink::create(&path, shape, DType::F64, Some(run.info()), &options(true))
                        .unwrap();
                put_all(&sink);
                Box::new(sink).commit().unwrap();
                let written = open(&path).unwrap();
                assert_eq!(written.info().geometry, run.info().geometry);
                assert_eq!(written.info().origin.format, image.version.format());
                let tr = (shape.len() == 4).then_some(2.5);
                assert_eq!(written.info().timing.tr_seconds, tr);
                assert_eq!(drain(&written, false).unwrap().0, numbers(shape, DType::F64));
            }
            for shape in [&[2, 3][..], &[3, 2, 2], &[1, 3, 3, 4]] {
                let path = folder.path("z.nii");
                let sink =
                    NiftiSink::create(&path, shape, DType::F64, Some(run.info()), &options(true));
                assert!(matches!(sink, Err(NiftiError::Length { .. })), "{shape:?}");
            }
        }
    }

    #[test]
    fn an_axis_too_long_for_nifti_1_makes_a_nifti_2() {
        let folder = Folder::new();
        let like = open_as("x.nii", &Image::v1().bytes).unwrap();
        for (volumes, format) in [(32767, "nifti1"), (32768, "nifti2")] {
            let (path, shape) = (folder.path("y.nii"), [2, 3, 2, volumes]);
            let sink =
                NiftiSink::create(&path, &shape, DType::U8, Some(like.info()), &options(true));
            let sink = sink.unwrap();
            put(&sink, &Region::whole(&shape));
            Box::new(sink).commit().unwrap();
            let written = open(&path).unwrap();
            assert_eq!((written.shape(), written.info().origin.format), (&shape[..], format));
            assert_eq!(written.info().geometry, like.info().geometry);
            assert_eq!(drain(&written, false).unwrap().0, numbers(&shape, DType::U8));
        }
    }

    #[test]
    fn blocks_are_planes_or_rows_of_about_a_mebibyte() {
        let block = |shape: &[u64]| super::block(shape, DType::F64);
        assert_eq!(block(&[64, 64, 30, 9]), [64, 64, 1, 1]);
        assert_eq!(block(&[1024, 1024, 3]), [1024, 128, 1]);
        assert_eq!(block(&[1 << 20, 7]), [1 << 17, 1]);
    }

    #[test]
    fn boxes_that_are_no_whole_blocks_of_the_array_are_refused() {
        let folder = Folder::new();
        let sink = create(&folder, "x.nii", &[5, 4, 3], DType::U8);
        let whole = Region::whole(&[5, 4, 3]);
        let refused = |region: Region, len| sink.put(&region, &vec![0; len]).unwrap_err();
        assert!(refused(whole.with_axis(1, 0, 2), 30).to_string().contains("whole blocks"));
        assert!(refused(whole.with_axis(2, 2, 2), 40).to_string().contains("shape (5, 4, 3)"));
        assert!(refused(whole.clone(), 59).to_string().contains("expected 60"));
        assert!(sink.put(&whole.with_axis(2, 1, 0), &[]).is_ok());
    }

    #[test]
    fn an_array_without_all_its_boxes_is_not_committed_and_leaves_nothing() {
        let folder = Folder::new();
        for name in ["x.nii", "x.nii.gz"] {
            let sink = create(&folder, name, &[5, 4, 3], DType::U8);
            put(&sink, &Region::whole(&[5, 4, 3]).with_axis(2, 0, 2));
            let error = Box::new(sink).commit().unwrap_err().to_string();
            assert!(error.contains("40 of 60"), "{error}");
            drop(create(&folder, name, &[5], DType::U8));
        }
        assert!(folder.names().is_empty());
    }

    #[test]
    fn a_file_that_is_there_stays_unless_overwriting_is_asked_for() {
        let folder = Folder::new();
        let path = folder.write("x.nii", b"mine");
        let start = |path: &std::path::Path, overwrite| {
            NiftiSink::create(path, &[3], DType::U8, None, &options(overwrite))
        };
        assert!(matches!(start(&path, false), Err(NiftiError::Exists { .. })));
        let late = folder.path("late.nii");
        let sink = start(&late, false).unwrap();
        put(&sink, &Region::whole(&[3]));
        fs::write(&late, b"mine").unwrap();
        let error = Box::new(sink).commit().unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
        assert_eq!(error.matches("late.nii").count(), 1, "{error}");
        assert_eq!(fs::read(&late).unwrap(), b"mine");
        let sink = start(&path, true).unwrap();
        put(&sink, &Region::whole(&[3]));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        Box::new(sink).commit().unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), 355);
    }

    #[test]
    fn shapes_that_nifti_cannot_hold_are_refused() {
        let folder = Folder::new();
        for shape in [&[][..], &[4, 0], &[1; 8], &[u64::MAX], &[1 << 40, 1 << 40]] {
            let sink =
                NiftiSink::create(folder.path("x.nii"), shape, DType::U8, None, &options(false));
            assert!(matches!(sink, Err(NiftiError::Unsupported { .. })), "{shape:?}");
        }
        assert!(folder.names().is_empty());
    }
}
