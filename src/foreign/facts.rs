//! How is an image of another tool stored, and what does that vouch for?

use super::array::OpenedArray;
use super::node::Format;
use super::ome::Ome;

/// What [`Image::facts`](super::Image::facts) tells; lengths along `(x, y, z, t)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `OME-Zarr 0.5`, or `nifti-zarr (OME-Zarr 0.5)` where a NIfTI header lies beside the voxels.
    pub kind: String,
    /// 2 or 3.
    pub zarr_format: u8,
    /// Lengths of a chunk.
    pub chunk_shape: [u64; 4],
    /// Lengths of a shard, where chunks lie in shards.
    pub shard_shape: Option<[u64; 4]>,
    /// What was done to the bytes of a chunk, in this order.
    pub codecs: Vec<&'static str>,
    /// Number of files if none is missing.
    pub files: u64,
    /// Chunk files (or shards) that were never written, or are lost.
    pub missing_files: u64,
    /// Size of the files.
    pub stored_bytes: u64,
    /// True where chunks carry checksums.
    pub checksummed: bool,
    /// What stands in the place of missing chunks.
    pub fill_value: Option<String>,
}

impl Facts {
    pub(super) fn of(
        opened: &OpenedArray,
        ome: &Ome,
        axes: &[Option<usize>; 4],
        has_header: bool,
    ) -> Self {
        let (array, found) = (&opened.array, opened.found);
        let of = |lengths: &[u64]| axes.map(|axis| axis.map_or(1, |axis| lengths[axis]));
        let ome = format!("OME-Zarr {}", ome.version);
        Self {
            kind: if has_header { format!("nifti-zarr ({ome})") } else { ome },
            zarr_format: match opened.node.format {
                Format::V2 => 2,
                Format::V3 => 3,
            },
            chunk_shape: of(&array.chunk_shape),
            shard_shape: array.shard.map(|_| of(&array.file_shape)),
            codecs: array.steps.iter().map(|step| step.name()).collect(),
            files: opened.files(),
            missing_files: opened.files().saturating_sub(found.files),
            stored_bytes: found.bytes,
            checksummed: array.is_checksummed(),
            fill_value: array.fill_text(),
        }
    }

    /// One sentence on what may be relied on: nothing is written, and damage or loss can go unseen.
    pub fn guarantees(&self) -> String {
        let what = if self.shard_shape.is_some() { "shard" } else { "chunk" };
        let missing = match self.missing_files {
            0 => format!("no {what} file is missing"),
            n => format!("{n} of {} {what} files are missing", self.files),
        };
        let filled = match &self.fill_value {
            Some(fill) => format!("a missing chunk reads as {fill}"),
            None => "a missing chunk is an error".to_owned(),
        };
        let checked = if self.checksummed {
            "damage is found by the checksums of chunks"
        } else {
            "chunks have no checksum, so damage can read as wrong voxels"
        };
        format!(
            "read-only, unverified: {missing}, and {filled}; {checked}; no digest of the voxels"
        )
    }
}
