//! The memory that a plan projects is the memory that computing it takes.
//!
//! Measured twice: by a counting allocator, which misses large buffers (they are pages of their own),
//! and by the kernel's own peak of resident memory, reset before each plan. One test, so that nothing
//! else allocates. What the process needs beside data (16 MiB of code, stacks and tables) is not part
//! of the claim: projections are compared without it, against growth over the level before.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "oracle/pattern.rs"]
mod pattern;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::s;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use voxstore::{Access, DType, ExecError, LazyArray, PlanError, Session, concatenate};

use pattern::Pattern;

struct Counting;

static NOW: AtomicU64 = AtomicU64::new(0);
static PEAK: AtomicU64 = AtomicU64::new(0);

fn grew(bytes: usize) {
    let now = NOW.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; this one counts and passes on")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grew(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grew(size);
        NOW.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
    let rest = (1..4_usize, 0..10_u8, any::<bool>(), 1..9_usize, 0..3_u8);
    (shape, block, dtype, rest).prop_map(
        |(shape, block, dtype, (runs, expression, stream, threads, budget))| Given {
            shape,
            block,
            dtype,
            runs,
            expression,
            stream,
            threads,
            budget,
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
            _ => vec![(&x + &x.slice(s![..;-1, .., .., ..])).mean(-1), x.mean(-1)],
        }
    }
}

#[test]
fn bytes_allocated_are_within_the_projection() {
    let percent: u32 = std::env::var("VOXSTORE_CASES").map_or(100, |v| v.parse().unwrap());
    let config = Config {
        cases: 2 * percent,
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

/// The share of its projection that a plan used; `None` for a small one.
fn measure(given: &Given) -> Option<f64> {
    let arrays = given.arrays();
    let arrays: Vec<&LazyArray> = arrays.iter().collect();
    let session = |memory_bytes| {
        Session::builder().threads(given.threads).memory_bytes(memory_bytes).build().unwrap()
    };
    let least = match session(FIXED + 1).compute_all::<f64>(&arrays) {
        Err(ExecError::Plan(PlanError::Memory { projected_bytes, .. })) => projected_bytes,
        other => panic!("{other:?}"),
    };
    let budget = [least, least + 2 * MIB, 512 * MIB][usize::from(given.budget)];
    let session = session(budget);
    let resident_before = resident_peak_after_reset();
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let computed = session.compute_all::<f64>(&arrays).unwrap();
    let used = PEAK.load(Ordering::Relaxed) - before;
    let projected = computed.report.projected_bytes - FIXED;
    assert!(
        used <= projected + TABLES + given.threads as u64 * QUEUES_OF_A_WORKER,
        "{used} bytes were allocated, {projected} were projected\n{}",
        session.explain(&arrays).unwrap()
    );
    let resident = resident_before.map_or(0, |b| status("VmHWM:").saturating_sub(b));
    assert!(
        resident <= projected + MIB + given.threads as u64 * STACK_OF_A_WORKER,
        "{resident} bytes more were resident, {projected} were projected\n{}",
        session.explain(&arrays).unwrap()
    );
    (projected > MIB).then(|| used.max(resident) as f64 / projected as f64)
}

/// Starts the kernel's peak of resident memory anew and returns where it stands; `None` where the
/// system cannot.
fn resident_peak_after_reset() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(status("VmHWM:"))
}

/// A field of `/proc/self/status`, in bytes.
fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
