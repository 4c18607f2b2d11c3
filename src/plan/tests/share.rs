//! Results that touch a common source share its scan.

use super::{CHAINED, Header, MIXED, TIMID, passes};
use crate::dtype::DType;
use crate::lazy::testing::{file, stream};
use crate::lazy::{LazyArray, ReduceOptions};
use crate::plan::{Delivery, Plan, ResultMemory};

fn z_score(x: &LazyArray) -> LazyArray {
    let keepdims = || ReduceOptions::new().keepdims();
    (x - x.mean_with(-1, keepdims())) / x.std_with(-1, keepdims())
}

#[test]
fn results_of_one_kind_and_source_share_a_pass() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    assert_eq!(
        passes(&[&a.mean(-1), &a.median(-1)], TIMID),
        ["fold 1 reads a; 2 sums, 2 made, 0 mapped"]
    );
    assert_eq!(
        passes(&[&(&a * 2), &(&a + &b)], TIMID),
        ["map reads a + b; 0 sums, 0 made, 2 mapped"]
    );
    // Through a third that reads both.
    assert_eq!(passes(&[&a.mean(-1), &b.mean(-1), &(&a - &b).std(-1)], TIMID).len(), 1);
}

#[test]
fn results_of_other_sources_stay_apart() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    assert_eq!(
        passes(&[&a.mean(-1), &b.mean(-1)], MIXED),
        ["fold 1 reads a; 1 sums, 1 made, 0 mapped", "fold 1 reads b; 1 sums, 1 made, 0 mapped"]
    );
}

#[test]
fn streams_are_read_several_at_once() {
    let (a, b) = (stream("a", &[4, 10]), stream("b", &[4, 10]));
    assert_eq!(
        passes(&[&a.mean(-1), &b.mean(-1)], TIMID),
        ["fold 1 reads a | b; 2 sums, 2 made, 0 mapped"]
    );
    let other = stream("b", &[5, 10]);
    assert_eq!(passes(&[&a.mean(-1), &other.mean(-1)], TIMID).len(), 2, "of another shape");
}

#[test]
fn a_mixed_plan_reads_a_file_once_for_results_of_any_kind() {
    let a = file("a", &[4, 10]);
    let results = [&a.mean(-1), &a.sum(0), &(&a * 2)];
    assert_eq!(passes(&results, TIMID).len(), 3);
    assert_eq!(passes(&results, MIXED), ["mixed reads a; 2 sums, 2 made, 1 mapped"]);
    // What is in memory costs no scan.
    let memory = crate::lazy::from_ndarray(ndarray::Array2::<i16>::zeros((4, 10)));
    assert_eq!(passes(&[&memory.mean(-1), &memory.sum(0)], MIXED).len(), 2);
}

#[test]
fn a_map_over_a_folds_own_result_joins_its_pass() {
    let z = z_score(&file("a", &[4, 10]));
    assert_eq!(
        passes(&[&z], TIMID),
        [
            "fold 1 reads a; 1 sums, 2 made, 0 mapped",
            "map reads a + mean + std; 0 sums, 0 made, 1 mapped",
        ]
    );
    assert_eq!(passes(&[&z], CHAINED), ["fold 1 reads a + mean + std; 1 sums, 2 made, 1 mapped"]);
}

#[test]
fn a_map_that_needs_other_cells_or_other_files_is_a_pass_of_its_own() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let keepdims = || ReduceOptions::new().keepdims();
    let mean = a.mean_with(-1, keepdims());
    assert_eq!(passes(&[&(&a - &mean)], CHAINED).len(), 1);
    assert_eq!(passes(&[&(&a - mean.flip(0))], CHAINED).len(), 2, "cells of another tile");
    assert_eq!(passes(&[&(&b - &mean)], CHAINED).len(), 2, "a file the fold does not read");
    assert_eq!(passes(&[&(&a - a.mean([0, 1]))], CHAINED).len(), 1, "one cell is one tile");
    let s = stream("s", &[4, 10]);
    assert_eq!(passes(&[&(&s - s.mean_with(-1, keepdims()))], CHAINED).len(), 2, "a stream");
}

fn scans(x: &LazyArray, memory_bytes: u64) -> usize {
    let session =
        crate::runtime::Session::builder().memory_bytes(memory_bytes).threads(2).build().unwrap();
    let z = z_score(x);
    // The result goes to a sink.
    let plan = Plan::new(&[(&z, DType::F32)], &Delivery::of(ResultMemory::Sink), &session);
    plan.unwrap().scans()
}

#[test]
fn a_z_score_is_one_read_where_time_lies_inside_the_block_and_two_of_volumes() {
    let shape = [100, 100, 100, 1000];
    let budget = 256 << 20;
    assert_eq!(scans(&Header::lazy(&shape, &[20, 20, 20, 1000]), budget), 1);
    assert_eq!(scans(&Header::lazy(&shape, &[100, 100, 100, 1]), budget), 2);
    // Unless all of it fits.
    assert_eq!(scans(&Header::lazy(&[10, 10, 10, 100], &[10, 10, 10, 1]), budget), 1);
}
