//! Streams side by side, and streams below functions of blocks.

use ndarray::{ArrayD, s};

use super::feed;
use crate::feed::FeedSizes;
use crate::lazy::LazyArray;
use crate::lazy::testing::{SCRATCH_BYTES, file, stream};

#[test]
fn memory_of_streams_that_are_open_together_is_added_up() {
    let (a, b, c) = (stream("a", &[4, 10]), stream("b", &[4, 10]), file("c", &[4, 10]));
    let source_bytes = |array: &LazyArray| {
        let feed = feed(1, &[array]);
        let mut sizes = FeedSizes::default();
        sizes.cover(&feed, &feed.shape, false);
        sizes.source_bytes
    };
    assert_eq!(source_bytes(&a), SCRATCH_BYTES);
    assert_eq!(source_bytes(&(&a + &b)), 2 * SCRATCH_BYTES);
    // Boxes of files are read one after the other, beside the streams.
    assert_eq!(source_bytes(&(&a + &b + &c + c.flip(0))), 3 * SCRATCH_BYTES);
}

#[test]
fn a_function_of_blocks_of_a_stream_gets_the_rows_that_were_kept() {
    let double = |x: &LazyArray| {
        x.map_blocks::<i16, i16>("double", 0, |block, mut out| {
            out.zip_mut_with(&block, |o, v| *o = v.wrapping_mul(2));
        })
    };
    // More than one step reads at once.
    let shape = [128, 128, 80];
    let (from_stream, from_file) = (stream("a", &shape), file("a", &shape));
    let made: [fn(&LazyArray) -> LazyArray; 3] = [
        |x| x.diff(2),
        |x| x - x.slice_axis(2, 0..1),
        |x| x.slice(s![.., .., 2..]) - x.slice(s![.., .., ..-2]),
    ];
    for make in made {
        let compute = |x: &LazyArray| -> ArrayD<i16> { double(&make(x)).compute::<i16>().unwrap() };
        assert_eq!(compute(&from_stream), compute(&from_file));
    }
}
