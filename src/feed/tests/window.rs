//! Boxes of one source that lie side by side are read as one.

use super::{feed, histories};
use crate::lazy::testing::{file, stream};

#[test]
fn neighbours_share_a_window() {
    let a = file("a", &[100, 10]);
    let smooth = a.slice_axis(0, 2..) + a.slice_axis(0, 1..99) + a.slice_axis(0, ..98);
    let one = feed(1, &[&smooth]);
    assert_eq!((one.windows.len(), one.branches[0].loads.len()), (1, 3));
    // 98 rows, and 2 more for the neighbours.
    assert_eq!(one.window_shape(0, &[98, 10]), [100, 10]);
    assert_eq!(one.window_shape(0, &[7, 1]), [9, 1]);
    assert!(!one.is_direct(0, false));
}

#[test]
fn views_far_apart_are_read_each_for_itself() {
    let a = file("a", &[4, 200]);
    let near = feed(1, &[&(a.slice_axis(1, 64..) - a.slice_axis(1, ..136))]);
    assert_eq!((near.windows.len(), histories(&near)), (1, vec![64]));
    let far = feed(1, &[&(a.slice_axis(1, 65..) - a.slice_axis(1, ..135))]);
    assert_eq!((far.windows.len(), histories(&far)), (2, vec![0, 0]));
    // Neither holds the rows between them.
    for window in 0..2 {
        assert_eq!(far.window_shape(window, &[4, 1]), [4, 1]);
        assert!(far.is_direct(window, false));
    }
}

#[test]
fn other_steps_directions_and_picks_are_windows_of_their_own() {
    let a = file("a", &[4, 10]);
    let apart = [
        a.slice_axis(1, ..5) + a.slice(ndarray::s![.., ..;2]),
        &a + a.flip(1),
        a.slice_axis(1, ..3) + a.take(&[0, 1, 5], 1),
        &a + a.slice_axis(1, 2..3),
        a.slice(ndarray::s![.., ..;2]) + a.slice(ndarray::s![.., 1..;2]),
    ];
    for array in &apart {
        let two = feed(1, &[array]);
        assert_eq!((two.windows.len(), histories(&two)), (2, vec![0, 0]));
    }
}

#[test]
fn of_a_stream_whole_volumes_are_held_however_they_are_looked_at() {
    let a = stream("a", &[5, 3, 10]);
    let part = a.slice_axis(0, 0..2) + a.slice_axis(0, 3..).flip(1);
    let one = feed(2, &[&part]);
    assert_eq!(one.windows.len(), 1);
    assert_eq!(one.window_shape(0, &[2, 3, 2]), [5, 3, 2]);
    // Time lies in volumes of its own.
    let first = &a - a.slice_axis(2, 0..1);
    assert_eq!(feed(2, &[&first]).windows.len(), 2);
}

#[test]
fn a_box_is_read_without_a_window_only_where_one_load_wants_it_as_it_lies() {
    let a = file("a", &[4, 6, 10]);
    let direct = |array: &crate::lazy::LazyArray| feed(2, &[array]).is_direct(0, false);
    assert!(direct(&a));
    let plane = a.slice(ndarray::s![1..3, 2, ..]);
    assert!(feed(1, &[&plane]).is_direct(0, false));
    assert!(direct(&(a.slice_axis(1, 2..) * 2)));
    assert!(!direct(&a.flip(0)));
    assert!(!direct(&a.swapaxes(0, 1)));
    assert!(!direct(&a.diff(2)));
    assert!(!feed(2, &[&a]).is_direct(0, true), "a window that is kept is a buffer");
    let s = stream("s", &[4, 6, 10]);
    assert!(direct(&s) && direct(&s.slice_axis(2, 3..)));
    assert!(!direct(&s.slice_axis(0, 1..)), "a stream hands over whole volumes");
}
