//! Reductions of the same elements share the smallest set of sums; each run is summed alone.

use super::{TIMID, passes, passes_of};
use crate::lazy::concatenate;
use crate::lazy::testing::{Numbered, file, stream};
use crate::lazy::{LazyArray, ReduceOptions};

#[test]
fn mean_var_std_and_what_is_made_of_them_are_one_sum() {
    let a = file("a", &[4, 10]);
    let tsnr = a.mean(-1) / a.std(-1);
    let var = a.var_with(-1, ReduceOptions::new().ddof(1));
    assert_eq!(
        passes(&[&tsnr, &var, &a.std(-1)], TIMID),
        ["fold 1 reads a; 1 sums, 3 made, 0 mapped"]
    );
}

#[test]
fn other_elements_axes_masks_and_kinds_are_other_sums() {
    let a = file("a", &[4, 10]);
    let sums = |arrays: &[&LazyArray]| passes_of(arrays, TIMID)[0].sums.len();
    assert_eq!(sums(&[&a.std(-1), &(&a * 2).std(-1)]), 2);
    assert_eq!(sums(&[&a.std(-1), &a.median(-1)]), 2);
    assert_eq!(sums(&[&a.std(-1), &a.slice_axis(1, 1..).std(-1)]), 2);
    let masked = |limit: i32| a.std_with(-1, ReduceOptions::new().mask(&a.greater(limit)));
    assert_eq!(sums(&[&a.std(-1), &masked(1), &masked(1), &masked(2)]), 3);
    assert_eq!(passes(&[&a.std(0), &a.std(1)], TIMID).len(), 2, "other axes, another pass");
}

#[test]
fn each_run_of_a_concatenation_has_its_own_sum_which_all_reductions_share() {
    let runs = concatenate(&[file("a", &[4, 10]), file("b", &[4, 5])], -1);
    assert_eq!(
        passes(&[&runs.mean(-1), &runs.std(-1)], TIMID),
        ["fold 1 reads a | b; 2 sums, 2 made, 0 mapped"]
    );
    // And those of each run by itself, but where the result says which volume it is.
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 5]));
    let runs = concatenate(&[a.clone(), b.clone()], -1);
    let sums = |arrays: &[&LazyArray]| {
        passes_of(arrays, TIMID).iter().map(|p| p.sums.len()).sum::<usize>()
    };
    assert_eq!(sums(&[&runs.mean(-1), &runs.std(-1), &a.std(-1), &b.mean(-1)]), 2);
    assert_eq!(sums(&[&runs.max(-1), &b.min(-1)]), 2);
    assert_eq!(sums(&[&runs.median(-1), &b.median(-1)]), 2);
    assert_eq!(sums(&[&runs.argmax(-1), &b.argmax(-1)]), 3);
    // So it is where elements are computed first.
    let computed = (&runs * 2).sqrt();
    assert_eq!(
        passes(&[&computed.mean(-1), &computed.std(-1)], TIMID),
        ["fold 1 reads a | b; 2 sums, 2 made, 0 mapped"]
    );
    // Along a kept axis, runs fill cells of their own.
    let beside = concatenate(&[file("a", &[4, 10]), file("b", &[2, 10])], 0);
    let cells: Vec<String> = passes_of(&[&beside.mean(-1)], TIMID)[0]
        .sums
        .iter()
        .map(|sum| format!("{:?}", sum.cells))
        .collect();
    assert_eq!(cells, ["[0..4]", "[4..6]"]);
}

#[test]
fn a_difference_and_its_array_are_read_together() {
    let a = file("a", &[4, 10]);
    assert_eq!(
        passes(&[&a.std(-1), &a.diff(-1).std(-1)], TIMID),
        ["fold 1 reads a; 2 sums, 2 made, 0 mapped"]
    );
    // Where rows cannot line up, there are two trips.
    let b = file("b", &[4, 10]);
    let apart = a.slice_axis(1, 3..) + b.slice_axis(1, 2..9);
    assert_eq!(
        passes(&[&(&a + &b).std(-1), &apart.std(-1)], TIMID),
        ["fold 1 reads a + b | a + b; 2 sums, 2 made, 0 mapped"]
    );
}

#[test]
fn a_fold_walks_what_it_reduces_and_a_stream_in_its_own_order() {
    let walk = |array: &LazyArray| passes_of(&[array], TIMID)[0].parts[0].feed.walk;
    let shape = [3, 4, 5];
    assert_eq!(walk(&file("a", &shape).mean(0)), 0);
    assert_eq!(walk(&file("a", &shape).mean([0, 1])), 1);
    assert_eq!(walk(&(file("a", &shape) * 2)), 2);
    assert_eq!(walk(&stream("a", &shape).mean(0)), 2);
}

#[test]
fn an_empty_run_is_not_read() {
    let a = Numbered::file("a", &[4, 10], &[4, 10]).lazy();
    let nothing = a.slice_axis(1, 3..3);
    assert_eq!(passes(&[&nothing.sum(-1)], TIMID), ["fold 1 reads ; 0 sums, 1 made, 0 mapped"]);
}
