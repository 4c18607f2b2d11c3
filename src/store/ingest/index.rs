//! How does the root get to list what is in the folders?
//!
//! Rebuilt whole at the end of every ingest, from the run groups, so that whatever went wrong before
//! is repaired. Runs are read one at a time, and none is changed. A run whose metadata cannot be read
//! is left out; opening it says why.

use std::collections::BTreeSet;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use serde_json::Value;

use super::seal::now;
use super::stage::Staging;
use super::twins::Twins;
use crate::files;
use crate::store::error::StoreError;
use crate::store::layout::{METADATA, parents};
use crate::store::list_runs;
use crate::store::metadata::{
    Consolidated, RootAttributes, RootHead, RunAttributes, read_group, read_json, write_root,
};

/// A node's path and its metadata.
pub(in crate::store) type Node = (String, Value);

/// Writes the root's metadata anew, where there is a store, and says which runs hold the same voxels.
pub(super) fn rebuild(store: &Path, staging: &Staging) -> Result<Twins, StoreError> {
    let _lock = staging.lock_store()?;
    let mut twins = Twins::default();
    let root = store.join(METADATA);
    if !files::exists(&root).map_err(StoreError::io("open", &root))? {
        // No run has ever been put in place.
        return Ok(twins);
    }
    let mut entries = Vec::new();
    for path in list_runs(store)? {
        let run = readable(read_group::<RunAttributes>(&store.join(&path).join(METADATA)))?;
        let Some(run) = run else { continue };
        twins.note(&path, run.voxels());
        entries.push(run.index_entry(&path));
    }
    let head = readable(read_group::<RootHead>(&root))?;
    let created = head.map_or_else(now, |root| root.voxstore.created);
    let paths: Vec<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    let attributes = RootAttributes::new(created, entries);

    let mut seen = BTreeSet::new();
    // A node that cannot be read ends the list.
    let nodes = paths.iter().flat_map(|run| match nodes_of(store, run, &mut seen) {
        Ok(nodes) => nodes.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    staging.replace_root(|file| {
        let mut out = BufWriter::new(file);
        write_root(&mut out, &root, &attributes, nodes)?;
        out.flush().map_err(StoreError::io("write", &root))
    })?;
    Ok(twins)
}

/// What was read; nothing where what is there is absent or damaged. A disk that fails is an error: what it
/// holds may be well, and an index without it would be wrong.
fn readable<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error @ StoreError::Io { .. }) => Err(error),
        Err(_) => Ok(None),
    }
}

/// A run's group, the arrays in it, and the plain groups above it that were not seen before.
pub(in crate::store) fn nodes_of(
    store: &Path,
    run: &str,
    seen: &mut BTreeSet<String>,
) -> Result<Vec<Node>, StoreError> {
    let mut nodes = Vec::new();
    for group in parents(run) {
        if seen.insert(group.to_owned()) {
            nodes.push((group.to_owned(), read_json::<Value>(&store.join(group).join(METADATA))?));
        }
    }
    let file = store.join(run).join(METADATA);
    let mut group = read_json::<Value>(&file)?;
    let below = group.as_object_mut().and_then(|fields| fields.remove("consolidated_metadata"));
    nodes.push((run.to_owned(), group));
    let below: Option<Consolidated> = below.and_then(|value| serde_json::from_value(value).ok());
    let below = below.map(|consolidated| consolidated.metadata).unwrap_or_default();
    nodes.extend(below.into_iter().map(|(name, array)| (format!("{run}/{name}"), array)));
    Ok(nodes)
}
