//! Whatever blocks a sink asks for, and in whatever order: it gets the numbers that `compute` gives.

use std::sync::{Arc, Mutex};

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use proptest::prelude::*;
use voxstore::{Access, DType, LazyArray, Region, Sink, SinkError, SinkOrder, concatenate};

use crate::bits::{FIXED, MIB, session};
use crate::case::{Kind, Program, bits_of};
use crate::coverage::Coverage;
use crate::pattern::Pattern;
use crate::strategies::{case, check};

/// An array in memory that is written block by block, with how often each element came.
#[derive(Debug)]
struct Kept {
    shape: Vec<u64>,
    block: Vec<u64>,
    order: SinkOrder,
    taken: Mutex<Taken>,
    committed: Arc<Mutex<Option<Taken>>>,
}

#[derive(Clone, Debug, Default)]
struct Taken {
    values: Vec<f64>,
    times: Vec<u8>,
    /// With a fixed order: the element that comes next.
    next: u64,
}

impl Kept {
    fn new(
        shape: &[u64],
        block: &[u64],
        order: SinkOrder,
    ) -> (Box<Self>, Arc<Mutex<Option<Taken>>>) {
        let count = shape.iter().product::<u64>() as usize;
        let taken = Taken { values: vec![7.0; count], times: vec![0; count], next: 0 };
        let committed = Arc::new(Mutex::new(None));
        let kept = Self {
            shape: shape.to_vec(),
            block: block.iter().zip(shape).map(|(&b, &n)| b.clamp(1, n.max(1))).collect(),
            order,
            taken: Mutex::new(taken),
            committed: Arc::clone(&committed),
        };
        (Box::new(kept), committed)
    }

    fn is_whole_blocks(&self, region: &Region) -> bool {
        (0..self.shape.len()).all(|axis| {
            let (start, end, block) = (region.start()[axis], region.end(axis), self.block[axis]);
            start.is_multiple_of(block) && (end.is_multiple_of(block) || end == self.shape[axis])
        })
    }
}

impl Sink for Kept {
    fn name(&self) -> &'static str {
        "kept"
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        DType::F64
    }
    fn block_shape(&self) -> &[u64] {
        &self.block
    }
    fn order(&self) -> SinkOrder {
        self.order
    }
    fn scratch_bytes(&self, _shape: &[u64]) -> u64 {
        0
    }

    fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError> {
        assert!(region.fits(&self.shape), "{region:?} of {:?}", self.shape);
        assert_eq!(bytes.len() as u64, region.len() * 8, "{region:?}");
        assert!(
            region.is_empty() || self.is_whole_blocks(region),
            "{region:?} of {:?}",
            self.block
        );
        let mut taken = self.taken.lock().unwrap();
        for (k, value) in bytes.chunks_exact(8).enumerate() {
            let (mut k, mut at, mut stride) = (k as u64, 0, 1);
            for axis in 0..self.shape.len() {
                at += (region.start()[axis] + k % region.shape()[axis]) * stride;
                k /= region.shape()[axis];
                stride *= self.shape[axis];
            }
            if self.order == SinkOrder::Memory {
                assert_eq!(at, taken.next, "{region:?} is not the next");
                taken.next += 1;
            }
            taken.values[at as usize] = f64::from_ne_bytes(value.try_into().unwrap());
            taken.times[at as usize] += 1;
        }
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), SinkError> {
        *self.committed.lock().unwrap() = Some(self.taken.lock().unwrap().clone());
        Ok(())
    }
}

fn written(
    array: &LazyArray,
    block: &[u64],
    order: SinkOrder,
    (threads, memory_bytes): (usize, u64),
) -> (ArrayD<f64>, voxstore::Report) {
    let (sink, committed) = Kept::new(array.shape(), block, order);
    let report = session(threads, memory_bytes).write(array, sink).unwrap();
    let taken = committed.lock().unwrap().take().unwrap();
    assert!(taken.times.iter().all(|&times| times == 1), "every element comes once");
    let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
    (ArrayD::from_shape_vec(IxDyn(&shape).f(), taken.values).unwrap(), report)
}

#[test]
fn a_sink_gets_what_compute_gives_in_the_blocks_it_asked_for() {
    let coverage = Coverage::default();
    let block = prop::collection::vec(1..10_u64, 4);
    check(250, (case(), block, 1..4_usize), |(case, block, threads)| {
        let program = Program::new(&case);
        let sources: Vec<LazyArray> =
            case.sources.iter().map(|s| s.lazy(Kind::mixed(&case, s))).collect();
        let lazies = program.lazies(&sources);
        for lazy in &lazies[lazies.len().saturating_sub(2)..] {
            let array = lazy.to_f64();
            let block: Vec<u64> =
                (0..array.ndim()).map(|axis| block.get(axis).copied().unwrap_or(1)).collect();
            let want = session(1, 512 * MIB).compute::<f64>(&array).unwrap();
            let (got, report) = written(&array, &block, SinkOrder::Any, (threads, 64 * MIB));
            assert_eq!(bits_of(&got), bits_of(&want), "in blocks of {block:?}");
            if report.spilled_bytes > 0 {
                coverage.note("blocks that cut through stored ones many times");
            }
            // Boxes of whole fast axes and single indices of the others follow each other in memory.
            let last = block.len().saturating_sub(1);
            let rows: Vec<u64> = (0..block.len())
                .map(|axis| if axis < last { array.shape()[axis] } else { block[axis] })
                .collect();
            let (got, _) = written(&array, &rows, SinkOrder::Memory, (threads, 64 * MIB));
            assert_eq!(bits_of(&got), bits_of(&want), "in order, {rows:?}");
        }
    });
    coverage.assert_seen("blocks that cut through stored ones many times");
}

#[test]
fn blocks_that_do_not_fit_in_memory_together_wait_on_disk_and_are_read_once() {
    let (shape, block) = ([40, 30, 10, 600], [16, 16, 8, 600]);
    let stored = [40, 30, 4, 8];
    for access in [Access::Sequential, Access::Random] {
        let source = Arc::new(Pattern::new(&shape, DType::I16, &stored, access));
        let array = LazyArray::from_source(source).to_f64();
        let memory = FIXED + 32 * MIB;
        let (got, report) = written(&array, &block, SinkOrder::Any, (2, memory));
        assert!((0..).zip(&got.t()).all(|(at, &v)| v == f64::from(Pattern::value(at))));
        assert_eq!(report.spilled_bytes, array.nbytes(), "{access:?}");
        assert_eq!(report.scans, 1);
        assert!(report.leased_peak_bytes <= report.projected_bytes);
        // With room for all of it nothing waits.
        let (again, report) = written(&array, &block, SinkOrder::Any, (2, 1024 * MIB));
        assert_eq!(report.spilled_bytes, 0, "{access:?}");
        assert_eq!(bits_of(&again), bits_of(&got));
    }
}

#[test]
fn streams_joined_along_space_are_put_together_in_the_blocks_asked_for() {
    let run = |shape: [u64; 4]| {
        let source = Pattern::new(&shape, DType::I16, &[4, 3, 1, 1], Access::Sequential);
        LazyArray::from_source(Arc::new(source))
    };
    for axis in 0..3_usize {
        let (mut first, mut second) = ([6, 5, 3, 8], [6, 5, 3, 8]);
        (first[axis], second[axis]) = (2, 3);
        let array = concatenate(&[run(first), run(second)], axis as isize).to_f64();
        let want = session(1, 512 * MIB).compute::<f64>(&array).unwrap();
        let rows = [array.shape()[0], array.shape()[1], array.shape()[2], 3];
        for (block, order) in
            [([4, 4, 2, 3], SinkOrder::Any), (rows, SinkOrder::Any), (rows, SinkOrder::Memory)]
        {
            let (got, _) = written(&array, &block, order, (2, 64 * MIB));
            assert_eq!(bits_of(&got), bits_of(&want), "along {axis}, in blocks of {block:?}");
        }
    }
}
