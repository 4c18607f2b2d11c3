//! Views of a reduction go below it where nobody wants the rest.

use std::sync::Arc;

use ndarray::s;

use crate::lazy::testing::{assert_same, file, text};
use crate::lazy::tests::Dice;
use crate::lazy::{LazyArray, Node, ReduceOptions, see};
use crate::plan::narrow::narrow;

fn narrowed(arrays: &[&LazyArray]) -> Vec<String> {
    let roots: Vec<Arc<Node>> = arrays.iter().map(|array| Arc::clone(array.node())).collect();
    narrow(&roots).iter().map(text).collect()
}

#[track_caller]
fn becomes(array: &LazyArray, before: &str, after: &str) {
    assert_eq!(text(array.node()), before);
    assert_eq!(narrowed(&[array]), [after]);
}

#[test]
fn only_the_cells_that_are_kept_are_read() {
    let a = file("a", &[4, 5, 10]);
    let mean = a.mean(-1);
    becomes(&mean.slice(s![1..3, 2]), "mean(a; 2)[1:3, 2]", "mean(a[1:3, 2, :]; 1)");
    becomes(&mean.slice(s![.., 0..5;2]), "mean(a; 2)[:, 0+2*3]", "mean(a[:, 0+2*3, :]; 2)");
    becomes(&mean.take(&[0, 1, 3], 0), "mean(a; 2)[[0, 1, 3], :]", "mean(a[[0, 1, 3], :, :]; 2)");
    becomes(&a.mean(0).slice(s![1, ..]), "mean(a; 0)[1, :]", "mean(a[:, 1, :]; 0)");
    let masked = a.sum_with(-1, ReduceOptions::new().mask(&a.greater(5))).slice(s![0, ..]);
    becomes(
        &masked,
        "sum(a; 2; where greater(a, 5))[0, :]",
        "sum(a[0, :, :]; 1; where greater(a[0, :, :], 5))",
    );
    // The slice goes on into the files of a concatenation.
    let runs = crate::lazy::concatenate(&[a.clone(), file("b", &[4, 5, 10])], 0);
    becomes(
        &runs.mean(-1).slice(s![5, ..]),
        "mean(concat(a, b; 0); 2)[5, :]",
        "mean(b[1, :, :]; 1)",
    );
}

#[test]
fn order_direction_and_repeats_of_a_view_stay_above_the_reduction() {
    let a = file("a", &[4, 5, 10]);
    let mean = a.mean(-1);
    becomes(
        &mean.slice(s![1..4;-1, ..]),
        "mean(a; 2)[3+-1*3, :]",
        "mean(a[1:4, :, :]; 2)[2+-1*3, :]",
    );
    becomes(&mean.transpose(..), "mean(a; 2)[:@1, :@0]", "mean(a; 2)[:@1, :@0]");
    becomes(
        &mean.slice(s![1, ..]).broadcast_to(&[3, 5]),
        "mean(a; 2)[1, :@1 as [3, 5]]",
        "mean(a[1, :, :]; 1)[:@1 as [3, 5]]",
    );
    // Picks in another order would need the sums in another order.
    becomes(&mean.take(&[2, 0, 0], 0), "mean(a; 2)[[2, 0, 0], :]", "mean(a; 2)[[2, 0, 0], :]");
}

#[test]
fn what_somebody_else_needs_whole_is_computed_once() {
    let a = file("a", &[4, 10]);
    let mean = a.mean(-1);
    let part = mean.slice(s![1..3]);
    assert_eq!(narrowed(&[&mean, &part]), ["mean(a; 1)", "mean(a; 1)[1:3]"]);
    assert_eq!(narrowed(&[&part, &(&mean * 2)]), ["mean(a; 1)[1:3]", "multiply(mean(a; 1), 2)"]);
    let whole = &mean - mean.max(0);
    assert_eq!(narrowed(&[&part, &whole])[0], "mean(a; 1)[1:3]");
    // Several views, none of them whole, are reductions of their own.
    assert_eq!(narrowed(&[&part, &mean.slice(s![3])]), ["mean(a[1:3, :]; 1)", "mean(a[3, :]; 0)"]);
}

#[test]
fn a_slice_of_groups_stays_above_the_reduction() {
    let a = file("a", &[4, 10]);
    let groups = a.group_by(-1, &[0, 1, 0, 1, 0, 1, 0, 1, 0, 1]).sum();
    becomes(&groups.slice(s![.., 1]), "sum(a; 1; 2 groups)[:, 1]", "sum(a; 1; 2 groups)[:, 1]");
    becomes(
        &groups.slice(s![2.., 1]),
        "sum(a; 1; 2 groups)[2:4, 1]",
        "sum(a[2:4, :]; 1; 2 groups)[:, 1]",
    );
}

#[test]
fn a_view_goes_below_reductions_of_reductions() {
    let a = file("a", &[4, 10]);
    let keepdims = || ReduceOptions::new().keepdims();
    let centred = &a - a.sum_with(-1, keepdims());
    becomes(
        &centred.sum(-1).slice(s![1..3]),
        "sum(subtract(int64(a), sum(a; 1)[: as [4, 10]]); 1)[1:3]",
        "sum(subtract(int64(a[1:3, :]), sum(a[1:3, :]; 1)[: as [2, 10]]); 1)",
    );
}

#[test]
fn each_view_keeps_its_own_reduction() {
    let a = file("a", &[4, 10]);
    let sum = a.sum_with(-1, ReduceOptions::new().keepdims());
    let arrays: Vec<LazyArray> = (0..60_i64)
        .map(|k| {
            let from = k as isize % 3;
            (&a * k - &sum).sum(-1).slice_axis(0, from..=from)
        })
        .collect();
    let roots: Vec<Arc<Node>> = arrays.iter().map(|array| Arc::clone(array.node())).collect();
    for (before, after) in roots.iter().zip(narrow(&roots)) {
        assert_same(&after, before, "narrowed");
    }
}

#[test]
fn what_is_narrowed_has_the_elements_it_had() {
    for case in 0..400 {
        let mut dice = Dice::of(case);
        let shape = dice.shape(3, 1, 4);
        let a = file("a", &shape);
        let axis = dice.between(0, 2) as isize;
        let reduced = match dice.between(1, 3) {
            1 => a.sum(axis),
            2 => a.max([axis, (axis + 1) % 3]),
            _ => {
                let labels: Vec<u64> =
                    (0..shape[axis as usize]).map(|_| dice.between(0, 2)).collect();
                a.group_by(axis, &labels).sum()
            }
        };
        let views = [dice.view(reduced.shape()), dice.view(reduced.shape())];
        let roots = views.map(|view| see(reduced.node(), &view));
        for (before, after) in roots.iter().zip(narrow(&roots)) {
            assert_same(&after, before, &format!("case {case}"));
        }
    }
}
