//! How are arrays joined?
//!
//! End to end along an axis, or side by side along a new one; nothing is copied. That reductions run on
//! each array alone is for `plan` to see to.

use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::axes::resolve_axis;
use super::error::check_size;
use super::node::{Node, Op};
use super::pushdown::see;
use super::structure::with_new_axis;
use crate::dtype::DType;
use crate::grid::shape_text;

/// Joins arrays end to end along `axis` (negative counts from the end), as `numpy.concatenate`.
///
/// Shapes must agree on every other axis. The result has the type that holds all of theirs. A view:
/// nothing is copied, and reductions along `axis` run on each array alone before they are merged.
///
/// ```
/// # use voxstore::{concatenate, from_ndarray};
/// # use ndarray::array;
/// let a = from_ndarray(array![[1_i16, 2], [3, 4]]);
/// let b = from_ndarray(array![[5_i16], [6]]);
/// let both = concatenate(&[a, b], -1);
/// assert_eq!(both.shape(), [2, 3]);
/// assert_eq!(both.sum(-1).compute::<i64>()?, array![8, 13].into_dyn());
/// # Ok::<(), voxstore::Error>(())
/// ```
#[track_caller]
pub fn concatenate(arrays: &[LazyArray], axis: isize) -> LazyArray {
    joined("concatenate", arrays, |nodes| {
        let axis = resolve_axis("concatenate", axis, nodes[0].shape.len())?;
        join("concatenate", nodes, axis)
    })
}

/// Puts arrays of one shape side by side along a new axis at this place of the result, as
/// `numpy.stack`.
///
/// ```
/// # use voxstore::{stack, from_ndarray};
/// # use ndarray::array;
/// let sessions = stack(&[from_ndarray(array![1.0, 2.0]), from_ndarray(array![3.0, 6.0])], -1);
/// assert_eq!(sessions.shape(), [2, 2]);
/// assert_eq!(sessions.mean(-1).compute::<f64>()?, array![2.0, 4.0].into_dyn());
/// # Ok::<(), voxstore::Error>(())
/// ```
#[track_caller]
pub fn stack(arrays: &[LazyArray], axis: isize) -> LazyArray {
    joined("stack", arrays, |nodes| {
        let axis = resolve_axis("stack", axis, nodes[0].shape.len() + 1)?;
        side_by_side("stack", nodes, axis)
    })
}

#[track_caller]
fn joined(
    operation: &str,
    arrays: &[LazyArray],
    join: impl FnOnce(&[Arc<Node>]) -> Result<Arc<Node>, String>,
) -> LazyArray {
    let location = Location::caller();
    if let Some(invalid) = arrays.iter().find(|array| array.error().is_some()) {
        return invalid.clone();
    }
    let nodes: Vec<Arc<Node>> = arrays.iter().map(|array| Arc::clone(array.node())).collect();
    let node = if nodes.is_empty() {
        Err(format!("{operation}: no arrays are given"))
    } else {
        join(&nodes)
    };
    LazyArray::made(node, location)
}

fn join(operation: &str, nodes: &[Arc<Node>], axis: usize) -> Result<Arc<Node>, String> {
    let first = &nodes[0];
    let mut total = 0_u64;
    for (k, node) in nodes.iter().enumerate() {
        let agree = node.shape.len() == first.shape.len()
            && (0..first.shape.len()).all(|a| a == axis || node.shape[a] == first.shape[a]);
        if !agree {
            return Err(format!(
                "{operation} along axis {axis}: array 0 has shape {}, array {k} has shape {}; \
                 all other axes must agree",
                shape_text(&first.shape),
                shape_text(&node.shape)
            ));
        }
        total = total.saturating_add(node.shape[axis]);
    }
    if nodes.len() == 1 {
        return Ok(Arc::clone(first));
    }
    let dtype = nodes.iter().map(|node| node.dtype).fold(first.dtype, DType::promote);
    let mut shape = first.shape.clone();
    shape[axis] = total;
    check_size(operation, &shape)?;
    // Arrays that add nothing are left out; a concatenation never has length 0 along its axis.
    let kept: Vec<&Arc<Node>> = nodes.iter().filter(|node| node.shape[axis] > 0).collect();
    if kept.len() < 2 {
        return Ok(kept.first().unwrap_or(&first).cast(dtype));
    }
    let inputs = kept.into_iter().map(|node| node.cast(dtype)).collect();
    Ok(Node::new(Op::Concat { inputs, axis }, shape, dtype))
}

/// Nodes of one shape along a new axis at this place of the result.
pub(super) fn side_by_side(
    operation: &str,
    nodes: &[Arc<Node>],
    axis: usize,
) -> Result<Arc<Node>, String> {
    if let Some(k) = nodes.iter().position(|node| node.shape != nodes[0].shape) {
        return Err(format!(
            "{operation}: array 0 has shape {}, array {k} has shape {}; all shapes must agree",
            shape_text(&nodes[0].shape),
            shape_text(&nodes[k].shape)
        ));
    }
    let view = with_new_axis(&nodes[0].shape, axis, 1);
    let wide: Vec<_> = nodes.iter().map(|node| see(node, &view)).collect();
    join(operation, &wide, axis)
}
