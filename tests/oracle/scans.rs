//! How often what people ask for together reads its sources.

use std::sync::Arc;

use ndarray::Array2;
use proptest::prelude::*;
use voxstore::{Access, DType, LazyArray, ReduceOptions, concatenate};

use crate::bits::{FIXED, MIB, session};
use crate::sources::TestSource;
use crate::strategies::check;

fn run(shape: &[u64], block: &[u64], dtype: DType, access: Access) -> (Arc<TestSource>, LazyArray) {
    let count = shape.iter().product::<u64>() as usize * dtype.size();
    let bytes =
        (0..count).map(|k| if k % dtype.size() == 0 { (k % 97) as u8 } else { 0 }).collect();
    let source = TestSource::new(shape, dtype, block, bytes);
    let source = if access == Access::Sequential { source.sequential() } else { source };
    let source = Arc::new(source);
    (Arc::clone(&source), LazyArray::from_source(source))
}

/// How often each element was read, where that is the same for all.
fn reads(source: &TestSource) -> Result<u32, String> {
    let counts = source.counts();
    let first = counts[0];
    if counts.iter().all(|&n| n == first) { Ok(first) } else { Err(format!("{counts:?}")) }
}

fn shapes() -> impl Strategy<Value = ([u64; 4], [u64; 4], DType)> {
    let dtype = prop::sample::select(vec![DType::U8, DType::I16, DType::F32, DType::F64]);
    ([2..6_u64, 2..5, 1..4, 4..9], [1..4_u64, 1..4, 1..3, 1..5], dtype)
}

/// All that quality control asks of a run, maps and series.
fn report(x: &LazyArray, mask: &LazyArray) -> Vec<LazyArray> {
    let in_mask = ReduceOptions::new().mask(&mask.expand_dims(-1));
    vec![
        x.mean(-1),
        x.std(-1),
        x.mean(-1) / x.std(-1),
        x.min(-1),
        x.max(-1),
        x.ptp(-1),
        x.median(-1),
        x.count_nonzero(-1),
        x.mean_with([0, 1, 2], in_mask),
        x * 2.0 + 1.0,
        x.mean([0, 1, 2]),
        x.to_f64().diff(-1).square().mean([0, 1, 2]).sqrt(),
    ]
}

#[test]
fn a_whole_report_reads_every_element_once() {
    check(60, (shapes(), 1..=4_usize), |((shape, block, dtype), threads)| {
        for access in [Access::Random, Access::Sequential] {
            let (source, x) = run(&shape, &block, dtype, access);
            let (_, mask) = run(&shape[..3], &block[..3], DType::Bool, Access::Random);
            let report = report(&x, &mask);
            let asked: Vec<&LazyArray> = report.iter().collect();
            session(threads, 512 * MIB).compute_all::<f64>(&asked).unwrap();
            assert_eq!(reads(&source), Ok(1), "{access:?}");
        }
    });
}

#[test]
fn a_mask_is_read_once_for_all_volumes_of_a_tile() {
    check(40, shapes(), |(shape, block, dtype)| {
        let (source, x) = run(&shape, &block, dtype, Access::Random);
        let (mask, inside) = run(&shape[..3], &block[..3], DType::Bool, Access::Random);
        let options = || ReduceOptions::new().mask(&inside.expand_dims(-1));
        let asked = [&x.mean_with(-1, options()), &x.std_with(-1, options())];
        session(1, 512 * MIB).compute_all::<f64>(&asked).unwrap();
        assert_eq!(reads(&source), Ok(1));
        assert_eq!(reads(&mask), Ok(1));
    });
}

/// `(x - x.mean(-1)) / x.std(-1)`.
fn z_score(x: &LazyArray) -> LazyArray {
    let kept = || ReduceOptions::new().keepdims();
    (x - x.mean_with(-1, kept())) / x.std_with(-1, kept())
}

#[test]
fn a_z_score_reads_volumes_twice_and_series_once() {
    let shape = [24, 24, 6, 40];
    let result = shape.iter().product::<u64>() * 8;
    for (block, wanted) in [([24, 24, 6, 1], 2), ([8, 8, 3, 40], 1)] {
        for threads in [1, 2] {
            let (source, x) = run(&shape, &block, DType::I16, Access::Random);
            // Enough for the result and a few volumes or series, and not for the run.
            let memory = FIXED + result + 600_000;
            session(threads, memory).compute::<f64>(&z_score(&x)).unwrap();
            assert_eq!(reads(&source), Ok(wanted), "blocks of {block:?}");
        }
    }
    let runs: Vec<_> =
        (0..3).map(|_| run(&shape, &[8, 8, 3, 40], DType::I16, Access::Random)).collect();
    let joined = concatenate(&runs.iter().map(|(_, x)| x.clone()).collect::<Vec<_>>(), -1);
    let memory = FIXED + 3 * result + 1_200_000;
    session(2, memory).compute::<f64>(&z_score(&joined)).unwrap();
    for (source, _) in &runs {
        assert_eq!(reads(source), Ok(1), "joined");
    }
    let (source, x) = run(&shape, &[24, 24, 6, 1], DType::I16, Access::Sequential);
    session(2, 512 * MIB).compute::<f64>(&z_score(&x)).unwrap();
    assert_eq!(reads(&source), Ok(2), "a stream");
    let (source, x) = run(&shape, &[24, 24, 6, 1], DType::I16, Access::Random);
    session(2, 512 * MIB).compute::<f64>(&z_score(&x)).unwrap();
    assert_eq!(reads(&source), Ok(1), "what fits in memory");
}

#[test]
fn groups_fits_and_histograms_read_once() {
    check(60, (shapes(), 1..=4_usize), |((shape, block, dtype), threads)| {
        for access in [Access::Random, Access::Sequential] {
            let (source, x) = run(&shape, &block, dtype, access);
            let labels: Vec<u64> = (0..shape[3]).map(|t| t * 7 % 3).collect();
            let groups = x.group_by(-1, &labels);
            let design = Array2::from_shape_fn((shape[3] as usize, 2), |(t, column)| {
                if column == 0 { 1.0 } else { t as f64 }
            });
            let fit = x.project(-1, design.view());
            let asked = [
                &groups.mean(),
                &groups.std(1),
                &groups.max(),
                &fit.coefficients(),
                &fit.residual_std(2),
                &(x.mean(-1) / fit.residual_std(2)),
                &x.histogram(&[0.0, 10.0, 50.0, 100.0], -1),
                &x.quantile(0.25, -1),
            ];
            session(threads, 512 * MIB).compute_all::<f64>(&asked).unwrap();
            assert_eq!(reads(&source), Ok(1), "{access:?}");
        }
    });
}

#[test]
fn a_slice_of_time_opens_only_the_runs_it_needs() {
    check(60, (shapes(), any::<u8>(), any::<u8>()), |((shape, block, dtype), from, count)| {
        for access in [Access::Random, Access::Sequential] {
            let runs: Vec<_> = (0..4).map(|_| run(&shape, &block, dtype, access)).collect();
            let arrays: Vec<LazyArray> = runs.iter().map(|(_, x)| x.clone()).collect();
            let joined = concatenate(&arrays, -1);
            let all = 4 * shape[3];
            let start = u64::from(from) % all;
            let end = (start + 1 + u64::from(count) % 6).min(all);
            let part = joined.slice_axis(-1, start as isize..end as isize);
            let scaled = (&part * 2.0).mean(-1);
            let steps = part.to_f64().diff(-1).abs().mean([0, 1, 2]);
            let asked = [&part, &scaled, &part.std(-1), &steps];
            session(2, 512 * MIB).compute_all::<f64>(&asked).unwrap();
            for (k, (source, _)) in runs.iter().enumerate() {
                let first = k as u64 * shape[3];
                let needed = start < first + shape[3] && end > first;
                assert_eq!(!source.untouched(), needed, "run {k} of {start}..{end}");
                let most = source.counts().into_iter().max().unwrap();
                assert!(most <= 1, "{access:?}: {most} reads");
            }
        }
    });
}

#[test]
fn differences_read_once_across_blocks_and_runs() {
    check(60, (shapes(), 0..4_usize), |((shape, block, dtype), axis)| {
        let orders = [false, true]
            .map(|last| [Access::Random, Access::Sequential].map(|access| (last, access)));
        for (last, access) in orders.into_iter().flatten() {
            let runs: Vec<_> = (0..3).map(|_| run(&shape, &block, dtype, access)).collect();
            let joined = concatenate(&runs.iter().map(|(_, x)| x.clone()).collect::<Vec<_>>(), -1);
            let others: Vec<isize> = (0..4).filter(|&a| a != axis as isize).collect();
            let dvars = joined.to_f64().diff(axis as isize).abs().mean(others);
            let tsnr = joined.mean(-1) / joined.std(-1);
            let asked = if last { [&tsnr, &dvars] } else { [&dvars, &tsnr] };
            session(2, 512 * MIB).compute_all::<f64>(&asked).unwrap();
            for (source, _) in &runs {
                assert_eq!(reads(source), Ok(1), "{access:?}, differences last: {last}");
            }
        }
    });
}

#[test]
fn a_small_budget_reads_more_often_rather_than_giving_up() {
    let shape = [16, 16, 16, 64];
    let (source, x) = run(&shape, &[16, 16, 16, 1], DType::F32, Access::Random);
    let (_, mask) = run(&shape[..3], &[16, 16, 16], DType::Bool, Access::Random);
    let report = report(&x, &mask);
    let asked: Vec<&LazyArray> = report.iter().collect();
    let want = session(2, 512 * MIB).compute_all::<f64>(&asked).unwrap().arrays;
    let enough = crate::bits::tightest(&asked, 1);
    assert!(enough < FIXED + 8 * MIB, "{enough} bytes for one megabyte");
    let got = session(1, enough).compute_all::<f64>(&asked).unwrap().arrays;
    assert_eq!(got, want);
    // Parts that are cut differently read their own share of it again.
    assert!(source.counts().iter().all(|&n| n >= 1) && source.counts().iter().any(|&n| n > 1));
}

#[test]
fn sums_of_streams_that_do_not_fit_at_once_are_made_slab_by_slab() {
    let shape = [40, 40, 12, 9];
    let runs: Vec<_> =
        (0..5).map(|_| run(&shape, &[40, 40, 12, 1], DType::F32, Access::Sequential)).collect();
    let joined = concatenate(&runs.iter().map(|(_, x)| x.clone()).collect::<Vec<_>>(), -1);
    let labels: Vec<u64> = (0..45).map(|t| t % 2).collect();
    let asked = [
        &(joined.mean(-1) / joined.std(-1)),
        &joined.median(-1),
        &joined.diff(-1).abs().max(-1),
        &joined.group_by(-1, &labels).mean().slice_axis(-1, 1..),
    ];
    let want = session(1, 512 * MIB).compute_all::<f64>(&asked).unwrap();
    assert_eq!(want.report.scans, 1);
    let before: Vec<u32> = runs.iter().map(|(source, _)| reads(source).unwrap()).collect();
    assert_eq!(before, [1; 5]);
    let mut last = 1;
    // The four results take 0.6 MB, the sums of all runs several more.
    for (threads, spare) in [(1, 4_000_000), (2, 4_000_000), (2, 2_800_000), (1, 2_800_000)] {
        let session = session(threads, FIXED + spare);
        let plan = session.explain(&asked).unwrap();
        let got = session.compute_all::<f64>(&asked).unwrap();
        assert_eq!(got.arrays, want.arrays);
        assert!(got.report.scans > 1, "{plan}");
        assert!(plan.text().contains("read again for each of"), "{plan}");
        assert!(got.report.projected_bytes <= FIXED + spare);
        for (source, _) in &runs {
            let now = reads(source).unwrap();
            assert_eq!((now - last) as usize, got.report.scans, "{plan}");
        }
        last += got.report.scans as u32;
    }
    // Nothing is read for a budget that no number of slabs makes enough.
    session(1, FIXED + 400_000).compute_all::<f64>(&asked).unwrap_err();
    assert_eq!(reads(&runs[0].0), Ok(last));
}

#[test]
fn sums_of_streams_that_do_not_fit_at_once_wait_on_disk_and_each_is_read_once() {
    let cells = [64, 64, 12];
    let runs: Vec<_> = [70, 90, 50, 60, 80]
        .into_iter()
        .enumerate()
        .map(|(index, volumes)| {
            let dtype = [DType::I16, DType::F32, DType::I64][index % 3];
            let shape = [64, 64, 12, volumes];
            run(&shape, &[64, 64, 12, 1], dtype, Access::Sequential)
        })
        .collect();
    let joined = concatenate(&runs.iter().map(|(_, x)| x.to_f64()).collect::<Vec<_>>(), -1);
    let (_, mask) = run(&cells, &cells, DType::Bool, Access::Random);
    let masked = ReduceOptions::new().mask(&mask.expand_dims(-1));
    let asked = [
        &(joined.mean(-1) / joined.std(-1)),
        &(joined.max(-1) - joined.min(-1)),
        &runs[2].1.to_f64().var_with(-1, masked),
        &joined.argmax(-1).to_f64(),
    ];
    let want = session(1, 512 * MIB).compute_all::<f64>(&asked).unwrap();
    assert_eq!((want.report.scans, want.report.spilled_bytes), (1, 0));
    // The four results take 1.6 MB, the sums of all runs 21 MB.
    let (mut seen, mut waited) = (1, 0);
    for (threads, spare) in [(2, 18_000_000), (1, 18_000_000), (1, 14_000_000), (2, 14_000_000)] {
        let session = session(threads, FIXED + spare);
        let plan = session.explain(&asked).unwrap();
        let got = session.compute_all::<f64>(&asked).unwrap();
        assert!(got.report.projected_bytes <= FIXED + spare);
        assert_eq!(got.report.scans, 1, "{plan}");
        assert!(got.report.spilled_bytes > 0, "{plan}");
        waited += u32::from(plan.text().contains("sums wait on disk"));
        for (one, want) in got.arrays.iter().zip(&want.arrays) {
            let bits = |array: &ndarray::ArrayD<f64>| array.mapv(f64::to_bits);
            assert_eq!(bits(one), bits(want), "{plan}");
        }
        seen += 1;
        for (source, _) in &runs {
            assert_eq!(reads(source), Ok(seen), "{plan}");
        }
    }
    assert_eq!(waited, 4);
}
