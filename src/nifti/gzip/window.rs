//! How do compressed bytes reach the decoder?
//!
//! [`Window`] is a buffered reader over a file, by mapping or positioned reads, that can look ahead
//! and hashes every byte that it loads, or says how far another thread may. Its end is the end the file had when it was
//! opened.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::behind::Behind;
use crate::nifti::error::ReadFault;
use crate::nifti::file_bytes::{FileBytes, Reading};
use crate::nifti::fingerprint::Fingerprint;

/// A window moving over a file.
pub(super) struct Window<'a> {
    reading: Reading<'a>,
    /// The first byte of the file that was not loaded yet.
    at: u64,
    buffer: Box<[u8]>,
    /// What of the buffer is loaded and not yet consumed.
    from: usize,
    to: usize,
    hashing: Hashing,
}

/// Who hashes what is loaded.
enum Hashing {
    Nobody,
    Here(Box<Fingerprint>),
    Behind(Arc<Behind>),
}

impl<'a> Window<'a> {
    /// Begins at the front of a file; a fingerprint takes in what is loaded.
    pub(super) fn new(
        file: &'a FileBytes,
        capacity: usize,
        fingerprint: Option<Fingerprint>,
    ) -> Self {
        Self {
            reading: file.reading(),
            at: 0,
            buffer: vec![0; capacity].into_boxed_slice(),
            from: 0,
            to: 0,
            hashing: fingerprint.map_or(Hashing::Nobody, |of| Hashing::Here(Box::new(of))),
        }
    }

    /// Offset in the file of the next byte to be consumed.
    pub(super) fn position(&self) -> u64 {
        self.at - (self.to - self.from) as u64
    }

    /// The next `count` bytes without consuming them; fewer only at the end of the file.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.to - self.from < count {
            self.buffer.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            self.load()?;
        }
        Ok(&self.buffer[self.from..self.to.min(self.from + count)])
    }

    /// From here on, what is loaded is hashed by whom this is given to. `None` where nothing is hashed. The file is the
    /// window's own.
    pub(super) fn hash_behind(&mut self, file: &Arc<FileBytes>) -> Option<Arc<Behind>> {
        self.hashing = match std::mem::replace(&mut self.hashing, Hashing::Nobody) {
            Hashing::Here(so_far) => Hashing::Behind(Arc::new(Behind::new(file, *so_far, self.at))),
            other => other,
        };
        match &self.hashing {
            Hashing::Behind(behind) => Some(Arc::clone(behind)),
            _ => None,
        }
    }

    /// The fingerprint of all bytes up to here, which is the end when everything was consumed.
    pub(super) fn into_fingerprint(self) -> Result<Option<Fingerprint>, ReadFault> {
        match self.hashing {
            Hashing::Nobody => Ok(None),
            Hashing::Here(fingerprint) => Ok(Some(*fingerprint)),
            Hashing::Behind(behind) => behind.finish().map(Some),
        }
    }

    /// Fills the free end of the buffer.
    fn load(&mut self) -> io::Result<()> {
        let left = self.reading.len() - self.at;
        let room = (self.buffer.len() - self.to).min(usize::try_from(left).unwrap_or(usize::MAX));
        let part = &mut self.buffer[self.to..self.to + room];
        self.reading.read_at(self.at, part).map_err(io::Error::other)?;
        self.to += room;
        self.at += room as u64;
        match &mut self.hashing {
            Hashing::Nobody => {}
            Hashing::Here(fingerprint) => fingerprint.update(part),
            Hashing::Behind(behind) => behind.goes_to(self.at),
        }
        Ok(())
    }
}

impl Read for Window<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let len = ready.len().min(out.len());
        out[..len].copy_from_slice(&ready[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Window<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
            self.load()?;
        }
        Ok(&self.buffer[self.from..self.to])
    }

    fn consume(&mut self, amount: usize) {
        self.from += amount;
    }
}
