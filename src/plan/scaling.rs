//! What of an expression goes past the sums?
//!
//! Slopes and intercepts. A run's scaling is the same for all its voxels, so it can be applied to the
//! finished statistics instead of to every voxel: integers are then summed exactly, as they are stored.
//! Which reductions allow it is for `kernel` to say.

use std::sync::Arc;

use crate::dtype::DType;
use crate::lazy::{MapOp, Node, Op};

/// Takes lossless casts and one slope and intercept off the top of an expression.
pub(super) fn past_scaling(node: &Arc<Node>) -> (Arc<Node>, f64, f64) {
    let (mut node, mut scaling) = (Arc::clone(node), None);
    while let Op::Map { op, inputs } = &node.op {
        let inner = match op {
            MapOp::Cast(_) if holds_exactly(node.dtype, inputs[0].dtype) => Arc::clone(&inputs[0]),
            MapOp::Rescale { slope, inter } if scaling.is_none() => {
                scaling = Some((*slope, *inter));
                Arc::clone(&inputs[0])
            }
            _ => break,
        };
        node = inner;
    }
    let (slope, inter) = scaling.unwrap_or((1.0, 0.0));
    (node, slope, inter)
}

/// True where `wide` has every number of `narrow`: floats have integers of up to 32 bits, in the type that
/// promotion chose.
fn holds_exactly(wide: DType, narrow: DType) -> bool {
    let is_rounded = wide.is_float() && !narrow.is_float() && narrow.size() > 4;
    narrow.promote(wide) == wide && !is_rounded
}
