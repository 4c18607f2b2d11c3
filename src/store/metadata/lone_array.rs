//! What do the attributes of an array that is no run say?
//!
//! That it is whole, and, where a run lent its grid, where the voxels lie. Only the figures of its
//! files are read back; the grid is for other tools and for people.

use serde::{Deserialize, Serialize};

use super::{COMPLETE, Ours, SCHEMA, tool};
use crate::json_number::Number;
use crate::run::RunInfo;

/// Attributes of a plain array.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct PlainAttributes {
    voxstore: Facts,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Facts {
    schema: String,
    status: String,
    #[serde(skip_deserializing)]
    tool: String,
    n_chunks: u64,
    stored_bytes: u64,
    #[serde(flatten, skip_deserializing)]
    grid: Option<Grid>,
}

/// What is true of an array on a run's grid.
#[derive(Clone, Debug, Serialize)]
struct Grid {
    affine: [[Number; 4]; 4],
    affine_source: String,
    sform_code: i16,
    qform_code: i16,
    zooms_mm: [Number; 3],
    /// Only where there is a fourth axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    tr_s: Option<Number>,
}

/// What is known of an array once its last chunk is written.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct PlainWritten<'a> {
    pub(in crate::store) chunks: u64,
    pub(in crate::store) stored_bytes: u64,
    /// The run whose grid the first three axes are.
    pub(in crate::store) like: Option<&'a RunInfo>,
    /// Whether a fourth axis is that run's time.
    pub(in crate::store) has_time: bool,
}

impl Ours for PlainAttributes {
    fn schema(&self) -> &str {
        &self.voxstore.schema
    }

    fn status(&self) -> Option<&str> {
        Some(&self.voxstore.status)
    }
}

impl PlainAttributes {
    pub(in crate::store) fn new(written: PlainWritten<'_>) -> Self {
        let grid = written.like.map(|RunInfo { geometry, timing, .. }| Grid {
            affine: geometry.affine.map(|row| row.map(Number)),
            affine_source: geometry.affine_source.to_owned(),
            sform_code: geometry.sform_code,
            qform_code: geometry.qform_code,
            zooms_mm: geometry.zooms_mm.map(Number),
            tr_s: timing.tr_seconds.filter(|_| written.has_time).map(Number),
        });
        let (n_chunks, stored_bytes) = (written.chunks, written.stored_bytes);
        let (schema, status) = (SCHEMA.to_owned(), COMPLETE.to_owned());
        Self { voxstore: Facts { schema, status, tool: tool(), n_chunks, stored_bytes, grid } }
    }

    pub(in crate::store) fn chunks(&self) -> u64 {
        self.voxstore.n_chunks
    }

    pub(in crate::store) fn stored_bytes(&self) -> u64 {
        self.voxstore.stored_bytes
    }
}
