//! What is read, and how often.

use std::sync::Arc;

use voxstore::{Access, DType, LazyArray, Region, Session, concatenate};

use crate::bits::{FIXED, MIB, session};
use crate::case::{Kind, Node, Program, bits_of};
use crate::pattern::Pattern;
use crate::sources::TestSource;
use crate::strategies::{SourceSpec, case, check, one_source};
use crate::twin::{Structure, Twin};

pub(crate) fn counted(spec: &SourceSpec, kind: Kind) -> (Arc<TestSource>, LazyArray) {
    let source = Arc::new(spec.source(kind));
    (Arc::clone(&source), LazyArray::from_source(source))
}

#[test]
fn building_planning_and_explaining_read_nothing() {
    check(200, case(), |case| {
        let program = Program::new(&case);
        let made: Vec<_> = case.sources.iter().map(|s| counted(s, Kind::mixed(&case, s))).collect();
        let texts: Vec<String> = (0..2)
            .map(|_| {
                let sources: Vec<LazyArray> = made.iter().map(|(_, lazy)| lazy.clone()).collect();
                // Sources without their scaling have other types; some numbers do not fit then.
                let lazies = program.lazies(&sources);
                let all: Vec<&LazyArray> = lazies.iter().filter(|l| l.check().is_ok()).collect();
                let debug: Vec<String> = lazies.iter().map(|l| format!("{l:?}")).collect();
                let plan = session(3, 64 * MIB).explain(&all).unwrap();
                format!("{}\n{plan}", debug.join("\n"))
            })
            .collect();
        assert_eq!(texts[0], texts[1]);
        assert!(made.iter().all(|(source, _)| source.untouched()));
    });
}

/// True when a read covers whole blocks, as far as the array goes.
fn is_whole_blocks(region: &Region, spec: &SourceSpec) -> bool {
    (0..region.ndim()).all(|a| {
        let block = spec.block[a].min(spec.shape[a]);
        region.start()[a].is_multiple_of(block)
            && (region.end(a).is_multiple_of(block) || region.end(a) == spec.shape[a])
    })
}

#[test]
fn reductions_of_one_array_read_every_element_once_in_whole_blocks() {
    check(300, (one_source(), 0..4_usize, 1..=8_usize), |(spec, axis, threads)| {
        for kind in [Kind::Blocked, Kind::Sequential] {
            let (source, x) = counted(&spec, kind);
            let axis = (axis % spec.shape.len()) as isize;
            let both = &x.mean(axis) / &x.std(axis);
            let asked = [&x.mean(axis), &x.std(axis), &x.var(axis), &both];
            session(threads, 512 * MIB).compute_all::<f64>(&asked).unwrap();
            assert!(source.counts().iter().all(|&n| n == 1), "{:?}", source.counts());
            let regions = source.regions();
            assert!(regions.iter().all(|r| is_whole_blocks(r, &spec)), "{regions:?}");
        }
    });
}

#[test]
fn runs_joined_along_any_axis_are_read_once_in_whole_blocks() {
    check(200, (one_source(), 0..4_usize, 0..4_usize), |(spec, join, axis)| {
        for kind in [Kind::Blocked, Kind::Sequential] {
            let (first, x) = counted(&spec, kind);
            let (second, y) = counted(&spec, kind);
            let (join, axis) = (join % spec.shape.len(), axis % spec.shape.len());
            let both = concatenate(&[x, y], join as isize);
            let asked = [&both.mean(axis as isize), &both.std(axis as isize)];
            session(2, 512 * MIB).compute_all::<f64>(&asked).unwrap();
            for source in [&first, &second] {
                assert!(source.counts().iter().all(|&n| n == 1), "{:?}", source.counts());
                let regions = source.regions();
                assert!(regions.iter().all(|r| is_whole_blocks(r, &spec)), "{regions:?}");
            }
            let (first, x) = counted(&spec, kind);
            let (second, y) = counted(&spec, kind);
            session(2, 512 * MIB).compute::<f64>(&concatenate(&[x, y], join as isize)).unwrap();
            for source in [&first, &second] {
                assert!(source.counts().iter().all(|&n| n == 1), "{:?}", source.counts());
                let regions = source.regions();
                assert!(regions.iter().all(|r| is_whole_blocks(r, &spec)), "{regions:?}");
            }
        }
    });
}

#[test]
fn a_slice_reads_only_blocks_it_touches_and_no_element_twice() {
    check(300, case(), |case| {
        for (spec, step) in case.sources.iter().zip(&case.steps) {
            let (source, x) = counted(spec, Kind::Blocked);
            let mut step = step.clone();
            step.rule = 0;
            let mut only = case.clone();
            (only.sources, only.steps) =
                (vec![SourceSpec { scaling: None, ..spec.clone() }], vec![step]);
            let program = Program::new(&only);
            let lazies = program.lazies(&[x]);
            let slice = lazies.last().unwrap();
            Session::default().compute::<f64>(slice).unwrap();
            let wanted = wanted_elements(spec, &program);
            let counts = source.counts();
            assert!(counts.iter().all(|&n| n <= 1), "{counts:?}");
            let block_of = |index: usize| {
                let mut index = index as u64;
                let one = |a: usize| {
                    let at = index % spec.shape[a];
                    index /= spec.shape[a];
                    at / spec.block[a]
                };
                (0..spec.shape.len()).map(one).collect::<Vec<_>>()
            };
            let touched: std::collections::HashSet<_> =
                wanted.iter().map(|&i| block_of(i)).collect();
            for (index, &n) in counts.iter().enumerate() {
                assert!(n == 0 || in_hull(&block_of(index), &touched), "element {index}");
            }
            assert!(wanted.iter().all(|&i| counts[i] == 1));
        }
    });
}

/// Elements of the only source that the only slice keeps.
fn wanted_elements(spec: &SourceSpec, program: &Program) -> Vec<usize> {
    let shape: Vec<usize> = spec.shape.iter().map(|&n| n as usize).collect();
    let count: usize = shape.iter().product();
    let numbered = Twin::ints(shape, DType::I64, (0..count as i128).collect());
    let kept = match program.nodes.last().unwrap() {
        Node::Structure(Structure::Slice(slices), _) => numbered.slice(slices),
        _ => numbered,
    };
    kept.floats().iter().map(|v| v.value as usize).collect()
}

/// A step may jump over whole blocks; those between the outermost ones may be read.
fn in_hull(block: &[u64], touched: &std::collections::HashSet<Vec<u64>>) -> bool {
    (0..block.len()).all(|a| {
        touched.iter().any(|t| t[a] <= block[a]) && touched.iter().any(|t| t[a] >= block[a])
    })
}

#[test]
fn stored_blocks_longer_than_the_steps_that_fit_are_decoded_once_by_way_of_the_disk() {
    // Whole series a block, as for time courses; summed volume after volume.
    let (shape, stored) = ([60, 50, 20, 300], [12, 10, 5, 300]);
    let source = || Arc::new(Pattern::new(&shape, DType::F32, &stored, Access::Random));
    let x = LazyArray::from_source(source());
    let y = LazyArray::from_source(source()) * 3.0;
    let mixed = [x.mean(..), x.std(-1).mean(..), x.diff(-1).square().mean(..), (&x - &y).max(..)];
    for asked in [&mixed[..1], &mixed[2..3], &mixed] {
        let asked: Vec<LazyArray> = asked.iter().map(LazyArray::to_f64).collect();
        let arrays: Vec<&LazyArray> = asked.iter().collect();
        let large = session(2, 1024 * MIB).compute_all::<f64>(&arrays).unwrap();
        let small = session(2, FIXED + 8 * MIB).compute_all::<f64>(&arrays).unwrap();
        assert_eq!(large.report.spilled_bytes, 0);
        assert!(small.report.spilled_bytes >= x.nbytes(), "{}", small.report.spilled_bytes);
        assert!(small.report.leased_peak_bytes <= small.report.projected_bytes);
        for (one, other) in large.arrays.iter().zip(&small.arrays) {
            assert_eq!(bits_of(one), bits_of(other));
        }
    }
}
