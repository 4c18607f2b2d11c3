//! Where in an array are we? Boxes, block grids and copies between boxes: index arithmetic only.
//!
//! Axis 0 is the fastest in memory everywhere (NIfTI's order, Fortran order): element
//! `(i0, i1, i2, ...)` of a box of shape `(n0, n1, n2, ...)` lies at `i0 + n0*(i1 + n1*(i2 + ...))`.
//! Knows nothing of files or number types beyond the size of an element.

mod blocks;
mod copy;
mod gather;
mod partition;
mod pieces;
mod region;

pub(crate) use blocks::BlockGrid;
pub(crate) use copy::{Run, SharedRuns, copy_overlap};
pub(crate) use gather::{Gather, Stride};
pub(crate) use partition::{Cuts, Partition};
pub(crate) use pieces::{Piece, Pieces};
pub use region::Region;

/// The number of elements of a box, or `None` when it does not fit `u64`.
pub(crate) fn element_count(shape: &[u64]) -> Option<u64> {
    // A zero anywhere makes the product zero, even where the other factors overflow.
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |product, &n| product.checked_mul(n))
}

/// The number of elements of a box, or the largest number where it does not fit `u64`: for projections,
/// which then pass every budget.
pub(crate) fn saturating_count(shape: &[u64]) -> u64 {
    element_count(shape).unwrap_or(u64::MAX)
}

/// The largest number that divides both.
pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The smallest number that both divide, or the largest number where it does not fit `u64`; neither is 0.
pub(crate) fn common_multiple(a: u64, b: u64) -> u64 {
    (a / gcd(a, b)).saturating_mul(b)
}

/// `(64, 64, 30, 173)`, as numpy prints a shape.
pub(crate) fn shape_text(shape: &[u64]) -> String {
    let parts: Vec<String> = shape.iter().map(u64::to_string).collect();
    if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) }
}
