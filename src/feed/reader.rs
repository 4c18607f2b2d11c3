//! A trip carried out, step by step.
//!
//! Every element of a source is read once a trip: rows that a later step needs again stay in the
//! window, boxes that do not move stay where they are. A stream counts only when its `finish` has
//! checked the source's checksums.

use std::ops::Range;

use super::size::FeedSizes;
use super::{Branch, Feed, Phase};
use crate::buffer::Buffer;
use crate::grid::Region;
use crate::kernel::{BATCH, BATCH_BYTES, CastFault, Registers};
use crate::source::{SourceError, Stream, StreamOptions};

/// A number does not fit the type that it is cast to.
#[derive(Debug)]
pub(crate) struct CastAt {
    pub(crate) fault: CastFault,
    /// Its index in the branch.
    pub(crate) place: Vec<u64>,
}

/// The buffers of one worker.
#[derive(Debug)]
pub(crate) struct FeedBuffers {
    windows: Vec<Buffer>,
    loads: Vec<Buffer>,
    registers: Registers,
    outputs: Vec<Buffer>,
}

impl FeedBuffers {
    /// Everything that `sizes` names but what sources take for themselves, out of `take`.
    pub(crate) fn new<E>(
        sizes: &FeedSizes,
        mut take: impl FnMut(u64) -> Result<Buffer, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            windows: sizes.windows.iter().map(|&bytes| take(bytes)).collect::<Result<_, E>>()?,
            loads: sizes.loads.iter().map(|&bytes| take(bytes)).collect::<Result<_, E>>()?,
            registers: Registers::new(take(sizes.register_bytes)?),
            outputs: (0..sizes.outputs)
                .map(|_| take(BATCH_BYTES as u64))
                .collect::<Result<_, E>>()?,
        })
    }

    /// Makes room for a larger step of the same feed; what windows hold stays.
    pub(crate) fn enlarge<E>(
        &mut self,
        sizes: &FeedSizes,
        mut take: impl FnMut(u64) -> Result<Buffer, E>,
    ) -> Result<(), E> {
        let windows = self.windows.iter_mut().zip(&sizes.windows);
        for (buffer, &bytes) in windows.chain(self.loads.iter_mut().zip(&sizes.loads)) {
            if (buffer.len() as u64) < bytes {
                let mut larger = take(bytes)?;
                larger[..buffer.len()].copy_from_slice(buffer);
                *buffer = larger;
            }
        }
        Ok(())
    }
}

/// One trip over the sources of a feed. Streams are opened at once and read in order; other sources
/// are read by region.
pub(crate) struct Reader<'f> {
    feed: &'f Feed,
    keep: bool,
    /// The first of the buffers that hold its windows.
    first_window: usize,
    windows: Vec<OpenWindow<'f>>,
}

struct OpenWindow<'f> {
    /// What its buffer holds.
    held: Option<Region>,
    /// The open stream and the next volume it will hand over.
    stream: Option<(Box<dyn Stream + 'f>, u64)>,
}

impl<'f> Reader<'f> {
    /// Begins a trip. With `keep`, windows stay in buffers of their own, from `first_window` on.
    pub(crate) fn open(
        feed: &'f Feed,
        keep: bool,
        first_window: usize,
    ) -> Result<Self, SourceError> {
        let windows = feed
            .windows
            .iter()
            .map(|window| {
                let stream = if window.is_sequential() {
                    Some((window.source.stream(StreamOptions::default())?, 0))
                } else {
                    None
                };
                Ok(OpenWindow { held: None, stream })
            })
            .collect::<Result<_, SourceError>>()?;
        Ok(Self { feed, keep, first_window, windows })
    }

    /// Goes on to rows `from .. to` of the walk, within `cross` on the other axes (all of each branch
    /// where there is none). Reads what branches of `phase` need, and gives the box that each of them
    /// has at this step.
    pub(crate) fn step(
        &mut self,
        (from, to): (u64, u64),
        cross: Option<&Region>,
        phase: Phase,
        buffers: &mut FeedBuffers,
    ) -> Result<Vec<Option<Region>>, SourceError> {
        let feed = self.feed;
        let boxes: Vec<Option<Region>> = feed
            .branches
            .iter()
            .map(|branch| {
                let here = branch.phase == phase;
                if here { feed.branch_box(branch, (from, to), cross) } else { None }
            })
            .collect();
        for index in 0..feed.windows.len() {
            if feed.is_direct(index, self.keep) {
                continue;
            }
            if let Some(region) = feed.window_region(index, to, &boxes).filter(|r| !r.is_empty()) {
                let buffer = &mut buffers.windows[self.first_window + index];
                self.fill(index, &region, buffer)?;
            }
        }
        Ok(boxes)
    }

    /// Makes the buffer of a window hold `wanted`, reading what it does not hold yet.
    fn fill(
        &mut self,
        index: usize,
        wanted: &Region,
        buffer: &mut [u8],
    ) -> Result<(), SourceError> {
        let window = &self.feed.windows[index];
        let held = self.windows[index].held.take();
        if let Some(held) = &held
            && wanted.lies_in(held)
        {
            self.windows[index].held = Some(held.clone());
            return Ok(());
        }
        let item = window.source.dtype().size();
        // Rows at the end of what is held that are wanted again move to the front.
        let mut kept = 0;
        let axis = window.walk.unwrap_or(0);
        if let Some(held) = held.filter(|held| window.walk.is_some() && wanted.follows(held, axis))
        {
            kept = held.end(axis) - wanted.start()[axis];
            let row = wanted.len() as usize / wanted.shape()[axis] as usize * item;
            let first = (wanted.start()[axis] - held.start()[axis]) as usize * row;
            buffer.copy_within(first..first + kept as usize * row, 0);
        }
        let new = if kept > 0 {
            wanted.with_axis(axis, wanted.start()[axis] + kept, wanted.shape()[axis] - kept)
        } else {
            wanted.clone()
        };
        let before = (wanted.len() - new.len()) as usize * item;
        let out = &mut buffer[before..before + new.len() as usize * item];
        self.read(index, &new, out)?;
        self.windows[index].held = Some(wanted.clone());
        Ok(())
    }

    /// Reads a box of a window's source; of a stream, the volumes that come next.
    fn read(&mut self, index: usize, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        let source = &self.feed.windows[index].source;
        let Some((stream, next)) = &mut self.windows[index].stream else {
            return source.read(region, out);
        };
        let last = source.shape().len().saturating_sub(1);
        let item = source.dtype().size() as u64;
        let volume_bytes = source.shape()[..last].iter().product::<u64>() * item;
        // A stream of one element is one volume.
        let first = region.start().get(last).copied().unwrap_or(0);
        let count = region.shape().get(last).copied().unwrap_or(1);
        if first < *next {
            return Err(SourceError::new(
                source.name(),
                format!("volume {first}"),
                "a gzip stream cannot go back; ingest the run first",
            ));
        }
        if first > *next {
            stream.skip((first - *next) * volume_bytes)?;
        }
        *next = first + count;
        stream.read_next(out)
    }

    /// Brings the boxes that a branch's program takes into the load buffers.
    pub(crate) fn load(
        &mut self,
        branch: &Branch,
        of: &Region,
        buffers: &mut FeedBuffers,
    ) -> Result<(), SourceError> {
        let feed = self.feed;
        if of.is_empty() {
            return Ok(());
        }
        for (load, out) in branch.loads.iter().zip(&mut buffers.loads) {
            let item = feed.windows[load.window].source.dtype().size();
            let of = branch.loaded(load, of);
            let out = &mut out[..of.len() as usize * item];
            if feed.is_direct(load.window, self.keep) {
                self.read(load.window, &load.view.region(&of), out)?;
            } else if let Some(held) = &self.windows[load.window].held {
                let window = &buffers.windows[self.first_window + load.window];
                load.view.gather(&of, held).copy(window, out, item);
            }
        }
        Ok(())
    }

    /// Reads streams to their end and checks them. Returns their warnings.
    pub(crate) fn finish(self) -> Result<Vec<String>, SourceError> {
        let mut warnings = Vec::new();
        for (open, window) in self.windows.into_iter().zip(&self.feed.windows) {
            if let Some((stream, _)) = open.stream {
                let end = stream.finish()?;
                let name = window.source.name();
                warnings.extend(end.warnings.into_iter().map(|w| format!("{name}: {w}")));
            }
        }
        Ok(warnings)
    }
}

impl Feed {
    /// The box that a branch has when the walk is at rows `from .. to`; `None` where it has none.
    fn branch_box(
        &self,
        branch: &Branch,
        (from, to): (u64, u64),
        cross: Option<&Region>,
    ) -> Option<Region> {
        let walked = branch.shape.get(self.walk).map(|&rows| {
            let low = from.saturating_sub(branch.lag).min(rows);
            (low, to.saturating_sub(branch.lag).min(rows))
        });
        // Of many joined runs few have rows here: known before anything is allocated.
        if walked.is_some_and(|(low, high)| low >= high) {
            return None;
        }
        // A branch may be shorter than the feed along axes that are whole here.
        let whole = Region::whole(&branch.shape);
        let of = cross.map_or_else(|| Some(whole.clone()), |cross| cross.overlap(&whole))?;
        Some(
            walked
                .map_or_else(|| of.clone(), |(low, high)| of.with_axis(self.walk, low, high - low)),
        )
    }
}

/// Computes what a branch gives for some elements, by their places in memory order, of a box whose loads are there, and
/// hands it on: the first element's place, and the bytes of each output.
pub(crate) fn evaluate(
    branch: &Branch,
    of: &Region,
    elements: Range<usize>,
    buffers: &mut FeedBuffers,
    mut take: impl FnMut(usize, &[&[u8]]),
) -> Result<(), CastAt> {
    let FeedBuffers { loads, registers, outputs, .. } = buffers;
    let Some(program) = &branch.program else {
        let size = branch.outputs[0].size();
        take(elements.start, &[&loads[0][elements.start * size..elements.end * size]]);
        return Ok(());
    };
    let period = branch.period(of);
    let mut from = elements.start;
    while from < elements.end {
        let in_period = from % period;
        let len = (elements.end - from).min(period - in_period).min(BATCH);
        let begins = |load| if branch.repeats(load) { in_period } else { from };
        let inputs: Vec<(&[u8], usize)> =
            loads.iter().zip(&branch.loads).map(|(bytes, load)| (&**bytes, begins(load))).collect();
        program.run(&inputs, len, registers).map_err(|fault| {
            let place = of.place(from as u64 + fault.index as u64);
            CastAt { fault, place }
        })?;
        for (index, (out, dtype)) in outputs.iter_mut().zip(&branch.outputs).enumerate() {
            program.take(index, len, registers, &mut out[..len * dtype.size()]);
        }
        let given: Vec<&[u8]> = outputs
            .iter()
            .zip(&branch.outputs)
            .map(|(out, dtype)| &out[..len * dtype.size()])
            .collect();
        take(from, &given);
        from += len;
    }
    Ok(())
}
