//! Is what is told of a run beside its voxels true?
//!
//! Most of it was written twice or more, in attributes, in arrays and for viewers, and all of that follows from
//! the header's bytes. So it is made anew from them, by the code that makes it at ingest, and compared field by
//! field. What only an ingest knows (names, times, digests of the source) is taken as it is: the copy of it
//! in the root is `index`'s matter.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Damage;
use crate::run::{HeaderFacts, RunInfo};
use crate::runtime::Budget;
use crate::store::StoreError;
use crate::store::checksums::Checksums;
use crate::store::layout::{HEADER, METADATA, VOXELS, turned};
use crate::store::metadata::{GroupFile, read_json, tool};
use crate::store::open_run::OpenedRun;
use crate::store::own_file;
use crate::store::small_arrays::{SmallArray, small_array_bytes, small_arrays, voxel_file};

/// Longer values are cut in messages.
const SHOWN_CHARS: usize = 120;

/// Compares what is told of a run with what `judge` says follows from its header.
pub(super) fn check(
    run: &OpenedRun,
    store: &Path,
    told: &RunInfo,
    judge: impl FnOnce(&RunInfo) -> Result<HeaderFacts, String>,
    budget: &Budget,
) -> Result<Vec<Damage>, StoreError> {
    let source = run.source();
    let info = if told.header.is_empty() {
        // Of a run that never was a file: what is told must still agree with itself.
        told.clone()
    } else {
        match judge(told) {
            Ok(facts) => {
                let damage = shape_and_type(run, &facts);
                if !damage.is_empty() {
                    return Ok(damage);
                }
                facts.info
            }
            Err(reason) => {
                let file = source.array_dir.with_file_name(HEADER);
                let reason = format!("the header's bytes are not those of such a run: {reason}");
                return Ok(vec![Damage::told(file, None, reason)]);
            }
        }
    };
    let checksums = source.checksums.as_ref().map(Checksums::to_bytes).unwrap_or_default();
    let needed_bytes = small_array_bytes(&source.layout).saturating_add(checksums.len() as u64);
    let _lease = budget.lease("verify", needed_bytes)?;

    let mut compared = Compared { exact: run.attributes().tool() == tool(), damage: Vec::new() };
    let dir = store.join(&source.name);
    let mut nodes = BTreeMap::new();
    for small in small_arrays(&info, &source.layout, &checksums) {
        let small = small?;
        let array_dir = dir.join(small.name);
        compared.chunk(&array_dir, &small);
        let node = compared.json(array_dir.join(METADATA), &small.to_file());
        nodes.insert(small.name.to_owned(), node);
    }
    let voxels = voxel_file(&info, &source.layout, source.dtype);
    let node = compared.json(dir.join(VOXELS).join(METADATA), &voxels);
    nodes.insert(VOXELS.to_owned(), node);
    let attributes = run.attributes().anew(&source.name, &info);
    compared.json(dir.join(METADATA), &GroupFile::new(attributes).consolidated(nodes));
    Ok(compared.damage)
}

/// What the attributes say of the chunk files' size, where all of them are whole and have this size.
pub(super) fn check_stored_bytes(run: &OpenedRun, read_bytes: u64) -> Option<Damage> {
    let told = run.attributes().voxels().stored_bytes;
    (told != read_bytes).then(|| {
        let field = "attributes.voxstore.voxels.stored_bytes".to_owned();
        let reason = format!("is {told}, the chunk files have {read_bytes}");
        Damage::told(run.metadata_file().to_owned(), Some(field), reason)
    })
}

/// Blocks of blosc's own choice, as all runs had before those of `blosc-zstd` were set; a reader need not know.
fn is_blocks_by_blosc(field: &str, found: &Value) -> bool {
    field.ends_with("codecs[1].configuration.blocksize") && found.as_u64() == Some(0)
}

/// Lengths and type of the voxels: nothing else can be true where these are not.
fn shape_and_type(run: &OpenedRun, facts: &HeaderFacts) -> Vec<Damage> {
    let voxels = run.attributes().voxels();
    let (shape, dtype) = (turned(&facts.shape), facts.dtype.name());
    let lies = [
        ("shape", voxels.shape[..] != shape, format!("{:?}", voxels.shape), format!("{shape:?}")),
        ("dtype", voxels.dtype != dtype, voxels.dtype.clone(), dtype.to_owned()),
    ];
    let lies = lies.into_iter().filter(|(_, differs, ..)| *differs);
    lies.map(|(field, _, found, expected)| {
        let reason = format!("is {found}, the header's bytes say {expected}");
        let field = format!("attributes.voxstore.voxels.{field}");
        Damage::told(run.metadata_file().to_owned(), Some(field), reason)
    })
    .collect()
}

/// What differs, so far.
struct Compared {
    /// The run was written by this very voxstore: it has no fields that we do not know, and all that we do.
    exact: bool,
    damage: Vec<Damage>,
}

impl Compared {
    /// Compares a metadata file with what it should say, which is given back.
    fn json(&mut self, file: PathBuf, expected: &impl Serialize) -> Value {
        let expected = serde_json::to_value(expected).unwrap_or_default();
        match read_json::<Value>(&file) {
            Ok(found) => self.value(&file, String::new(), Some(&found), Some(&expected)),
            Err(error) => self.damage.push(Damage::told(file, None, error)),
        }
        expected
    }

    fn value(&mut self, file: &Path, at: String, found: Option<&Value>, expected: Option<&Value>) {
        match (found, expected) {
            (Some(Value::Object(found)), Some(Value::Object(expected))) => {
                self.fields(file, &at, found, expected);
            }
            (Some(Value::Array(found)), Some(Value::Array(expected)))
                if found.len() == expected.len() =>
            {
                for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                    self.value(file, format!("{at}[{index}]"), Some(found), Some(expected));
                }
            }
            (Some(found), Some(expected)) if same(found, expected) => {}
            (Some(found), Some(_)) if is_blocks_by_blosc(&at, found) => {}
            (None, Some(_)) | (Some(_), None) if !self.exact => {}
            (found, expected) => {
                let reason = format!("is {}, expected {}", shown(found), shown(expected));
                self.damage.push(Damage::told(file.to_owned(), Some(at), reason));
            }
        }
    }

    fn fields(
        &mut self,
        file: &Path,
        at: &str,
        found: &Map<String, Value>,
        expected: &Map<String, Value>,
    ) {
        let more = found.keys().filter(|key| !expected.contains_key(*key));
        for key in expected.keys().chain(more) {
            let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
            self.value(file, at, found.get(key), expected.get(key));
        }
    }

    /// Compares the chunk of a small array with what it should be.
    fn chunk(&mut self, array_dir: &Path, small: &SmallArray) {
        if small.chunk.is_empty() {
            return;
        }
        let path = array_dir.join(small.chunk_file());
        // No byte more than there should be is read.
        let read = |bytes: &mut Vec<u8>| -> std::io::Result<u64> {
            let (file, found) = own_file::open(&path)?;
            file.take(small.chunk.len() as u64).read_to_end(bytes)?;
            Ok(found)
        };
        let (mut bytes, expected) = (Vec::new(), small.chunk.len() as u64);
        let reason = match read(&mut bytes) {
            Ok(found) if found != expected => format!("has {found} bytes, expected {expected}"),
            Ok(_) => match bytes.iter().zip(&small.chunk).position(|(a, b)| a != b) {
                Some(at) => format!("differs from byte {at} on from what the run's facts give"),
                None => return,
            },
            Err(error) => format!("cannot be read: {error}"),
        };
        self.damage.push(Damage::told(path, None, reason));
    }
}

/// The same value: `2` and `2.0` are one number.
fn same(a: &Value, b: &Value) -> bool {
    let float = |value: &Value| value.is_f64();
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) if float(a) || float(b) => x.to_bits() == y.to_bits(),
        _ => a == b,
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or("not there".to_owned(), Value::to_string);
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
