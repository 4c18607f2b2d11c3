//! Joins, constants, and what is done element by element.

use voxstore::DType;

use super::Growing;
use crate::case::Node;
use crate::twin::{Binary, Blockwise, Fitting, Number, Unary, resolve};

pub(super) fn concatenate(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.with_axes()?;
    let shape = growing.shape(of);
    let axis = growing.axis(shape.len());
    let at = resolve(axis, shape.len());
    let mut all = vec![of];
    for _ in 0..growing.dice.below(4) {
        all.push(growing.choose(|program, i| {
            let other = &program.twins[i].shape;
            other.len() == shape.len() && (0..shape.len()).all(|a| a == at || other[a] == shape[a])
        })?);
    }
    growing.program.push(Node::Concatenate(all, axis))
}

pub(super) fn stack(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| program.twins[i].shape.len() < 5)?;
    let shape = growing.shape(of);
    let mut all = vec![of];
    for _ in 0..growing.dice.below(3) {
        all.push(growing.choose(|program, i| program.twins[i].shape == shape)?);
    }
    let axis = growing.axis(shape.len() + 1);
    growing.program.push(Node::Stack(all, axis))
}

/// An array of nothing but a rule: as long as the last axis of another, or of its shape.
pub(super) fn constant(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let shape: Vec<u64> = growing.shape(of).iter().map(|&n| n as u64).collect();
    if growing.dice.one_in(2) {
        let dtype = growing.dice.one_of(&DType::ALL);
        let from = growing.dice.below(shape.len() + 1);
        let value = growing.dice.below(100) as i8;
        return growing.program.push(Node::Full(dtype, shape[from..].to_vec(), value));
    }
    let dtype = growing.dice.one_of(&[DType::I8, DType::I32, DType::I64, DType::F32, DType::F64]);
    let step = growing.dice.one_of(&[1_i8, 2, 3, -1, -2]);
    let len = shape.last().copied().unwrap_or(4).min(40) as i8;
    let start = growing.dice.below(20) as i8 - 10;
    growing.program.push(Node::Arange(dtype, start, start + len * step.signum(), step))
}

pub(super) fn unary(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let op = match growing.dice.one_of(&Unary::ALL) {
        Unary::Powi(_) => Unary::Powi(growing.dice.one_of(&[0, 1, 2, 3, 5, -1, -2])),
        Unary::Powf(_) => Unary::Powf(growing.dice.one_of(&[0.5, 2.0, 3.0, -1.0, 0.3])),
        op => op,
    };
    growing.program.push(Node::Unary(op, of))
}

pub(super) fn clip(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.choose(|program, i| program.twins[i].dtype != DType::Bool)?;
    let low = growing.dice.below(60) as i32;
    let high = low + growing.dice.below(50) as i32;
    let (low, high) = if growing.dice.one_in(3) {
        (Number::F64(f64::from(low) + 0.5), Number::F64(f64::from(high) + 0.5))
    } else {
        (Number::I32(low), Number::I32(high))
    };
    growing.program.push(Node::Clip(of, low, high))
}

pub(super) fn cast(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let dtype = growing.dice.one_of(&DType::ALL);
    let fitting = growing.dice.one_of(&[Fitting::Refuse, Fitting::Wrap, Fitting::Saturate]);
    growing.program.push(Node::Cast(of, dtype, fitting))
}

/// With an array of the same shape, or one that repeats to it.
pub(super) fn binary(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let other = beside(growing, of)?;
    let op = growing.dice.one_of(&Binary::ALL);
    let (left, right) = if growing.dice.one_in(2) { (of, other) } else { (other, of) };
    growing.program.push(Node::Binary(op, left, right))
}

/// An array that has a shape in common with this one, of another shape if there is one.
fn beside(growing: &mut Growing<'_>, of: usize) -> Option<usize> {
    let shape = growing.shape(of);
    let fits = |other: &[usize]| {
        other.iter().rev().zip(shape.iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1)
    };
    let differ = growing.dice.one_in(2);
    let other = growing.choose(|program, i| {
        let other = &program.twins[i].shape;
        fits(other) && (!differ || *other != shape)
    });
    other.or_else(|| growing.choose(|program, i| fits(&program.twins[i].shape)))
}

pub(super) fn with_number(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let number = growing.step.number;
    let fits = |op: &Binary| {
        let bitwise = matches!(op, Binary::And | Binary::Or | Binary::Xor);
        bitwise == matches!(number, Number::Bool(_))
    };
    let ops: Vec<Binary> = Binary::ALL.into_iter().filter(fits).collect();
    let op = growing.dice.one_of(&ops);
    let left = !op.is_operator() || growing.dice.one_in(2);
    growing.program.push(Node::WithNumber(op, of, number, left))
}

pub(super) fn choose(growing: &mut Growing<'_>) -> Option<usize> {
    let condition = growing.choose(|program, i| program.twins[i].dtype == DType::Bool)?;
    let then = beside(growing, condition)?;
    let number = growing.step.number;
    if growing.dice.one_in(3) && !matches!(number, Number::Bool(_)) {
        return growing.program.push(Node::Where(condition, then, Err(number)));
    }
    let otherwise = beside(growing, then)?;
    growing.program.push(Node::Where(condition, then, Ok(otherwise)))
}

pub(super) fn map_blocks(growing: &mut Growing<'_>) -> Option<usize> {
    let of = growing.any()?;
    let how = growing.dice.one_of(&[Blockwise::Line, Blockwise::Above]);
    growing.program.push(Node::MapBlocks(how, of))
}
