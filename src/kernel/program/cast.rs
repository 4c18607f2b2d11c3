//! What becomes of a number in another type, and what if the type cannot hold it?
//!
//! Floats lose their fraction on the way to integers, as numpy's do. Anything but 0 is `true`, NaN
//! too; that is never a fault.

use bytemuck::cast_slice_mut;
use multiversion::multiversion;

use super::operation::Operand;
use crate::dtype::{DType, Element as _, with_dtype};

/// What a conversion does with a number that the new type cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The computation stops with an error that names the value. NaN and infinities have no integer;
    /// finite `float64` beyond `float32` is refused too, while infinities and NaN stay themselves.
    #[default]
    Refuse,
    /// Integers keep their low bits, as numpy's do: 300 becomes 44 in `uint8`. Floats go through
    /// `int64`, then wrap; NaN becomes 0 and what is beyond `int64` its nearest end, where numpy
    /// gives what the machine happens to. `float64` beyond `float32` becomes infinite.
    Wrap,
    /// The nearest value that the type holds: 300 becomes 255 in `uint8`, -1 becomes 0; NaN becomes
    /// 0 in integers. Infinities stay infinite in floats.
    Saturate,
}

/// A value that [`Overflow::Refuse`] refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("astype: the {from} value {value} does not fit {to}; astype_with can wrap or saturate")]
#[non_exhaustive]
pub struct CastFault {
    /// The type of the value.
    pub from: DType,
    /// The type that does not hold it.
    pub to: DType,
    /// The value, written out.
    pub value: String,
    /// Where in the batch it was.
    pub(crate) index: usize,
}

/// True where a register of `from` is one of `to` as it is, and no value is lost that `overflow`
/// would want to know of.
pub(super) fn shares_register(from: DType, to: DType, overflow: Overflow) -> bool {
    if from == to {
        return true;
    }
    let wide = matches!(to, DType::I64 | DType::U64) && overflow == Overflow::Wrap;
    match (from.int_range(), to.int_range()) {
        _ if to == DType::Bool => false,
        (Some(from), Some(to)) => wide || (to.0 <= from.0 && from.1 <= to.1),
        (None, None) => to == DType::F64,
        _ => false,
    }
}

/// Converts the numbers `of` to `dtype`.
pub(super) fn cast(
    of: Operand<'_>,
    overflow: Overflow,
    to: &mut [u8],
    dtype: DType,
) -> Result<(), CastFault> {
    let from = of.dtype;
    let fault = |index: usize| {
        let value = match from {
            _ if from.is_float() => format!("{:?}", of.words::<f64>()[index]),
            DType::U64 => of.words::<u64>()[index].to_string(),
            _ => of.words::<i64>()[index].to_string(),
        };
        CastFault { from, to: dtype, value, index }
    };
    match (from.is_float(), dtype.int_range()) {
        (true, _) if dtype == DType::Bool => float_to_bool(of.words(), cast_slice_mut(to)),
        (false, _) if dtype == DType::Bool => int_to_bool(of.words(), cast_slice_mut(to)),
        (true, None) if dtype == DType::F64 => to.copy_from_slice(of.bytes),
        (true, None) => {
            float_to_single(of.words(), overflow, cast_slice_mut(to)).map_err(fault)?;
        }
        (false, None) => int_to_float(of, cast_slice_mut(to), dtype),
        (true, Some((low, high))) => {
            let (of, to) = (of.words(), cast_slice_mut::<_, i64>(to));
            if overflow == Overflow::Refuse {
                // Both ends are powers of two (or 0), which floats hold.
                refuse_floats(of, low as f64, (high + 1) as f64).map_err(fault)?;
            }
            if dtype == DType::U64 {
                float_to_unsigned(of, overflow == Overflow::Saturate, to);
            } else {
                float_to_signed(of, to);
                fit(cast_slice_mut(to), dtype, overflow, (low, high));
            }
        }
        (false, Some(range)) => int_to_int(of, overflow, to, dtype, range).map_err(fault)?,
    }
    Ok(())
}

/// Cuts 64-bit registers to what `dtype` holds: integers wrap, floats round.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn narrow(register: &mut [u8], dtype: DType) {
    match dtype {
        DType::F64 | DType::I64 | DType::U64 => {}
        DType::F32 => {
            for v in cast_slice_mut::<_, f64>(register) {
                *v = f64::from(*v as f32);
            }
        }
        DType::Bool => {
            for v in cast_slice_mut::<_, i64>(register) {
                *v = i64::from(*v != 0);
            }
        }
        _ => with_dtype!(dtype, S => {
            for v in cast_slice_mut::<_, i64>(register) {
                *v = S::from_i64(*v).to_i64();
            }
        }),
    }
}

/// Where the first number is that does not fit; looks for it only where there is one.
macro_rules! first_unfit {
    ($values:expr, |$v:ident| $fits:expr) => {{
        let mut all = true;
        for &$v in $values {
            all &= $fits;
        }
        let first = if all { None } else { $values.iter().position(|&$v| !$fits) };
        first.map_or(Ok(()), Err)
    }};
}

#[multiversion(targets("x86_64+avx2"))]
fn refuse_floats(values: &[f64], low: f64, end: f64) -> Result<(), usize> {
    first_unfit!(values, |v| v.trunc() >= low && v.trunc() < end)
}

/// The ends of `int64` stand for what is beyond them; NaN becomes 0.
fn float_to_signed(of: &[f64], to: &mut [i64]) {
    for (t, &v) in to.iter_mut().zip(of) {
        *t = v as i64;
    }
}

/// The upper end stands for what is beyond it, and 0 for NaN. Negative numbers saturate, or else
/// wrap.
fn float_to_unsigned(of: &[f64], saturate: bool, to: &mut [i64]) {
    for (t, &v) in to.iter_mut().zip(of) {
        *t = if saturate || v >= 0.0 { (v as u64).cast_signed() } else { v as i64 };
    }
}

/// Wraps or saturates `int64` that came from floats.
fn fit(register: &mut [u8], dtype: DType, overflow: Overflow, range: (i128, i128)) {
    match overflow {
        Overflow::Saturate => {
            let (low, high) = (range.0 as i64, range.1 as i64);
            for v in cast_slice_mut::<_, i64>(register) {
                *v = (*v).clamp(low, high);
            }
        }
        Overflow::Refuse | Overflow::Wrap => narrow(register, dtype),
    }
}

fn float_to_bool(of: &[f64], to: &mut [i64]) {
    for (t, &v) in to.iter_mut().zip(of) {
        *t = i64::from(v != 0.0);
    }
}

fn int_to_bool(of: &[i64], to: &mut [i64]) {
    for (t, &v) in to.iter_mut().zip(of) {
        *t = i64::from(v != 0);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn float_to_single(of: &[f64], overflow: Overflow, to: &mut [f64]) -> Result<(), usize> {
    let max = f64::from(f32::MAX);
    // Infinite, and was not.
    let mut unfit = false;
    for (t, &v) in to.iter_mut().zip(of) {
        *t = f64::from(v as f32);
        unfit |= (t.abs() == f64::INFINITY) & (v.abs() != f64::INFINITY);
    }
    match overflow {
        Overflow::Refuse if unfit => {
            let mut pairs = to.iter().zip(of);
            pairs.position(|(t, v)| t.is_infinite() && v.is_finite()).map_or(Ok(()), Err)
        }
        Overflow::Refuse | Overflow::Wrap => Ok(()),
        Overflow::Saturate => {
            for (t, &v) in to.iter_mut().zip(of) {
                *t = if v.is_finite() { t.clamp(-max, max) } else { *t };
            }
            Ok(())
        }
    }
}

/// Rounds once: `int64` to `float32` does not go through `f64`.
#[multiversion(targets("x86_64+avx2"))]
fn int_to_float(of: Operand<'_>, to: &mut [f64], dtype: DType) {
    macro_rules! convert {
        ($from:ty, $through:ty) => {
            for (t, &v) in to.iter_mut().zip(of.words::<$from>()) {
                *t = f64::from(v as $through);
            }
        };
    }
    match (of.dtype == DType::U64, dtype == DType::F32) {
        (false, false) => convert!(i64, f64),
        (false, true) => convert!(i64, f32),
        (true, false) => convert!(u64, f64),
        (true, true) => convert!(u64, f32),
    }
}

fn int_to_int(
    of: Operand<'_>,
    overflow: Overflow,
    to: &mut [u8],
    dtype: DType,
    (low, high): (i128, i128),
) -> Result<(), usize> {
    let unsigned = of.dtype == DType::U64;
    // The ends in the type of the register that is read.
    let signed_ends = (low.max(i64::MIN.into()) as i64, high.min(i64::MAX.into()) as i64);
    let unsigned_end = high as u64;
    match overflow {
        Overflow::Refuse if unsigned => {
            first_unfit!(of.words::<u64>(), |v| v <= unsigned_end)?;
            to.copy_from_slice(of.bytes);
        }
        Overflow::Refuse => {
            first_unfit!(of.words::<i64>(), |v| signed_ends.0 <= v && v <= signed_ends.1)?;
            to.copy_from_slice(of.bytes);
        }
        Overflow::Wrap => {
            to.copy_from_slice(of.bytes);
            narrow(to, dtype);
        }
        Overflow::Saturate if unsigned => {
            for (t, &v) in cast_slice_mut::<_, u64>(to).iter_mut().zip(of.words::<u64>()) {
                *t = v.min(unsigned_end);
            }
        }
        Overflow::Saturate => {
            for (t, &v) in cast_slice_mut::<_, i64>(to).iter_mut().zip(of.words::<i64>()) {
                *t = v.clamp(signed_ends.0, signed_ends.1);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{eval, faults};
    use super::Overflow::{self, Refuse, Saturate, Wrap};
    use crate::dtype::{DType, Element};

    fn cast<A: Element, B: Element>(values: &[A], overflow: Overflow) -> Vec<B> {
        eval(values, &[], |b, x, _| b.cast(x, B::DTYPE, overflow))
    }

    #[test]
    fn wrapping_keeps_the_low_bits_of_integers() {
        // np.array([300, -1, -129], "i2").astype(t), numpy 2.4.6
        let values = [300_i16, -1, -129];
        assert_eq!(cast::<_, u8>(&values, Wrap), [44, 255, 127]);
        assert_eq!(cast::<_, i8>(&values, Wrap), [44, -1, 127]);
        assert_eq!(cast::<_, u16>(&values, Wrap), [300, 65535, 65407]);
        assert_eq!(cast::<_, u64>(&values, Wrap), [300, u64::MAX, u64::MAX - 128]);
        assert_eq!(cast::<_, i64>(&[u64::MAX, 1 << 63], Wrap), [-1, i64::MIN]);
        assert_eq!(cast::<_, i32>(&[1_u64 << 40 | 7], Wrap), [7]);
    }

    #[test]
    fn floats_lose_their_fraction_and_wrap_through_int64() {
        // np.array([2.9, -2.9, -0.9]).astype("i2"), numpy 2.4.6
        assert_eq!(cast::<_, i16>(&[2.9, -2.9, -0.9], Refuse), [2, -2, 0]);
        // np.array([300.5, -1.0]).astype("i8").astype("u1")
        assert_eq!(cast::<_, u8>(&[300.5, -1.0, f64::NAN], Wrap), [44, 255, 0]);
        assert_eq!(cast::<_, u64>(&[-1.0, 1.5e19], Wrap), [u64::MAX, 15_000_000_000_000_000_000]);
        assert_eq!(cast::<_, i32>(&[1e20, -1e20], Wrap), [-1, 0]);
        assert_eq!(cast::<_, f32>(&[1e39, -1e39, 0.1], Wrap), [f32::INFINITY, -f32::INFINITY, 0.1]);
    }

    #[test]
    fn saturating_takes_the_nearest_end() {
        let floats = [300.7, -300.7, f64::NAN, f64::INFINITY, -f64::INFINITY, 1e30];
        assert_eq!(cast::<_, u8>(&floats, Saturate), [255, 0, 0, 255, 0, 255]);
        assert_eq!(cast::<_, i8>(&floats, Saturate), [127, -128, 0, 127, -128, 127]);
        let (top, max) = (u64::MAX, i64::MAX);
        assert_eq!(cast::<_, u64>(&floats, Saturate), [300, 0, 0, top, 0, top]);
        assert_eq!(cast::<_, i64>(&floats, Saturate), [300, -300, 0, max, i64::MIN, max]);
        assert_eq!(cast::<_, i64>(&[u64::MAX, 3], Saturate), [i64::MAX, 3]);
        assert_eq!(cast::<_, u64>(&[-1_i64, 3], Saturate), [0, 3]);
        assert_eq!(cast::<_, i16>(&[u64::MAX, 3], Saturate), [i16::MAX, 3]);
        assert_eq!(cast::<_, u16>(&[-5_i32, 70_000], Saturate), [0, u16::MAX]);
        assert_eq!(
            cast::<_, f32>(&[1e39, -1e39, f64::INFINITY], Saturate),
            [f32::MAX, f32::MIN, f32::INFINITY]
        );
    }

    #[test]
    fn refusing_names_the_value_and_where_it_is() {
        fn fault<A: Element>(values: &[A], to: DType) -> (String, usize) {
            let fault = faults(values, |b, x| b.cast(x, to, Refuse)).unwrap();
            assert_eq!((fault.from, fault.to), (A::DTYPE, to));
            (fault.value, fault.index)
        }
        let at = |value: &str, index| (value.to_owned(), index);
        assert_eq!(fault(&[1.0, f64::NAN], DType::I16), at("NaN", 1));
        assert_eq!(fault(&[f64::INFINITY], DType::I64), at("inf", 0));
        assert_eq!(fault(&[0.0, 9.3e18], DType::I64), at("9.3e18", 1));
        assert_eq!(fault(&[-1.0], DType::U64), at("-1.0", 0));
        assert_eq!(fault(&[255.9, 256.0], DType::U8), at("256.0", 1));
        assert_eq!(fault(&[1e39], DType::F32), at("1e39", 0));
        assert_eq!(fault(&[0_i64, 1, -1], DType::U64), at("-1", 2));
        assert_eq!(fault(&[u64::MAX], DType::I64), at("18446744073709551615", 0));
        assert_eq!(fault(&[u64::MAX], DType::I8), at("18446744073709551615", 0));
        assert_eq!(fault(&[127_u8, 128], DType::I8), at("128", 1));
        assert_eq!(fault(&[70_000_i32], DType::I16), at("70000", 0));
        let text = faults(&[70_000_i32], |b, x| b.cast(x, DType::I16, Refuse)).unwrap().to_string();
        assert!(text.contains("int32 value 70000 does not fit int16"), "{text}");
    }

    #[test]
    fn what_fits_is_not_refused() {
        assert_eq!(cast::<_, u8>(&[255.9, -0.9], Refuse), [255, 0]);
        assert_eq!(cast::<_, i64>(&[-9.223_372_036_854_776e18], Refuse), [i64::MIN]);
        assert_eq!(cast::<_, u64>(&[1.8e19], Refuse), [18_000_000_000_000_000_000]);
        assert_eq!(cast::<_, i64>(&[i64::MAX.cast_unsigned()], Refuse), [i64::MAX]);
        assert_eq!(cast::<_, f32>(&[f64::INFINITY, 0.1], Refuse), [f32::INFINITY, 0.1]);
        assert!(cast::<_, f32>(&[f64::NAN], Refuse)[0].is_nan());
    }

    #[test]
    fn integers_round_once_on_the_way_to_floats() {
        // np.array([2**63 + 1], "u8").astype("f8"), numpy 2.4.6
        assert_eq!(cast::<_, f64>(&[(1_u64 << 63) + 1], Refuse), [9.223_372_036_854_776e18]);
        // Through float64 this would round twice.
        let tricky = (1_i64 << 60) + (1 << 36) + 1;
        assert_eq!(cast::<_, f32>(&[tricky], Refuse), [tricky as f32]);
        assert_ne!(tricky as f32, (tricky as f64) as f32);
        assert_eq!(cast::<_, f32>(&[u64::MAX], Refuse), [18_446_744_073_709_551_615.0]);
    }

    #[test]
    fn anything_but_zero_is_true_and_true_is_one() {
        // np.array([0.0, -0.0, 0.5, np.nan]).astype(bool), numpy 2.4.6
        assert_eq!(
            cast::<_, bool>(&[0.0, -0.0, 0.5, f64::NAN], Refuse),
            [false, false, true, true]
        );
        assert_eq!(cast::<_, bool>(&[0_i16, 256, -1], Refuse), [false, true, true]);
        assert_eq!(cast::<_, bool>(&[0, u64::MAX], Refuse), [false, true]);
        assert_eq!(cast::<_, f32>(&[true, false], Refuse), [1.0, 0.0]);
        assert_eq!(cast::<_, i8>(&[true, false], Refuse), [1, 0]);
    }
}
