//! How are mapped bytes copied without the process dying of a file that shrank?
//!
//! The only unsafe code of this module. A [`Mapping`] hands out no reference to mapped memory: it
//! copies windows of at most [`WINDOW_BYTES`], each made resident by `MADV_POPULATE_READ` first (an
//! error where plain access would be a SIGBUS) and given back after. What remains is a file that is
//! truncated in the microseconds between the two. The plain twin, which tests compare with, is the
//! positioned reads of `file_bytes`.
#![expect(unsafe_code, reason = "copying out of a mapped file and giving its pages back")]

use std::fs::File;
use std::io;

use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};

/// The most that is resident on purpose at one time.
pub(super) const WINDOW_BYTES: usize = 1 << 20;
/// The kernel maps cached pages around those asked for, up to this far on either side.
const FAULT_AROUND_BYTES: usize = 64 << 10;
/// The most that can be resident at one time.
pub(super) const RESIDENT_BYTES: u64 = (WINDOW_BYTES + 2 * FAULT_AROUND_BYTES) as u64;

/// A file mapped for reading.
pub(super) struct Mapping {
    map: MmapRaw,
}

impl Mapping {
    /// Maps `len` bytes of a file and tries whether windows can be populated here.
    ///
    /// # Errors
    /// When the system cannot map the file or knows no `MADV_POPULATE_READ` (Linux before 5.14).
    pub(super) fn new(file: &File, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::Unsupported)?;
        let mapping = Self { map: MmapOptions::new().len(len).map_raw_read_only(file)? };
        mapping.populate(0, len.min(1))?;
        mapping.give_back(0, len.min(1));
        Ok(mapping)
    }

    /// Fills `out` with the bytes at `at`, window by window.
    pub(super) fn copy(&self, at: usize, out: &mut [u8]) -> io::Result<()> {
        for (i, window) in out.chunks_mut(WINDOW_BYTES).enumerate() {
            let at = at + i * WINDOW_BYTES;
            self.populate(at, window.len())?;
            self.copy_resident(at, window);
            self.give_back(at, window.len());
        }
        Ok(())
    }

    /// Makes a range resident.
    ///
    /// # Errors
    /// When the range lies outside the map or (now) outside the file, or the disk fails.
    pub(super) fn populate(&self, at: usize, len: usize) -> io::Result<()> {
        if at.checked_add(len).is_none_or(|end| end > self.map.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.map.advise_range(Advice::PopulateRead, at, len)
    }

    /// Fills `out` from a range that was populated.
    pub(super) fn copy_resident(&self, at: usize, out: &mut [u8]) {
        let end = at.checked_add(out.len());
        assert!(end.is_some_and(|end| end <= self.map.len()), "{at} + {} in the map", out.len());
        // SAFETY: the source range lies in the live map (asserted above) and `out` is exclusive
        // memory elsewhere. No reference to mapped memory is made, so a writer in another process
        // can change the bytes that arrive and nothing more; u8 has no invalid values.
        unsafe {
            self.map.as_ptr().add(at).copy_to_nonoverlapping(out.as_mut_ptr(), out.len());
        }
    }

    /// Lets go of a range and of what the kernel mapped around it. It can be read again.
    pub(super) fn give_back(&self, at: usize, len: usize) {
        let start = at.saturating_sub(FAULT_AROUND_BYTES);
        let end = (at + len).saturating_add(FAULT_AROUND_BYTES).min(self.map.len());
        // SAFETY: the map is a shared, read-only map of a file: pages that are dropped come back
        // from the file at the next access, also under another thread's copy, and nothing borrows
        // the memory.
        let dropped = unsafe {
            self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
        };
        // Failure costs resident memory and changes no byte; there is nothing better to do.
        drop(dropped);
    }
}
