//! Elements of a source, seen through a view.

use std::collections::HashSet;
use std::sync::Arc;

use crate::lazy::{Node, Op, View};
use crate::source::{Access, Source};

/// Elements of a source, seen through a view.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) view: View,
}

impl Leaf {
    /// The source's identity.
    pub(crate) fn address(&self) -> usize {
        address(&self.source)
    }

    pub(crate) fn is_sequential(&self) -> bool {
        self.source.access() == Access::Sequential
    }

    /// The leaf's natural block length along `axis` and where its first whole block starts, both in
    /// the leaf's own indices; `None` for stepped axes, and in memory, where any cut is as good.
    pub(crate) fn block_along(&self, axis: usize) -> Option<(u64, u64)> {
        let driven = self.view.driven_by(axis)?;
        let (start, step) = self.view.run(axis)?;
        let block = self.source.block_shape()[driven].max(1);
        let stored = self.source.stored_bytes() > 0;
        (stored && step == 1).then(|| (block, (block - start % block) % block))
    }
}

/// The identity of a source.
pub(crate) fn address(source: &Arc<dyn Source>) -> usize {
    Arc::as_ptr(source).cast::<()>().addr()
}

/// Every leaf of an expression, each once.
pub(crate) fn leaves_of(node: &Arc<Node>) -> Vec<Leaf> {
    fn visit(node: &Arc<Node>, seen: &mut HashSet<usize>, leaves: &mut Vec<Leaf>) {
        if !seen.insert(Arc::as_ptr(node).addr()) {
            return;
        }
        if let Op::Leaf { source, view } = &node.op {
            let known = |leaf: &Leaf| Arc::ptr_eq(&leaf.source, source) && leaf.view == *view;
            if !leaves.iter().any(known) {
                leaves.push(Leaf { source: Arc::clone(source), view: view.clone() });
            }
        }
        for child in node.children() {
            visit(child, seen, leaves);
        }
    }
    let (mut seen, mut leaves) = (HashSet::new(), Vec::new());
    visit(node, &mut seen, &mut leaves);
    leaves
}
