//! What does a folder say it is?
//!
//! Reads the metadata files of Zarr v3 (`zarr.json`) and v2 (`.zgroup`, `.zarray`, `.zattrs`) as JSON, and
//! tells group from array and ours from others'. What an array's file says is `described`'s matter.

use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{Complain, ForeignError};
use crate::files::{self, File};
use crate::store::is_theirs;

/// No metadata file of one image or array is larger; consolidated ones are passed over as they are read.
const METADATA_LIMIT_BYTES: u64 = 16 << 20;

/// The attribute of everything that voxstore writes but the arrays of its runs.
const OURS: &str = "voxstore";
const V3: &str = "zarr.json";
const V2_GROUP: &str = ".zgroup";
const V2_ARRAY: &str = ".zarray";
const V2_ATTRIBUTES: &str = ".zattrs";

/// The version of the Zarr format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    V2,
    V3,
}

/// A Zarr node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) format: Format,
    pub(super) is_array: bool,
    /// Its metadata file.
    pub(super) file: PathBuf,
    pub(super) attributes: Map<String, Value>,
}

#[derive(Deserialize)]
struct V3Head {
    zarr_format: u64,
    node_type: String,
    #[serde(default)]
    attributes: Map<String, Value>,
}

impl Node {
    /// The node of a folder; `None` where it is no Zarr node at all.
    pub(super) fn of(folder: &Path) -> Result<Option<Self>, ForeignError> {
        let file = folder.join(V3);
        if is_file(&file) {
            let head: V3Head = read_json(&file)?;
            if head.zarr_format != 3 {
                return Err(Complain(&file).unsupported(
                    "zarr_format",
                    "2 and 3",
                    head.zarr_format,
                ));
            }
            let is_array = match head.node_type.as_str() {
                "array" => true,
                "group" => false,
                other => return Err(Complain(&file).wrong("node_type", "array or group", other)),
            };
            return Ok(Some(Self {
                format: Format::V3,
                is_array,
                file,
                attributes: head.attributes,
            }));
        }
        for (name, is_array) in [(V2_ARRAY, true), (V2_GROUP, false)] {
            let file = folder.join(name);
            if is_file(&file) {
                let beside = folder.join(V2_ATTRIBUTES);
                let attributes = if is_file(&beside) { read_json(&beside)? } else { Map::new() };
                return Ok(Some(Self { format: Format::V2, is_array, file, attributes }));
            }
        }
        Ok(None)
    }

    /// True where voxstore wrote it, or the group that an array lies in.
    pub(super) fn is_ours(&self, folder: &Path) -> bool {
        self.attributes.contains_key(OURS) || (self.is_array && is_of_ours(folder))
    }
}

/// True for a folder that holds a Zarr node, of either version of the format, that voxstore did not write.
///
/// Looks at no more of its metadata than that takes: ours may be large.
pub fn is_foreign(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let file = path.join(V3);
    if is_file(&file) {
        return is_theirs(&file) && !is_of_ours(path);
    }
    [V2_ARRAY, V2_GROUP].iter().any(|name| is_file(&path.join(name)))
}

fn is_file(path: &Path) -> bool {
    files::look(path).is_ok_and(|found| found.is_file())
}

/// True for what lies in a run of ours, whose arrays have no attributes of ours.
fn is_of_ours(folder: &Path) -> bool {
    let Ok(folder) = files::canonicalize(folder) else { return false };
    let group = folder.parent().map(|above| above.join(V3));
    group.is_some_and(|file| is_file(&file) && !is_theirs(&file))
}

/// The JSON of a file that is not too large to be metadata.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ForeignError> {
    let file = File::open(path).map_err(ForeignError::io("open", path))?;
    let found = file.metadata().map_err(ForeignError::io("read", path))?.len();
    if found > METADATA_LIMIT_BYTES {
        let expected = format!("at most {METADATA_LIMIT_BYTES} bytes");
        return Err(Complain(path).unsupported("its size", expected, found));
    }
    let text = BufReader::new(file.take(METADATA_LIMIT_BYTES));
    serde_json::from_reader(text).map_err(|error| {
        if error.is_io() {
            return ForeignError::io("read", path)(error.into());
        }
        Complain(path).wrong("JSON", "metadata of Zarr", error)
    })
}

/// True for an error that says that nothing is there.
pub(super) fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}
