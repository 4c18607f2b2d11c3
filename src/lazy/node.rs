//! What is an expression made of?
//!
//! Nodes: what each does to which others, and the shape and type that follow. Whether that means
//! something was checked by those who make them.

use std::fmt;
use std::sync::Arc;

use super::custom::Custom;
use super::error::LazyError;
use super::view::View;
use crate::dtype::DType;
use crate::kernel::{BinaryOp, Overflow, ReduceOp, UnaryOp};
use crate::source::Source;

/// One node: what it is, and the shape and type that follow.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    /// Operations on the longest way down to a source.
    pub(crate) depth: u32,
}

/// What a node does.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Elements of a source, seen through a view.
    Leaf { source: Arc<dyn Source>, view: View },
    /// The same number everywhere; takes the shape of what it meets.
    Scalar(Scalar),
    /// Element by element; every input has the node's shape or is a scalar.
    Map { op: MapOp, inputs: Vec<Arc<Node>> },
    /// Arrays one after the other along `axis`, all of the node's type.
    Concat { inputs: Vec<Arc<Node>>, axis: usize },
    /// A reduction or a custom function seen through a view; views of anything else fold into it.
    View { input: Arc<Node>, view: View },
    /// One number for each set of elements that differ in the reduced axes only.
    Reduce(Reduce),
    /// Elements that were summed elsewhere: only what their sums say is known.
    Kept(Kept),
    /// A function that the user brought, or a reshape: computed block by block.
    Custom { function: Custom, input: Arc<Node> },
    /// An expression that means nothing.
    Invalid(LazyError),
}

/// What happens to each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MapOp {
    Unary(UnaryOp),
    /// Both inputs are of the type it is computed in.
    Binary(BinaryOp),
    /// numpy's `where(condition, then, otherwise)`.
    Where,
    /// `input * slope + inter` in `float64`.
    Rescale {
        slope: f64,
        inter: f64,
    },
    /// The same values in the node's type.
    Cast(Overflow),
}

/// A reduction.
#[derive(Clone, Debug)]
pub(crate) struct Reduce {
    pub(crate) op: ReduceOp,
    /// Reduced axes, ascending, at least one.
    pub(crate) axes: Vec<usize>,
    pub(crate) input: Arc<Node>,
    /// Elements that count; of the input's shape, `bool`.
    pub(crate) mask: Option<Arc<Node>>,
    /// Splits the only reduced axis into groups, which stay as an axis in its place.
    pub(crate) groups: Option<Labels>,
}

impl Reduce {
    /// What is reduced, and which of it counts.
    pub(crate) fn inputs(&self) -> Vec<&Arc<Node>> {
        [&self.input].into_iter().chain(&self.mask).collect()
    }
}

/// Elements of which nothing is there but the state of a sum over `axes`.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Words of the state, `u64`: of the elements' shape, but that the last of `axes` has the words of a cell and the
    /// others have length 1.
    pub(crate) words: Arc<Node>,
    /// What is kept, as the reduction to any of its words.
    pub(crate) state: ReduceOp,
    /// True value = summed element * slope + inter.
    pub(crate) slope: f64,
    pub(crate) inter: f64,
}

/// The group of each index of an axis.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Labels {
    pub(crate) of_index: Arc<[u32]>,
    pub(crate) count: u32,
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Labels({} groups of {})", self.count, self.of_index.len())
    }
}

/// A Rust number in an expression. Weak: it takes the type of the array it meets (NEP 50).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            // With its point, also where it is whole.
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

/// Operations that an expression may be deep; all walks over expressions recurse.
pub(super) const MOST_DEEP: u32 = 500;

impl Node {
    pub(crate) fn new(op: Op, shape: Vec<u64>, dtype: DType) -> Arc<Self> {
        let below = op.children().iter().map(|child| child.depth).max();
        let depth = below.map_or(0, |depth| depth + 1);
        Arc::new(Self { op, shape, dtype, depth })
    }

    pub(super) fn invalid(error: LazyError) -> Arc<Self> {
        Self::new(Op::Invalid(error), Vec::new(), DType::F64)
    }

    pub(super) fn scalar(value: Scalar) -> Arc<Self> {
        let dtype = match value {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::F64,
        };
        Self::new(Op::Scalar(value), Vec::new(), dtype)
    }

    /// The elements of a source, as they are.
    pub(crate) fn leaf(source: Arc<dyn Source>) -> Arc<Self> {
        let (shape, dtype) = (source.shape().to_vec(), source.dtype());
        let view = View::whole(&shape);
        Self::new(Op::Leaf { source, view }, shape, dtype)
    }

    /// The same values in `dtype`, which holds them all.
    pub(super) fn cast(self: &Arc<Self>, dtype: DType) -> Arc<Self> {
        self.cast_with(dtype, Overflow::Wrap)
    }

    /// The values in `dtype`, with a say about those that it does not hold.
    pub(super) fn cast_with(self: &Arc<Self>, dtype: DType, overflow: Overflow) -> Arc<Self> {
        if self.dtype == dtype {
            return Arc::clone(self);
        }
        // Where all fit, equal casts are to be equal nodes.
        let all_fit = dtype == DType::Bool || self.dtype.promote(dtype) == dtype;
        let overflow = if all_fit { Overflow::Wrap } else { overflow };
        let op = Op::Map { op: MapOp::Cast(overflow), inputs: vec![Arc::clone(self)] };
        Self::new(op, self.shape.clone(), dtype)
    }

    /// Which node it is; that of another one once it is dropped.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Nodes this one is made of.
    pub(crate) fn children(&self) -> Vec<&Arc<Self>> {
        self.op.children()
    }

    /// The same node of changed children, itself where none has changed.
    pub(crate) fn map_children(
        self: &Arc<Self>,
        change: impl FnMut(&Arc<Self>) -> Arc<Self>,
    ) -> Arc<Self> {
        let children: Vec<Arc<Self>> = self.children().into_iter().map(change).collect();
        if self.children().into_iter().zip(&children).all(|(old, new)| Arc::ptr_eq(old, new)) {
            return Arc::clone(self);
        }
        Self::new(self.op.with_children(children), self.shape.clone(), self.dtype)
    }
}

impl Op {
    fn children(&self) -> Vec<&Arc<Node>> {
        match self {
            Self::Leaf { .. } | Self::Scalar(_) | Self::Invalid(_) => Vec::new(),
            Self::View { input, .. } | Self::Custom { input, .. } => vec![input],
            Self::Kept(kept) => vec![&kept.words],
            Self::Reduce(reduce) => reduce.inputs(),
            Self::Map { inputs, .. } | Self::Concat { inputs, .. } => inputs.iter().collect(),
        }
    }

    /// The same operation on other inputs, in the order of `children`.
    fn with_children(&self, children: Vec<Arc<Node>>) -> Self {
        let mut op = self.clone();
        let mut children = children.into_iter();
        match &mut op {
            Self::Leaf { .. } | Self::Scalar(_) | Self::Invalid(_) => {}
            Self::View { input, .. } | Self::Custom { input, .. } => replace(input, &mut children),
            Self::Kept(kept) => replace(&mut kept.words, &mut children),
            Self::Reduce(reduce) => {
                replace(&mut reduce.input, &mut children);
                if let Some(mask) = &mut reduce.mask {
                    replace(mask, &mut children);
                }
            }
            Self::Map { inputs, .. } | Self::Concat { inputs, .. } => {
                for input in inputs {
                    replace(input, &mut children);
                }
            }
        }
        op
    }
}

fn replace(slot: &mut Arc<Node>, with: &mut impl Iterator<Item = Arc<Node>>) {
    if let Some(node) = with.next() {
        *slot = node;
    }
}
