//! What can be computed apart of expressions, and what are the results where it was computed elsewhere?
//!
//! [`Apart::of`] takes expressions apart into what is kept of their reductions ([`KeptState`]): the state of each sum that
//! a plan would keep for them, or finished values. [`Apart::results`] puts the same expressions together again over
//! sources that have these. Cutting, joining, scaling and finishing are those of every plan, so a result has the same bits
//! either way. Knows no file and no process.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::intern::Interner;
use super::kept::{KeptState, made_of};
use super::narrow;
use super::pieces::pieces;
use crate::grid::saturating_count;
use crate::lazy::{ByNode, LazyArray, Node, Op, Reduce, concatenate};
use crate::source::Source;

/// Expressions, taken apart.
pub(crate) struct Apart {
    roots: Vec<Arc<Node>>,
    list: Vec<KeptState>,
    of_reductions: ByNode<Pieces>,
}

/// What is kept of a reduction, by number.
#[derive(Clone)]
enum Pieces {
    /// The sums of what is joined in its input, along this axis where they are several.
    Sums { states: Vec<usize>, axis: Option<usize> },
    /// Its values, stretch by stretch along the last axis of the cells.
    Values { states: Vec<usize> },
}

impl Apart {
    /// Takes expressions apart, in an order that follows from them alone.
    pub(crate) fn of(arrays: &[&LazyArray]) -> Self {
        let mut interner = Interner::default();
        let asked: Vec<Arc<Node>> = arrays.iter().map(|array| Arc::clone(array.node())).collect();
        let roots = narrowed(&asked, &mut interner);
        let mut apart =
            Self { roots: roots.clone(), list: Vec::new(), of_reductions: ByNode::default() };
        let mut seen = ByNode::default();
        for root in roots {
            apart.visit(&root, &mut seen, &mut interner);
        }
        apart
    }

    pub(crate) fn list(&self) -> &[KeptState] {
        &self.list
    }

    fn visit(&mut self, node: &Arc<Node>, seen: &mut ByNode<()>, interner: &mut Interner) {
        if seen.get(node).is_some() {
            return;
        }
        seen.insert(node, ());
        match &node.op {
            // There is nothing to read for it.
            Op::Reduce(reduce) if saturating_count(&reduce.input.shape) == 0 => {}
            Op::Reduce(reduce) if !is_of_results(reduce) => {
                let pieces = match sums_of(reduce, interner) {
                    Some((sums, axis)) => Pieces::Sums { states: self.keep(sums), axis },
                    None => Pieces::Values { states: self.keep(values_of(node, reduce, interner)) },
                };
                self.of_reductions.insert(node, pieces);
            }
            _ => {
                for child in node.children() {
                    self.visit(child, seen, interner);
                }
            }
        }
    }

    /// The numbers of states, of which equal ones are one.
    fn keep(&mut self, states: Vec<KeptState>) -> Vec<usize> {
        let number = |state: KeptState| {
            self.list.iter().position(|known| known.is_same(&state)).unwrap_or_else(|| {
                self.list.push(state);
                self.list.len() - 1
            })
        };
        states.into_iter().map(number).collect()
    }

    /// The expressions, made of `sources`: one a state in the order of [`list`](Self::list), of the state's
    /// [`dtype`](KeptState::dtype) and [`words_shape`](KeptState::words_shape). What is no reduction is read where it was.
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
            (Op::Reduce(reduce), Some(Pieces::Sums { states, axis })) => {
                let mut inputs: Vec<Arc<Node>> = states
                    .iter()
                    .map(|&state| self.list[state].elements(&words[state], reduce.input.dtype))
                    .collect();
                let input = match axis {
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
            (Op::Reduce(reduce), Some(Pieces::Values { states })) => {
                let value =
                    |&state: &usize| LazyArray::from_node(Arc::clone(&words[state])).squeeze(-1);
                let values: Vec<LazyArray> = states.iter().map(value).collect();
                let whole = match &values[..] {
                    [one] => one.clone(),
                    several => concatenate(several, -1),
                };
                Arc::clone(with_groups_in_place(&whole, reduce).node())
            }
            _ => node.map_children(|child| self.rebuilt(child, words, done)),
        };
        done.insert(node, Arc::clone(&made));
        made
    }
}

/// The sums that a reduction is made of, and the axis along which they are joined. `None` where it is made of no such sums:
/// where every sample is kept, or a group has one each, or something has to be finished before; or where they are joined
/// along several axes.
fn sums_of(reduce: &Reduce, interner: &mut Interner) -> Option<(Vec<KeptState>, Option<usize>)> {
    let both = reduce.inputs();
    let is_reduction = |node: &Arc<Node>| matches!(node.op, Op::Reduce(_));
    if reduce.groups.is_some() || made_of(both.iter().copied()).iter().any(is_reduction) {
        return None;
    }
    let mut sums = Vec::new();
    for (region, nodes) in pieces(&both) {
        if !region.is_empty() {
            let nodes: Vec<Arc<Node>> = nodes.iter().map(|node| interner.canonical(node)).collect();
            sums.push(KeptState::of_sum(reduce, &region, &nodes, interner)?);
        }
    }
    if sums.len() == 1 {
        return Some((sums, None));
    }
    let axis = joined_along(&reduce.input.shape, &sums)?;
    Some((sums, Some(axis)))
}

/// The only axis along which pieces of what is reduced differ from it in length.
fn joined_along(whole: &[u64], sums: &[KeptState]) -> Option<usize> {
    let is_cut = |axis: &usize| {
        sums.iter().filter_map(KeptState::elements_shape).any(|shape| shape[*axis] != whole[*axis])
    };
    let mut cut = (0..whole.len()).filter(is_cut);
    let first = cut.next()?;
    cut.next().is_none().then_some(first)
}

/// The values of a reduction: of each stretch of cells for which other runs are read.
fn values_of(node: &Arc<Node>, reduce: &Reduce, interner: &mut Interner) -> Vec<KeptState> {
    let values = with_groups_first(&LazyArray::from_node(Arc::clone(node)), reduce);
    let shape = &reduce.input.shape;
    let stretches = match (0..shape.len()).rfind(|axis| !reduce.axes.contains(axis)) {
        Some(last) => {
            let starts =
                pieces(&reduce.inputs()).into_iter().map(|(region, _)| region.start()[last]);
            let bounds: BTreeSet<u64> = starts.chain([shape[last]]).collect();
            let bounds: Vec<isize> = bounds.into_iter().map(|bound| bound as isize).collect();
            bounds.windows(2).map(|of| values.slice_axis(-1, of[0]..of[1])).collect()
        }
        None => vec![values],
    };
    let kept = |stretch: &LazyArray| {
        let node = &narrowed(&[Arc::clone(stretch.node())], interner)[0];
        KeptState::of_values(reduce, node)
    };
    stretches.iter().map(kept).collect()
}

/// With the axis of groups as the first, so that what is last is an axis of the runs, where there is one.
fn with_groups_first(values: &LazyArray, reduce: &Reduce) -> LazyArray {
    match &reduce.groups {
        Some(_) => values.moveaxis(reduce.axes[0] as isize, 0),
        None => values.clone(),
    }
}

/// The other way round.
fn with_groups_in_place(values: &LazyArray, reduce: &Reduce) -> LazyArray {
    match &reduce.groups {
        Some(_) => values.moveaxis(0, reduce.axes[0] as isize),
        None => values.clone(),
    }
}

/// True of a reduction of what other reductions give, with no more beside them than that: it is done when they are
/// finished, so that they can be computed apart.
fn is_of_results(reduce: &Reduce) -> bool {
    let (mut read, mut given) = (0, 0);
    for node in made_of(reduce.inputs()) {
        let count = saturating_count(&node.shape);
        match &node.op {
            // One that is repeated is no larger for it.
            Op::Leaf { source, .. } => read = read.max(count.min(saturating_count(source.shape()))),
            _ => given = given.max(count),
        }
    }
    read <= given
}

/// Each the one node for what it computes, with views below the reductions that nobody else uses.
fn narrowed(nodes: &[Arc<Node>], interner: &mut Interner) -> Vec<Arc<Node>> {
    let mut canonical = |nodes: &[Arc<Node>]| -> Vec<Arc<Node>> {
        nodes.iter().map(|node| interner.canonical(node)).collect()
    };
    let narrow = narrow::narrow(&canonical(nodes));
    canonical(&narrow)
}
