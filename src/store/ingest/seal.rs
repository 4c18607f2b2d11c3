//! What turns chunk files into a run?
//!
//! The small arrays and every `zarr.json`, the group's last; then everything is synced. Until the rename
//! that follows, nobody sees any of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::plan::RunPlan;
use super::writer::VoxelsWritten;
use crate::files::{self, File, FileSystem};
use crate::run::Warning;
use crate::source::StreamEnd;
use crate::store::digest;
use crate::store::error::StoreError;
use crate::store::layout::{METADATA, VOXELS};
use crate::store::metadata::{
    EMPTY_CHUNKS, GroupFile, RunAttributes, RunWritten, StoredVoxels, write_json,
};
use crate::store::small_arrays::{SmallArray, small_arrays, voxel_file};

/// The present, to the second, RFC 3339, UTC.
pub(super) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// What is untidy about the source: what its header said, and what its stream found.
pub(super) fn warnings(plan: &RunPlan<'_>, end: &StreamEnd) -> Vec<Warning> {
    let known = &plan.run.info().warnings;
    let found = end.warnings.iter().filter(|warning| !known.contains(warning));
    known.iter().chain(found).cloned().collect()
}

/// Writes what is missing beside the chunks in `dir`, and syncs the run: `disk` is where it lies, opened
/// before its first chunk.
pub(super) fn seal(
    plan: &RunPlan<'_>,
    dir: &Path,
    disk: &FileSystem,
    written: &VoxelsWritten,
    checksums: &[u8],
    warnings: &[Warning],
    started: String,
) -> Result<(), StoreError> {
    let array_dir = dir.join(VOXELS);
    let expected = plan.chunks();
    let listed = files::list(&array_dir).map_err(StoreError::io("list", &array_dir))?;
    let found = listed.flatten().count() as u64;
    if (found, written.chunks) != (expected, expected) {
        return Err(StoreError::metadata(&array_dir, "chunk files", expected, found));
    }

    let info = plan.run.info();
    let mut nodes = BTreeMap::new();
    for small in small_arrays(info, &written.layout, checksums) {
        let small = small?;
        nodes.insert(small.name.to_owned(), write_small_array(dir, &small)?);
    }
    let voxels = voxel_file(info, &written.layout, plan.dtype);
    nodes.insert(VOXELS.to_owned(), write_json(&array_dir.join(METADATA), &voxels)?);

    let voxels = StoredVoxels {
        shape: plan.shape_on_disk(),
        dtype: plan.dtype.name().to_owned(),
        chunk_shape: plan.chunk_on_disk(),
        codec: written.layout.codec.codec().name().to_owned(),
        n_chunks: written.chunks,
        stored_bytes: written.stored_bytes,
        digest: written.digest.clone(),
        chunk_crc32c: digest::of(checksums),
        empty_chunks: EMPTY_CHUNKS.to_owned(),
    };
    let attributes = RunAttributes::new(RunWritten {
        path: &plan.target,
        info,
        end: &written.end,
        warnings,
        header_digest: digest::of(&info.header),
        voxels,
        started,
        finished: now(),
    });
    write_json(&dir.join(METADATA), &GroupFile::new(attributes).consolidated(nodes))?;
    disk.sync().map_err(StoreError::io("sync", dir))
}

fn write_small_array(dir: &Path, small: &SmallArray) -> Result<Value, StoreError> {
    let dir = dir.join(small.name);
    files::create_dir(&dir).map_err(StoreError::io("create", &dir))?;
    if !small.chunk.is_empty() {
        let path = dir.join(small.chunk_file());
        File::create_new(&path)
            .and_then(|mut file| file.write_all(&small.chunk))
            .map_err(StoreError::io("write", &path))?;
    }
    write_json(&dir.join(METADATA), &small.to_file())
}
