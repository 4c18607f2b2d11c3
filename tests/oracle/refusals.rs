//! A budget that is too small is refused before anything is read, and the one named then works.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ndarray::s;
use proptest::prelude::*;
use voxstore::{Access, DType, ExecError, LazyArray, PlanError, concatenate};

use crate::bits::{FIXED, session};
use crate::pattern::Pattern;
use crate::strategies::check;

fn pattern(
    shape: &[u64],
    block: &[u64],
    dtype: DType,
    access: Access,
) -> (Arc<Pattern>, LazyArray) {
    let source = Arc::new(Pattern::new(shape, dtype, block, access));
    (Arc::clone(&source), LazyArray::from_source(source))
}

#[test]
fn what_is_refused_is_unread_and_the_budget_named_works() {
    let dtype = prop::sample::select(vec![DType::U8, DType::I16, DType::F64]);
    let inputs = ([10..60_u64, 5..40, 1..20, 1..40], [1..40_u64, 1..20, 1..10, 1..20], dtype);
    check(25, (inputs, 1..5_usize, any::<bool>()), |((shape, block, dtype), threads, stream)| {
        let access = if stream { Access::Sequential } else { Access::Random };
        let (first, x) = pattern(&shape, &block, dtype, access);
        let (second, y) = pattern(&shape, &block, DType::F32, Access::Random);
        let both = concatenate(&[x.clone(), y.clone()], -1);
        // Few bytes in the first pass of a plan, many in a later one.
        let sums = &x.slice(s![.., .., .., 0]) - &x.mean(-1);
        let later = &x.mean(0).mean(0).mean(0) + 1.0;
        for asked in
            [vec![&both], vec![&both.std(-1), &y.mean(0)], vec![&later, &y], vec![&sums, &later]]
        {
            let refused = session(threads, FIXED + 1).compute_all::<f64>(&asked).unwrap_err();
            let ExecError::Plan(PlanError::Memory { projected_bytes, budget_bytes, .. }) = refused
            else {
                panic!("{refused}")
            };
            assert_eq!(budget_bytes, FIXED + 1);
            let touched =
                [&first.touched, &second.touched].map(|t| t.swap(false, Ordering::Relaxed));
            assert_eq!(touched, [false, false], "read before it was refused");
            let again = session(threads, projected_bytes).compute_all::<f64>(&asked);
            let report = again.unwrap().report;
            assert!(report.projected_bytes <= projected_bytes);
            assert!(report.leased_peak_bytes <= report.projected_bytes);
            first.touched.store(false, Ordering::Relaxed);
            second.touched.store(false, Ordering::Relaxed);
        }
    });
}

#[test]
fn a_walk_by_blocks_needs_less_than_the_whole_array() {
    let (source, x) = pattern(&[64, 64, 30, 60], &[64, 64, 4, 8], DType::F64, Access::Random);
    let (session, total) = (session(2, FIXED + (24 << 20)), x.nbytes());
    assert!(total > 48 << 20);
    let whole = session.compute::<f64>(&x);
    assert!(matches!(whole, Err(ExecError::Plan(PlanError::Memory { .. }))));
    assert!(!source.touched.load(Ordering::Relaxed));
    let elements: usize = session.blocks::<f64>(&x).unwrap().map(|b| b.unwrap().1.len()).sum();
    assert_eq!(elements as u64, x.size());
}
