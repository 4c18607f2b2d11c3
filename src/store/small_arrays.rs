//! What lies beside a run's voxels?
//!
//! Coordinates, the header's bytes and the table of checksums, each an array of one chunk; and the metadata of
//! the voxels themselves. All of it follows from the run's facts and the cut of its chunks, so it can be made
//! when a run is stored and again when it is verified. Touches no file.

use super::chunk_layout::ChunkLayout;
use super::codec::{ChunkCodec, Codec};
use super::error::StoreError;
use super::layout::{AXES, CHECKSUMS, HEADER, bids_name, chunk_file, turned};
use super::metadata::{ArrayAttributes, ArrayFile, StoredArray};
use crate::dtype::DType;
use crate::run::RunInfo;

/// An array of one chunk, or of none where it is empty.
#[derive(Debug)]
pub(super) struct SmallArray {
    pub(super) name: &'static str,
    /// The bytes of the chunk's file.
    pub(super) chunk: Vec<u8>,
    array: StoredArray,
    attributes: ArrayAttributes,
}

impl SmallArray {
    /// Its `zarr.json`.
    pub(super) fn to_file(&self) -> ArrayFile<ArrayAttributes> {
        self.array.to_file(self.attributes.clone())
    }

    /// The name of its chunk's file.
    pub(super) fn chunk_file(&self) -> String {
        chunk_file(&vec![0; self.array.shape.len()])
    }
}

/// All small arrays of a run with this table of checksums, made one after the other.
pub(super) fn small_arrays(
    info: &RunInfo,
    layout: &ChunkLayout,
    checksums: &[u8],
) -> impl Iterator<Item = Result<SmallArray, StoreError>> {
    let axes = AXES.into_iter().map(|axis| coordinates(info, layout, axis));
    let header = std::iter::once_with(|| Ok(header(&info.header)));
    axes.chain(header).chain(std::iter::once_with(move || table(info, layout, checksums)))
}

/// The most memory that making one of them, and holding its file beside it, takes.
pub(super) fn small_array_bytes(layout: &ChunkLayout) -> u64 {
    let numbers = layout.shape.iter().copied().chain([layout.chunks]).max().unwrap_or(0);
    // The numbers, what is encoded, its bytes, and those of the file.
    numbers.saturating_mul(4 * size_of::<f64>() as u64)
}

/// The `zarr.json` of the voxels.
pub(super) fn voxel_file(
    info: &RunInfo,
    layout: &ChunkLayout,
    dtype: DType,
) -> ArrayFile<ArrayAttributes> {
    let RunInfo { scaling, origin, .. } = info;
    let scaled = !scaling.is_identity() && scaling.slope.is_finite() && scaling.inter.is_finite();
    let is_bold = bids_name(&origin.file_name).is_some_and(|n| n.suffix() == "bold");
    let attributes = ArrayAttributes {
        long_name: Some(if is_bold { "BOLD signal" } else { "MR signal" }.to_owned()),
        units: None,
        scale_factor: scaled.then_some(scaling.slope),
        add_offset: scaled.then_some(scaling.inter),
        comment: scaled
            .then_some("stored values are unscaled; true = stored*scale_factor+add_offset"),
    };
    let array = StoredArray {
        shape: turned(&layout.shape),
        chunk_shape: turned(layout.grid.block_shape()),
        dtype,
        codec: Some(layout.codec.codec()),
        dimension_names: AXES.map(str::to_owned).to_vec(),
    };
    array.to_file(attributes)
}

/// Coordinates along an axis: seconds for `t` (index where the TR is unknown), index times voxel
/// edge in millimetres for `z`, `y`, `x`. Those three measure along the voxel axes from the first
/// voxel; where in the body that is, the affine tells.
fn coordinates(
    info: &RunInfo,
    layout: &ChunkLayout,
    axis: &'static str,
) -> Result<SmallArray, StoreError> {
    let RunInfo { geometry, timing, .. } = info;
    let at = AXES.iter().rev().position(|&name| name == axis).unwrap_or(0);
    let (start, step, units, long_name) = match (at, timing.tr_seconds) {
        (3, Some(tr)) => (timing.start_seconds, tr, Some("s"), "time of the volume".to_owned()),
        (3, None) => (0.0, 1.0, None, "number of the volume".to_owned()),
        _ => (0.0, geometry.zooms_mm[at], Some("mm"), format!("distance along voxel axis {axis}")),
    };
    let length = layout.shape[at];
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
    let chunk = checksummed(info, &array, bytemuck::cast_slice(&values))?;
    Ok(SmallArray { name: axis, chunk, array, attributes })
}

/// The checksum of each chunk of voxels, by which a chunk in another's place is found out.
fn table(info: &RunInfo, layout: &ChunkLayout, checksums: &[u8]) -> Result<SmallArray, StoreError> {
    let counts = turned(&layout.grid.counts());
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
    let chunk = checksummed(info, &array, checksums)?;
    Ok(SmallArray { name: CHECKSUMS, chunk, array, attributes })
}

fn header(bytes: &[u8]) -> SmallArray {
    let length = bytes.len() as u64;
    let array = StoredArray {
        shape: vec![length],
        chunk_shape: vec![length.max(1)],
        dtype: DType::U8,
        codec: None,
        dimension_names: vec!["nifti_header_byte".to_owned()],
    };
    SmallArray {
        name: HEADER,
        chunk: bytes.to_vec(),
        array,
        attributes: ArrayAttributes::default(),
    }
}

/// The file bytes of an array that is one raw chunk.
fn checksummed(info: &RunInfo, array: &StoredArray, numbers: &[u8]) -> Result<Vec<u8>, StoreError> {
    ChunkCodec::new(Codec::Raw, array.dtype, &array.chunk_shape)
        .ok_or_else(|| "no such chunk".to_owned())
        .and_then(|codec| codec.encode(numbers).map(|file| file.to_vec()))
        .map_err(|reason| StoreError::Encode {
            run: info.origin.file_name.clone(),
            chunk: array.dimension_names.join(" "),
            reason,
        })
}
