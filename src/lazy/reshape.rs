//! Which reshapes are there?
//!
//! Those that leave every block where it is: the leading axes become one, in C order, and axes of
//! length 1 come and go. The first is a custom function that plans know by its footprint, the second a
//! view. What would mix elements from all over the array is refused.

use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::by_node::ByNode;
use super::custom::{Custom, Footprint};
use super::error::check_size;
use super::node::{Node, Op};
use super::pushdown::see;
use super::view::View;
use crate::grid::shape_text;

impl LazyArray {
    /// The leading axes flattened into one in C order, as `numpy.reshape` does it; axes of length 1
    /// may come and go. One length may be -1. Voxels by time is `x.reshape(&[-1, t])`. Other reshapes
    /// mix elements from all over the array and are refused.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[[1, 2], [3, 4]], [[5, 6], [7, 8]]]);
    /// let flat = x.reshape(&[-1, 2]);
    /// assert_eq!(flat.compute::<i32>()?, array![[1, 2], [3, 4], [5, 6], [7, 8]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: &[i64]) -> Self {
        self.derived(|node| reshaped(node, shape), Location::caller())
    }
}

fn reshaped(node: &Arc<Node>, wanted: &[i64]) -> Result<Arc<Node>, String> {
    let shape = &node.shape;
    let refuse = |why: &str| {
        let wanted: Vec<String> = wanted.iter().map(i64::to_string).collect();
        format!("reshape: from {} to ({}): {why}", shape_text(shape), wanted.join(", "))
    };
    let known = wanted
        .iter()
        .filter(|&&n| n != -1)
        .try_fold(1_u64, |product, &n| product.checked_mul(u64::try_from(n).ok()?))
        .ok_or_else(|| refuse("lengths are at least 0, and one may be -1"))?;
    let total: u64 = shape.iter().product();
    let unknown = wanted.iter().filter(|&&n| n == -1).count();
    let rest = total.checked_div(known).unwrap_or(0);
    let given = if unknown == 1 { known * rest } else { known };
    if unknown > 1 || (unknown == 1 && known == 0) || given != total {
        return Err(refuse("the number of elements differs, or more than one length is -1"));
    }
    let to: Vec<u64> = wanted.iter().map(|&n| if n == -1 { rest } else { n as u64 }).collect();
    check_size("reshape", &to)?;
    let longer = |list: &[u64]| -> Vec<u64> { list.iter().copied().filter(|&n| n != 1).collect() };
    let (from_long, to_long) = (longer(shape), longer(&to));
    let merged = (1..=from_long.len()).rev().find(|&k| {
        to_long.first() == Some(&from_long[..k].iter().product()) && to_long[1..] == from_long[k..]
    });
    let squeezed = see(node, &View::without(shape, |axis| shape[axis] == 1));
    let flat = match merged {
        _ if from_long == to_long => squeezed,
        Some(merged) if total > 0 => flatten(&squeezed, merged, &mut ByNode::default()),
        _ => {
            return Err(refuse(
                "only the leading axes can be flattened into one; use transpose, or compute it and \
                 reshape the result",
            ));
        }
    };
    let long = (0..to.len()).filter(|&axis| to[axis] != 1);
    Ok(see(&flat, &View::of_axes(to.clone(), long)))
}

/// Flattens the first `merged` axes, as close to the sources as can be: reductions and scaling above
/// it then still see what they know.
fn flatten(node: &Arc<Node>, merged: usize, done: &mut ByNode<Arc<Node>>) -> Arc<Node> {
    if let Some(known) = done.get(node) {
        return known;
    }
    let op = match &node.op {
        Op::Scalar(_) | Op::Invalid(_) => return Arc::clone(node),
        Op::Map { op, inputs } => {
            let inputs = inputs.iter().map(|input| flatten(input, merged, done)).collect();
            Op::Map { op: *op, inputs }
        }
        Op::Concat { inputs, axis } if *axis >= merged => {
            let inputs = inputs.iter().map(|input| flatten(input, merged, done)).collect();
            Op::Concat { inputs, axis: axis - merged + 1 }
        }
        _ => {
            let function = Custom {
                name: "reshape".into(),
                footprint: Footprint::Flatten(merged),
                scratch_per_element: 0,
                call: None,
            };
            Op::Custom { function, input: Arc::clone(node) }
        }
    };
    let mut shape = node.shape.clone();
    let flat: u64 = shape.drain(..merged).product();
    shape.insert(0, flat);
    let flat = Node::new(op, shape, node.dtype);
    done.insert(node, Arc::clone(&flat));
    flat
}
