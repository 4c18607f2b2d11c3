//! How are bytes damaged, and what is watched meanwhile?

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use crate::allocator::PEAK;

/// More than all tests of this program that run at one time may hold. Fixtures have a few kilobytes.
const CEILING_BYTES: u64 = 64 << 20;

/// Every flipped bit, then every cut.
pub(crate) fn every(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let flips = (0..bytes.len() * 8).map(|bit| (format!("bit {bit}"), flipped(bytes, bit)));
    flips.chain((0..bytes.len()).map(|len| (format!("{len} bytes"), bytes[..len].to_vec())))
}

pub(crate) fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    damaged[bit / 8] ^= 1 << (bit % 8);
    damaged
}

/// Runs one case, which must not panic, nor take the program above the ceiling.
#[track_caller]
pub(crate) fn guarded<T>(what: &str, case: impl FnOnce() -> T) -> T {
    let given = catch_unwind(AssertUnwindSafe(case));
    let peak = PEAK.load(Ordering::Relaxed);
    assert!(peak < CEILING_BYTES, "{what}: {peak} bytes were in use");
    given.unwrap_or_else(|_| panic!("{what}: panicked"))
}
