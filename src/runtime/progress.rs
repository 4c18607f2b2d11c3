//! Who wants to know how far the work is?

use std::fmt;

use super::Session;

/// Told about work in bytes of decoded voxels; called from worker threads, so cheap.
pub trait Progress: Send + Sync + fmt::Debug {
    /// Work of this many bytes begins.
    fn begin(&self, what: &str, total_bytes: u64);
    /// So many more bytes are done.
    fn advance(&self, bytes: u64);
    /// The work that began last is over.
    fn end(&self);
    /// Memory was taken out of the budget, or given back.
    fn memory(&self, _now: MemoryUse) {}
    /// One run of several is over: what became of it, in a few words, and how many are left.
    fn run_over(&self, _run: &str, _became: &str, _left: usize) {}
}

/// What of a session's budget is in use: by the plan's count, which holds the program's own memory, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// Bytes in use now.
    pub now_bytes: u64,
    /// The most that was in use at one time in this piece of work.
    pub peak_bytes: u64,
    /// The budget.
    pub budget_bytes: u64,
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total_bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn end(&self) {}
}

/// A piece of work that somebody is told of; it ends however the work ends.
pub(crate) struct Reported<'a>(&'a dyn Progress);

impl Session {
    /// Begins a piece of work of so many bytes.
    pub(crate) fn report(&self, name: &str, total_bytes: u64) -> Reported<'_> {
        let progress = self.progress().as_ref();
        progress.begin(name, total_bytes);
        Reported(progress)
    }
}

impl Drop for Reported<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
