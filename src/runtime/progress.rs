//! Who wants to know how far the work is?

use std::fmt;

/// Told about work in bytes of decoded voxels; called from worker threads, so cheap.
pub trait Progress: Send + Sync + fmt::Debug {
    /// Work of this many bytes begins.
    fn begin(&self, what: &str, total_bytes: u64);
    /// So many more bytes are done.
    fn advance(&self, bytes: u64);
    /// The work that began last is over.
    fn end(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total_bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn end(&self) {}
}
