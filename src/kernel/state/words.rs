//! 64-bit words that hold samples of any type exactly, and how two of them compare.

use bytemuck::Pod;

use crate::dtype::{DType, Number};

/// A sample, exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernel) enum Value {
    Float(f64),
    Integer(i128),
}

impl Value {
    pub(in crate::kernel) fn to_f64(self) -> f64 {
        match self {
            Self::Float(value) => value,
            Self::Integer(value) => value as f64,
        }
    }
}

/// The word of one [`WordKind`](super::kind::WordKind).
pub(super) trait SampleWord: Pod + PartialOrd {
    /// No sample is above, none below.
    const HIGHEST: Self;
    const LOWEST: Self;
    fn of<T: Number>(sample: T) -> Self;
    fn is_nan(self) -> bool;
    fn value(self) -> Value;
}

impl SampleWord for f64 {
    const HIGHEST: Self = Self::INFINITY;
    const LOWEST: Self = Self::NEG_INFINITY;
    #[inline(always)]
    fn of<T: Number>(sample: T) -> Self {
        sample.to_f64()
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        self.is_nan()
    }
    fn value(self) -> Value {
        Value::Float(self)
    }
}

macro_rules! integer_words {
    ($($t:ty),*) => {$(
        impl SampleWord for $t {
            const HIGHEST: Self = Self::MAX;
            const LOWEST: Self = Self::MIN;
            #[inline(always)]
            fn of<T: Number>(sample: T) -> Self {
                sample.to_i64() as Self
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                false
            }
            fn value(self) -> Value {
                Value::Integer(i128::from(self))
            }
        }
    )*};
}
integer_words!(i64, u64);

/// Runs `$body` with `$W` bound to the type of a [`WordKind`](super::kind::WordKind).
macro_rules! with_word {
    ($word:expr, $W:ident => $body:expr) => {
        match $word {
            $crate::kernel::state::kind::WordKind::Float => {
                type $W = f64;
                $body
            }
            $crate::kernel::state::kind::WordKind::Signed => {
                type $W = i64;
                $body
            }
            $crate::kernel::state::kind::WordKind::Unsigned => {
                type $W = u64;
                $body
            }
        }
    };
}
pub(super) use with_word;

/// Any integer sample.
#[inline(always)]
pub(super) fn wide<T: Number>(sample: T) -> i128 {
    let bits = sample.to_i64();
    if T::DTYPE == DType::U64 { i128::from(bits.cast_unsigned()) } else { i128::from(bits) }
}
