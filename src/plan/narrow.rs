//! When is a view of a reduction a reduction of less?
//!
//! Slices and picks of a reduction's result go below it, so that only the cells kept are read and
//! summed. That is done where all who use the reduction look at it through views; if somebody needs
//! all of it, it is computed once and looked at. Views of anything else went down as they were made.

use std::collections::HashSet;
use std::sync::Arc;

use crate::dtype::DType;
use crate::lazy::{AxisView, ByNode, Node, Op, Reduce, View, see};

/// The same expressions with views below the reductions that are only ever looked at through them.
pub(super) fn narrow(roots: &[Arc<Node>]) -> Vec<Arc<Node>> {
    let mut used_whole = HashSet::new();
    let mut seen = HashSet::new();
    for root in roots {
        used_whole.insert(root.address());
        mark_used_whole(root, &mut seen, &mut used_whole);
    }
    let mut narrowing = Narrowing { used_whole, done: ByNode::default() };
    roots.iter().map(|root| narrowing.rewrite(root)).collect()
}

/// Everything below that somebody uses other than through a view.
fn mark_used_whole(node: &Node, seen: &mut HashSet<usize>, used_whole: &mut HashSet<usize>) {
    if !seen.insert(node.address()) {
        return;
    }
    for child in node.children() {
        if !matches!(node.op, Op::View { .. }) {
            used_whole.insert(child.address());
        }
        mark_used_whole(child, seen, used_whole);
    }
}

struct Narrowing {
    /// Addresses of nodes that are not only looked at through views.
    used_whole: HashSet<usize>,
    done: ByNode<Arc<Node>>,
}

impl Narrowing {
    fn rewrite(&mut self, node: &Arc<Node>) -> Arc<Node> {
        if let Some(done) = self.done.get(node) {
            return done;
        }
        let rewritten = match &node.op {
            Op::View { input, view } => match &input.op {
                Op::Reduce(reduce) if !self.used_whole.contains(&input.address()) => {
                    let (less, above) = self.reduce_less(reduce, input.dtype, view);
                    if above.is_whole(&less.shape) {
                        less
                    } else {
                        let op = Op::View { input: less, view: above };
                        Node::new(op, node.shape.clone(), node.dtype)
                    }
                }
                _ => node.map_children(|child| self.rewrite(child)),
            },
            _ => node.map_children(|child| self.rewrite(child)),
        };
        self.done.insert(node, Arc::clone(&rewritten));
        rewritten
    }

    /// The reduction of no more than a view of it needs, and the view that stays above.
    fn reduce_less(&mut self, reduce: &Reduce, dtype: DType, view: &View) -> (Arc<Node>, View) {
        let Split { below, below_shape, reduced, above, shape } = Split::of(reduce, view);
        let below = View::new(below_shape, below);
        let mut less = reduce.clone();
        less.input = self.rewrite(&see(&reduce.input, &below));
        less.mask = reduce.mask.as_ref().map(|mask| self.rewrite(&see(mask, &below)));
        less.axes = reduced;
        let above = View::new(view.shape().to_vec(), above);
        (Node::new(Op::Reduce(less), shape, dtype), above)
    }
}

/// A view of a reduction's result, in two: what goes below the reduction (single indices, steps,
/// ascending picks), and what stays above (order, repeats, directions).
#[derive(Default)]
struct Split {
    /// What drives each axis of the reduction's input, and the shape that is left of it.
    below: Vec<AxisView>,
    below_shape: Vec<u64>,
    /// The axes of what is left that are reduced.
    reduced: Vec<usize>,
    /// What drives each axis of the smaller result, and its shape.
    above: Vec<AxisView>,
    shape: Vec<u64>,
}

impl Split {
    fn of(reduce: &Reduce, view: &View) -> Self {
        let mut split = Self::default();
        let mut result_axis = 0;
        for (axis, &len) in reduce.input.shape.iter().enumerate() {
            let is_reduced = reduce.axes.contains(&axis);
            if is_reduced {
                // All of it is needed, in its order.
                split.reduced.push(split.below_shape.len());
                split.below.push(AxisView::whole(split.below_shape.len()));
                split.below_shape.push(len);
            }
            match &reduce.groups {
                None if is_reduced => continue,
                Some(groups) if is_reduced => {
                    split.above.push(view.axes()[result_axis].clone());
                    split.shape.push(u64::from(groups.count));
                }
                _ => split.narrow(&view.axes()[result_axis], len, view),
            }
            result_axis += 1;
        }
        split
    }

    /// Takes an axis that is not reduced.
    fn narrow(&mut self, driver: &AxisView, len: u64, view: &View) {
        let place = self.below_shape.len();
        let (below, above, kept) = match driver {
            AxisView::At(_) => {
                self.below.push(driver.clone());
                return;
            }
            AxisView::Run { axis, start, step } => {
                let count = view.shape()[*axis];
                let last = count.saturating_sub(1);
                let reach = last * step.unsigned_abs();
                let low = if *step < 0 { start - reach } else { *start };
                let step_up = step.unsigned_abs() as i64;
                let below = AxisView::Run { axis: place, start: low, step: step_up };
                let backwards = AxisView::Run { axis: *axis, start: last, step: -1 };
                let above = if *step < 0 { backwards } else { AxisView::whole(*axis) };
                (below, above, count)
            }
            AxisView::Pick { axis, indices } if indices.is_sorted_by(|a, b| a < b) => {
                let below = AxisView::Pick { axis: place, indices: Arc::clone(indices) };
                (below, AxisView::whole(*axis), indices.len() as u64)
            }
            AxisView::Pick { .. } => (AxisView::whole(place), driver.clone(), len),
        };
        self.below.push(below);
        self.below_shape.push(kept);
        self.above.push(above);
        self.shape.push(kept);
    }
}
