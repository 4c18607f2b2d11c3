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
