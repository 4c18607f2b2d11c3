//! The memory that a plan projects is the memory that computing it takes.
//!
//! Measured twice: by a counting allocator, which misses large buffers (they are pages of their own),
//! and by the kernel's own peak of resident memory, reset before each plan. One test, so that nothing
//! else allocates. What the process needs beside data (16 MiB of code, stacks and tables) is not part
//! of the claim: projections are compared without it, against growth over the level before.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "oracle/allocator.rs"]
mod allocator;
#[path = "oracle/pattern.rs"]
mod pattern;

use std::sync::Arc;

use ndarray::{Array2, s};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use voxstore::{
    Access, DType, ExecError, LazyArray, Overflow, PlanError, ReduceOptions, Region, Session, Sink,
    SinkError, SinkOrder, concatenate, peak_memory_bytes, stack, where_,
};

use allocator::measured;
use pattern::Pattern;

const MIB: u64 = 1 << 20;
const FIXED: u64 = 16 * MIB;

/// What the fixed part is for beside code and stacks: the plan's own lists, and the queues of each
/// worker of the pool. Below 1 MiB with 32 threads, whatever the data.
const TABLES: u64 = 64 << 10;
const QUEUES_OF_A_WORKER: u64 = 16 << 10;

/// Pages of stack that a worker touches.
const STACK_OF_A_WORKER: u64 = 128 << 10;

#[derive(Clone, Debug)]
struct Given {
    shape: [u64; 4],
    block: [u64; 4],
    dtype: DType,
    runs: usize,
    expression: u8,
    stream: bool,
    threads: usize,
    budget: u8,
    /// Blocks of a sink that the first array is written to, in place of computing all of them.
    sink: Option<[u64; 4]>,
}

fn given() -> impl Strategy<Value = Given> {
    let shape = prop_oneof![
        [8..48_u64, 4..40, 1..20, 1..60],
        (1..8_u64, 1..8_u64, 1..4_u64, 1000..20_000_u64).prop_map(|(x, y, z, t)| [x, y, z, t]),
        (1000..40_000_u64, 1..6_u64, 1..3_u64, 1..5_u64).prop_map(|(x, y, z, t)| [x, y, z, t]),
    ];
    let dtype =
        prop::sample::select(vec![DType::U8, DType::I16, DType::I64, DType::F32, DType::F64]);
    let block = [1..50_u64, 1..40, 1..10, 1..300];
    let sink = prop::option::weighted(0.3, [1..40_u64, 1..40, 1..20, 1..500]);
    let rest = (1..4_usize, 0..EXPRESSIONS, any::<bool>(), 1..9_usize, 0..3_u8, sink);
    (shape, block, dtype, rest).prop_map(
        |(shape, block, dtype, (runs, expression, stream, threads, budget, sink))| Given {
            shape,
            block,
            dtype,
            runs,
            expression,
            stream,
            threads,
            budget,
            sink,
        },
    )
}

impl Given {
    fn arrays(&self) -> Vec<LazyArray> {
        let access = if self.stream { Access::Sequential } else { Access::Random };
        let run = |_| {
            LazyArray::from_source(Arc::new(Pattern::new(
                &self.shape,
                self.dtype,
                &self.block,
                access,
            )))
        };
        let runs: Vec<LazyArray> = (0..self.runs).map(run).collect();
        let x = concatenate(&runs, -1);
        match self.expression {
            0 => vec![x.mean(-1) / x.std(-1)],
            1 => vec![x],
            2 => vec![x.mean(0), x.std(0)],
            3 => vec![(&x * 2.0 + 1.0).var(-1)],
            4 => vec![x.slice(s![..;2, 1.., ..;-1, ..]).mean(-1)],
            5 => vec![x.mean(-1).mean(-1), x.std(2)],
            6 => vec![x.slice(s![.., .., .., 0]) - x.mean(-1)],
            7 => vec![concatenate(&runs, 0).sum(1)],
            8 => vec![x.slice(s![.., .., .., ..;3])],
            9 => vec![(&x + &x.slice(s![..;-1, .., .., ..])).mean(-1), x.mean(-1)],
            10 => stack_and_repeat(&runs, &x),
            11 => vec![z_score(&x)],
            12 => report(&x),
            13 => reorder(&x, self.stream),
            14 => vec![x.median(-1), x.quantile(0.9, -1), x.histogram(&[0.0, 50.0, 99.0], -1)],
            15 => groups_and_fits(&x),
            16 => vec![x.to_f64().diff(-1), x.mean(-1)],
            17 => vec![x.map_blocks::<f64, f32>("half", 0, |block, mut out| {
                out.zip_mut_with(&block, |o, v| *o = (v / 2.0) as f32);
            })],
            18 => vec![x.map_axis::<f64, f64>("last", -1, 1, 0, |series, mut out| {
                out[0] = series.last().copied().unwrap_or(0.0);
            })],
            19 => vec![x.reshape(&[-1, x.shape()[3] as i64]).mean(0)],
            20 => vec![x.argmax(..), x.max(..), x.to_f64().prod([0, 1]) * 0.0],
            _ => vec![where_(&x.greater(100), &x, 0).astype_with(DType::U8, Overflow::Saturate)],
        }
    }
}

const EXPRESSIONS: u8 = 22;

fn stack_and_repeat(runs: &[LazyArray], x: &LazyArray) -> Vec<LazyArray> {
    let one_volume = x.slice(s![.., .., .., 0..1]);
    vec![stack(runs, -1).std(-1), (x * &one_volume).sum(-1)]
}

fn z_score(x: &LazyArray) -> LazyArray {
    let kept = || ReduceOptions::new().keepdims();
    (x - x.mean_with(-1, kept())) / x.std_with(-1, kept())
}

/// Maps and series of a run at once.
fn report(x: &LazyArray) -> Vec<LazyArray> {
    let bright = x.mean_with(-1, ReduceOptions::new().keepdims()).greater(120);
    vec![
        x.mean(-1) / x.std(-1),
        x.ptp(-1),
        x.count_nonzero(-1),
        x.mean([0, 1, 2]),
        x.mean_with([0, 1, 2], ReduceOptions::new().mask(&bright)),
        x.to_f64().diff(-1).square().mean([0, 1, 2]).sqrt(),
    ]
}

/// Other orders; along time only where no stream must go back.
fn reorder(x: &LazyArray, stream: bool) -> Vec<LazyArray> {
    let axes = if stream { vec![0] } else { vec![0, -1] };
    let last = x.shape()[0] as isize - 1;
    vec![x.transpose(..).mean(0), x.flip(axes).std(1), x.take(&[last, 0, last / 2], 0)]
}

fn groups_and_fits(x: &LazyArray) -> Vec<LazyArray> {
    let volumes = x.shape()[3];
    let labels: Vec<u64> = (0..volumes).map(|t| t % 3).collect();
    let design = Array2::from_shape_fn((volumes as usize, 1), |(t, _)| t as f64 + 1.0);
    let fit = x.project(-1, design.view());
    vec![x.group_by(-1, &labels).mean(), fit.residual_std(1), x.mean(-1)]
}

#[test]
fn bytes_allocated_are_within_the_projection() {
    let percent: u32 = std::env::var("VOXSTORE_CASES").map_or(100, |v| v.parse().unwrap());
    let config = Config {
        cases: 3 * percent,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let utilisation = std::cell::RefCell::new(Vec::new());
    let outcome = TestRunner::new_with_rng(config, rng).run(&given(), |given| {
        if let Some(used) = measure(&given) {
            utilisation.borrow_mut().push(used);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let mut list = utilisation.into_inner();
    list.sort_by(f64::total_cmp);
    let at = |part: usize| 100.0 * list[(list.len() - 1) * part / 100];
    println!(
        "{} plans above 1 MiB, peak of projection in percent: least {:.0}, 10th {:.0}, median {:.0}, \
         90th {:.0}, most {:.1}",
        list.len(),
        at(0),
        at(10),
        at(50),
        at(90),
        at(100)
    );
    assert!(at(50) > 50.0, "a bound of twice the need is no bound");
}

/// The share of its projection that a plan used; `None` for a small one, and for one of an array without elements, which
/// needs nothing.
fn measure(given: &Given) -> Option<f64> {
    let arrays = given.arrays();
    let arrays: Vec<&LazyArray> = arrays.iter().collect();
    let session = |memory_bytes| {
        Session::builder().threads(given.threads).memory_bytes(memory_bytes).build().unwrap()
    };
    let first = arrays[0].to_f64();
    let run = |session: &Session| match given.sink {
        Some(block) => session.write(&first, Void::boxed(first.shape(), block)),
        None => session.compute_all::<f64>(&arrays).map(|computed| computed.report),
    };
    let least = match run(&session(FIXED + 1)) {
        Err(ExecError::Plan(PlanError::Memory { projected_bytes, .. })) => projected_bytes,
        Ok(nothing) if first.size() == 0 && nothing.projected_bytes == FIXED => return None,
        other => panic!("{other:?}"),
    };
    let budget = [least, least + 2 * MIB, 512 * MIB][usize::from(given.budget)];
    let session = session(budget);
    let resident_before = resident_peak_after_reset();
    let (report, used) = measured(|| run(&session).unwrap());
    let projected = report.projected_bytes - FIXED;
    assert!(
        used <= projected + TABLES + given.threads as u64 * QUEUES_OF_A_WORKER,
        "{used} bytes were allocated, {projected} were projected\n{}",
        session.explain(&arrays).unwrap()
    );
    let resident = resident_before.map_or(0, |b| peak_memory_bytes().unwrap().saturating_sub(b));
    assert!(
        resident <= projected + MIB + given.threads as u64 * STACK_OF_A_WORKER,
        "{resident} bytes more were resident, {projected} were projected\n{}",
        session.explain(&arrays).unwrap()
    );
    (projected > MIB).then(|| used.max(resident) as f64 / projected as f64)
}

/// A sink that keeps nothing.
#[derive(Debug)]
struct Void {
    shape: Vec<u64>,
    block: Vec<u64>,
}

impl Void {
    fn boxed(shape: &[u64], block: [u64; 4]) -> Box<dyn Sink> {
        let block = shape.iter().zip(block).map(|(&n, b)| b.min(n.max(1))).collect();
        Box::new(Self { shape: shape.to_vec(), block })
    }
}

impl Sink for Void {
    fn name(&self) -> &'static str {
        "void"
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
        SinkOrder::Any
    }
    fn scratch_bytes(&self, _shape: &[u64]) -> u64 {
        0
    }
    fn put(&self, _region: &Region, _bytes: &[u8]) -> Result<(), SinkError> {
        Ok(())
    }
    fn commit(self: Box<Self>) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Starts the kernel's peak of resident memory anew and returns where it stands; `None` where the
/// system cannot.
fn resident_peak_after_reset() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    peak_memory_bytes()
}
