//! A source of blocks, as a user would write one: every read is checked, and elements are found one
//! by one.

use voxstore::{Access, DType, Region, Source, SourceError, Stream, StreamOptions};

#[derive(Debug)]
pub(crate) struct Blocks {
    shape: Vec<u64>,
    dtype: DType,
    block: Vec<u64>,
    /// In memory order: axis 0 is the fastest.
    bytes: Vec<u8>,
}

impl Blocks {
    /// Two or three blocks on every axis that is longer than 1.
    pub(crate) fn new(shape: &[u64], dtype: DType, bytes: Vec<u8>) -> Self {
        assert_eq!(bytes.len() as u64, shape.iter().product::<u64>() * dtype.size() as u64);
        let block = shape.iter().map(|n| n.div_ceil(3).max(1)).collect();
        Self { shape: shape.to_vec(), dtype, block, bytes }
    }
}

impl Source for Blocks {
    fn name(&self) -> &'static str {
        "blocks"
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
        &self.block
    }
    fn scratch_bytes(&self) -> u64 {
        0
    }
    fn stored_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn transport(&self) -> &'static str {
        "memory"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        assert!(region.fits(&self.shape), "{region:?} of {:?}", self.shape);
        let size = self.dtype.size();
        assert_eq!(out.len() as u64, region.len() * size as u64, "{region:?}");
        for (k, to) in out.chunks_exact_mut(size).enumerate() {
            let (mut k, mut at, mut stride) = (k as u64, 0, 1);
            for (axis, n) in self.shape.iter().enumerate() {
                let len = region.shape()[axis];
                at += (region.start()[axis] + k % len) * stride;
                k /= len;
                stride *= n;
            }
            to.copy_from_slice(&self.bytes[at as usize * size..][..size]);
        }
        Ok(())
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Err(SourceError::new("blocks", "start", "is read by region, not streamed"))
    }
}
