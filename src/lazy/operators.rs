//! `+ - * /` between arrays and numbers, with numpy's types.
//!
//! Two arrays compute in the type that holds both; a Rust number is weak and takes the type of the
//! array, except that a float makes an integer array `float64` (NEP 50). Integers wrap as numpy's
//! do. Division of integers is division of floats. Shapes must be equal.

use std::ops::{Add, Div, Mul, Sub};
use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::error::{LazyError, int_fits};
use super::node::{Node, Op, Scalar};
use crate::dtype::DType;
use crate::grid::shape_text;
use crate::kernel::BinaryOp;

/// What can stand beside an array in arithmetic: an array, a reference to one, or a number.
#[derive(Clone, Debug)]
pub struct Operand(Arc<Node>);

impl From<LazyArray> for Operand {
    fn from(array: LazyArray) -> Self {
        Self(Arc::clone(array.node()))
    }
}

impl From<&LazyArray> for Operand {
    fn from(array: &LazyArray) -> Self {
        Self(Arc::clone(array.node()))
    }
}

macro_rules! numbers {
    ($($t:ty => $variant:ident),*) => {$(
        impl From<$t> for Operand {
            fn from(value: $t) -> Self {
                Self(Node::scalar(Scalar::$variant(value.into())))
            }
        }
    )*};
}
numbers!(f64 => Float, f32 => Float, i64 => Int, i32 => Int, u32 => Int);

#[track_caller]
fn binary(op: BinaryOp, left: Operand, right: Operand) -> LazyArray {
    let location = Location::caller();
    let node = try_binary(op, &left.0, &right.0)
        .unwrap_or_else(|problem| Node::invalid(LazyError::at(location, problem)));
    LazyArray::from_node(node)
}

fn try_binary(op: BinaryOp, left: &Arc<Node>, right: &Arc<Node>) -> Result<Arc<Node>, String> {
    for side in [left, right] {
        if matches!(side.op, Op::Invalid(_)) {
            return Ok(Arc::clone(side));
        }
    }
    let name = op.name();
    let (shape, common) = match (&left.op, &right.op) {
        (_, Op::Scalar(value)) => (&left.shape, weak(name, left.dtype, *value)?),
        (Op::Scalar(value), _) => (&right.shape, weak(name, right.dtype, *value)?),
        _ if left.shape == right.shape => (&left.shape, left.dtype.promote(right.dtype)),
        _ => {
            return Err(format!(
                "{name}: shapes {} and {} differ; arithmetic needs equal shapes or a number",
                shape_text(&left.shape),
                shape_text(&right.shape)
            ));
        }
    };
    let dtype = match op {
        BinaryOp::Divide if !common.is_float() => DType::F64,
        _ => common,
    };
    // Scalars take the type when the program is made; arrays are cast here.
    let cast = |side: &Arc<Node>| match side.op {
        Op::Scalar(_) => Arc::clone(side),
        _ => side.cast(dtype),
    };
    let op = Op::Map { op: super::node::MapOp::Binary(op), inputs: vec![cast(left), cast(right)] };
    Ok(Node::new(op, shape.clone(), dtype))
}

/// The type of an array of `dtype` with a weak number.
fn weak(operation: &str, dtype: DType, value: Scalar) -> Result<DType, String> {
    match value {
        Scalar::Float(_) if !dtype.is_float() => Ok(DType::F64),
        Scalar::Float(_) => Ok(dtype),
        Scalar::Bool(_) => Ok(dtype),
        Scalar::Int(value) => int_fits(operation, value, dtype).map(|()| dtype),
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident $op:ident),*) => {$(
        impl<T: Into<Operand>> $trait<T> for LazyArray {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self, other: T) -> LazyArray {
                binary(BinaryOp::$op, self.into(), other.into())
            }
        }
        impl<T: Into<Operand>> $trait<T> for &LazyArray {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self, other: T) -> LazyArray {
                binary(BinaryOp::$op, self.into(), other.into())
            }
        }
        operator!(@left $trait $method $op: f64, f32, i64, i32, u32);
    )*};
    (@left $trait:ident $method:ident $op:ident: $($t:ty),*) => {$(
        impl $trait<LazyArray> for $t {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self, other: LazyArray) -> LazyArray {
                binary(BinaryOp::$op, self.into(), other.into())
            }
        }
        impl $trait<&LazyArray> for $t {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self, other: &LazyArray) -> LazyArray {
                binary(BinaryOp::$op, self.into(), other.into())
            }
        }
    )*};
}
operator!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide);
