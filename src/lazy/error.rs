//! What can be wrong with an expression?
//!
//! Mistakes that show while it is built: axes, shapes, types, sizes. What is wrong with files or with
//! memory comes later, from other layers.

use std::panic::Location;

use crate::dtype::DType;

/// An expression that means nothing. Kept inside the array and reported by `explain` and
/// `compute`, since operators cannot return a `Result`; names the line that built it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (at {file}:{line})")]
pub struct LazyError {
    /// What is wrong, with the shapes or types involved.
    pub problem: String,
    /// Source file of the call.
    pub file: &'static str,
    /// Line of the call.
    pub line: u32,
}

impl LazyError {
    pub(super) fn at(location: &'static Location<'static>, problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), file: location.file(), line: location.line() }
    }
}

/// An array must have a size that can be counted in bytes, of any type, as a signed 64-bit number:
/// all arithmetic on places in it is then safe.
pub(super) fn check_size(operation: &str, shape: &[u64]) -> Result<(), String> {
    // An empty array counts as if its empty axes were 1 long: they may be joined to others.
    let mut bytes = Some(8_u64);
    for &len in shape {
        bytes = bytes.and_then(|b| b.checked_mul(len.max(1)));
    }
    match bytes {
        Some(bytes) if i64::try_from(bytes).is_ok() => Ok(()),
        _ => Err(format!(
            "{operation}: an array of shape {} is too large to count",
            crate::grid::shape_text(shape)
        )),
    }
}

/// A Python integer must fit the integer array it meets (NEP 50).
pub(super) fn int_fits(operation: &str, value: i64, dtype: DType) -> Result<(), String> {
    match dtype.int_range() {
        Some((low, high)) if !(low..=high).contains(&i128::from(value)) => Err(format!(
            "{operation}: the integer {value} does not fit {dtype}; use {value}.0 to compute in float64"
        )),
        _ => Ok(()),
    }
}
