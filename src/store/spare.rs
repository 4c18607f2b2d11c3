//! Where do a chunk's file and its numbers lie while it is made or decoded?
//!
//! In pages that a thread keeps for the next chunk: new ones would have to be cleared by the system each time,
//! which takes a fifth of the time of decoding. Room for one chunk a thread, which plans count for the worker anyway;
//! it goes when the thread ends.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::buffer::Buffer;

/// Room grows in steps of this, since files have other lengths each time.
const STEP_BYTES: u64 = 256 << 10;

thread_local! {
    static SPARE: [Cell<Buffer>; 4] = Default::default();
}

/// What a thread has room for, one of each.
#[derive(Clone, Copy, Debug)]
pub(super) enum RoomFor {
    File,
    Numbers,
    /// Of a compressed block: its planes of bits, and its numbers in order.
    Planes,
    Block,
}

/// So many bytes of whatever was there before, to be overwritten.
pub(super) struct Spare {
    of: RoomFor,
    room: Buffer,
    bytes: usize,
}

impl Spare {
    /// `None` when the system has no memory for it.
    pub(super) fn take(of: RoomFor, bytes: u64) -> Option<Self> {
        let kept = SPARE.with(|spare| spare[of as usize].take());
        let room = if kept.len() as u64 >= bytes {
            kept
        } else {
            drop(kept);
            let mut room = Buffer::zeroed(bytes.checked_next_multiple_of(STEP_BYTES)?)?;
            room.populate(usize::try_from(bytes).ok()?);
            room
        };
        Some(Self { of, room, bytes: usize::try_from(bytes).ok()? })
    }

    /// The first so many bytes of it.
    pub(super) fn truncate(&mut self, bytes: usize) {
        self.bytes = self.bytes.min(bytes);
    }
}

impl Deref for Spare {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.room[..self.bytes]
    }
}

impl DerefMut for Spare {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.room[..self.bytes]
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        let room = std::mem::take(&mut self.room);
        SPARE.with(|spare| spare[self.of as usize].set(room));
    }
}

#[cfg(test)]
mod tests {
    use super::{RoomFor, Spare};

    #[test]
    fn a_thread_has_one_room_that_grows() {
        let place = |bytes| Spare::take(RoomFor::File, bytes).unwrap().as_ptr();
        let first = place(1000);
        assert_eq!((place(1), place(262_144), place(0)), (first, first, first));
        let mut one = Spare::take(RoomFor::File, 300_000).unwrap();
        one.fill(7);
        one.truncate(299_999);
        one.truncate(299_999_999);
        // While it is lent, another has its own.
        for of in [RoomFor::File, RoomFor::Numbers, RoomFor::Planes, RoomFor::Block] {
            let other = Spare::take(of, 10).unwrap();
            assert_eq!((one.len(), other.len()), (299_999, 10));
            assert_ne!(one.as_ptr(), other.as_ptr());
        }
        assert!(Spare::take(RoomFor::File, u64::MAX).is_none());
    }
}
