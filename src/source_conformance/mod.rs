//! Does a source keep the promises of [`Source`]?
//!
//! For those who bring a source of their own: [`check`] in a unit test asks it for everything that a
//! plan may ask for, and for what nobody may, and names the first promise that it breaks. Asks
//! nothing about speed or memory. It holds the array and a copy, so give it a small one, of more than
//! one block along every axis.
//!
//! ```
//! use voxstore::{Access, DType, Region, Source, SourceError, source_conformance};
//!
//! /// Element `(i, j)` is `10 * i + j`.
//! #[derive(Debug)]
//! struct Table;
//!
//! impl Source for Table {
//!     fn name(&self) -> &str {
//!         "table"
//!     }
//!     fn shape(&self) -> &[u64] {
//!         &[5, 4]
//!     }
//!     fn dtype(&self) -> DType {
//!         DType::F64
//!     }
//!     fn access(&self) -> Access {
//!         Access::Random
//!     }
//!     fn block_shape(&self) -> &[u64] {
//!         &[2, 3]
//!     }
//!     fn scratch_bytes(&self) -> u64 {
//!         0
//!     }
//!     fn stored_bytes(&self) -> u64 {
//!         0
//!     }
//!     fn transport(&self) -> &'static str {
//!         "computed"
//!     }
//!     fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
//!         self.check_read(region, out)?;
//!         let rows = region.start()[0]..region.end(0);
//!         let elements =
//!             (region.start()[1]..region.end(1)).flat_map(|j| rows.clone().map(move |i| (i, j)));
//!         for ((i, j), to) in elements.zip(out.chunks_exact_mut(8)) {
//!             to.copy_from_slice(&((10 * i + j) as f64).to_ne_bytes());
//!         }
//!         Ok(())
//!     }
//! }
//!
//! source_conformance::check(&Table, None)?;
//! # Ok::<(), source_conformance::Broken>(())
//! ```

mod reads;
mod streams;

use crate::dtype::DType;
use crate::grid::{element_count, shape_text};
use crate::source::{Access, Source, SourceError, StreamOptions};

/// A promise of [`Source`] that was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} breaks a promise of a source: {promise}; {found}")]
pub struct Broken {
    /// The source, by [`Source::name`].
    pub name: String,
    /// What a source promises.
    pub promise: &'static str,
    /// What this one did.
    pub found: String,
}

/// Asks a source for its facts, for regions, streams, and both at once from several threads.
///
/// `expected` are all elements in memory order (axis 0 fastest), native byte order; without them the
/// source is compared with its own first stream. The same questions in the same order every time.
/// A panic of the source is not caught.
///
/// # Errors
/// The first promise that was broken.
pub fn check(source: &dyn Source, expected: Option<&[u8]>) -> Result<(), Broken> {
    let suite = Suite { source, bytes: facts(source)? };
    let first = suite.first_stream()?;
    if let Some(expected) = expected {
        suite.same("a stream delivers the elements of the array", "all", &first, expected)?;
    }
    suite.bools(&first)?;
    suite.streams(&first)?;
    match source.access() {
        Access::Random => suite.reads(&first)?,
        Access::Sequential => suite.refuses_reads()?,
    }
    suite.at_once(&first)?;
    let promise = "facts stay as they are";
    suite.holds(promise, facts(source)? == suite.bytes, || "the size changed".to_owned())
}

/// The facts that make no sense without each other; returns the size in bytes.
fn facts(source: &dyn Source) -> Result<u64, Broken> {
    let broken =
        |promise, found: String| Err(Broken { name: source.name().to_owned(), promise, found });
    let (shape, block) = (source.shape(), source.block_shape());
    if source.name().is_empty() || source.transport().is_empty() {
        return broken("name and transport are words", "one is empty".to_owned());
    }
    if block.len() != shape.len() || block.iter().zip(shape).any(|(&b, &n)| b == 0 && n > 0) {
        return broken(
            "a block has a length of at least 1 along every axis",
            format!("it is {} in an array of {}", shape_text(block), shape_text(shape)),
        );
    }
    let bytes = element_count(shape).and_then(|n| n.checked_mul(source.dtype().size() as u64));
    match bytes.filter(|&bytes| usize::try_from(bytes).is_ok()) {
        Some(bytes) => Ok(bytes),
        None => broken("an array has a size that can be counted", shape_text(shape)),
    }
}

/// A source, and the size that its facts give it.
struct Suite<'a> {
    source: &'a dyn Source,
    bytes: u64,
}

impl Suite<'_> {
    fn holds(
        &self,
        promise: &'static str,
        holds: bool,
        found: impl FnOnce() -> String,
    ) -> Result<(), Broken> {
        if holds {
            return Ok(());
        }
        Err(Broken { name: self.source.name().to_owned(), promise, found: found() })
    }

    fn kept<T>(&self, promise: &'static str, done: Result<T, SourceError>) -> Result<T, Broken> {
        done.map_err(|error| Broken {
            name: self.source.name().to_owned(),
            promise,
            found: format!("it failed: {error}"),
        })
    }

    fn refused<T>(
        &self,
        promise: &'static str,
        what: &str,
        done: Result<T, SourceError>,
    ) -> Result<(), Broken> {
        self.holds(promise, done.is_err(), || format!("{what} was no error"))
    }

    /// Compares delivered bytes, and names the first that differs.
    fn same(
        &self,
        promise: &'static str,
        what: &str,
        found: &[u8],
        expected: &[u8],
    ) -> Result<(), Broken> {
        self.holds(promise, found == expected, || {
            let differs = found.iter().zip(expected).position(|(a, b)| a != b);
            match differs {
                Some(at) => format!(
                    "{what}: element {} (in memory order) differs",
                    at / self.source.dtype().size()
                ),
                None => format!("{what}: {} bytes, not {}", found.len(), expected.len()),
            }
        })
    }

    /// Everything, as one stream delivers it at once.
    fn first_stream(&self) -> Result<Vec<u8>, Broken> {
        let promise = "a stream delivers all elements";
        let mut stream = self.kept(promise, self.source.stream(StreamOptions::default()))?;
        let mut bytes = vec![0xA5; self.bytes as usize];
        self.kept(promise, stream.read_next(&mut bytes))?;
        self.kept("a stream that was read to its end finishes", stream.finish())?;
        Ok(bytes)
    }

    fn bools(&self, bytes: &[u8]) -> Result<(), Broken> {
        let wrong = (self.source.dtype() == DType::Bool).then(|| bytes.iter().find(|&&b| b > 1));
        let promise = "a bool is one byte, 0 or 1";
        self.holds(promise, wrong.flatten().is_none(), || "another byte was delivered".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::check;
    use crate::dtype::DType;
    use crate::grid::{Region, copy_overlap};
    use crate::source::{
        Access, RegionStream, Source, SourceError, Stream, StreamEnd, StreamOptions,
    };

    /// What a source does wrong.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Fault {
        None,
        BlockOfFewerAxes,
        WrongAtEdge,
        LeavesLastOfRegion,
        ChangesItsMind,
        ReadsOutside,
        TakesAnyBuffer,
        RefusesEmpty,
        ReadsThoughSequential,
        StreamsOtherNumbers,
        SkipsTooFar,
        StreamsForever,
        SharesItsPlace,
        RefusesToEndEarly,
        HashIsNoHash,
        BoolIsTwo,
    }

    const SHAPE: [u64; 3] = [5, 4, 3];

    #[derive(Debug)]
    struct Faulty {
        fault: Fault,
        numbers: Vec<u8>,
        calls: AtomicU64,
        /// Where its only stream is, for the fault of having one.
        place: AtomicU64,
    }

    impl Faulty {
        fn new(fault: Fault) -> Self {
            let numbers = (0..120).map(|i| (i * 7 % 251) as u8).collect();
            Self { fault, numbers, calls: AtomicU64::new(0), place: AtomicU64::new(0) }
        }

        fn has(&self, fault: Fault) -> bool {
            self.fault == fault
        }
    }

    impl Source for Faulty {
        fn name(&self) -> &'static str {
            "faulty"
        }
        fn shape(&self) -> &[u64] {
            &SHAPE
        }
        fn dtype(&self) -> DType {
            if self.has(Fault::BoolIsTwo) { DType::Bool } else { DType::I16 }
        }
        fn access(&self) -> Access {
            if self.has(Fault::ReadsThoughSequential) { Access::Sequential } else { Access::Random }
        }
        fn block_shape(&self) -> &[u64] {
            if self.has(Fault::BlockOfFewerAxes) { &[2, 3] } else { &[2, 3, 2] }
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
            let item_bytes = self.dtype().size();
            let lenient = match self.fault {
                Fault::ReadsOutside => !region.fits(&SHAPE),
                Fault::TakesAnyBuffer => region.fits(&SHAPE) && out.len() != 120,
                _ => false,
            };
            if lenient && region.len() as usize * item_bytes != out.len() {
                return Ok(());
            }
            if !lenient {
                self.check_read(region, out)?;
            }
            if self.has(Fault::RefusesEmpty) && region.is_empty() {
                return Err(SourceError::new("faulty", "nothing", "no elements"));
            }
            let last = out.last().copied();
            let edge = Region::new(vec![0, 3, 0], vec![5, 1, 3]);
            let whole = Region::whole(&SHAPE);
            copy_overlap(&self.numbers, &whole, out, region, item_bytes);
            match (self.fault, out.last_mut()) {
                (Fault::LeavesLastOfRegion, Some(to)) => *to = last.unwrap_or(0),
                (Fault::WrongAtEdge, Some(to)) if region == &edge => *to ^= 1,
                (Fault::ChangesItsMind, Some(to)) => {
                    *to ^= u8::from(self.calls.fetch_add(1, Ordering::Relaxed) == 100);
                }
                _ => {}
            }
            Ok(())
        }

        fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
            self.place.store(0, Ordering::Relaxed);
            Ok(Box::new(FaultyStream { source: self, inner: RegionStream::new(self), left: 120 }))
        }
    }

    struct FaultyStream<'a> {
        source: &'a Faulty,
        inner: RegionStream<'a, Faulty>,
        left: usize,
    }

    impl Stream for FaultyStream<'_> {
        fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
            if self.source.has(Fault::SharesItsPlace) {
                let place = &self.source.place;
                let at = place.fetch_add(out.len() as u64, Ordering::Relaxed) as usize;
                let found = self.source.numbers.get(at..at + out.len());
                let found = found.ok_or_else(|| SourceError::new("faulty", "end", "no more"))?;
                out.copy_from_slice(found);
                return Ok(());
            }
            if self.source.has(Fault::StreamsForever) && out.len() > self.left {
                return Ok(());
            }
            self.left = self.left.saturating_sub(out.len());
            self.inner.read_next(out)?;
            if self.source.has(Fault::StreamsOtherNumbers) && out.len() == 14 {
                out[0] ^= 1;
            }
            Ok(())
        }

        fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
            self.left = self.left.saturating_sub(bytes as usize);
            if self.source.has(Fault::SharesItsPlace) {
                self.source.place.fetch_add(bytes, Ordering::Relaxed);
                return Ok(());
            }
            let more = if self.source.has(Fault::SkipsTooFar) && bytes == 4 { 2 } else { 0 };
            self.inner.skip(bytes + more)
        }

        fn finish(self: Box<Self>) -> Result<StreamEnd, SourceError> {
            if self.source.has(Fault::RefusesToEndEarly) && self.left > 0 {
                return Err(SourceError::new("faulty", "end", "too early"));
            }
            let sha256 = self.source.has(Fault::HashIsNoHash).then(|| "AB".to_owned());
            Ok(StreamEnd { sha256, ..StreamEnd::default() })
        }
    }

    #[test]
    fn a_source_that_keeps_its_promises_passes() {
        let source = Faulty::new(Fault::None);
        check(&source, None).unwrap();
        check(&source, Some(&source.numbers)).unwrap();
        let mut other = source.numbers.clone();
        other[7] ^= 1;
        let broken = check(&source, Some(&other)).unwrap_err().to_string();
        assert!(broken.contains("element 3 "), "{broken}");
        assert!(check(&source, Some(&other[..118])).is_err());
    }

    #[test]
    fn every_broken_promise_is_found_and_named() {
        for (fault, named) in [
            (Fault::BlockOfFewerAxes, "block"),
            (Fault::WrongAtEdge, "from [0, 3, 0]"),
            (Fault::LeavesLastOfRegion, "delivers"),
            (Fault::ChangesItsMind, "each time"),
            (Fault::ReadsOutside, "does not lie in the array"),
            (Fault::TakesAnyBuffer, "a buffer of 121 bytes"),
            (Fault::RefusesEmpty, "no elements"),
            (Fault::ReadsThoughSequential, "refuses to read"),
            (Fault::StreamsOtherNumbers, "a step of 14 bytes"),
            (Fault::SkipsTooFar, "in steps"),
            (Fault::StreamsForever, "has none"),
            (Fault::SharesItsPlace, "disturb"),
            (Fault::RefusesToEndEarly, "too early"),
            (Fault::HashIsNoHash, "64 digits"),
            (Fault::BoolIsTwo, "0 or 1"),
        ] {
            let broken = check(&Faulty::new(fault), None).expect_err("a fault is found");
            let text = broken.to_string();
            assert!(text.starts_with("faulty breaks") && text.contains(named), "{fault:?}: {text}");
        }
    }
}
