//! 256-bit unsigned integers: just enough to hold exact sums of squares of 64-bit voxels.

/// `high * 2^128 + low`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct U256 {
    // Field order matters: the derived ordering compares `high` first.
    pub(super) high: u128,
    pub(super) low: u128,
}

impl U256 {
    /// The full product of two 128-bit numbers.
    pub(super) fn product(a: u128, b: u128) -> Self {
        const HALF: u128 = u64::MAX as u128;
        let (a1, a0, b1, b0) = (a >> 64, a & HALF, b >> 64, b & HALF);
        let low = a0 * b0;
        let (cross_a, cross_b) = (a1 * b0, a0 * b1);
        let middle = (low >> 64) + (cross_a & HALF) + (cross_b & HALF);
        Self {
            low: (middle << 64) | (low & HALF),
            high: a1 * b1 + (cross_a >> 64) + (cross_b >> 64) + (middle >> 64),
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (low, carry) = self.low.overflowing_add(other.low);
        Self { high: self.high + other.high + u128::from(carry), low }
    }

    /// `self - other`, or zero where that would be negative.
    pub(super) fn minus(self, other: Self) -> Self {
        if self <= other {
            return Self::default();
        }
        let (low, borrow) = self.low.overflowing_sub(other.low);
        Self { high: self.high - other.high - u128::from(borrow), low }
    }

    /// `self * factor`; the caller knows that it fits.
    pub(super) fn times(self, factor: u64) -> Self {
        let low = Self::product(self.low, u128::from(factor));
        Self { high: low.high + self.high * u128::from(factor), low: low.low }
    }

    /// Nearest `f64`, rounded once.
    pub(super) fn to_f64(self) -> f64 {
        if self.high == 0 {
            return self.low as f64;
        }
        // Keep 128 significant bits and fold the rest into a sticky bit, far below bit 53.
        let shift = 128 - self.high.leading_zeros();
        let (kept, lost) = if shift == 128 {
            (self.high, self.low)
        } else {
            ((self.high << (128 - shift)) | (self.low >> shift), self.low << (128 - shift))
        };
        (kept | u128::from(lost != 0)) as f64 * 2_f64.powi(shift as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::U256;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn big(x: U256) -> BigUint {
        (BigUint::from(x.high) << 128_u32) + BigUint::from(x.low)
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_big_integers(a: u128, b: u128, c in 0..u64::MAX, d: u128) {
            let product = U256::product(a >> 2, b >> 2);
            prop_assert_eq!(big(product), BigUint::from(a >> 2) * BigUint::from(b >> 2));
            let more = product.plus(U256 { high: 0, low: d });
            prop_assert_eq!(big(more), big(product) + BigUint::from(d));
            prop_assert_eq!(more.minus(product), U256 { high: 0, low: d });
            let small = U256 { high: a >> 70, low: b };
            prop_assert_eq!(big(small.times(c)), big(small) * BigUint::from(c));
        }

        #[test]
        fn the_nearest_float_is_the_one_decimal_digits_give(high: u128, low: u128, cut in 0..128_u32) {
            let x = U256 { high: high >> cut, low };
            let by_digits: f64 = big(x).to_string().parse().unwrap();
            prop_assert_eq!(x.to_f64(), by_digits);
        }
    }

    #[test]
    fn less_minus_more_is_zero() {
        assert_eq!(U256 { high: 0, low: 3 }.minus(U256 { high: 1, low: 0 }), U256::default());
    }
}
