//! Elements of a source, seen through a view.

use std::collections::HashSet;
use std::sync::Arc;

use crate::lazy::{Node, Op, View};
use crate::source::{Access, Source, address};

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
}

/// Where a node that is a leaf stands in a list, to which it is added if need be.
pub(super) fn place_of(node: &Node, leaves: &mut Vec<Leaf>) -> Option<usize> {
    let Op::Leaf { source, view } = &node.op else { return None };
    let same = |leaf: &Leaf| Arc::ptr_eq(&leaf.source, source) && leaf.view == *view;
    Some(leaves.iter().position(same).unwrap_or_else(|| {
        leaves.push(Leaf { source: Arc::clone(source), view: view.clone() });
        leaves.len() - 1
    }))
}

/// Every leaf of an expression, each once.
pub(crate) fn leaves_of(node: &Arc<Node>) -> Vec<Leaf> {
    fn visit(node: &Arc<Node>, seen: &mut HashSet<usize>, leaves: &mut Vec<Leaf>) {
        if !seen.insert(node.address()) {
            return;
        }
        place_of(node, leaves);
        for child in node.children() {
            visit(child, seen, leaves);
        }
    }
    let (mut seen, mut leaves) = (HashSet::new(), Vec::new());
    visit(node, &mut seen, &mut leaves);
    leaves
}
