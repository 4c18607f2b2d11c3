//! How do a stored run's voxels come back?
//!
//! [`StoredRun`] is the [`Source`] of one run: it decodes just the chunks that a region touches, one
//! at a time, and copies what is shared. Before that, [`OpenedRun`] checks that every fact told
//! twice is told the same. Never fills in: a missing chunk, a torn file, a wrong checksum, a run
//! replaced while it is read are errors that name run, chunk and file. Caches nothing.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chunking::CHUNK_LIMIT_BYTES;
use super::codec::{ChunkCodec, ChunkFault};
use super::layout::{AXES, HEADER, METADATA, VOXELS, chunk_key};
use super::metadata::{ArrayFile, RunAttributes, StoredArray, read_group, read_json};
use super::{StoreError, StoredFacts, digest};
use crate::dtype::DType;
use crate::grid::{BlockGrid, Region, copy_overlap, element_count};
use crate::run::{Run, RunInfo};
use crate::source::{Access, RegionStream, Source, SourceError, Stream, StreamOptions};

/// Paths, names and one open file, beside what decoding needs.
const BOOKKEEPING_BYTES: u64 = 64 << 10;

/// A run whose metadata has been read and found to agree.
#[derive(Debug)]
pub(super) struct OpenedRun {
    source: StoredRun,
    attributes: RunAttributes,
    metadata_file: PathBuf,
}

impl OpenedRun {
    /// Reads and checks the metadata of the run at this group path.
    pub(super) fn open(store: &Path, path: &str) -> Result<Self, StoreError> {
        let dir = store.join(path);
        let metadata_file = dir.join(METADATA);
        let attributes = read_group::<RunAttributes>(&metadata_file)?.attributes;
        let array_dir = dir.join(VOXELS);
        let array_file = array_dir.join(METADATA);
        let version = Version::of(&array_file).map_err(StoreError::io("open", &array_file))?;
        let array = StoredArray::from_file(&array_file, &read_json::<ArrayFile>(&array_file)?)?;
        let layout = check(&attributes, &array, &array_file)?;
        let source = StoredRun {
            name: path.to_owned(),
            array_dir,
            version,
            grid: BlockGrid::new(&layout.shape, &layout.chunk),
            shape: layout.shape.to_vec(),
            dtype: array.dtype,
            codec: layout.codec,
            stored_bytes: attributes.voxels().stored_bytes,
        };
        Ok(Self { source, attributes, metadata_file })
    }

    /// The run.
    pub(super) fn into_run(self) -> Result<Run, StoreError> {
        let info = self.info()?;
        Ok(Run::new(Arc::new(self.source), info))
    }

    /// The run's facts, with its header read and compared with its digest.
    pub(super) fn info(&self) -> Result<RunInfo, StoreError> {
        self.attributes.to_info(&self.metadata_file, self.header()?)
    }

    fn header(&self) -> Result<Arc<[u8]>, StoreError> {
        let (len, want) = self.attributes.header();
        if len == 0 {
            return Ok(Arc::from([]));
        }
        let file = self.metadata_file.with_file_name(HEADER).join(chunk_key(&[0]));
        let found = fs::metadata(&file).map_err(StoreError::io("open", &file))?.len();
        if found != len {
            return Err(StoreError::metadata(&file, "length", len, found));
        }
        let bytes = fs::read(&file).map_err(StoreError::io("read", &file))?;
        let found = digest::of(&bytes);
        if found != want {
            return Err(StoreError::metadata(&file, "digest", want, found));
        }
        Ok(bytes.into())
    }

    pub(super) fn facts(&self) -> StoredFacts {
        let (source, voxels) = (&self.source, self.attributes.voxels());
        let [tb, zb, y, x] = voxels.chunk_shape;
        StoredFacts {
            path: source.name.clone(),
            chunk_shape: [x, y, zb, tb],
            codec: source.codec.codec(),
            chunks: voxels.n_chunks,
            raw_bytes: Region::whole(&source.shape).len() * source.dtype.size() as u64,
            stored_bytes: voxels.stored_bytes,
            voxel_digest: voxels.digest.clone(),
            ingested: self.attributes.finished().to_owned(),
        }
    }

    pub(super) fn attributes(&self) -> &RunAttributes {
        &self.attributes
    }
}

/// Lengths in the order of the API, and the chain that decodes a chunk.
struct Layout {
    shape: [u64; 4],
    chunk: [u64; 4],
    codec: ChunkCodec,
}

/// Refuses a run whose group and array disagree, or whose chunks could not have been written by us.
fn check(run: &RunAttributes, array: &StoredArray, file: &Path) -> Result<Layout, StoreError> {
    let voxels = run.voxels();
    let same = |field: &str, expected: String, found: String| {
        if expected == found {
            return Ok(());
        }
        Err(StoreError::metadata(file, field, format!("{expected}, as the run's group"), found))
    };
    let codec = array.codec.map_or("none at all", super::Codec::name);
    same("shape", format!("{:?}", voxels.shape), format!("{:?}", array.shape))?;
    same("chunk_shape", format!("{:?}", voxels.chunk_shape), format!("{:?}", array.chunk_shape))?;
    same("data_type", voxels.dtype.clone(), array.dtype.name().to_owned())?;
    same("codecs", voxels.codec.clone(), codec.to_owned())?;
    same("dimension_names", format!("{AXES:?}"), format!("{:?}", array.dimension_names))?;

    let reversed = |[t, z, y, x]: [u64; 4]| [x, y, z, t];
    let (shape, chunk) = (reversed(voxels.shape), reversed(voxels.chunk_shape));
    let wrong = |field: &str, expected: String, found: String| {
        Err(StoreError::metadata(file, field, expected, found))
    };
    let raw_bytes =
        element_count(&shape).and_then(|n| n.checked_mul(array.dtype.size() as u64)).unwrap_or(0);
    if raw_bytes == 0 {
        return wrong("shape", "lengths of at least 1".to_owned(), format!("{:?}", array.shape));
    }
    let inside = chunk.iter().zip(&shape).all(|(c, s)| (1..=*s).contains(c));
    let codec = array.codec.and_then(|c| ChunkCodec::new(c, array.dtype, &voxels.chunk_shape));
    let codec = codec.filter(|c| inside && c.decoded_bytes() <= CHUNK_LIMIT_BYTES);
    let Some(codec) = codec else {
        let expected = format!("inside the array and at most {CHUNK_LIMIT_BYTES} bytes");
        return wrong("chunk_shape", expected, format!("{:?}", array.chunk_shape));
    };
    let n_chunks = BlockGrid::new(&shape, &chunk).len();
    same("n_chunks", n_chunks.to_string(), voxels.n_chunks.to_string())?;
    Ok(Layout { shape, chunk, codec })
}

/// The voxels of one run of a store.
#[derive(Debug)]
struct StoredRun {
    name: String,
    array_dir: PathBuf,
    version: Version,
    grid: BlockGrid,
    shape: Vec<u64>,
    dtype: DType,
    codec: ChunkCodec,
    stored_bytes: u64,
}

impl StoredRun {
    /// The numbers of the chunk at this position `(x, y, z, t)` of the grid, padding included.
    fn chunk(&self, position: &[u64]) -> Result<Vec<u8>, SourceError> {
        let on_disk: Vec<u64> = position.iter().rev().copied().collect();
        let key = chunk_key(&on_disk);
        let path = self.array_dir.join(&key);
        let failed = |reason: Box<dyn std::error::Error + Send + Sync>| {
            SourceError::new(&self.name, format!("chunk {key} ({})", path.display()), reason)
        };
        let file = self.chunk_file(&path).map_err(|e| failed(e))?;
        self.codec.decode(file).map_err(|e| failed(e.into()))
    }

    /// A chunk file's bytes, when there are no more of them than a chunk can have.
    fn chunk_file(&self, path: &Path) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let mut file = File::open(path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                "the chunk is missing; the store is damaged, ingest the run again".into()
            }
            _ => Box::<dyn std::error::Error + Send + Sync>::from(e),
        })?;
        let (found, most) = (file.metadata()?.len(), self.codec.encoded_bound());
        if found > most {
            return Err(ChunkFault::Size { found, expected: format!("at most {most}") }.into());
        }
        let mut bytes = vec![0; found as usize];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// An ingest with `force` exchanges whole runs. Chunks read since the run was opened are of one
    /// version exactly when its metadata file is still the same file.
    fn check_version(&self) -> Result<(), SourceError> {
        let file = self.array_dir.join(METADATA);
        if Version::of(&file).is_ok_and(|now| now == self.version) {
            return Ok(());
        }
        let reason = "the run was replaced while it was read; open the store again";
        Err(SourceError::new(&self.name, file.display().to_string(), reason))
    }
}

impl Source for StoredRun {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn access(&self) -> Access {
        Access::Random
    }

    fn block_shape(&self) -> &[u64] {
        self.grid.block_shape()
    }

    fn scratch_bytes(&self) -> u64 {
        self.codec.decode_scratch() + BOOKKEEPING_BYTES
    }

    fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    fn transport(&self) -> &'static str {
        "zarr chunks"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        let item_bytes = self.dtype.size();
        if !region.fits(&self.shape) || region.len() * item_bytes as u64 != out.len() as u64 {
            let reason = format!("no region of {:?} that fills {} bytes", self.shape, out.len());
            return Err(SourceError::new(&self.name, format!("{region:?}"), reason));
        }
        for position in self.grid.touching(region) {
            let voxels = self.chunk(&position)?;
            let length = self.grid.block_shape();
            let start = position.iter().zip(length).map(|(p, n)| p * n).collect();
            let whole = Region::new(start, length.to_vec());
            copy_overlap(&voxels, &whole, out, region, item_bytes);
        }
        self.check_version()
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Ok(Box::new(RegionStream::new(self)))
    }
}

/// Tells one file from another that took its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    modified: Option<std::time::SystemTime>,
    #[cfg(unix)]
    inode: (u64, u64),
}

impl Version {
    fn of(file: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(file)?;
        Ok(Self {
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
        })
    }
}
