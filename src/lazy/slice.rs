//! numpy's slicing, folded into the leaves.
//!
//! [`slice_node`] rewrites an expression so that each leaf shows only what the slice keeps; a
//! concatenation drops the inputs that it misses. [`pieces`] cuts an expression along its
//! concatenations, so that what is left of each piece has none.

use std::sync::Arc;

use ndarray::SliceInfoElem;

use super::node::{Node, Op};

/// What a slice does to one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Keeps one index and drops the axis.
    At(u64),
    /// Keeps `len` indices from `start` in steps of `step`.
    Run { start: u64, step: i64, len: u64 },
}

impl Cut {
    pub(crate) const fn all(len: u64) -> Self {
        Self::Run { start: 0, step: 1, len }
    }
}

/// The cuts that ndarray's `s![]` asks of an array of this shape; axes not named are whole.
pub(super) fn cuts_of(elements: &[SliceInfoElem], shape: &[u64]) -> Result<Vec<Cut>, String> {
    let named = elements.iter().filter(|e| !matches!(e, SliceInfoElem::NewAxis)).count();
    if named != elements.len() {
        return Err("slice: NewAxis is not supported".to_owned());
    }
    if named > shape.len() {
        return Err(format!(
            "slice: {named} axes are indexed, the array has {}: {}",
            shape.len(),
            crate::grid::shape_text(shape)
        ));
    }
    shape
        .iter()
        .enumerate()
        .map(|(axis, &len)| match elements.get(axis) {
            None => Ok(Cut::all(len)),
            Some(element) => cut_of(*element, axis, len),
        })
        .collect()
}

fn cut_of(element: SliceInfoElem, axis: usize, len: u64) -> Result<Cut, String> {
    let signed = len as i64;
    let from_end = |i: isize| if i < 0 { i as i64 + signed } else { i as i64 };
    match element {
        SliceInfoElem::Index(i) => {
            let at = from_end(i);
            if (0..signed).contains(&at) {
                Ok(Cut::At(at as u64))
            } else {
                Err(format!("slice: index {i} is out of range for axis {axis} of length {len}"))
            }
        }
        SliceInfoElem::Slice { step: 0, .. } => Err(format!("slice: step 0 on axis {axis}")),
        SliceInfoElem::Slice { start, end, step } => {
            // ndarray's rule: take start..end first, then walk it in steps, from the end if negative.
            let low = from_end(start).clamp(0, signed);
            let high = end.map_or(signed, from_end).clamp(low, signed);
            let step = step as i64;
            let kept = ((high - low) as u64).div_ceil(step.unsigned_abs());
            let first = if step > 0 || kept == 0 { low } else { high - 1 };
            // A step that is never taken is 1: no later product of steps can overflow.
            let step = if kept > 1 { step } else { 1 };
            Ok(Cut::Run { start: first as u64, step, len: kept })
        }
        SliceInfoElem::NewAxis => Err("slice: NewAxis is not supported".to_owned()),
    }
}

/// The node that shows just what the cuts keep; one cut an axis.
pub(crate) fn slice_node(node: &Arc<Node>, cuts: &[Cut]) -> Arc<Node> {
    let whole = cuts.iter().zip(&node.shape).all(|(cut, &len)| *cut == Cut::all(len));
    if whole {
        return Arc::clone(node);
    }
    let shape = cuts
        .iter()
        .filter_map(|cut| match *cut {
            Cut::At(_) => None,
            Cut::Run { len, .. } => Some(len),
        })
        .collect();
    let op = match &node.op {
        Op::Invalid(_) | Op::Scalar(_) => return Arc::clone(node),
        Op::Leaf { source, view } => Op::Leaf { source: Arc::clone(source), view: view.cut(cuts) },
        Op::Rescale { input, slope, inter } => {
            Op::Rescale { input: slice_node(input, cuts), slope: *slope, inter: *inter }
        }
        Op::Cast { input } => Op::Cast { input: slice_node(input, cuts) },
        Op::Binary { op, left, right } => {
            Op::Binary { op: *op, left: slice_node(left, cuts), right: slice_node(right, cuts) }
        }
        Op::Reduce { op, axis, input } => {
            let mut inner = cuts.to_vec();
            inner.insert(*axis, Cut::all(input.shape[*axis]));
            let dropped = cuts[..*axis].iter().filter(|c| matches!(c, Cut::At(_))).count();
            Op::Reduce { op: op.clone(), axis: axis - dropped, input: slice_node(input, &inner) }
        }
        Op::Concat { inputs, axis } => return slice_concat(inputs, *axis, cuts, shape, node),
    };
    Node::new(op, shape, node.dtype)
}

fn slice_concat(
    inputs: &[Arc<Node>],
    axis: usize,
    cuts: &[Cut],
    shape: Vec<u64>,
    node: &Node,
) -> Arc<Node> {
    let mut offset = 0_u64;
    let mut kept = Vec::new();
    for input in inputs {
        let len = input.shape[axis];
        if let Some(cut) = cut_within(cuts[axis], offset, len) {
            let mut inner = cuts.to_vec();
            inner[axis] = cut;
            kept.push(slice_node(input, &inner));
        }
        offset += len;
    }
    if matches!(cuts[axis], Cut::Run { step, .. } if step < 0) {
        kept.reverse();
    }
    match kept.len() {
        // Nothing is kept: an empty slice of the first input has the right shape and type.
        0 => {
            let mut inner = cuts.to_vec();
            inner[axis] = Cut::Run { start: 0, step: 1, len: 0 };
            slice_node(&inputs[0], &inner)
        }
        1 => kept.remove(0),
        _ => {
            let dropped = cuts[..axis].iter().filter(|c| matches!(c, Cut::At(_))).count();
            Node::new(Op::Concat { inputs: kept, axis: axis - dropped }, shape, node.dtype)
        }
    }
}

/// The part of a cut that falls on indices `offset .. offset + len`, counted from `offset`.
fn cut_within(cut: Cut, offset: u64, len: u64) -> Option<Cut> {
    let end = offset + len;
    match cut {
        Cut::At(i) => (offset..end).contains(&i).then(|| Cut::At(i - offset)),
        Cut::Run { start, step, len: count } => {
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
            (first < past).then(|| Cut::Run {
                start: (start + first * step - offset) as u64,
                step: if past - first > 1 { step } else { 1 },
                len: (past - first) as u64,
            })
        }
    }
}

/// Cuts an expression along every concatenation in it (not below a reduction): boxes of the
/// expression, each with the concatenation-free expression that fills it, in memory order.
pub(crate) fn pieces(node: &Arc<Node>) -> Vec<(crate::grid::Region, Arc<Node>)> {
    let mut bounds: Vec<Vec<u64>> = node.shape.iter().map(|&n| vec![0, n]).collect();
    collect_bounds(node, &mut bounds);
    for (axis, list) in bounds.iter_mut().enumerate() {
        list.sort_unstable();
        list.dedup();
        if node.shape[axis] == 0 {
            *list = vec![0, 0];
        }
    }
    let counts: Vec<usize> = bounds.iter().map(|b| b.len() - 1).collect();
    (0..counts.iter().product())
        .map(|mut index: usize| {
            let (mut start, mut shape, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
            for (list, &count) in bounds.iter().zip(&counts) {
                let k = index % count;
                index /= count;
                start.push(list[k]);
                shape.push(list[k + 1] - list[k]);
                cuts.push(Cut::Run { start: list[k], step: 1, len: list[k + 1] - list[k] });
            }
            (crate::grid::Region::new(start, shape), slice_node(node, &cuts))
        })
        .collect()
}

fn collect_bounds(node: &Node, bounds: &mut [Vec<u64>]) {
    match &node.op {
        Op::Leaf { .. } | Op::Scalar(_) | Op::Invalid(_) | Op::Reduce { .. } => {}
        Op::Rescale { input, .. } | Op::Cast { input } => collect_bounds(input, bounds),
        Op::Binary { left, right, .. } => {
            collect_bounds(left, bounds);
            collect_bounds(right, bounds);
        }
        Op::Concat { inputs, axis } => {
            let mut offset = 0;
            for input in inputs {
                let mut inner: Vec<Vec<u64>> = vec![Vec::new(); bounds.len()];
                collect_bounds(input, &mut inner);
                for (a, list) in inner.into_iter().enumerate() {
                    let shift = if a == *axis { offset } else { 0 };
                    bounds[a].extend(list.into_iter().map(|b| b + shift));
                }
                offset += input.shape[*axis];
                bounds[*axis].push(offset);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, cut_within, cuts_of};
    use ndarray::{Array1, s};

    #[test]
    fn cuts_keep_what_ndarray_keeps() {
        let data = Array1::from_iter(0..11_i64);
        macro_rules! check {
            ($($info:expr),* $(,)?) => {$(
                let info = $info;
                let want = data.slice(info).to_vec();
                let cuts = cuts_of(info.as_ref(), &[11]).unwrap();
                let Cut::Run { start, step, len } = cuts[0] else { panic!("not a run") };
                let got: Vec<i64> = (0..len as i64).map(|k| start as i64 + k * step).collect();
                assert_eq!(got, want, stringify!($info));
            )*};
        }
        check!(s![..], s![2..], s![..-1], s![3..9;2], s![..;-1], s![2..9;-3], s![..;4]);
        check!(s![5..5], s![-4..-1;-1], s![0..11;-10]);
        assert!(cuts_of(s![11].as_ref(), &[11]).is_err());
        assert!(cuts_of(s![-12].as_ref(), &[11]).is_err());
        assert_eq!(cuts_of(s![-1].as_ref(), &[11]).unwrap(), [Cut::At(10)]);
        assert!(cuts_of(s![0, 0].as_ref(), &[11]).is_err());
    }

    #[test]
    fn a_cut_splits_over_inputs_without_loss_or_repeat() {
        for (start, step, len) in [(0, 1, 11), (2, 3, 3), (10, -1, 11), (9, -4, 3), (5, 1, 1)] {
            let cut = Cut::Run { start, step, len };
            let mut got = Vec::new();
            let mut parts: Vec<(u64, u64)> = vec![(0, 4), (4, 1), (5, 0), (5, 6)];
            if step < 0 {
                parts.reverse();
            }
            for (offset, n) in parts {
                if let Some(Cut::Run { start, step, len }) = cut_within(cut, offset, n) {
                    got.extend((0..len as i64).map(|k| (offset + start) as i64 + k * step));
                }
            }
            let want: Vec<i64> = (0..len as i64).map(|k| start as i64 + k * step).collect();
            assert_eq!(got, want);
        }
    }
}
