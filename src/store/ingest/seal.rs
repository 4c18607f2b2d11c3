//! What turns chunk files into a run?
//!
//! Coordinates, the header's bytes and every `zarr.json`, the group's last; then everything is
//! synced. Until the rename that follows, nobody sees any of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::plan::RunPlan;
use super::writer::VoxelsWritten;
use crate::dtype::DType;
use crate::files::{self, File, FileSystem};
use crate::run::{RunInfo, Warning};
use crate::source::StreamEnd;
use crate::store::codec::{ChunkCodec, Codec};
use crate::store::digest;
use crate::store::error::StoreError;
use crate::store::layout::{
    AXES, BidsName, CHECKSUMS, HEADER, METADATA, VOXELS, chunk_file, stem, turned,
};
use crate::store::metadata::{
    ArrayAttributes, GroupFile, RunAttributes, RunWritten, StoredArray, StoredVoxels, write_json,
};

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
    let expected = plan.layout.chunks;
    let listed = files::list(&array_dir).map_err(StoreError::io("list", &array_dir))?;
    let found = listed.flatten().count() as u64;
    if (found, written.chunks) != (expected, expected) {
        return Err(StoreError::metadata(&array_dir, "chunk files", expected, found));
    }

    let info = plan.run.info();
    let mut nodes = BTreeMap::new();
    for axis in AXES {
        nodes.insert(axis.to_owned(), write_coordinates(plan, dir, axis)?);
    }
    nodes.insert(HEADER.to_owned(), write_header(dir, &info.header)?);
    nodes.insert(VOXELS.to_owned(), write_voxel_metadata(plan, &array_dir)?);
    nodes.insert(CHECKSUMS.to_owned(), write_checksums(plan, dir, checksums)?);

    let voxels = StoredVoxels {
        shape: plan.shape_on_disk(),
        dtype: plan.dtype.name().to_owned(),
        chunk_shape: plan.chunk_on_disk(),
        codec: plan.codec().name().to_owned(),
        n_chunks: written.chunks,
        stored_bytes: written.stored_bytes,
        digest: written.digest.clone(),
        chunk_crc32c: digest::of(checksums),
        empty_chunks: "stored".to_owned(),
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

fn write_voxel_metadata(plan: &RunPlan<'_>, array_dir: &Path) -> Result<Value, StoreError> {
    let RunInfo { scaling, origin, .. } = plan.run.info();
    let scaled = !scaling.is_identity() && scaling.slope.is_finite() && scaling.inter.is_finite();
    let is_bold = BidsName::parse(stem(&origin.file_name)).is_some_and(|n| n.suffix == "bold");
    let attributes = ArrayAttributes {
        long_name: Some(if is_bold { "BOLD signal" } else { "MR signal" }.to_owned()),
        units: None,
        scale_factor: scaled.then_some(scaling.slope),
        add_offset: scaled.then_some(scaling.inter),
        comment: scaled
            .then_some("stored values are unscaled; true = stored*scale_factor+add_offset"),
    };
    let array = StoredArray {
        shape: plan.shape_on_disk().to_vec(),
        chunk_shape: plan.chunk_on_disk().to_vec(),
        dtype: plan.dtype,
        codec: Some(plan.codec()),
        dimension_names: AXES.map(str::to_owned).to_vec(),
    };
    write_json(&array_dir.join(METADATA), &array.to_file(attributes))
}

/// Coordinates along an axis: seconds for `t` (index where the TR is unknown), index times voxel
/// edge in millimetres for `z`, `y`, `x`. Those three measure along the voxel axes from the first
/// voxel; where in the body that is, the affine tells.
fn write_coordinates(plan: &RunPlan<'_>, dir: &Path, axis: &str) -> Result<Value, StoreError> {
    let RunInfo { geometry, timing, .. } = plan.run.info();
    let at = AXES.iter().rev().position(|&name| name == axis).unwrap_or(0);
    let (start, step, units, long_name) = match (at, timing.tr_seconds) {
        (3, Some(tr)) => (timing.start_seconds, tr, Some("s"), "time of the volume".to_owned()),
        (3, None) => (0.0, 1.0, None, "number of the volume".to_owned()),
        _ => (0.0, geometry.zooms_mm[at], Some("mm"), format!("distance along voxel axis {axis}")),
    };
    let length = plan.shape[at];
    let array = StoredArray {
        shape: vec![length],
        chunk_shape: vec![length],
        dtype: DType::F64,
        codec: Some(Codec::Raw),
        dimension_names: vec![axis.to_owned()],
    };
    let values: Vec<f64> = (0..length).map(|i| start + i as f64 * step).collect();
    let attributes =
        ArrayAttributes { long_name: Some(long_name), units, ..ArrayAttributes::default() };
    let bytes = checksummed(plan, &array, bytemuck::cast_slice(&values))?;
    write_small_array(&dir.join(axis), &array, attributes, &bytes)
}

/// The checksum of each chunk of voxels, by which a chunk in another's place is found out.
fn write_checksums(plan: &RunPlan<'_>, dir: &Path, table: &[u8]) -> Result<Value, StoreError> {
    let counts = turned(&plan.layout.grid.counts());
    let array = StoredArray {
        shape: counts.clone(),
        chunk_shape: counts,
        dtype: DType::U32,
        codec: Some(Codec::Raw),
        dimension_names: AXES.map(|axis| format!("{axis}_chunk")).to_vec(),
    };
    let attributes = ArrayAttributes {
        long_name: Some("crc32c at the end of each chunk of voxels".to_owned()),
        ..ArrayAttributes::default()
    };
    let bytes = checksummed(plan, &array, table)?;
    write_small_array(&dir.join(CHECKSUMS), &array, attributes, &bytes)
}

/// The file bytes of an array that is one raw chunk.
fn checksummed(
    plan: &RunPlan<'_>,
    array: &StoredArray,
    numbers: &[u8],
) -> Result<Vec<u8>, StoreError> {
    ChunkCodec::new(Codec::Raw, array.dtype, &array.chunk_shape)
        .ok_or_else(|| "no such chunk".to_owned())
        .and_then(|codec| codec.encode(numbers))
        .map_err(|reason| StoreError::Encode {
            run: plan.run.name().to_owned(),
            chunk: array.dimension_names.join(" "),
            reason,
        })
}

fn write_header(dir: &Path, header: &[u8]) -> Result<Value, StoreError> {
    let length = header.len() as u64;
    let array = StoredArray {
        shape: vec![length],
        chunk_shape: vec![length.max(1)],
        dtype: DType::U8,
        codec: None,
        dimension_names: vec!["nifti_header_byte".to_owned()],
    };
    write_small_array(&dir.join(HEADER), &array, ArrayAttributes::default(), header)
}

fn write_small_array(
    dir: &Path,
    array: &StoredArray,
    attributes: ArrayAttributes,
    chunk: &[u8],
) -> Result<Value, StoreError> {
    files::create_dir(dir).map_err(StoreError::io("create", dir))?;
    if !chunk.is_empty() {
        let path = dir.join(chunk_file(&vec![0; array.shape.len()]));
        File::create_new(&path)
            .and_then(|mut file| file.write_all(chunk))
            .map_err(StoreError::io("write", &path))?;
    }
    write_json(&dir.join(METADATA), &array.to_file(attributes))
}
