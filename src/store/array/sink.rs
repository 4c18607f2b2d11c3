//! How does an array become a folder, box by box?
//!
//! [`ZarrSink`] encodes the chunks of a box where it is put and keeps none of it; the folder gets its
//! name when all chunks are there. Which boxes come when, and from what thread, is for others to say.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dtype::DType;
use crate::files::{self, FileSystem, TempDir};
use crate::grid::{Region, element_count, shape_text};
use crate::run::RunInfo;
use crate::runtime::folder_of;
use crate::sink::{Sink, SinkError, SinkOrder, check_box};
use crate::store::chunk_layout::ChunkLayout;
use crate::store::chunk_writer::ChunkWriter;
use crate::store::chunking::{CHUNK_LIMIT_BYTES, array_chunk_shape};
use crate::store::codec::Codec;
use crate::store::error::StoreError;
use crate::store::layout::{
    ASIDE_SUFFIX, AXES, METADATA, PART_PREFIX, PART_SUFFIX, beside, turned,
};
use crate::store::metadata::{PlainAttributes, PlainWritten, StoredArray, is_array, write_json};
use crate::store::rename::{exchange, sync_place};

#[cfg(test)]
mod tests;

/// Paths, names and one open file of a `put`.
const BOOKKEEPING_BYTES: u64 = 64 << 10;

/// How an array is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZarrOptions {
    /// How chunks are compressed.
    pub codec: Codec,
    /// Lengths of a chunk, one an axis, axis 0 first; longer than the array means all of it. `None`: of 1 to
    /// 2 MiB, of four axes as a run's, with up to 16 indices of the fourth.
    pub chunks: Option<Vec<u64>>,
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
    disk: FileSystem,
    chunks: ChunkWriter,
    array: StoredArray,
    like: Option<RunInfo>,
    force: bool,
    /// False where it lies in what is synced as a whole before it gets its own name.
    syncs: bool,
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
        let (array, layout) = array_of(&name, shape, dtype, like, options)?;
        check_place(path, options.force)?;
        let folder = folder_of(path);
        let staged = TempDir::new(folder, PART_PREFIX, PART_SUFFIX)
            .map_err(StoreError::io("create a folder in", folder))?;
        let dir = staged.path().join("array");
        files::create_dir(&dir).map_err(StoreError::io("create", &dir))?;
        let disk = FileSystem::of(&dir).map_err(StoreError::io("open", &dir))?;
        Ok(Self {
            chunks: ChunkWriter::new(&name, dir, Arc::new(layout)),
            name,
            place: path.to_owned(),
            staged,
            disk,
            array,
            like: like.cloned(),
            force: options.force,
            syncs: true,
        })
    }

    /// The same array, in a folder that has no name yet: whoever gives it one syncs everything before.
    pub(crate) fn within_unnamed(self) -> Self {
        Self { syncs: false, ..self }
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
            has_time: self.shape().len() > 3,
        });
        write_json(&dir.join(METADATA), &self.array.to_file(attributes))?;
        if !self.syncs {
            return Ok(());
        }
        self.disk.sync().map_err(StoreError::io("sync", dir))
    }

    /// Gives the folder its name. What it replaces moves to the staging folder in the same step.
    fn put_in_place(&self, dir: &Path) -> Result<(), StoreError> {
        check_place(&self.place, self.force)?;
        let is_there = files::exists(&self.place).map_err(StoreError::io("open", &self.place))?;
        if self.force && is_there {
            exchange(dir, &self.place, &beside(&self.place, ASIDE_SUFFIX))?;
        } else {
            files::rename_to_new(dir, &self.place).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
                    occupied(&self.place, "new", "choose another name")
                }
                _ => StoreError::io("rename the finished array to", &self.place)(error),
            })?;
        }
        if self.syncs { sync_place(&self.place) } else { Ok(()) }
    }
}

impl Sink for ZarrSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.chunks.layout().shape
    }

    fn dtype(&self) -> DType {
        self.array.dtype
    }

    fn block_shape(&self) -> &[u64] {
        self.chunks.layout().grid.block_shape()
    }

    fn order(&self) -> SinkOrder {
        SinkOrder::Any
    }

    /// What one chunk takes while it is cut out and encoded, whatever the box.
    fn scratch_bytes(&self, _shape: &[u64]) -> u64 {
        let codec = &self.chunks.layout().codec;
        codec.cut_scratch() + codec.encode_scratch() + BOOKKEEPING_BYTES
    }

    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError> {
        check_box(self, region, bytes).map_err(|fault| self.fault(format!("{region:?}"), fault))?;
        for position in self.chunks.layout().grid.touching(region) {
            self.chunks
                .cut_and_write(bytes, region, &position)
                .map_err(|error| self.fault(format!("{region:?}"), error))?;
        }
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), SinkError> {
        let expected = self.chunks.layout().chunks;
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

/// What the options make of a shape and type: the array and its chunks.
fn array_of(
    name: &str,
    shape: &[u64],
    dtype: DType,
    like: Option<&RunInfo>,
    options: &ZarrOptions,
) -> Result<(StoredArray, ChunkLayout), StoreError> {
    let refused = |field, expected: String, found: String| StoreError::Unsupported {
        run: name.to_owned(),
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
    let chunk = array_chunk_shape(shape, item_bytes, options.chunks.as_deref());
    let layout = chunk.and_then(|chunk| ChunkLayout::new(shape, &chunk, dtype, options.codec));
    let Some(layout) = layout else {
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
        shape: turned(shape),
        chunk_shape: turned(layout.grid.block_shape()),
        dtype,
        codec: Some(options.codec),
        dimension_names: names.into_iter().rev().collect(),
    };
    Ok((array, layout))
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
    match files::look_at_link(path) {
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
