//! Runs joined end to end.

use std::panic::Location;

use super::array::LazyArray;
use super::error::{LazyError, check_size, resolve_axis};
use super::node::{Node, Op};
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
    let location = Location::caller();
    match try_concatenate(arrays, axis) {
        Ok(array) => array,
        Err(Problem::Said(problem)) => {
            LazyArray::from_node(Node::invalid(LazyError::at(location, problem)))
        }
        Err(Problem::Inherited(error)) => LazyArray::from_node(Node::invalid(error)),
    }
}

enum Problem {
    Said(String),
    Inherited(LazyError),
}

fn try_concatenate(arrays: &[LazyArray], axis: isize) -> Result<LazyArray, Problem> {
    if let Some(error) = arrays.iter().find_map(|a| a.error().cloned()) {
        return Err(Problem::Inherited(error));
    }
    let Some(first) = arrays.first() else {
        return Err(Problem::Said("concatenate: no arrays were given".to_owned()));
    };
    let axis = resolve_axis("concatenate", axis, first.ndim()).map_err(Problem::Said)?;
    let mut total = 0_u64;
    for (k, array) in arrays.iter().enumerate() {
        let agree = array.ndim() == first.ndim()
            && (0..first.ndim()).all(|a| a == axis || array.shape()[a] == first.shape()[a]);
        if !agree {
            return Err(Problem::Said(format!(
                "concatenate along axis {axis}: array 0 has shape {}, array {k} has shape {}; \
                 all other axes must agree",
                shape_text(first.shape()),
                shape_text(array.shape())
            )));
        }
        total = total.saturating_add(array.shape()[axis]);
    }
    if arrays.len() == 1 {
        return Ok(first.clone());
    }
    let dtype = arrays.iter().map(LazyArray::dtype).fold(first.dtype(), DType::promote);
    let mut shape = first.shape().to_vec();
    shape[axis] = total;
    check_size("concatenate", &shape).map_err(Problem::Said)?;
    // Arrays that add nothing are left out; a concatenation never has length 0 along its axis.
    let kept: Vec<&LazyArray> = arrays.iter().filter(|a| a.shape()[axis] > 0).collect();
    if kept.len() < 2 {
        return Ok(LazyArray::from_node(kept.first().unwrap_or(&first).node().cast(dtype)));
    }
    let inputs = kept.into_iter().map(|a| a.node().cast(dtype)).collect();
    Ok(LazyArray::from_node(Node::new(Op::Concat { inputs, axis }, shape, dtype)))
}
