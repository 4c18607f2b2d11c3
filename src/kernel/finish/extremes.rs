//! The smallest or largest of all parts. NaN is both, as in numpy.

use super::Summed;
use crate::kernel::state::Value;

/// `None` where the cell has no sample.
pub(super) fn of(largest: bool, parts: &[Summed<'_>], cell: usize) -> Option<Value> {
    let mut so_far = None;
    for part in parts.iter().filter(|part| part.count(cell) > 0) {
        let (low, high) = part.state.extremes(part.first_cell + cell);
        let value = part.value(part.end(largest, low, high));
        so_far = Some(match so_far {
            Some(before) if !is_beyond(largest, value, before) => before,
            _ => value,
        });
    }
    so_far
}

/// True where `value` is smaller (larger) than `before`, or a NaN after a number.
pub(super) fn is_beyond(largest: bool, value: Value, before: Value) -> bool {
    if let (Value::Integer(value), Value::Integer(before)) = (value, before) {
        return if largest { value > before } else { value < before };
    }
    let (value, before) = (value.to_f64(), before.to_f64());
    let beyond = if largest { value > before } else { value < before };
    beyond || (value.is_nan() && !before.is_nan())
}
