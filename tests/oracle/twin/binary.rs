//! Operations between two arrays, or an array and a number.

use std::cmp::Ordering;

use voxstore::DType;

use super::near::{EXACT, ulp};
use super::structure::common_shape;
use super::{Cells, Fault, Near, Number, Twin, promote, round, types, wrap};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    FloorDivide,
    And,
    Or,
    Xor,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Minimum,
    Maximum,
    Fmin,
    Fmax,
}

impl Binary {
    pub(crate) const ALL: [Self; 19] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Remainder,
        Self::FloorDivide,
        Self::And,
        Self::Or,
        Self::Xor,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
        Self::Minimum,
        Self::Maximum,
        Self::Fmin,
        Self::Fmax,
    ];

    pub(crate) fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::Less
                | Self::LessEqual
                | Self::Greater
                | Self::GreaterEqual
        )
    }

    /// Written between its sides in Rust, so that a number may stand on the left.
    pub(crate) fn is_operator(self) -> bool {
        (self as u8) <= Self::Xor as u8 && self != Self::FloorDivide
    }

    fn holds(self, order: Option<Ordering>) -> i128 {
        let Some(order) = order else { return i128::from(self == Self::NotEqual) };
        i128::from(match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    }

    fn of_ints(self, a: i128, b: i128, dtype: DType) -> i128 {
        let boolean = dtype == DType::Bool;
        match self {
            Self::Add if boolean => a | b,
            Self::Add => a + b,
            Self::Subtract => a - b,
            // Two factors below 2^64 in size: the product may pass i128, its low bits do not.
            Self::Multiply => a.wrapping_mul(b) & i128::from(u64::MAX),
            Self::FloorDivide | Self::Remainder if b == 0 => 0,
            Self::FloorDivide => floor_divide(a, b),
            Self::Remainder => a - b * floor_divide(a, b),
            Self::And => a & b,
            Self::Or => a | b,
            Self::Xor => a ^ b,
            Self::Minimum | Self::Fmin => a.min(b),
            Self::Maximum | Self::Fmax => a.max(b),
            _ => self.holds(Some(a.cmp(&b))),
        }
    }

    /// One operation on floats and what becomes of their bounds.
    pub(super) fn of_floats(self, a: Near, b: Near, dtype: DType) -> Near {
        if matches!(self, Self::Minimum | Self::Maximum | Self::Fmin | Self::Fmax) {
            return self.extreme(a, b);
        }
        let exact = match self {
            Self::Add => a.value + b.value,
            Self::Subtract => a.value - b.value,
            Self::Multiply => a.value * b.value,
            Self::FloorDivide if dtype == DType::F32 => {
                f64::from(divmod_f32(a.value as f32, b.value as f32))
            }
            Self::FloorDivide => divmod(a.value, b.value).0,
            Self::Remainder => divmod(a.value, b.value).1,
            _ => a.value / b.value,
        };
        // Division and product in f64 and then f32 round as one division in f32 would.
        let value = round(exact, dtype);
        if a.bound == 0.0 && b.bound == 0.0 {
            return Near { value, bound: EXACT };
        }
        if self == Self::Divide && b.bound == 0.0 && b.value == 0.0 && a.value.abs() > a.bound {
            return Near { value, bound: EXACT };
        }
        let bound = match self {
            Self::Add | Self::Subtract => a.bound + b.bound,
            Self::Multiply => a.value.abs() * b.bound + b.value.abs() * a.bound + a.bound * b.bound,
            // They jump.
            Self::FloorDivide | Self::Remainder => f64::INFINITY,
            _ if b.value.abs() <= 1.001 * b.bound => f64::INFINITY,
            _ => (a.bound + (a.value / b.value).abs() * b.bound) / (b.value.abs() - b.bound),
        };
        let overflow = value.is_infinite() && a.value.is_finite() && b.value.is_finite();
        let known = a.is_known() && b.is_known() && !overflow;
        let bound = if known { bound + 2.0 * ulp(value, dtype) } else { f64::INFINITY };
        Near::within(value, bound)
    }

    fn extreme(self, a: Near, b: Near) -> Near {
        let smaller = matches!(self, Self::Minimum | Self::Fmin);
        let passes = matches!(self, Self::Minimum | Self::Maximum);
        if !a.is_known() || !b.is_known() {
            return Near::unknown(a.value);
        }
        match (a.value.is_nan(), b.value.is_nan()) {
            (true, _) if passes => return a,
            (_, true) if passes => return b,
            (true, _) => return b,
            (_, true) => return a,
            _ => {}
        }
        let first = if smaller { a.value < b.value } else { a.value > b.value };
        let taken = if first { a } else { b };
        if a.value == b.value && a.value == 0.0 {
            return Near::within(taken.value, a.bound.max(b.bound).max(Near::equal(0.0).bound));
        }
        Near { value: taken.value, bound: a.bound.max(b.bound) }
    }
}

fn floor_divide(a: i128, b: i128) -> i128 {
    let quotient = a / b;
    quotient - i128::from(a % b != 0 && (a < 0) != (b < 0))
}

/// numpy's `divmod` of floats.
fn divmod(a: f64, b: f64) -> (f64, f64) {
    if b == 0.0 {
        return (a / b, a % b);
    }
    let (mut rest, mut quotient) = (a % b, (a - a % b) / b);
    if rest == 0.0 {
        rest = 0.0_f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0.0_f64.copysign(a / b), rest);
    }
    let floor = quotient.floor();
    (floor + f64::from(u8::from(quotient - floor > 0.5)), rest)
}

/// The quotient in `float32`.
fn divmod_f32(a: f32, b: f32) -> f32 {
    if b == 0.0 {
        return a / b;
    }
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return 0.0_f32.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

impl Twin {
    pub(crate) fn binary(op: Binary, left: &Self, right: &Self) -> Result<Self, Fault> {
        Self::same_type(op, left, right, promote(left.dtype, right.dtype))
    }

    /// With a weak number.
    pub(crate) fn with_number(
        &self,
        op: Binary,
        number: Number,
        array_left: bool,
    ) -> Result<Self, Fault> {
        let number = number.beside(self.dtype, Some(op))?;
        let common = number.dtype;
        if array_left {
            Self::same_type(op, self, &number, common)
        } else {
            Self::same_type(op, &number, self, common)
        }
    }

    fn same_type(op: Binary, left: &Self, right: &Self, common: DType) -> Result<Self, Fault> {
        let shape = common_shape(&left.shape, &right.shape)?;
        let (computed, dtype) = types::of_binary(op, common)?;
        let (left, right) = (left.broadcast(&shape)?, right.broadcast(&shape)?);
        // Integers of any two types are compared as what they are.
        let whole = matches!((&left.cells, &right.cells), (Cells::Int(_), Cells::Int(_)));
        let (a, b) = if op.is_comparison() && whole {
            (left, right)
        } else {
            (left.promoted(computed), right.promoted(computed))
        };
        let cells = match (&a.cells, &b.cells) {
            (Cells::Int(a), Cells::Int(b)) => {
                let one = |(&a, &b): (&i128, &i128)| wrap(op.of_ints(a, b, dtype), dtype);
                Cells::Int(a.iter().zip(b).map(one).collect())
            }
            (Cells::Float(a), Cells::Float(b)) if op.is_comparison() => {
                let one = |(a, b): (&Near, &Near)| Ok(op.holds(a.compare(*b)?));
                Cells::Int(a.iter().zip(b).map(one).collect::<Result<_, _>>()?)
            }
            (Cells::Float(a), Cells::Float(b)) => {
                let one = |(&a, &b): (&Near, &Near)| op.of_floats(a, b, dtype);
                Cells::Float(a.iter().zip(b).map(one).collect())
            }
            _ => unreachable!("both have the type they are computed in"),
        };
        Ok(Self { shape, dtype, cells, rounded: false })
    }

    /// numpy's `where(condition, then, otherwise)`.
    pub(crate) fn choose(
        condition: &Self,
        then: &Self,
        otherwise: Result<&Self, Number>,
    ) -> Result<Self, Fault> {
        let number;
        let (otherwise, dtype) = match otherwise {
            Ok(array) => (array, promote(then.dtype, array.dtype)),
            Err(weak) => {
                number = weak.beside(then.dtype, None)?;
                (&number, number.dtype)
            }
        };
        let shape = common_shape(&condition.shape, &then.shape)?;
        let shape = common_shape(&shape, &otherwise.shape)?;
        let (then, otherwise) = (then.promoted(dtype), otherwise.promoted(dtype));
        let (then, otherwise) = (then.broadcast(&shape)?, otherwise.broadcast(&shape)?);
        let condition = condition.broadcast(&shape)?;
        let Cells::Int(condition) = &condition.cells else { return Err(Fault::Expression) };
        let cells = match (&then.cells, &otherwise.cells) {
            (Cells::Int(a), Cells::Int(b)) => Cells::Int(chosen(condition, a, b)),
            (Cells::Float(a), Cells::Float(b)) => Cells::Float(chosen(condition, a, b)),
            _ => unreachable!("both have one type"),
        };
        Ok(Self { shape, dtype, cells, rounded: false })
    }
}

fn chosen<T: Copy>(condition: &[i128], then: &[T], otherwise: &[T]) -> Vec<T> {
    condition
        .iter()
        .zip(then.iter().zip(otherwise))
        .map(|(&c, (&a, &b))| if c != 0 { a } else { b })
        .collect()
}
