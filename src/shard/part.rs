//! What does a part say of itself?
//!
//! Serde structs of the attributes of a part's group: which job it is of, which units are in it, and how it was asked for.
//! `docs/format.md` is this file in prose. Equal shards of equal jobs give equal text: there is no date in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::error::Difference;
use super::units::Shard;
use super::write::Typed;
use crate::run::Run;

/// Version of what lies in parts. It grows when a state is kept in another way.
pub(super) const STATE_VERSION: u32 = 1;
/// Version of a request's JSON.
const REQUEST_VERSION: u32 = 1;

/// A job, as far as its states depend on it: not on memory, threads or the number of shards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    version: u32,
    /// The job: `tsnr`.
    pub(super) kind: String,
    /// Its options, by their names.
    definition: Value,
    /// Its runs, in their order.
    sources: Vec<Fingerprint>,
}

/// What tells a source from another, or from what it was before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    file_name: String,
    file_bytes: u64,
    modified: Option<String>,
    header_xxh3: String,
    sha256: Option<String>,
    shape: Vec<u64>,
    data_type: String,
    slope: f64,
    inter: f64,
}

impl Fingerprint {
    /// Reads no voxel.
    pub(crate) fn of(run: &Run) -> Self {
        let info = run.info();
        Self {
            file_name: info.origin.file_name.clone(),
            file_bytes: info.origin.file_bytes,
            modified: info.origin.modified.clone(),
            header_xxh3: format!("{:032x}", xxh3_128(&info.header)),
            sha256: info.origin.sha256.clone(),
            shape: run.shape().to_vec(),
            data_type: run.source().dtype().name().to_owned(),
            slope: info.scaling.slope,
            inter: info.scaling.inter,
        }
    }
}

impl Request {
    pub(crate) fn new(kind: &str, definition: Value, runs: &[Run]) -> Self {
        let sources = runs.iter().map(Fingerprint::of).collect();
        Self { version: REQUEST_VERSION, kind: kind.to_owned(), definition, sources }
    }

    /// XXH3-128 of the request's JSON, in hex.
    pub(super) fn hash(&self) -> String {
        // Writing to memory fails for maps with keys that are no strings; there are none.
        let text = serde_json::to_vec(self).unwrap_or_default();
        format!("xxh3-128:{:032x}", xxh3_128(&text))
    }

    /// The first thing in which two requests differ.
    pub(super) fn difference(&self, other: &Self) -> Option<Difference> {
        let values = [self, other].map(|request| serde_json::to_value(request).unwrap_or_default());
        difference("", &values[0], &values[1])
    }
}

fn difference(name: &str, one: &Value, other: &Value) -> Option<Difference> {
    if one == other {
        return None;
    }
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    let null = Value::Null;
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).find_map(|k| {
            difference(&below(k), a.get(k).unwrap_or(&null), b.get(k).unwrap_or(&null))
        }),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut both = a.iter().zip(b).enumerate();
            both.find_map(|(k, (a, b))| difference(&format!("{name}[{k}]"), a, b))
        }
        (Value::Array(a), Value::Array(b)) => {
            let what = format!("number of {name}");
            Some(Difference { what, expected: a.len().to_string(), found: b.len().to_string() })
        }
        _ => Some(Difference {
            what: name.to_owned(),
            expected: one.to_string(),
            found: other.to_string(),
        }),
    }
}

/// The attributes of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PartFile {
    pub(super) state_version: u32,
    /// The hash of the request.
    pub(super) plan: String,
    pub(super) request: Request,
    pub(super) shard: Shard,
    pub(super) units: UnitRange,
    pub(super) runs: Vec<RunOfPart>,
    /// What sources said that were read.
    pub(super) warnings: Vec<String>,
    pub(super) typed: Option<Typed>,
}

/// Units `first` to before `end`, of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnitRange {
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) total: u64,
}

/// The states of a set of runs, mostly of one, of some of its planes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunOfPart {
    /// The number of the set: of its first run, among those that are read.
    pub(super) run: usize,
    /// The name of the run, or the names of several.
    pub(super) name: String,
    /// The group that its states are in.
    pub(super) group: String,
    /// Index, along the last axis of the cells (the first on disk), of the first that is here.
    pub(super) start: u64,
    /// How many are here.
    pub(super) len: u64,
    pub(super) states: Vec<StateOfRun>,
    /// What the job found out of the run before it was summed.
    pub(super) found: BTreeMap<String, u64>,
}

/// One state, or finished values: a group of arrays, one a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StateOfRun {
    /// What is kept.
    pub(super) kept: String,
    pub(super) components: Vec<String>,
}

impl RunOfPart {
    pub(super) fn group_name(set: usize) -> String {
        format!("run-{set:05}")
    }

    /// The array of a component in the run's group.
    pub(super) fn array_name(state: usize, component: &str) -> String {
        format!("state-{state}.{component}")
    }
}
