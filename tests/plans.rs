//! Plans are rules, not lists: their size does not depend on the number of blocks, and expressions are
//! graphs, not trees.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "oracle/allocator.rs"]
mod allocator;
#[path = "oracle/pattern.rs"]
mod pattern;

use std::sync::{Arc, Mutex};

use allocator::measured;
use pattern::Pattern;
use voxstore::{Access, DType, LazyArray, ReduceOptions, Session};

/// All that people ask of a run, over blocks of this shape.
fn plan(shape: &[u64], block: &[u64]) -> (String, u64) {
    let source = Pattern::new(shape, DType::I16, block, Access::Random);
    let x = LazyArray::from_source(Arc::new(source));
    let keep = || ReduceOptions::new().keepdims();
    let z = (&x - x.mean_with(-1, keep())) / x.std_with(-1, keep());
    let (tsnr, signal) = (x.mean(-1) / x.std(-1), x.mean([0, 1, 2]));
    let dvars = x.diff(-1).square().mean([0, 1, 2]).sqrt();
    let session = Session::builder().memory("1TiB").threads(8).build().unwrap();
    measured(|| {
        session.explain(&[&z.max(..), &tsnr, &x.median(-1), &signal, &dvars]).unwrap().text()
    })
}

/// One test at a time, so that nothing else allocates.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_plan_over_ten_million_blocks_is_as_small_as_one_over_ten_thousand() {
    let _alone = ALONE.lock();
    let (few, few_bytes) = plan(&[1000, 1000, 1000, 10], &[100, 100, 100, 1]);
    let (many, many_bytes) = plan(&[1000, 1000, 1000, 10], &[10, 10, 10, 1]);
    assert!(many_bytes < 1 << 20, "{many_bytes} bytes");
    assert!(many_bytes < 2 * few_bytes, "{few_bytes} bytes for 10^4 blocks, {many_bytes} for 10^7");
    assert!(many.lines().count() < 2 * few.lines().count());
}

#[test]
fn what_is_shared_is_planned_once() {
    let _alone = ALONE.lock();
    let mut x = voxstore::arange(0_i64, 5, 1);
    for _ in 0..60 {
        x = &x + &x;
    }
    // 2^60 additions, if each were gone through by itself.
    let explained = Session::default().explain(&[&x, &x.sum(-1)]).unwrap();
    assert!(explained.text().lines().count() < 1000);
    assert_eq!(x.compute::<i64>().unwrap()[1], 1 << 60);
    let flat = x.reshape(&[5, 1]).slice(ndarray::s![..;-1, 0]).expand_dims(0);
    assert_eq!(flat.compute::<i64>().unwrap()[[0, 3]], 1 << 60);
}
