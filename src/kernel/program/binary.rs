//! What do numpy's functions of two numbers give?
//!
//! Both operands have one type when they come here, except that `int64` may be compared with
//! `uint64`.

use bytemuck::cast_slice_mut;
use multiversion::multiversion;

use super::cast::narrow;
use super::division::{Whole, floor_divide_f32, floor_divide_f64, remainder_f64};
use super::operation::{BinaryOp, Operand};
use crate::dtype::DType;

/// Computes `left op right` as `dtype`.
pub(super) fn binary(
    op: BinaryOp,
    left: Operand<'_>,
    right: Operand<'_>,
    to: &mut [u8],
    dtype: DType,
) {
    if op.is_comparison() {
        let to = cast_slice_mut(to);
        match (left.dtype, right.dtype) {
            (DType::F32 | DType::F64, _) => compare_floats(op, left.words(), right.words(), to),
            (DType::U64, DType::U64) => compare_unsigned(op, left.words(), right.words(), to),
            (DType::U64, _) => compare_mixed(op, left.words(), right.words(), to),
            (_, DType::U64) => compare_mixed(op.mirrored(), right.words(), left.words(), to),
            _ => compare_signed(op, left.words(), right.words(), to),
        }
        return;
    }
    match dtype {
        DType::F32 if op == BinaryOp::FloorDivide => {
            floor_divide_singles(left.words(), right.words(), cast_slice_mut(to));
        }
        DType::F32 | DType::F64 => floats(op, left.words(), right.words(), cast_slice_mut(to)),
        DType::U64 => unsigned(op, left.words(), right.words(), cast_slice_mut(to)),
        _ => signed(op, left.words(), right.words(), cast_slice_mut(to)),
    }
    narrow(to, dtype);
}

impl BinaryOp {
    /// The comparison with its sides exchanged.
    fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            other => other,
        }
    }
}

macro_rules! pairs {
    ($left:ident, $right:ident, $to:ident, |$a:ident, $b:ident| $value:expr) => {
        for (t, (&$a, &$b)) in $to.iter_mut().zip($left.iter().zip($right)) {
            *t = $value;
        }
    };
}

#[multiversion(targets("x86_64+avx2"))]
fn floats(op: BinaryOp, left: &[f64], right: &[f64], to: &mut [f64]) {
    match op {
        BinaryOp::Add => pairs!(left, right, to, |a, b| a + b),
        BinaryOp::Subtract => pairs!(left, right, to, |a, b| a - b),
        BinaryOp::Multiply => pairs!(left, right, to, |a, b| a * b),
        BinaryOp::Divide => pairs!(left, right, to, |a, b| a / b),
        BinaryOp::FloorDivide => pairs!(left, right, to, |a, b| floor_divide_f64(a, b)),
        BinaryOp::Remainder => pairs!(left, right, to, |a, b| remainder_f64(a, b)),
        BinaryOp::Power => pairs!(left, right, to, |a, b| a.powf(b)),
        // Of equal zeros the second is given, as numpy's vector loops do.
        BinaryOp::Minimum => {
            pairs!(left, right, to, |a, b| if a < b || a.is_nan() { a } else { b })
        }
        BinaryOp::Maximum => {
            pairs!(left, right, to, |a, b| if a > b || a.is_nan() { a } else { b })
        }
        BinaryOp::Fmin => pairs!(left, right, to, |a, b| if a < b || b.is_nan() { a } else { b }),
        BinaryOp::Fmax => pairs!(left, right, to, |a, b| if a > b || b.is_nan() { a } else { b }),
        _ => unreachable!("{} of floats has no float result", op.name()),
    }
}

/// `float32` is divided as `float32`; see [`floor_divide_f32`].
fn floor_divide_singles(left: &[f64], right: &[f64], to: &mut [f64]) {
    pairs!(left, right, to, |a, b| f64::from(floor_divide_f32(a as f32, b as f32)));
}

macro_rules! integers {
    ($name:ident: $t:ty) => {
        #[multiversion(targets("x86_64+avx2"))]
        fn $name(op: BinaryOp, left: &[$t], right: &[$t], to: &mut [$t]) {
            match op {
                BinaryOp::Add => pairs!(left, right, to, |a, b| a.wrapping_add(b)),
                BinaryOp::Subtract => pairs!(left, right, to, |a, b| a.wrapping_sub(b)),
                BinaryOp::Multiply => pairs!(left, right, to, |a, b| a.wrapping_mul(b)),
                BinaryOp::FloorDivide => pairs!(left, right, to, |a, b| a.floor_divide(b)),
                BinaryOp::Remainder => pairs!(left, right, to, |a, b| a.remainder(b)),
                BinaryOp::Power => pairs!(left, right, to, |a, b| a.power(b)),
                BinaryOp::Minimum | BinaryOp::Fmin => pairs!(left, right, to, |a, b| a.min(b)),
                BinaryOp::Maximum | BinaryOp::Fmax => pairs!(left, right, to, |a, b| a.max(b)),
                BinaryOp::And => pairs!(left, right, to, |a, b| a & b),
                BinaryOp::Or => pairs!(left, right, to, |a, b| a | b),
                BinaryOp::Xor => pairs!(left, right, to, |a, b| a ^ b),
                _ => unreachable!("{} of integers has no integer result", op.name()),
            }
        }
    };
}
integers!(signed: i64);
integers!(unsigned: u64);

macro_rules! comparison {
    ($name:ident: $left:ty, $right:ty, |$a:ident, $b:ident| ($x:expr, $y:expr)) => {
        #[multiversion(targets("x86_64+avx2"))]
        fn $name(op: BinaryOp, left: &[$left], right: &[$right], to: &mut [i64]) {
            match op {
                BinaryOp::Equal => pairs!(left, right, to, |$a, $b| i64::from($x == $y)),
                BinaryOp::NotEqual => pairs!(left, right, to, |$a, $b| i64::from($x != $y)),
                BinaryOp::Less => pairs!(left, right, to, |$a, $b| i64::from($x < $y)),
                BinaryOp::LessEqual => pairs!(left, right, to, |$a, $b| i64::from($x <= $y)),
                BinaryOp::Greater => pairs!(left, right, to, |$a, $b| i64::from($x > $y)),
                _ => pairs!(left, right, to, |$a, $b| i64::from($x >= $y)),
            }
        }
    };
}
comparison!(compare_floats: f64, f64, |a, b| (a, b));
comparison!(compare_signed: i64, i64, |a, b| (a, b));
comparison!(compare_unsigned: u64, u64, |a, b| (a, b));
comparison!(compare_mixed: u64, i64, |a, b| (i128::from(a), i128::from(b)));

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_bits, eval, eval_two};
    use super::BinaryOp::{self, *};
    use crate::dtype::Element;

    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;

    fn of<A: Element, R: Element>(op: BinaryOp, left: &[A], right: &[A]) -> Vec<R> {
        eval(left, right, |b, x, y| b.binary(op, x, y, R::DTYPE))
    }

    #[test]
    fn minimum_keeps_nan_and_fmin_passes_over_it() {
        // np.<op>([1, nan, 2, nan, -inf], [2, 1, nan, nan, inf]), numpy 2.4.6
        let (a, b) = ([1.0, NAN, 2.0, NAN, -INF], [2.0, 1.0, NAN, NAN, INF]);
        assert_bits(&of(Minimum, &a, &b), &[1.0, NAN, NAN, NAN, -INF]);
        assert_bits(&of(Maximum, &a, &b), &[2.0, NAN, NAN, NAN, INF]);
        assert_bits(&of(Fmin, &a, &b), &[1.0, 1.0, 2.0, NAN, -INF]);
        assert_bits(&of(Fmax, &a, &b), &[2.0, 1.0, 2.0, NAN, INF]);
        // np.maximum(np.array([0.0, -0.0] * 8), np.array([-0.0, 0.0] * 8))[:2]
        for op in [Minimum, Maximum, Fmin, Fmax] {
            assert_bits(&of(op, &[0.0, -0.0], &[-0.0, 0.0]), &[-0.0, 0.0]);
        }
    }

    #[test]
    fn comparisons_with_nan_are_false_but_for_not_equal() {
        let (a, b) = ([1.0, NAN, 2.0, 0.0], [2.0, NAN, NAN, -0.0]);
        assert_eq!(of::<_, bool>(Equal, &a, &b), [false, false, false, true]);
        assert_eq!(of::<_, bool>(NotEqual, &a, &b), [true, true, true, false]);
        assert_eq!(of::<_, bool>(Less, &a, &b), [true, false, false, false]);
        assert_eq!(of::<_, bool>(LessEqual, &a, &b), [true, false, false, true]);
        assert_eq!(of::<_, bool>(Greater, &a, &b), [false; 4]);
        assert_eq!(of::<_, bool>(GreaterEqual, &a, &b), [false, false, false, true]);
    }

    #[test]
    fn unsigned_64_bit_integers_are_never_negative() {
        let (a, b) = ([u64::MAX, 1, 1 << 63], [1, u64::MAX, 2]);
        assert_eq!(of::<_, bool>(Less, &a, &b), [false, true, false]);
        assert_eq!(of::<_, u64>(Minimum, &a, &b), [1, 1, 2]);
        assert_eq!(of::<_, u64>(Maximum, &a, &b), [u64::MAX, u64::MAX, 1 << 63]);
        assert_eq!(of::<_, u64>(FloorDivide, &a, &b), [u64::MAX, 0, 1 << 62]);
        assert_eq!(of::<_, u64>(Remainder, &a, &b), [0, 1, 0]);
        assert_eq!(of::<_, u64>(Add, &a, &b), [0, 0, (1 << 63) + 2]);
        // np.array([2**64-1, 1, 2**63], "u8") / np.array([1, 2**64-1, 2], "u8"), numpy 2.4.6
        let quotients =
            [1.844_674_407_370_955_2e19, 5.421_010_862_427_522e-20, 4.611_686_018_427_388e18];
        assert_bits(&of(Divide, &a, &b), &quotients);
    }

    #[test]
    fn int64_is_compared_with_uint64_exactly() {
        // np.array([-1, 2**53 + 1, 5], "i8") < np.array([2**64 - 1, 2**53, 5], "u8"), numpy 2.4.6
        let (a, b) = ([-1_i64, (1 << 53) + 1, 5], [u64::MAX, 1 << 53, 5]);
        let ask = |op| eval_two::<_, _, bool>(&a, &b, |p, x, y| p.binary(op, x, y, bool::DTYPE));
        assert_eq!(ask(Less), [true, false, false]);
        assert_eq!(ask(LessEqual), [true, false, true]);
        assert_eq!(ask(Equal), [false, false, true]);
        assert_eq!(ask(Greater), [false, true, false]);
        let back = eval_two::<_, _, bool>(&b, &a, |p, x, y| p.binary(Less, x, y, bool::DTYPE));
        assert_eq!(back, [false, true, false]);
    }

    #[test]
    fn narrow_integers_wrap_and_divide_as_numpys_do() {
        // np.<op>(np.array([...], "i1"), np.array([...], "i1")), numpy 2.4.6
        let (a, b) = ([-128_i8, 7, -7, 7, -7, 5], [-1, 2, 2, -2, -2, 0]);
        assert_eq!(of::<_, i8>(FloorDivide, &a, &b), [-128, 3, -4, -4, 3, 0]);
        assert_eq!(of::<_, i8>(Remainder, &a, &b), [0, 1, 1, -1, -1, 0]);
        assert_eq!(of::<_, i8>(Subtract, &a, &b), [-127, 5, -9, 9, -5, 5]);
        assert_eq!(of::<_, i8>(Multiply, &a, &b), [-128, 14, -14, -14, 14, 0]);
        assert_eq!(of::<i8, i8>(Power, &[3, -2, 0, 2], &[5, 7, 0, 9]), [-13, -128, 1, 0]);
        assert_eq!(of::<u8, u8>(Subtract, &[0, 200], &[1, 100]), [255, 100]);
        assert_eq!(of::<u8, u8>(And, &[12, 255], &[10, 1]), [8, 1]);
        assert_eq!(of::<i8, i8>(Or, &[-128, 1], &[1, 2]), [-127, 3]);
        assert_eq!(of::<i8, i8>(Xor, &[-1, 5], &[1, 5]), [-2, 0]);
        assert_bits(&of::<i8, f64>(Divide, &[1, -1, 0], &[2, 0, 0]), &[0.5, -INF, NAN]);
    }

    #[test]
    fn on_bools_add_is_or_and_multiply_is_and() {
        let (a, b) = ([false, false, true, true], [false, true, false, true]);
        assert_eq!(of::<_, bool>(Add, &a, &b), [false, true, true, true]);
        assert_eq!(of::<_, bool>(Multiply, &a, &b), [false, false, false, true]);
        assert_eq!(of::<_, bool>(Minimum, &a, &b), [false, false, false, true]);
        assert_eq!(of::<_, bool>(Maximum, &a, &b), [false, true, true, true]);
        assert_eq!(of::<_, bool>(And, &a, &b), [false, false, false, true]);
        assert_eq!(of::<_, bool>(Or, &a, &b), [false, true, true, true]);
        assert_eq!(of::<_, bool>(Xor, &a, &b), [false, true, true, false]);
        assert_eq!(of::<_, bool>(LessEqual, &a, &b), [true, true, false, true]);
    }

    #[test]
    fn float32_is_computed_as_float32() {
        // np.float32(16777216) + np.float32(1); np.float32(0.3) // np.float32(0.1), numpy 2.4.6
        assert_eq!(of::<f32, f32>(Add, &[16_777_216.0], &[1.0]), [16_777_216.0]);
        assert_eq!(of::<f32, f32>(FloorDivide, &[0.3], &[0.1]), [3.0]);
        assert_eq!(of::<f32, f32>(Divide, &[1.0], &[3.0]), [0.333_333_34]);
        assert_eq!(of::<f32, f32>(Multiply, &[1e30], &[1e30]), [f32::INFINITY]);
    }

    #[test]
    fn powers_by_a_constant_take_numpys_shortcuts() {
        // np.array([-inf, -0.0, 4.0, -4.0, nan]) ** p, numpy 2.4.6
        let x = [-INF, -0.0, 4.0, -4.0, NAN];
        let by = |p: f64| {
            eval::<f64, f64>(&x, &[], |b, x, _| {
                let p = b.float(p, f64::DTYPE);
                b.binary(Power, x, p, f64::DTYPE)
            })
        };
        assert_bits(&by(0.5), &[NAN, -0.0, 2.0, NAN, NAN]);
        assert_bits(&by(2.0), &[INF, 0.0, 16.0, 16.0, NAN]);
        assert_bits(&by(-1.0), &[-0.0, -INF, 0.25, -0.25, NAN]);
        assert_bits(&by(0.0), &[1.0; 5]);
        assert_bits(&by(1.0), &x);
        assert_bits(&by(3.0), &[-INF, -0.0, 64.0, -64.0, NAN]);
        // np.power(x, np.array([0.5] * 5)) does not take them
        assert_bits(&of(Power, &x, &[0.5; 5]), &[INF, 0.0, 2.0, NAN, NAN]);
    }
}
