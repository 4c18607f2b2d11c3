//! Boxes of a feed, out of its sources and into a worker's buffers.

use super::error::ExecError;
use super::scratch::Scratch;
use crate::buffer::Buffer;
use crate::grid::{Region, copy_overlap, gather_steps};
use crate::lazy::Located;
use crate::plan::{Feed, Leaf};
use crate::source::{SourceError, Stream, StreamOptions};

/// One pass over the leaves of a feed. Leaves that are streams are opened at once and read in
/// order; the others are read by region.
pub(super) struct FeedReader<'f> {
    feed: &'f Feed,
    leaves: Vec<LeafReader<'f>>,
}

impl<'f> FeedReader<'f> {
    pub(super) fn open(feed: &'f Feed) -> Result<Self, SourceError> {
        let leaves = feed.leaves.iter().map(LeafReader::open).collect::<Result<_, _>>()?;
        Ok(Self { feed, leaves })
    }

    /// Reads a box of the feed (in the feed's indices) into the scratch's leaf buffers.
    pub(super) fn read(
        &mut self,
        region: &Region,
        leaves: &mut [(Buffer, Buffer)],
    ) -> Result<(), SourceError> {
        for (leaf, (wanted, around)) in self.leaves.iter_mut().zip(leaves) {
            let bytes = region.len() as usize * leaf.leaf.element_bytes() as usize;
            leaf.read(region, &mut wanted[..bytes], around)?;
        }
        Ok(())
    }

    /// Reads streams to their end and checks them. Returns their warnings.
    pub(super) fn finish(self) -> Result<Vec<String>, SourceError> {
        let mut warnings = Vec::new();
        for leaf in self.leaves {
            if let Some((stream, _)) = leaf.stream {
                let end = stream.finish()?;
                let name = leaf.leaf.source.name();
                warnings.extend(end.warnings.into_iter().map(|w| format!("{name}: {w}")));
            }
        }
        Ok(warnings)
    }

    pub(super) fn feed(&self) -> &'f Feed {
        self.feed
    }
}

/// Computes a box that has been read into `out`, as the feed's type.
pub(super) fn evaluate(
    feed: &Feed,
    elements: usize,
    scratch: &mut Scratch,
    mut take: impl FnMut(usize, &[u8]),
) {
    let Some(program) = &feed.program else {
        let bytes = elements * feed.dtype.size();
        take(0, &scratch.leaves[0].0[..bytes]);
        return;
    };
    let inputs: Vec<&[u8]> = scratch.leaves.iter().map(|(wanted, _)| &**wanted).collect();
    crate::dtype::with_dtype!(feed.dtype, T => {
        let size = size_of::<T>();
        for from in (0..elements).step_by(crate::kernel::TILE) {
            let len = (elements - from).min(crate::kernel::TILE);
            let tile = &mut scratch.tile[..len * size];
            program.run::<T>(
                &inputs,
                from,
                &mut scratch.registers,
                bytemuck::cast_slice_mut(tile),
            );
            take(from, tile);
        }
    });
}

struct LeafReader<'f> {
    leaf: &'f Leaf,
    /// The open stream and the next volume it will hand over.
    stream: Option<(Box<dyn Stream + 'f>, u64)>,
}

impl<'f> LeafReader<'f> {
    fn open(leaf: &'f Leaf) -> Result<Self, SourceError> {
        let stream = if leaf.is_sequential() {
            Some((leaf.source.stream(StreamOptions::default())?, 0))
        } else {
            None
        };
        Ok(Self { leaf, stream })
    }

    fn read(
        &mut self,
        region: &Region,
        wanted: &mut [u8],
        around: &mut Buffer,
    ) -> Result<(), SourceError> {
        let source = &self.leaf.source;
        let item = source.dtype().size();
        let at = self.leaf.view.locate(region);
        let Some((stream, next)) = &mut self.stream else {
            if at.is_plain() {
                return source.read(&at.region, wanted);
            }
            let around = &mut around[..at.region.len() as usize * item];
            source.read(&at.region, around)?;
            pick(around, &at.region, &at, wanted, item);
            return Ok(());
        };
        let last = source.shape().len() - 1;
        let volume_bytes = source.shape()[..last].iter().product::<u64>() * item as u64;
        let (first, count) = (at.region.start()[last], at.region.shape()[last]);
        if first > *next {
            stream.skip((first - *next) * volume_bytes)?;
        }
        *next = first + count;
        if self.leaf.is_whole_volumes() {
            return stream.read_next(wanted);
        }
        let around = &mut around[..(count * volume_bytes) as usize];
        stream.read_next(around)?;
        let held = Region::whole(source.shape()).with_axis(last, first, count);
        pick(around, &held, &at, wanted, item);
        Ok(())
    }
}

/// The wanted elements out of a larger box.
fn pick(held_bytes: &[u8], held: &Region, at: &Located, wanted: &mut [u8], item: usize) {
    if at.is_plain() {
        copy_overlap(held_bytes, held, wanted, &at.region, item);
    } else {
        gather_steps(held_bytes, held, &at.region, &at.steps, &at.shape, wanted, item);
    }
}

/// Slabs of a stream, read by a thread of its own while the caller works on earlier ones.
///
/// `slabs` are the volume ranges to read; `free` are the buffers to read into. `take` gets each slab
/// in order.
pub(super) fn read_ahead(
    leaf: &Leaf,
    slabs: impl Iterator<Item = (u64, u64)> + Send,
    free: Vec<Buffer>,
    mut take: impl FnMut(u64, &[u8]) -> Result<(), ExecError>,
) -> Result<(Vec<String>, Vec<Buffer>), ExecError> {
    let (empty_in, empty_out) = std::sync::mpsc::channel::<Buffer>();
    let (full_in, full_out) = std::sync::mpsc::channel::<(Buffer, usize)>();
    for buffer in free {
        // The other end is held below, so this cannot fail.
        let _ = empty_in.send(buffer);
    }
    let volume: u64 = {
        let shape = leaf.source.shape();
        shape[..shape.len() - 1].iter().product::<u64>() * leaf.element_bytes()
    };
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .name("voxstore-reader".to_owned())
            .stack_size(1 << 20)
            .spawn_scoped(scope, move || {
                let read = || -> Result<Vec<String>, SourceError> {
                    let mut stream = leaf.source.stream(StreamOptions::default())?;
                    let mut next = 0;
                    for (first, count) in slabs {
                        // The worker has gone: its own error tells why.
                        let Ok(mut buffer) = empty_out.recv() else { return Ok(Vec::new()) };
                        if first > next {
                            stream.skip((first - next) * volume)?;
                        }
                        let bytes = (count * volume) as usize;
                        stream.read_next(&mut buffer[..bytes])?;
                        next = first + count;
                        if full_in.send((buffer, bytes)).is_err() {
                            return Ok(Vec::new());
                        }
                    }
                    let end = stream.finish()?;
                    let name = leaf.source.name();
                    Ok(end.warnings.into_iter().map(|w| format!("{name}: {w}")).collect())
                };
                let said = read();
                // The slabs in `full_in` end here; buffers not used again go back with the channel.
                drop(full_in);
                (said, empty_out)
            })
            .map_err(|e| {
                SourceError::new(leaf.source.name(), "reader thread", format!("cannot start: {e}"))
            })?;
        let mut outcome = Ok(());
        // Ends when the reader does, after its last slab or its first error.
        for (index, (buffer, bytes)) in (0..).zip(&full_out) {
            outcome = take(index, &buffer[..bytes]);
            if outcome.is_err() {
                break;
            }
            // The reader keeps its end until it is joined, so this cannot fail.
            let _ = empty_in.send(buffer);
        }
        drop((empty_in, full_out));
        let (said, empty_out) =
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        outcome?;
        // Every buffer comes back: the next stream of this worker is read into the same ones.
        Ok((said?, empty_out.try_iter().collect()))
    })
}
