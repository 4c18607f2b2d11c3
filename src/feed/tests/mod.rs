//! What flows together, what is read for it, and whether it arrives.

mod arrive;
mod fuse;
mod line_up;
mod step;
mod stream;
mod window;

use std::sync::Arc;

use super::{Feed, FeedBuilder, Want};
use crate::lazy::LazyArray;

fn want(array: &LazyArray) -> Want {
    Want {
        node: Arc::clone(array.node()),
        dtype: array.dtype(),
        mask: None,
        phase: crate::feed::Phase::Samples,
    }
}

/// The feed of arrays that flow together along `walk`.
fn feed(walk: usize, arrays: &[&LazyArray]) -> Feed {
    let mut builder = FeedBuilder::new(walk, false);
    for (number, array) in arrays.iter().enumerate() {
        assert_eq!(builder.try_add(&want(array)), Some(number), "array {number}");
    }
    builder.build().0
}

/// Rows before those of a step, one entry a window.
fn histories(feed: &Feed) -> Vec<u64> {
    feed.windows.iter().map(|window| window.history).collect()
}

fn lags(feed: &Feed) -> Vec<u64> {
    feed.branches.iter().map(|branch| branch.lag).collect()
}
