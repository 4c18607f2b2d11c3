//! Steps cover every row once and end where blocks end.

use super::feed;
use crate::feed::Feed;
use crate::feed::ReadTarget::{Blocks, Rows};
use crate::lazy::testing::Numbered;

fn ends(feed: &Feed, rows: u64) -> Vec<u64> {
    let mut ends = Vec::new();
    let mut from = 0;
    while from < feed.rows() {
        let end = feed.next_end(from, rows);
        assert!(from < end && end <= from + rows.max(1) && end <= feed.rows());
        ends.push(end);
        from = end;
    }
    ends
}

#[test]
fn steps_end_where_blocks_end() {
    let a = Numbered::file("a", &[4, 23], &[4, 5]).lazy();
    let all = feed(1, &[&a]);
    assert_eq!(all.block_along(1), Some((5, 0)));
    assert_eq!(ends(&all, 10), [10, 20, 23]);
    assert_eq!(ends(&all, 5), [5, 10, 15, 20, 23]);
    // Not with more than was asked for, and not with less than can be.
    assert_eq!(ends(&all, 7), [5, 10, 15, 20, 23]);
    assert_eq!(ends(&all, 3), [3, 5, 8, 10, 13, 15, 18, 20, 23]);
    assert_eq!(ends(&all, 100), [23]);
    assert_eq!(ends(&all, 1).len(), 23);
}

#[test]
fn blocks_begin_where_the_source_has_them() {
    let a = Numbered::file("a", &[4, 23], &[4, 5]).lazy();
    let part = feed(1, &[&a.slice_axis(1, 3..)]);
    assert_eq!(part.block_along(1), Some((5, 2)));
    assert_eq!(ends(&part, 5), [2, 7, 12, 17, 20]);
    assert_eq!(ends(&part, 3), [2, 5, 7, 10, 12, 15, 17, 20]);
    // One row behind, a difference still ends with its array's blocks.
    assert_eq!(feed(1, &[&a, &a.diff(1)]).block_along(1), Some((5, 0)));
    assert_eq!(feed(1, &[&a.diff(1)]).block_along(1), Some((5, 4)));
    // Of the other axis it is the place in the file.
    let side = a.slice_axis(0, 1..);
    assert_eq!(feed(1, &[&side]).block_along(0), Some((4, 3)));
}

#[test]
fn far_apart_each_window_has_its_own_block_edges() {
    let a = Numbered::file("a", &[1, 200], &[1, 7]).lazy();
    let far = feed(1, &[&(a.slice_axis(1, 100..) - a.slice_axis(1, ..100))]);
    // Blocks end before rows 5 (source row 105) and 7 (source row 7): one of them is kept to.
    assert_eq!(far.windows.iter().map(|window| window.base).collect::<Vec<_>>(), [100, 0]);
    assert_eq!(far.block_along(1), Some((7, 5)));
}

#[test]
fn what_is_not_stored_in_blocks_or_not_in_order_has_no_edges() {
    let a = Numbered::file("a", &[4, 23], &[4, 5]).lazy();
    assert_eq!(feed(1, &[&a.flip(1)]).block_along(1), None);
    assert_eq!(feed(1, &[&a.take(&[0, 1, 5], 1)]).block_along(1), None);
    assert_eq!(feed(1, &[&a.slice(ndarray::s![.., ..;2])]).block_along(1), None);
    let memory = crate::lazy::from_ndarray(ndarray::Array2::<i16>::zeros((4, 23)));
    assert_eq!(feed(1, &[&memory]).block_along(1), None);
    assert_eq!(ends(&feed(1, &[&memory]), 10), [10, 20, 23]);
}

#[test]
fn every_row_is_in_one_step_whatever_the_blocks() {
    for block in 1..9 {
        for start in 0..9 {
            let a = Numbered::file("a", &[2, 31], &[2, block]).lazy();
            let part = feed(1, &[&a.slice_axis(1, start..)]);
            for rows in 1..40 {
                let ends = ends(&part, rows);
                assert_eq!(ends.last(), Some(&part.rows()));
                // No step goes over an edge that it could have ended at.
                let edge = |row: u64| (row + start as u64).is_multiple_of(block);
                let mut from = 0;
                for end in ends {
                    let inside = (from + 1..end).any(edge);
                    assert!(!inside || edge(end) || end == part.rows(), "{from}..{end} of {block}");
                    from = end;
                }
            }
        }
    }
}

#[test]
fn a_step_is_whole_blocks_near_what_a_read_should_be() {
    let a = Numbered::file("a", &[4, 23], &[4, 5]).lazy();
    let all = feed(1, &[&a]);
    // A row is 8 bytes.
    assert_eq!(all.step_shape(&[4, 23], Blocks(8 * 12)), [4, 10]);
    assert_eq!(all.step_shape(&[4, 23], Blocks(8)), [4, 5], "a stored block is read whole");
    assert_eq!(all.step_shape(&[4, 23], Rows(8 * 3)), [4, 3], "it is cut where it does not fit");
    assert_eq!(all.step_shape(&[4, 23], Rows(8 * 12)), [4, 10]);
    assert_eq!(all.step_shape(&[4, 23], Rows(0)), [4, 1]);
    assert_eq!(all.step_shape(&[2, 23], Blocks(8 * 12)), [2, 23]);
}
