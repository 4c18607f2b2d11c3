//! What do numpy's functions of one number give?
//!
//! `float32` comes as `f64` and is rounded by the caller of the loops, once a step. Functions like
//! `exp` are those of the platform's C library.

use bytemuck::cast_slice_mut;
use multiversion::multiversion;

use super::cast::narrow;
use super::operation::{Operand, UnaryOp};
use crate::dtype::DType;

/// Computes `op` of the numbers `of` as `dtype`.
pub(super) fn unary(op: UnaryOp, of: Operand<'_>, to: &mut [u8], dtype: DType) {
    if op.is_predicate() {
        let to = cast_slice_mut::<_, i64>(to);
        if of.dtype.is_float() {
            predicate(op, of.words(), to);
        } else {
            to.fill(i64::from(op == UnaryOp::IsFinite));
        }
        return;
    }
    match of.dtype {
        DType::F32 | DType::F64 => float(op, of.words(), cast_slice_mut(to)),
        DType::Bool if op == UnaryOp::Invert => not(of.words(), cast_slice_mut(to)),
        DType::Bool | DType::U8 | DType::U16 | DType::U32 | DType::U64 => {
            unsigned(op, of.words(), cast_slice_mut(to));
        }
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => {
            signed(op, of.words(), cast_slice_mut(to), one_over_zero(dtype));
        }
    }
    narrow(to, dtype);
}

/// numpy's `reciprocal` of 0, on x86; C leaves it undefined.
fn one_over_zero(dtype: DType) -> i64 {
    match dtype {
        DType::I32 => i64::from(i32::MIN),
        DType::I64 => i64::MIN,
        _ => 0,
    }
}

macro_rules! each {
    ($of:ident, $to:ident, |$v:ident| $value:expr) => {
        for (t, &$v) in $to.iter_mut().zip($of) {
            *t = $value;
        }
    };
}

#[multiversion(targets("x86_64+avx2"))]
fn predicate(op: UnaryOp, of: &[f64], to: &mut [i64]) {
    match op {
        UnaryOp::IsNan => each!(of, to, |v| i64::from(v.is_nan())),
        UnaryOp::IsInf => each!(of, to, |v| i64::from(v.is_infinite())),
        _ => each!(of, to, |v| i64::from(v.is_finite())),
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn float(op: UnaryOp, of: &[f64], to: &mut [f64]) {
    match op {
        UnaryOp::Negative => each!(of, to, |v| -v),
        UnaryOp::Absolute => each!(of, to, |v| v.abs()),
        UnaryOp::Sqrt => each!(of, to, |v| v.sqrt()),
        UnaryOp::Exp => each!(of, to, |v| v.exp()),
        UnaryOp::Log => each!(of, to, |v| v.ln()),
        UnaryOp::Log10 => each!(of, to, |v| v.log10()),
        UnaryOp::Log1p => each!(of, to, |v| v.ln_1p()),
        UnaryOp::Expm1 => each!(of, to, |v| v.exp_m1()),
        UnaryOp::Square => each!(of, to, |v| v * v),
        UnaryOp::Reciprocal => each!(of, to, |v| 1.0 / v),
        UnaryOp::Sign => each!(of, to, |v| sign(v)),
        UnaryOp::Floor => each!(of, to, |v| v.floor()),
        UnaryOp::Ceil => each!(of, to, |v| v.ceil()),
        UnaryOp::Trunc => each!(of, to, |v| v.trunc()),
        UnaryOp::Rint => each!(of, to, |v| v.round_ties_even()),
        UnaryOp::IsNan | UnaryOp::IsInf | UnaryOp::IsFinite | UnaryOp::Invert => {
            unreachable!("{} of floats has no float result", op.name())
        }
    }
}

/// NaN stays, and both zeros give 0.
#[inline(always)]
fn sign(v: f64) -> f64 {
    if v > 0.0 {
        1.0
    } else if v < 0.0 {
        -1.0
    } else if v == 0.0 {
        0.0
    } else {
        v
    }
}

fn not(of: &[i64], to: &mut [i64]) {
    each!(of, to, |v| v ^ 1);
}

#[multiversion(targets("x86_64+avx2"))]
fn signed(op: UnaryOp, of: &[i64], to: &mut [i64], one_over_zero: i64) {
    match op {
        UnaryOp::Negative => each!(of, to, |v| v.wrapping_neg()),
        UnaryOp::Absolute => each!(of, to, |v| v.wrapping_abs()),
        UnaryOp::Square => each!(of, to, |v| v.wrapping_mul(v)),
        UnaryOp::Reciprocal => each!(of, to, |v| match v {
            0 => one_over_zero,
            1 | -1 => v,
            _ => 0,
        }),
        UnaryOp::Sign => each!(of, to, |v| v.signum()),
        UnaryOp::Invert => each!(of, to, |v| !v),
        _ => unreachable!("{} of integers is not a step", op.name()),
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn unsigned(op: UnaryOp, of: &[u64], to: &mut [u64]) {
    match op {
        UnaryOp::Negative => each!(of, to, |v| v.wrapping_neg()),
        UnaryOp::Absolute => each!(of, to, |v| v),
        UnaryOp::Square => each!(of, to, |v| v.wrapping_mul(v)),
        UnaryOp::Reciprocal => each!(of, to, |v| u64::from(v == 1)),
        UnaryOp::Sign => each!(of, to, |v| u64::from(v != 0)),
        UnaryOp::Invert => each!(of, to, |v| !v),
        _ => unreachable!("{} of integers is not a step", op.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_bits, eval};
    use super::UnaryOp::{self, *};
    use crate::dtype::Element;

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    fn of<A: Element, R: Element>(op: UnaryOp, values: &[A]) -> Vec<R> {
        eval(values, &[], |b, x, _| b.unary(op, x, R::DTYPE))
    }

    #[test]
    fn floats_round_and_have_signs_as_numpys_do() {
        // np.<op>(np.array([...])), numpy 2.4.6
        let x = [0.5, 1.5, 2.5, -0.5, -1.5, -0.0, INF, -INF, NAN];
        assert_bits(&of(Rint, &x), &[0.0, 2.0, 2.0, -0.0, -2.0, -0.0, INF, -INF, NAN]);
        assert_bits(&of(Floor, &x), &[0.0, 1.0, 2.0, -1.0, -2.0, -0.0, INF, -INF, NAN]);
        assert_bits(&of(Ceil, &x), &[1.0, 2.0, 3.0, -0.0, -1.0, -0.0, INF, -INF, NAN]);
        assert_bits(&of(Trunc, &x), &[0.0, 1.0, 2.0, -0.0, -1.0, -0.0, INF, -INF, NAN]);
        assert_bits(&of(Sign, &x), &[1.0, 1.0, 1.0, -1.0, -1.0, 0.0, 1.0, -1.0, NAN]);
        assert_bits(&of(Negative, &x), &[-0.5, -1.5, -2.5, 0.5, 1.5, 0.0, -INF, INF, NAN]);
        assert_bits(&of(Absolute, &x), &[0.5, 1.5, 2.5, 0.5, 1.5, 0.0, INF, INF, NAN]);
        assert_bits(&of(Reciprocal, &[2.0, 0.0, -0.0, -INF]), &[0.5, INF, -INF, -0.0]);
        assert_bits(&of(Square, &[-3.0, -0.0, NAN]), &[9.0, 0.0, NAN]);
    }

    #[test]
    fn float_functions_have_numpys_edges() {
        // np.<op>(np.array([0.0, -0.0, 1.0, -2.0, inf, -inf, nan])), numpy 2.4.6
        let x = [0.0, -0.0, 1.0, -2.0, INF, -INF, NAN];
        assert_bits(&of(Sqrt, &x), &[0.0, -0.0, 1.0, NAN, INF, NAN, NAN]);
        assert_bits(&of(Log, &x), &[-INF, -INF, 0.0, NAN, INF, NAN, NAN]);
        assert_bits(&of(Log10, &[0.0, 1.0, 1000.0, -1.0]), &[-INF, 0.0, 3.0, NAN]);
        assert_bits(&of(Log1p, &[0.0, -0.0, -1.0, -2.0, INF]), &[0.0, -0.0, -INF, NAN, INF]);
        assert_bits(&of(Expm1, &[0.0, -0.0, -INF, INF, NAN]), &[0.0, -0.0, -1.0, INF, NAN]);
        assert_bits(&of(Exp, &[0.0, -INF, INF, 1000.0, NAN]), &[1.0, 0.0, INF, INF, NAN]);
        assert_bits(&of(Exp, &[1.0]), &[std::f64::consts::E]);
    }

    #[test]
    fn float32_is_rounded_after_each_step() {
        // np.sqrt(np.float32(2)), np.reciprocal(np.float32(3)), numpy 2.4.6
        assert_eq!(of::<f32, f32>(Sqrt, &[2.0]), [std::f32::consts::SQRT_2]);
        assert_eq!(of::<f32, f32>(Reciprocal, &[3.0]), [0.333_333_34]);
        assert_eq!(of::<f32, f32>(Square, &[1e30]), [f32::INFINITY]);
        // Integers through float functions: np.sqrt(np.int16(2)) is float32
        assert_eq!(of::<i16, f32>(Sqrt, &[2]), [std::f32::consts::SQRT_2]);
    }

    #[test]
    fn predicates_ask_floats_and_know_integers() {
        let x = [1.0, NAN, INF, -INF];
        assert_eq!(of::<_, bool>(IsNan, &x), [false, true, false, false]);
        assert_eq!(of::<_, bool>(IsInf, &x), [false, false, true, true]);
        assert_eq!(of::<_, bool>(IsFinite, &x), [true, false, false, false]);
        assert_eq!(of::<_, bool>(IsFinite, &[1_u8, 0]), [true, true]);
        assert_eq!(of::<_, bool>(IsNan, &[u64::MAX]), [false]);
    }

    #[test]
    fn integers_wrap_at_the_ends_of_their_type() {
        // np.<op>(np.array([...], t)), numpy 2.4.6
        assert_eq!(of::<i8, i8>(Absolute, &[-128, -1, 0, 127]), [-128, 1, 0, 127]);
        assert_eq!(of::<i64, i64>(Absolute, &[i64::MIN]), [i64::MIN]);
        assert_eq!(of::<u8, u8>(Negative, &[1, 0, 255]), [255, 0, 1]);
        assert_eq!(of::<u64, u64>(Negative, &[1]), [u64::MAX]);
        assert_eq!(of::<i16, i16>(Square, &[300, -182]), [24464, -32412]);
        assert_eq!(of::<u64, u64>(Absolute, &[u64::MAX]), [u64::MAX]);
        assert_eq!(of::<i16, i16>(Sign, &[-5, 0, 5]), [-1, 0, 1]);
        assert_eq!(of::<u64, u64>(Sign, &[u64::MAX, 0]), [1, 0]);
        assert_eq!(of::<u8, u8>(Invert, &[0, 254]), [255, 1]);
        assert_eq!(of::<i8, i8>(Invert, &[0, 127]), [-1, -128]);
        assert_eq!(of::<bool, bool>(Invert, &[true, false]), [false, true]);
        assert_eq!(of::<bool, bool>(Absolute, &[true, false]), [true, false]);
        assert_eq!(of::<i16, i16>(Floor, &[-7, 7]), [-7, 7]);
    }

    #[test]
    fn reciprocals_of_integers_are_numpys_on_x86() {
        // np.reciprocal(np.array([0, 1, 2, -1 or max], t)), numpy 2.4.6 on x86-64
        assert_eq!(of::<i8, i8>(Reciprocal, &[0, 1, 2, -1]), [0, 1, 0, -1]);
        assert_eq!(of::<i32, i32>(Reciprocal, &[0, 1, 2, -1]), [i32::MIN, 1, 0, -1]);
        assert_eq!(of::<i64, i64>(Reciprocal, &[0, 1, 2, -1]), [i64::MIN, 1, 0, -1]);
        assert_eq!(of::<u32, u32>(Reciprocal, &[0, 1, 2, u32::MAX]), [0, 1, 0, 0]);
        assert_eq!(of::<u64, u64>(Reciprocal, &[0, 1, 2, u64::MAX]), [0, 1, 0, 0]);
    }
}
