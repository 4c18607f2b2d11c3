//! Which arrays are made of nothing but a rule?
//!
//! Constants and ranges: sources that compute what is read of them, and keep no elements.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::error::check_size;
use super::node::Node;
use super::structure::broadcast;
use crate::dtype::{DType, Element};
use crate::grid::Region;
use crate::source::{Access, Source, SourceError};

/// The same element everywhere. Takes no memory but that of the boxes it is used in.
///
/// ```
/// let x = voxstore::full(&[2, 3], 7_i16);
/// assert_eq!(x.sum(..).compute::<i64>()?, ndarray::arr0(42).into_dyn());
/// # Ok::<(), voxstore::Error>(())
/// ```
#[track_caller]
pub fn full<T: Element>(shape: &[u64], value: T) -> LazyArray {
    let rule = Rule { name: "full", shape: Vec::new(), start: value, step: T::zeroed() };
    let node = check_size("full", shape).and_then(|()| {
        let one = Node::leaf(Arc::new(rule));
        broadcast(&one, shape).ok_or_else(|| "full: a scalar repeats to any shape".to_owned())
    });
    LazyArray::made(node, Location::caller())
}

/// `start`, `start + step`, ... up to but without `stop`, as `numpy.arange`.
///
/// ```
/// # use ndarray::array;
/// assert_eq!(voxstore::arange(1, 8, 3).compute::<i32>()?, array![1, 4, 7].into_dyn());
/// # Ok::<(), voxstore::Error>(())
/// ```
#[track_caller]
pub fn arange<T: Element>(start: T, stop: T, step: T) -> LazyArray {
    let node = if T::DTYPE == DType::Bool {
        Err("arange: not for bool".to_owned())
    } else {
        length(start, stop, step).and_then(|len| {
            check_size("arange", &[len])?;
            Ok(Node::leaf(Arc::new(Rule { name: "arange", shape: vec![len], start, step })))
        })
    };
    LazyArray::made(node, Location::caller())
}

/// How many steps there are from `start` to before `stop`: numpy's `ceil((stop - start) / step)`.
fn length<T: Element>(start: T, stop: T, step: T) -> Result<u64, String> {
    let steps = if T::DTYPE.is_float() {
        let steps = ((stop.to_f64() - start.to_f64()) / step.to_f64()).ceil();
        if !steps.is_finite() || steps > 2_f64.powi(62) {
            return Err(format!("arange: {steps} elements from {start} to {stop} by {step}"));
        }
        steps.max(0.0) as u64
    } else {
        let [start, stop, step] = [start, stop, step].map(|value| {
            let bits = value.to_i64();
            if T::DTYPE == DType::U64 { i128::from(bits as u64) } else { i128::from(bits) }
        });
        if step == 0 {
            return Err("arange: step 0 never arrives".to_owned());
        }
        let span = if step > 0 { stop - start } else { start - stop };
        span.max(0).unsigned_abs().div_ceil(step.unsigned_abs()).try_into().unwrap_or(u64::MAX)
    };
    Ok(steps)
}

/// Element `i` is `start + i * step`, along one axis or none.
struct Rule<T> {
    name: &'static str,
    shape: Vec<u64>,
    start: T,
    step: T,
}

impl<T: Element> Rule<T> {
    fn at(&self, index: u64) -> T {
        if index == 0 {
            return self.start;
        }
        if T::DTYPE.is_float() {
            return T::from_f64(self.start.to_f64() + index as f64 * self.step.to_f64());
        }
        let by = (index as i64).wrapping_mul(self.step.to_i64());
        T::from_i64(self.start.to_i64().wrapping_add(by))
    }
}

impl<T: Element> fmt::Debug for Rule<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} by {}, {:?})", self.name, self.start, self.step, self.shape)
    }
}

impl<T: Element> Source for Rule<T> {
    fn name(&self) -> &str {
        self.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        T::DTYPE
    }
    fn access(&self) -> Access {
        Access::Random
    }
    fn block_shape(&self) -> &[u64] {
        &self.shape
    }
    fn scratch_bytes(&self) -> u64 {
        0
    }
    fn stored_bytes(&self) -> u64 {
        0
    }
    fn transport(&self) -> &'static str {
        "computed"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        let first = region.start().first().copied().unwrap_or(0);
        for (index, item) in (first..).zip(out.chunks_exact_mut(size_of::<T>())) {
            item.copy_from_slice(bytemuck::bytes_of(&self.at(index)));
        }
        Ok(())
    }
}
