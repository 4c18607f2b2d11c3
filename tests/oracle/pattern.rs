//! A large source that holds nothing: its numbers follow from their indices.

use std::sync::atomic::{AtomicBool, Ordering};

use voxstore::{Access, DType, Region, Source, SourceError, Stream, StreamEnd, StreamOptions};

#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    pub(crate) block: Vec<u64>,
    pub(crate) access: Access,
    /// Something was read.
    pub(crate) touched: AtomicBool,
}

impl Pattern {
    pub(crate) fn new(shape: &[u64], dtype: DType, block: &[u64], access: Access) -> Self {
        assert!(matches!(dtype, DType::I16 | DType::F32 | DType::F64 | DType::I64 | DType::U8));
        let touched = AtomicBool::new(false);
        Self { shape: shape.to_vec(), dtype, block: block.to_vec(), access, touched }
    }

    /// The number at this place in memory order.
    pub(crate) fn value(index: u64) -> u8 {
        (index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
    }

    fn write(&self, index: u64, out: &mut [u8]) {
        let value = Self::value(index);
        match self.dtype {
            DType::U8 => out[0] = value,
            DType::I16 => out.copy_from_slice(&i16::from(value).to_ne_bytes()),
            DType::I64 => out.copy_from_slice(&i64::from(value).to_ne_bytes()),
            DType::F32 => out.copy_from_slice(&f32::from(value).to_ne_bytes()),
            _ => out.copy_from_slice(&f64::from(value).to_ne_bytes()),
        }
    }
}

impl Source for Pattern {
    fn name(&self) -> &'static str {
        "pattern"
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        self.access
    }
    fn block_shape(&self) -> &[u64] {
        &self.block
    }
    fn scratch_bytes(&self) -> u64 {
        0
    }
    fn stored_bytes(&self) -> u64 {
        self.shape.iter().product::<u64>() * self.dtype.size() as u64
    }
    fn transport(&self) -> &'static str {
        "pattern"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.touched.store(true, Ordering::Relaxed);
        assert!(region.fits(&self.shape), "{region:?} of {:?}", self.shape);
        let size = self.dtype.size();
        assert_eq!(out.len() as u64, region.len() * size as u64, "{region:?}");
        let row = region.shape()[0];
        for (k, line) in out.chunks_exact_mut(row as usize * size).enumerate() {
            let (mut k, mut index, mut stride) = (k as u64, region.start()[0], self.shape[0]);
            for axis in 1..self.shape.len() {
                let len = region.shape()[axis];
                index += (region.start()[axis] + k % len) * stride;
                k /= len;
                stride *= self.shape[axis];
            }
            for (i, to) in line.chunks_exact_mut(size).enumerate() {
                self.write(index + i as u64, to);
            }
        }
        Ok(())
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        self.touched.store(true, Ordering::Relaxed);
        Ok(Box::new(PatternStream { source: self, next: 0 }))
    }
}

struct PatternStream<'a> {
    source: &'a Pattern,
    next: u64,
}

impl Stream for PatternStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        for to in out.chunks_exact_mut(self.source.dtype.size()) {
            self.source.write(self.next, to);
            self.next += 1;
        }
        Ok(())
    }
    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.next += bytes / self.source.dtype.size() as u64;
        Ok(())
    }
    fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError> {
        Ok(StreamEnd::default())
    }
}
