//! Arrays of more than one tile, slab and read: the places where a plan cuts.

use std::sync::Arc;

use ndarray::{Array, ArrayD, s};
use proptest::prelude::*;
use voxstore::{Access, DType, ExecError, LazyArray, PlanError, concatenate, from_ndarray};

use crate::bits::{FIXED, MIB, session};
use crate::pattern::Pattern;
use crate::strategies::check;

const DTYPES: [DType; 5] = [DType::U8, DType::I16, DType::I64, DType::F32, DType::F64];

/// Exact sum and sum of squares along `axis`, axis 0 of the result fastest.
fn sums(shape: &[u64], axis: usize) -> Vec<(f64, f64)> {
    let inner: u64 = shape[..axis].iter().product();
    let outer: u64 = shape[axis + 1..].iter().product();
    let one = |o: u64, i: u64| {
        let values = (0..shape[axis]).map(|k| Pattern::value(i + inner * (k + shape[axis] * o)));
        values.map(f64::from).fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v))
    };
    (0..outer).flat_map(|o| (0..inner).map(move |i| one(o, i))).collect()
}

fn assert_close(got: &ArrayD<f64>, want: impl Iterator<Item = f64>, exact: bool) {
    for (got, want) in got.t().iter().zip(want) {
        let near = (got - want).abs() <= want.abs() * 1e-12;
        assert!(if exact { got.to_bits() == want.to_bits() } else { near }, "{got} for {want}");
    }
}

#[test]
fn tiles_and_reads_of_any_size_give_the_same_sums() {
    let dims = prop::sample::select(vec![
        [40_u64, 31, 7, 90],
        [3, 2, 5, 9000],
        [300, 200, 2, 3],
        [1, 1, 1, 300_000],
        [70_001, 3, 1, 2],
        [13, 11, 400, 4],
        [2, 50_000, 1, 4],
    ]);
    let blocks = [1..80_u64, 1..40, 1..10, 1..5000];
    let dtype = prop::sample::select(DTYPES.to_vec());
    check(9, (dims, blocks, dtype, 0..4_usize), |(shape, block, dtype, axis)| {
        let want = sums(&shape, axis);
        let n = shape[axis] as f64;
        for access in [Access::Random, Access::Sequential] {
            let x = LazyArray::from_source(Arc::new(Pattern::new(&shape, dtype, &block, access)));
            let axis = axis as isize;
            let asked = [&x.mean(axis), &(&x + 1.0).var(axis), &x.sum(axis)];
            let mut budgets = vec![512 * MIB, FIXED + 12 * MIB];
            let refused = session(1, FIXED + 1).compute_all::<f64>(&asked).unwrap_err();
            let ExecError::Plan(PlanError::Memory { projected_bytes, .. }) = refused else {
                panic!("{refused}")
            };
            budgets[1] = budgets[1].max(projected_bytes);
            budgets.push(projected_bytes);
            for (k, &budget) in budgets.iter().enumerate() {
                for threads in [1, 3 + k] {
                    let got = session(threads, budget).compute_all::<f64>(&asked).unwrap().arrays;
                    // numpy rounds the mean of float32 to float32.
                    if dtype != DType::F32 {
                        assert_close(&got[0], want.iter().map(|w| w.0 / n), !dtype.is_float());
                    }
                    let var = |w: &(f64, f64)| w.1 / n - (w.0 / n) * (w.0 / n);
                    if dtype != DType::F32 {
                        for (got, want) in got[1].t().iter().zip(want.iter().map(var)) {
                            assert!(
                                (got - want).abs() <= 1e-7 * want.abs() + 1e-9,
                                "{got}, {want}"
                            );
                        }
                        assert_close(&got[2], want.iter().map(|w| w.0), !dtype.is_float());
                    }
                }
            }
        }
    });
}

#[test]
fn maps_of_any_cut_give_every_element() {
    let dims = prop::sample::select(vec![[90_u64, 40, 30, 3], [3, 3, 3, 9000], [200_000, 1, 2, 1]]);
    let blocks = [1..80_u64, 1..40, 1..10, 1..5000];
    let dtype = prop::sample::select(DTYPES.to_vec());
    check(10, (dims, blocks, dtype, any::<bool>()), |(shape, block, dtype, stream)| {
        let access = if stream { Access::Sequential } else { Access::Random };
        let make = || LazyArray::from_source(Arc::new(Pattern::new(&shape, dtype, &block, access)));
        let (x, y) = (make(), make());
        let both = concatenate(&[x.clone(), y], 0);
        for budget in [512 * MIB, FIXED + 16 * MIB] {
            let session = session(3, budget);
            let mut seen = 0;
            for block in session.blocks::<f64>(&(&both * 2.0)).unwrap() {
                let (region, values) = block.unwrap();
                seen += values.len() as u64;
                let first = region.start()[0] % shape[0]
                    + shape[0]
                        * (region.start()[1]
                            + shape[1] * (region.start()[2] + shape[2] * region.start()[3]));
                assert_eq!(values.first().copied(), Some(2.0 * f64::from(Pattern::value(first))));
            }
            assert_eq!(seen, both.size());
        }
        let odd = session(2, 512 * MIB).compute::<f64>(&x.slice(s![1..;2, .., ..;-1, ..]));
        let odd = odd.unwrap();
        let (nx, ny, nz) = (shape[0], shape[1], shape[2]);
        for ((place, got), _) in odd.indexed_iter().zip(0..20_000) {
            let place: Vec<u64> = (0..4).map(|a| place[a] as u64).collect();
            let index =
                1 + 2 * place[0] + nx * (place[1] + ny * (nz - 1 - place[2] + nz * place[3]));
            assert_eq!(*got, f64::from(Pattern::value(index)));
        }
    });
}

#[test]
fn one_worker_reads_ahead_of_many_streams_without_end() {
    // Fewer streams than half the threads, more streams than workers or workers that come late.
    for round in 0..60 {
        let runs: Vec<LazyArray> = (0..=round % 4)
            .map(|k| {
                let shape = [16, 16, 4, 1 + round + k];
                let source = Pattern::new(&shape, DType::I16, &[16, 16, 4, 1], Access::Sequential);
                LazyArray::from_source(Arc::new(source))
            })
            .collect();
        let joined = concatenate(&runs, -1);
        let budgets = [512 * MIB, FIXED + 160_000, FIXED + 200_000, FIXED + 400_000];
        for budget in budgets {
            match session(8, budget).compute::<f64>(&joined.mean(-1)) {
                Ok(_) | Err(ExecError::Plan(PlanError::Memory { .. })) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_stored_block_larger_than_the_budget_is_read_in_parts() {
    let source = Pattern::new(&[4, 4, 200_000], DType::F64, &[4, 4, 200_000], Access::Random);
    let x = LazyArray::from_source(Arc::new(source));
    let mean = session(2, FIXED + MIB).compute::<f64>(&x.mean(-1)).unwrap();
    assert!((mean.mean().unwrap() - 127.5).abs() < 1.0);
    let mean = session(2, FIXED + MIB).compute::<f64>(&x.mean(0).mean(0).mean(0));
    assert!(matches!(mean, Err(ExecError::Plan(PlanError::Memory { .. }))), "6 MB are held");
}

#[test]
fn an_array_in_memory_is_not_copied_whole_to_be_reduced() {
    let x = from_ndarray(Array::from_shape_fn((64, 64, 256), |(i, j, k)| (i + j + k) as f64));
    assert_eq!(x.nbytes(), 8 * MIB);
    let plan = session(4, 512 * MIB).explain(&[&x.mean(-1)]).unwrap();
    assert!(plan.text().contains("8 tiles"), "two for each worker: {plan}");
    let large = session(1, 512 * MIB).compute_all::<f64>(&[&x.mean(-1)]).unwrap().report;
    assert!(large.projected_bytes < FIXED + 4 * MIB, "{large:?}");
    let small = session(2, FIXED + 3 * MIB);
    let mean = small.compute::<f64>(&x.mean(-1)).unwrap();
    assert_eq!(mean[[1, 2]], 130.5);
    assert_eq!(small.compute::<f64>(&x.std(0).mean(0)).unwrap().shape(), [256]);
}
