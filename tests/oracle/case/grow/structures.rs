//! Views.

use ndarray::SliceInfoElem;

use super::Growing;
use crate::case::Node;
use crate::twin::{Structure, resolve};

fn add(growing: &mut Growing<'_>, how: Structure, of: usize) -> Option<usize> {
    growing.program.push(Node::Structure(how, of))
}

pub(super) fn slice(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let shape = growing.shape(of);
    let mut slices = Vec::new();
    for (axis, &len) in shape.iter().enumerate() {
        let (kind, a, b, s) = growing.step.cuts[axis % growing.step.cuts.len()];
        if growing.dice.one_in(12) {
            slices.push(SliceInfoElem::NewAxis);
        }
        let start = usize::from(a) % (len + 1);
        let end = start + usize::from(b) % (len - start + 1);
        let negative = |at: usize, wish: bool| {
            if wish && at < len { at as isize - len as isize } else { at as isize }
        };
        let (from, to) = (negative(start, a > 127), negative(end, b > 127));
        let size = isize::from(s % 3) + 1;
        let back = growing.program.may_go_back(of, axis);
        slices.push(match kind % 7 {
            0 | 1 if len > 0 => SliceInfoElem::Index(negative(usize::from(a) % len, s > 127)),
            2 => SliceInfoElem::Slice { start: from, end: Some(to), step: size },
            3 if back => SliceInfoElem::Slice { start: from, end: Some(to), step: -size },
            4 if back => SliceInfoElem::Slice { start: 0, end: None, step: -size },
            5 => SliceInfoElem::Slice { start: from, end: None, step: size },
            _ => SliceInfoElem::Slice { start: 0, end: None, step: 1 },
        });
    }
    if growing.dice.one_in(4) && !slices.is_empty() {
        slices.truncate(growing.dice.below(slices.len()) + 1);
    }
    add(growing, Structure::Slice(slices), of)
}

pub(super) fn slice_axis(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let shape = growing.shape(of);
    let axis = growing.axis(shape.len());
    let len = shape[resolve(axis, shape.len())];
    let ends = [(); 2].map(|()| growing.dice.below(2 * len + 3) as isize - len as isize - 1);
    add(growing, Structure::SliceAxis(axis, ends[0], ends[1]), of)
}

pub(super) fn take(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| program.twins[i].shape.iter().any(|&len| len > 0))?;
    let shape = growing.shape(of);
    let axis = growing.axis(shape.len());
    let at = resolve(axis, shape.len());
    let count = if shape[at] == 0 { 0 } else { growing.dice.below(2 * shape[at] + 1) };
    let mut indices: Vec<usize> = (0..count).map(|_| growing.dice.below(shape[at])).collect();
    if !growing.program.may_go_back(of, at) {
        indices.sort_unstable();
        indices.dedup();
    }
    let indices = indices.into_iter().map(|i| growing.signed(i as isize, shape[at])).collect();
    add(growing, Structure::Take(indices, axis), of)
}

pub(super) fn reorder(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let ndim = growing.shape(of).len();
    let (a, b) = (growing.axis(ndim), growing.axis(ndim));
    let how = match growing.dice.below(4) {
        0 => Structure::SwapAxes(a, b),
        1 => Structure::MoveAxis(a, b),
        2 => Structure::Transpose(None),
        _ => {
            let mut left: Vec<isize> = (0..ndim as isize).collect();
            let mut order = Vec::new();
            while !left.is_empty() {
                let next = left.remove(growing.dice.below(left.len()));
                order.push(growing.signed(next, ndim));
            }
            Structure::Transpose(Some(order))
        }
    };
    add(growing, how, of)
}

pub(super) fn squeeze(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| program.twins[i].shape.contains(&1))?;
    let shape = growing.shape(of);
    let first = shape.iter().position(|&len| len == 1)? as isize;
    let axes = [None, Some(vec![growing.signed(first, shape.len())])];
    let axes = axes[growing.dice.below(2)].clone();
    add(growing, Structure::Squeeze(axes), of)
}

pub(super) fn expand_dims(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| program.twins[i].shape.len() < 5)?;
    let ndim = growing.shape(of).len();
    let axis = growing.axis(ndim + 1);
    add(growing, Structure::ExpandDims(axis), of)
}

pub(super) fn broadcast_to(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| program.twins[i].shape.len() < 5)?;
    let mut shape: Vec<u64> = growing.shape(of).iter().map(|&n| n as u64).collect();
    for len in shape.iter_mut().filter(|len| **len == 1) {
        *len = growing.dice.below(4) as u64;
    }
    if growing.dice.one_in(2) {
        shape.insert(0, growing.dice.below(3) as u64 + 1);
    }
    add(growing, Structure::BroadcastTo(shape), of)
}

pub(super) fn flip(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let ndim = growing.shape(of).len();
    let axes = growing.axes(ndim);
    let named = |axis: usize| {
        axes.as_ref().is_none_or(|axes| axes.iter().any(|&a| resolve(a, ndim) == axis))
    };
    let allowed = (0..ndim).all(|axis| !named(axis) || growing.program.may_go_back(of, axis));
    if allowed { add(growing, Structure::Flip(axes), of) } else { None }
}

/// Leading axes as one, the others as they are.
pub(super) fn reshape(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| {
        program.twins[i].shape.len() > 1 && !program.twins[i].shape.contains(&0)
    })?;
    let shape = growing.shape(of);
    let merged = growing.dice.below(shape.len()) + 1;
    let flat: usize = shape[..merged].iter().product();
    let rest = shape[merged..].iter().map(|&n| n as i64);
    let first = if growing.dice.one_in(2) { -1 } else { flat as i64 };
    let mut wanted: Vec<i64> = [first].into_iter().chain(rest).collect();
    if growing.dice.one_in(4) {
        let at = growing.dice.below(wanted.len() + 1);
        wanted.insert(at, 1);
    }
    add(growing, Structure::Reshape(wanted), of)
}

pub(super) fn rechunk(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let shape = growing.shape(of);
    let blocks = shape.iter().map(|&len| growing.dice.below(len + 2) as u64 + 1).collect();
    add(growing, Structure::Rechunk(blocks), of)
}
