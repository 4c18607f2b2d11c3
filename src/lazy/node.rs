//! The nodes of an expression.

use std::sync::Arc;

use super::error::LazyError;
use super::view::View;
use crate::dtype::DType;
use crate::kernel::{BinaryOp, ReduceOp};
use crate::source::Source;

/// One node: what it is, and the shape and type that follow.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
}

/// What a node does.
#[derive(Debug)]
pub(crate) enum Op {
    /// Elements of a source, seen through a view.
    Leaf { source: Arc<dyn Source>, view: View },
    /// The same number everywhere; takes the shape of what it meets.
    Scalar(Scalar),
    /// `input * slope + inter` in `float64`.
    Rescale { input: Arc<Node>, slope: f64, inter: f64 },
    /// The same values in a wider type.
    Cast { input: Arc<Node> },
    /// Arrays one after the other along `axis`, all of the node's type.
    Concat { inputs: Vec<Arc<Node>>, axis: usize },
    /// Element by element; both of the node's shape, or one a scalar.
    Binary { op: BinaryOp, left: Arc<Node>, right: Arc<Node> },
    /// One number for each series along `axis`.
    Reduce { op: ReduceOp, axis: usize, input: Arc<Node> },
    /// An expression that means nothing.
    Invalid(LazyError),
}

/// A Rust number in an expression. Weak: it takes the type of the array it meets (NEP 50).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    Int(i64),
    Float(f64),
}

impl Node {
    pub(crate) fn new(op: Op, shape: Vec<u64>, dtype: DType) -> Arc<Self> {
        Arc::new(Self { op, shape, dtype })
    }

    pub(super) fn invalid(error: LazyError) -> Arc<Self> {
        Self::new(Op::Invalid(error), Vec::new(), DType::F64)
    }

    pub(super) fn scalar(value: Scalar) -> Arc<Self> {
        let dtype = match value {
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::F64,
        };
        Self::new(Op::Scalar(value), Vec::new(), dtype)
    }

    /// The same values in `dtype`, which holds them all.
    pub(super) fn cast(self: &Arc<Self>, dtype: DType) -> Arc<Self> {
        if self.dtype == dtype {
            return Arc::clone(self);
        }
        Self::new(Op::Cast { input: Arc::clone(self) }, self.shape.clone(), dtype)
    }

    /// Nodes this one is made of.
    pub(crate) fn children(&self) -> Vec<&Arc<Self>> {
        match &self.op {
            Op::Leaf { .. } | Op::Scalar(_) | Op::Invalid(_) => Vec::new(),
            Op::Rescale { input, .. } | Op::Cast { input } | Op::Reduce { input, .. } => {
                vec![input]
            }
            Op::Concat { inputs, .. } => inputs.iter().collect(),
            Op::Binary { left, right, .. } => vec![left, right],
        }
    }
}
