//! Bytes that can hold numbers of any kind.
//!
//! Says nothing about who may have how many: that is `runtime`.

use std::ops::{Deref, DerefMut};

use bytemuck::Pod;

/// Bytes aligned for every element and state type.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    words: Vec<u128>,
    len: usize,
}

impl Buffer {
    /// Zeroed bytes, or `None` when the system has none.
    pub(crate) fn zeroed(len: u64) -> Option<Self> {
        let len = usize::try_from(len).ok()?;
        let words_len = len.div_ceil(size_of::<u128>());
        let mut words = Vec::new();
        words.try_reserve_exact(words_len).ok()?;
        words.resize(words_len, 0);
        Some(Self { words, len })
    }

    /// The first `len` numbers.
    pub(crate) fn as_slice_prefix<T: Pod>(&self, len: usize) -> &[T] {
        bytemuck::cast_slice(&self[..len * size_of::<T>()])
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }
}
