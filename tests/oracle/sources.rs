//! A source made of bytes in memory, through the public trait only: it counts reads, and fails when
//! told to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use voxstore::{
    Access, DType, Region, Source, SourceError, Stream, StreamEnd, StreamOptions, Warning,
};

#[derive(Debug)]
pub(crate) struct TestSource {
    shape: Vec<u64>,
    dtype: DType,
    block: Vec<u64>,
    access: Access,
    bytes: Vec<u8>,
    counts: Vec<AtomicU32>,
    regions: Mutex<Vec<Region>>,
    /// Calls of `stream`, and of `finish`.
    pub(crate) streams: AtomicU64,
    pub(crate) finishes: AtomicU64,
    /// The element (in memory order) that cannot be read.
    pub(crate) bad_element: Option<u64>,
    pub(crate) bad_finish: bool,
}

impl TestSource {
    pub(crate) fn new(shape: &[u64], dtype: DType, block: &[u64], bytes: Vec<u8>) -> Self {
        let elements: u64 = shape.iter().product();
        assert_eq!(bytes.len() as u64, elements * dtype.size() as u64);
        Self {
            shape: shape.to_vec(),
            dtype,
            block: block.to_vec(),
            access: Access::Random,
            bytes,
            counts: (0..elements).map(|_| AtomicU32::new(0)).collect(),
            regions: Mutex::default(),
            streams: AtomicU64::new(0),
            finishes: AtomicU64::new(0),
            bad_element: None,
            bad_finish: false,
        }
    }

    pub(crate) fn sequential(mut self) -> Self {
        self.access = Access::Sequential;
        self
    }

    /// How often each element was read, in memory order.
    pub(crate) fn counts(&self) -> Vec<u32> {
        self.counts.iter().map(|c| c.load(Ordering::Relaxed)).collect()
    }

    /// Regions that were read, in the order of the calls.
    pub(crate) fn regions(&self) -> Vec<Region> {
        self.regions.lock().unwrap().clone()
    }

    pub(crate) fn untouched(&self) -> bool {
        self.regions().is_empty() && self.streams.load(Ordering::Relaxed) == 0
    }

    fn element(&self, index: u64, out: &mut [u8]) -> Result<(), SourceError> {
        if self.bad_element == Some(index) {
            return Err(SourceError::new("test", format!("element {index}"), "damaged on purpose"));
        }
        self.counts[index as usize].fetch_add(1, Ordering::Relaxed);
        let size = self.dtype.size();
        out.copy_from_slice(&self.bytes[index as usize * size..][..size]);
        Ok(())
    }
}

impl Source for TestSource {
    fn name(&self) -> &'static str {
        "test"
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
        self.bytes.len() as u64
    }
    fn transport(&self) -> &'static str {
        "test"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        assert_eq!(self.access, Access::Random, "read of a sequential source");
        assert!(region.fits(&self.shape), "{region:?} of {:?}", self.shape);
        let size = self.dtype.size();
        assert_eq!(out.len() as u64, region.len() * size as u64, "{region:?}");
        self.regions.lock().unwrap().push(region.clone());
        for (k, to) in out.chunks_exact_mut(size).enumerate() {
            let (mut k, mut index, mut stride) = (k as u64, 0, 1);
            for axis in 0..self.shape.len() {
                let len = region.shape()[axis];
                index += (region.start()[axis] + k % len) * stride;
                k /= len;
                stride *= self.shape[axis];
            }
            self.element(index, to)?;
        }
        Ok(())
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        assert_eq!(self.access, Access::Sequential, "stream of a source of random access");
        self.streams.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(TestStream { source: self, next: 0 }))
    }
}

struct TestStream<'a> {
    source: &'a TestSource,
    next: u64,
}

impl Stream for TestStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        for to in out.chunks_exact_mut(self.source.dtype.size()) {
            self.source.element(self.next, to)?;
            self.next += 1;
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        let size = self.source.dtype.size() as u64;
        assert_eq!(bytes % size, 0, "a skip that ends inside an element");
        self.next += bytes / size;
        assert!(self.next <= self.source.counts.len() as u64, "a skip past the end");
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError> {
        self.source.finishes.fetch_add(1, Ordering::Relaxed);
        if self.source.bad_finish {
            return Err(SourceError::new("test", "end", "checksum differs on purpose"));
        }
        let warning = Warning { code: "T1".to_owned(), message: "streamed".to_owned() };
        Ok(StreamEnd { warnings: vec![warning], ..StreamEnd::default() })
    }
}
