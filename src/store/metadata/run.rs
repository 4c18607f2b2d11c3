//! What does a run group's `zarr.json` say, and how does it become a [`RunInfo`] again?
//!
//! `voxstore`, `bids.sidecar` and `bids.sidecar_files` hold everything needed to restore the run exactly; `ome` and
//! `xyz_orientation` repeat a part of it for viewers and are not read back.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::ome::{Ome, xyz_orientation};
use super::plain_json::{put, put_object};
use super::{COMPLETE, IndexEntry, Ours, SCHEMA, tool};
use crate::json_number::Number;
use crate::run::{Geometry, Origin, RunInfo, Scaling, Timing, Warning};
use crate::source::StreamEnd;
use crate::store::digest;
use crate::store::error::StoreError;
use crate::store::layout::{RUN_SUFFIX, bids_name, last};

/// Attributes of a run's group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct RunAttributes {
    #[serde(skip_deserializing)]
    ome: Option<Ome>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    xyz_orientation: Option<String>,
    bids: Bids,
    voxstore: Facts,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bids {
    #[serde(skip_deserializing)]
    entities: Map<String, Value>,
    #[serde(skip_deserializing)]
    suffix: Option<String>,
    sidecar: Map<String, Value>,
    /// Runs stored before sidecars were inherited have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sidecar_files: Vec<String>,
}

/// What may be unknown stands as `null`. Serde takes an absent `Option` for `None`, unless it is told how to
/// read it: a key that is not there is damage.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Facts {
    schema: String,
    status: String,
    affine: [[Number; 4]; 4],
    affine_source: String,
    sform_code: i16,
    qform_code: i16,
    zooms_mm: [Number; 3],
    grid: String,
    scaling: StoredScaling,
    #[serde(deserialize_with = "Option::deserialize")]
    tr_s: Option<Number>,
    tr_source: String,
    start_s: Number,
    #[serde(deserialize_with = "Option::deserialize")]
    echo_time_s: Option<Number>,
    header_pixdim4: Number,
    header_time_unit: String,
    source: StoredOrigin,
    header: StoredHeader,
    voxels: StoredVoxels,
    ingest: StoredIngest,
    warnings: Vec<StoredWarning>,
    /// Of everything above but `ingest`, and of the sidecar. Runs stored before it was have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredScaling {
    slope: Number,
    inter: Number,
    header_slope: Number,
    header_inter: Number,
    /// Always false: voxels are stored as the scanner's file has them.
    applied: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredOrigin {
    name: String,
    /// Of a pair. Stores older than pairs have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image_name: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    bids_folder: Option<String>,
    bytes: u64,
    #[serde(deserialize_with = "Option::deserialize")]
    mtime: Option<String>,
    #[serde(deserialize_with = "Option::deserialize")]
    sha256: Option<String>,
    format: String,
    endian: Endian,
    compression: Compression,
    gzip_members: u64,
    dim: [i64; 8],
    datatype: i16,
    trailing_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Endian {
    Little,
    Big,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    None,
    Gzip,
}

/// The header's array has no checksum of its own, so that any nifti-zarr tool can read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredHeader {
    bytes: u64,
    digest: String,
}

/// What the voxel array must turn out to be; lengths in the order of the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct StoredVoxels {
    pub(in crate::store) shape: [u64; 4],
    pub(in crate::store) dtype: String,
    pub(in crate::store) chunk_shape: [u64; 4],
    pub(in crate::store) codec: String,
    pub(in crate::store) n_chunks: u64,
    /// Bytes of all chunk files.
    pub(in crate::store) stored_bytes: u64,
    /// XXH3-128 of the unscaled little-endian voxels in memory order.
    pub(in crate::store) digest: String,
    /// XXH3-128 of the table of chunks' checksums.
    pub(in crate::store) chunk_crc32c: String,
    pub(in crate::store) empty_chunks: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredIngest {
    tool: String,
    started: String,
    finished: String,
    host_os: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredWarning {
    code: String,
    message: String,
}

/// What an ingest knows of a run once its last chunk is written.
#[derive(Debug)]
pub(in crate::store) struct RunWritten<'a> {
    pub(in crate::store) path: &'a str,
    pub(in crate::store) info: &'a RunInfo,
    pub(in crate::store) end: &'a StreamEnd,
    pub(in crate::store) warnings: &'a [Warning],
    pub(in crate::store) header_digest: String,
    pub(in crate::store) voxels: StoredVoxels,
    pub(in crate::store) started: String,
    pub(in crate::store) finished: String,
}

impl Ours for RunAttributes {
    fn schema(&self) -> &str {
        &self.voxstore.schema
    }

    fn status(&self) -> Option<&str> {
        Some(&self.voxstore.status)
    }
}

impl RunAttributes {
    pub(in crate::store) fn new(run: RunWritten<'_>) -> Self {
        let info = run.info;
        let name = last(run.path).trim_end_matches(RUN_SUFFIX);
        let mut made = Self {
            ome: Some(Ome::new(name, info)),
            xyz_orientation: xyz_orientation(info),
            bids: Bids::new(info),
            voxstore: Facts::new(run),
        };
        made.voxstore.digest = Some(made.digest());
        made
    }

    /// The digest of facts, sidecar and its files as JSON, keys in order and every number as a float, as other tools may
    /// write them when they change an attribute of their own.
    fn digest(&self) -> String {
        let mut facts = serde_json::to_value(&self.voxstore).unwrap_or_default();
        if let Some(keys) = facts.as_object_mut() {
            // Itself, and what is another each time that the same run is stored.
            keys.retain(|key, _| !["digest", "ingest"].contains(&key.as_str()));
        }
        let mut text = Vec::new();
        text.push(b'[');
        put(&facts, &mut text);
        text.push(b',');
        put_object(&self.bids.sidecar, &mut text);
        text.push(b',');
        // Absent where there is none, so that runs stored before it was keep their digest.
        if !self.bids.sidecar_files.is_empty() {
            put(&self.bids.sidecar_files.clone().into(), &mut text);
            text.push(b',');
        }
        text.push(b']');
        digest::of(&text)
    }

    /// Refuses attributes that are not as they were written; `file` is named.
    pub(in crate::store) fn check_digest(&self, file: &Path) -> Result<(), StoreError> {
        let Some(told) = &self.voxstore.digest else { return Ok(()) };
        let found = self.digest();
        if *told == found {
            return Ok(());
        }
        Err(StoreError::metadata(
            file,
            "attributes.voxstore.digest",
            format!("{found}, of what the attributes say"),
            format!(
                "{told}: one of them was changed; see voxstore verify, or ingest the run again"
            ),
        ))
    }

    pub(in crate::store) fn voxels(&self) -> &StoredVoxels {
        &self.voxstore.voxels
    }

    /// When the run's ingest was finished.
    pub(in crate::store) fn finished(&self) -> &str {
        &self.voxstore.ingest.finished
    }

    /// Length and digest of the header's bytes.
    pub(in crate::store) fn header(&self) -> (u64, &str) {
        (self.voxstore.header.bytes, &self.voxstore.header.digest)
    }

    /// The run's line in the index.
    pub(in crate::store) fn index_entry(&self, path: &str) -> IndexEntry {
        let facts = &self.voxstore;
        IndexEntry {
            path: path.to_owned(),
            grid: facts.grid.clone(),
            shape: facts.voxels.shape.to_vec(),
            dtype: facts.voxels.dtype.clone(),
            tr_s: facts.tr_s.map(|tr| tr.0).filter(|tr| tr.is_finite()),
            source_sha256: facts.source.sha256.clone(),
        }
    }

    /// The program that wrote them.
    pub(in crate::store) fn tool(&self) -> &str {
        &self.voxstore.ingest.tool
    }

    /// The attributes of a run with these facts, made anew. What only an ingest knows is taken from `self`:
    /// the figures of the source and of the chunks, times, digests, and who wrote it.
    pub(in crate::store) fn anew(&self, path: &str, info: &RunInfo) -> Self {
        let Facts { source, header, voxels, ingest, .. } = &self.voxstore;
        let mut anew = Self::new(RunWritten {
            path,
            info,
            end: &StreamEnd {
                sha256: source.sha256.clone(),
                gzip_members: source.gzip_members,
                trailing_bytes: source.trailing_bytes,
                warnings: Vec::new(),
            },
            warnings: &info.warnings,
            header_digest: header.digest.clone(),
            voxels: StoredVoxels { empty_chunks: EMPTY_CHUNKS.to_owned(), ..voxels.clone() },
            started: ingest.started.clone(),
            finished: ingest.finished.clone(),
        });
        anew.voxstore.ingest = ingest.clone();
        if self.voxstore.digest.is_none() {
            anew.voxstore.digest = None;
        }
        anew
    }

    /// SHA-256 of the source file, where an ingest has seen all of it.
    pub(in crate::store) fn source_sha256(&self) -> Option<&String> {
        self.voxstore.source.sha256.as_ref()
    }

    /// The run's facts as they were when it was ingested; `file` is named in errors.
    pub(in crate::store) fn to_info(
        &self,
        file: &Path,
        header: Arc<[u8]>,
    ) -> Result<RunInfo, StoreError> {
        let facts = &self.voxstore;
        let label = |field: &str, found: &str, known: &[&'static str]| {
            known.iter().copied().find(|k| *k == found).ok_or_else(|| {
                StoreError::metadata(file, field, format!("one of {known:?}"), format!("{found:?}"))
            })
        };
        let source = &facts.source;
        Ok(RunInfo {
            geometry: Geometry {
                affine: facts.affine.map(|row| row.map(|n| n.0)),
                affine_source: label("affine_source", &facts.affine_source, AFFINE_SOURCES)?,
                qform_code: facts.qform_code,
                sform_code: facts.sform_code,
                zooms_mm: facts.zooms_mm.map(|n| n.0),
            },
            timing: Timing {
                tr_seconds: facts.tr_s.map(|n| n.0),
                tr_source: label("tr_source", &facts.tr_source, TR_SOURCES)?,
                start_seconds: facts.start_s.0,
                echo_time_seconds: facts.echo_time_s.map(|n| n.0),
                header_pixdim4: facts.header_pixdim4.0,
                header_time_unit: label("header_time_unit", &facts.header_time_unit, TIME_UNITS)?,
            },
            scaling: Scaling {
                slope: facts.scaling.slope.0,
                inter: facts.scaling.inter.0,
                header_slope: facts.scaling.header_slope.0,
                header_inter: facts.scaling.header_inter.0,
            },
            header,
            origin: Origin {
                file_name: source.name.clone(),
                image_name: source.image_name.clone(),
                bids_folder: source.bids_folder.clone(),
                file_bytes: source.bytes,
                modified: source.mtime.clone(),
                sha256: source.sha256.clone(),
                format: label("source.format", &source.format, FORMATS)?,
                big_endian: source.endian == Endian::Big,
                gzip: source.compression == Compression::Gzip,
                dim: source.dim,
                datatype: source.datatype,
            },
            sidecar: self.bids.sidecar.clone(),
            sidecar_files: self.bids.sidecar_files.clone(),
            warnings: facts
                .warnings
                .iter()
                .map(|w| Warning { code: w.code.clone(), message: w.message.clone() })
                .collect(),
        })
    }
}

/// Chunks of background are written like any other.
pub(in crate::store) const EMPTY_CHUNKS: &str = "stored";
const AFFINE_SOURCES: &[&str] = &["sform", "qform", "pixdim"];
const TR_SOURCES: &[&str] = &["header", "sidecar", "unknown"];
const FORMATS: &[&str] = &["nifti1", "nifti2"];
const TIME_UNITS: &[&str] = &[
    "second",
    "millisecond",
    "microsecond",
    "hertz",
    "parts per million",
    "radian per second",
    "unknown",
];

/// The first label of a run that could be written but not read back, as `(field, found)`.
pub(in crate::store) fn labels_known(info: &RunInfo) -> Result<(), (&'static str, &'static str)> {
    let labels = [
        ("affine_source", info.geometry.affine_source, AFFINE_SOURCES),
        ("tr_source", info.timing.tr_source, TR_SOURCES),
        ("header_time_unit", info.timing.header_time_unit, TIME_UNITS),
        ("format", info.origin.format, FORMATS),
    ];
    let unknown = labels.into_iter().find(|(_, found, known)| !known.contains(found));
    unknown.map_or(Ok(()), |(field, found, _)| Err((field, found)))
}

impl Bids {
    fn new(info: &RunInfo) -> Self {
        let name = bids_name(&info.origin.file_name);
        let entities = name.iter().flat_map(|name| name.entities().to_vec());
        Self {
            entities: entities.map(|(key, value)| (key, Value::String(value))).collect(),
            suffix: name.map(|name| name.suffix().to_owned()),
            sidecar: info.sidecar.clone(),
            sidecar_files: info.sidecar_files.clone(),
        }
    }
}

impl Facts {
    fn new(run: RunWritten<'_>) -> Self {
        let RunInfo { geometry, timing, scaling, header, origin, .. } = run.info;
        let [_, z, y, x] = run.voxels.shape;
        Self {
            schema: SCHEMA.to_owned(),
            status: COMPLETE.to_owned(),
            affine: geometry.affine.map(|row| row.map(Number)),
            affine_source: geometry.affine_source.to_owned(),
            sform_code: geometry.sform_code,
            qform_code: geometry.qform_code,
            zooms_mm: geometry.zooms_mm.map(Number),
            grid: grid_key([x, y, z], &geometry.affine),
            scaling: StoredScaling {
                slope: Number(scaling.slope),
                inter: Number(scaling.inter),
                header_slope: Number(scaling.header_slope),
                header_inter: Number(scaling.header_inter),
                applied: false,
            },
            tr_s: timing.tr_seconds.map(Number),
            tr_source: timing.tr_source.to_owned(),
            start_s: Number(timing.start_seconds),
            echo_time_s: timing.echo_time_seconds.map(Number),
            header_pixdim4: Number(timing.header_pixdim4),
            header_time_unit: timing.header_time_unit.to_owned(),
            source: StoredOrigin {
                name: origin.file_name.clone(),
                image_name: origin.image_name.clone(),
                bids_folder: origin.bids_folder.clone(),
                bytes: origin.file_bytes,
                mtime: origin.modified.clone(),
                sha256: run.end.sha256.clone().or_else(|| origin.sha256.clone()),
                format: origin.format.to_owned(),
                endian: if origin.big_endian { Endian::Big } else { Endian::Little },
                compression: if origin.gzip { Compression::Gzip } else { Compression::None },
                gzip_members: run.end.gzip_members,
                dim: origin.dim,
                datatype: origin.datatype,
                trailing_bytes: run.end.trailing_bytes,
            },
            header: StoredHeader { bytes: header.len() as u64, digest: run.header_digest },
            voxels: run.voxels,
            ingest: StoredIngest {
                tool: tool(),
                started: run.started,
                finished: run.finished,
                host_os: std::env::consts::OS.to_owned(),
            },
            warnings: run
                .warnings
                .iter()
                .map(|w| StoredWarning { code: w.code.clone(), message: w.message.clone() })
                .collect(),
            digest: None,
        }
    }
}

/// Equal for runs on the same voxel grid: extents, and the affine to 0.1 micrometre. A quick key
/// for people and tools; whether runs may be combined is decided on the numbers.
fn grid_key(extents: [u64; 3], affine: &[[f64; 4]; 4]) -> String {
    let mut bytes = Vec::new();
    bytes.extend(extents.iter().flat_map(|n| n.to_le_bytes()));
    for value in affine.as_flattened() {
        let rounded = (value * 1e4).round() + 0.0; // + 0.0: -0 and 0 are one
        bytes.extend(rounded.to_le_bytes());
    }
    format!("g:{:016x}", xxh3_64(&bytes))
}

#[cfg(test)]
mod tests {
    use super::{grid_key, labels_known};
    use crate::store::testing::info;

    #[test]
    fn grids_are_equal_up_to_a_tenth_of_a_micrometre() {
        let mut affine = info("a.nii").geometry.affine;
        let key = grid_key([4, 5, 6], &affine);
        affine[0][3] += 1e-7;
        affine[0][1] = -0.0;
        assert_eq!(grid_key([4, 5, 6], &affine), key);
        affine[0][3] += 1e-2;
        assert_ne!(grid_key([4, 5, 6], &affine), key);
        assert_ne!(grid_key([5, 4, 6], &info("a.nii").geometry.affine), key);
    }

    #[test]
    fn a_label_that_could_not_be_read_back_is_named() {
        let mut info = info("a.nii");
        assert_eq!(labels_known(&info), Ok(()));
        info.origin.format = "analyze";
        assert_eq!(labels_known(&info), Err(("format", "analyze")));
    }
}
