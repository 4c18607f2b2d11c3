//! Which steps can a program take?
//!
//! Names and operands only; what a step does to numbers is in the modules beside this one.

use bytemuck::{Pod, cast_slice};

use super::cast::Overflow;
use crate::dtype::DType;

/// numpy's functions of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UnaryOp {
    Negative,
    Absolute,
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
    Trunc,
    Rint,
    IsNan,
    IsInf,
    IsFinite,
    Invert,
}

impl UnaryOp {
    /// numpy's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Absolute => "absolute",
            Self::Sqrt => "sqrt",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Log10 => "log10",
            Self::Log1p => "log1p",
            Self::Expm1 => "expm1",
            Self::Square => "square",
            Self::Reciprocal => "reciprocal",
            Self::Sign => "sign",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Trunc => "trunc",
            Self::Rint => "rint",
            Self::IsNan => "isnan",
            Self::IsInf => "isinf",
            Self::IsFinite => "isfinite",
            Self::Invert => "invert",
        }
    }

    /// True for functions that are computed in floats, whatever the operand.
    pub(crate) const fn is_float_function(self) -> bool {
        matches!(
            self,
            Self::Sqrt
                | Self::Exp
                | Self::Log
                | Self::Log10
                | Self::Log1p
                | Self::Expm1
                | Self::Rint
        )
    }

    /// True for questions, whose answer is a `bool`.
    pub(crate) const fn is_predicate(self) -> bool {
        matches!(self, Self::IsNan | Self::IsInf | Self::IsFinite)
    }

    /// True where an integer is its own result.
    pub(crate) const fn keeps_integers(self) -> bool {
        matches!(self, Self::Floor | Self::Ceil | Self::Trunc)
    }
}

/// numpy's functions of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Minimum,
    Maximum,
    Fmin,
    Fmax,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Xor,
}

impl BinaryOp {
    /// numpy's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::FloorDivide => "floor_divide",
            Self::Remainder => "remainder",
            Self::Power => "power",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Fmin => "fmin",
            Self::Fmax => "fmax",
            Self::Equal => "equal",
            Self::NotEqual => "not_equal",
            Self::Less => "less",
            Self::LessEqual => "less_equal",
            Self::Greater => "greater",
            Self::GreaterEqual => "greater_equal",
            Self::And => "bitwise_and",
            Self::Or => "bitwise_or",
            Self::Xor => "bitwise_xor",
        }
    }

    /// True for comparisons, whose answer is a `bool`.
    pub(crate) const fn is_comparison(self) -> bool {
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

    /// True for the operators on bits, which floats do not have.
    pub(crate) const fn is_bitwise(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor)
    }
}

/// A number of a program: where it is made, and the type it is seen as. Types that share a register
/// (`int16` and `int32`, `float32` and `float64`) are seen as one another without a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    /// The step while a program is put together, the register when it is built; or the [`input`](Self::input).
    pub(super) at: usize,
    pub(super) dtype: DType,
}

impl Slot {
    /// Where an input is whose elements are read where they lie: behind all registers. Of such a place, the input.
    pub(super) const fn input(input: usize) -> usize {
        usize::MAX - input
    }
}

/// The numbers of a [`Slot`], in its register, and the type they are seen as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand<'r> {
    pub(super) bytes: &'r [u8],
    pub(super) dtype: DType,
}

impl<'r> Operand<'r> {
    /// As `i64`, `u64` or `f64`, whichever the register holds.
    pub(super) fn words<W: Pod>(self) -> &'r [W] {
        cast_slice(self.bytes)
    }
}

/// What a step does. Floats are kept as their bits, so that equal steps are equal keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Load { input: usize, stored: DType },
    Constant { bits: u64 },
    Rescale { of: Slot, slope: u64, inter: u64 },
    Cast { of: Slot, overflow: Overflow },
    Unary { op: UnaryOp, of: Slot },
    Binary { op: BinaryOp, left: Slot, right: Slot },
    Select { condition: Slot, then: Slot, otherwise: Slot },
}

impl Operation {
    pub(super) fn operands(&self) -> impl Iterator<Item = Slot> {
        let operands = match *self {
            Self::Load { .. } | Self::Constant { .. } => [None, None, None],
            Self::Rescale { of, .. } | Self::Cast { of, .. } | Self::Unary { of, .. } => {
                [Some(of), None, None]
            }
            Self::Binary { left, right, .. } => [Some(left), Some(right), None],
            Self::Select { condition, then, otherwise } => {
                [Some(condition), Some(then), Some(otherwise)]
            }
        };
        operands.into_iter().flatten()
    }

    /// The same with every operand at another place.
    pub(super) fn moved(mut self, place: impl Fn(usize) -> usize) -> Self {
        match &mut self {
            Self::Load { .. } | Self::Constant { .. } => {}
            Self::Rescale { of, .. } | Self::Cast { of, .. } | Self::Unary { of, .. } => {
                of.at = place(of.at);
            }
            Self::Binary { left, right, .. } => {
                (left.at, right.at) = (place(left.at), place(right.at));
            }
            Self::Select { condition, then, otherwise } => {
                condition.at = place(condition.at);
                (then.at, otherwise.at) = (place(then.at), place(otherwise.at));
            }
        }
        self
    }
}
