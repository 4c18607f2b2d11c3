//! Views of expressions are expressions over views.

use ndarray::s;

use super::random::Dice;
use crate::lazy::testing::{assert_same, element, file, text};
use crate::lazy::{LazyArray, Node, Op, View, concatenate, see, stack};
use std::sync::Arc;

fn seen(array: &LazyArray) -> String {
    text(array.node())
}

#[test]
fn a_slice_folds_into_the_sources_below_elementwise_operations() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let sum = &a + &b * 2;
    assert_eq!(seen(&sum), "add(a, multiply(b, 2))");
    let part = sum.slice(s![1..3, ..;2]);
    assert_eq!(seen(&part), "add(a[1:3, 0+2*5], multiply(b[1:3, 0+2*5], 2))");
    assert_eq!(seen(&part.transpose(..)), "add(a[1:3@1, 0+2*5@0], multiply(b[1:3@1, 0+2*5@0], 2))");
    assert_eq!(seen(&sum.flip(..).flip(..)), seen(&sum));
    // All of it is the same node.
    assert!(Arc::ptr_eq(sum.slice(s![.., ..]).node(), sum.node()));
}

#[test]
fn a_slice_of_a_concatenation_opens_only_the_files_it_needs() {
    let runs = ["a", "b", "c"].map(|name| file(name, &[4, 10]));
    let all = concatenate(&runs, -1);
    assert_eq!(seen(&all), "concat(a, b, c; 1)");
    assert_eq!(seen(&all.slice(s![.., 12..15])), "b[:, 2:5]");
    assert_eq!(seen(&all.slice(s![0, 25])), "c[0, 5]");
    assert_eq!(seen(&all.slice(s![.., 8..12])), "concat(a[:, 8:10], b[:, 0:2]; 1)");
    assert_eq!(seen(&all.slice(s![.., 10..20])), "b");
    assert_eq!(seen(&all.slice(s![.., ..;15])), "concat(a[:, 0:1], b[:, 5:6]; 1)");
    // Backwards, the last file comes first.
    assert_eq!(seen(&all.slice(s![.., 8..12;-1])), "concat(b[:, 1+-1*2], a[:, 9+-1*2]; 1)");
    assert_eq!(seen(&all.take(&[21, 3, 4, 22], 1)), "concat(c[:, 1:2], a[:, 3:5], c[:, 2:3]; 1)");
    // Nothing of it is still an array of that shape.
    assert_eq!(seen(&all.slice(s![.., 5..5])), "a[:, 0:0]");
    // A slice of another axis goes into every file.
    assert_eq!(seen(&all.slice(s![1, ..])), "concat(a[1, :], b[1, :], c[1, :]; 0)");
}

#[test]
fn a_session_of_a_stack_is_the_session() {
    let sessions = stack(&[file("a", &[4, 10]), file("b", &[4, 10])], 0);
    assert_eq!(seen(&sessions), "concat(a[:@1, : as [1, 4, 10]], b[:@1, : as [1, 4, 10]]; 0)");
    assert_eq!(seen(&sessions.slice(s![1, .., ..])), "b");
}

#[test]
fn a_view_stays_above_a_reduction_and_above_a_function() {
    let a = file("a", &[4, 10]);
    assert_eq!(seen(&a.mean(-1).slice(s![1..3])), "mean(a; 1)[1:3]");
    // Views of that view are one view.
    assert_eq!(seen(&a.mean(-1).slice(s![1..3]).slice(s![1..2])), "mean(a; 1)[2:3]");
    let half = a.map_blocks::<i16, i16>("half", 0, |_, _| {});
    assert_eq!(seen(&half.slice(s![1, ..])), "half(a)[1, :]");
    assert_eq!(seen(&(&half + 1).slice(s![1, ..])), "add(half(a)[1, :], 1)");
}

#[test]
fn what_an_expression_shares_stays_shared_below_a_view() {
    let a = file("a", &[4, 10]);
    let square = &a * &a;
    let seen = (&square + &square).slice(s![1.., ..]);
    let Op::Map { inputs, .. } = &seen.node().op else { panic!("{}", text(seen.node())) };
    assert!(Arc::ptr_eq(&inputs[0], &inputs[1]));
}

/// Numbered files joined along random axes, with operations in between.
fn joined(dice: &mut Dice, shape: &[u64], depth: u64) -> LazyArray {
    if depth == 0 || dice.once_in(4) {
        let name = format!("f{}", dice.between(0, 99));
        return file(&name, shape);
    }
    if dice.once_in(4) {
        return &joined(dice, shape, depth - 1) - &joined(dice, shape, depth - 1) * 2;
    }
    let axis = dice.between(0, shape.len() as u64 - 1) as usize;
    if shape[axis] < 2 {
        return file("short", shape);
    }
    let (mut first, mut second) = (shape.to_vec(), shape.to_vec());
    first[axis] = dice.between(1, shape[axis] - 1);
    second[axis] = shape[axis] - first[axis];
    let both = [joined(dice, &first, depth - 1), joined(dice, &second, depth - 1)];
    concatenate(&both, axis as isize)
}

#[test]
fn what_is_seen_through_concatenations_is_what_the_whole_shows() {
    for case in 0..500 {
        let mut dice = Dice::of(case);
        let shape = dice.shape(3, 1, 6);
        let whole = joined(&mut dice, &shape, 3);
        let view = dice.view(&shape);
        let above = Op::View { input: Arc::clone(whole.node()), view: view.clone() };
        let above = Node::new(above, view.shape().to_vec(), whole.dtype());
        let below = see(whole.node(), &view);
        assert_same(&below, &above, &format!("case {case}"));
        // Seen again, and seen through everything.
        let again = dice.view(view.shape());
        assert_same(
            &see(&below, &again),
            &see(whole.node(), &view.then(&again)),
            &format!("case {case}, again"),
        );
        assert!(Arc::ptr_eq(&see(&below, &View::whole(&below.shape)), &below));
    }
}

#[test]
fn the_reference_of_these_tests_counts_in_memory_order() {
    let a = file("a", &[4, 10]);
    assert_eq!(element(a.node(), &[3, 2]), 11.0);
    assert_eq!(element((&a * 2 - 1).node(), &[3, 2]), 21.0);
    assert_eq!(element(a.sum(0).node(), &[2]), 38.0);
}
