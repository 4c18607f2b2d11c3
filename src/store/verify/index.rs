//! Does the root tell the truth about the runs?
//!
//! Its list and its copy of every node's metadata are held against the runs' own files. Other tools read
//! the copy alone.

use std::collections::BTreeSet;

use super::{Damage, VerifiedIndex};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::ingest::nodes_of;
use crate::store::layout::METADATA;
use crate::store::metadata::{NodeDigest, RootCopies, RunAttributes, read_group};

/// What would help.
const REMEDY: &str = "the root is older than the runs (an ingest is under way, or was stopped) or damaged; the next \
    ingest writes it anew";

/// Compares the root with these runs; where they are all there are, it may tell of no others.
pub(super) fn check(store: &Store, runs: &[String]) -> Result<VerifiedIndex, StoreError> {
    let root = store.path().join(METADATA);
    let lie = |field: String, reason: &str| {
        Damage::told(root.clone(), Some(field), format!("{reason}; {REMEDY}"))
    };
    let mut copies = match RootCopies::read(&root) {
        Ok(copies) => copies,
        Err(error @ StoreError::Metadata { .. }) => {
            let damage = vec![Damage::told(root, None, error)];
            return Ok(VerifiedIndex { unlisted: Vec::new(), damage });
        }
        Err(error) => return Err(error),
    };
    let (mut unlisted, mut damage, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for run in runs {
        // A run that cannot be opened is told of when it is verified; it is in no index.
        let file = store.path().join(run).join(METADATA);
        let Ok(attributes) = read_group::<RunAttributes>(&file) else { continue };
        let entry =
            NodeDigest::of(serde_json::to_value(attributes.index_entry(run)).unwrap_or_default());
        let line = copies.runs.remove(run);
        let is_unlisted = line.is_none() && !copies.tell_of_nodes_of(run);
        if is_unlisted {
            unlisted.push(run.clone());
        } else if line != Some(entry) {
            let reason = if line.is_some() { "not what the run says" } else { "not there" };
            damage.push(lie(format!("attributes.voxstore.runs: {run}"), reason));
        }
        for (name, node) in nodes_of(store.path(), run, &mut seen)? {
            let found = copies.nodes.remove(&name);
            let is_missing = found.is_none();
            if found != Some(NodeDigest::of(node)) && !(is_missing && is_unlisted) {
                let reason = if is_missing { "not there" } else { "not what its file says" };
                damage.push(lie(format!("consolidated_metadata: {name}"), reason));
            }
        }
    }
    if runs.len() == store.runs().len() {
        // Of a run that is not there, its line speaks for its nodes.
        let below = |node: &str| copies.runs.keys().any(|run| node.starts_with(run.as_str()));
        let nodes = copies.nodes.keys().filter(|node| !below(node));
        let runs = copies.runs.keys().map(|run| ("attributes.voxstore.runs", run));
        let left = runs.chain(nodes.map(|node| ("consolidated_metadata", node)));
        damage
            .extend(left.map(|(list, name)| lie(format!("{list}: {name}"), "is not in the store")));
    }
    Ok(VerifiedIndex { unlisted, damage })
}
