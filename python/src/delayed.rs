//! How is an array made of a value that Python has yet to compute?
//!
//! As a stream: the value is computed when it is read, handed on piece by piece, and dropped. Shape and type are the
//! caller's word; a value of another shape, or with a number that the type does not hold, is an error.

use std::fmt;
use std::sync::Arc;

use numpy::{PyArray1, PyArrayMethods as _};
use pyo3::prelude::*;
use voxstore::{
    Access, DType, LazyArray, Region, Source, SourceError, Stream, StreamEnd, StreamOptions,
};

use crate::array::{Array, dtype_of, valued};
use crate::errors::of_exception;

/// Bytes an element while a value is there: the value itself in float64, and as much again for making it.
const BYTES_AN_ELEMENT: u64 = 16;

/// The array of a function that gives its bytes in memory order, in the type that was said, as one flat array.
#[pyfunction]
pub(crate) fn from_delayed(
    load: Py<PyAny>,
    shape: Vec<u64>,
    dtype: &str,
    name: String,
) -> PyResult<Array> {
    let dtype = dtype_of(dtype)?;
    let elements = shape.iter().try_fold(1_u64, |count, &len| count.checked_mul(len));
    let scratch_bytes = elements.unwrap_or(u64::MAX).saturating_mul(BYTES_AN_ELEMENT);
    valued(LazyArray::from_source(Arc::new(Delayed { name, load, shape, dtype, scratch_bytes })))
}

struct Delayed {
    name: String,
    load: Py<PyAny>,
    shape: Vec<u64>,
    dtype: DType,
    scratch_bytes: u64,
}

impl fmt::Debug for Delayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delayed({}, {:?} {})", self.name, self.shape, self.dtype)
    }
}

impl Source for Delayed {
    fn name(&self) -> &str {
        &self.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        Access::Sequential
    }
    fn block_shape(&self) -> &[u64] {
        &self.shape
    }
    fn scratch_bytes(&self) -> u64 {
        self.scratch_bytes
    }
    fn stored_bytes(&self) -> u64 {
        0
    }
    fn transport(&self) -> &'static str {
        "computed by Python"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        let place = format!("{region:?}");
        Err(SourceError::new(&self.name, place, "a delayed value is read from front to back only"))
    }

    fn stream(&self, _: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        let value = Python::attach(|py| {
            let value = self.load.call0(py)?;
            Ok(value.cast_bound::<PyArray1<u8>>(py)?.clone().unbind())
        });
        let value = value.map_err(|error| of_exception(&self.name, error))?;
        Ok(Box::new(Value { name: &self.name, bytes: value, next: 0 }))
    }
}

/// A value that is there, from its first byte on.
struct Value<'a> {
    name: &'a str,
    bytes: Py<PyArray1<u8>>,
    next: usize,
}

impl Stream for Value<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        let copied = Python::attach(|py| {
            let bytes = self.bytes.bind(py).try_readonly()?;
            let left = bytes.as_slice()?.get(self.next..self.next + out.len());
            left.map(|piece| out.copy_from_slice(piece)).ok_or_else(|| {
                pyo3::exceptions::PyValueError::new_err("the value is shorter than its shape says")
            })
        });
        copied.map_err(|error: PyErr| of_exception(self.name, error))?;
        self.next += out.len();
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.next += bytes as usize;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError> {
        Ok(StreamEnd::default())
    }
}
