//! What can be done apart, and which of it does a shard do?
//!
//! A unit is what no two processes should share: a whole run where it is a stream, which takes as long to read for a part
//! of space as for all of it; else the planes of a run between two borders of stored blocks, with all of its volumes. Its
//! states are complete, so none is ever added to another. Units follow from the sources alone: not from memory, threads
//! or the number of shards.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ShardError;
use crate::grid::saturating_count;
use crate::lazy::LazyArray;
use crate::plan::{NotShardable, Sums};
use crate::source::Source;

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

/// A stretch of one run's cells, along their last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) run: usize,
    pub(crate) start: u64,
    pub(crate) len: u64,
}

#[derive(Debug)]
struct Unit {
    of: Stretch,
    /// What is read for it, as far as that is known before.
    bytes: u64,
}

/// The sums that are made of one run.
#[derive(Debug)]
pub(super) struct RunOfWork {
    pub(super) source: Arc<dyn Source>,
    /// Numbers of the sums.
    pub(super) sums: Vec<usize>,
    /// Length of the cells' last axis; 1 where there is none.
    pub(super) len: u64,
}

/// A job as units.
pub(crate) struct Work {
    pub(super) sums: Sums,
    pub(super) runs: Vec<RunOfWork>,
    /// The number of each run, by where its source lies.
    numbers: HashMap<usize, usize>,
    units: Vec<Unit>,
}

impl Work {
    /// The units behind these expressions.
    ///
    /// # Errors
    /// When they cannot be taken apart.
    pub(crate) fn of(arrays: &[&LazyArray]) -> Result<Self, NotShardable> {
        let sums = Sums::of(arrays)?;
        let mut runs: Vec<RunOfWork> = Vec::new();
        let mut numbers = HashMap::new();
        for (index, sum) in sums.list().iter().enumerate() {
            let number = *numbers.entry(address(sum.run())).or_insert_with(|| {
                let len = sum.cells().last().copied().unwrap_or(1);
                runs.push(RunOfWork { source: Arc::clone(sum.run()), sums: Vec::new(), len });
                runs.len() - 1
            });
            runs[number].sums.push(index);
        }
        let units = runs.iter().enumerate().flat_map(|(k, run)| units_of(k, run, &sums)).collect();
        Ok(Self { sums, runs, numbers, units })
    }

    /// The number of the run that has this source.
    pub(crate) fn run_of(&self, source: &Arc<dyn Source>) -> Option<usize> {
        self.numbers.get(&address(source)).copied()
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

    /// The units of a range, neighbours of one run together.
    pub(crate) fn stretches(&self, range: &Range<u64>) -> Vec<Stretch> {
        let mut list: Vec<Stretch> = Vec::new();
        for unit in &self.units[range.start as usize..range.end as usize] {
            match list.last_mut() {
                Some(last) if last.run == unit.of.run => last.len += unit.of.len,
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

/// Where a source lies: the same for all that share it.
fn address(source: &Arc<dyn Source>) -> usize {
    Arc::as_ptr(source).addr()
}

fn units_of(run_index: usize, run: &RunOfWork, sums: &Sums) -> Vec<Unit> {
    let of_run = || run.sums.iter().map(|&sum| &sums.list()[sum]);
    let item_bytes = run.source.dtype().size() as u64;
    let bytes = saturating_count(run.source.shape()).saturating_mul(item_bytes);
    let mut blocks = of_run().map(|sum| (sum.block_along_last_axis(), sum.cells().last()));
    let first = blocks.next();
    // Where the states of a run are cut differently, it is one unit.
    let block = match first {
        Some((Some(block), Some(_))) if blocks.all(|other| Some(other) == first) => block,
        _ => run.len.max(1),
    };
    let starts = (0..run.len.max(1)).step_by(block as usize);
    starts
        .map(|start| {
            let len = block.min(run.len - start.min(run.len));
            let share = u128::from(bytes) * u128::from(len) / u128::from(run.len.max(1));
            Unit { of: Stretch { run: run_index, start, len }, bytes: share as u64 }
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
