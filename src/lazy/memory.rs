//! Arrays that are in memory already.

use std::fmt;
use std::sync::{Arc, OnceLock};

use ndarray::{Array, Dimension};

use super::array::LazyArray;
use crate::dtype::{DType, Element};
use crate::grid::{Region, copy_overlap, element_count};
use crate::source::{Access, RegionStream, Source, SourceError, Stream, StreamOptions};

/// A lazy array over numbers in memory; any layout, copied once.
///
/// ```
/// # use ndarray::array;
/// let x = voxstore::from_ndarray(array![[1.0, 2.0], [3.0, 5.0]]);
/// assert_eq!(x.mean(-1).compute::<f64>()?, array![1.5, 4.0].into_dyn());
/// # Ok::<(), voxstore::Error>(())
/// ```
pub fn from_ndarray<T: Element, D: Dimension>(array: Array<T, D>) -> LazyArray {
    let shape: Vec<u64> = array.shape().iter().map(|&n| n as u64).collect();
    let source = MemorySource::empty("ndarray", &shape, T::DTYPE);
    // Iterating the transpose in its logical order visits axis 0 fastest.
    let mut bytes = Vec::with_capacity(array.len() * size_of::<T>());
    for value in array.t() {
        bytes.extend_from_slice(bytemuck::bytes_of(value));
    }
    source.fill(bytes);
    LazyArray::from_source(Arc::new(source))
}

/// Numbers in memory as a source; may be filled after expressions over it exist.
pub(crate) struct MemorySource {
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    bytes: OnceLock<Vec<u8>>,
}

impl MemorySource {
    /// A source whose numbers come later, through [`fill`](Self::fill).
    pub(crate) fn empty(name: &str, shape: &[u64], dtype: DType) -> Self {
        Self { name: name.to_owned(), shape: shape.to_vec(), dtype, bytes: OnceLock::new() }
    }

    /// Gives it its numbers in memory order, once.
    pub(crate) fn fill(&self, bytes: Vec<u8>) {
        let expected = element_count(&self.shape).map(|n| n * self.dtype.size() as u64);
        assert_eq!(Some(bytes.len() as u64), expected, "numbers for {}", self.name);
        assert!(self.bytes.set(bytes).is_ok(), "{} was filled twice", self.name);
    }
}

impl fmt::Debug for MemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySource({}, {:?} {})", self.name, self.shape, self.dtype)
    }
}

impl Source for MemorySource {
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
        "memory"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        let bytes = self.bytes.get().ok_or_else(|| {
            SourceError::new(&self.name, format!("{region:?}"), "read before it was computed")
        })?;
        copy_overlap(bytes, &Region::whole(&self.shape), out, region, self.dtype.size());
        Ok(())
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Ok(Box::new(RegionStream::new(self)))
    }
}
