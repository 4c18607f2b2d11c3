//! What goes over an axis.

use voxstore::DType;

use super::Growing;
use crate::case::Node;
use crate::twin::{Design, Fit, Lanewise, Options, Reduction, resolve};

pub(super) fn reduce(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let op = match growing.dice.one_of(&Reduction::ALL) {
        Reduction::Quantile(_) => Reduction::Quantile(growing.dice.one_of(&[0.0, 0.3, 0.95, 1.0])),
        Reduction::Ptp if growing.program.twins[of].dtype == DType::Bool => Reduction::Max,
        op => op,
    };
    let shape = growing.shape(of);
    let single = matches!(op, Reduction::ArgMin | Reduction::ArgMax);
    let axes = match shape.len() {
        0 => None,
        ndim if single && growing.dice.one_in(2) => Some(vec![growing.axis(ndim)]),
        _ if single => None,
        ndim => growing.axes(ndim),
    };
    let mask = if growing.dice.one_in(2) {
        growing.choose(|program, i| {
            let mask = &program.twins[i];
            mask.dtype == DType::Bool && mask.broadcast(&shape).is_ok()
        })
    } else {
        None
    };
    let options = Options {
        ddof: growing.step.ddof,
        keepdims: growing.dice.one_in(4),
        skip_nan: growing.dice.one_in(4),
        mask,
    };
    growing.program.push(Node::Reduce(op, of, axes, options))
}

pub(super) fn group(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let shape = growing.shape(of);
    let axis = growing.axis(shape.len());
    let count = shape[resolve(axis, shape.len())];
    if count == 0 {
        return None;
    }
    let kinds = growing.dice.below(4) + 1;
    let labels = (0..count).map(|_| 3 * growing.dice.below(kinds)).collect();
    let op = growing.dice.one_of(&[
        Reduction::Sum,
        Reduction::Prod,
        Reduction::Mean,
        Reduction::Var,
        Reduction::Std,
        Reduction::Min,
        Reduction::Max,
    ]);
    growing.program.push(Node::Group(op, of, axis, labels, growing.step.ddof))
}

pub(super) fn project(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let shape = growing.shape(of);
    let axis = growing.axis(shape.len());
    let rows = shape[resolve(axis, shape.len())];
    let design = growing.dice.one_of(&Design::ALL);
    if rows < design.columns().max(1) {
        return None;
    }
    let ddof = growing.step.ddof;
    let fit = growing.dice.one_of(&[
        Fit::Coefficients,
        Fit::ResidualSumSquares,
        Fit::ResidualVar(ddof),
        Fit::ResidualStd(ddof),
    ]);
    growing.program.push(Node::Project(fit, of, axis, design))
}

pub(super) fn map_axis(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let ndim = growing.shape(of).len();
    let axis = growing.axis(ndim);
    let how = growing.dice.one_of(&[Lanewise::Reverse, Lanewise::Ends]);
    growing.program.push(Node::MapAxis(how, of, axis))
}
