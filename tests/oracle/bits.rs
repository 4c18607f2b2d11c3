//! The same bits whatever the threads, the budget, the kind of source and its blocks, and the way
//! in which the answer is taken.

use ndarray::{Array, ArrayD, IxDyn, ShapeBuilder, Slice};
use voxstore::{ExecError, LazyArray, PlanError, Session};

use crate::case::{Kind, Program, bits_of, with_type};
use crate::strategies::{case, check, one_source};

pub(crate) const MIB: u64 = 1 << 20;
/// What a session needs beside data.
pub(crate) const FIXED: u64 = 16 * MIB;

pub(crate) fn session(threads: usize, memory_bytes: u64) -> Session {
    Session::builder().threads(threads).memory_bytes(memory_bytes).build().unwrap()
}

/// The smallest budget that computes these arrays on this many threads, to within 64 bytes.
pub(crate) fn tightest(arrays: &[&LazyArray], threads: usize) -> u64 {
    let fits = |bytes| match session(threads, bytes).compute_all::<f64>(arrays) {
        Ok(_) => true,
        Err(ExecError::Plan(PlanError::Memory { .. })) => false,
        Err(other) => panic!("{other}"),
    };
    let (mut refused, mut enough) = (FIXED + 1, FIXED + 4 * MIB);
    assert!(fits(enough), "4 MiB for a small case");
    while enough - refused > 64 {
        let middle = u64::midpoint(refused, enough);
        if fits(middle) { enough = middle } else { refused = middle }
    }
    enough
}

fn all_bits(session: &Session, arrays: &[&LazyArray]) -> Vec<Vec<u64>> {
    session.compute_all::<f64>(arrays).unwrap().arrays.iter().map(bits_of).collect()
}

#[test]
fn bits_do_not_depend_on_threads_budget_or_kind_of_source() {
    let threads = [1, 2, 3, 8];
    check(120, case(), |case| {
        let program = Program::new(&case);
        let lazies_as = |kind: Option<Kind>| {
            let sources: Vec<LazyArray> = case
                .sources
                .iter()
                .map(|s| s.lazy(kind.unwrap_or(Kind::mixed(&case, s))))
                .collect();
            let mut lazies = program.lazies(&sources);
            lazies.split_off(lazies.len().saturating_sub(3))
        };
        let first = lazies_as(Some(Kind::Memory));
        let first: Vec<&LazyArray> = first.iter().collect();
        let want = all_bits(&session(1, 512 * MIB), &first);
        let kinds = [Some(Kind::Memory), Some(Kind::Blocked), Some(Kind::OtherBlocks), None];
        for (k, kind) in kinds.into_iter().chain([Some(Kind::Sequential)]).enumerate() {
            if kind == Some(Kind::Sequential) && case.backwards {
                continue;
            }
            let lazies = lazies_as(kind);
            let lazies: Vec<&LazyArray> = lazies.iter().collect();
            let tight = tightest(&lazies, threads[k % 4]);
            for (t, &threads) in threads.iter().enumerate() {
                let budget = [512 * MIB, tight + 30_000, FIXED + MIB * 4][(t + k) % 3];
                let got = all_bits(&session(threads, budget), &lazies);
                assert_eq!(got, want, "{kind:?}, {threads} threads, {budget} bytes");
            }
            let got = all_bits(&session(threads[k % 4], tight), &lazies);
            assert_eq!(got, want, "{kind:?}, tight");
        }
    });
}

#[test]
fn results_computed_together_have_the_bits_of_each_alone() {
    check(120, case(), |case| {
        let program = Program::new(&case);
        let sources: Vec<LazyArray> =
            case.sources.iter().map(|s| s.lazy(Kind::mixed(&case, s))).collect();
        let lazies = program.lazies(&sources);
        let all: Vec<&LazyArray> = lazies.iter().collect();
        let together = all_bits(&session(3, 512 * MIB), &all);
        for (index, (lazy, together)) in lazies.iter().zip(&together).enumerate() {
            let alone = all_bits(&session(1, 512 * MIB), &[lazy]);
            assert_eq!(alone[0], *together, "{index}: {:?}", program.nodes[index]);
        }
    });
}

#[test]
fn neighbouring_rows_asked_for_together_are_all_there() {
    check(60, (one_source(), 0..4_usize, 1..=3_isize), |(spec, axis, apart)| {
        let axis = (axis % spec.shape.len()) as isize;
        for kind in Kind::ALL {
            let x = spec.lazy(kind);
            let (early, late) = (x.slice_axis(axis, ..-apart), x.slice_axis(axis, apart..));
            let both = early.to_f64() + late.to_f64();
            let asked = [&early, &late, &both, &x];
            let alone: Vec<_> =
                asked.iter().flat_map(|one| all_bits(&session(1, 512 * MIB), &[one])).collect();
            for memory in [512 * MIB, tightest(&asked, 2)] {
                assert_eq!(all_bits(&session(2, memory), &asked), alone, "{kind:?}, {memory}");
            }
        }
    });
}

#[test]
fn compute_into_and_blocks_give_what_compute_gives() {
    check(250, case(), |case| {
        let program = Program::new(&case);
        let sources: Vec<LazyArray> =
            case.sources.iter().map(|s| s.lazy(Kind::mixed(&case, s))).collect();
        let lazies = program.lazies(&sources);
        for lazy in &lazies[lazies.len().saturating_sub(3)..] {
            with_type!(lazy.dtype(), T => {
                let tight = tightest(&[lazy], 1);
                // A block in use and one that waits are beside the one being made.
                for memory in [512 * MIB, tight + 300_000] {
                    taken_in_every_way::<T>(&session(2, memory), lazy);
                }
            });
        }
    });
}

pub(crate) fn taken_in_every_way<T: voxstore::Element>(session: &Session, lazy: &LazyArray) {
    let want: ArrayD<T> = session.compute(lazy).unwrap();
    let shape: Vec<usize> = lazy.shape().iter().map(|&n| n as usize).collect();
    let blank = T::from_i64(7);

    let mut rows = Array::from_elem(IxDyn(&shape), blank);
    session.compute_into(lazy, rows.view_mut()).unwrap();
    assert_eq!(bits_of(&rows), bits_of(&want), "into C order");

    let wide: Vec<usize> = shape.iter().map(|n| 3 * n).collect();
    let mut strided = Array::from_elem(IxDyn(&wide).f(), blank);
    let mut view = strided.view_mut();
    view.slice_each_axis_inplace(|_| Slice::new(0, None, -3));
    session.compute_into(lazy, view.view_mut()).unwrap();
    assert_eq!(bits_of(&view.to_owned()), bits_of(&want), "into steps of -3");
    let others = strided.iter().filter(|v| v.to_i64() != blank.to_i64()).count();
    assert!(others <= want.len(), "elements between the steps are left alone");

    let mut whole = Array::from_elem(IxDyn(&shape), blank);
    let mut seen = Array::from_elem(IxDyn(&shape), 0_u8);
    for block in session.blocks::<T>(lazy).unwrap() {
        let (region, values) = block.unwrap();
        let cut = |axis: ndarray::AxisDescription| {
            let (start, end) = (region.start()[axis.axis.0], region.end(axis.axis.0));
            Slice::from(start as usize..end as usize)
        };
        whole.slice_each_axis_mut(cut).assign(&values);
        seen.slice_each_axis_mut(cut).mapv_inplace(|n| n + 1);
    }
    assert!(seen.iter().all(|&n| n == 1), "each element arrives once");
    assert_eq!(bits_of(&whole), bits_of(&want), "blocks");
}
