//! Which nodes are the same?
//!
//! Nodes that compute the same thing (the same operation on the same sources, by identity, with the
//! same views) become one node, so that later steps can tell by address. Linear in the size of the
//! graph. Knows no algebra: `a + b` and `b + a` are two.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dtype::DType;
use crate::kernel::{BinaryOp, Overflow, ReduceOp, UnaryOp};
use crate::lazy::{ByNode, Footprint, Labels, MapOp, Node, Op, Scalar, View};
use crate::source::address;

/// What a node is, its inputs by address.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Leaf { source: usize, view: View },
    Scalar(Number),
    Map { op: MapKey, inputs: Vec<usize>, dtype: DType },
    Concat { inputs: Vec<usize>, axis: usize },
    View { input: usize, view: View },
    Reduce { op: ReduceOp, axes: Vec<usize>, inputs: Vec<usize>, groups: Option<Labels> },
    Kept { state: ReduceOp, words: usize, slope: u64, inter: u64, dtype: DType },
    Custom { name: Arc<str>, footprint: Footprint, call: Option<usize>, input: usize, dtype: DType },
    Invalid,
}

#[derive(PartialEq, Eq, Hash)]
enum Number {
    Bool(bool),
    Int(i64),
    Float(u64),
}

#[derive(PartialEq, Eq, Hash)]
enum MapKey {
    Unary(UnaryOp),
    Binary(BinaryOp),
    Where,
    Rescale { slope: u64, inter: u64 },
    Cast(Overflow),
}

/// Nodes known so far.
#[derive(Default)]
pub(super) struct Interner {
    by_key: HashMap<Key, Arc<Node>>,
    /// The one node for a node that was asked for.
    known: ByNode<Arc<Node>>,
}

impl Interner {
    /// The one node for all that compute what this one does.
    pub(super) fn canonical(&mut self, node: &Arc<Node>) -> Arc<Node> {
        if let Some(known) = self.known.get(node) {
            return known;
        }
        let made = node.map_children(|child| self.canonical(child));
        let one = Arc::clone(self.by_key.entry(key_of(&made)).or_insert(made));
        self.known.insert(node, Arc::clone(&one));
        self.known.insert(&one, Arc::clone(&one));
        one
    }
}

/// What a node of canonical inputs is.
fn key_of(node: &Node) -> Key {
    let inputs: Vec<usize> = node.children().into_iter().map(|input| input.address()).collect();
    let first = inputs.first().copied().unwrap_or(0);
    match &node.op {
        Op::Leaf { source, view } => Key::Leaf { source: address(source), view: view.clone() },
        Op::Scalar(Scalar::Bool(value)) => Key::Scalar(Number::Bool(*value)),
        Op::Scalar(Scalar::Int(value)) => Key::Scalar(Number::Int(*value)),
        Op::Scalar(Scalar::Float(value)) => Key::Scalar(Number::Float(value.to_bits())),
        Op::Map { op, .. } => {
            let op = match *op {
                MapOp::Unary(op) => MapKey::Unary(op),
                MapOp::Binary(op) => MapKey::Binary(op),
                MapOp::Where => MapKey::Where,
                MapOp::Rescale { slope, inter } => {
                    MapKey::Rescale { slope: slope.to_bits(), inter: inter.to_bits() }
                }
                MapOp::Cast(overflow) => MapKey::Cast(overflow),
            };
            Key::Map { op, inputs, dtype: node.dtype }
        }
        Op::Concat { axis, .. } => Key::Concat { inputs, axis: *axis },
        Op::View { view, .. } => Key::View { input: first, view: view.clone() },
        Op::Reduce(reduce) => Key::Reduce {
            op: reduce.op.clone(),
            axes: reduce.axes.clone(),
            inputs,
            groups: reduce.groups.clone(),
        },
        Op::Kept(kept) => Key::Kept {
            state: kept.state.clone(),
            words: first,
            slope: kept.slope.to_bits(),
            inter: kept.inter.to_bits(),
            dtype: node.dtype,
        },
        Op::Custom { function, .. } => Key::Custom {
            name: Arc::clone(&function.name),
            footprint: function.footprint,
            call: function.call.as_ref().map(|call| Arc::as_ptr(call).cast::<()>().addr()),
            input: first,
            dtype: node.dtype,
        },
        Op::Invalid(_) => Key::Invalid,
    }
}
