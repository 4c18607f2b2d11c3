//! Where must one pass end before another begins?
//!
//! A reduction that is used element by element with stored elements, or is reduced again, ends a
//! pass: it becomes an array in memory that a later pass reads as a source. What is left of each
//! result is a [`Task`]: a fold (elements made of reductions over the same axes) or a map (elements
//! made of sources). Which tasks share a pass is for `share`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::pass::{Dest, FoldOver};
use super::pieces::pieces;
use crate::dtype::DType;
use crate::feed::{CustomSource, Feed, FeedBuilder, Phase, Want, leaves_of};
use crate::grid::{Region, saturating_count};
use crate::lazy::{ByNode, Custom, Footprint, MemorySource, Node, Op, Reduce, block_shape_of, see};
use crate::source::{Source, address};
use crate::spill::Spill;

/// A result to be computed in one pass.
pub(super) struct Task {
    /// Passes that must come before.
    pub(super) depth: usize,
    pub(super) root: Arc<Node>,
    pub(super) dtype: DType,
    pub(super) dest: Dest,
    /// What a fold reduces; `None` for a map.
    pub(super) fold: Option<FoldOver>,
}

impl FoldOver {
    fn of(reduce: &Reduce) -> Self {
        Self { axes: reduce.axes.clone(), grouped: reduce.groups.is_some() }
    }
}

/// In what way a result is made. A receiver that asks for blocks gets them as a map: folds give tiles of
/// cells in their own order, so what they give is held and read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As a fold where it is one, else as a map.
    Either,
    /// As a map, whatever it is made of.
    Map,
    /// As a map that waits on disk until it can be read in these blocks.
    OnDisk { block: Vec<u64> },
}

/// A source that is brought to disk first, to be read in these blocks.
#[derive(Clone, Debug)]
pub(super) struct Turned {
    pub(super) source: Arc<dyn Source>,
    pub(super) block: Vec<u64>,
}

/// Cuts results into tasks.
#[derive(Default)]
pub(super) struct Cutting {
    pub(super) tasks: Vec<Task>,
    pub(super) held_bytes: u64,
    /// A stream that a function would have to read backwards.
    pub(super) backwards: Option<String>,
    /// Expressions of nothing but elements, by the node they stand for.
    flows: ByNode<Arc<Node>>,
    /// What is read instead of some sources, by their address.
    turned: HashMap<usize, Arc<dyn Source>>,
    /// Passes that must end before a source can be read.
    ready_after: HashMap<usize, usize>,
}

impl Cutting {
    /// Makes the tasks of a result.
    pub(super) fn result(&mut self, root: &Arc<Node>, dtype: DType, dest: Dest, way: &Way) {
        if let Some(fold) = uniform(root).filter(|_| *way == Way::Either) {
            let root = self.with_flowing_inputs(root);
            self.push(root, dtype, dest, Some(fold));
            return;
        }
        let mut root = self.flow(root);
        if let Way::OnDisk { block } = way {
            root = Node::leaf(self.spill(root, dtype, block));
        }
        self.push(root, dtype, dest, None);
    }

    /// From here on, the elements of a source come from a scratch file, in these blocks.
    pub(super) fn turn(&mut self, Turned { source, block }: &Turned) {
        let root = Node::leaf(Arc::clone(source));
        let spill = self.spill(root, source.dtype(), block);
        self.turned.insert(address(source), spill);
    }

    /// A source of the same elements, which an earlier pass brings to disk.
    fn spill(&mut self, root: Arc<Node>, dtype: DType, block: &[u64]) -> Arc<dyn Source> {
        let spill = Arc::new(Spill::new("waiting elements", &root.shape, dtype, block));
        let depth = self.push(root, dtype, Dest::Spilled(Arc::clone(&spill)), None);
        let source: Arc<dyn Source> = spill;
        self.ready_after.insert(address(&source), depth + 1);
        source
    }

    fn push(&mut self, root: Arc<Node>, dtype: DType, dest: Dest, fold: Option<FoldOver>) -> usize {
        let depth = self.depth(&root);
        self.tasks.push(Task { depth, root, dtype, dest, fold });
        depth
    }

    fn depth(&self, node: &Arc<Node>) -> usize {
        let after = |source: &Arc<dyn Source>| self.ready_after.get(&address(source)).copied();
        leaves_of(node).iter().filter_map(|leaf| after(&leaf.source)).max().unwrap_or(0)
    }

    /// The same elements made of sources only: reductions are computed by an earlier pass.
    fn flow(&mut self, node: &Arc<Node>) -> Arc<Node> {
        if let Some(flow) = self.flows.get(node) {
            return flow;
        }
        let flow = match &node.op {
            Op::Leaf { source, view } if self.turned.contains_key(&address(source)) => {
                let source = Arc::clone(&self.turned[&address(source)]);
                Node::new(Op::Leaf { source, view: view.clone() }, node.shape.clone(), node.dtype)
            }
            Op::Reduce(_) => self.hold(node),
            Op::View { input, view } => see(&self.flow(input), view),
            Op::Custom { function, input } => self.nest(function, input, node),
            _ => node.map_children(|child| self.flow(child)),
        };
        self.flows.insert(node, Arc::clone(&flow));
        flow
    }

    /// Elements made of reductions, each over an input that flows. Shared nodes stay shared.
    fn with_flowing_inputs(&mut self, root: &Arc<Node>) -> Arc<Node> {
        fn visit(
            cutting: &mut Cutting,
            node: &Arc<Node>,
            done: &mut ByNode<Arc<Node>>,
        ) -> Arc<Node> {
            if let Some(known) = done.get(node) {
                return known;
            }
            let made = node.map_children(|child| match &node.op {
                Op::Reduce(_) => cutting.flow(child),
                _ => visit(cutting, child, done),
            });
            done.insert(node, Arc::clone(&made));
            made
        }
        visit(self, root, &mut ByNode::default())
    }

    /// A leaf that stands for a reduction computed by an earlier pass.
    fn hold(&mut self, node: &Arc<Node>) -> Arc<Node> {
        let Op::Reduce(reduce) = &node.op else { return Arc::clone(node) };
        let root = node.map_children(|child| self.flow(child));
        let source = Arc::new(MemorySource::empty(reduce.op.name(), &node.shape, node.dtype));
        let bytes = saturating_count(&node.shape);
        let bytes = bytes.saturating_mul(node.dtype.size() as u64);
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        let fold = FoldOver::of(reduce);
        let dest = Dest::Held(Arc::clone(&source));
        let depth = self.push(root, node.dtype, dest, Some(fold));
        let source: Arc<dyn Source> = source;
        self.ready_after.insert(address(&source), depth + 1);
        Node::leaf(source)
    }

    /// A leaf that computes a custom function, block by block.
    fn nest(&mut self, function: &Custom, input: &Arc<Node>, node: &Arc<Node>) -> Arc<Node> {
        let input = self.flow(input);
        let depth = self.depth(&input);
        let natural = block_shape_of(&input);
        let block = match function.footprint {
            Footprint::Same => natural,
            Footprint::Along(axis) => {
                let mut block = natural;
                block[axis] = node.shape[axis].max(1);
                block
            }
            Footprint::Flatten(merged) => {
                let rest = natural[merged..].iter().copied();
                std::iter::once(node.shape[0].max(1)).chain(rest).collect()
            }
        };
        let walk = input.shape.len().saturating_sub(1);
        let pieces: Vec<(Region, Feed)> = pieces(&[&input])
            .into_iter()
            .map(|(region, nodes)| {
                let mut builder = FeedBuilder::new(walk, false);
                let node = Arc::clone(&nodes[0]);
                builder.try_add(&Want {
                    node,
                    dtype: input.dtype,
                    mask: None,
                    phase: Phase::Samples,
                });
                (region, builder.build().0)
            })
            .collect();
        let backwards = pieces.iter().find_map(|(_, feed)| feed.read_backwards());
        self.backwards = self.backwards.take().or_else(|| backwards.map(str::to_owned));
        let source: Arc<dyn Source> = Arc::new(CustomSource {
            function: function.clone(),
            shape: node.shape.clone(),
            dtype: node.dtype,
            block,
            input_shape: input.shape.clone(),
            input_dtype: input.dtype,
            pieces,
        });
        self.ready_after.insert(address(&source), depth);
        Node::leaf(source)
    }
}

/// The reduced axes, where an expression is elements made of reductions (and numbers) only, all over
/// the same axes and, if they are grouped, into as many groups.
pub(super) fn uniform(root: &Arc<Node>) -> Option<FoldOver> {
    fn visit<'n>(
        node: &'n Arc<Node>,
        found: &mut Option<&'n Reduce>,
        seen: &mut HashSet<usize>,
    ) -> bool {
        if !seen.insert(node.address()) {
            return true;
        }
        match &node.op {
            Op::Reduce(reduce) => {
                let first = *found.get_or_insert(reduce);
                first.axes == reduce.axes && first.groups.is_some() == reduce.groups.is_some()
            }
            Op::Map { inputs, .. } => inputs.iter().all(|input| visit(input, found, seen)),
            Op::Scalar(_) => true,
            _ => false,
        }
    }
    let mut found = None;
    if !visit(root, &mut found, &mut HashSet::new()) {
        return None;
    }
    found.map(FoldOver::of)
}
