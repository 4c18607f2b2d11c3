//! What does the root's `zarr.json` say?
//!
//! An index: the list of runs, and the metadata of every node below for readers that ask for it
//! consolidated. All of it can be rebuilt from the run groups.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ours, ROOT_LIMIT_BYTES};
use crate::store::error::StoreError;

/// Attributes of the root group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct RootAttributes {
    pub(in crate::store) voxstore: Root,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::store) struct Root {
    schema: String,
    pub(in crate::store) created: String,
    tool: String,
    pub(in crate::store) runs: Vec<IndexEntry>,
}

/// The root's attributes without the list of runs, which grows with the store.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::store) struct RootHead {
    pub(in crate::store) voxstore: Head,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::store) struct Head {
    schema: String,
    pub(in crate::store) created: String,
}

/// A line about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct IndexEntry {
    pub(in crate::store) path: String,
    pub(in crate::store) grid: String,
    pub(in crate::store) shape: Vec<u64>,
    pub(in crate::store) dtype: String,
    pub(in crate::store) tr_s: Option<f64>,
    pub(in crate::store) source_sha256: Option<String>,
}

impl Ours for RootAttributes {
    const LIMIT_BYTES: u64 = ROOT_LIMIT_BYTES;

    fn schema(&self) -> &str {
        &self.voxstore.schema
    }
}

impl Ours for RootHead {
    const LIMIT_BYTES: u64 = ROOT_LIMIT_BYTES;

    fn schema(&self) -> &str {
        &self.voxstore.schema
    }
}

impl RootAttributes {
    pub(in crate::store) fn new(created: String, runs: Vec<IndexEntry>) -> Self {
        let root = Root { schema: super::SCHEMA.to_owned(), created, tool: super::tool(), runs };
        Self { voxstore: root }
    }
}

/// Writes the root's file: pretty attributes, then one line a node. Nodes are taken one by one, so
/// that a store of many runs is indexed in little memory. `path` is named in errors.
pub(in crate::store) fn write_root(
    out: &mut impl Write,
    path: &Path,
    attributes: &RootAttributes,
    nodes: impl Iterator<Item = Result<(String, Value), StoreError>>,
) -> Result<(), StoreError> {
    let text = serde_json::to_string_pretty(attributes);
    let text = text.map_err(|e| StoreError::io("write", path)(e.into()))?;
    let mut put =
        |piece: &str| out.write_all(piece.as_bytes()).map_err(StoreError::io("write", path));
    put("{\n\"zarr_format\": 3,\n\"node_type\": \"group\",\n\"attributes\": ")?;
    put(&text)?;
    put(",\n\"consolidated_metadata\": {\n\"kind\": \"inline\",\n")?;
    put("\"must_understand\": false,\n\"metadata\": {")?;
    for (at, node) in nodes.enumerate() {
        let (name, value) = node?;
        put(if at == 0 { "\n" } else { ",\n" })?;
        put(&format!("{}: {value}", Value::String(name)))?;
    }
    put("\n}\n}\n}\n")
}
