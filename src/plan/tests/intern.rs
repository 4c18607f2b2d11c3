//! What computes the same becomes one node.

use std::sync::Arc;

use crate::lazy::testing::{file, text};
use crate::lazy::{LazyArray, ReduceOptions};
use crate::plan::intern::Interner;

/// True where both become one node.
fn one(first: &LazyArray, second: &LazyArray) -> bool {
    let mut interner = Interner::default();
    let nodes = [first, second].map(|array| interner.canonical(array.node()));
    assert_eq!(text(&nodes[0]), text(first.node()));
    assert_eq!(text(&nodes[1]), text(second.node()));
    Arc::ptr_eq(&nodes[0], &nodes[1])
}

#[test]
fn expressions_built_twice_become_one() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let built = || ((&a + &b).slice_axis(1, 2..) * 2.5).mean(-1).sqrt();
    assert!(one(&built(), &built()));
    let joined = || crate::lazy::concatenate(&[a.clone(), b.clone()], -1).std(0);
    assert!(one(&joined(), &joined()));
    // However the view came about.
    assert!(one(&a.slice_axis(1, 2..).slice_axis(1, 3..), &a.slice_axis(1, 5..)));
    assert!(one(&a.take(&[1, 3], 1), &a.slice(ndarray::s![.., 1..4;2])));
}

#[test]
fn what_differs_in_anything_stays_apart() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    // Two sources of one name are two sources.
    assert!(!one(&a, &file("a", &[4, 10])));
    assert!(!one(&(&a - &b), &(&b - &a)));
    assert!(!one(&(&a * 2), &(&a * 3)));
    assert!(!one(&(&a * 2), &(&a + 2)));
    assert!(!one(&(a.to_f64() * 0.0), &(a.to_f64() * -0.0)), "the sign of a zero counts");
    assert!(!one(&a.slice_axis(1, 1..), &a.slice_axis(1, ..9)));
    assert!(!one(&a.mean(-1), &a.sum(-1)));
    assert!(!one(&a.sum(0), &a.sum(1)));
    let ddof = |ddof| a.var_with(-1, ReduceOptions::new().ddof(ddof));
    assert!(one(&ddof(1), &ddof(1)) && !one(&ddof(0), &ddof(1)));
    assert!(!one(&a.quantile(0.5, -1), &a.quantile(0.25, -1)));
    let mask = |limit: i32| a.sum_with(-1, ReduceOptions::new().mask(&b.greater(limit)));
    assert!(one(&mask(3), &mask(3)) && !one(&mask(3), &mask(4)) && !one(&mask(3), &a.sum(-1)));
    let groups = |labels: [u8; 10]| a.group_by(-1, &labels).mean();
    let (even, odd) = ([0, 1, 0, 1, 0, 1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert!(one(&groups(even), &groups(even)) && !one(&groups(even), &groups(odd)));
}

#[test]
fn functions_are_the_same_only_where_they_are_one_call() {
    let a = file("a", &[4, 10]);
    let made = || a.map_blocks::<i16, i16>("f", 0, |_, _| {});
    let (first, second) = (made(), made());
    assert!(one(&(&first + 1), &(&first + 1)));
    assert!(!one(&first, &second), "two closures may do two things");
}
