//! What people do with time series.

use ndarray::SliceInfoElem;
use voxstore::DType;

use super::Growing;
use crate::case::Node;
use crate::twin::{Binary, Number, Options, Reduction, Structure, Unary, resolve};

const PLAIN: Options = Options { ddof: 0, keepdims: false, skip_nan: false, mask: None };
const KEPT: Options = Options { keepdims: true, ..PLAIN };

/// The mean image under one volume.
pub(super) fn volume_and_its_mean(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, axis, len) = series(growing)?;
    let at = growing.dice.below(len) as isize;
    let mut slices = vec![SliceInfoElem::Slice { start: 0, end: None, step: 1 }; axis];
    slices.push(SliceInfoElem::Index(at));
    let mean = growing.program.push(Node::Reduce(
        Reduction::Mean,
        of,
        Some(vec![axis as isize]),
        PLAIN,
    ))?;
    let volume = growing.program.push(Node::Structure(Structure::Slice(slices), of))?;
    growing.program.push(Node::Binary(Binary::Subtract, volume, mean))
}

/// The seed's formula.
pub(super) fn tsnr(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, axis, _) = series(growing)?;
    let axes = || Some(vec![axis as isize]);
    let options = Options { ddof: growing.step.ddof, ..PLAIN };
    let mean = growing.program.push(Node::Reduce(Reduction::Mean, of, axes(), PLAIN))?;
    let std = growing.program.push(Node::Reduce(Reduction::Std, of, axes(), options))?;
    growing.program.push(Node::Binary(Binary::Divide, mean, std))
}

/// Two reductions of an array, and the array again; over several axes, too.
pub(super) fn z_score(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, axis, _) = series(growing)?;
    let ndim = growing.shape(of).len();
    let axes = if growing.dice.one_in(3) { growing.axes(ndim) } else { Some(vec![axis as isize]) };
    let mean = growing.program.push(Node::Reduce(Reduction::Mean, of, axes.clone(), KEPT))?;
    let std = growing.program.push(Node::Reduce(Reduction::Std, of, axes, KEPT))?;
    let centred = growing.program.push(Node::Binary(Binary::Subtract, of, mean))?;
    growing.program.push(Node::Binary(Binary::Divide, centred, std))
}

/// How much each volume differs from the one before it.
pub(super) fn dvars(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, axis, _) = series(growing)?;
    let ndim = growing.shape(of).len();
    let axis = growing.signed(axis as isize, ndim);
    let diff = growing.program.push(Node::Diff(of, axis))?;
    let square = growing.program.push(Node::Unary(Unary::Square, diff))?;
    let space: Vec<isize> =
        (0..ndim).filter(|&a| a != resolve(axis, ndim)).map(|a| a as isize).collect();
    if space.is_empty() {
        return Some(square);
    }
    let mean = growing.program.push(Node::Reduce(Reduction::Mean, square, Some(space), PLAIN))?;
    growing.program.push(Node::Unary(Unary::Sqrt, mean))
}

/// The mean of what lies in a mask of volumes.
pub(super) fn masked_series(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, axis, _) = series(growing)?;
    let mean = Node::Reduce(Reduction::Mean, of, Some(vec![axis as isize]), KEPT);
    let mean = growing.program.push(mean)?;
    let mask =
        growing.program.push(Node::WithNumber(Binary::Greater, mean, Number::I64(20), true))?;
    let options = Options { mask: Some(mask), ..PLAIN };
    let op =
        growing.dice.one_of(&[Reduction::Mean, Reduction::Sum, Reduction::Std, Reduction::Max]);
    growing.program.push(Node::Reduce(op, of, None, options))
}

/// A reduction of joined arrays, along the joint or across it, beside the same of an array as long
/// in one piece.
pub(super) fn joined_reduction(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, at, len) = series(growing)?;
    let shape = growing.shape(of);
    let twin = &growing.program.twins[of];
    let (dtype, ndim) = (twin.dtype, shape.len());
    // As often of a file as of anything: slopes and intercepts are those of files.
    let of_file = growing.dice.one_in(2);
    let other = growing.choose(|program, i| {
        if of_file && !matches!(program.nodes[i], Node::Source(_)) {
            return false;
        }
        let twin = &program.twins[i];
        let fits = |a: usize| a == at || twin.shape[a] == shape[a];
        twin.dtype == dtype && twin.shape.len() == ndim && (0..ndim).all(fits) && twin.len() > 0
    })?;
    let joined = growing.program.push(Node::Concatenate(vec![of, other], at as isize))?;
    let axes = if growing.dice.one_in(2) { vec![at] } else { vec![growing.dice.below(ndim)] };
    let axes: Option<Vec<isize>> = Some(axes.into_iter().map(|a| a as isize).collect());
    let op = growing.dice.one_of(&[
        Reduction::Mean,
        Reduction::Var,
        Reduction::Std,
        Reduction::ArgMin,
        Reduction::ArgMax,
        Reduction::Sum,
        Reduction::Max,
        Reduction::Median,
    ]);
    let options = Options { ddof: growing.step.ddof, ..PLAIN };
    let one = growing.program.push(Node::Reduce(op, joined, axes.clone(), options))?;
    let whole = if growing.program.may_go_back(of, at) {
        let repeats = (0..growing.shape(joined)[at]).map(|k| (k % len) as isize).collect();
        Node::Structure(Structure::Take(repeats, at as isize), of)
    } else {
        Node::Concatenate(vec![other, of], at as isize)
    };
    let whole = growing.program.push(whole)?;
    let two = growing.program.push(Node::Reduce(op, whole, axes, options))?;
    growing.program.push(Node::Binary(Binary::Subtract, one, two))
}

/// The same reduction in two masks, and without one.
pub(super) fn two_masks(growing: &mut Growing<'_>) -> Option<usize> {
    let (of, axis, _) = series(growing)?;
    let op = growing.dice.one_of(&[Reduction::Mean, Reduction::Sum, Reduction::Std]);
    let mut masked = |above: Option<i64>| {
        let mask = match above {
            Some(above) => {
                let node = Node::WithNumber(Binary::Greater, of, Number::I64(above), true);
                Some(growing.program.push(node)?)
            }
            None => None,
        };
        let options = Options { mask, ..PLAIN };
        growing.program.push(Node::Reduce(op, of, Some(vec![axis as isize]), options))
    };
    let (low, high, all) = (masked(Some(10))?, masked(Some(30))?, masked(None)?);
    let apart = growing.program.push(Node::Binary(Binary::Subtract, low, high))?;
    growing.program.push(Node::Binary(Binary::Divide, apart, all))
}

/// An array of numbers, one of its axes, and how long that is.
fn series(growing: &mut Growing<'_>) -> Option<(usize, usize, usize)> {
    let of_file = growing.dice.one_in(3);
    let of = growing.choose(|program, i| {
        let twin = &program.twins[i];
        if of_file && !matches!(program.nodes[i], Node::Source(_)) {
            return false;
        }
        !twin.shape.is_empty() && twin.len() > 0 && twin.dtype != DType::Bool
    })?;
    let shape = growing.shape(of);
    let axis =
        if growing.dice.one_in(2) { shape.len() - 1 } else { growing.dice.below(shape.len()) };
    Some((of, axis, shape[axis]))
}
