//! Which regions is a source asked for, and what must come back?

use std::thread;

use super::{Broken, Suite};
use crate::grid::{Region, copy_overlap};
use crate::source::SourceError;

/// Boxes picked by a fixed sequence, besides those that are picked on purpose.
const SCATTERED: u64 = 32;
/// Threads that read at once.
const THREADS: usize = 4;

impl Suite<'_> {
    /// Regions inside are delivered, whatever the buffer held before; others are errors.
    pub(super) fn reads(&self, all: &[u8]) -> Result<(), Broken> {
        for region in regions(self.source.shape(), self.source.block_shape()) {
            self.read_is(&region, 0x00, all)?;
            self.read_is(&region, 0xFF, all)?;
        }
        let promise = "a region that does not lie in the array is an error";
        for region in outside(self.source.shape()) {
            let len = self.bytes_of(&region).unwrap_or(0).min(self.bytes as usize * 2);
            let done = self.source.read(&region, &mut vec![0; len]);
            self.refused(promise, &named(&region), done)?;
        }
        let whole = Region::whole(self.source.shape());
        let promise = "a buffer that is not as long as its region is an error";
        for len in [self.bytes as usize + 1, (self.bytes as usize).saturating_sub(1)] {
            if len as u64 != self.bytes {
                let done = self.source.read(&whole, &mut vec![0; len]);
                self.refused(promise, &format!("a buffer of {len} bytes for the whole"), done)?;
            }
        }
        Ok(())
    }

    /// A source without random access says so, for every region.
    pub(super) fn refuses_reads(&self) -> Result<(), Broken> {
        let whole = Region::whole(self.source.shape());
        let done = self.source.read(&whole, &mut vec![0; self.bytes as usize]);
        self.refused("a sequential source refuses to read regions", "reading the whole", done)
    }

    /// Several threads read and stream at the same time, each in an order of its own.
    pub(super) fn at_once(&self, all: &[u8]) -> Result<(), Broken> {
        let mut regions = regions(self.source.shape(), self.source.block_shape());
        if self.source.access() == crate::source::Access::Sequential {
            regions.clear();
        }
        let each = |number: usize| {
            let from = number * regions.len() / THREADS;
            for region in regions[from..].iter().chain(&regions[..from]) {
                self.read_is(region, 0xA5, all)?;
            }
            let promise = "streams do not disturb each other";
            self.same(promise, "all", &self.first_stream()?, all)
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|n| scope.spawn(move || each(n))).collect();
            let done = threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            done.collect()
        })
    }

    fn read_is(&self, region: &Region, before: u8, all: &[u8]) -> Result<(), Broken> {
        let promise = "a region delivers its part of the array, each time";
        let item_bytes = self.source.dtype().size();
        let len = self.bytes_of(region).unwrap_or(0);
        let (mut found, mut expected) = (vec![before; len], vec![0; len]);
        let done: Result<(), SourceError> = self.source.read(region, &mut found);
        done.map_err(|error| Broken {
            name: self.source.name().to_owned(),
            promise,
            found: format!("{} failed: {error}", named(region)),
        })?;
        if len > 0 {
            let whole = Region::whole(self.source.shape());
            copy_overlap(all, &whole, &mut expected, region, item_bytes);
        }
        self.same(promise, &named(region), &found, &expected)
    }

    fn bytes_of(&self, region: &Region) -> Option<usize> {
        let count = crate::grid::element_count(region.shape())?;
        usize::try_from(count.checked_mul(self.source.dtype().size() as u64)?).ok()
    }
}

fn named(region: &Region) -> String {
    format!("the region of shape {:?} from {:?}", region.shape(), region.start())
}

/// The whole; along every axis nothing, the first, the last, and what lies around the first and the
/// last edge between blocks; the first and the last block; scattered boxes.
fn regions(shape: &[u64], block: &[u64]) -> Vec<Region> {
    let whole = Region::whole(shape);
    let mut regions = vec![whole.clone()];
    for (axis, (&len, &block)) in shape.iter().zip(block).enumerate() {
        regions.push(whole.with_axis(axis, 0, 0));
        regions.push(whole.with_axis(axis, len, 0));
        if len == 0 {
            continue;
        }
        let last_edge = (len - 1) / block * block;
        for (start, count) in [
            (0, 1),
            (len - 1, 1),
            (0, block),
            (block - 1, 1),
            (block - 1, 2),
            (block, 1),
            (last_edge, block),
            (last_edge.saturating_sub(1), 2),
        ] {
            if start < len {
                regions.push(whole.with_axis(axis, start, count.min(len - start)));
            }
        }
    }
    if whole.is_empty() {
        return regions;
    }
    let corner = |start: Vec<u64>, most: &[u64]| {
        let lengths = start.iter().zip(shape).zip(most);
        let lengths = lengths.map(|((&s, &n), &most)| most.min(n - s)).collect();
        Region::new(start, lengths)
    };
    let last = |step: &[u64]| shape.iter().zip(step).map(|(n, s)| (n - 1) / s * s).collect();
    let ones = vec![1; shape.len()];
    regions.push(corner(vec![0; shape.len()], block));
    regions.push(corner(last(block), block));
    regions.push(corner(vec![0; shape.len()], &ones));
    regions.push(corner(last(&ones), &ones));
    let mut state = 1_u64;
    let mut below = |limit: u64| {
        // Knuth's MMIX constants; the high bits are the good ones.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    for _ in 0..SCATTERED {
        let start: Vec<u64> = shape.iter().map(|&len| below(len)).collect();
        let most: Vec<u64> = shape.iter().map(|&len| 1 + below(len)).collect();
        regions.push(corner(start, &most));
    }
    regions
}

/// Regions that lie not or not wholly in an array of this shape, or have other axes.
fn outside(shape: &[u64]) -> Vec<Region> {
    let whole = Region::whole(shape);
    let mut regions = vec![Region::whole(&[shape, &[1]].concat())];
    for (axis, &len) in shape.iter().enumerate() {
        regions.push(whole.with_axis(axis, len, 1));
        regions.push(whole.with_axis(axis, 0, len + 1));
        regions.push(whole.with_axis(axis, len + 1, 0));
        regions.push(whole.with_axis(axis, u64::MAX, 2));
    }
    if let Some((_, fewer)) = shape.split_last() {
        regions.push(Region::whole(fewer));
    }
    regions
}
