//! What is kept of a reduction where it is computed, for its result to be made elsewhere?
//!
//! The state of a sum, in words; or, where there is no sum that could be joined to another, finished values. Either comes
//! as arrays, whose cells may be computed apart.

use std::collections::HashSet;
use std::sync::Arc;

use super::draft::{cells_of, summed_as, summed_elements};
use super::intern::Interner;
use super::pieces::pieces;
use crate::dtype::DType;
use crate::grid::{Region, common_multiple, saturating_count};
use crate::kernel::{Component, ReduceOp, StateKind};
use crate::lazy::{AxisView, Kept, LazyArray, Node, Op, Reduce};
use crate::source::{Access, Source, address};

/// What is kept of a reduction, or of a piece of it, by itself.
#[derive(Clone, Debug)]
pub(crate) struct KeptState {
    content: Content,
    text: String,
    components: Vec<Component>,
    /// An array for each word of a cell, of the cells' shape.
    words: Vec<Arc<Node>>,
    /// The shape that words are read in, and its axis along which the words of a cell lie. The others are those of the cells,
    /// or have length 1.
    words_shape: Vec<u64>,
    words_axis: usize,
    /// The axes of `words_shape` that cells have.
    cell_axes: Vec<usize>,
    runs: Vec<Arc<dyn Source>>,
    block_along_last_axis: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    /// The state of a sum, as the reduction to any of its words; what its elements are scaled by; their shape.
    Sum {
        state: ReduceOp,
        slope: f64,
        inter: f64,
        shape: Vec<u64>,
    },
    Values,
}

impl KeptState {
    /// The sum of one box of what is reduced. `nodes` are its elements and which of them count. `None` where every sample
    /// is kept.
    pub(super) fn of_sum(
        reduce: &Reduce,
        region: &Region,
        nodes: &[Arc<Node>],
        interner: &mut Interner,
    ) -> Option<Self> {
        let (elements, slope, inter) = summed_elements(&reduce.op, &nodes[0]);
        let (mask, axes) = (nodes.get(1).cloned(), &reduce.axes);
        let count = axes.iter().map(|&axis| region.shape()[axis]).product();
        let first = axes.first().map_or(0, |&axis| region.start()[axis]);
        let dtype = summed_as(&elements);
        let kind = StateKind::for_reduction(&reduce.op, dtype, count, mask.is_some(), first);
        let components = kind.components()?;
        let cells = cells_of(region, axes, None).shape().to_vec();
        let of_word = |word: u64| {
            let op = ReduceOp::Word { kind: kind.clone(), word: word as usize };
            let (axes, input) = (axes.clone(), Arc::clone(&elements));
            let reduce = Reduce { op, axes, input, mask: mask.clone(), groups: None };
            interner.canonical(&Node::new(Op::Reduce(reduce), cells.clone(), DType::U64))
        };
        let words: Vec<Arc<Node>> = (0..kind.words()).map(of_word).collect();
        let mut words_shape = region.shape().to_vec();
        for &axis in axes {
            words_shape[axis] = 1;
        }
        let words_axis = axes.last().copied().unwrap_or(0);
        words_shape[words_axis] = kind.words();
        let state = ReduceOp::Word { kind: kind.clone(), word: 0 };
        Some(Self {
            content: Content::Sum { state, slope, inter, shape: region.shape().to_vec() },
            text: kind.text(),
            components,
            block_along_last_axis: block_along_last_axis(&words[0]),
            words,
            words_axis,
            cell_axes: (0..words_shape.len()).filter(|axis| !axes.contains(axis)).collect(),
            words_shape,
            runs: vec![largest_source(&made_of([&elements].into_iter().chain(&mask)))?],
        })
    }

    /// The values of a node that is this reduction, or some of its cells.
    pub(super) fn of_values(reduce: &Reduce, node: &Arc<Node>) -> Self {
        let label = reduce.op.label();
        let text = match &reduce.groups {
            Some(groups) => format!("values of {label}, of {} groups", groups.count),
            None => format!("values of {label}"),
        };
        let component = Component { name: "value".to_owned(), dtype: node.dtype, words: 1 };
        let cells = node.shape.len();
        Self {
            content: Content::Values,
            text,
            components: vec![component],
            words: vec![Arc::clone(node)],
            words_shape: node.shape.iter().copied().chain([1]).collect(),
            words_axis: cells,
            cell_axes: (0..cells).collect(),
            runs: runs_of(node),
            block_along_last_axis: block_along_last_axis(node),
        }
    }

    /// What is kept, in words.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn components(&self) -> &[Component] {
        &self.components
    }

    /// Of each word.
    pub(crate) fn dtype(&self) -> DType {
        self.words[0].dtype
    }

    /// Lengths of the box of cells.
    pub(crate) fn cells(&self) -> &[u64] {
        &self.words[0].shape
    }

    /// The runs it is made of: of each box of what is reduced, the source that most of it is read from.
    pub(crate) fn runs(&self) -> &[Arc<dyn Source>] {
        &self.runs
    }

    /// Where cells may be cut along their last axis without a stored block being read twice: at multiples of this.
    /// `None` where they may not: there are none, or a stream is read whole for any of them.
    pub(crate) fn block_along_last_axis(&self) -> Option<u64> {
        self.block_along_last_axis
    }

    /// Each word of each cell, as an array of the shape of [`cells`](Self::cells). All of them are one state.
    pub(crate) fn words(&self) -> Vec<LazyArray> {
        self.words.iter().map(|word| LazyArray::from_node(Arc::clone(word))).collect()
    }

    /// The shape that its words are read in: the cells, in their order, and the words of a cell along
    /// [`words_axis`](Self::words_axis).
    pub(crate) fn words_shape(&self) -> &[u64] {
        &self.words_shape
    }

    /// The axis of [`words_shape`](Self::words_shape) along which words lie.
    pub(crate) fn words_axis(&self) -> usize {
        self.words_axis
    }

    /// The axes of [`words_shape`](Self::words_shape) that cells have, in their order.
    pub(crate) fn cell_axes(&self) -> &[usize] {
        &self.cell_axes
    }

    /// True where both keep the same; the words of both are nodes of one interner.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.words[0], &other.words[0]) && self.content == other.content
    }

    /// Of a sum, the shape of its elements.
    pub(super) fn elements_shape(&self) -> Option<&[u64]> {
        match &self.content {
            Content::Sum { shape, .. } => Some(shape),
            Content::Values => None,
        }
    }

    /// What stands for the elements of a sum where only `words` are there. Values stand for themselves.
    pub(super) fn elements(&self, words: &Arc<Node>, dtype: DType) -> Arc<Node> {
        let words = Arc::clone(words);
        match &self.content {
            Content::Sum { state, slope, inter, shape } => {
                let kept = Kept { words, state: state.clone(), slope: *slope, inter: *inter };
                Node::new(Op::Kept(kept), shape.clone(), dtype)
            }
            Content::Values => words,
        }
    }
}

/// The leaves that nodes read by themselves, and the first reductions on the way to others, each once.
pub(super) fn made_of<'n>(nodes: impl IntoIterator<Item = &'n Arc<Node>>) -> Vec<Arc<Node>> {
    fn visit(node: &Arc<Node>, seen: &mut HashSet<usize>, found: &mut Vec<Arc<Node>>) {
        if !seen.insert(node.address()) {
            return;
        }
        match node.op {
            Op::Leaf { .. } | Op::Reduce(_) => found.push(Arc::clone(node)),
            _ => node.children().into_iter().for_each(|child| visit(child, seen, found)),
        }
    }
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    nodes.into_iter().for_each(|node| visit(node, &mut seen, &mut found));
    found
}

/// Of the leaves among these, the source of most bytes; the first of several.
fn largest_source(nodes: &[Arc<Node>]) -> Option<Arc<dyn Source>> {
    let bytes = |source: &Arc<dyn Source>| {
        saturating_count(source.shape()).saturating_mul(source.dtype().size() as u64)
    };
    let sources = nodes.iter().filter_map(|node| match &node.op {
        Op::Leaf { source, .. } => Some(source),
        _ => None,
    });
    sources.reduce(|a, b| if bytes(b) > bytes(a) { b } else { a }).cloned()
}

/// The runs behind the reductions of a node: the largest source of each box that is reduced.
fn runs_of(node: &Arc<Node>) -> Vec<Arc<dyn Source>> {
    let (mut runs, mut known, mut seen) = (Vec::new(), HashSet::new(), HashSet::new());
    let mut left = made_of([node]);
    while let Some(node) = left.pop() {
        let Op::Reduce(reduce) = &node.op else { continue };
        if !seen.insert(node.address()) {
            continue;
        }
        for (_, nodes) in pieces(&reduce.inputs()) {
            let below = made_of(&nodes);
            let run = largest_source(&below).filter(|run| known.insert(address(run)));
            runs.extend(run);
            left.extend(below);
        }
    }
    runs
}

/// Where a node may be cut along its last axis without any stored block being read for two pieces: at multiples of this.
/// `None` where it may not: it has no axis, a stream is read whole for any piece, or each needs all of a reduction.
fn block_along_last_axis(node: &Node) -> Option<u64> {
    let last = node.shape.len().checked_sub(1)?;
    block_along(node, last, &mut HashSet::new(), 1)
}

/// The common multiple of `block` and those of a node along one of its axes. Shared parts are looked at once.
fn block_along(
    node: &Node,
    axis: usize,
    seen: &mut HashSet<(usize, usize)>,
    block: u64,
) -> Option<u64> {
    if !seen.insert((node.address(), axis)) {
        return Some(block);
    }
    let mut below = |inputs: Vec<&Arc<Node>>, axis| {
        inputs.into_iter().try_fold(block, |block, input| block_along(input, axis, seen, block))
    };
    match &node.op {
        Op::Leaf { source, .. } if source.access() == Access::Sequential => None,
        Op::Leaf { source, view } => {
            let Some(of_source) = view.driven_by(axis) else { return Some(block) };
            let step = match view.axes()[of_source] {
                AxisView::Run { step, .. } => step.unsigned_abs(),
                _ => 1,
            };
            let rows = source.block_shape()[of_source].max(1).div_ceil(step.max(1));
            Some(common_multiple(block, rows))
        }
        Op::Scalar(_) => Some(block),
        Op::Map { inputs, .. } => below(inputs.iter().collect(), axis),
        Op::Concat { inputs, axis: joined } if *joined != axis => {
            below(inputs.iter().collect(), axis)
        }
        Op::View { input, view } => below(vec![input], view.driven_by(axis)?),
        Op::Reduce(reduce) => {
            let is_reduced = |axis: &usize| reduce.axes.contains(axis);
            let of_input = match &reduce.groups {
                Some(_) => Some(axis).filter(|axis| !is_reduced(axis)),
                None => (0..reduce.input.shape.len()).filter(|a| !is_reduced(a)).nth(axis),
            };
            below(reduce.inputs(), of_input?)
        }
        Op::Concat { .. } | Op::Kept(_) | Op::Custom { .. } | Op::Invalid(_) => None,
    }
}
