//! numpy's type rules (NEP 50), with `float32` where numpy has `float16`.

use voxstore::DType;

use super::{Binary, Fault, Number, Unary};

/// The first type in numpy's order that holds all values of both (NEP 50's table).
pub(crate) fn promote(a: DType, b: DType) -> DType {
    let holds = |wide: DType, narrow: DType| match (wide.int_range(), narrow.int_range()) {
        (Some((low, high)), Some((l, h))) => low <= l && h <= high,
        (Some(_), None) => false,
        (None, Some(_)) => wide == DType::F64 || narrow.size() <= 2,
        (None, None) => wide.size() >= narrow.size(),
    };
    DType::ALL.into_iter().find(|&d| holds(d, a) && holds(d, b)).unwrap()
}

/// The type of an array that meets a weak number.
pub(super) fn weak(array: DType, number: Number) -> DType {
    match number {
        Number::Bool(_) => array,
        _ if array.is_float() => array,
        Number::F64(_) | Number::F32(_) => DType::F64,
        _ if array == DType::Bool => DType::I64,
        _ => array,
    }
}

/// From the type two sides have together: the type it is computed in, and that of the result.
pub(super) fn of_binary(op: Binary, common: DType) -> Result<(DType, DType), Fault> {
    let same = Ok((common, common));
    match op {
        op if op.is_comparison() => Ok((common, DType::Bool)),
        Binary::And | Binary::Or | Binary::Xor if common.is_float() => Err(Fault::Expression),
        Binary::Subtract if common == DType::Bool => Err(Fault::Expression),
        Binary::Divide if !common.is_float() => Ok((DType::F64, DType::F64)),
        Binary::FloorDivide | Binary::Remainder if common == DType::Bool => {
            Ok((DType::I8, DType::I8))
        }
        _ => same,
    }
}

/// The type a function of one number is computed in, and that of the result.
pub(super) fn of_unary(op: Unary, dtype: DType) -> Result<(DType, DType), Fault> {
    let float = match dtype {
        DType::F32 | DType::F64 => dtype,
        _ if dtype.size() <= 2 => DType::F32,
        _ => DType::F64,
    };
    match op {
        Unary::Negative | Unary::Sign if dtype == DType::Bool => Err(Fault::Expression),
        Unary::Not if dtype.is_float() => Err(Fault::Expression),
        Unary::Square | Unary::Reciprocal if dtype == DType::Bool => Ok((DType::I8, DType::I8)),
        Unary::Powi(power) if power < 0 && !dtype.is_float() => Err(Fault::Expression),
        Unary::Powi(_) if dtype == DType::Bool => Ok((DType::I64, DType::I64)),
        Unary::Powf(_) if !dtype.is_float() => Ok((DType::F64, DType::F64)),
        Unary::IsNan | Unary::IsInf | Unary::IsFinite => Ok((dtype, DType::Bool)),
        Unary::Sqrt | Unary::Exp | Unary::Log | Unary::Log10 | Unary::Log1p | Unary::Expm1 => {
            Ok((float, float))
        }
        Unary::Round if dtype == DType::Bool => Ok((float, float)),
        _ => Ok((dtype, dtype)),
    }
}
