//! How does an array become a folder, box by box?

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::grid::{Region, element_count, saturating_count, shape_text};
use crate::run::RunInfo;
use crate::sink::{Sink, SinkError, SinkOrder, check_box};
use crate::store::chunk_writer::ChunkWriter;
use crate::store::chunking::{ArrayChunks, CHUNK_LIMIT_BYTES, array_chunk_shape};
use crate::store::codec::{ChunkCodec, Codec};
use crate::store::error::StoreError;
use crate::store::layout::{AXES, METADATA, PART_PREFIX, PART_SUFFIX};
use crate::store::metadata::{PlainAttributes, PlainWritten, StoredArray, is_array, write_json};
use crate::store::rename::{exchange, rename_to_new, sync_dir, sync_tree};

/// Paths, names and one open file of a `put`.
const BOOKKEEPING_BYTES: u64 = 64 << 10;

/// How an array is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZarrOptions {
    /// How chunks are compressed.
    pub codec: Codec,
    /// How the array is cut into chunks.
    pub chunks: ArrayChunks,
    /// What the axes are called, axis 0 first. `None`: `x`, `y`, `z` of three axes, `t` too of four,
    /// no names else.
    pub dimension_names: Option<Vec<String>>,
    /// Replace a Zarr array of that name; never anything else.
    pub force: bool,
}

/// An array that is being written as a Zarr v3 array, a folder of its own.
///
/// On disk it has its axes reversed, in C order: `(t, z, y, x)`, as runs in a store. Boxes come in
/// any order, from any threads; each chunk is encoded where its box is put, and its file written
/// once, whole. The folder is made beside its place and gets its name in [`commit`](Sink::commit).
/// A process that is killed leaves a folder `.voxstore-*.part`. The bytes depend on the numbers and
/// options only, never on order or threads.
#[derive(Debug)]
pub struct ZarrSink {
    name: String,
    place: PathBuf,
    staged: TempDir,
    chunks: ChunkWriter,
    array: StoredArray,
    shape: Vec<u64>,
    like: Option<RunInfo>,
    force: bool,
}

impl ZarrSink {
    /// Starts an array of this shape and type at `path`, such as `zscore.zarr`.
    ///
    /// Where a run lends its grid, `like`, the attributes get its affine and voxel sizes, and its TR
    /// where there is a fourth axis.
    ///
    /// # Errors
    /// When something is at `path` that is not to be replaced, its folder cannot be written, the
    /// options do not fit the shape, or the first three axes are not the grid of `like`.
    pub fn create(
        path: impl AsRef<Path>,
        shape: &[u64],
        dtype: DType,
        like: Option<&RunInfo>,
        options: &ZarrOptions,
    ) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let refused = |field, expected: String, found: String| StoreError::Unsupported {
            run: name.clone(),
            field,
            expected,
            found,
        };
        let item_bytes = dtype.size() as u64;
        if element_count(shape).and_then(|n| n.checked_mul(item_bytes)).is_none() {
            return Err(refused("shape", "a size that can be counted".into(), shape_text(shape)));
        }
        if let Some(grid) = like.map(RunInfo::grid_shape).filter(|g| !shape.starts_with(g)) {
            let expected = format!("the grid that is lent, {}, first", shape_text(&grid));
            return Err(refused("shape", expected, shape_text(shape)));
        }
        let chunk = array_chunk_shape(shape, item_bytes, &options.chunks);
        let on_disk = |lengths: &[u64]| lengths.iter().rev().copied().collect::<Vec<u64>>();
        let codec = chunk.as_ref().and_then(|c| ChunkCodec::new(options.codec, dtype, &on_disk(c)));
        let (Some(chunk), Some(codec)) = (chunk, codec) else {
            let expected = format!(
                "one length of at least 1 an axis of {}, at most {CHUNK_LIMIT_BYTES} bytes",
                shape_text(shape)
            );
            return Err(refused("chunks", expected, format!("{:?}", options.chunks)));
        };
        let names = dimension_names(shape, options);
        if !(names.is_empty() || names.len() == shape.len()) {
            let expected = format!("{} of them", shape.len());
            return Err(refused("dimension_names", expected, format!("{names:?}")));
        }
        let array = StoredArray {
            shape: on_disk(shape),
            chunk_shape: on_disk(&chunk),
            dtype,
            codec: Some(options.codec),
            dimension_names: names.into_iter().rev().collect(),
        };

        check_place(path, options.force)?;
        let beside = folder(path);
        let staged = tempfile::Builder::new()
            .prefix(PART_PREFIX)
            .suffix(PART_SUFFIX)
            .tempdir_in(beside)
            .map_err(StoreError::io("create a folder in", beside))?;
        let dir = staged.path().join("array");
        fs::create_dir(&dir).map_err(StoreError::io("create", &dir))?;
        Ok(Self {
            chunks: ChunkWriter::new(&name, dir, codec, dtype, shape, &chunk),
            name,
            place: path.to_owned(),
            staged,
            array,
            shape: shape.to_vec(),
            like: like.cloned(),
            force: options.force,
        })
    }

    fn fault(
        &self,
        place: impl Into<String>,
        reason: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> SinkError {
        SinkError::new(&self.name, place, reason)
    }

    /// Writes the metadata, which makes the chunks an array, and syncs everything.
    fn seal(&self, dir: &Path) -> Result<(), StoreError> {
        let attributes = PlainAttributes::new(PlainWritten {
            chunks: self.chunks.chunks(),
            stored_bytes: self.chunks.stored_bytes(),
            like: self.like.as_ref(),
            has_time: self.shape.len() > 3,
        });
        write_json(&dir.join(METADATA), &self.array.to_file(attributes))?;
        sync_tree(dir)
    }

    /// Gives the folder its name. What it replaces moves to the staging folder in the same step.
    fn put_in_place(&self, dir: &Path) -> Result<(), StoreError> {
        check_place(&self.place, self.force)?;
        if self.force && self.place.exists() {
            exchange(dir, &self.place)?;
        } else {
            rename_to_new(dir, &self.place).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
                    occupied(&self.place, "new", "choose another name")
                }
                _ => StoreError::io("rename the finished array to", &self.place)(error),
            })?;
        }
        sync_dir(folder(&self.place))
    }
}

impl Sink for ZarrSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn dtype(&self) -> DType {
        self.array.dtype
    }

    fn block_shape(&self) -> &[u64] {
        self.chunks.grid().block_shape()
    }

    fn order(&self) -> SinkOrder {
        SinkOrder::Any
    }

    /// One chunk before and while it is encoded, whatever the box.
    fn scratch_bytes(&self, _shape: &[u64]) -> u64 {
        let codec = self.chunks.codec();
        codec.decoded_bytes() + codec.encode_scratch() + BOOKKEEPING_BYTES
    }

    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError> {
        check_box(self, region, bytes).map_err(|fault| self.fault(format!("{region:?}"), fault))?;
        let chunk_bytes = self.chunks.codec().decoded_bytes();
        let mut chunk = Buffer::zeroed(chunk_bytes)
            .ok_or_else(|| self.fault(format!("{region:?}"), "no memory for a chunk"))?;
        for position in self.chunks.grid().touching(region) {
            self.chunks
                .write(bytes, region, &position, &mut chunk)
                .map_err(|error| self.fault(format!("{region:?}"), error))?;
        }
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), SinkError> {
        let expected = saturating_count(&self.chunks.grid().counts());
        let found = self.chunks.chunks();
        if found != expected {
            let reason = format!("{found} of {expected} were put; nothing was written");
            return Err(self.fault("chunks", reason));
        }
        let dir = self.staged.path().join("array");
        self.seal(&dir)
            .and_then(|()| self.put_in_place(&dir))
            .map_err(|error| self.fault("finishing", error))
    }
}

/// What axes are called, axis 0 first.
fn dimension_names(shape: &[u64], options: &ZarrOptions) -> Vec<String> {
    match (&options.dimension_names, shape.len()) {
        (Some(names), _) => names.clone(),
        (None, n @ (3 | 4)) => AXES.iter().rev().take(n).map(|&name| name.to_owned()).collect(),
        _ => vec![],
    }
}

/// Refuses a path that is taken, unless by an array that is to be replaced.
fn check_place(path: &Path, force: bool) -> Result<(), StoreError> {
    if path.file_name().is_none() {
        return Err(occupied(path, "no name for a folder", "give a folder such as zscore.zarr"));
    }
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(StoreError::io("open", path)(e)),
        Ok(_) if !is_array(&path.join(METADATA)) => {
            Err(occupied(path, "no Zarr array", "choose another name"))
        }
        Ok(_) if force => Ok(()),
        Ok(_) => Err(occupied(path, "an array", "choose another name or ask to replace it")),
    }
}

fn occupied(path: &Path, found: &'static str, help: &'static str) -> StoreError {
    StoreError::Occupied { path: path.to_owned(), found, help }
}

/// The folder of a path.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::{fs, thread};

    use super::{ZarrOptions, ZarrSink};
    use crate::dtype::DType;
    use crate::grid::{BlockGrid, Region, copy_overlap};
    use crate::sink::Sink;
    use crate::source::Source;
    use crate::source_conformance;
    use crate::store::testing::{info, tree};
    use crate::store::{ArrayChunks, Codec, StoreError, open_array};

    const SHAPES: [(&[u64], &[u64]); 9] = [
        (&[], &[]),
        (&[7], &[3]),
        (&[5, 4], &[5, 3]),
        (&[5, 4, 3], &[2, 4, 2]),
        (&[5, 4, 3, 6], &[5, 2, 3, 4]),
        (&[2, 3, 2, 3, 2], &[2, 2, 1, 2, 1]),
        (&[2, 1, 2, 1, 2, 1, 2, 3], &[1, 1, 2, 1, 1, 1, 2, 2]),
        (&[3, 0, 2], &[2, 1, 2]),
        (&[1, 1, 1, 1], &[1, 1, 1, 1]),
    ];

    /// Numbers of which no two neighbours are equal; of `bool`, 0 and 1.
    fn numbers(shape: &[u64], dtype: DType) -> Vec<u8> {
        let len = Region::whole(shape).len() as usize * dtype.size();
        let mask = if dtype == DType::Bool { 1 } else { 0xFF };
        (0..len).map(|i| ((i * 37 + i / 7) % 251) as u8 & mask).collect()
    }

    fn options(chunk: &[u64], codec: Codec) -> ZarrOptions {
        let chunks = ArrayChunks::Lengths(chunk.to_vec());
        ZarrOptions { codec, chunks, ..ZarrOptions::default() }
    }

    /// Boxes of `blocks` whole blocks along every axis, the last first.
    fn boxes(sink: &dyn Sink, blocks: u64) -> Vec<Region> {
        let step: Vec<u64> = sink.block_shape().iter().map(|n| n * blocks).collect();
        let grid = BlockGrid::new(sink.shape(), &step);
        let clipped = |position: Vec<u64>| {
            let start: Vec<u64> = position.iter().zip(&step).map(|(p, n)| p * n).collect();
            let ends = sink.shape().iter().zip(&start).zip(&step);
            let lengths = ends.map(|((&n, &s), &step)| step.min(n - s)).collect();
            Region::new(start, lengths)
        };
        let mut boxes: Vec<_> = grid.touching(&Region::whole(sink.shape())).map(clipped).collect();
        boxes.reverse();
        boxes
    }

    fn put(sink: &dyn Sink, region: &Region, all: &[u8]) {
        let item_bytes = sink.dtype().size();
        let mut part = vec![0; region.len() as usize * item_bytes];
        copy_overlap(all, &Region::whole(sink.shape()), &mut part, region, item_bytes);
        sink.put(region, &part).unwrap();
    }

    fn write(path: &Path, shape: &[u64], dtype: DType, options: &ZarrOptions, blocks: u64) {
        let sink = ZarrSink::create(path, shape, dtype, None, options).unwrap();
        let all = numbers(shape, dtype);
        for region in boxes(&sink, blocks) {
            put(&sink, &region, &all);
        }
        Box::new(sink).commit().unwrap();
    }

    fn read(source: &Arc<dyn Source>) -> Vec<u8> {
        let whole = Region::whole(source.shape());
        let mut bytes = vec![0xAA; whole.len() as usize * source.dtype().size()];
        source.read(&whole, &mut bytes).unwrap();
        bytes
    }

    fn refused(sink: &ZarrSink, start: &[u64], shape: &[u64], bytes: usize) -> String {
        let region = Region::new(start.to_vec(), shape.to_vec());
        sink.put(&region, &vec![0; bytes]).unwrap_err().to_string()
    }

    #[test]
    fn arrays_of_every_type_codec_and_number_of_axes_come_back() {
        let folder = tempfile::tempdir().unwrap();
        for (at, dtype) in DType::ALL.into_iter().enumerate() {
            for (shape, chunk) in SHAPES {
                let codec = Codec::ALL[at % Codec::ALL.len()];
                let path = folder.path().join(format!("{dtype}-{}.zarr", shape.len() + at * 9));
                let mut options = options(chunk, codec);
                options.force = true;
                write(&path, shape, dtype, &options, 1);
                let source = open_array(&path).unwrap();
                assert_eq!((source.shape(), source.dtype()), (shape, dtype));
                assert_eq!(source.block_shape(), chunk);
                assert_eq!(read(&source), numbers(shape, dtype), "{dtype} {shape:?} {codec}");
            }
        }
    }

    #[test]
    fn an_array_that_was_written_is_a_source_that_keeps_its_promises() {
        let folder = tempfile::tempdir().unwrap();
        for (at, (shape, chunk)) in SHAPES.into_iter().enumerate() {
            for dtype in [DType::Bool, DType::I16, DType::F64] {
                let path = folder.path().join(format!("{at}-{dtype}.zarr"));
                write(&path, shape, dtype, &options(chunk, Codec::BloscLz4), 1);
                let source = open_array(&path).unwrap();
                let expected = numbers(shape, dtype);
                source_conformance::check(source.as_ref(), Some(&expected)).unwrap();
            }
        }
    }

    #[test]
    fn order_threads_and_size_of_boxes_leave_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let (shape, options) = ([5, 9, 4, 7], options(&[2, 3, 4, 2], Codec::BloscZstd));
        let one = folder.path().join("one.zarr");
        write(&one, &shape, DType::F32, &options, 1);
        let two = folder.path().join("two.zarr");
        write(&two, &shape, DType::F32, &options, 2);
        let three = folder.path().join("three.zarr");
        let sink = ZarrSink::create(&three, &shape, DType::F32, None, &options).unwrap();
        let (all, boxes) = (numbers(&shape, DType::F32), boxes(&sink, 1));
        thread::scope(|scope| {
            for part in boxes.chunks(boxes.len().div_ceil(4)) {
                let (sink, all) = (&sink, &all);
                scope.spawn(move || part.iter().for_each(|region| put(sink, region, all)));
            }
        });
        Box::new(sink).commit().unwrap();
        assert_eq!(tree(&one), tree(&two));
        assert_eq!(tree(&one), tree(&three));
    }

    #[test]
    fn boxes_that_are_no_whole_blocks_of_the_array_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zarr");
        let options = options(&[2, 3], Codec::Raw);
        let sink = ZarrSink::create(path, &[5, 4], DType::I16, None, &options).unwrap();
        assert!(refused(&sink, &[0, 0], &[2, 2], 8).contains("whole blocks"));
        assert!(refused(&sink, &[1, 0], &[1, 4], 8).contains("whole blocks"));
        assert!(refused(&sink, &[4, 3], &[1, 2], 4).contains("shape (5, 4)"));
        assert!(refused(&sink, &[0], &[2], 4).contains("shape (5, 4)"));
        assert!(refused(&sink, &[0, 0], &[2, 3], 11).contains("expected 12"));
        assert!(sink.put(&Region::new(vec![4, 3], vec![1, 1]), &[1, 2]).is_ok());
        assert!(sink.put(&Region::new(vec![1, 1], vec![0, 1]), &[]).is_ok());
        assert!(refused(&sink, &[4, 3], &[1, 1], 2).contains("c.1.2"), "put twice");
    }

    #[test]
    fn an_array_without_all_its_chunks_is_not_committed_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zarr");
        let create = || {
            let options = options(&[2], Codec::Raw);
            ZarrSink::create(&path, &[5], DType::U8, None, &options).unwrap()
        };
        let sink = create();
        put(&sink, &Region::new(vec![0], vec![4]), &[1; 5]);
        let error = Box::new(sink).commit().unwrap_err().to_string();
        assert!(error.contains("2 of 3"), "{error}");
        drop(create());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_there_is_replaced_only_when_asked_and_only_an_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zarr");
        let mut options = options(&[2], Codec::Raw);
        write(&path, &[5], DType::U8, &options, 1);
        let old = open_array(&path).unwrap();
        let create =
            |options: &ZarrOptions| ZarrSink::create(&path, &[6], DType::I16, None, options);
        assert!(matches!(create(&options), Err(StoreError::Occupied { .. })));
        options.force = true;
        drop(create(&options).unwrap());
        assert_eq!(read(&old), numbers(&[5], DType::U8));
        write(&path, &[6], DType::I16, &options, 1);
        assert_eq!(read(&open_array(&path).unwrap()), numbers(&[6], DType::I16));
        let mut whole = [0; 5];
        let error = old.read(&Region::whole(&[5]), &mut whole).unwrap_err().to_string();
        assert!(error.contains("replaced while"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        fs::remove_file(path.join("zarr.json")).unwrap();
        assert!(matches!(create(&options), Err(StoreError::Occupied { .. })));
        fs::write(path.join("zarr.json"), r#"{"zarr_format": 3, "node_type": "group"}"#).unwrap();
        assert!(matches!(create(&options), Err(StoreError::Occupied { .. })));
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zarr");
        let options = options(&[2], Codec::Raw);
        let sink = ZarrSink::create(&path, &[2], DType::U8, None, &options).unwrap();
        put(&sink, &Region::whole(&[2]), &[1, 2]);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("mine"), "mine").unwrap();
        assert!(Box::new(sink).commit().is_err());
        assert_eq!(tree(&path).len(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_run_lends_its_affine_and_tr_to_an_array_on_its_grid() {
        let folder = tempfile::tempdir().unwrap();
        let info = info("a.nii");
        let create = |name: &str, shape: &[u64]| {
            let path = folder.path().join(name);
            let options = ZarrOptions::default();
            let sink = ZarrSink::create(&path, shape, DType::F32, Some(&info), &options)?;
            put(&sink, &Region::whole(shape), &numbers(shape, DType::F32));
            Box::new(sink).commit().unwrap();
            let text = fs::read(path.join("zarr.json")).unwrap();
            Ok::<serde_json::Value, StoreError>(serde_json::from_slice(&text).unwrap())
        };
        let json = create("4.zarr", &[2, 3, 4, 9]).unwrap();
        let ours = &json["attributes"]["voxstore"];
        assert_eq!(ours["affine"][0], serde_json::json!([-3.0, 0.0, 0.0, 90.0]));
        assert_eq!(ours["tr_s"], 2.1);
        assert_eq!(json["dimension_names"], serde_json::json!(["t", "z", "y", "x"]));
        let json = create("3.zarr", &[2, 3, 4]).unwrap();
        assert_eq!(json["attributes"]["voxstore"].get("tr_s"), None);
        assert_eq!(json["dimension_names"], serde_json::json!(["z", "y", "x"]));
        assert!(matches!(create("x.zarr", &[2, 3]), Err(StoreError::Unsupported { .. })));
        assert!(matches!(create("x.zarr", &[3, 2, 4]), Err(StoreError::Unsupported { .. })));
    }

    #[test]
    fn options_that_do_not_fit_the_array_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |shape: &[u64], options: ZarrOptions| {
            let path = folder.path().join("x.zarr");
            let sink = ZarrSink::create(path, shape, DType::F64, None, &options);
            matches!(sink, Err(StoreError::Unsupported { .. }))
        };
        assert!(refused(&[4, 4], options(&[4], Codec::Raw)));
        assert!(refused(&[4, 4], options(&[4, 0], Codec::Raw)));
        assert!(refused(&[1 << 40], options(&[1 << 40], Codec::Raw)));
        assert!(refused(&[u64::MAX, 2], ZarrOptions::default()));
        let names = Some(vec!["x".to_owned()]);
        assert!(refused(&[4, 4], ZarrOptions { dimension_names: names, ..Default::default() }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let nowhere = folder.path().join("absent/x.zarr");
        let sink = ZarrSink::create(nowhere, &[4], DType::U8, None, &ZarrOptions::default());
        assert!(matches!(sink, Err(StoreError::Io { .. })));
    }
}
