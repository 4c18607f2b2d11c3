//! How are compressed bytes hashed by a thread that does not inflate them?
//!
//! Inflating and hashing one file, one after the other, is what an ingest would wait for. So hashing may follow behind: what
//! was loaded is read once more, out of the page cache, by whoever has time. The stamp of the file is compared afterwards,
//! as for every read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::nifti::error::ReadFault;
use crate::nifti::file_bytes::FileBytes;
use crate::nifti::fingerprint::Fingerprint;

/// Hashed by one call.
const STEP_BYTES: u64 = 1 << 20;
/// Read at once, onto the stack.
const PIECE_BYTES: usize = 16 << 10;
/// The thread that loads waits for no other, but hashes itself before so much is left that it may have left the page
/// cache.
const MOST_BEHIND_BYTES: u64 = 8 << 20;

/// A fingerprint that follows a window.
pub(super) struct Behind {
    file: Arc<FileBytes>,
    /// How far the window is.
    loaded: AtomicU64,
    hashed: Mutex<Hashed>,
}

struct Hashed {
    /// `None` once it was finished.
    fingerprint: Option<Fingerprint>,
    /// The first byte that is not in it.
    at: u64,
}

impl Behind {
    /// Goes on at a byte of the file.
    pub(super) fn new(file: &Arc<FileBytes>, fingerprint: Fingerprint, at: u64) -> Self {
        Self {
            file: Arc::clone(file),
            loaded: AtomicU64::new(at),
            hashed: Mutex::new(Hashed { fingerprint: Some(fingerprint), at }),
        }
    }

    /// The window has loaded the bytes before this one.
    pub(super) fn goes_to(&self, at: u64) {
        self.loaded.store(at, Ordering::Release);
        let left = |hashed: &Hashed| at - hashed.at > MOST_BEHIND_BYTES;
        if self.hashed.try_lock().is_ok_and(|hashed| left(&hashed)) {
            self.advance();
        }
    }

    /// Hashes some of what was loaded; true where there was some, and nobody else is at it. What cannot be read is left
    /// for [`finish`](Self::finish) to complain about.
    pub(super) fn advance(&self) -> bool {
        let Ok(mut hashed) = self.hashed.try_lock() else { return false };
        let end = self.loaded.load(Ordering::Acquire).min(hashed.at + STEP_BYTES);
        end > hashed.at && hashed.go_to(end, &self.file).is_ok()
    }

    /// Hashes the rest of what was loaded.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn finish(&self) -> Result<Fingerprint, ReadFault> {
        let mut hashed = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        hashed.go_to(self.loaded.load(Ordering::Acquire), &self.file)?;
        hashed.fingerprint.take().ok_or(ReadFault::Truncated)
    }
}

impl Hashed {
    fn go_to(&mut self, end: u64, file: &FileBytes) -> Result<(), ReadFault> {
        let Some(fingerprint) = &mut self.fingerprint else { return Ok(()) };
        let mut reading = file.reading_short();
        let mut piece = [0; PIECE_BYTES];
        while self.at < end {
            let len = (end - self.at).min(PIECE_BYTES as u64);
            let part = &mut piece[..len as usize];
            reading.read_at(self.at, part)?;
            fingerprint.update(part);
            self.at += len;
        }
        Ok(())
    }
}
