//! Counted memory: a budget, leases on it, and buffers that come out of a lease.
//!
//! A lease is taken whole or not at all, so two workers can never each hold half of what both
//! need. A buffer larger than what is left of its lease is an error: a wrong formula in the planner
//! shows up as a failed test, not as a killed process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytesize::ByteSize;

use super::{MemoryUse, Progress};
use crate::buffer::Buffer;

/// Memory was asked for that the budget or a lease does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// A lease did not fit what is left of the budget.
    #[error("{what} needs {} but {} of the budget of {} are in use",
        ByteSize(*.wanted_bytes), ByteSize(*.used_bytes), ByteSize(*.limit_bytes))]
    Exhausted {
        /// Who asked.
        what: &'static str,
        /// Bytes asked for.
        wanted_bytes: u64,
        /// Bytes handed out already.
        used_bytes: u64,
        /// The budget.
        limit_bytes: u64,
    },
    /// A buffer did not fit its lease: the plan's formula was too small. This is a bug in voxstore.
    #[error(
        "{what}: a buffer of {wanted_bytes} bytes was asked for and its lease has \
        {left_bytes} left; the memory plan was wrong, please report it"
    )]
    Overrun {
        /// Who asked.
        what: &'static str,
        /// Bytes asked for.
        wanted_bytes: u64,
        /// What the lease had left.
        left_bytes: u64,
    },
    /// The operating system refused memory that the budget allows.
    #[error("{what}: the system has no {} left, though the budget allows it; \
        use a smaller --memory or close other programs", ByteSize(*.wanted_bytes))]
    System {
        /// Who asked.
        what: &'static str,
        /// Bytes asked for.
        wanted_bytes: u64,
    },
}

/// Bytes that may be used at once, and how many are.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit_bytes: u64,
    /// Beside the budget, for good: the program, and what was set apart before.
    beside_bytes: u64,
    used_bytes: AtomicU64,
    peak_bytes: AtomicU64,
    progress: Arc<dyn Progress>,
}

impl Shared {
    /// Says what is in use now that it changed.
    fn tell(&self, used_bytes: u64) {
        self.progress.memory(MemoryUse {
            now_bytes: self.beside_bytes + used_bytes,
            peak_bytes: self.beside_bytes + self.peak_bytes.load(Ordering::Relaxed),
            budget_bytes: self.beside_bytes + self.limit_bytes,
        });
    }
}

impl Budget {
    /// A count of its own over `limit_bytes`, beside `beside_bytes` that are taken already.
    pub(super) fn new(limit_bytes: u64, beside_bytes: u64, progress: Arc<dyn Progress>) -> Self {
        let (used_bytes, peak_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let shared = Shared { limit_bytes, beside_bytes, used_bytes, peak_bytes, progress };
        Self { shared: Arc::new(shared) }
    }

    /// The most that was leased at one time.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.shared.peak_bytes.load(Ordering::Relaxed)
    }

    /// Takes `bytes` out of the budget until the lease is dropped.
    pub(crate) fn lease(&self, what: &'static str, bytes: u64) -> Result<Lease, BudgetError> {
        let shared = &self.shared;
        let limit = shared.limit_bytes;
        let taken = shared.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|&after| after <= limit)
        });
        match taken {
            Ok(before) => {
                shared.peak_bytes.fetch_max(before + bytes, Ordering::Relaxed);
                shared.tell(before + bytes);
                Ok(Lease { shared: Arc::clone(shared), what, bytes, left_bytes: bytes })
            }
            Err(used_bytes) => Err(BudgetError::Exhausted {
                what,
                wanted_bytes: bytes,
                used_bytes,
                limit_bytes: limit,
            }),
        }
    }
}

/// A part of a budget, given back when dropped. Its buffers must not outlive it.
#[derive(Debug)]
pub(crate) struct Lease {
    shared: Arc<Shared>,
    what: &'static str,
    bytes: u64,
    left_bytes: u64,
}

impl Lease {
    /// Takes bytes out of the lease that somebody else allocates: what a source or a sink uses in a call.
    pub(crate) fn set_aside(&mut self, bytes: u64) -> Result<(), BudgetError> {
        let (what, left_bytes) = (self.what, self.left_bytes);
        self.left_bytes = left_bytes.checked_sub(bytes).ok_or(BudgetError::Overrun {
            what,
            wanted_bytes: bytes,
            left_bytes,
        })?;
        Ok(())
    }

    /// Zeroed memory for `len` bytes.
    pub(crate) fn buffer(&mut self, len: u64) -> Result<Buffer, BudgetError> {
        self.set_aside(len)?;
        Buffer::zeroed(len).ok_or(BudgetError::System { what: self.what, wanted_bytes: len })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let before = self.shared.used_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.shared.tell(before - self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Budget, BudgetError};
    use crate::runtime::{MemoryUse, Progress, Silent};

    fn budget_of(bytes: u64) -> Budget {
        Budget::new(bytes, 0, Arc::new(Silent))
    }

    #[test]
    fn every_lease_and_return_is_told_with_what_is_taken_beside() {
        #[derive(Debug, Default)]
        struct Told(Mutex<Vec<[u64; 3]>>);
        impl Progress for Told {
            fn begin(&self, _: &str, _: u64) {}
            fn advance(&self, _: u64) {}
            fn end(&self) {}
            fn memory(&self, now: MemoryUse) {
                self.0.lock().unwrap().push([now.now_bytes, now.peak_bytes, now.budget_bytes]);
            }
        }
        let told = Arc::new(Told::default());
        let budget = Budget::new(100, 16, Arc::<Told>::clone(&told));
        let first = budget.lease("first", 60).unwrap();
        assert!(budget.lease("second", 41).is_err());
        let third = budget.lease("third", 30).unwrap();
        drop(first);
        drop(third);
        let seen = told.0.lock().unwrap().clone();
        assert_eq!(seen, [[76, 76, 116], [106, 106, 116], [46, 106, 116], [16, 106, 116]]);
    }

    #[test]
    fn a_lease_is_whole_or_refused_and_comes_back_when_dropped() {
        let budget = budget_of(100);
        let first = budget.lease("first", 60).unwrap();
        assert!(matches!(
            budget.lease("second", 41),
            Err(BudgetError::Exhausted { used_bytes: 60, .. })
        ));
        drop(first);
        assert!(budget.lease("second", 100).is_ok());
        assert_eq!(budget.peak_bytes(), 100);
        assert!(budget.lease("overflow", u64::MAX).is_err());
    }

    #[test]
    fn a_buffer_past_its_lease_is_an_overrun() {
        let budget = budget_of(100);
        let mut lease = budget.lease("test", 48).unwrap();
        let buffer = lease.buffer(40).unwrap();
        assert_eq!(bytemuck::cast_slice::<u8, f64>(&buffer[..40]), [0.0; 5]);
        assert!(matches!(lease.buffer(9), Err(BudgetError::Overrun { left_bytes: 8, .. })));
    }
}
