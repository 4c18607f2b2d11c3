//! What is known of nodes that were met before?
//!
//! A map by identity: two nodes that compute the same are two keys. Which are the same is for `plan`
//! to find.

use std::collections::HashMap;
use std::sync::Arc;

use super::node::Node;

/// A `T` for each node. Keeps the nodes alive, so that no address is given twice.
#[derive(Debug)]
pub(crate) struct ByNode<T>(HashMap<usize, (Arc<Node>, T)>);

impl<T> Default for ByNode<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> ByNode<T> {
    /// What is known of this node.
    pub(crate) fn get(&self, node: &Node) -> Option<T> {
        self.0.get(&node.address()).map(|(_, known)| known.clone())
    }

    /// From now on, `known` is known of this node.
    pub(crate) fn insert(&mut self, node: &Arc<Node>, known: T) {
        self.0.insert(node.address(), (Arc::clone(node), known));
    }
}
