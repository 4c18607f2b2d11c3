//! Elementwise code is one program: no temporary is larger than a tile of it.

use super::{feed, want};
use crate::dtype::DType;
use crate::feed::FeedBuilder;
use crate::lazy::testing::file;

#[test]
fn what_several_want_is_computed_once() {
    let (a, b) = (file("a", &[4, 10]), file("b", &[4, 10]));
    let sum = (&a + &b).sqrt();
    let alone = feed(1, &[&(&sum * 2)]);
    let shared = feed(1, &[&(&sum * 2), &(&sum * 3), &sum]);
    assert_eq!(shared.branches[0].loads.len(), 2);
    assert_eq!(shared.branches[0].outputs.len(), 3);
    // The same asked for twice is one output.
    assert_eq!(feed(1, &[&sum, &sum]).branches[0].outputs.len(), 1);
    assert_eq!(alone.branches[0].outputs, [sum.dtype()]);
}

#[test]
fn registers_do_not_grow_with_the_array() {
    let bytes = |shape: &[u64]| {
        let a = file("a", shape);
        let feed = feed(1, &[&((&a + 1) * (&a - 1) / 3)]);
        feed.branches[0].program.as_ref().unwrap().register_bytes()
    };
    assert_eq!(bytes(&[4, 10]), bytes(&[100, 200]));
}

#[test]
fn elements_as_they_come_need_no_program() {
    let a = file("a", &[4, 10]);
    assert!(feed(1, &[&a]).branches[0].program.is_none());
    assert!(feed(1, &[&a.flip(0)]).branches[0].program.is_none());
    assert!(feed(1, &[&a, &a.flip(0)]).branches[0].program.is_some());
    // In another type they do.
    let mut builder = FeedBuilder::new(1, false);
    let mut wide = want(&a);
    wide.dtype = DType::F64;
    builder.try_add(&wide);
    assert!(builder.build().0.branches[0].program.is_some());
}
