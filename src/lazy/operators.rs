//! How do arrays and numbers meet? Operators, and the nodes of all elementwise functions.
//!
//! Shapes are broadcast as numpy's, types are those of [`types`](super::types). Which functions there
//! are is in `elementwise`.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Sub};
use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::error::check_size;
use super::node::{MapOp, Node, Op, Scalar};
use super::structure::{broadcast, common_shape};
use super::types::{self, Side};
use crate::dtype::DType;
use crate::grid::shape_text;
use crate::kernel::{BinaryOp, UnaryOp};

/// What can stand beside an array: an array, a reference to one, a number or a `bool`.
///
/// Numbers are weak, as Python's are in numpy: they take the type of the array, except that a float
/// makes an integer array `float64` and an integer makes a `bool` array `int64`. An integer that the
/// array's type does not hold is an error.
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
numbers!(f64 => Float, f32 => Float, i64 => Int, i32 => Int, u32 => Int, bool => Bool);

impl Operand {
    /// The number, if it is one.
    pub(super) fn number(&self) -> Option<Scalar> {
        match self.0.op {
            Op::Scalar(value) => Some(value),
            _ => None,
        }
    }

    fn side(&self) -> Side {
        self.number().map_or(Side::Array(self.0.dtype), Side::Number)
    }

    fn is_invalid(&self) -> bool {
        matches!(self.0.op, Op::Invalid(_))
    }

    /// The array as `dtype` and repeated to `shape`. Numbers take type and shape when the program is
    /// made.
    fn fitted(&self, shape: &[u64], dtype: DType) -> Option<Arc<Node>> {
        match self.number() {
            Some(_) => Some(Arc::clone(&self.0)),
            // Converted before it is repeated: what is repeated is computed once.
            None => broadcast(&self.0.cast(dtype), shape),
        }
    }
}

/// The shape that the operands have together.
fn shape_of(name: &str, operands: &[&Operand]) -> Result<Vec<u64>, String> {
    let shapes = || {
        operands.iter().filter(|operand| operand.number().is_none()).map(|o| o.0.shape.as_slice())
    };
    let Some(shape) = common_shape(shapes()) else {
        let list: Vec<String> = shapes().map(shape_text).collect();
        return Err(format!(
            "{name}: shapes {} do not fit; axes are matched from the last, and must be equal or 1",
            list.join(" and ")
        ));
    };
    check_size(name, &shape)?;
    Ok(shape)
}

const FITS: &str = "operands were checked to repeat to their common shape";

/// `op of`, element by element.
pub(super) fn unary(
    op: UnaryOp,
    of: &LazyArray,
    location: &'static Location<'static>,
) -> LazyArray {
    of.derived(
        |node| {
            let types = types::unary(op, node.dtype)?;
            if op.keeps_integers() && !types.operand.is_float() {
                return Ok(Arc::clone(node));
            }
            let inputs = vec![node.cast(types.operand)];
            Ok(Node::new(
                Op::Map { op: MapOp::Unary(op), inputs },
                node.shape.clone(),
                types.result,
            ))
        },
        location,
    )
}

/// `left op right`, element by element; errors say `name`.
pub(super) fn binary(
    name: &str,
    op: BinaryOp,
    left: &Operand,
    right: &Operand,
    location: &'static Location<'static>,
) -> LazyArray {
    if let Some(invalid) = [left, right].into_iter().find(|side| side.is_invalid()) {
        return LazyArray::from_node(Arc::clone(&invalid.0));
    }
    LazyArray::made(binary_node(name, op, left, right), location)
}

fn binary_node(
    name: &str,
    op: BinaryOp,
    left: &Operand,
    right: &Operand,
) -> Result<Arc<Node>, String> {
    let shape = shape_of(name, &[left, right])?;
    let types = types::binary(name, op, left.side(), right.side())?;
    let side = |operand: &Operand, dtype| match (operand.number(), types.number) {
        (Some(_), Some(number)) => Ok(Node::scalar(number)),
        _ => operand.fitted(&shape, dtype).ok_or(FITS),
    };
    let inputs = vec![side(left, types.left)?, side(right, types.right)?];
    Ok(Node::new(Op::Map { op: MapOp::Binary(types.op), inputs }, shape, types.result))
}

/// numpy's `where`.
pub(super) fn select(
    condition: &LazyArray,
    then: &Operand,
    otherwise: &Operand,
    location: &'static Location<'static>,
) -> LazyArray {
    let condition = Operand::from(condition);
    let operands = [&condition, then, otherwise];
    if let Some(invalid) = operands.into_iter().find(|operand| operand.is_invalid()) {
        return LazyArray::from_node(Arc::clone(&invalid.0));
    }
    let node = shape_of("where", &operands).and_then(|shape| {
        let dtype = types::common("where", then.side(), otherwise.side())?;
        let mut inputs = Vec::with_capacity(3);
        for (operand, dtype) in [(&condition, DType::Bool), (then, dtype), (otherwise, dtype)] {
            inputs.push(operand.fitted(&shape, dtype).ok_or(FITS)?);
        }
        Ok(Node::new(Op::Map { op: MapOp::Where, inputs }, shape, dtype))
    });
    LazyArray::made(node, location)
}

macro_rules! operator {
    ($($trait:ident $method:ident $op:ident: $($t:ty),*;)*) => {$(
        impl<T: Into<Operand>> $trait<T> for LazyArray {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self, other: T) -> LazyArray {
                <&LazyArray as $trait<T>>::$method(&self, other)
            }
        }
        impl<T: Into<Operand>> $trait<T> for &LazyArray {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self, other: T) -> LazyArray {
                let op = BinaryOp::$op;
                binary(op.name(), op, &self.into(), &other.into(), Location::caller())
            }
        }
        $(
            impl $trait<LazyArray> for $t {
                type Output = LazyArray;
                #[track_caller]
                fn $method(self, other: LazyArray) -> LazyArray {
                    <$t as $trait<&LazyArray>>::$method(self, &other)
                }
            }
            impl $trait<&LazyArray> for $t {
                type Output = LazyArray;
                #[track_caller]
                fn $method(self, other: &LazyArray) -> LazyArray {
                    let op = BinaryOp::$op;
                    binary(op.name(), op, &self.into(), &other.into(), Location::caller())
                }
            }
        )*
    )*};
}
operator! {
    Add add Add: f64, f32, i64, i32, u32;
    Sub sub Subtract: f64, f32, i64, i32, u32;
    Mul mul Multiply: f64, f32, i64, i32, u32;
    Div div Divide: f64, f32, i64, i32, u32;
    Rem rem Remainder: f64, f32, i64, i32, u32;
    BitAnd bitand And: bool, i64, i32, u32;
    BitOr bitor Or: bool, i64, i32, u32;
    BitXor bitxor Xor: bool, i64, i32, u32;
}

macro_rules! unary_operator {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl $trait for LazyArray {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self) -> LazyArray {
                unary(UnaryOp::$op, &self, Location::caller())
            }
        }
        impl $trait for &LazyArray {
            type Output = LazyArray;
            #[track_caller]
            fn $method(self) -> LazyArray {
                unary(UnaryOp::$op, self, Location::caller())
            }
        }
    )*};
}
unary_operator! {
    Neg neg Negative;
    Not not Invert;
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, IxDyn, array};

    use crate::dtype::{DType, Element};
    use crate::lazy::{LazyArray, from_ndarray, where_};

    fn values<T: Element>(array: &LazyArray) -> Array<T, IxDyn> {
        array.compute::<T>().unwrap()
    }

    #[test]
    fn operators_take_values_references_and_numbers_on_both_sides() {
        let x = from_ndarray(array![7.0, -7.0]);
        assert_eq!(values::<f64>(&(&x + &x)), array![14.0, -14.0].into_dyn());
        assert_eq!(values::<f64>(&(x.clone() - 1)), array![6.0, -8.0].into_dyn());
        assert_eq!(values::<f64>(&(1_u32 - x.clone())), array![-6.0, 8.0].into_dyn());
        assert_eq!(values::<f64>(&(2.0_f32 * &x)), array![14.0, -14.0].into_dyn());
        assert_eq!(values::<f64>(&(&x % 4_i64)), array![3.0, 1.0].into_dyn());
        assert_eq!(values::<f64>(&(-14.0 / &x)), array![-2.0, 2.0].into_dyn());
        assert_eq!(values::<f64>(&-&x), array![-7.0, 7.0].into_dyn());
        let m = from_ndarray(array![true, false]);
        assert_eq!(values::<bool>(&!(&m & true)), array![false, true].into_dyn());
        assert_eq!(values::<bool>(&(true ^ &m)), array![false, true].into_dyn());
        assert_eq!(values::<bool>(&(m.clone() | !m)), array![true, true].into_dyn());
        let n = from_ndarray(array![0b1100_u8, 255]);
        assert_eq!(values::<u8>(&(0b1010 & &n)), array![0b1000, 0b1010].into_dyn());
        assert_eq!(values::<u8>(&!n), array![0b1111_0011, 0].into_dyn());
    }

    #[test]
    fn shapes_are_broadcast_from_the_last_axis() {
        // np.array([[1], [2]]) + np.array([10, 20, 30]), numpy 2.4.6
        let (column, row) = (from_ndarray(array![[1], [2]]), from_ndarray(array![10, 20, 30]));
        let sum = &column + &row;
        assert_eq!(values::<i32>(&sum), array![[11, 21, 31], [12, 22, 32]].into_dyn());
        let picked = where_(&column.greater(1), &row, -1);
        assert_eq!(values::<i32>(&picked), array![[-1, -1, -1], [10, 20, 30]].into_dyn());
        let empty =
            from_ndarray(Array::<f32, _>::zeros((0, 1))) * from_ndarray(array![1.0_f32, 2.0]);
        assert_eq!(empty.shape(), [0, 2]);
    }

    #[test]
    fn errors_name_the_operation_the_shapes_and_the_callers_line() {
        let (a, b) = (from_ndarray(array![1, 2, 3]), from_ndarray(array![[1, 2], [3, 4]]));
        let wrong = &a * &b;
        let error = wrong.check().unwrap_err();
        assert!(error.problem.starts_with("multiply: shapes"), "{error}");
        assert!(error.problem.contains('3') && error.problem.contains('2'), "{error}");
        assert!(error.file.ends_with("operators.rs"));
        // The first mistake stays, whatever is done to it.
        assert_eq!(((wrong + 1).sqrt() - &a).check(), Err(error));
        let missing = where_(&a.less(2), &b, 0).check().unwrap_err();
        assert!(missing.problem.starts_with("where: shapes"), "{missing}");
        let bits = ((a / 2) & 1).check().unwrap_err();
        assert!(bits.problem.starts_with("bitwise_and: not defined for float64"), "{bits}");
    }

    #[test]
    fn integers_of_64_bits_are_compared_exactly() {
        // np.array([2**53 + 1, -1]) > np.array([2**53, 2**64 - 1], "u8"), numpy 2.4.6
        let (a, b) = (
            from_ndarray(array![(1_i64 << 53) + 1, -1]),
            from_ndarray(array![1_u64 << 53, u64::MAX]),
        );
        assert_eq!(values::<bool>(&a.greater(&b)), array![true, false].into_dyn());
        assert_eq!(values::<bool>(&b.greater(-1)), array![true, true].into_dyn());
        assert_eq!(values::<bool>(&b.equal(-1)), array![false, false].into_dyn());
        let small = from_ndarray(array![0_u8, 255]);
        assert_eq!(values::<bool>(&small.less(300)), array![true, true].into_dyn());
        assert_eq!(values::<bool>(&small.equal(-1)), array![false, false].into_dyn());
    }

    #[test]
    fn a_number_makes_bools_integers_or_floats() {
        // np.array([True, False]) + 1 and * 0.5, numpy 2.4.6
        let m = from_ndarray(array![true, false]);
        assert_eq!((&m + 1).dtype(), DType::I64);
        assert_eq!(values::<i64>(&(&m + 1)), array![2, 1].into_dyn());
        assert_eq!(values::<f64>(&(&m * 0.5)), array![0.5, 0.0].into_dyn());
        assert_eq!(values::<bool>(&(&m + &m)), array![true, false].into_dyn());
    }
}
