//! Builds what goes along axes: reductions, groups, projections.

use serde_json::Value;
use voxstore::{LazyArray, ReduceOptions};

use crate::build::build;
use crate::file::{Node, Tree};
use crate::inputs::Inputs;
use crate::parameters::Parameters;

/// `None` where `op` is nothing of the kind.
pub(crate) fn reduction(
    op: &str,
    array: &LazyArray,
    node: &Node,
    inputs: &Inputs<'_>,
) -> Option<LazyArray> {
    let with = Parameters(&node.parameters);
    let options = options(&with, inputs);
    // The short method where nothing is asked for, its twin otherwise.
    macro_rules! reduce {
        ($short:ident, $long:ident $(, $argument:expr)*) => {
            match options {
                None => array.$short($($argument,)* with.axes("axes")),
                Some(options) => array.$long($($argument,)* with.axes("axes"), options),
            }
        };
    }
    Some(match op {
        "sum" => reduce!(sum, sum_with),
        "prod" => reduce!(prod, prod_with),
        "mean" => reduce!(mean, mean_with),
        "var" => reduce!(var, var_with),
        "std" => reduce!(std, std_with),
        "min" => reduce!(min, min_with),
        "max" => reduce!(max, max_with),
        "ptp" => reduce!(ptp, ptp_with),
        "argmin" => reduce!(argmin, argmin_with),
        "argmax" => reduce!(argmax, argmax_with),
        "any" => reduce!(any, any_with),
        "all" => reduce!(all, all_with),
        "count_nonzero" => reduce!(count_nonzero, count_nonzero_with),
        "median" => reduce!(median, median_with),
        "quantile" => reduce!(quantile, quantile_with, with.float("q")),
        "histogram" => reduce!(histogram, histogram_with, &with.floats("edges")),
        "group_by" => grouped(array, &with),
        "project" => projected(array, &with, inputs),
        _ => return None,
    })
}

fn options(with: &Parameters<'_>, inputs: &Inputs<'_>) -> Option<ReduceOptions> {
    let mut options = ReduceOptions::new();
    let mut asked = false;
    if let Value::Number(_) = with.value("ddof") {
        (options, asked) = (options.ddof(with.int("ddof").cast_unsigned()), true);
    }
    if with.flag("keepdims") {
        (options, asked) = (options.keepdims(), true);
    }
    if with.flag("skip_nan") {
        (options, asked) = (options.skip_nan(), true);
    }
    if !with.value("mask").is_null() {
        let tree: Tree = serde_json::from_value(with.value("mask").clone()).unwrap();
        (options, asked) = (options.mask(&build(&tree, inputs).array()), true);
    }
    asked.then_some(options)
}

fn grouped(array: &LazyArray, with: &Parameters<'_>) -> LazyArray {
    let labels: Vec<u32> = with.indices("labels").iter().map(|&label| label as u32).collect();
    let groups = array.group_by(with.axis("axis"), &labels);
    match with.text("statistic").unwrap() {
        "sum" => groups.sum(),
        "prod" => groups.prod(),
        "mean" => groups.mean(),
        "var" => groups.var(0),
        "std" => groups.std(0),
        "min" => groups.min(),
        "max" => groups.max(),
        other => panic!("no statistic {other}"),
    }
}

fn projected(array: &LazyArray, with: &Parameters<'_>, inputs: &Inputs<'_>) -> LazyArray {
    let design = inputs.matrix(with.text("design").unwrap());
    let projection = array.project(with.axis("axis"), design.view());
    let ddof = with.value("ddof").as_u64().unwrap_or(0);
    match with.text("result").unwrap() {
        "coefficients" => projection.coefficients(),
        "residual_sum_squares" => projection.residual_sum_squares(),
        "residual_var" => projection.residual_var(ddof),
        "residual_std" => projection.residual_std(ddof),
        other => panic!("no result {other}"),
    }
}
