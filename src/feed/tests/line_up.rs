//! Rows of wants that read a common source line up along the walk.

use ndarray::s;

use super::{feed, histories, lags, want};
use crate::feed::{FeedBuilder, gather};
use crate::grid::Region;
use crate::lazy::LazyArray;
use crate::lazy::testing::file;

#[test]
fn a_difference_flows_one_row_behind_its_array() {
    let a = file("a", &[4, 10]);
    let both = feed(1, &[&a, &a.diff(1)]);
    assert_eq!(
        (lags(&both), histories(&both), &both.shape[..]),
        (vec![0, 1], vec![1], &[4, 10][..])
    );
    // Whoever comes first.
    let both = feed(1, &[&a.diff(1), &a]);
    assert_eq!((lags(&both), histories(&both)), (vec![1, 0], vec![1]));
    // Of itself it has no lag.
    assert_eq!(lags(&feed(1, &[&a.diff(1)])), [0]);
    // The other axis is not walked.
    assert_eq!(lags(&feed(1, &[&a, &a.diff(0)])), [0, 0]);
}

#[test]
fn arrays_of_one_shape_and_lag_are_one_branch() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let one = feed(1, &[&a, &(&a + &b), &(&a * 2)]);
    assert_eq!((one.branches.len(), one.windows.len()), (1, 2));
    assert_eq!(one.branches[0].outputs.len(), 3);
    // A slice of the walk is shorter: a branch of its own, over the same rows.
    let two = feed(1, &[&a, &a.slice_axis(1, ..5)]);
    assert_eq!((two.branches.len(), two.windows.len(), lags(&two)), (2, 1, vec![0, 0]));
}

#[test]
fn a_new_source_lines_up_where_its_first_want_begins() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let late = a.slice_axis(1, 3..) + b.slice_axis(1, ..7);
    let all = feed(1, &[&a, &late, &b]);
    // Row 0 of b is used with row 3 of a.
    assert_eq!(lags(&all), [0, 3, 3]);
    assert_eq!((histories(&all), &all.shape[..]), (vec![0, 0], &[4, 13][..]));
}

#[test]
fn rows_that_cannot_line_up_make_two_feeds() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let mut builder = FeedBuilder::new(1, false);
    assert_eq!(builder.try_add(&want(&(&a + &b))), Some(0));
    let apart = a.slice_axis(1, 3..) + b.slice_axis(1, 2..9);
    assert_eq!(builder.try_add(&want(&apart)), None);
    // What was refused has left no trace.
    let alike = a.slice_axis(1, 3..) + b.slice_axis(1, 3..);
    assert_eq!(builder.try_add(&want(&alike)), Some(1));
    assert_eq!(lags(&builder.build().0), [0, 3]);
}

#[test]
fn rows_that_move_otherwise_never_line_up() {
    let a = file("a", &[4, 10]);
    let every_other = a.slice(s![.., ..;2]);
    for other in [a.flip(1), every_other.clone()] {
        let mut builder = FeedBuilder::new(1, false);
        builder.try_add(&want(&a));
        assert_eq!(builder.try_add(&want(&other)), None);
    }
    // Those that take the same steps do, in steps.
    let both = feed(1, &[&every_other, &every_other.diff(1)]);
    assert_eq!((lags(&both), &both.shape[..]), (vec![0, 1], &[4, 5][..]));
    let mut builder = FeedBuilder::new(1, false);
    builder.try_add(&want(&every_other));
    assert_eq!(builder.try_add(&want(&a.slice(s![.., 1..;2]))), None, "between the steps");
}

#[test]
fn picks_line_up_by_their_position_in_the_list() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let picks = a.take(&[0, 1, 4, 5, 9, 2, 3, 3, 0], 1);
    let behind = b.diff(1) + &picks;
    // Both walk along the picks, and one of them is a row behind: so is the other.
    let all = feed(1, &[&b, &behind, &picks]);
    assert_eq!(lags(&all), [0, 1]);
    let mut builder = FeedBuilder::new(1, false);
    builder.try_add(&want(&(&picks + b.slice_axis(1, ..9))));
    assert_eq!(builder.try_add(&want(&(&picks + b.slice_axis(1, 1..)))), None);
}

#[test]
fn wants_without_a_common_source_do_not_flow_together() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let mut builder = FeedBuilder::new(1, false);
    assert_eq!(builder.try_add(&want(&a)), Some(0));
    assert_eq!(builder.try_add(&want(&b)), None);
    assert_eq!(builder.try_add(&want(&a.slice_axis(0, 0..1).squeeze(0))), None);
    assert_eq!(builder.try_add(&want(&(&a + &b))), Some(1));
    // Now b is there, and a slice that stands still is of the same source.
    assert_eq!(builder.try_add(&want(&b)), Some(2));
    let still = b.slice_axis(1, 0..1).broadcast_to(&[4, 10]);
    assert_eq!(builder.try_add(&want(&still)), Some(3));
}

/// For each array, the number of its feed; all flow for one place.
fn gathered(arrays: &[&LazyArray]) -> Vec<usize> {
    let wants: Vec<_> = arrays.iter().map(|a| (Region::whole(&[4]), want(a))).collect();
    let (feeds, placed) = gather(&wants, &FeedBuilder::new(1, false));
    assert!(feeds.iter().all(|(place, feed)| place.shape() == [4] && feed.walk == 1));
    placed.into_iter().map(|placed| placed.feed).collect()
}

#[test]
fn a_want_of_two_sources_joins_the_feeds_of_both() {
    let (a, b, c) = (file("a", &[4, 10]), file("b", &[4, 10]), file("c", &[4, 10]));
    let across = b.slice_axis(1, ..1) - a.slice_axis(1, 9..);
    assert_eq!(gathered(&[&a, &b, &c]), [0, 1, 2]);
    assert_eq!(gathered(&[&a, &b, &c, &across]), [0, 0, 1, 0]);
    assert_eq!(gathered(&[&across, &c, &b, &a]), [0, 1, 0, 0]);
    // A chain of them, last link first.
    let next = c.slice_axis(1, ..1) - b.slice_axis(1, 9..);
    assert_eq!(gathered(&[&c, &b, &a, &next, &across]), [0; 5]);
    // Rows that cannot line up stay apart, and each is in just one feed.
    assert_eq!(gathered(&[&a, &a.flip(1), &b, &(&a + &b), &(&a + b.flip(1))]), [0, 1, 0, 0, 2]);
}

#[test]
fn wants_that_share_only_a_mask_or_lie_in_other_boxes_do_not_flow_together() {
    let (a, b, mask) = (file("a", &[4, 10]), file("b", &[4, 10]), file("mask", &[4]));
    let mask = mask.expand_dims(-1);
    assert_eq!(gathered(&[&(&a * &mask), &(&b * &mask)]), [0, 1]);
    // Where nothing moves, what stays is read once.
    assert_eq!(gathered(&[&mask, &(&mask * 2)]), [0, 0]);
    let wants = [(Region::whole(&[4]), want(&a)), (Region::whole(&[5]), want(&a))];
    assert_eq!(gather(&wants, &FeedBuilder::new(1, false)).0.len(), 2);
}
