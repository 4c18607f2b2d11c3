//! In which steps is a source streamed, and what must come back?

use super::{Broken, Suite};
use crate::source::{Stream, StreamOptions};

/// Elements of a step; over and over, so that steps begin and end everywhere.
const STEPS: [usize; 6] = [1, 0, 2, 7, 3, 64];

impl Suite<'_> {
    /// Streams deliver the same in steps of any length, after skips, and when they end early.
    pub(super) fn streams(&self, all: &[u8]) -> Result<(), Broken> {
        for sha256 in [false, true] {
            self.stream_in_steps(all, false, sha256)?;
            self.stream_in_steps(all, true, sha256)?;
        }
        self.side_by_side(all)?;
        self.stream_ends_early()?;
        self.stream_ends(all)
    }

    /// Reads step by step, or skips every other step.
    fn stream_in_steps(&self, all: &[u8], skipping: bool, sha256: bool) -> Result<(), Broken> {
        let promise = "a stream delivers what comes next, in steps of any length";
        let mut stream = self.open(promise, sha256)?;
        let mut at = 0;
        for (number, elements) in STEPS.iter().cycle().enumerate() {
            if at == all.len() {
                break;
            }
            let len = (elements * self.source.dtype().size()).min(all.len() - at);
            if skipping && number % 2 == 0 {
                self.kept("a stream passes over elements", stream.skip(len as u64))?;
            } else {
                let mut step = vec![0xA5; len];
                self.kept(promise, stream.read_next(&mut step))?;
                let what = format!("a step of {len} bytes from byte {at}");
                self.same(promise, &what, &step, &all[at..at + len])?;
            }
            at += len;
        }
        let end = self.kept("a stream that was read to its end finishes", stream.finish())?;
        let is_hash = |text: &String| {
            text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit() && !c.is_uppercase())
        };
        let hashed = end.sha256.as_ref().is_none_or(is_hash);
        self.holds("a SHA-256 is 64 digits of hex", hashed, || format!("{:?}", end.sha256))
    }

    /// A stream goes on where it was when another has begun and ended meanwhile.
    fn side_by_side(&self, all: &[u8]) -> Result<(), Broken> {
        let promise = "streams do not disturb each other";
        let item_bytes = self.source.dtype().size();
        let (first, rest) = all.split_at(all.len() / item_bytes / 2 * item_bytes);
        let mut stream = self.open(promise, false)?;
        let mut half = vec![0xA5; first.len()];
        self.kept(promise, stream.read_next(&mut half))?;
        self.same(promise, "the first half", &half, first)?;
        self.same(promise, "another stream", &self.first_stream()?, all)?;
        let mut half = vec![0xA5; rest.len()];
        self.kept(promise, stream.read_next(&mut half))?;
        self.same(promise, "the second half", &half, rest)?;
        self.kept(promise, stream.finish()).map(drop)
    }

    /// A stream that is finished before its end reads what is left by itself.
    fn stream_ends_early(&self) -> Result<(), Broken> {
        let promise = "a stream may be finished before its last element";
        self.kept(promise, self.open(promise, false)?.finish())?;
        let mut stream = self.open(promise, true)?;
        if self.bytes > 0 {
            let mut first = vec![0; self.source.dtype().size()];
            self.kept(promise, stream.read_next(&mut first))?;
        }
        self.kept(promise, stream.finish()).map(drop)
    }

    /// Nothing comes after the last element.
    fn stream_ends(&self, all: &[u8]) -> Result<(), Broken> {
        let item_bytes = self.source.dtype().size();
        let promise = "after the last element a stream has none";
        let mut stream = self.open(promise, false)?;
        self.kept("a stream passes over elements", stream.skip(all.len() as u64))?;
        self.refused(promise, "reading one more", stream.read_next(&mut vec![0; item_bytes]))?;
        let mut stream = self.open(promise, false)?;
        let beyond = all.len() as u64 + item_bytes as u64;
        self.refused(promise, "passing over one more than there are", stream.skip(beyond))?;
        let mut stream = self.open(promise, false)?;
        let done = stream.read_next(&mut vec![0; beyond as usize]);
        self.refused(promise, "reading one more than there are", done)
    }

    fn open(&self, promise: &'static str, sha256: bool) -> Result<Box<dyn Stream + '_>, Broken> {
        self.kept(promise, self.source.stream(StreamOptions { sha256 }))
    }
}
