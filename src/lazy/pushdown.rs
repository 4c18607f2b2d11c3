//! How does a view of an expression become the same expression over views?
//!
//! [`see`] rewrites an expression so that each source shows only what the view keeps: element by
//! element operations hand the view on, a concatenation drops the inputs that it misses, sources
//! fold it into the view they have. It stops at reductions and custom functions, where it stays as a
//! node; whether it goes further is for the plan to say, which knows who else uses them.

use std::collections::HashMap;
use std::sync::Arc;

use super::node::{Node, Op};
use super::view::{AxisView, View};

/// The node that shows what `view` shows of `node`.
pub(crate) fn see(node: &Arc<Node>, view: &View) -> Arc<Node> {
    Pushdown::default().see(node, view)
}

/// Shared parts of an expression are rewritten once.
#[derive(Default)]
struct Pushdown {
    done: HashMap<(usize, View), Arc<Node>>,
}

impl Pushdown {
    fn see(&mut self, node: &Arc<Node>, view: &View) -> Arc<Node> {
        if matches!(node.op, Op::Invalid(_) | Op::Scalar(_)) || view.is_whole(&node.shape) {
            return Arc::clone(node);
        }
        let key = (node.address(), view.clone());
        if let Some(known) = self.done.get(&key) {
            return Arc::clone(known);
        }
        let seen = self.rewrite(node, view);
        self.done.insert(key, Arc::clone(&seen));
        seen
    }

    fn rewrite(&mut self, node: &Arc<Node>, view: &View) -> Arc<Node> {
        let op = match &node.op {
            Op::Invalid(_) | Op::Scalar(_) => return Arc::clone(node),
            Op::Leaf { source, view: inner } => {
                Op::Leaf { source: Arc::clone(source), view: inner.then(view) }
            }
            Op::Map { op, inputs } => {
                let inputs = inputs.iter().map(|input| self.see(input, view)).collect();
                Op::Map { op: *op, inputs }
            }
            Op::View { input, view: inner } => {
                let both = inner.then(view);
                if both.is_whole(&input.shape) {
                    return Arc::clone(input);
                }
                Op::View { input: Arc::clone(input), view: both }
            }
            Op::Reduce(_) | Op::Kept(_) | Op::Custom { .. } => {
                Op::View { input: Arc::clone(node), view: view.clone() }
            }
            Op::Concat { inputs, axis } => return self.concat(inputs, *axis, view, node),
        };
        Node::new(op, view.shape().to_vec(), node.dtype)
    }

    fn concat(&mut self, inputs: &[Arc<Node>], axis: usize, view: &View, node: &Node) -> Arc<Node> {
        let lens: Vec<u64> = inputs.iter().map(|input| input.shape[axis]).collect();
        let kept = match &view.axes()[axis] {
            AxisView::At(index) => {
                let (input, at) = input_of(*index, &lens);
                let mut axes = view.axes().to_vec();
                axes[axis] = AxisView::At(at);
                return self.see(&inputs[input], &View::new(view.shape().to_vec(), axes));
            }
            AxisView::Run { axis: out, start, step } => {
                split_run(*out, *start, *step, view.shape()[*out], &lens)
            }
            AxisView::Pick { axis: out, indices } => split_picks(*out, indices, &lens),
        };
        let mut seen: Vec<Arc<Node>> = Vec::with_capacity(kept.len());
        let mut joined_along = 0;
        for Kept { input, driver, out, len } in kept {
            let mut axes = view.axes().to_vec();
            axes[axis] = driver;
            let mut shape = view.shape().to_vec();
            shape[out] = len;
            joined_along = out;
            seen.push(self.see(&inputs[input], &View::new(shape, axes)));
        }
        if seen.len() == 1 {
            seen.remove(0)
        } else {
            let op = Op::Concat { inputs: seen, axis: joined_along };
            Node::new(op, view.shape().to_vec(), node.dtype)
        }
    }
}

/// What a view keeps of one input of a concatenation.
struct Kept {
    input: usize,
    driver: AxisView,
    /// The view's axis, and how much of it this input fills.
    out: usize,
    len: u64,
}

/// The input that holds an index of a concatenation, and the index in it.
fn input_of(mut index: u64, lens: &[u64]) -> (usize, u64) {
    for (input, &len) in lens.iter().enumerate() {
        if index < len {
            return (input, index);
        }
        index -= len;
    }
    (lens.len() - 1, index)
}

fn split_run(out: usize, start: u64, step: i64, count: u64, lens: &[u64]) -> Vec<Kept> {
    let mut offset = 0_u64;
    let mut kept = Vec::new();
    for (input, &len) in lens.iter().enumerate() {
        if let Some((first, count)) = within(start, step, count, offset, len) {
            let driver = AxisView::Run { axis: out, start: first, step };
            kept.push(Kept { input, driver, out, len: count });
        }
        offset += len;
    }
    if step < 0 {
        kept.reverse();
    }
    if kept.is_empty() {
        // Nothing is kept: an empty view of the first input has the right shape and type.
        let driver = AxisView::whole(out);
        kept.push(Kept { input: 0, driver, out, len: 0 });
    }
    kept
}

/// Of `count` indices from `start` in steps, those on `offset .. offset + len`: the first one counted
/// from `offset`, and how many.
fn within(start: u64, step: i64, count: u64, offset: u64, len: u64) -> Option<(u64, u64)> {
    let end = offset + len;
    let (start, offset, end) = (start as i64, offset as i64, end as i64);
    // The first and one-past-last multiples of step that land inside.
    let (first, past) = if step > 0 {
        let first = if start >= offset { 0 } else { (offset - start + step - 1) / step };
        (first, if end > start { (end - start + step - 1) / step } else { 0 })
    } else {
        let back = -step;
        let first = if start < end { 0 } else { (start - end) / back + 1 };
        (first, if start >= offset { (start - offset) / back + 1 } else { 0 })
    };
    let past = past.min(count as i64);
    (first < past).then(|| ((start + first * step - offset) as u64, (past - first) as u64))
}

/// Picks in their order, neighbours of one input together.
fn split_picks(out: usize, indices: &[u64], lens: &[u64]) -> Vec<Kept> {
    let places: Vec<(usize, u64)> = indices.iter().map(|&i| input_of(i, lens)).collect();
    places
        .chunk_by(|a, b| a.0 == b.0)
        .map(|chunk| {
            let indices: Arc<[u64]> = chunk.iter().map(|place| place.1).collect();
            let len = indices.len() as u64;
            Kept { input: chunk[0].0, driver: AxisView::Pick { axis: out, indices }, out, len }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_run_splits_over_inputs_without_loss_or_repeat() {
        for (start, step, len) in [(0, 1, 11), (2, 3, 3), (10, -1, 11), (9, -4, 3), (5, 1, 1)] {
            let mut got = Vec::new();
            let mut parts: Vec<(u64, u64)> = vec![(0, 4), (4, 1), (5, 0), (5, 6)];
            if step < 0 {
                parts.reverse();
            }
            for (offset, n) in parts {
                if let Some((first, count)) = within(start, step, len, offset, n) {
                    got.extend((0..count as i64).map(|k| (offset + first) as i64 + k * step));
                }
            }
            let want: Vec<i64> = (0..len as i64).map(|k| start as i64 + k * step).collect();
            assert_eq!(got, want);
        }
    }
}
