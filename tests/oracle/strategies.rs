//! Random sources and random recipes for expressions over them.
//!
//! A recipe is a list of steps made of plain numbers; `case::grow` reads them as what is possible at
//! that point, so every recipe means something.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use voxstore::DType;

use crate::twin::Number;

/// What a source's numbers look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    Small,
    /// Extremes and random bits; floats with zeros of both signs and wide exponents.
    Edges,
    /// A large number plus a small difference.
    Offset,
    Constant,
    /// NaN and infinities among small numbers (for floats).
    NonFinite,
}

#[derive(Clone, Debug)]
pub(crate) struct SourceSpec {
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    pub(crate) style: Style,
    pub(crate) seed: u64,
    pub(crate) block: Vec<u64>,
    pub(crate) other_block: Vec<u64>,
    pub(crate) scaling: Option<(f64, f64)>,
    /// Which kind of source it is where a case mixes them.
    pub(crate) kind: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Which operation.
    pub(crate) rule: u8,
    /// What decides the rest: which arrays, axes and ways.
    pub(crate) seed: u64,
    pub(crate) ddof: u64,
    pub(crate) cuts: [(u8, u8, u8, u8); 4],
    pub(crate) number: Number,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) sources: Vec<SourceSpec>,
    pub(crate) steps: Vec<Step>,
    /// Slices may go backwards along the last axis; no source is then sequential.
    pub(crate) backwards: bool,
}

fn dtype() -> impl Strategy<Value = DType> {
    prop::sample::select(DType::ALL.to_vec())
}

/// Lengths of 1 to 4 axes; at most `4096` elements.
fn base_shape() -> impl Strategy<Value = Vec<u64>> {
    let usual = prop::collection::vec(2..=9_u64, 1..=4);
    let odd = prop::collection::vec(0..=9_u64, 1..=4);
    prop_oneof![3 => usual, 1 => odd].prop_map(|mut shape| {
        while shape.iter().product::<u64>() > 2500 {
            let longest = (0..shape.len()).max_by_key(|&a| shape[a]).unwrap();
            shape[longest] -= 1;
        }
        shape
    })
}

fn block(shape: Vec<u64>, split: bool) -> impl Strategy<Value = Vec<u64>> {
    let one = move |len: u64| match (split, len) {
        (true, 2..) => 1..=len - 1,
        _ => 1..=len.max(1) + 1,
    };
    shape.into_iter().map(one).collect::<Vec<_>>()
}

fn source(base: Vec<u64>, split: bool) -> impl Strategy<Value = SourceSpec> {
    let axes = base.len();
    let varied = (0..4_u8, 0..axes, 1..=9_u64).prop_map(move |(vary, axis, len)| {
        let mut shape = base.clone();
        if vary == 0 && shape[axis] > 1 {
            shape[axis] = len.max(2);
        }
        shape
    });
    let style = prop::sample::select(vec![
        Style::Small,
        Style::Small,
        Style::Edges,
        Style::Edges,
        Style::Offset,
        Style::Offset,
        Style::Constant,
        Style::NonFinite,
    ]);
    let scaling = prop::option::weighted(
        0.4,
        (
            prop::sample::select(vec![1.0, -2.0, 0.1, 3.7]),
            prop::sample::select(vec![0.0, 10.5, -3.0]),
        ),
    );
    (varied, dtype(), style, any::<u64>(), scaling, any::<u8>()).prop_flat_map(
        move |(shape, dtype, style, seed, scaling, kind)| {
            (block(shape.clone(), split), block(shape.clone(), false)).prop_map(
                move |(block, other_block)| SourceSpec {
                    shape: shape.clone(),
                    dtype,
                    style,
                    seed,
                    block,
                    other_block,
                    scaling,
                    kind,
                },
            )
        },
    )
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        prop::sample::select(vec![0, 1, 2, 3, -1, 100, 300, -70_000, i64::MAX])
            .prop_map(Number::I64),
        prop::sample::select(vec![0, 7, -3, 127, i32::MIN]).prop_map(Number::I32),
        prop::sample::select(vec![0, 1, 200, u32::MAX]).prop_map(Number::U32),
        prop::sample::select(vec![0.0, 1.0, -2.5, 0.1, 1e10, f64::NAN]).prop_map(Number::F64),
        prop::sample::select(vec![1.5_f32, -0.1, 3e30]).prop_map(Number::F32),
        any::<bool>().prop_map(Number::Bool),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let cut = any::<(u8, u8, u8, u8)>();
    (any::<u8>(), any::<u64>(), 0..=2_u64, [cut; 4], number())
        .prop_map(|(rule, seed, ddof, cuts, number)| Step { rule, seed, ddof, cuts, number })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let shape_and_split = (base_shape(), prop::bool::weighted(0.85));
    shape_and_split.prop_flat_map(|(base, split)| {
        (
            prop::collection::vec(source(base, split), 1..=3),
            prop::collection::vec(step(), 1..=9),
            prop::bool::weighted(0.3),
        )
            .prop_map(|(sources, steps, backwards)| Case { sources, steps, backwards })
    })
}

/// A case of one source of whole blocks.
pub(crate) fn one_source() -> impl Strategy<Value = SourceSpec> {
    base_shape().prop_flat_map(|base| source(base, true))
}

/// Runs `test` on `cases` cases, the same ones every time; `VOXSTORE_CASES` is the number in percent.
pub(crate) fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value)) {
    let percent: u32 = std::env::var("VOXSTORE_CASES").map_or(100, |v| v.parse().unwrap());
    // A few cases of large things are not made fewer.
    let cases = (cases * percent / 100).max(cases.min(10));
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let outcome = runner.run(&strategy, |value| {
        test(value);
        Ok(())
    });
    match outcome {
        Err(TestError::Fail(reason, value)) => panic!("{reason}\nsmallest case: {value:?}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
        Ok(()) => {}
    }
}
