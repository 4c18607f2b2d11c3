//! Maps: elementwise expressions computed box by box.

use super::collect::Collect;
use super::error::ExecError;
use super::reader::{FeedReader, evaluate};
use super::scratch::Scratch;
use super::units::run_units;
use crate::grid::Region;
use crate::plan::{Blocks, Feed, MapPass, Schedule, slab_shape};
use crate::runtime::{Budget, Session};

/// Carries out a map; returns warnings of its sources. With one worker, boxes arrive in order.
pub(super) fn run(
    map: &MapPass,
    schedule: &Schedule,
    collect: &dyn Collect,
    budget: &Budget,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    let worker = || Ok(Scratch::new(&schedule.sizes, budget)?);
    match &schedule.blocks {
        Blocks::Tiles(tiles) => {
            run_units(session, schedule.workers, tiles.len(), worker, |scratch, index| {
                let tile = tiles.get(index);
                let inside = |(region, _): &&(Region, Feed)| region.overlap(&tile).is_some();
                let Some((region, feed)) = map.pieces.iter().find(inside) else { return Ok(()) };
                let mut reader = FeedReader::open(feed)?;
                let local = within(&tile, region);
                put_box(&mut reader, &local, &tile, scratch, collect, session)
            })?;
            Ok(Vec::new())
        }
        Blocks::Streams(_) => {
            let count = map.pieces.len() as u64;
            let warnings = std::sync::Mutex::new(Vec::new());
            run_units(session, schedule.workers, count, worker, |scratch, index| {
                let (region, feed) = &map.pieces[index as usize];
                if region.is_empty() {
                    return Ok(());
                }
                let mut reader = FeedReader::open(feed)?;
                let slabs = Slabs::new(feed, &slab_shape(feed, schedule.read_target_bytes));
                for slab in slabs.iter() {
                    let start: Vec<u64> =
                        slab.start().iter().zip(region.start()).map(|(&a, &b)| a + b).collect();
                    let place = Region::new(start, slab.shape().to_vec());
                    put_box(&mut reader, &slab, &place, scratch, collect, session)?;
                }
                let said = reader.finish()?;
                let mut all = warnings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                all.push((index, said));
                Ok(())
            })?;
            let mut all = warnings.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            all.sort_by_key(|(index, _)| *index);
            Ok(all.into_iter().flat_map(|(_, said)| said).collect())
        }
    }
}

/// The boxes of a feed, cut along its last axis.
pub(super) struct Slabs {
    whole: Region,
    rows: u64,
}

impl Slabs {
    /// Boxes of at most this shape, which is the feed's but for its last axis.
    pub(super) fn new(feed: &Feed, slab: &[u64]) -> Self {
        let rows = slab.last().map_or(1, |&rows| rows.max(1));
        Self { whole: Region::whole(&feed.shape), rows }
    }

    pub(super) fn len(&self) -> u64 {
        self.whole.shape().last().map_or(1, |len| len.div_ceil(self.rows))
    }

    /// Box number `index`, in the order of the last axis.
    pub(super) fn get(&self, index: u64) -> Region {
        let Some(last) = self.whole.ndim().checked_sub(1) else { return self.whole.clone() };
        let start = index * self.rows;
        let len = self.rows.min(self.whole.end(last) - start);
        self.whole.with_axis(last, start, len)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Region> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

fn within(tile: &Region, of: &Region) -> Region {
    let start = tile.start().iter().zip(of.start()).map(|(&a, &b)| a - b).collect();
    Region::new(start, tile.shape().to_vec())
}

/// Computes the feed's box `local` and puts it at `place` of the result.
fn put_box(
    reader: &mut FeedReader<'_>,
    local: &Region,
    place: &Region,
    scratch: &mut Scratch,
    collect: &dyn Collect,
    session: &Session,
) -> Result<(), ExecError> {
    reader.read(local, &mut scratch.leaves)?;
    let feed = reader.feed();
    let elements = local.len() as usize;
    let size = feed.dtype.size();
    // The output box is lent out while the program's tiles pass through the rest of the scratch.
    let mut out = std::mem::take(&mut scratch.out);
    evaluate(feed, elements, scratch, |at, bytes| {
        out[at * size..][..bytes.len()].copy_from_slice(bytes);
    });
    scratch.out = out;
    let flow = collect.put(place, &scratch.out[..elements * size]);
    let read: u64 = feed.leaves.iter().map(|l| elements as u64 * l.element_bytes()).sum();
    session.progress().advance(read);
    if flow.is_break() || session.cancel_token().is_cancelled() {
        return Err(ExecError::Cancelled);
    }
    Ok(())
}
