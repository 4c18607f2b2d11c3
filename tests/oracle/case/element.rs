//! Between element types of Rust and the twin's numbers.

use ndarray::ArrayD;
use voxstore::{DType, Element};

/// Runs `$body` with `$T` bound to the Rust type that `$dtype` names.
macro_rules! with_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        with_type!(@arms $dtype, $T, $body,
            Bool bool, U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64,
            F32 f32, F64 f64)
    };
    (@arms $dtype:expr, $T:ident, $body:expr, $($name:ident $t:ty),*) => {
        match $dtype {
            $(voxstore::DType::$name => {
                type $T = $t;
                $body
            })*
        }
    };
}
pub(crate) use with_type;

pub(crate) fn integer<T: Element>(value: T) -> i128 {
    let bits = value.to_i64();
    if T::DTYPE == DType::U64 { i128::from(bits.cast_unsigned()) } else { i128::from(bits) }
}

/// An answer as its bits, in memory order.
pub(crate) fn bits_of<T: Element>(array: &ArrayD<T>) -> Vec<u64> {
    array
        .t()
        .iter()
        .map(|v| if T::DTYPE.is_float() { v.to_f64().to_bits() } else { v.to_i64() as u64 })
        .collect()
}
