//! Views of views, and boxes of views, against the index map they stand for.

use super::random::Dice;
use crate::grid::Region;
use crate::lazy::testing::{behind, indices};
use crate::lazy::{AxisView, View};

const CASES: u64 = 2000;

fn array_of(dice: &mut Dice) -> Vec<u64> {
    let ndim = dice.between(0, 4) as usize;
    let least = u64::from(!dice.once_in(10));
    dice.shape(ndim, least, 6)
}

/// Element `k` in memory order of a box of an array is the index of that element in the array, as one
/// number.
fn numbered(of: &Region, shape: &[u64]) -> Vec<u8> {
    let number = |index: Vec<u64>| {
        (0..shape.len()).rev().fold(0, |at, axis| at * shape[axis] + index[axis]) as u32
    };
    indices(of).flat_map(|index| number(index).to_ne_bytes()).collect()
}

#[test]
fn a_view_of_a_view_shows_what_the_one_shows_of_the_other() {
    for case in 0..CASES {
        let mut dice = Dice::of(case);
        let shape = array_of(&mut dice);
        let inner = dice.view(&shape);
        let outer = dice.view(inner.shape());
        let both = inner.then(&outer);
        assert_eq!(both.shape(), outer.shape(), "case {case}");
        for index in indices(&Region::whole(outer.shape())) {
            let want = behind(&inner, &behind(&outer, &index));
            assert_eq!(behind(&both, &index), want, "case {case}: {inner:?} then {outer:?}");
        }
        assert_eq!(inner.then(&View::whole(inner.shape())), inner, "case {case}");
        assert_eq!(View::whole(&shape).then(&inner), inner, "case {case}");
    }
}

#[test]
fn views_that_show_the_same_are_equal() {
    let picks = |indices: &[u64]| AxisView::Pick { axis: 0, indices: indices.into() };
    let run = |start, step| AxisView::Run { axis: 0, start, step };
    let view = |len, driver| View::new(vec![len], vec![driver]);
    assert_eq!(view(3, picks(&[1, 3, 5])), view(3, run(1, 2)));
    assert_eq!(view(2, picks(&[4, 2])), view(2, run(4, -2)));
    assert_eq!(view(1, run(4, -2)), view(1, run(4, 1)));
    let there_and_back = view(4, run(3, -1)).then(&view(4, run(3, -1)));
    assert!(there_and_back.is_whole(&[4]));
    // But a repeat is not a run, nor is an uneven pick.
    assert!(matches!(view(2, picks(&[4, 4])).axes(), [AxisView::Pick { .. }]));
    assert!(matches!(view(3, picks(&[1, 2, 4])).axes(), [AxisView::Pick { .. }]));
}

#[test]
fn a_box_of_a_view_is_gathered_out_of_the_box_it_touches() {
    for case in 0..CASES {
        let mut dice = Dice::of(case);
        let shape = array_of(&mut dice);
        let view = dice.view(&shape);
        let of = dice.region(view.shape());
        if of.is_empty() {
            continue;
        }
        let touched = view.region(&of);
        assert!(touched.fits(&shape), "case {case}: {view:?} of {of:?} touches {touched:?}");
        let reach = view.reach(of.shape());
        let fits = touched.shape().iter().zip(&reach).all(|(len, most)| len <= most);
        assert!(fits, "case {case}: {view:?} of {of:?} touches {touched:?}, not within {reach:?}");
        // What is held may be more than is touched.
        let start: Vec<u64> = touched.start().iter().map(|&s| s - dice.between(0, s)).collect();
        let lens = (0..shape.len())
            .map(|axis| dice.between(touched.end(axis), shape[axis]) - start[axis])
            .collect();
        let held = Region::new(start, lens);
        let mut got = vec![0; of.len() as usize * 4];
        view.gather(&of, &held).copy(&numbered(&held, &shape), &mut got, 4);
        let number = |index: Vec<u64>| {
            numbered(&Region::new(behind(&view, &index), vec![1; shape.len()]), &shape)
        };
        let want: Vec<u8> = indices(&of).flat_map(number).collect();
        assert_eq!(got, want, "case {case}: {view:?} of {of:?} out of {held:?}");
        if view.is_in_order() {
            assert_eq!(got, numbered(&touched, &shape), "case {case}: {view:?} is not in order");
        }
    }
}

#[test]
fn only_views_that_are_read_as_they_lie_are_in_order() {
    let run = |axis, start, step| AxisView::Run { axis, start, step };
    let in_order =
        |shape: &[u64], axes: &[AxisView]| View::new(shape.to_vec(), axes.to_vec()).is_in_order();
    assert!(in_order(&[3, 2], &[run(0, 1, 1), run(1, 0, 1)]));
    assert!(in_order(&[3, 2], &[run(0, 1, 1), AxisView::At(4), run(1, 0, 1)]));
    assert!(in_order(&[3, 1, 2], &[run(0, 1, 1), run(2, 0, 1)]));
    assert!(!in_order(&[3, 2], &[run(1, 0, 1), run(0, 0, 1)]));
    assert!(!in_order(&[3, 2], &[run(0, 0, 2), run(1, 0, 1)]));
    assert!(!in_order(&[3, 2], &[run(0, 0, 1)]));
    assert!(!in_order(&[5, 3], &[run(1, 0, 1)]));
}

#[test]
fn a_stream_goes_back_where_rows_of_the_walk_come_in_another_order() {
    let view = |driver: AxisView| View::new(vec![2, 3], vec![driver, AxisView::At(0)]);
    let last = |driver: AxisView| {
        View::new(vec![2, 3], vec![AxisView::Run { axis: 0, start: 0, step: 1 }, driver])
    };
    let pick = |indices: &[u64]| AxisView::Pick { axis: 1, indices: indices.into() };
    let run = |start, step| AxisView::Run { axis: 1, start, step };
    assert!(!last(run(0, 1)).goes_back(Some(1)));
    assert!(!last(run(0, 2)).goes_back(Some(1)));
    assert!(last(run(2, -1)).goes_back(Some(1)));
    assert!(!last(pick(&[0, 1, 4])).goes_back(None));
    assert!(last(pick(&[0, 4, 1])).goes_back(None));
    assert!(last(pick(&[0, 0, 1])).goes_back(None));
    // What does not move with the walk is held whole.
    assert!(!last(run(2, -1)).goes_back(Some(0)));
    assert!(!view(run(2, -1)).goes_back(Some(0)));
}
