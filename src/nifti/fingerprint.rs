//! Are these the bytes that they are said to be?
//!
//! A [`Fingerprint`] is the SHA-256 of all bytes of a run's files, as they lie on disk: of a pair, those of
//! the `.hdr` and then those of the `.img`. Where a file has a key of git-annex, its own hash must be
//! the key's.

use md5::Md5;
use sha2::{Digest, Sha256};

use super::annex::{Key, KeyHash};
use super::error::ReadFault;
use super::hex::hex;

/// Hashes that are under way.
#[derive(Clone, Debug)]
pub(super) struct Fingerprint {
    whole: Sha256,
    /// Of this file alone, where its key asks for a hash that `whole` is not.
    own: Option<Own>,
    expected: Option<KeyHash>,
}

#[derive(Clone, Debug)]
enum Own {
    Md5(Md5),
    Sha256(Sha256),
}

impl Fingerprint {
    /// Begins with the first file of a run.
    pub(super) fn new(key: Option<&Key>) -> Self {
        let expected = key.and_then(|key| key.hash.clone());
        let own = matches!(expected, Some(KeyHash::Md5(_))).then(|| Own::Md5(Md5::new()));
        Self { whole: Sha256::new(), own, expected }
    }

    /// Goes on with the next file.
    ///
    /// # Errors
    /// As [`finish`](Self::finish), for the file so far.
    pub(super) fn next(self, key: Option<&Key>) -> Result<Self, ReadFault> {
        self.check()?;
        let next = Self::new(key);
        let own = match &next.expected {
            Some(KeyHash::Sha256(_)) => Some(Own::Sha256(Sha256::new())),
            _ => next.own,
        };
        Ok(Self { whole: self.whole, own, expected: next.expected })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        match &mut self.own {
            Some(Own::Md5(hasher)) => hasher.update(bytes),
            Some(Own::Sha256(hasher)) => hasher.update(bytes),
            None => {}
        }
    }

    /// The SHA-256 of all bytes, in hex.
    ///
    /// # Errors
    /// When the file has a key of git-annex and its bytes another hash.
    pub(super) fn finish(self) -> Result<String, ReadFault> {
        self.check()?;
        Ok(hex(&self.whole.finalize()))
    }

    fn check(&self) -> Result<(), ReadFault> {
        let Some(KeyHash::Md5(expected) | KeyHash::Sha256(expected)) = &self.expected else {
            return Ok(());
        };
        let found = match &self.own {
            Some(Own::Md5(hasher)) => hex(&hasher.clone().finalize()),
            Some(Own::Sha256(hasher)) => hex(&hasher.clone().finalize()),
            None => hex(&self.whole.clone().finalize()),
        };
        if found == *expected {
            return Ok(());
        }
        Err(ReadFault::NotTheKey { expected: expected.clone(), found })
    }
}
