//! Expressions cut along their concatenations.

use crate::lazy::LazyArray;
use crate::lazy::concatenate;
use crate::lazy::testing::{file, text};
use crate::plan::pieces::pieces;

fn cut(arrays: &[&LazyArray]) -> Vec<String> {
    let nodes: Vec<_> = arrays.iter().map(|array| array.node()).collect();
    let line = |(region, nodes): &(crate::grid::Region, Vec<_>)| {
        format!("{region:?} {}", nodes.iter().map(text).collect::<Vec<_>>().join(" & "))
    };
    pieces(&nodes).iter().map(line).collect()
}

#[test]
fn each_run_is_a_piece() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 5]));
    let runs = concatenate(&[a, b], -1);
    assert_eq!(cut(&[&runs]), ["[0..4, 0..10] a", "[0..4, 10..15] b"]);
    assert_eq!(
        cut(&[&(&runs * 2)]),
        ["[0..4, 0..10] multiply(a, 2)", "[0..4, 10..15] multiply(b, 2)"]
    );
}

#[test]
fn what_has_no_concatenation_is_one_piece() {
    let a = file("a", &[4, 10]);
    assert_eq!(cut(&[&(&a + 1)]), ["[0..4, 0..10] add(a, 1)"]);
    // A reduction hides what is below it.
    let runs = concatenate(&[a.clone(), a], -1);
    assert_eq!(cut(&[&runs.sum(-1)]).len(), 1);
}

#[test]
fn a_cut_of_one_expression_cuts_every_other() {
    let (a, b, mask) = (file("a", &[4, 10]), file("b", &[4, 5]), file("mask", &[4, 15]));
    let runs = concatenate(&[a, b], -1);
    assert_eq!(
        cut(&[&runs, &mask]),
        ["[0..4, 0..10] a & mask[:, 0:10]", "[0..4, 10..15] b & mask[:, 10:15]"]
    );
    let other = concatenate(&[file("c", &[4, 7]), file("d", &[4, 8])], -1);
    assert_eq!(
        cut(&[&(&runs - &other)]),
        [
            "[0..4, 0..7] subtract(a[:, 0:7], c)",
            "[0..4, 7..10] subtract(a[:, 7:10], d[:, 0:3])",
            "[0..4, 10..15] subtract(b, d[:, 3:8])",
        ]
    );
}

#[test]
fn concatenations_within_concatenations_cut_in_every_axis() {
    let names = ["a", "b", "c", "d"].map(|name| file(name, &[2, 5]));
    let rows = [concatenate(&names[..2], -1), concatenate(&names[2..], -1)];
    assert_eq!(
        cut(&[&concatenate(&rows, 0)]),
        ["[0..2, 0..5] a", "[2..4, 0..5] c", "[0..2, 5..10] b", "[2..4, 5..10] d"]
    );
}

#[test]
fn an_empty_array_is_one_empty_piece() {
    assert_eq!(cut(&[&file("a", &[4, 10]).slice_axis(1, 3..3)]), ["[0..4, 0..0] a[:, 3:3]"]);
}
