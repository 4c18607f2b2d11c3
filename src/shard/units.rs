//! What can be done apart, and which of it does a shard do?
//!
//! A unit is what no two processes should share: a whole run where it is a stream, which takes as long to read for a part
//! of space as for all of it; else the planes of a run between two borders of stored blocks, with all of its volumes. Its
//! states are complete, so none is ever added to another. Where values are kept, they need all runs of theirs at once: then
//! these are cut like one run. Units follow from the sources alone: not from memory, threads or the number of shards.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ShardError;
use crate::grid::{common_multiple, saturating_count};
use crate::lazy::LazyArray;
use crate::plan::{Apart, KeptState};
use crate::source::{Source, address};

/// One of a number of shards, such as `3/32`; the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// The most shards there may be.
    pub const MOST: u64 = 100_000;

    /// Shard `index` of `count`.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn new(index: u64, count: u64) -> Result<Self, ShardError> {
        if index < count && count <= Self::MOST {
            return Ok(Self { index, count });
        }
        Err(ShardError::NoShard { text: format!("{index}/{count}"), most: Self::MOST })
    }

    /// From 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// How many there are.
    pub fn count(self) -> u64 {
        self.count
    }

    /// What a shard of this job is called: `tsnr.part-00003-of-00032.zarr`.
    pub fn file_name(self, kind: &str) -> String {
        format!("{kind}.part-{:05}-of-{:05}.zarr", self.index, self.count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |digits: &str| digits.parse::<u64>().ok();
        let numbers = text.split_once('/').map(|(index, count)| (number(index), number(count)));
        match numbers {
            Some((Some(index), Some(count))) => Self::new(index, count),
            _ => Err(ShardError::NoShard { text: text.to_owned(), most: Self::MOST }),
        }
    }
}

/// A stretch of the cells of one set of runs, along their last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) set: usize,
    pub(crate) start: u64,
    pub(crate) len: u64,
}

#[derive(Debug)]
struct Unit {
    of: Stretch,
    /// What is read for it, as far as that is known before.
    bytes: u64,
}

/// Runs that are read together: one, or all those of which a value is made.
#[derive(Debug, Default)]
pub(super) struct RunSet {
    pub(super) sources: Vec<Arc<dyn Source>>,
    /// Numbers of the states that are made of them.
    pub(super) states: Vec<usize>,
    /// Length of the cells' last axis, of the first of its states; 1 where there is none.
    pub(super) len: u64,
}

/// A job as units.
pub(crate) struct Work {
    pub(super) apart: Apart,
    pub(super) sets: Vec<RunSet>,
    /// The number of each run's set, by where its source lies.
    numbers: HashMap<usize, usize>,
    units: Vec<Unit>,
}

impl Work {
    /// The units behind these expressions.
    pub(crate) fn of(arrays: &[&LazyArray]) -> Self {
        let apart = Apart::of(arrays);
        let (mut sets, numbers) = sets_of(apart.list());
        for set in &mut sets {
            set.len = apart.list()[set.states[0]].cells().last().copied().unwrap_or(1);
        }
        let units = sets.iter().enumerate().flat_map(|(k, set)| units_of(k, set, &apart)).collect();
        Self { apart, sets, numbers, units }
    }

    /// The number of the set that this source is in.
    pub(crate) fn set_of(&self, source: &Arc<dyn Source>) -> Option<usize> {
        self.numbers.get(&address(source)).copied()
    }

    /// The states of a set.
    pub(super) fn states_of(&self, set: usize) -> impl Iterator<Item = &KeptState> {
        self.sets[set].states.iter().map(|&state| &self.apart.list()[state])
    }

    /// The cells of one of its states that lie in a stretch: all of them, or along their last axis so many.
    pub(super) fn cells_in(&self, stretch: Stretch, state: &KeptState) -> Vec<u64> {
        let mut cells = state.cells().to_vec();
        if let Some(last) = cells.last_mut().filter(|_| !self.is_whole(stretch)) {
            *last = stretch.len;
        }
        cells
    }

    /// True where a stretch is all of its set. Only then may its states differ in their last axis.
    pub(super) fn is_whole(&self, stretch: Stretch) -> bool {
        stretch.len == self.sets[stretch.set].len
    }

    /// How many runs are read for these.
    pub(super) fn runs_in(&self, stretches: &[Stretch]) -> usize {
        stretches.iter().map(|stretch| self.sets[stretch.set].sources.len()).sum()
    }

    /// Number of units.
    pub(super) fn units(&self) -> u64 {
        self.units.len() as u64
    }

    /// Which units a shard does: those whose middle lies in its share of all bytes.
    pub(super) fn range(&self, shard: Shard) -> Range<u64> {
        let total: u128 = self.units.iter().map(|unit| u128::from(unit.bytes.max(1))).sum();
        let mut before = 0_u128;
        let mut of_unit = self.units.iter().map(|unit| {
            let bytes = u128::from(unit.bytes.max(1));
            let middle = 2 * before + bytes;
            before += bytes;
            middle * u128::from(shard.count) / (2 * total)
        });
        let (mut start, mut end) = (0, 0);
        while let Some(of) = of_unit.next().filter(|&of| of <= u128::from(shard.index)) {
            start += u64::from(of < u128::from(shard.index));
            end += 1;
        }
        start..end
    }

    /// The units of a range, neighbours of one set together.
    pub(crate) fn stretches(&self, range: &Range<u64>) -> Vec<Stretch> {
        let mut list: Vec<Stretch> = Vec::new();
        for unit in &self.units[range.start as usize..range.end as usize] {
            match list.last_mut() {
                Some(last) if last.set == unit.of.set => last.len += unit.of.len,
                _ => list.push(unit.of),
            }
        }
        list
    }

    /// What a shard does.
    pub(crate) fn stretches_of(&self, shard: Shard) -> Vec<Stretch> {
        self.stretches(&self.range(shard))
    }
}

/// States that share a run, directly or by others, are made together. Also says which set each run is in.
fn sets_of(states: &[KeptState]) -> (Vec<RunSet>, HashMap<usize, usize>) {
    let mut sets: Vec<RunSet> = Vec::new();
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    for (index, state) in states.iter().enumerate() {
        let known = state.runs().iter().filter_map(|run| numbers.get(&address(run)).copied());
        let known: BTreeSet<usize> = known.collect();
        let number = known.first().copied().unwrap_or_else(|| {
            sets.push(RunSet::default());
            sets.len() - 1
        });
        for &other in known.iter().skip(1) {
            let joined = std::mem::take(&mut sets[other]);
            numbers.extend(joined.sources.iter().map(|source| (address(source), number)));
            sets[number].sources.extend(joined.sources);
            sets[number].states.extend(joined.states);
        }
        for run in state.runs() {
            if numbers.insert(address(run), number).is_none() {
                sets[number].sources.push(Arc::clone(run));
            }
        }
        sets[number].states.push(index);
    }
    sets.retain(|set| !set.states.is_empty());
    let of_set = |(number, set): (usize, &RunSet)| {
        set.sources.iter().map(|source| (address(source), number)).collect::<Vec<_>>()
    };
    let numbers = sets.iter().enumerate().flat_map(of_set).collect();
    (sets, numbers)
}

fn units_of(number: usize, set: &RunSet, apart: &Apart) -> Vec<Unit> {
    let bytes = |source: &Arc<dyn Source>| {
        saturating_count(source.shape()).saturating_mul(source.dtype().size() as u64)
    };
    let bytes = set.sources.iter().map(bytes).fold(0, u64::saturating_add);
    let whole = set.len.max(1);
    // At borders of blocks of all of them; where states have different last axes, it is one unit.
    let mut states = set.states.iter().map(|&state| &apart.list()[state]);
    let block = states.try_fold(1_u64, |block, state| {
        let of_state = state.block_along_last_axis()?;
        let fits = state.cells().last() == Some(&set.len);
        fits.then(|| common_multiple(block, of_state))
    });
    let block = block.unwrap_or(whole).min(whole);
    let starts = (0..whole).step_by(block as usize);
    starts
        .map(|start| {
            let len = block.min(set.len - start.min(set.len));
            let share = u128::from(bytes) * u128::from(len) / u128::from(whole);
            Unit { of: Stretch { set: number, start, len }, bytes: share as u64 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn shards_are_numbered_from_0_and_say_so() {
        assert_eq!("3/32".parse::<Shard>().unwrap(), Shard::new(3, 32).unwrap());
        assert_eq!(Shard::new(3, 32).unwrap().to_string(), "3/32");
        let name = Shard::new(3, 32).unwrap().file_name("tsnr");
        assert_eq!(name, "tsnr.part-00003-of-00032.zarr");
        for wrong in ["", "3", "/", "3/", "/4", "4/4", "0/0", "-1/4", "1/4/2", "0/100001", "a/b"] {
            let error = wrong.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains("0/"), "{wrong}: {error}");
        }
    }
}
