//! Where do concatenations cut an expression?
//!
//! What is left of each piece has no concatenation, so that reductions run on each run alone and each
//! box of a result comes from the files that hold it. Who reads which piece is for `draft`.

use std::collections::HashSet;
use std::sync::Arc;

use crate::grid::Region;
use crate::lazy::{AxisView, Node, Op, View, see};

/// Boxes of the expressions (of one shape), each with the concatenation-free expressions that fill it,
/// in memory order. Cuts of any of them cut all.
pub(super) fn pieces(nodes: &[&Arc<Node>]) -> Vec<(Region, Vec<Arc<Node>>)> {
    let shape = &nodes[0].shape;
    let mut bounds: Vec<Vec<u64>> = shape.iter().map(|&n| vec![0, n]).collect();
    let mut seen = HashSet::new();
    for node in nodes {
        collect_bounds(node, &mut bounds, &mut seen);
    }
    for (axis, list) in bounds.iter_mut().enumerate() {
        list.sort_unstable();
        list.dedup();
        if shape[axis] == 0 {
            *list = vec![0, 0];
        }
    }
    let counts: Vec<usize> = bounds.iter().map(|b| b.len() - 1).collect();
    (0..counts.iter().product())
        .map(|mut index: usize| {
            let (mut start, mut lens, mut drivers) = (Vec::new(), Vec::new(), Vec::new());
            for (axis, (list, &count)) in bounds.iter().zip(&counts).enumerate() {
                let k = index % count;
                index /= count;
                start.push(list[k]);
                lens.push(list[k + 1] - list[k]);
                drivers.push(AxisView::Run { axis, start: list[k], step: 1 });
            }
            let view = View::new(lens.clone(), drivers);
            let parts = nodes.iter().map(|node| see(node, &view)).collect();
            (Region::new(start, lens), parts)
        })
        .collect()
}

/// Shared parts of one shape are looked at once; only what has concatenations matters.
fn collect_bounds(node: &Arc<Node>, bounds: &mut [Vec<u64>], seen: &mut HashSet<usize>) {
    if !seen.insert(node.address()) {
        return;
    }
    match &node.op {
        Op::Map { inputs, .. } => {
            for input in inputs {
                // Numbers have no axes.
                if input.shape.len() == bounds.len() {
                    collect_bounds(input, bounds, seen);
                }
            }
        }
        Op::Concat { inputs, axis } => {
            let mut offset = 0;
            for input in inputs {
                let mut inner: Vec<Vec<u64>> = vec![Vec::new(); bounds.len()];
                collect_bounds(input, &mut inner, &mut HashSet::new());
                for (a, list) in inner.into_iter().enumerate() {
                    let shift = if a == *axis { offset } else { 0 };
                    bounds[a].extend(list.into_iter().map(|b| b + shift));
                }
                offset += input.shape[*axis];
                bounds[*axis].push(offset);
            }
        }
        _ => {}
    }
}
