//! What does the root's `zarr.json` say?
//!
//! An index: the list of runs, and the metadata of every node below for readers that ask for it
//! consolidated. All of it can be rebuilt from the run groups.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::{Ours, ROOT_LIMIT_BYTES, read_json_within};
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

/// Tells a piece of metadata from another, whatever the order of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct NodeDigest(u128);

impl NodeDigest {
    pub(in crate::store) fn of(mut node: Value) -> Self {
        node.sort_all_objects();
        Self(xxh3_128(node.to_string().as_bytes()))
    }
}

impl<'de> Deserialize<'de> for NodeDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::of)
    }
}

/// What the root repeats of the runs, as digests: the root grows with the store.
#[derive(Debug)]
pub(in crate::store) struct RootCopies {
    /// Lines about runs, by path.
    pub(in crate::store) runs: BTreeMap<String, NodeDigest>,
    /// Metadata of nodes, by path.
    pub(in crate::store) nodes: BTreeMap<String, NodeDigest>,
}

impl RootCopies {
    /// Reads the root's file.
    ///
    /// # Errors
    /// When it is not as we write it.
    pub(in crate::store) fn read(path: &Path) -> Result<Self, StoreError> {
        let found: CopiesFile = read_json_within(path, ROOT_LIMIT_BYTES)?;
        let Copies { kind, must_understand, metadata } = found.consolidated_metadata;
        if (kind.as_str(), must_understand) != ("inline", false) {
            let found = format!("{kind}, {must_understand}");
            let field = "consolidated_metadata.kind, .must_understand";
            return Err(StoreError::metadata(path, field, "inline, false", found));
        }
        let lines = found.attributes.voxstore.runs.into_iter();
        Ok(Self { runs: lines.map(|line| (line.path, line.digest)).collect(), nodes: metadata })
    }

    /// Whether there are metadata of a run's group, or of an array in it.
    pub(in crate::store) fn tell_of_nodes_of(&self, run: &str) -> bool {
        let below = format!("{run}/");
        let mut from = self.nodes.range(below.clone()..);
        self.nodes.contains_key(run)
            || from.next().is_some_and(|(name, _)| name.starts_with(&below))
    }
}

#[derive(Debug, Deserialize)]
struct CopiesFile {
    attributes: CopiesAttributes,
    consolidated_metadata: Copies,
}

#[derive(Debug, Deserialize)]
struct CopiesAttributes {
    voxstore: CopiesRoot,
}

#[derive(Debug, Deserialize)]
struct CopiesRoot {
    #[serde(rename = "tool")]
    _tool: String,
    runs: Vec<Line>,
}

/// `Consolidated` without the nodes themselves.
#[derive(Debug, Deserialize)]
struct Copies {
    kind: String,
    must_understand: bool,
    metadata: BTreeMap<String, NodeDigest>,
}

#[derive(Debug)]
struct Line {
    path: String,
    digest: NodeDigest,
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Value::deserialize(deserializer)?;
        let path =
            line["path"].as_str().ok_or_else(|| de::Error::missing_field("path"))?.to_owned();
        Ok(Self { path, digest: NodeDigest::of(line) })
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
