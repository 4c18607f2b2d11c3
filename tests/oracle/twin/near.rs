//! A float and how far from it the answer may be.

use std::cmp::Ordering;

use voxstore::DType;

use super::Fault;

/// A float and how far from it the answer may be: a bound of 0 means exact bits, one of infinity
/// that rounding decides and nothing is claimed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Near {
    pub(crate) value: f64,
    pub(crate) bound: f64,
}

pub(crate) const EXACT: f64 = 0.0;
/// Below every difference between two floats: equal as numbers, whatever the sign of zero.
pub(crate) const EQUAL: f64 = f64::from_bits(1);

impl Near {
    pub(crate) const fn exact(value: f64) -> Self {
        Self { value, bound: EXACT }
    }

    pub(crate) const fn equal(value: f64) -> Self {
        Self { value, bound: EQUAL }
    }

    pub(crate) const fn unknown(value: f64) -> Self {
        Self { value, bound: f64::INFINITY }
    }

    /// Within `bound`, or unknown where that is not a number.
    pub(crate) fn within(value: f64, bound: f64) -> Self {
        match bound.is_nan() {
            true if value.is_nan() => Self::equal(value),
            true => Self::unknown(value),
            false => Self { value, bound },
        }
    }

    pub(crate) fn is_known(self) -> bool {
        self.bound < f64::INFINITY
    }

    /// Both numbers are what they are, up to the sign of zero.
    fn is_sure(self) -> bool {
        self.bound <= EQUAL
    }

    /// How it stands to another, `None` for NaN; undecided where bounds overlap.
    pub(crate) fn compare(self, other: Self) -> Result<Option<Ordering>, Fault> {
        if !self.is_known() || !other.is_known() {
            return Err(Fault::Undecided);
        }
        let order = self.value.partial_cmp(&other.value);
        let apart = (self.value - other.value).abs() > self.bound + other.bound;
        let sure = self.is_sure() && other.is_sure();
        if order.is_none() || apart || sure || self.value.is_infinite() {
            Ok(order)
        } else {
            Err(Fault::Undecided)
        }
    }

    /// Not 0, as numpy's truth: NaN is not 0.
    pub(crate) fn is_true(self) -> Result<bool, Fault> {
        Ok(self.compare(Self::exact(0.0))? != Some(Ordering::Equal))
    }

    /// Through a function that never falls, or never rises, where it is a number. `ulps` is what the
    /// function itself may be off by.
    pub(crate) fn through(self, dtype: DType, ulps: f64, function: impl Fn(f64) -> f64) -> Self {
        let value = round(function(self.value), dtype);
        let own = if ulps > 0.0 { ulps * ulp(value, dtype) } else { EXACT };
        if self.bound == 0.0 {
            return if value.is_finite() { Self::within(value, own) } else { Self::exact(value) };
        }
        if !self.is_known() {
            return Self::unknown(value);
        }
        let ends = [self.value - self.bound, self.value + self.bound].map(function);
        if value.is_nan() {
            let sure = ends.iter().all(|v| v.is_nan());
            return if sure { Self::equal(value) } else { Self::unknown(value) };
        }
        if value.is_infinite() {
            let sure = ends.iter().all(|&v| v == value);
            return if sure { Self::equal(value) } else { Self::unknown(value) };
        }
        let off = ends.iter().map(|v| (v - value).abs()).fold(0.0, f64::max);
        let off = if ends.iter().any(|v| v.is_nan()) { f64::INFINITY } else { off };
        Self::within(value, off + own + 2.0 * ulp(value, dtype))
    }
}

/// To `float32` where that is the type.
pub(crate) fn round(value: f64, dtype: DType) -> f64 {
    if dtype == DType::F32 { f64::from(value as f32) } else { value }
}

/// From a number to the next one of its type.
pub(crate) fn ulp(value: f64, dtype: DType) -> f64 {
    let (relative, smallest) = if dtype == DType::F32 {
        (f64::from(f32::EPSILON), 1.5e-45)
    } else {
        (f64::EPSILON, EQUAL)
    };
    (value.abs() * relative).max(smallest)
}

/// True where `got` is what the twin allows.
pub(crate) fn agrees(want: Near, got: f64) -> bool {
    let Near { value, bound } = want;
    if bound == f64::INFINITY || (value.is_nan() && got.is_nan()) {
        return true;
    }
    if bound == 0.0 {
        return value.to_bits() == got.to_bits();
    }
    value == got || (value - got).abs() <= bound
}
