//! Functions of one number.

use voxstore::DType;

use super::binary::Binary;
use super::near::ulp;
use super::number::Number;
use super::{Cells, Fault, Near, Twin, round, types, wrap};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unary {
    Negative,
    Not,
    Abs,
    Sqrt,
    Exp,
    Log,
    Log10,
    Log1p,
    Expm1,
    Square,
    Reciprocal,
    Sign,
    Floor,
    Ceil,
    Round,
    Trunc,
    IsNan,
    IsInf,
    IsFinite,
    NanToNum,
    Powi(i32),
    Powf(f64),
}

impl Unary {
    pub(crate) const ALL: [Self; 22] = [
        Self::Negative,
        Self::Not,
        Self::Abs,
        Self::Sqrt,
        Self::Exp,
        Self::Log,
        Self::Log10,
        Self::Log1p,
        Self::Expm1,
        Self::Square,
        Self::Reciprocal,
        Self::Sign,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::Trunc,
        Self::IsNan,
        Self::IsInf,
        Self::IsFinite,
        Self::NanToNum,
        Self::Powi(2),
        Self::Powf(0.5),
    ];

    pub(crate) fn name(self) -> String {
        let name = format!("{self:?}");
        name.split('(').next().unwrap().to_owned()
    }

    fn of_int(self, v: i128, dtype: DType) -> i128 {
        match self {
            Self::Negative => -v,
            Self::Not if dtype == DType::Bool => 1 - v,
            Self::Not => -1 - v,
            Self::Abs => v.abs(),
            Self::Square => v.wrapping_mul(v),
            Self::Sign => v.signum(),
            // numpy's on x86; C leaves it undefined.
            Self::Reciprocal if v == 0 => match dtype {
                DType::I32 => i32::MIN.into(),
                DType::I64 => i64::MIN.into(),
                _ => 0,
            },
            Self::Reciprocal => 1 / v,
            // Only the low bits are kept.
            Self::Powi(power) => (0..power).fold(1, |p: i128, _| wrap(p.wrapping_mul(v), dtype)),
            _ => v,
        }
    }

    fn of_float(self, v: Near, dtype: DType) -> Near {
        let monotone = |function: fn(f64) -> f64, ulps| v.through(dtype, ulps, function);
        match self {
            Self::Negative => Near { value: -v.value, bound: v.bound },
            Self::Abs => Near { value: v.value.abs(), bound: v.bound },
            Self::Sqrt => monotone(f64::sqrt, 0.0),
            Self::Exp => monotone(f64::exp, 2.0),
            Self::Log => monotone(f64::ln, 2.0),
            Self::Log10 => monotone(f64::log10, 2.0),
            Self::Log1p => monotone(f64::ln_1p, 2.0),
            Self::Expm1 => monotone(f64::exp_m1, 2.0),
            Self::Floor => monotone(f64::floor, 0.0),
            Self::Ceil => monotone(f64::ceil, 0.0),
            Self::Round => monotone(f64::round_ties_even, 0.0),
            Self::Trunc => monotone(f64::trunc, 0.0),
            Self::Sign => {
                let sign = |v: f64| if v == 0.0 || v.is_nan() { v.abs() } else { v.signum() };
                v.through(dtype, 0.0, sign)
            }
            Self::Square => Binary::Multiply.of_floats(v, v, dtype),
            Self::Reciprocal => Binary::Divide.of_floats(Near::exact(1.0), v, dtype),
            Self::NanToNum => nan_to_num(v, dtype),
            Self::Powi(power) => pow(v, f64::from(power), dtype),
            Self::Powf(power) => pow(v, power, dtype),
            Self::Not | Self::IsNan | Self::IsInf | Self::IsFinite => {
                unreachable!("no float comes out")
            }
        }
    }
}

fn nan_to_num(v: Near, dtype: DType) -> Near {
    let most = if dtype == DType::F32 { f64::from(f32::MAX) } else { f64::MAX };
    match v {
        v if !v.is_known() => v,
        v if v.value.is_nan() => Near::exact(0.0),
        v if v.value.is_infinite() => Near::exact(most.copysign(v.value)),
        v => v,
    }
}

fn pow(v: Near, power: f64, dtype: DType) -> Near {
    if power == 2.0 {
        return Binary::Multiply.of_floats(v, v, dtype);
    }
    let away_from_zero = v.value.abs() > v.bound;
    if v.bound > 0.0 && !away_from_zero {
        return Near::unknown(v.value.powf(power));
    }
    v.through(dtype, 4.0, |v| v.powf(power))
}

impl Twin {
    pub(crate) fn unary(&self, op: Unary) -> Result<Self, Fault> {
        let (computed, result) = types::of_unary(op, self.dtype)?;
        let of = self.promoted(computed);
        let cells = match (&of.cells, op) {
            (Cells::Int(list), Unary::IsNan | Unary::IsInf) => Cells::Int(vec![0; list.len()]),
            (Cells::Int(list), Unary::IsFinite) => Cells::Int(vec![1; list.len()]),
            (Cells::Float(list), Unary::IsNan | Unary::IsInf | Unary::IsFinite) => {
                let one = |v: &Near| match v {
                    v if !v.is_known() => Err(Fault::Undecided),
                    v => Ok(i128::from(match op {
                        Unary::IsNan => v.value.is_nan(),
                        Unary::IsInf => v.value.is_infinite(),
                        _ => v.value.is_finite(),
                    })),
                };
                Cells::Int(list.iter().map(one).collect::<Result<_, _>>()?)
            }
            (Cells::Int(list), _) => {
                Cells::Int(list.iter().map(|&v| wrap(op.of_int(v, result), result)).collect())
            }
            (Cells::Float(list), _) => {
                Cells::Float(list.iter().map(|&v| op.of_float(v, result)).collect())
            }
        };
        Ok(Self { shape: self.shape.clone(), dtype: result, cells, rounded: false })
    }

    /// Between two numbers.
    pub(crate) fn clip(&self, low: Number, high: Number) -> Result<Self, Fault> {
        self.with_number(Binary::Maximum, low, true)?.with_number(Binary::Minimum, high, true)
    }
}

/// Within an ulp of what it is.
pub(super) fn loosely(v: Near, dtype: DType) -> Near {
    Near::within(round(v.value, dtype), v.bound + ulp(v.value, dtype))
}
