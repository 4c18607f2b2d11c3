//! A view of a reduction is a reduction of less, where nobody wants the rest.
//!
//! Slices and picks of a reduction's result go below it, so that only the cells kept are read and
//! summed. That is done where all who use the reduction look at it through views; if somebody needs
//! all of it, it is computed once and looked at.

use std::collections::HashSet;
use std::sync::Arc;

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
                    let (inner, outer) = split(reduce, view, &input.shape);
                    let less = self.reduce_less(reduce, input, &inner);
                    if outer.is_whole(&less.shape) {
                        less
                    } else {
                        let op = Op::View { input: less, view: outer };
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

    fn reduce_less(&mut self, reduce: &Reduce, node: &Node, inner: &Inner) -> Arc<Node> {
        let mut less = reduce.clone();
        less.input = self.rewrite(&see(&reduce.input, &inner.view));
        less.mask = reduce.mask.as_ref().map(|mask| self.rewrite(&see(mask, &inner.view)));
        less.axes.clone_from(&inner.axes);
        Node::new(Op::Reduce(less), inner.shape.clone(), node.dtype)
    }
}

/// What goes below a reduction.
struct Inner {
    /// Of the reduction's input.
    view: View,
    /// The reduced axes in that view.
    axes: Vec<usize>,
    /// The shape of the smaller result.
    shape: Vec<u64>,
}

/// Splits a view of a reduction's result into what goes below it (single indices, steps, ascending
/// picks) and what stays above (order, repeats, directions).
fn split(reduce: &Reduce, view: &View, result: &[u64]) -> (Inner, View) {
    let input = &reduce.input.shape;
    let (mut below, mut below_shape, mut axes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut above, mut kept_shape) = (Vec::new(), Vec::new());
    let mut out = 0;
    for (axis, &len) in input.iter().enumerate() {
        let reduced = reduce.axes.contains(&axis);
        if reduced && reduce.groups.is_none() {
            axes.push(below_shape.len());
            below.push(AxisView::Run { axis: below_shape.len(), start: 0, step: 1 });
            below_shape.push(len);
            continue;
        }
        let driver = &view.axes()[out];
        let place = below_shape.len();
        let whole = AxisView::Run { axis: place, start: 0, step: 1 };
        if reduced {
            axes.push(place);
            below.push(whole);
            below_shape.push(len);
            above.push(driver.clone());
            kept_shape.push(result[out]);
        } else {
            match driver {
                AxisView::At(index) => below.push(AxisView::At(*index)),
                AxisView::Run { axis, start, step } => {
                    let count = view.shape()[*axis];
                    let reach = count.saturating_sub(1) * step.unsigned_abs();
                    let low = if *step < 0 { start - reach } else { *start };
                    let by = step.unsigned_abs() as i64;
                    below.push(AxisView::Run { axis: place, start: low, step: by });
                    below_shape.push(count);
                    let (start, step) =
                        if *step < 0 { (count.saturating_sub(1), -1) } else { (0, 1) };
                    above.push(AxisView::Run { axis: *axis, start, step });
                    kept_shape.push(count);
                }
                AxisView::Pick { axis, indices } if indices.is_sorted_by(|a, b| a < b) => {
                    let (indices, count) = (Arc::clone(indices), indices.len() as u64);
                    below.push(AxisView::Pick { axis: place, indices });
                    below_shape.push(count);
                    above.push(AxisView::Run { axis: *axis, start: 0, step: 1 });
                    kept_shape.push(count);
                }
                AxisView::Pick { .. } => {
                    below.push(whole);
                    below_shape.push(len);
                    above.push(driver.clone());
                    kept_shape.push(len);
                }
            }
        }
        out += 1;
    }
    let inner = Inner { view: View::new(below_shape, below), axes, shape: kept_shape };
    (inner, View::new(view.shape().to_vec(), above))
}
