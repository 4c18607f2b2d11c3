//! What tests and fuzz targets both need: a place, a session, a store, and all voxels of a run.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use voxstore::store::{ChunkLengths, Codec, IngestOptions, ingest};
use voxstore::{Region, Run, Session, StreamOptions, nifti};

use crate::image::big_endian_scaled;

/// 16 MiB for data.
pub(crate) fn session() -> Session {
    Session::builder().memory("32MiB").threads(1).build().unwrap()
}

/// A folder in memory where there is such a thing, unless another is asked for: thousands of small files
/// are written to it.
pub(crate) fn folder() -> TempDir {
    let asked = std::env::var_os("TMPDIR").map_or_else(|| "/dev/shm".into(), PathBuf::from);
    tempfile::tempdir_in(asked).or_else(|_| tempfile::tempdir()).unwrap()
}

/// All voxels, by a stream that was finished.
pub(crate) fn voxels(run: &Run) -> Option<Vec<u8>> {
    let source = run.source();
    let bytes = Region::whole(source.shape()).len() as usize * source.dtype().size();
    let mut voxels = vec![0; bytes];
    let mut stream = source.stream(StreamOptions::default()).ok()?;
    stream.read_next(&mut voxels).ok()?;
    stream.finish().ok()?;
    Some(voxels)
}

/// A store of one run, `x`, in four chunks.
pub(crate) fn store_in(folder: &Path, codec: Codec) -> PathBuf {
    let (source, place) = (folder.join("x.nii"), folder.join("s.zarr"));
    fs::write(&source, big_endian_scaled().bytes()).unwrap();
    let sidecar = r#"{"EchoTime": 0.03, "TaskName": "rest"}"#;
    fs::write(folder.join("x.json"), sidecar).unwrap();
    let chunk = Some(ChunkLengths { t: 2, z: 1 });
    let options = IngestOptions { codec: Some(codec), chunk, ..IngestOptions::default() };
    let run = nifti::open(&source).unwrap();
    ingest(&[run], &place, &options, &session()).unwrap();
    place
}
