//! Bytes that can hold numbers of any kind.
//!
//! Large buffers are pages of their own: an allocator may keep freed memory for later, and then what
//! a worker gave back would still count against the budget. Says nothing about who may have how many
//! bytes: that is `runtime`.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// Below this, pages of one's own waste more than they give back.
const PAGES_FROM_BYTES: u64 = 64 << 10;

/// The system gives and clears so many bytes at once, rather than 4096 of them 512 times, where that is all inside.
#[cfg(target_os = "linux")]
const HUGE_PAGE_BYTES: u64 = 2 << 20;

/// Zeroed bytes aligned for every element and state type.
#[derive(Debug)]
pub(crate) struct Buffer(Memory);

#[derive(Debug)]
enum Memory {
    Words { words: Vec<u128>, len: usize },
    Pages(MmapMut),
}

impl Buffer {
    /// Zeroed bytes, or `None` when the system has none.
    pub(crate) fn zeroed(len: u64) -> Option<Self> {
        let bytes = usize::try_from(len).ok()?;
        if len >= PAGES_FROM_BYTES {
            let pages = MmapMut::map_anon(bytes).ok()?;
            #[cfg(target_os = "linux")]
            if len >= HUGE_PAGE_BYTES {
                // Where the system has none, small ones do.
                let _ = pages.advise(memmap2::Advice::HugePage);
            }
            return Some(Self(Memory::Pages(pages)));
        }
        let words = vec![0; bytes.div_ceil(size_of::<u128>())];
        Some(Self(Memory::Words { words, len: bytes }))
    }

    /// Has the system give the first so many bytes now, all at once, rather than page by page when they are touched.
    pub(crate) fn populate(&mut self, bytes: usize) {
        #[cfg(target_os = "linux")]
        if let Memory::Pages(pages) = &self.0 {
            // Systems before 5.14 give them when they are touched.
            let bytes = bytes.min(pages.len());
            let _ = pages.advise_range(memmap2::Advice::PopulateWrite, 0, bytes);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = bytes;
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self(Memory::Words { words: Vec::new(), len: 0 })
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Memory::Words { words, len } => &bytemuck::cast_slice(words)[..*len],
            Memory::Pages(pages) => pages,
        }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Memory::Words { words, len } => &mut bytemuck::cast_slice_mut(words)[..*len],
            Memory::Pages(pages) => pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, PAGES_FROM_BYTES};

    #[test]
    fn small_and_large_buffers_are_zeroed_aligned_and_as_long_as_asked() {
        for len in [0, 1, 17, PAGES_FROM_BYTES - 1, PAGES_FROM_BYTES, PAGES_FROM_BYTES + 5] {
            let mut buffer = Buffer::zeroed(len).unwrap();
            assert_eq!(buffer.len() as u64, len);
            buffer.populate(len as usize / 2);
            buffer.populate(usize::MAX);
            assert!(buffer.iter().all(|&b| b == 0));
            assert_eq!(buffer.as_ptr().addr() % 16, 0);
            buffer.fill(7);
            assert_eq!(buffer.last().copied().unwrap_or(7), 7);
        }
    }

    #[test]
    fn more_than_the_system_has_is_refused() {
        assert!(Buffer::zeroed(u64::MAX).is_none());
        assert!(Buffer::zeroed(1 << 60).is_none());
    }
}
