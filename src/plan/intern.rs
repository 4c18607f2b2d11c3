//! Which nodes are the same?
//!
//! Gives equal numbers to nodes that compute the same thing: the same operation on the same
//! sources (by identity) with the same views. Linear in the size of the graph.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dtype::DType;
use crate::kernel::{BinaryOp, ReduceOp};
use crate::lazy::{Node, Op, Scalar, View};

/// A number for a node; equal for equal nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Leaf { source: usize, view: View },
    Int(i64),
    Float(u64),
    Rescale { input: NodeId, slope: u64, inter: u64 },
    Cast { input: NodeId, dtype: DType },
    Concat { inputs: Vec<NodeId>, axis: usize },
    Binary { op: BinaryOp, left: NodeId, right: NodeId },
    Reduce { op: ReduceOp, axis: usize, input: NodeId },
    Invalid,
}

/// Numbers given so far.
#[derive(Default)]
pub(super) struct Interner {
    by_key: HashMap<Key, NodeId>,
    by_address: HashMap<usize, NodeId>,
    /// Keeps numbered nodes alive, so that no address is given twice.
    alive: Vec<Arc<Node>>,
}

impl Interner {
    pub(super) fn id(&mut self, node: &Arc<Node>) -> NodeId {
        let address = Arc::as_ptr(node).addr();
        if let Some(id) = self.by_address.get(&address) {
            return *id;
        }
        let key = match &node.op {
            Op::Leaf { source, view } => {
                Key::Leaf { source: Arc::as_ptr(source).addr(), view: view.clone() }
            }
            Op::Scalar(Scalar::Int(value)) => Key::Int(*value),
            Op::Scalar(Scalar::Float(value)) => Key::Float(value.to_bits()),
            Op::Rescale { input, slope, inter } => Key::Rescale {
                input: self.id(input),
                slope: slope.to_bits(),
                inter: inter.to_bits(),
            },
            Op::Cast { input } => Key::Cast { input: self.id(input), dtype: node.dtype },
            Op::Concat { inputs, axis } => {
                Key::Concat { inputs: inputs.iter().map(|n| self.id(n)).collect(), axis: *axis }
            }
            Op::Binary { op, left, right } => {
                Key::Binary { op: *op, left: self.id(left), right: self.id(right) }
            }
            Op::Reduce { op, axis, input } => {
                Key::Reduce { op: op.clone(), axis: *axis, input: self.id(input) }
            }
            Op::Invalid(_) => Key::Invalid,
        };
        let next = NodeId(self.by_key.len());
        let id = *self.by_key.entry(key).or_insert(next);
        self.by_address.insert(address, id);
        self.alive.push(Arc::clone(node));
        id
    }
}
