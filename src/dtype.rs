//! What kinds of numbers can a voxel be, and what comes out when two kinds meet?
//!
//! Holds the [`DType`] tag, the [`Element`] trait that ties it to Rust's types, numpy's promotion
//! rules (NEP 50) and byte swapping. Does no arithmetic: that is `kernel`.

use std::fmt;

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

/// The type of one number of an array: every integer and float type of NIfTI that is real, and the
/// `bool` of comparisons (one byte, 0 or 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl DType {
    /// All of them, narrow to wide.
    pub const ALL: [Self; 11] = [
        Self::Bool,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// True for `F32` and `F64`.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// True for integers that can be negative.
    pub const fn is_signed_int(self) -> bool {
        matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64)
    }

    /// numpy's (and Zarr's) name: `int16`, `float64`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
        }
    }

    /// The type with this numpy name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.name() == name)
    }

    /// The type that holds every value of both, by numpy's table (`int64` with `uint64` is `float64`).
    #[must_use]
    pub fn promote(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        match (self.is_float(), other.is_float()) {
            _ if self == Self::Bool => other,
            _ if other == Self::Bool => self,
            (true, true) => Self::F64,
            (true, false) => Self::promote_float_int(self, other),
            (false, true) => Self::promote_float_int(other, self),
            (false, false) => Self::promote_ints(self, other),
        }
    }

    fn promote_float_int(float: Self, int: Self) -> Self {
        if float == Self::F32 && int.size() <= 2 { Self::F32 } else { Self::F64 }
    }

    fn promote_ints(a: Self, b: Self) -> Self {
        if a.is_signed_int() == b.is_signed_int() {
            return if a.size() >= b.size() { a } else { b };
        }
        let (signed, unsigned) = if a.is_signed_int() { (a, b) } else { (b, a) };
        if signed.size() > unsigned.size() {
            return signed;
        }
        match unsigned {
            Self::U8 => Self::I16,
            Self::U16 => Self::I32,
            Self::U32 => Self::I64,
            _ => Self::F64,
        }
    }

    /// The range of values an integer type holds, as `(min, max)` (0 and 1 for `bool`); `None` for
    /// floats.
    pub const fn int_range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::Bool => (0, 1),
            Self::U8 => (0, u8::MAX as i128),
            Self::I8 => (i8::MIN as i128, i8::MAX as i128),
            Self::U16 => (0, u16::MAX as i128),
            Self::I16 => (i16::MIN as i128, i16::MAX as i128),
            Self::U32 => (0, u32::MAX as i128),
            Self::I32 => (i32::MIN as i128, i32::MAX as i128),
            Self::U64 => (0, u64::MAX as i128),
            Self::I64 => (i64::MIN as i128, i64::MAX as i128),
            Self::F32 | Self::F64 => return None,
        })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that an array can hold. Sealed: the eleven types of [`DType`].
pub trait Element:
    CheckedBitPattern
    + NoUninit
    + Zeroable
    + PartialOrd
    + Send
    + Sync
    + fmt::Debug
    + fmt::Display
    + sealed::Sealed
{
    /// The tag of this type.
    const DTYPE: DType;
    /// The value as `f64`, rounded to nearest where 53 bits are not enough; `true` is 1.
    fn to_f64(self) -> f64;
    /// The low 64 bits of an integer (sign-extended); floats truncate toward zero and saturate.
    fn to_i64(self) -> i64;
    /// From `f64`: floats round to nearest, integers truncate toward zero and saturate; anything but
    /// 0 is `true`.
    fn from_f64(value: f64) -> Self;
    /// From 64 bits: integers keep the low bits (wrap), floats round to nearest; anything but 0 is
    /// `true`.
    fn from_i64(value: i64) -> Self;
}

/// An element whose every bit pattern is a number: what kernels compute with. Stored `bool`s are
/// computed with as `u8`.
pub(crate) trait Number: Element + Pod {}

macro_rules! elements {
    ($($t:ty => $tag:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Number for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$tag;
            #[inline(always)]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)]
            fn to_i64(self) -> i64 { self as i64 }
            #[inline(always)]
            fn from_f64(value: f64) -> Self { value as Self }
            #[inline(always)]
            fn from_i64(value: i64) -> Self { value as Self }
        }
    )*};
}
elements!(u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32, u64 => U64,
          i64 => I64, f32 => F32, f64 => F64);

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn to_f64(self) -> f64 {
        f64::from(u8::from(self))
    }
    fn to_i64(self) -> i64 {
        i64::from(self)
    }
    fn from_f64(value: f64) -> Self {
        value != 0.0
    }
    fn from_i64(value: i64) -> Self {
        value != 0
    }
}

/// Runs `$body` with `$T` bound to the Rust number type that `$dtype` names; `u8` for `bool`.
macro_rules! with_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            $crate::dtype::DType::Bool | $crate::dtype::DType::U8 => {
                type $T = u8;
                $body
            }
            $crate::dtype::DType::I8 => {
                type $T = i8;
                $body
            }
            $crate::dtype::DType::U16 => {
                type $T = u16;
                $body
            }
            $crate::dtype::DType::I16 => {
                type $T = i16;
                $body
            }
            $crate::dtype::DType::U32 => {
                type $T = u32;
                $body
            }
            $crate::dtype::DType::I32 => {
                type $T = i32;
                $body
            }
            $crate::dtype::DType::U64 => {
                type $T = u64;
                $body
            }
            $crate::dtype::DType::I64 => {
                type $T = i64;
                $body
            }
            $crate::dtype::DType::F32 => {
                type $T = f32;
                $body
            }
            $crate::dtype::DType::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use with_dtype;

/// Reverses the bytes of each element in place: big-endian file bytes become little-endian ones.
pub(crate) fn swap_bytes(bytes: &mut [u8], item_bytes: usize) {
    match item_bytes {
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|c| c.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|c| c.reverse()),
        8 => bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|c| c.reverse()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::DType::{self, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    use super::swap_bytes;

    #[test]
    fn promotion_is_numpys_table() {
        // numpy.promote_types, numpy 2.4
        let cases = [
            (U8, I8, I16),
            (U16, I16, I32),
            (U32, I32, I64),
            (U64, I64, F64),
            (U64, I8, F64),
            (U8, I16, I16),
            (U8, U32, U32),
            (I16, F32, F32),
            (U16, F32, F32),
            (I32, F32, F64),
            (I64, F32, F64),
            (F32, F64, F64),
            (I8, I64, I64),
        ];
        for (a, b, want) in cases {
            assert_eq!(a.promote(b), want, "{a} with {b}");
            assert_eq!(b.promote(a), want, "{b} with {a}");
        }
        for d in DType::ALL {
            assert_eq!(d.promote(d), d);
            assert_eq!(DType::from_name(d.name()), Some(d));
        }
    }

    #[test]
    fn swapping_reverses_each_element() {
        let mut b = [1, 2, 3, 4, 5, 6, 7, 8];
        swap_bytes(&mut b, 2);
        assert_eq!(b, [2, 1, 4, 3, 6, 5, 8, 7]);
        swap_bytes(&mut b, 8);
        assert_eq!(b, [7, 8, 5, 6, 3, 4, 1, 2]);
        swap_bytes(&mut b, 1);
        assert_eq!(b, [7, 8, 5, 6, 3, 4, 1, 2]);
    }
}
