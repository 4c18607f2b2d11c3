//! In which type is an operation computed, and which type comes out?
//!
//! numpy's rules (numpy 2, NEP 50) as functions of types alone. A Rust number is weak: it takes the
//! type of the array it meets, except that a float makes integers `float64` and an integer makes
//! `bool` `int64`. Where numpy gives `float16`, which no voxel has, the type is `float32`. Says nothing
//! about shapes or values.

use std::cmp::Ordering;

use super::error::int_fits;
use super::node::Scalar;
use crate::dtype::DType;
use crate::kernel::{BinaryOp, UnaryOp};

/// What stands on one side of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Array(DType),
    Number(Scalar),
}

/// The types of a function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnaryTypes {
    pub(super) operand: DType,
    pub(super) result: DType,
}

/// The types of a function of two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BinaryTypes {
    /// The function to use: another one where a number decides a comparison by itself.
    pub(super) op: BinaryOp,
    /// What the number is to be, where there is one.
    pub(super) number: Option<Scalar>,
    /// The type of both sides, or `int64` and `uint64`, which are compared as they are.
    pub(super) left: DType,
    pub(super) right: DType,
    pub(super) result: DType,
}

/// The types of `op` of an array.
pub(super) fn unary(op: UnaryOp, of: DType) -> Result<UnaryTypes, String> {
    let (operand, result) = match (op, of) {
        (UnaryOp::Negative, DType::Bool) => {
            return Err("negative: not defined for bool; use !".to_owned());
        }
        (UnaryOp::Sign, DType::Bool) => {
            return Err("sign: not defined for bool; make it an integer by astype".to_owned());
        }
        (UnaryOp::Invert, DType::F32 | DType::F64) => {
            return Err(format!("invert: not defined for {of}; it takes bool and integers"));
        }
        (UnaryOp::Square | UnaryOp::Reciprocal, DType::Bool) => (DType::I8, DType::I8),
        _ if op.is_predicate() => (of, DType::Bool),
        _ if op.is_float_function() => (float_for(of), float_for(of)),
        _ => (of, of),
    };
    Ok(UnaryTypes { operand, result })
}

/// The float that functions like `sqrt` are computed in.
fn float_for(of: DType) -> DType {
    if of == DType::F32 || of.size() <= 2 { DType::F32 } else { DType::F64 }
}

/// The types of `left op right`; errors say `name`.
pub(super) fn binary(
    name: &str,
    op: BinaryOp,
    left: Side,
    right: Side,
) -> Result<BinaryTypes, String> {
    if op.is_comparison() {
        return comparison(name, op, left, right);
    }
    let all_ints = !is_float(left) && !is_float(right);
    if op == BinaryOp::Divide && all_ints {
        return Ok(same(op, DType::F64, DType::F64, number_of(left, right)));
    }
    if let (BinaryOp::Power, true, Side::Number(Scalar::Int(exponent @ ..0))) =
        (op, all_ints, right)
    {
        return Err(format!(
            "{name}: integers have no integer power {exponent}; use powf({exponent}.0) for float64"
        ));
    }
    let common = common(name, left, right)?;
    let dtype = match (op, common) {
        (BinaryOp::Subtract, DType::Bool) => {
            return Err(format!("{name}: not defined for bool; use ^ (exclusive or)"));
        }
        (BinaryOp::FloorDivide | BinaryOp::Remainder | BinaryOp::Power, DType::Bool) => DType::I8,
        (_, common) if op.is_bitwise() && common.is_float() => {
            return Err(no_bits(name, left, right, all_ints));
        }
        (_, common) => common,
    };
    Ok(same(op, dtype, dtype, number_of(left, right)))
}

fn no_bits(name: &str, left: Side, right: Side, all_ints: bool) -> String {
    let (left, right) = (text(left), text(right));
    let why = if all_ints { "no integer type holds both" } else { "it takes bool and integers" };
    format!("{name}: not defined for {left} and {right}; {why}")
}

fn text(side: Side) -> String {
    match side {
        Side::Array(dtype) => dtype.to_string(),
        Side::Number(value) => value.to_string(),
    }
}

fn is_float(side: Side) -> bool {
    match side {
        Side::Array(dtype) => dtype.is_float(),
        Side::Number(value) => matches!(value, Scalar::Float(_)),
    }
}

fn number_of(left: Side, right: Side) -> Option<Scalar> {
    match (left, right) {
        (_, Side::Number(value)) | (Side::Number(value), _) => Some(value),
        _ => None,
    }
}

/// Both sides of one type.
fn same(op: BinaryOp, operand: DType, result: DType, number: Option<Scalar>) -> BinaryTypes {
    BinaryTypes { op, number, left: operand, right: operand, result }
}

/// The type that holds both sides.
pub(super) fn common(name: &str, left: Side, right: Side) -> Result<DType, String> {
    match (left, right) {
        (Side::Array(left), Side::Array(right)) => Ok(left.promote(right)),
        (Side::Array(dtype), Side::Number(value)) | (Side::Number(value), Side::Array(dtype)) => {
            weak(name, dtype, value)
        }
        (Side::Number(left), Side::Number(right)) => Ok(match (left, right) {
            (Scalar::Float(_), _) | (_, Scalar::Float(_)) => DType::F64,
            (Scalar::Int(_), _) | (_, Scalar::Int(_)) => DType::I64,
            (Scalar::Bool(_), Scalar::Bool(_)) => DType::Bool,
        }),
    }
}

/// The type of an array of `dtype` with a number.
fn weak(name: &str, dtype: DType, value: Scalar) -> Result<DType, String> {
    match value {
        Scalar::Float(_) if !dtype.is_float() => Ok(DType::F64),
        Scalar::Int(_) if dtype == DType::Bool => Ok(DType::I64),
        Scalar::Int(value) => int_fits(name, value, dtype).map(|()| dtype),
        Scalar::Bool(_) | Scalar::Float(_) => Ok(dtype),
    }
}

/// On which side of an integer type's values an integer lies that the type does not hold.
pub(super) fn beyond(dtype: DType, value: Option<Scalar>) -> Option<Ordering> {
    let (Some(Scalar::Int(value)), Some((low, high))) = (value, dtype.int_range()) else {
        return None;
    };
    let value = i128::from(value);
    match (dtype, value) {
        // Meets integers as int64.
        (DType::Bool, _) => None,
        _ if value < low => Some(Ordering::Less),
        _ if value > high => Some(Ordering::Greater),
        _ => None,
    }
}

/// Integers are compared exactly, whatever their types, and with numbers that their type does not
/// hold too.
fn comparison(name: &str, op: BinaryOp, left: Side, right: Side) -> Result<BinaryTypes, String> {
    let result = DType::Bool;
    match (left, right) {
        (Side::Array(left), Side::Array(right))
            if (left == DType::U64 && right.is_signed_int())
                || (right == DType::U64 && left.is_signed_int()) =>
        {
            let wide = |dtype| if dtype == DType::U64 { DType::U64 } else { DType::I64 };
            Ok(BinaryTypes { op, number: None, left: wide(left), right: wide(right), result })
        }
        (Side::Array(DType::U64), Side::Number(Scalar::Int(..0))) => {
            let always =
                matches!(op, BinaryOp::NotEqual | BinaryOp::Greater | BinaryOp::GreaterEqual);
            let op = if always { BinaryOp::GreaterEqual } else { BinaryOp::Less };
            Ok(same(op, DType::U64, result, Some(Scalar::Int(0))))
        }
        (Side::Number(Scalar::Int(..0)), Side::Array(DType::U64)) => {
            let always = matches!(op, BinaryOp::NotEqual | BinaryOp::Less | BinaryOp::LessEqual);
            let op = if always { BinaryOp::LessEqual } else { BinaryOp::Greater };
            Ok(same(op, DType::U64, result, Some(Scalar::Int(0))))
        }
        (Side::Array(dtype), Side::Number(Scalar::Int(value)))
        | (Side::Number(Scalar::Int(value)), Side::Array(dtype))
            if int_fits(name, value, dtype).is_err() =>
        {
            // All but uint64, which was above, fit int64 as the number does.
            Ok(same(op, DType::I64, result, Some(Scalar::Int(value))))
        }
        _ => Ok(same(op, common(name, left, right)?, result, number_of(left, right))),
    }
}

#[cfg(test)]
mod tests {
    use super::Side::{self, Array, Number};
    use super::{BinaryTypes, UnaryTypes, binary, common, unary};
    use crate::dtype::DType::{self, Bool, F32, F64, I8, I16, I64, U8, U64};
    use crate::kernel::{BinaryOp, UnaryOp};
    use crate::lazy::Scalar::{self, Float, Int};

    /// Types in the order of the tables below.
    const ORDER: [DType; 11] = DType::ALL;
    /// numpy's letters for them.
    const LETTERS: &str = "?BbHhIiQqfd";

    fn letter(dtype: DType) -> char {
        ORDER.iter().zip(LETTERS.chars()).find(|(d, _)| **d == dtype).unwrap().1
    }

    fn table_of(op: BinaryOp) -> String {
        let cell = |left: DType, right: DType| {
            binary(op.name(), op, Array(left), Array(right)).map_or('-', |t| letter(t.result))
        };
        let row = |left: DType| ORDER.iter().map(|&right| cell(left, right)).collect::<String>();
        ORDER.map(row).join(" ")
    }

    // np.<op>(np.ones(1, left), np.ones(1, right)).dtype.char, a row for each left, numpy 2.4.6; "-"
    // for TypeError.
    const ADD: &str = "?BbHhIiQqfd BBhHhIiQqfd bhbihqidqfd HHiHiIiQqfd hhhihqidqfd IIqIqIqQqdd \
                       iiiiiqidqdd QQdQdQdQddd qqqqqqqdqdd fffffddddfd ddddddddddd";
    const DIVIDE: &str = "dddddddddfd dddddddddfd dddddddddfd dddddddddfd dddddddddfd ddddddddddd \
                          ddddddddddd ddddddddddd ddddddddddd fffffddddfd ddddddddddd";
    const AND: &str = "?BbHhIiQq-- BBhHhIiQq-- bhbihqi-q-- HHiHiIiQq-- hhhihqi-q-- IIqIqIqQq-- \
                       iiiiiqi-q-- QQ-Q-Q-Q--- qqqqqqq-q-- ----------- -----------";

    #[test]
    fn two_arrays_give_numpys_types() {
        use BinaryOp::{
            Add, And, Divide, Equal, FloorDivide, Fmax, Fmin, Less, Maximum, Minimum, Multiply, Or,
            Power, Remainder, Subtract, Xor,
        };
        for op in [Add, Multiply, Minimum, Maximum, Fmin, Fmax] {
            assert_eq!(table_of(op), ADD, "{op:?}");
        }
        assert_eq!(table_of(Subtract), ADD.replacen('?', "-", 1));
        for op in [FloorDivide, Remainder, Power] {
            assert_eq!(table_of(op), ADD.replacen('?', "b", 1), "{op:?}");
        }
        assert_eq!(table_of(Divide), DIVIDE);
        for op in [And, Or, Xor] {
            assert_eq!(table_of(op), AND, "{op:?}");
        }
        for op in [Equal, Less] {
            assert_eq!(table_of(op), ["???????????"; 11].join(" "), "{op:?}");
        }
    }

    #[test]
    fn one_array_gives_numpys_types_and_float32_for_float16() {
        // np.<op>(np.ones(1, t)).dtype.char, numpy 2.4.6; "e" is float16, "-" is TypeError.
        use UnaryOp::*;
        let cases: [(&[UnaryOp], &str); 6] = [
            (&[Negative, Sign], "-BbHhIiQqfd"),
            (&[Absolute, Floor, Ceil, Trunc], "?BbHhIiQqfd"),
            (&[Sqrt, Exp, Log, Log10, Log1p, Expm1, Rint], "eeeffddddfd"),
            (&[Square, Reciprocal], "bBbHhIiQqfd"),
            (&[IsNan, IsInf, IsFinite], "???????????"),
            (&[Invert], "?BbHhIiQq--"),
        ];
        for (ops, wanted) in cases {
            for &op in ops {
                let found: String =
                    ORDER.iter().map(|&d| unary(op, d).map_or('-', |t| letter(t.result))).collect();
                assert_eq!(found, wanted.replace('e', "f"), "{op:?}");
            }
        }
        assert_eq!(unary(Sqrt, I16), Ok(UnaryTypes { operand: F32, result: F32 }));
        assert_eq!(unary(IsNan, I16), Ok(UnaryTypes { operand: I16, result: Bool }));
    }

    fn with(op: BinaryOp, dtype: DType, value: Scalar) -> Result<DType, String> {
        binary(op.name(), op, Array(dtype), Number(value)).map(|types| types.result)
    }

    #[test]
    fn numbers_take_the_type_of_the_array() {
        // (np.ones(1, t) op number).dtype, numpy 2.4.6
        use BinaryOp::{Add, And, Divide, FloorDivide, Less, Maximum, Power};
        let ok = |op, dtype, value, wanted: DType| assert_eq!(with(op, dtype, value), Ok(wanted));
        ok(Add, U8, Int(255), U8);
        ok(Add, I16, Float(1.0), F64);
        ok(Add, F32, Float(1e300), F32);
        ok(Add, F32, Int(i64::MAX), F32);
        ok(Add, Bool, Int(300), I64);
        ok(Add, Bool, Float(1.0), F64);
        ok(Add, U8, Scalar::Bool(true), U8);
        ok(Add, Bool, Scalar::Bool(true), Bool);
        ok(And, Bool, Int(1), I64);
        ok(And, U8, Scalar::Bool(true), U8);
        ok(Divide, U8, Int(300), F64);
        ok(Divide, F32, Int(2), F32);
        ok(FloorDivide, Bool, Scalar::Bool(true), I8);
        ok(Maximum, U8, Float(2.5), F64);
        ok(Power, U8, Int(2), U8);
        ok(Power, I16, Float(0.5), F64);
        ok(Power, F32, Int(-1), F32);
        ok(Less, U8, Float(1.5), Bool);
    }

    #[test]
    fn what_numpy_refuses_is_refused_with_a_way_out() {
        use BinaryOp::{Add, And, Power, Subtract};
        let refused = |result: Result<DType, String>, words: &[&str]| {
            let problem = result.unwrap_err();
            assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
        };
        refused(with(Add, U8, Int(300)), &["add", "300", "uint8", "300.0"]);
        refused(with(Add, U64, Int(-1)), &["add", "-1", "uint64"]);
        refused(with(Power, I16, Int(-2)), &["power", "-2", "powf(-2.0)"]);
        refused(with(Power, Bool, Int(-1)), &["power", "-1"]);
        refused(with(Subtract, Bool, Scalar::Bool(true)), &["subtract", "bool", "^"]);
        refused(with(And, I16, Float(1.0)), &["bitwise_and", "int16", "1.0"]);
        let mixed = binary("bitwise_and", And, Array(I64), Array(U64)).map(|types| types.result);
        refused(mixed, &["int64", "uint64", "no integer type"]);
        let of = |op, dtype| unary(op, dtype).map(|types| types.result);
        refused(of(UnaryOp::Negative, Bool), &["negative", "bool", "!"]);
        refused(of(UnaryOp::Invert, F32), &["invert", "float32"]);
    }

    #[test]
    fn integers_are_compared_exactly() {
        use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual};
        let types = |op, left: Side, right: Side| {
            let BinaryTypes { op, number, left, right, result } =
                binary("less", op, left, right).unwrap();
            assert_eq!(result, Bool);
            (op, number, left, right)
        };
        assert_eq!(types(Less, Array(I8), Array(U64)), (Less, None, I64, U64));
        assert_eq!(types(Less, Array(U64), Array(I64)), (Less, None, U64, I64));
        assert_eq!(types(Less, Array(U8), Array(I8)), (Less, None, I16, I16));
        assert_eq!(types(Less, Array(I64), Array(F32)), (Less, None, F64, F64));
        // np.array([1], "u1") < 300 and the like are exact
        let (fits, beyond) = (Number(Int(7)), Number(Int(300)));
        assert_eq!(types(Equal, Array(U8), fits), (Equal, Some(Int(7)), U8, U8));
        assert_eq!(types(Equal, Array(U8), beyond), (Equal, Some(Int(300)), I64, I64));
        assert_eq!(types(Less, beyond, Array(U8)), (Less, Some(Int(300)), I64, I64));
        // No uint64 is -1, and each is more than it.
        let below = Number(Int(-1));
        assert_eq!(types(Equal, Array(U64), below), (Less, Some(Int(0)), U64, U64));
        assert_eq!(types(Greater, Array(U64), below), (GreaterEqual, Some(Int(0)), U64, U64));
        assert_eq!(types(Less, below, Array(U64)), (LessEqual, Some(Int(0)), U64, U64));
        assert_eq!(types(Equal, below, Array(U64)), (Greater, Some(Int(0)), U64, U64));
    }

    #[test]
    fn two_numbers_have_a_type_too() {
        // np.where(c, 1, 2), np.where(c, 1, 2.0), np.where(c, True, 2), numpy 2.4.6
        let of = |left, right| common("where", Number(left), Number(right)).unwrap();
        assert_eq!(of(Int(1), Int(2)), I64);
        assert_eq!(of(Int(1), Float(2.0)), F64);
        assert_eq!(of(Scalar::Bool(true), Int(2)), I64);
        assert_eq!(of(Scalar::Bool(true), Scalar::Bool(false)), Bool);
    }
}
