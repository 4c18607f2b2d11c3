//! A function of whole boxes as a source of its own.
//!
//! What a user's function (or a reshape) makes of an expression is read like a file: a box at a time,
//! each computed from the boxes of sources below it. Its memory is that of one such box, by formula.

use std::fmt;

use super::reader::{CastAt, FeedBuffers, Reader, evaluate};
use super::size::FeedSizes;
use super::{Feed, Phase};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::grid::{Region, copy_overlap, saturating_count};
use crate::lazy::{Custom, Footprint};
use crate::source::{Access, Source, SourceError, Stream, StreamEnd, StreamOptions, Warning};

/// A function of whole boxes of an expression.
pub(crate) struct CustomSource {
    pub(crate) function: Custom,
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    pub(crate) block: Vec<u64>,
    pub(crate) input_shape: Vec<u64>,
    pub(crate) input_dtype: DType,
    /// Boxes of the input and the feed that fills each, in memory order.
    pub(crate) pieces: Vec<(Region, Feed)>,
}

impl fmt::Debug for CustomSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomSource({:?}, {:?} {})", self.function, self.shape, self.dtype)
    }
}

/// Fills a box of the input.
type FillBox<'a> = dyn FnMut(&Region, &mut [u8]) -> Result<(), SourceError> + 'a;

impl CustomSource {
    /// The box of the input that a box of the output needs.
    fn input_box(&self, region: &Region) -> Region {
        match self.function.footprint {
            Footprint::Same => region.clone(),
            Footprint::Along(axis) => region.with_axis(axis, 0, self.input_shape[axis]),
            Footprint::Flatten(merged) => {
                let (first, len) = (region.start()[0], region.shape()[0]);
                let lead = &self.input_shape[..merged];
                let (mut start, mut shape) = (vec![0; merged], lead.to_vec());
                // Axes before the first on which both ends differ stand still.
                let (low, high) = (c_place(first, lead), c_place(first + len.max(1) - 1, lead));
                for axis in 0..merged {
                    (start[axis], shape[axis]) = (low[axis], high[axis] - low[axis] + 1);
                    if low[axis] != high[axis] {
                        break;
                    }
                }
                if len == 0 {
                    shape[0] = 0;
                }
                start.extend(&region.start()[1..]);
                shape.extend(&region.shape()[1..]);
                if self.access() == Access::Sequential && len > 0 {
                    // A stream hands over whole volumes.
                    let last = start.len() - 1;
                    start[..last].fill(0);
                    shape[..last].copy_from_slice(&self.input_shape[..last]);
                }
                Region::new(start, shape)
            }
        }
    }

    /// The box of the output that the function fills for a box of it.
    fn output_box(&self, region: &Region) -> Region {
        match self.function.footprint {
            Footprint::Along(axis) => region.with_axis(axis, 0, self.shape[axis]),
            _ => region.clone(),
        }
    }

    /// The largest box of the input that a box of this shape can need.
    fn input_reach(&self, shape: &[u64]) -> Vec<u64> {
        match self.function.footprint {
            Footprint::Same => shape.to_vec(),
            Footprint::Along(axis) => {
                let mut reach = shape.to_vec();
                reach[axis] = self.input_shape[axis];
                reach
            }
            Footprint::Flatten(merged) => {
                let mut reach = self.input_shape[..merged].to_vec();
                let plane = reach[1..].iter().product::<u64>().max(1);
                reach[0] = reach[0].min(shape[0].saturating_sub(1) / plane + 2);
                reach.extend(&shape[1..]);
                if self.access() == Access::Sequential {
                    let last = reach.len() - 1;
                    reach[..last].copy_from_slice(&self.input_shape[..last]);
                }
                reach
            }
        }
    }

    /// The most bytes of buffers for a box of the input.
    fn step_bytes(&self, reach: &[u64]) -> u64 {
        let of_piece = |(region, feed): &(Region, Feed)| {
            let step: Vec<u64> =
                reach.iter().zip(region.shape()).map(|(&a, &b)| a.min(b)).collect();
            let mut sizes = FeedSizes::default();
            sizes.cover(feed, &step, in_windows(feed));
            sizes
        };
        if self.access() == Access::Random {
            return self.pieces.iter().map(|piece| of_piece(piece).total()).max().unwrap_or(0);
        }
        // Streams side by side are open at once, each with buffers that it keeps; while one grows,
        // both are there.
        let beside = |one: &Region, other: &Region| match one.ndim().checked_sub(1) {
            Some(last) => {
                one.start()[last] < other.end(last) && other.start()[last] < one.end(last)
            }
            None => true,
        };
        let together = |region: &Region| {
            let open = self.pieces.iter().filter(|(other, _)| beside(region, other)).map(of_piece);
            let (sum, largest) = open.fold((0_u64, 0), |(sum, largest), sizes| {
                let window = sizes.windows.iter().copied().max().unwrap_or(0);
                (sum.saturating_add(sizes.total()), window.max(largest))
            });
            sum.saturating_add(largest)
        };
        self.pieces.iter().map(|(region, _)| together(region)).max().unwrap_or(0)
    }

    fn buffer(&self, bytes: u64) -> Result<Buffer, SourceError> {
        Buffer::zeroed(bytes).ok_or_else(|| {
            let reason = format!("the system has no {bytes} bytes for a block of it");
            SourceError::new(self.name(), "a block", reason)
        })
    }

    /// Computes a box; `trip` fills a box of the input.
    fn compute(
        &self,
        region: &Region,
        out: &mut [u8],
        trip: &mut FillBox<'_>,
    ) -> Result<(), SourceError> {
        let needed = self.input_box(region);
        let item = self.input_dtype.size() as u64;
        let mut input = self.buffer(needed.len() * item)?;
        trip(&needed, &mut input)?;
        if let Some(call) = &self.function.call {
            let whole = self.output_box(region);
            if whole == *region {
                call(needed.shape(), &input, region.shape(), out);
            } else {
                // A function of series fills whole ones.
                let item = self.dtype.size();
                let mut filled = self.buffer(whole.len() * item as u64)?;
                call(needed.shape(), &input, whole.shape(), &mut filled);
                copy_overlap(&filled, &whole, out, region, item);
            }
        } else if let Footprint::Flatten(merged) = self.function.footprint {
            flatten(&input, &needed, out, region, &self.input_shape[..merged], item as usize);
        }
        Ok(())
    }

    /// Fills the part of a box of the input that lies in one piece.
    fn fill(
        &self,
        (region, feed): &(Region, Feed),
        Open { reader, buffers }: &mut Open<'_>,
        shared: &Region,
        needed: &Region,
        input: &mut [u8],
    ) -> Result<(), SourceError> {
        let local = shared.within(region);
        let mut sizes = FeedSizes::default();
        sizes.cover(feed, local.shape(), in_windows(feed));
        let buffers = match buffers {
            Some(buffers) => {
                buffers.enlarge(&sizes, |bytes| self.buffer(bytes))?;
                buffers
            }
            None => buffers.insert(FeedBuffers::new(&sizes, |bytes| self.buffer(bytes))?),
        };
        let rows = local.shape().get(feed.walk).copied().unwrap_or(1);
        let from = local.start().get(feed.walk).copied().unwrap_or(0);
        reader.step((from, from + rows), Some(&local), Phase::Samples, buffers)?;
        let branch = &feed.branches[0];
        reader.load(branch, &local, buffers)?;
        let item = self.input_dtype.size();
        let whole = shared == needed;
        let mut part =
            if whole { Buffer::default() } else { self.buffer(shared.len() * item as u64)? };
        let to: &mut [u8] = if whole { input } else { &mut part };
        let outcome = evaluate(branch, &local, 0..local.len() as usize, buffers, |at, outputs| {
            to[at * item..][..outputs[0].len()].copy_from_slice(outputs[0]);
        });
        outcome.map_err(|CastAt { fault, place }| {
            SourceError::new(self.name(), format!("element {place:?}"), fault.to_string())
        })?;
        if !whole {
            copy_overlap(&part, shared, input, needed, item);
        }
        Ok(())
    }
}

/// True where boxes are taken out of windows always: those of a function need not be whole volumes,
/// which is all that a stream hands over.
fn in_windows(feed: &Feed) -> bool {
    feed.is_sequential()
}

/// Where element `flat` of leading axes flattened in C order lies.
fn c_place(mut flat: u64, lead: &[u64]) -> Vec<u64> {
    let mut place = vec![0; lead.len()];
    for (index, &len) in place.iter_mut().zip(lead).rev() {
        *index = flat % len.max(1);
        flat /= len.max(1);
    }
    place
}

/// Takes a box out of `held`, whose leading axes (of an array of lengths `lead`) become one.
fn flatten(
    input: &[u8],
    held: &Region,
    out: &mut [u8],
    region: &Region,
    lead: &[u64],
    item: usize,
) {
    let merged = lead.len();
    let strides: Vec<u64> = (0..merged).map(|axis| held.shape()[..axis].iter().product()).collect();
    let first = c_place(region.start()[0], lead);
    let plane: u64 = held.shape()[..merged].iter().product();
    let rows = out.chunks_exact_mut((region.shape()[0] as usize * item).max(1));
    for (row, from) in rows.zip(input.chunks_exact((plane as usize * item).max(1))) {
        let mut at = first.clone();
        for element in row.chunks_exact_mut(item) {
            let offset = (0..merged).map(|a| (at[a] - held.start()[a]) * strides[a]).sum::<u64>();
            element.copy_from_slice(&from[offset as usize * item..][..item]);
            for axis in (0..merged).rev() {
                at[axis] += 1;
                if at[axis] < lead[axis] {
                    break;
                }
                at[axis] = 0;
            }
        }
    }
}

impl Source for CustomSource {
    fn name(&self) -> &str {
        &self.function.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        let sequential = self.pieces.iter().any(|(_, feed)| feed.is_sequential());
        if sequential { Access::Sequential } else { Access::Random }
    }
    fn block_shape(&self) -> &[u64] {
        &self.block
    }
    fn scratch_bytes(&self) -> u64 {
        self.read_scratch_bytes(&self.shape)
    }
    fn read_scratch_bytes(&self, shape: &[u64]) -> u64 {
        let reach = self.input_reach(shape);
        let elements = saturating_count(&reach);
        // The input, a piece of it on its way there, and what the function says it takes.
        let item = 2 * self.input_dtype.size() as u64 + self.function.scratch_per_element;
        let in_part = match self.function.footprint {
            Footprint::Along(axis) if shape[axis] < self.shape[axis] => {
                let series = Region::whole(shape).with_axis(axis, 0, self.shape[axis]).len();
                series.saturating_mul(self.dtype.size() as u64)
            }
            _ => 0,
        };
        let boxes = elements.saturating_mul(item).saturating_add(in_part);
        boxes.saturating_add(self.step_bytes(&reach))
    }
    fn stored_bytes(&self) -> u64 {
        self.pieces.iter().flat_map(|(_, feed)| feed.sources()).map(|s| s.stored_bytes()).sum()
    }
    fn transport(&self) -> &'static str {
        "computed by block"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.compute(region, out, &mut |needed, input| {
            for piece in &self.pieces {
                if let Some(shared) = piece.0.overlap(needed) {
                    self.fill(piece, &mut Open::new(&piece.1)?, &shared, needed, input)?;
                }
            }
            Ok(())
        })
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Ok(Box::new(CustomStream {
            source: self,
            next_row: 0,
            open: self.pieces.iter().map(|_| None).collect(),
            done: vec![false; self.pieces.len()],
            next_input_row: 0,
            warnings: Vec::new(),
        }))
    }
}

/// A piece that is being read: its windows hold rows that the next box may want again.
struct Open<'a> {
    reader: Reader<'a>,
    buffers: Option<FeedBuffers>,
}

impl<'a> Open<'a> {
    fn new(feed: &'a Feed) -> Result<Self, SourceError> {
        Ok(Self { reader: Reader::open(feed, in_windows(feed), 0)?, buffers: None })
    }
}

/// Boxes of whole trailing slices in order, over pieces that are streams themselves.
struct CustomStream<'a> {
    source: &'a CustomSource,
    next_row: u64,
    /// Pieces that are being read.
    open: Vec<Option<Open<'a>>>,
    /// Pieces that were read to their end and checked.
    done: Vec<bool>,
    /// The row of the input after those that were asked for.
    next_input_row: u64,
    warnings: Vec<Warning>,
}

impl<'a> CustomStream<'a> {
    fn row_bytes(&self) -> u64 {
        let shape = &self.source.shape;
        let whole = &shape[..shape.len().saturating_sub(1)];
        whole.iter().product::<u64>() * self.source.dtype.size() as u64
    }

    /// Makes ready for a box of the input. Streams begin again where rows are needed that have gone
    /// by: a function of whole series is computed from all of them each time.
    fn turn_to(&mut self, needed: &Region) -> Result<(), SourceError> {
        let Some(last) = needed.ndim().checked_sub(1) else { return Ok(()) };
        let again = needed.start()[last] < self.next_input_row;
        for (index, (region, _)) in self.source.pieces.iter().enumerate() {
            if again || region.end(last) <= needed.start()[last] {
                self.close(index)?;
            }
        }
        self.next_input_row = needed.end(last);
        Ok(())
    }

    /// A piece that is open, or opened now.
    fn open(&mut self, index: usize) -> Result<&mut Open<'a>, SourceError> {
        match &mut self.open[index] {
            Some(open) => Ok(open),
            none => Ok(none.insert(Open::new(&self.source.pieces[index].1)?)),
        }
    }

    /// Reads an open piece to its end and checks it.
    fn close(&mut self, index: usize) -> Result<(), SourceError> {
        if let Some(open) = self.open[index].take() {
            let said = open.reader.finish()?;
            let warning = |message| Warning { code: "stream".to_owned(), message };
            self.warnings.extend(said.into_iter().map(warning));
            self.done[index] = true;
        }
        Ok(())
    }
}

impl Stream for CustomStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        let source = self.source;
        let rows = (out.len() as u64).checked_div(self.row_bytes()).unwrap_or(0);
        let whole = Region::whole(&source.shape);
        let region = match source.shape.len() {
            0 => whole,
            ndim => whole.with_axis(ndim - 1, self.next_row, rows),
        };
        source.compute(&region, out, &mut |needed, input| {
            self.turn_to(needed)?;
            for (index, piece) in source.pieces.iter().enumerate() {
                if let Some(shared) = piece.0.overlap(needed) {
                    source.fill(piece, self.open(index)?, &shared, needed, input)?;
                }
            }
            Ok(())
        })?;
        self.next_row += rows;
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.next_row += bytes.checked_div(self.row_bytes()).unwrap_or(0);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<StreamEnd, SourceError> {
        for index in 0..self.open.len() {
            if !self.done[index] {
                self.open(index)?;
            }
            self.close(index)?;
        }
        Ok(StreamEnd { warnings: self.warnings, ..StreamEnd::default() })
    }
}
