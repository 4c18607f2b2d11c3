//! Along which axes of an expression might a stream be read? Those must not be walked backwards.

use crate::twin::{Fit, Structure, Twin, resolve};

use super::Node;
use ndarray::SliceInfoElem;

/// One flag for each axis of the node, from those of the nodes before it. Rather one too many.
pub(super) fn of(node: &Node, twins: &[Twin], before: &[Vec<bool>], shape: &[usize]) -> Vec<bool> {
    let ndim = shape.len();
    let of_two = |a: &[bool], b: &[bool]| -> Vec<bool> {
        let flag = |flags: &[bool], axis: usize| {
            (axis + flags.len()).checked_sub(ndim).is_some_and(|own| flags[own])
        };
        (0..ndim).map(|axis| flag(a, axis) || flag(b, axis)).collect()
    };
    match node {
        Node::Source(_) | Node::Full(..) | Node::Arange(..) => vec![false; ndim],
        Node::Structure(how, of) => of_structure(how, &twins[*of].shape, &before[*of], shape),
        Node::Concatenate(of, _) => {
            of.iter().fold(vec![false; ndim], |a, &i| of_two(&a, &before[i]))
        }
        Node::Stack(of, axis) => {
            let one = |i: usize| {
                let mut flags = before[i].clone();
                flags.insert(resolve(*axis, ndim), false);
                flags
            };
            of.iter().fold(vec![false; ndim], |a, &i| of_two(&a, &one(i)))
        }
        Node::Unary(_, of)
        | Node::Clip(of, ..)
        | Node::Cast(of, ..)
        | Node::WithNumber(_, of, ..)
        | Node::Group(_, of, ..)
        | Node::Diff(of, _)
        | Node::MapBlocks(_, of)
        | Node::MapAxis(_, of, _) => before[*of].clone(),
        Node::Binary(_, left, right) => of_two(&before[*left], &before[*right]),
        Node::Where(condition, then, otherwise) => {
            let rest: &[bool] = otherwise.as_ref().map_or(&[], |&i| &before[i]);
            of_two(&of_two(&before[*condition], &before[*then]), rest)
        }
        Node::Reduce(_, of, axes, options) => {
            let own = before[*of].len();
            let reduced: Vec<usize> = axes.as_ref().map_or_else(
                || (0..own).collect(),
                |axes| axes.iter().map(|&axis| resolve(axis, own)).collect(),
            );
            let mut flags: Vec<bool> = (0..own)
                .filter(|axis| options.keepdims || !reduced.contains(axis))
                .map(|axis| before[*of][axis] && !reduced.contains(&axis))
                .collect();
            flags.resize(ndim, false);
            match options.mask.filter(|_| !before[*of].is_empty()) {
                // A mask is read as the array is.
                Some(mask) if before[mask].contains(&true) => vec![true; ndim],
                _ => flags,
            }
        }
        Node::Project(fit, of, axis, _) => {
            let mut flags = before[*of].clone();
            flags.remove(resolve(*axis, flags.len()));
            if *fit == Fit::Coefficients {
                flags.insert(0, false);
            }
            flags
        }
    }
}

fn of_structure(how: &Structure, from: &[usize], flags: &[bool], shape: &[usize]) -> Vec<bool> {
    let ndim = flags.len();
    let mut order: Vec<usize> = (0..ndim).collect();
    match how {
        Structure::SliceAxis(..)
        | Structure::Take(..)
        | Structure::Flip(_)
        | Structure::Rechunk(_) => {}
        Structure::Slice(slices) => {
            let mut own = flags.iter();
            let mut out = Vec::new();
            for slice in slices {
                match slice {
                    SliceInfoElem::NewAxis => out.push(false),
                    SliceInfoElem::Index(_) => drop(own.next()),
                    SliceInfoElem::Slice { .. } => out.push(own.next() == Some(&true)),
                }
            }
            out.extend(own);
            return out;
        }
        Structure::Transpose(None) => order.reverse(),
        Structure::Transpose(Some(axes)) => {
            order = axes.iter().map(|&axis| resolve(axis, ndim)).collect();
        }
        Structure::SwapAxes(a, b) => order.swap(resolve(*a, ndim), resolve(*b, ndim)),
        Structure::MoveAxis(a, b) => {
            let moved = order.remove(resolve(*a, ndim));
            order.insert(resolve(*b, ndim), moved);
        }
        Structure::Squeeze(axes) => {
            let dropped: Option<Vec<usize>> =
                axes.as_ref().map(|axes| axes.iter().map(|&axis| resolve(axis, ndim)).collect());
            order.retain(|&axis| {
                dropped.as_ref().map_or(from[axis] != 1, |dropped| !dropped.contains(&axis))
            });
        }
        Structure::ExpandDims(axis) => {
            let mut out = flags.to_vec();
            out.insert(resolve(*axis, ndim + 1), false);
            return out;
        }
        Structure::BroadcastTo(_) => {
            let new = shape.len() - ndim;
            return std::iter::repeat_n(false, new).chain(flags.iter().copied()).collect();
        }
        Structure::Reshape(_) => return vec![flags.contains(&true); shape.len()],
    }
    order.into_iter().map(|axis| flags[axis]).collect()
}
