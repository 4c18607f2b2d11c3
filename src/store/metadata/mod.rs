//! What do the `zarr.json` files say?
//!
//! Serde structs of what is on disk, and the ways from them to our types and back. The only place
//! in the crate that gives a store's JSON a shape. Every file is pretty-printed with its fields in
//! the order of the structs, so equal runs give equal text. Knows nothing of chunks' bytes.

mod array;
mod lone_array;
mod ome;
mod orientation;
mod plain_json;
mod root;
mod run;

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use array::{ArrayAttributes, ArrayFile, StoredArray};
pub(super) use lone_array::{PlainAttributes, PlainWritten};
pub(super) use root::{IndexEntry, NodeDigest, RootAttributes, RootCopies, RootHead, write_root};
pub(super) use run::{EMPTY_CHUNKS, RunAttributes, RunWritten, StoredVoxels, labels_known};

use super::{StoreError, own_file};
use crate::files::File;

/// The schema this voxstore writes, and the newest it reads.
pub(super) const SCHEMA: &str = "1";
/// Status of a run whose chunks are all in place.
pub(super) const COMPLETE: &str = "complete";
/// The most that the root's file can have, which grows with the number of runs; a larger one is not read.
const ROOT_LIMIT_BYTES: u64 = 256 << 20;
/// The most that any other can: a run's holds a sidecar, and parsed that takes tens of times its text.
const NODE_LIMIT_BYTES: u64 = 4 << 20;

/// What may be done with what another tool wrote.
pub(super) const THEIRS: &str =
    "what another tool wrote is read with foreign::open (tsnr, reduce, info) and never written to";

/// Name and version, for what files record.
pub(super) fn tool() -> String {
    concat!("voxstore ", env!("CARGO_PKG_VERSION")).to_owned()
}

/// `zarr.json` of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GroupFile<A> {
    zarr_format: u8,
    node_type: NodeType,
    attributes: A,
    /// For other tools; not read back, as the root's grows with the number of runs.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    consolidated_metadata: Option<Consolidated>,
}

impl<A> GroupFile<A> {
    pub(super) fn new(attributes: A) -> Self {
        Self { zarr_format: 3, node_type: NodeType::Group, attributes, consolidated_metadata: None }
    }

    pub(super) fn consolidated(mut self, nodes: BTreeMap<String, Value>) -> Self {
        self.consolidated_metadata = Some(Consolidated::new(nodes));
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NodeType {
    Group,
    Array,
}

/// Metadata of the nodes below a group, as zarr-python writes and reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Consolidated {
    kind: String,
    must_understand: bool,
    pub(super) metadata: BTreeMap<String, Value>,
}

impl Consolidated {
    fn new(metadata: BTreeMap<String, Value>) -> Self {
        Self { kind: "inline".to_owned(), must_understand: false, metadata }
    }
}

/// Attributes of a group that has none.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct NoAttributes {}

/// Attributes of a node of ours.
pub(super) trait Ours: DeserializeOwned {
    /// The most that the node's file can have.
    const LIMIT_BYTES: u64 = NODE_LIMIT_BYTES;

    fn schema(&self) -> &str;

    /// `None` of the root, which has no chunks that could be missing.
    fn status(&self) -> Option<&str> {
        None
    }
}

/// Just enough of a node to say what is wrong with it.
#[derive(Debug, Deserialize)]
struct Peek {
    node_type: NodeType,
    #[serde(default)]
    attributes: PeekAttributes,
}

#[derive(Debug, Default, Deserialize)]
struct PeekAttributes {
    voxstore: Option<PeekOurs>,
}

#[derive(Debug, Deserialize)]
struct PeekOurs {
    schema: String,
    status: Option<String>,
}

/// Reads the attributes of a group of ours.
///
/// # Errors
/// `NotAStore` where the group is somebody else's, `NewerSchema`, `Incomplete`, `Metadata`, `Io`.
pub(super) fn read_group<A: Ours>(path: &Path) -> Result<A, StoreError> {
    let group: GroupFile<A> = read_json_within(path, A::LIMIT_BYTES).map_err(|error| {
        explained(path, error, |peek| {
            peek.attributes.voxstore.is_none().then(|| StoreError::NotAStore {
                path: path.to_owned(),
                found: "a Zarr group without voxstore's attributes".to_owned(),
                help: THEIRS,
            })
        })
    })?;
    check_ours(path, group.attributes.schema(), group.attributes.status())?;
    if (group.zarr_format, group.node_type) != (3, NodeType::Group) {
        let found = format!("{:?} of format {}", group.node_type, group.zarr_format);
        return Err(StoreError::metadata(path, "node_type", "a group of Zarr format 3", found));
    }
    Ok(group.attributes)
}

/// Reads the file of a plain array of ours.
///
/// # Errors
/// `NotAnArray` where the node is a group or somebody else's, `NewerSchema`, `Incomplete`, `Metadata`,
/// `Io`.
pub(super) fn read_array(path: &Path) -> Result<ArrayFile<PlainAttributes>, StoreError> {
    let array: ArrayFile<PlainAttributes> = read_json(path).map_err(|error| {
        explained(path, error, |peek| {
            let (found, help) = match (peek.node_type, &peek.attributes.voxstore) {
                (NodeType::Group, _) => ("a Zarr group", "open a store and name a run"),
                (NodeType::Array, None) => ("a Zarr array without voxstore's attributes", THEIRS),
                (NodeType::Array, Some(_)) => return None,
            };
            let dir = path.parent().unwrap_or(path).to_owned();
            Some(StoreError::NotAnArray { path: dir, found: found.to_owned(), help })
        })
    })?;
    check_ours(path, array.attributes.schema(), array.attributes.status())?;
    Ok(array)
}

/// What is wrong with a file that could not be read as one of ours: what `theirs` makes of it, another
/// schema, an unfinished run, else `error`. Only here is a file read twice.
fn explained(
    path: &Path,
    error: StoreError,
    theirs: impl FnOnce(&Peek) -> Option<StoreError>,
) -> StoreError {
    let Ok(peek) = read_json_within::<Peek>(path, ROOT_LIMIT_BYTES) else { return error };
    let not_ours = theirs(&peek);
    let Some(ours) = peek.attributes.voxstore else { return not_ours.unwrap_or(error) };
    let refused = || check_ours(path, &ours.schema, ours.status.as_deref()).err();
    not_ours.or_else(refused).unwrap_or(error)
}

/// True when another tool wrote the node with this metadata file.
pub(crate) fn is_theirs(path: &Path) -> bool {
    read_json::<Peek>(path).is_ok_and(|peek| peek.attributes.voxstore.is_none())
}

/// True when a Zarr array has this metadata file, whoever wrote it.
pub(super) fn is_array(path: &Path) -> bool {
    read_json::<Peek>(path).is_ok_and(|peek| peek.node_type == NodeType::Array)
}

fn check_ours(path: &Path, schema: &str, status: Option<&str>) -> Result<(), StoreError> {
    let number = |text: &str| text.parse::<u64>().ok();
    if number(schema) > number(SCHEMA) {
        let (path, found) = (path.to_owned(), schema.to_owned());
        return Err(StoreError::NewerSchema { path, found, supported: SCHEMA });
    }
    if schema != SCHEMA {
        return Err(StoreError::metadata(path, "schema", SCHEMA, schema));
    }
    match status.filter(|status| *status != COMPLETE) {
        Some(found) => {
            Err(StoreError::Incomplete { path: path.to_owned(), found: found.to_owned() })
        }
        None => Ok(()),
    }
}

/// Reads the metadata file of any node but the root.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    read_json_within(path, NODE_LIMIT_BYTES)
}

/// Reads a metadata file of at most so many bytes. What `T` does not ask for is passed over and never held.
fn read_json_within<T: DeserializeOwned>(path: &Path, most_bytes: u64) -> Result<T, StoreError> {
    let (file, found) = own_file::open(path).map_err(StoreError::io("open", path))?;
    if found > most_bytes {
        let expected = format!("at most {most_bytes} bytes");
        return Err(StoreError::metadata(path, "the file", expected, found));
    }
    serde_json::from_reader(BufReader::new(file.take(most_bytes))).map_err(|error| {
        if error.is_io() {
            return StoreError::io("read", path)(error.into());
        }
        StoreError::metadata(path, "JSON", "what voxstore writes", error)
    })
}

/// Writes a new metadata file and returns what it says as a value, for consolidation.
pub(super) fn write_json<T: Serialize>(path: &Path, content: &T) -> Result<Value, StoreError> {
    let write = || -> io::Result<Value> {
        let value = serde_json::to_value(content)?;
        let mut text = serde_json::to_vec_pretty(content)?;
        text.push(b'\n');
        if text.len() as u64 > NODE_LIMIT_BYTES {
            let found = text.len();
            let message = format!(
                "it would have {found} bytes, more than {NODE_LIMIT_BYTES}; shorten the sidecar"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        File::create_new(path)?.write_all(&text)?;
        Ok(value)
    };
    write().map_err(StoreError::io("write", path))
}
