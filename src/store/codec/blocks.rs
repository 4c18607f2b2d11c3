//! How does a chunk become a frame of blosc, of blocks of planes of bits in zstd, and how is it had back?
//!
//! The frames of `blosc-zstd`, byte for byte those of c-blosc, which is their twin in tests: what bits make of a block is
//! made by `bits`, and zstd's contexts stay for the next block. Where parts of a chunk are wanted, only the blocks are inflated that hold
//! some of them; the blocks of frames that are made in any other way by `blosc`. What a header claims has been held against the chunk
//! (`frame`) before; what blocks claim is held against the frame here.
//!
//! ```text
//! 0   version 2, version of zstd's format 1, flags, bytes of a number
//! 4   bytes of the content, of a block, of the frame                       u32 each
//! 16  where each block starts in the frame                                u32 each
//! ..  blocks: bytes of what follows (i32), planes in a frame of zstd; or the planes, where they are as long
//! ```

use std::cell::RefCell;
use std::iter;
use std::ops::Range;

use zstd::zstd_safe::{CCtx, DCtx, get_error_name};

use super::bits::{from_planes, has_planes, to_planes};
use super::blosc;
use super::frame::BLOSC_HEADER_BYTES;
use super::numbers::Numbers;
use crate::grid::Run;
use crate::store::spare::{RoomFor, Spare};

#[cfg(test)]
mod tests;

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
    pub(super) fn encode(&self, numbers: &Numbers<'_>) -> Option<Result<Spare, String>> {
        let Self { number_bytes, block_bytes, .. } = *self;
        if !has_planes(number_bytes) {
            return None;
        }
        let block_bytes = block_bytes.min(numbers.left()) / number_bytes * number_bytes;
        let most = numbers.left() + HEADER_BYTES;
        if block_bytes < LEAST_BYTES || i32::try_from(most).is_err() {
            return None;
        }
        let making = Self { block_bytes, ..*self };
        Some(making.frame(numbers, most))
    }

    fn frame(&self, numbers: &Numbers<'_>, most: usize) -> Result<Spare, String> {
        let bytes = (most + self.behind) as u64;
        let mut file = Spare::take(RoomFor::File, bytes).ok_or(NO_MEMORY)?;
        let frame = &mut file[..most];
        let (flags, end) = if let Some(end) = self.blocks(numbers.clone(), frame)? {
            (FLAGS, end)
        } else {
            numbers.clone().copy_to(&mut frame[HEADER_BYTES..]);
            (FLAGS | COPIED, most)
        };
        frame[..2].copy_from_slice(&VERSIONS);
        (frame[2], frame[3]) = (flags, self.number_bytes as u8);
        for (at, size) in [numbers.left(), self.block_bytes, end].into_iter().enumerate() {
            put(frame, 4 + 4 * at, size);
        }
        file.truncate(end + self.behind);
        Ok(file)
    }

    /// Puts all blocks behind a header, and says where they end; `None` where they take no less than the numbers.
    fn blocks(&self, mut numbers: Numbers<'_>, frame: &mut [u8]) -> Result<Option<usize>, String> {
        let room = |of, bytes: usize| Spare::take(of, bytes as u64).ok_or(NO_MEMORY);
        let mut planes = room(RoomFor::Planes, self.block_bytes)?;
        let mut cut = room(RoomFor::Block, numbers.room_bytes(self.block_bytes))?;
        let count = numbers.left().div_ceil(self.block_bytes);
        let mut end = HEADER_BYTES + 4 * count;
        for at in 0..count {
            put(frame, HEADER_BYTES + 4 * at, end);
            let block = numbers.take(self.block_bytes.min(numbers.left()), &mut cut);
            let planes = &mut planes[..block.len()];
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

/// Decompresses any frame of blosc into `out`, which is as long as its content. On an error `out` may hold anything.
pub(super) fn decompress_into(frame: &[u8], out: &mut [u8]) -> Result<(), &'static str> {
    let Some(blocks) = Blocks::of(frame).filter(|blocks| blocks.kind == Kind::Planes) else {
        return blosc::decompress_into(frame, out);
    };
    blosc::check_content(frame, out.len())?;
    let all = Run { from: 0, to: 0, len: out.len() as u64 };
    blocks.decode_runs(1, iter::once(all), false, out)
}

/// A frame whose blocks can be had one by one.
pub(super) struct Blocks<'f> {
    frame: &'f [u8],
    kind: Kind,
    number_bytes: usize,
    content_bytes: usize,
    block_bytes: usize,
}

/// How a frame is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As we do.
    Planes,
    Copied,
    /// So that c-blosc has to read it.
    Other,
}

impl<'f> Blocks<'f> {
    /// `None` where a block is not so many numbers.
    pub(super) fn of(frame: &'f [u8]) -> Option<Self> {
        let header = frame.first_chunk::<HEADER_BYTES>()?;
        let number_bytes = usize::from(header[3]);
        let content_bytes = u32_at(frame, 4)? as usize;
        let block_bytes = u32_at(frame, 8)? as usize;
        let kind = match (header[..2] == VERSIONS, header[2]) {
            (true, FLAGS) if has_planes(number_bytes) => Kind::Planes,
            (true, flags) if flags & COPIED != 0 => Kind::Copied,
            _ => Kind::Other,
        };
        let is_whole = block_bytes > 0
            && block_bytes <= content_bytes
            && number_bytes > 0
            && block_bytes.is_multiple_of(number_bytes);
        is_whole.then_some(Self { frame, kind, number_bytes, content_bytes, block_bytes })
    }

    /// Puts runs of the content, in elements of so many bytes and in their order, where they belong in `out`; inflates only
    /// the blocks that hold some of them. Where they are `many`, blocks are put in order as wholes. On an error `out` may
    /// hold anything.
    pub(super) fn decode_runs(
        &self,
        item_bytes: usize,
        runs: impl Iterator<Item = Run>,
        many: bool,
        out: &mut [u8],
    ) -> Result<(), &'static str> {
        let mut opened = Opened::new(self, many)?;
        for run in runs {
            let [mut from, mut to, len] =
                [run.from, run.to, run.len].map(|n| n as usize * item_bytes);
            let end = from + len;
            let is_whole = |at: usize| at.is_multiple_of(self.number_bytes);
            let is_end = is_whole(end) || end == self.content_bytes;
            if end > self.content_bytes || !is_whole(from) || !is_end {
                return Err("the size of a number in the blosc frame is another");
            }
            while from < end {
                let at = from / self.block_bytes;
                let block = self.block(at);
                let stop = end.min(block.end);
                let part = &mut out[to..to + stop - from];
                opened.put(at, from - block.start, part)?;
                to += part.len();
                from = stop;
            }
        }
        Ok(())
    }

    /// What block number `at` has of the content.
    fn block(&self, at: usize) -> Range<usize> {
        let start = at * self.block_bytes;
        start..self.content_bytes.min(start + self.block_bytes)
    }

    /// Makes `room`, which is as long, the planes of block number `at`; or gives them where they lie in the frame.
    fn inflate(&self, at: usize, room: &mut [u8]) -> Result<Option<&'f [u8]>, &'static str> {
        let stored = || {
            let start = u32_at(self.frame, HEADER_BYTES + 4 * at)? as usize;
            let bytes = u32_at(self.frame, start)? as usize;
            self.frame.get(start.checked_add(4)?..)?.get(..bytes)
        };
        let stored = stored().ok_or(DAMAGED)?;
        if stored.len() == room.len() {
            return Ok(Some(stored));
        }
        DECOMPRESS.with_borrow_mut(|context| {
            let context = match context {
                Some(context) => context,
                None => context.insert(DCtx::try_create().ok_or(NO_MEMORY)?),
            };
            match context.decompress(room, stored) {
                Ok(bytes) if bytes == room.len() => Ok(None),
                _ => Err(DAMAGED),
            }
        })
    }
}

/// The block that was looked into last.
struct Opened<'b, 'f> {
    blocks: &'b Blocks<'f>,
    at: Option<usize>,
    planes: Option<Spare>,
    /// Planes that lie in the frame.
    in_frame: Option<&'f [u8]>,
    /// The block's numbers, where they are put in order.
    numbers: Option<Spare>,
}

impl<'b, 'f> Opened<'b, 'f> {
    fn new(blocks: &'b Blocks<'f>, many: bool) -> Result<Self, &'static str> {
        let room = |of| Spare::take(of, blocks.block_bytes as u64).ok_or(NO_MEMORY);
        let (with_planes, with_numbers) = match blocks.kind {
            Kind::Planes => (true, many),
            Kind::Copied => (false, false),
            Kind::Other => (false, true),
        };
        let planes = with_planes.then(|| room(RoomFor::Planes)).transpose()?;
        let numbers = with_numbers.then(|| room(RoomFor::Block)).transpose()?;
        Ok(Self { blocks, at: None, planes, in_frame: None, numbers })
    }

    /// Makes `out` what block number `at` has from byte `start` on.
    fn put(&mut self, at: usize, start: usize, out: &mut [u8]) -> Result<(), &'static str> {
        let block = self.blocks.block(at);
        if self.at != Some(at) {
            self.open(at, block.clone())?;
            self.at = Some(at);
        }
        if let Some(numbers) = &self.numbers {
            out.copy_from_slice(&numbers[start..start + out.len()]);
        } else if let Some(planes) = &self.planes {
            let planes = self.in_frame.unwrap_or(&planes[..block.len()]);
            from_planes(self.blocks.number_bytes, planes, start, out);
        } else {
            let start = HEADER_BYTES + block.start + start;
            let numbers = self.blocks.frame.get(start..start + out.len());
            out.copy_from_slice(numbers.ok_or(DAMAGED)?);
        }
        Ok(())
    }

    fn open(&mut self, at: usize, block: Range<usize>) -> Result<(), &'static str> {
        let Self { blocks, numbers, .. } = self;
        let numbers = numbers.as_mut().map(|room| &mut room[..block.len()]);
        if let Some(planes) = &mut self.planes {
            let planes = &mut planes[..block.len()];
            self.in_frame = blocks.inflate(at, planes)?;
            if let Some(numbers) = numbers {
                from_planes(blocks.number_bytes, self.in_frame.unwrap_or(planes), 0, numbers);
            }
        } else if let Some(numbers) = numbers {
            blosc::decompress_numbers(blocks.frame, block.start / blocks.number_bytes, numbers)?;
        }
        Ok(())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
