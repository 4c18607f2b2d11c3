//! Slopes and intercepts go past the sums.

use std::sync::Arc;

use super::passes_of;
use crate::dtype::DType;
use crate::lazy::testing::{file, text};
use crate::lazy::{LazyArray, MapOp, Node, Op};
use crate::plan::scaling::past_scaling;
use crate::plan::tests::TIMID;

fn rescaled(array: &LazyArray, slope: f64, inter: f64) -> LazyArray {
    let inputs = vec![Arc::clone(array.node())];
    let op = Op::Map { op: MapOp::Rescale { slope, inter }, inputs };
    LazyArray::from_node(Node::new(op, array.shape().to_vec(), DType::F64))
}

#[track_caller]
fn goes_past(array: &LazyArray, rest: &str, slope: f64, inter: f64) {
    let (node, s, i) = past_scaling(array.node());
    assert_eq!((text(&node).as_str(), s, i), (rest, slope, inter), "{}", text(array.node()));
}

#[test]
fn the_stored_integers_are_summed() {
    let a = file("a", &[4, 10]);
    goes_past(&a, "a", 1.0, 0.0);
    goes_past(&rescaled(&a, 2.0, 3.0), "a", 2.0, 3.0);
    goes_past(&a.to_f64(), "a", 1.0, 0.0);
    goes_past(&rescaled(&a.astype(DType::I32), 2.0, 3.0).to_f64(), "a", 2.0, 3.0);
    // Below a view too: the view has gone on into the source.
    goes_past(&rescaled(&a, 2.0, 3.0).slice_axis(1, 2..5), "a[:, 2:5]", 2.0, 3.0);
}

#[test]
fn one_scaling_goes_past_and_no_other_operation() {
    let a = file("a", &[4, 10]);
    goes_past(&rescaled(&rescaled(&a, 2.0, 0.0), 3.0, 1.0), "rescale(a; 2, 0)", 3.0, 1.0);
    goes_past(&(rescaled(&a, 2.0, 0.0) * 3.0), "multiply(rescale(a; 2, 0), 3.0)", 1.0, 0.0);
}

#[test]
fn a_cast_that_rounds_stays() {
    let a = file("a", &[4, 10]);
    let to = |from: DType, dtype: DType| {
        let cast = MapOp::Cast(crate::kernel::Overflow::Wrap);
        let wide = a.astype(from);
        let op = Op::Map { op: cast, inputs: vec![Arc::clone(wide.node())] };
        past_scaling(&Node::new(op, a.shape().to_vec(), dtype)).0
    };
    // Values of int64 do not all fit float64, nor those of float64 float32.
    assert_eq!(text(&to(DType::I64, DType::F64)), "float64(int64(a))");
    assert_eq!(text(&to(DType::F64, DType::F32)), "float32(float64(a))");
    assert_eq!(text(&to(DType::I32, DType::F32)), "float32(int32(a))");
    assert_eq!(text(&to(DType::I32, DType::F64)), "a");
}

#[test]
fn sums_keep_what_went_past_and_a_product_sees_the_true_values() {
    let a = file("a", &[4, 10]);
    let scaled = rescaled(&a, 2.0, 3.0);
    let slopes = |array: &LazyArray| {
        let passes = passes_of(&[array], TIMID);
        passes[0].sums.iter().map(|sum| (sum.slope, sum.inter)).collect::<Vec<_>>()
    };
    assert_eq!(slopes(&scaled.mean(-1)), [(2.0, 3.0)]);
    assert_eq!(slopes(&scaled.prod(-1)), [(1.0, 0.0)]);
    assert!(slopes(&scaled.histogram(&[0.0, 1.0, 2.0], -1)).iter().all(|&s| s == (1.0, 0.0)));
}

#[test]
fn runs_of_other_slopes_are_summed_apart_and_each_as_stored() {
    let runs = [rescaled(&file("a", &[4, 10]), 2.0, 0.0), rescaled(&file("b", &[4, 5]), 3.0, 1.0)];
    let passes = passes_of(&[&crate::lazy::concatenate(&runs, -1).mean(-1)], TIMID);
    let sums: Vec<_> = passes[0].sums.iter().map(|s| (s.part, s.slope, s.inter, s.count)).collect();
    assert_eq!(sums, [(0, 2.0, 0.0, 10), (1, 3.0, 1.0, 5)]);
    assert!(passes[0].feeds().all(|feed| feed.branches[0].outputs == [DType::I16]));
}
