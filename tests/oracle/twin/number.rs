//! Rust numbers beside arrays.

use voxstore::DType;

use super::near::round;
use super::{Binary, Cells, Fault, Near, Twin, types};

/// A weak number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    I64(i64),
    I32(i32),
    U32(u32),
    F64(f64),
    F32(f32),
    Bool(bool),
}

impl Number {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::I64(_) => "i64",
            Self::I32(_) => "i32",
            Self::U32(_) => "u32",
            Self::F64(_) => "f64",
            Self::F32(_) => "f32",
            Self::Bool(_) => "bool",
        }
    }

    fn whole(self) -> Option<i128> {
        match self {
            Self::I64(v) => Some(v.into()),
            Self::I32(v) => Some(v.into()),
            Self::U32(v) => Some(v.into()),
            Self::Bool(v) => Some(v.into()),
            Self::F64(_) | Self::F32(_) => None,
        }
    }

    fn float(self, dtype: DType) -> f64 {
        match (self, self.whole()) {
            (Self::F64(v), _) => round(v, dtype),
            (Self::F32(v), _) => v.into(),
            (_, Some(v)) if dtype == DType::F32 => f64::from(v as f32),
            (_, whole) => whole.unwrap_or(0) as f64,
        }
    }

    /// An array of one element beside an array of `dtype`. An integer must fit the integers it
    /// meets, except where they are compared, or divided as floats.
    pub(super) fn beside(self, dtype: DType, op: Option<Binary>) -> Result<Twin, Fault> {
        let divided = op == Some(Binary::Divide) && !dtype.is_float();
        let common = if divided { DType::F64 } else { types::weak(dtype, self) };
        let compared = op.is_some_and(Binary::is_comparison);
        let cells = match (self.whole(), common.int_range()) {
            (Some(v), Some((low, high))) => {
                if !compared && !(low..=high).contains(&v) {
                    return Err(Fault::Expression);
                }
                Cells::Int(vec![v])
            }
            _ => Cells::Float(vec![Near::exact(self.float(common))]),
        };
        Ok(Twin { shape: Vec::new(), dtype: common, cells, rounded: false })
    }
}
