//! How does a chunk become a frame of blosc, of blocks of planes of bits in zstd, and how is it had back?
//!
//! The frames of `blosc-zstd`, byte for byte those of c-blosc, which is their twin in tests: what bits make of a block is
//! made by `bits`, and zstd's contexts stay for the next block. Of a part of a chunk only the blocks are inflated that hold
//! some of it. Frames that are made in any other way are for `blosc`. What a header claims has been held against the chunk
//! (`frame`) before; what blocks claim is held against the frame here.
//!
//! ```text
//! 0   version 2, version of zstd's format 1, flags, bytes of a number
//! 4   bytes of the content, of a block, of the frame                       u32 each
//! 16  where each block starts in the frame                                u32 each
//! ..  blocks: bytes of what follows (i32), planes in a frame of zstd; or the planes, where they are as long
//! ```

use std::cell::RefCell;
use std::ops::Range;

use zstd::zstd_safe::{CCtx, DCtx, get_error_name};

use super::bits::{from_planes, has_planes, to_planes};
use super::frame::BLOSC_HEADER_BYTES;
use crate::store::spare::{RoomFor, Spare};

const HEADER_BYTES: usize = BLOSC_HEADER_BYTES as usize;
/// Versions of blosc's format and of zstd's in it.
const VERSIONS: [u8; 2] = [2, 1];
/// Flags: planes of bits; no block is split; zstd (the number of a format, in the highest three bits).
const FLAGS: u8 = 0x04 | 0x10 | 4 << 5;
/// Flag: the content as it is, without planes and blocks.
const COPIED: u8 = 0x02;
/// What is shorter is copied.
const LEAST_BYTES: usize = 128;

const DAMAGED: &str = "a block of the blosc frame is damaged";
const NO_MEMORY: &str = "the system has no memory for a block";
/// What zstd says where a block gets no smaller.
const NO_ROOM: &str = "Destination buffer is too small";

thread_local! {
    static COMPRESS: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
    static DECOMPRESS: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
}

/// How the frames of an array are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Making {
    pub(super) number_bytes: usize,
    /// Of a block at most.
    pub(super) block_bytes: usize,
    /// zstd's.
    pub(super) level: i32,
    /// Room that is left behind a frame.
    pub(super) behind: usize,
}

impl Making {
    /// The frame of these numbers. `None` where they are so few, or so many, that blosc is to make it.
    pub(super) fn encode(&self, numbers: &[u8]) -> Option<Result<Spare, String>> {
        let Self { number_bytes, block_bytes, .. } = *self;
        if !has_planes(number_bytes) {
            return None;
        }
        let block_bytes = block_bytes.min(numbers.len()) / number_bytes * number_bytes;
        let most = numbers.len() + HEADER_BYTES;
        if block_bytes < LEAST_BYTES || i32::try_from(most).is_err() {
            return None;
        }
        let making = Self { block_bytes, ..*self };
        Some(making.frame(numbers, most))
    }

    fn frame(&self, numbers: &[u8], most: usize) -> Result<Spare, String> {
        let bytes = (most + self.behind) as u64;
        let mut file = Spare::take(RoomFor::File, bytes).ok_or(NO_MEMORY)?;
        let frame = &mut file[..most];
        let (flags, end) = if let Some(end) = self.blocks(numbers, frame)? {
            (FLAGS, end)
        } else {
            frame[HEADER_BYTES..].copy_from_slice(numbers);
            (FLAGS | COPIED, most)
        };
        frame[..2].copy_from_slice(&VERSIONS);
        (frame[2], frame[3]) = (flags, self.number_bytes as u8);
        for (at, size) in [numbers.len(), self.block_bytes, end].into_iter().enumerate() {
            put(frame, 4 + 4 * at, size);
        }
        file.truncate(end + self.behind);
        Ok(file)
    }

    /// Puts all blocks behind a header, and says where they end; `None` where they take no less than the numbers.
    fn blocks(&self, numbers: &[u8], frame: &mut [u8]) -> Result<Option<usize>, String> {
        let mut room = Spare::take(RoomFor::Planes, self.block_bytes as u64).ok_or(NO_MEMORY)?;
        let mut end = HEADER_BYTES + 4 * numbers.len().div_ceil(self.block_bytes);
        for (at, block) in numbers.chunks(self.block_bytes).enumerate() {
            put(frame, HEADER_BYTES + 4 * at, end);
            let planes = &mut room[..block.len()];
            to_planes(self.number_bytes, block, planes);
            let Some(to) = frame.get_mut(end + 4..).filter(|to| !to.is_empty()) else {
                return Ok(None);
            };
            let most = to.len().min(planes.len());
            let mut bytes = self.compress(planes, &mut to[..most])?;
            if bytes == 0 || bytes == planes.len() {
                let Some(to) = to.get_mut(..planes.len()) else { return Ok(None) };
                to.copy_from_slice(planes);
                bytes = planes.len();
            }
            put(frame, end, bytes);
            end += 4 + bytes;
        }
        Ok(Some(end))
    }

    /// How many bytes planes take in a frame of zstd; 0 where there is no room for it.
    fn compress(&self, planes: &[u8], to: &mut [u8]) -> Result<usize, String> {
        COMPRESS.with_borrow_mut(|context| {
            let context = match context {
                Some(context) => context,
                None => context.insert(CCtx::try_create().ok_or(NO_MEMORY)?),
            };
            match context.compress(to, planes, self.level).map_err(get_error_name) {
                Ok(bytes) => Ok(bytes),
                Err(NO_ROOM) => Ok(0),
                Err(reason) => Err(reason.to_owned()),
            }
        })
    }
}

/// Writes a number of four bytes.
fn put(frame: &mut [u8], at: usize, number: usize) {
    frame[at..at + 4].copy_from_slice(&(number as u32).to_le_bytes());
}

/// A frame whose blocks can be had one by one.
pub(super) struct Blocks<'f> {
    frame: &'f [u8],
    number_bytes: usize,
    content_bytes: usize,
    block_bytes: usize,
}

impl<'f> Blocks<'f> {
    /// `None` for a frame that is made otherwise.
    pub(super) fn of(frame: &'f [u8]) -> Option<Self> {
        let header = frame.first_chunk::<HEADER_BYTES>()?;
        let number_bytes = usize::from(header[3]);
        let content_bytes = u32_at(frame, 4)? as usize;
        let block_bytes = u32_at(frame, 8)? as usize;
        let is_known = header[..2] == VERSIONS && header[2] == FLAGS && has_planes(number_bytes);
        let is_whole = block_bytes > 0
            && block_bytes <= content_bytes
            && block_bytes.is_multiple_of(number_bytes);
        (is_known && is_whole).then_some(Self { frame, number_bytes, content_bytes, block_bytes })
    }

    /// Makes `out` these bytes of the content, which are whole numbers. On an error it may hold anything.
    pub(super) fn decode(&self, part: Range<usize>, out: &mut [u8]) -> Result<(), &'static str> {
        let is_whole = |at: usize| at.is_multiple_of(self.number_bytes);
        if part.end > self.content_bytes || part.len() != out.len() {
            return Err(DAMAGED);
        }
        if !is_whole(part.start) || !is_whole(part.end) && part.end != self.content_bytes {
            return Err("the size of a number in the blosc frame is another");
        }
        let mut room = Spare::take(RoomFor::Planes, self.block_bytes as u64).ok_or(NO_MEMORY)?;
        for at in part.start / self.block_bytes..part.end.div_ceil(self.block_bytes) {
            let start = at * self.block_bytes;
            let end = (start + self.block_bytes).min(self.content_bytes);
            let planes = self.planes(at, &mut room[..end - start])?;
            let wanted = part.start.max(start)..part.end.min(end);
            let out = &mut out[wanted.start - part.start..wanted.end - part.start];
            from_planes(self.number_bytes, planes, wanted.start - start, out);
        }
        Ok(())
    }

    /// The planes of block number `at`, in `room`, which is as long, or where they lie.
    fn planes<'r>(&self, at: usize, room: &'r mut [u8]) -> Result<&'r [u8], &'static str>
    where
        'f: 'r,
    {
        let stored = || {
            let start = u32_at(self.frame, HEADER_BYTES + 4 * at)? as usize;
            let bytes = u32_at(self.frame, start)? as usize;
            self.frame.get(start.checked_add(4)?..)?.get(..bytes)
        };
        let stored = stored().ok_or(DAMAGED)?;
        if stored.len() == room.len() {
            return Ok(stored);
        }
        DECOMPRESS.with_borrow_mut(|context| {
            let context = match context {
                Some(context) => context,
                None => context.insert(DCtx::try_create().ok_or(NO_MEMORY)?),
            };
            match context.decompress(room, stored) {
                Ok(bytes) if bytes == room.len() => Ok(&*room),
                _ => Err(DAMAGED),
            }
        })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
