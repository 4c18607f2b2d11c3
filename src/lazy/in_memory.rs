//! How are numbers in memory read like a file?
//!
//! As a source: of the user's own, or of what one pass leaves for another. Counts no memory: plans do.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use ndarray::{Array, Dimension};

use super::array::LazyArray;
use crate::dtype::{DType, Element};
use crate::grid::{Region, copy_overlap, saturating_count};
use crate::source::{Access, Source, SourceError};

/// A lazy array over numbers in memory; any layout, copied once. They are the caller's, beside the
/// budget.
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
    *source.write() = bytes;
    LazyArray::from_source(Arc::new(source))
}

/// Numbers in memory as a source; may be filled after expressions over it exist.
pub(crate) struct MemorySource {
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    /// Empty until they come.
    bytes: RwLock<Vec<u8>>,
}

impl MemorySource {
    /// A source whose numbers come later.
    pub(crate) fn empty(name: &str, shape: &[u64], dtype: DType) -> Self {
        let bytes = RwLock::new(Vec::new());
        Self { name: name.to_owned(), shape: shape.to_vec(), dtype, bytes }
    }

    fn len_bytes(&self) -> u64 {
        let elements = saturating_count(&self.shape);
        elements.saturating_mul(self.dtype.size() as u64)
    }

    /// Makes room for its numbers, all 0; the plan has counted them.
    ///
    /// # Errors
    /// How many bytes were asked for, where the system does not have them.
    pub(crate) fn allocate(&self) -> Result<(), u64> {
        let wanted_bytes = self.len_bytes();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(wanted_bytes as usize).map_err(|_| wanted_bytes)?;
        bytes.resize(wanted_bytes as usize, 0);
        *self.write() = bytes;
        Ok(())
    }

    /// Gives it the numbers of a box, in memory order.
    pub(crate) fn put(&self, region: &Region, bytes: &[u8]) {
        let whole = Region::whole(&self.shape);
        copy_overlap(bytes, region, &mut self.write(), &whole, self.dtype.size());
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Vec<u8>> {
        self.bytes.write().unwrap_or_else(PoisonError::into_inner)
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
        self.check_read(region, out)?;
        let bytes = self.bytes.read().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() as u64 != self.len_bytes() {
            let place = format!("{region:?}");
            return Err(SourceError::new(&self.name, place, "read before it was computed"));
        }
        copy_overlap(&bytes, &Region::whole(&self.shape), out, region, self.dtype.size());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MemorySource;
    use crate::dtype::DType;
    use crate::grid::{Region, element_count};
    use crate::source_conformance;

    #[test]
    fn numbers_in_memory_are_a_source_that_keeps_its_promises() {
        for shape in [&[][..], &[7], &[5, 4, 3], &[2, 3, 0, 4]] {
            let source = MemorySource::empty("memory", shape, DType::F32);
            source.allocate().unwrap();
            let count = element_count(shape).unwrap();
            let numbers: Vec<u8> = (0..count * 4).map(|i| i as u8).collect();
            source.put(&Region::whole(shape), &numbers);
            source_conformance::check(&source, Some(&numbers)).unwrap();
        }
    }

    #[test]
    fn memory_that_the_system_does_not_have_is_an_error() {
        let source = MemorySource::empty("memory", &[1 << 60], DType::U8);
        assert_eq!(source.allocate(), Err(1 << 60));
    }
}
