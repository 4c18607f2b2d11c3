//! What do `//`, `%` and `**` give?
//!
//! numpy's answers, which are Python's: the quotient is rounded down and the remainder has the sign
//! of the divisor. Nothing here can panic: integers divided by zero give 0, and the most negative
//! integer by -1 wraps.

/// The floats a quotient can be computed in. `float32` has its own: the rounding in between decides
/// whether `0.3 // 0.1` is 2 or 3.
macro_rules! floats {
    ($floor_divide:ident, $t:ty) => {
        /// numpy's `a // b`.
        #[inline(always)]
        pub(super) fn $floor_divide(a: $t, b: $t) -> $t {
            if b == 0.0 {
                return a / b;
            }
            let modulus = a % b;
            let mut quotient = (a - modulus) / b;
            if modulus != 0.0 && (b < 0.0) != (modulus < 0.0) {
                quotient -= 1.0;
            }
            if quotient == 0.0 {
                return (0.0 as $t).copysign(a / b);
            }
            let floor = quotient.floor();
            if quotient - floor > 0.5 { floor + 1.0 } else { floor }
        }
    };
}
floats!(floor_divide_f64, f64);
floats!(floor_divide_f32, f32);

/// numpy's `a % b`. In `f64` and rounded it is right for `float32` too: the remainder is exact, and
/// one sum of two `float32` rounds the same way through `f64`.
#[inline(always)]
pub(super) fn remainder_f64(a: f64, b: f64) -> f64 {
    let modulus = a % b;
    if b == 0.0 {
        modulus
    } else if modulus == 0.0 {
        0.0_f64.copysign(b)
    } else if (b < 0.0) != (modulus < 0.0) {
        modulus + b
    } else {
        modulus
    }
}

/// What signed and unsigned 64-bit integers do differently.
pub(super) trait Whole {
    /// `a // b`; 0 where `b` is 0.
    fn floor_divide(self, other: Self) -> Self;
    /// `a % b`; 0 where `b` is 0.
    fn remainder(self, other: Self) -> Self;
    /// `a ** b`, wrapping; 0 for negative exponents, which numpy refuses.
    fn power(self, exponent: Self) -> Self;
}

impl Whole for i64 {
    #[inline(always)]
    fn floor_divide(self, other: Self) -> Self {
        if other == 0 {
            return 0;
        }
        let quotient = self.wrapping_div(other);
        let down = self.wrapping_rem(other) != 0 && (self < 0) != (other < 0);
        quotient - Self::from(down)
    }

    #[inline(always)]
    fn remainder(self, other: Self) -> Self {
        if other == 0 {
            return 0;
        }
        let modulus = self.wrapping_rem(other);
        if modulus != 0 && (modulus < 0) != (other < 0) { modulus + other } else { modulus }
    }

    #[inline(always)]
    fn power(self, exponent: Self) -> Self {
        match u64::try_from(exponent) {
            Ok(exponent) => self.cast_unsigned().power(exponent).cast_signed(),
            Err(_) => 0,
        }
    }
}

impl Whole for u64 {
    #[inline(always)]
    fn floor_divide(self, other: Self) -> Self {
        self.checked_div(other).unwrap_or(0)
    }

    #[inline(always)]
    fn remainder(self, other: Self) -> Self {
        self.checked_rem(other).unwrap_or(0)
    }

    #[inline(always)]
    fn power(self, exponent: Self) -> Self {
        let (mut base, mut exponent, mut result) = (self, exponent, 1_u64);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result.wrapping_mul(base);
            }
            base = base.wrapping_mul(base);
            exponent >>= 1;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::{Whole, floor_divide_f32, floor_divide_f64, remainder_f64};

    #[test]
    fn float_quotients_and_remainders_are_numpys() {
        // np.floor_divide(a, b), np.remainder(a, b), numpy 2.4.6
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let cases = [
            (7.0, 2.0, 3.0, 1.0),
            (-7.0, 2.0, -4.0, 1.0),
            (7.0, -2.0, -4.0, -1.0),
            (-7.0, -2.0, 3.0, -1.0),
            (0.0, 3.0, 0.0, 0.0),
            (-0.0, 3.0, -0.0, 0.0),
            (0.0, -3.0, -0.0, -0.0),
            (-6.0, 2.0, -3.0, 0.0),
            (1.0, 0.0, inf, nan),
            (-1.0, 0.0, -inf, nan),
            (1.0, -0.0, -inf, nan),
            (0.0, 0.0, nan, nan),
            (inf, 2.0, nan, nan),
            (1.0, inf, 0.0, 1.0),
            (-1.0, inf, -1.0, inf),
            (nan, 2.0, nan, nan),
            (1.0, nan, nan, nan),
            (0.3, 0.1, 2.0, 0.3 % 0.1),
        ];
        let same = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || a.to_bits() == b.to_bits();
        for (a, b, quotient, modulus) in cases {
            assert!(same(floor_divide_f64(a, b), quotient), "{a} // {b}");
            assert!(same(remainder_f64(a, b), modulus), "{a} % {b}");
        }
        // np.floor_divide(np.float32(0.3), np.float32(0.1))
        assert_eq!(floor_divide_f32(0.3, 0.1), 3.0);
    }

    #[test]
    fn integer_quotients_round_down_and_never_panic() {
        // np.floor_divide(a, b), np.remainder(a, b) of int64, numpy 2.4.6
        let cases = [
            (i64::MIN, -1, i64::MIN, 0),
            (7, 2, 3, 1),
            (-7, 2, -4, 1),
            (7, -2, -4, -1),
            (-7, -2, 3, -1),
            (5, 0, 0, 0),
            (i64::MIN, 0, 0, 0),
        ];
        for (a, b, quotient, modulus) in cases {
            assert_eq!(a.floor_divide(b), quotient, "{a} // {b}");
            assert_eq!(a.remainder(b), modulus, "{a} % {b}");
        }
        assert_eq!(u64::MAX.floor_divide(2), i64::MAX.cast_unsigned());
        assert_eq!((u64::MAX.remainder(0), u64::MAX.floor_divide(0)), (0, 0));
    }

    #[test]
    fn integer_powers_wrap() {
        // np.array([3, -3, 2, 0], "i8") ** np.array([41, 41, 64, 0]), numpy 2.4.6
        let cases: [(i64, i64, i64); 4] = [
            (3, 41, -420_491_770_248_316_829),
            (-3, 41, 420_491_770_248_316_829),
            (2, 64, 0),
            (0, 0, 1),
        ];
        for (base, exponent, power) in cases {
            assert_eq!(base.power(exponent), power, "{base} ** {exponent}");
        }
        assert_eq!(u64::MAX.power(3), u64::MAX);
    }
}
