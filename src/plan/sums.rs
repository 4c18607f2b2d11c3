//! Which sums are results made of, and what are the results where the sums were made elsewhere?
//!
//! [`Sums::of`] takes expressions apart: each sum that a plan would keep for them becomes an array of the words of its
//! state ([`KeptSum::words`]). [`Sums::results`] puts the same expressions together again over sources that have these
//! words. Cutting, joining, scaling and finishing are those of every plan, so a result has the same bits either way.
//! Knows no file and no process.

use std::sync::Arc;

use super::draft::{cells_of, summed_as, summed_elements};
use super::intern::Interner;
use super::narrow;
use super::pieces::pieces;
use crate::dtype::DType;
use crate::feed::{Leaf, leaves_of};
use crate::grid::{Region, saturating_count};
use crate::kernel::{Component, ReduceOp, StateKind};
use crate::lazy::{ByNode, Kept, LazyArray, Node, Op, Reduce, block_shape_of};
use crate::source::Source;

/// An expression whose sums cannot be made apart from each other. Says what of it, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be computed in shards: {why}")]
pub struct NotShardable {
    /// The reduction.
    pub what: String,
    /// What stands in the way; with the next step where there is one.
    pub why: &'static str,
}

/// A sum over some elements, by itself.
#[derive(Clone, Debug)]
pub(crate) struct KeptSum {
    elements: Arc<Node>,
    mask: Option<Arc<Node>>,
    axes: Vec<usize>,
    kind: StateKind,
    components: Vec<Component>,
    slope: f64,
    inter: f64,
    /// Its box of the result.
    cells: Region,
    /// The shape of its elements in the expression.
    shape: Vec<u64>,
    /// The source that most of it is read from.
    run: Leaf,
    /// Some of its sources can only be read from front to back.
    is_stream: bool,
}

impl KeptSum {
    /// What is kept, in words.
    pub(crate) fn text(&self) -> String {
        self.kind.text()
    }

    pub(crate) fn components(&self) -> &[Component] {
        &self.components
    }

    /// Lengths of the box of cells.
    pub(crate) fn cells(&self) -> &[u64] {
        self.cells.shape()
    }

    /// The source that most of it is read from: its run.
    pub(crate) fn run(&self) -> &Arc<dyn Source> {
        &self.run.source
    }

    /// Words of each cell.
    pub(crate) fn word_count(&self) -> u64 {
        self.kind.words()
    }

    /// Where cells may be cut along their last axis without a stored block being read twice: at multiples of this.
    /// `None` where they may not: there are none, or a stream is read whole for any of them.
    pub(crate) fn block_along_last_axis(&self) -> Option<u64> {
        if self.is_stream {
            return None;
        }
        let last = (0..self.shape.len()).rfind(|axis| !self.axes.contains(axis))?;
        Some(block_shape_of(&self.elements)[last].max(1))
    }

    /// Each word of the state of each cell, as an array of `u64` of the shape of [`cells`](Self::cells). All of them are
    /// one state.
    pub(crate) fn words(&self) -> Vec<LazyArray> {
        let of_word = |word: u64| {
            let op = self.word(word as usize);
            let (axes, input) = (self.axes.clone(), Arc::clone(&self.elements));
            let reduce = Reduce { op, axes, input, mask: self.mask.clone(), groups: None };
            LazyArray::from_node(Node::new(
                Op::Reduce(reduce),
                self.cells.shape().to_vec(),
                DType::U64,
            ))
        };
        (0..self.word_count()).map(of_word).collect()
    }

    fn word(&self, word: usize) -> ReduceOp {
        ReduceOp::Word { kind: self.kind.clone(), word }
    }

    /// The shape that its words are read in: that of its elements, but that along the last of the reduced axes lie the
    /// words of a cell, and the others have length 1.
    pub(crate) fn words_shape(&self) -> Vec<u64> {
        let mut shape = self.shape.clone();
        for &axis in &self.axes {
            shape[axis] = if self.axes.last() == Some(&axis) { self.word_count() } else { 1 };
        }
        shape
    }

    /// The axis of [`words_shape`](Self::words_shape) along which words lie.
    pub(crate) fn words_axis(&self) -> usize {
        self.axes.last().copied().unwrap_or(0)
    }

    /// The axes of [`words_shape`](Self::words_shape) that cells have, in their order.
    pub(crate) fn cell_axes(&self) -> impl Iterator<Item = usize> {
        (0..self.shape.len()).filter(|axis| !self.axes.contains(axis))
    }

    fn is_same(&self, other: &Self) -> bool {
        let masks = [self, other].map(|sum| sum.mask.as_ref().map(|mask| mask.address()));
        Arc::ptr_eq(&self.elements, &other.elements)
            && masks[0] == masks[1]
            && (&self.axes, &self.kind, &self.cells) == (&other.axes, &other.kind, &other.cells)
            && (self.slope, self.inter) == (other.slope, other.inter)
    }
}

/// Expressions, taken apart.
pub(crate) struct Sums {
    roots: Vec<Arc<Node>>,
    list: Vec<KeptSum>,
    /// For each reduction, the sums of its pieces, and the axis along which they are joined.
    of_reductions: ByNode<Vec<usize>>,
}

impl Sums {
    /// Takes expressions apart, in an order that follows from them alone.
    ///
    /// # Errors
    /// The first reduction that cannot be: of reductions, by groups, of every sample, or of what is joined along
    /// more than one axis.
    pub(crate) fn of(arrays: &[&LazyArray]) -> Result<Self, NotShardable> {
        let mut interner = Interner::default();
        let mut canonical = |nodes: &[Arc<Node>]| -> Vec<Arc<Node>> {
            nodes.iter().map(|node| interner.canonical(node)).collect()
        };
        let asked: Vec<Arc<Node>> = arrays.iter().map(|array| Arc::clone(array.node())).collect();
        let roots = narrow::narrow(&canonical(&asked));
        let roots = canonical(&roots);
        let mut sums = Self { roots, list: Vec::new(), of_reductions: ByNode::default() };
        let mut seen = ByNode::default();
        for root in sums.roots.clone() {
            sums.visit(&root, &mut seen, &mut interner)?;
        }
        Ok(sums)
    }

    pub(crate) fn list(&self) -> &[KeptSum] {
        &self.list
    }

    fn visit(
        &mut self,
        node: &Arc<Node>,
        seen: &mut ByNode<()>,
        interner: &mut Interner,
    ) -> Result<(), NotShardable> {
        if seen.get(node).is_some() {
            return Ok(());
        }
        seen.insert(node, ());
        if let Op::Reduce(reduce) = &node.op {
            let sums = self.sums_of(reduce, interner)?;
            self.of_reductions.insert(node, sums);
            return Ok(());
        }
        node.children().into_iter().try_for_each(|child| self.visit(child, seen, interner))
    }

    fn sums_of(
        &mut self,
        reduce: &Reduce,
        interner: &mut Interner,
    ) -> Result<Vec<usize>, NotShardable> {
        let refused = |why| NotShardable { what: reduce.op.label(), why };
        let both: Vec<&Arc<Node>> = [&reduce.input].into_iter().chain(&reduce.mask).collect();
        if reduce.groups.is_some() {
            return Err(refused("groups keep a state each; take one group at a time"));
        }
        if both.iter().any(|node| has_reduction(node)) {
            return Err(refused(
                "what is reduced is itself made of reductions, which all runs have to be read for first",
            ));
        }
        let mut made = Vec::new();
        for (region, nodes) in pieces(&both) {
            if region.is_empty() {
                continue;
            }
            let nodes: Vec<Arc<Node>> = nodes.iter().map(|node| interner.canonical(node)).collect();
            let sum = KeptSum::of(reduce, &region, &nodes).ok_or_else(|| {
                refused(
                    "it keeps every sample, so a part would be as large as the run; mean, std, var, sum, min, max, \
                     argmin and argmax can be computed so",
                )
            })?;
            let place = self.list.iter().position(|known| known.is_same(&sum));
            made.push(place.unwrap_or_else(|| {
                self.list.push(sum);
                self.list.len() - 1
            }));
        }
        let joins = self.joined_along(reduce, &made);
        if made.len() > 1 && joins.is_none() {
            return Err(refused("its runs are joined along several axes; join them along one"));
        }
        Ok(made)
    }

    /// The only axis along which pieces of a reduction differ in length or place.
    fn joined_along(&self, reduce: &Reduce, sums: &[usize]) -> Option<usize> {
        let whole = &reduce.input.shape;
        let is_cut =
            |axis: &usize| sums.iter().any(|&sum| self.list[sum].shape[*axis] != whole[*axis]);
        let mut cut = (0..whole.len()).filter(is_cut);
        let first = cut.next()?;
        cut.next().is_none().then_some(first)
    }

    /// The expressions, made of `sources`: one a sum in the order of [`list`](Self::list), `u64` of the sum's
    /// [`words_shape`](KeptSum::words_shape). What is no reduction is read where it was.
    pub(crate) fn results(&self, sources: &[Arc<dyn Source>]) -> Vec<LazyArray> {
        let leaves: Vec<Arc<Node>> =
            sources.iter().map(|source| Node::leaf(Arc::clone(source))).collect();
        let mut done = ByNode::default();
        let roots = self.roots.iter();
        roots.map(|root| LazyArray::from_node(self.rebuilt(root, &leaves, &mut done))).collect()
    }

    fn rebuilt(
        &self,
        node: &Arc<Node>,
        words: &[Arc<Node>],
        done: &mut ByNode<Arc<Node>>,
    ) -> Arc<Node> {
        if let Some(known) = done.get(node) {
            return known;
        }
        let made = match (&node.op, self.of_reductions.get(node)) {
            (Op::Reduce(reduce), Some(sums)) if !sums.is_empty() => {
                let mut inputs: Vec<Arc<Node>> = sums
                    .iter()
                    .map(|&sum| self.list[sum].kept(&words[sum], reduce.input.dtype))
                    .collect();
                let input = match self.joined_along(reduce, &sums) {
                    Some(axis) => {
                        let op = Op::Concat { inputs, axis };
                        Node::new(op, reduce.input.shape.clone(), reduce.input.dtype)
                    }
                    None => inputs.remove(0),
                };
                let (op, axes) = (reduce.op.clone(), reduce.axes.clone());
                let reduce = Reduce { op, axes, input, mask: None, groups: None };
                Node::new(Op::Reduce(reduce), node.shape.clone(), node.dtype)
            }
            (Op::Reduce(_), _) => Arc::clone(node),
            _ => node.map_children(|child| self.rebuilt(child, words, done)),
        };
        done.insert(node, Arc::clone(&made));
        made
    }
}

impl KeptSum {
    /// `None` where every sample is kept.
    fn of(reduce: &Reduce, region: &Region, nodes: &[Arc<Node>]) -> Option<Self> {
        let (elements, slope, inter) = summed_elements(&reduce.op, &nodes[0]);
        let mask = nodes.get(1).cloned();
        let count = reduce.axes.iter().map(|&axis| region.shape()[axis]).product();
        let first = reduce.axes.first().map_or(0, |&axis| region.start()[axis]);
        let dtype = summed_as(&elements);
        let kind = StateKind::for_reduction(&reduce.op, dtype, count, mask.is_some(), first);
        let leaves: Vec<Leaf> = [&elements].into_iter().chain(&mask).flat_map(leaves_of).collect();
        let is_stream = leaves.iter().any(Leaf::is_sequential);
        let run = leaves.into_iter().reduce(|a, b| {
            let bytes = |leaf: &Leaf| {
                let item = leaf.source.dtype().size() as u64;
                saturating_count(leaf.source.shape()).saturating_mul(item)
            };
            if bytes(&b) > bytes(&a) { b } else { a }
        })?;
        Some(Self {
            components: kind.components()?,
            elements,
            mask,
            axes: reduce.axes.clone(),
            kind,
            slope,
            inter,
            cells: cells_of(region, &reduce.axes, None),
            shape: region.shape().to_vec(),
            run,
            is_stream,
        })
    }

    /// What stands for its elements where only `words` are there.
    fn kept(&self, words: &Arc<Node>, dtype: DType) -> Arc<Node> {
        let (words, state) = (Arc::clone(words), self.word(0));
        let kept = Kept { words, state, slope: self.slope, inter: self.inter };
        Node::new(Op::Kept(kept), self.shape.clone(), dtype)
    }
}

fn has_reduction(node: &Arc<Node>) -> bool {
    fn visit(node: &Arc<Node>, seen: &mut ByNode<()>) -> bool {
        if seen.get(node).is_some() {
            return false;
        }
        seen.insert(node, ());
        matches!(node.op, Op::Reduce(_)) || node.children().into_iter().any(|n| visit(n, seen))
    }
    visit(node, &mut ByNode::default())
}
