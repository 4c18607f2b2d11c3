//! Which nodes has the expression of a plan, and which pass makes each?
//!
//! Each node once, as the user has built it: what the planner made of it is told by the passes.

use std::collections::HashSet;
use std::sync::Arc;

use super::names::describe;
use crate::feed::leaves_of;
use crate::grid::saturating_count;
use crate::lazy::{ByNode, LazyArray, Node, Op, block_shape_of};
use crate::picture::{ExplainNode, NodeKind};
use crate::plan::Plan;
use crate::plan::cut::uniform;
use crate::plan::intern::Interner;
use crate::plan::pass::{Dest, Pass};
use crate::plan::schedule::Schedule;
use crate::source::address;

/// The nodes of the arrays that a plan computes, sources first, results last.
pub(super) fn nodes_of(plan: &Plan, arrays: &[&LazyArray]) -> Vec<ExplainNode> {
    let mut interner = Interner::default();
    let roots: Vec<Arc<Node>> =
        arrays.iter().map(|array| interner.canonical(array.node())).collect();
    let mut nodes = Nodes { plan, list: Vec::new(), ids: ByNode::default() };
    for (index, root) in roots.iter().enumerate() {
        let of = nodes.add(root);
        let pass = plan.passes.iter().position(|(pass, _)| {
            pass.dests().any(|(dest, ..)| matches!(dest, Dest::Result(r) if *r == index))
        });
        let label = format!("result {}", index + 1);
        let pass = pass.map(|pass| pass + 1);
        nodes.push(root, NodeKind::Result, label, String::new(), vec![of], pass);
    }
    nodes.list
}

/// The expression, each node once.
struct Nodes<'p> {
    plan: &'p Plan,
    list: Vec<ExplainNode>,
    ids: ByNode<usize>,
}

impl Nodes<'_> {
    fn push(
        &mut self,
        node: &Node,
        kind: NodeKind,
        label: String,
        detail: String,
        inputs: Vec<usize>,
        pass: Option<usize>,
    ) -> usize {
        let id = self.list.len();
        let elements = saturating_count(&node.shape);
        let (block, stored_bytes) = match &node.op {
            Op::Leaf { source, .. } if source.stored_bytes() > 0 => {
                (Some(block_shape_of(node)), Some(source.stored_bytes()))
            }
            _ => (None, None),
        };
        self.list.push(ExplainNode {
            id,
            kind,
            label,
            dtype: node.dtype.to_string(),
            shape: node.shape.clone(),
            block,
            bytes: elements.saturating_mul(node.dtype.size() as u64),
            stored_bytes,
            detail,
            inputs,
            pass,
        });
        id
    }

    fn add(&mut self, node: &Arc<Node>) -> usize {
        if let Some(id) = self.ids.get(node) {
            return id;
        }
        let shown = |child: &&Arc<Node>| !matches!(child.op, Op::Scalar(_));
        let inputs: Vec<usize> =
            node.children().into_iter().filter(shown).map(|child| self.add(child)).collect();
        let (kind, label, detail) = describe(node);
        // What several passes stream through is made by none of them.
        let streams = self.plan.passes.len() > 1 && !has_reduction(node);
        let pass = if kind == NodeKind::Source || streams { None } else { self.pass_of(node) };
        let id = self.push(node, kind, label, detail, inputs, pass);
        self.ids.insert(node, id);
        id
    }

    /// The pass that makes a node: that of its stage which reads what the node is made of.
    fn pass_of(&self, node: &Arc<Node>) -> Option<usize> {
        let stage = stage_of(node);
        let sources: Vec<usize> =
            leaves_of(node).iter().map(|leaf| address(&leaf.source)).collect();
        let reads = |pass: &Pass| {
            pass.feeds().flat_map(crate::feed::Feed::sources).any(|s| sources.contains(&address(s)))
        };
        let holds = |pass: &Pass, schedule: &Schedule| {
            pass.depth == stage || (schedule.keep && pass.depth + 1 == stage)
        };
        let mut of_stage =
            self.plan.passes.iter().enumerate().filter(|(_, (pass, s))| holds(pass, s));
        let first = of_stage.clone().next();
        let found = of_stage.find(|(_, (pass, _))| reads(pass)).or(first);
        found.map(|(index, _)| index + 1)
    }
}

/// Passes that must come before a node's own. Follows `cut`, which says what ends a pass; a plan keeps
/// no more of it than the depth of its passes. A picture depends on this, no result.
fn stage_of(node: &Arc<Node>) -> usize {
    fn visit(node: &Arc<Node>, known: &mut ByNode<usize>) -> usize {
        if let Some(stage) = known.get(node) {
            return stage;
        }
        let below = node.children().into_iter().map(|child| visit(child, known)).max().unwrap_or(0);
        let is_reduce = matches!(node.op, Op::Reduce(_));
        let goes_on = !is_reduce && uniform(node).is_some();
        let stage = below + usize::from(!goes_on && node.children().into_iter().any(is_fold));
        known.insert(node, stage);
        stage
    }
    visit(node, &mut ByNode::default())
}

/// True for what a fold makes, or a view of it.
fn is_fold(node: &Arc<Node>) -> bool {
    uniform(node).is_some()
        || matches!(&node.op, Op::View { input, .. } if uniform(input).is_some())
}

fn has_reduction(node: &Arc<Node>) -> bool {
    fn visit(node: &Arc<Node>, seen: &mut HashSet<usize>) -> bool {
        seen.insert(node.address())
            && (matches!(node.op, Op::Reduce(_))
                || node.children().into_iter().any(|child| visit(child, seen)))
    }
    visit(node, &mut HashSet::new())
}
