//! Which functions are there of each element?
//!
//! Names, meanings and types are numpy's; how they meet shapes and numbers is in `operators`. All run
//! inside the pass that reads their inputs, a tile at a time, and cost no pass and no memory of their
//! own.

use std::cmp::Ordering;
use std::panic::Location;

use super::array::LazyArray;
use super::operators::{Operand, binary, select, unary};
use super::types::beyond;
use crate::dtype::DType;
use crate::kernel::{BinaryOp, Overflow, UnaryOp};

macro_rules! of_one {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        impl LazyArray {$(
            $(#[$doc])*
            #[must_use]
            #[track_caller]
            pub fn $name(&self) -> Self {
                unary(UnaryOp::$op, self, Location::caller())
            }
        )*}
    };
}

macro_rules! of_two {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        impl LazyArray {$(
            $(#[$doc])*
            #[must_use]
            #[track_caller]
            pub fn $name(&self, other: impl Into<Operand>) -> Self {
                let op = BinaryOp::$op;
                binary(op.name(), op, &self.into(), &other.into(), Location::caller())
            }
        )*}
    };
}

of_one! {
    /// Absolute value, of the array's type. The most negative integer stays itself, as in numpy.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![-3, 4]);
    /// assert_eq!(x.abs().compute::<i32>()?, array![3, 4].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    abs Absolute;
    /// Square root; NaN for negative numbers. `float64`; `float32` for `float32`, `bool` and
    /// integers of 8 and 16 bits.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![4.0, 2.25]);
    /// assert_eq!(x.sqrt().compute::<f64>()?, array![2.0, 1.5].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    sqrt Sqrt;
    /// `e` to the power of each element. `float64`; `float32` for `float32`, `bool` and integers
    /// of 8 and 16 bits.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![0.0, f64::NEG_INFINITY]);
    /// assert_eq!(x.exp().compute::<f64>()?, array![1.0, 0.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    exp Exp;
    /// Natural logarithm; `-inf` for 0, NaN for negative numbers. `float64`; `float32` for
    /// `float32`, `bool` and integers of 8 and 16 bits.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, 0.0]);
    /// assert_eq!(x.log().compute::<f64>()?, array![0.0, f64::NEG_INFINITY].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    log Log;
    /// Logarithm to base 10; `-inf` for 0, NaN for negative numbers. `float64`; `float32` for
    /// `float32`, `bool` and integers of 8 and 16 bits.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1000.0, 0.1]);
    /// assert_eq!(x.log10().compute::<f64>()?, array![3.0, -1.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    log10 Log10;
    /// `log(1 + x)`, precise for small `x`; `-inf` for -1. `float64`; `float32` for `float32`,
    /// `bool` and integers of 8 and 16 bits.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![0.0, 1e-20]);
    /// assert_eq!(x.log1p().compute::<f64>()?, array![0.0, 1e-20].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    log1p Log1p;
    /// `exp(x) - 1`, precise for small `x`. `float64`; `float32` for `float32`, `bool` and
    /// integers of 8 and 16 bits.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![0.0, 1e-20]);
    /// assert_eq!(x.expm1().compute::<f64>()?, array![0.0, 1e-20].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    expm1 Expm1;
    /// `x * x`, of the array's type (`int8` for `bool`); integers wrap.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![3_i16, 300]);
    /// assert_eq!(x.square().compute::<i16>()?, array![9, 24464].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    square Square;
    /// `1 / x`, of the array's type, so that integers beyond 1 give 0; divide 1.0 by the array
    /// for fractions. 0 of an integer type gives what numpy gives on x86: the most negative
    /// `int32` or `int64`, else 0.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![2.0, -0.5]);
    /// assert_eq!(x.reciprocal().compute::<f64>()?, array![0.5, -2.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    reciprocal Reciprocal;
    /// -1, 0 or 1 by the sign; NaN stays. Not for `bool`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![-7, 0, 3]);
    /// assert_eq!(x.sign().compute::<i32>()?, array![-1, 0, 1].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    sign Sign;
    /// The largest whole number that is not above; `bool` and integers stay as they are.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.5, -1.5]);
    /// assert_eq!(x.floor().compute::<f64>()?, array![1.0, -2.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    floor Floor;
    /// The smallest whole number that is not below; `bool` and integers stay as they are.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.5, -1.5]);
    /// assert_eq!(x.ceil().compute::<f64>()?, array![2.0, -1.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ceil Ceil;
    /// The whole number next to it toward 0; `bool` and integers stay as they are.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.5, -1.5]);
    /// assert_eq!(x.trunc().compute::<f64>()?, array![1.0, -1.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    trunc Trunc;
    /// True where an element is NaN. `bool`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NAN]);
    /// assert_eq!(x.isnan().compute::<bool>()?, array![false, true].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    isnan IsNan;
    /// True where an element is infinite, of either sign. `bool`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NEG_INFINITY]);
    /// assert_eq!(x.isinf().compute::<bool>()?, array![false, true].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    isinf IsInf;
    /// True where an element is neither NaN nor infinite. `bool`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NAN, f64::INFINITY]);
    /// assert_eq!(x.isfinite().compute::<bool>()?, array![true, false, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    isfinite IsFinite;
}

of_two! {
    /// True where both are equal, element by element. `bool`. NaN equals nothing. Integers are
    /// compared exactly, with floats as `float64`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 2, 3]);
    /// assert_eq!(x.equal(2).compute::<bool>()?, array![false, true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    equal Equal;
    /// True where both differ; [`equal`](Self::equal) the other way round.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NAN]);
    /// assert_eq!(x.not_equal(&x).compute::<bool>()?, array![false, true].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    not_equal NotEqual;
    /// True where the array is less. `bool`, compared as by [`equal`](Self::equal); false for
    /// NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 2, 3]);
    /// assert_eq!(x.less(2.5).compute::<bool>()?, array![true, true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    less Less;
    /// True where the array is less or equal. `bool`; false for NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 2, 3]);
    /// assert_eq!(x.less_equal(2).compute::<bool>()?, array![true, true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    less_equal LessEqual;
    /// True where the array is greater. `bool`; false for NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 2, 3]);
    /// assert_eq!(x.greater(2).compute::<bool>()?, array![false, false, true].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    greater Greater;
    /// True where the array is greater or equal. `bool`; false for NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 2, 3]);
    /// assert_eq!(x.greater_equal(2).compute::<bool>()?, array![false, true, true].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    greater_equal GreaterEqual;
    /// The smaller of both; NaN where either is NaN ([`fmin`](Self::fmin) passes over it).
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 5, 3]);
    /// assert_eq!(x.minimum(3).compute::<i32>()?, array![1, 3, 3].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    minimum Minimum;
    /// The larger of both; NaN where either is NaN ([`fmax`](Self::fmax) passes over it).
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 5, 3]);
    /// assert_eq!(x.maximum(3).compute::<i32>()?, array![3, 5, 3].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    maximum Maximum;
    /// The smaller of both, or the one that is not NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NAN]);
    /// assert_eq!(x.fmin(0.5).compute::<f64>()?, array![0.5, 0.5].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    fmin Fmin;
    /// The larger of both, or the one that is not NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NAN]);
    /// assert_eq!(x.fmax(0.5).compute::<f64>()?, array![1.0, 0.5].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    fmax Fmax;
    /// The quotient rounded down, numpy's `//`; with `%` it satisfies `x == (x // y) * y + x %
    /// y`. Integers divided by 0 give 0.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![7, -7]);
    /// assert_eq!(x.floor_divide(2).compute::<i32>()?, array![3, -4].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    floor_divide FloorDivide;
}

impl LazyArray {
    /// The nearest whole number, halves to the even one as numpy's `round` and `rint`. Integers
    /// stay as they are; `bool` gives `float32`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![0.5, 1.5, -2.5]);
    /// assert_eq!(x.round().compute::<f64>()?, array![0.0, 2.0, -2.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn round(&self) -> Self {
        if self.dtype().is_float() || self.dtype() == DType::Bool {
            return unary(UnaryOp::Rint, self, Location::caller());
        }
        self.clone()
    }

    /// 0 in place of NaN, and the largest and smallest finite number of the type in place of
    /// infinities. `bool` and integers stay as they are.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, f64::NAN, f64::INFINITY]);
    /// assert_eq!(x.nan_to_num().compute::<f64>()?, array![1.0, 0.0, f64::MAX].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn nan_to_num(&self) -> Self {
        let end = match self.dtype() {
            DType::F32 => f64::from(f32::MAX),
            DType::F64 => f64::MAX,
            _ => return self.clone(),
        };
        where_(&self.isnan(), 0.0, self.clip(-end, end))
    }

    /// `low` where an element is below it, `high` where it is above that: `minimum(maximum(x,
    /// low), high)`. NaN stays, and NaN as a bound gives NaN. A number beyond an integer type on
    /// its own side is no bound.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![-5, 2, 70]);
    /// assert_eq!(x.clip(0, 50).compute::<i32>()?, array![0, 2, 50].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn clip(&self, low: impl Into<Operand>, high: impl Into<Operand>) -> Self {
        let location = Location::caller();
        let (low, high) = (low.into(), high.into());
        let bounded = |array: &Self, op, bound: &Operand, side| {
            let beyond = beyond(self.dtype(), bound.number());
            if beyond == Some(side) {
                return array.clone();
            }
            binary("clip", op, &array.into(), bound, location)
        };
        let raised = bounded(self, BinaryOp::Maximum, &low, Ordering::Less);
        bounded(&raised, BinaryOp::Minimum, &high, Ordering::Greater)
    }

    /// `x` to the power `n`, of the array's type: integers wrap, and refuse negative powers;
    /// `bool` gives `int64`. `powi(2)` of floats is exactly `x * x`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![2, -3]);
    /// assert_eq!(x.powi(3).compute::<i32>()?, array![8, -27].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn powi(&self, n: i32) -> Self {
        self.power(&n.into(), Location::caller())
    }

    /// `x` to the power `p`: `float64`, or `float32` for `float32`. Powers 2, 0.5 and -1 are `x *
    /// x`, `sqrt` and `1 / x`, as with numpy's `**`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![4.0, 2.25]);
    /// assert_eq!(x.powf(0.5).compute::<f64>()?, array![2.0, 1.5].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn powf(&self, p: f64) -> Self {
        self.power(&p.into(), Location::caller())
    }

    /// The same numbers in another type. Fractions are cut off on the way to integers, floats
    /// round to `float32`, and all but 0 is `true`. A number that the type does not hold stops
    /// the computation with an error that names it, where numpy would wrap; see
    /// [`astype_with`](Self::astype_with).
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::DType;
    /// let x = voxstore::from_ndarray(array![1.9, -1.9]);
    /// assert_eq!(x.astype(DType::I16).compute::<i16>()?, array![1, -1].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Self {
        self.astype_with(dtype, Overflow::Refuse)
    }

    /// [`astype`](Self::astype) with a say about numbers that the type does not hold.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::{DType, Overflow};
    /// let x = voxstore::from_ndarray(array![300, -1]);
    /// assert_eq!(x.astype_with(DType::U8, Overflow::Saturate).compute::<u8>()?, array![255, 0].into_dyn());
    /// assert_eq!(x.astype_with(DType::U8, Overflow::Wrap).compute::<u8>()?, array![44, 255].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn astype_with(&self, dtype: DType, overflow: Overflow) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        Self::made(Ok(self.node().cast_with(dtype, overflow)), Location::caller())
    }

    /// The same values as `float64`, which holds all but integers beyond 2^53 exactly. Results of
    /// `float32` are rounded to `float32`; those of its `float64` are not.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![0.0_f32, 0.0, 1.0]);
    /// assert_eq!(x.to_f64().mean(-1).compute::<f64>()?, ndarray::arr0(1.0 / 3.0).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn to_f64(&self) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        Self::made(Ok(self.node().cast(DType::F64)), Location::caller())
    }

    fn power(&self, exponent: &Operand, location: &'static Location<'static>) -> Self {
        let op = BinaryOp::Power;
        binary(op.name(), op, &self.into(), exponent, location)
    }
}

/// `then` where `condition` is true (or not 0), `otherwise` elsewhere: numpy's three-argument
/// `where`. All are repeated to one shape; the type is that of both choices together.
///
/// ```
/// # use ndarray::array;
/// # use voxstore::where_;
/// let x = voxstore::from_ndarray(array![1.0, f64::NAN]);
/// assert_eq!(where_(&x.isnan(), 0.0, &x).compute::<f64>()?, array![1.0, 0.0].into_dyn());
/// # Ok::<(), voxstore::Error>(())
/// ```
#[must_use]
#[track_caller]
pub fn where_(
    condition: &LazyArray,
    then: impl Into<Operand>,
    otherwise: impl Into<Operand>,
) -> LazyArray {
    select(condition, &then.into(), &otherwise.into(), Location::caller())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, IxDyn, array};

    use crate::dtype::{DType, Element};
    use crate::kernel::Overflow;
    use crate::lazy::{LazyArray, from_ndarray, where_};

    fn values<T: Element>(array: &LazyArray) -> Array<T, IxDyn> {
        assert_eq!(array.dtype(), T::DTYPE);
        array.compute::<T>().unwrap()
    }

    #[test]
    fn clip_is_numpys_with_bounds_of_any_kind() {
        // np.clip(x, low, high), numpy 2.4.6
        let x = from_ndarray(array![1_u8, 200]);
        assert_eq!(values::<u8>(&x.clip(-1, 300)), array![1, 200].into_dyn());
        assert_eq!(values::<u8>(&x.clip(2, 100)), array![2, 100].into_dyn());
        assert_eq!(values::<f64>(&x.clip(0.5, 100.5)), array![1.0, 100.5].into_dyn());
        let low = from_ndarray(array![[5_u8], [250]]);
        assert_eq!(values::<u8>(&x.clip(&low, 240)), array![[5, 200], [240, 240]].into_dyn());
        assert_eq!(values::<f64>(&from_ndarray(array![5.0]).clip(3, 1)), array![1.0].into_dyn());
        let bound = from_ndarray(array![1.0, f64::NAN]).clip(f64::NAN, 3.0);
        assert!(values::<f64>(&bound).iter().all(|v| v.is_nan()));
        assert_eq!(
            values::<i64>(&from_ndarray(array![true, false]).clip(0, 1)),
            array![1, 0].into_dyn()
        );
        let wrong = x.clip(300, 400).check().unwrap_err();
        assert!(wrong.problem.starts_with("clip: the integer 300"), "{wrong}");
    }

    #[test]
    fn nan_to_num_takes_the_ends_of_the_type() {
        // np.nan_to_num(np.array([nan, inf, -inf, -0.5], "f4")), numpy 2.4.6
        let x = from_ndarray(array![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.5]);
        assert_eq!(
            values::<f32>(&x.nan_to_num()),
            array![0.0, f32::MAX, f32::MIN, -0.5].into_dyn()
        );
        assert_eq!(values::<u8>(&from_ndarray(array![7_u8]).nan_to_num()), array![7].into_dyn());
    }

    #[test]
    fn rounding_leaves_integers_alone() {
        let x = from_ndarray(array![7_i16, -7]);
        for same in [x.round(), x.floor(), x.ceil(), x.trunc()] {
            assert_eq!(values::<i16>(&same), array![7, -7].into_dyn());
        }
        // np.round(bool) is float16 in numpy
        assert_eq!(values::<f32>(&from_ndarray(array![true]).round()), array![1.0].into_dyn());
    }

    #[test]
    fn powers_keep_the_type_that_numpy_keeps() {
        // x ** n, numpy 2.4.6
        let f = from_ndarray(array![2.0_f32, 3.0]);
        assert_eq!(values::<f32>(&f.powi(-1)), array![0.5, 1.0 / 3.0].into_dyn());
        assert_eq!(values::<f32>(&f.powf(2.0)), array![4.0, 9.0].into_dyn());
        let u = from_ndarray(array![2_u8, 20]);
        assert_eq!(values::<u8>(&u.powi(2)), array![4, 144].into_dyn());
        assert_eq!(values::<f64>(&u.powf(-1.0)), array![0.5, 0.05].into_dyn());
        assert!(u.powi(-1).check().unwrap_err().problem.contains("powf(-1.0)"));
    }

    #[test]
    fn a_number_that_does_not_fit_stops_the_computation_unless_told_otherwise() {
        let x = from_ndarray(array![1.0, 70_000.0]);
        let error = x.astype(DType::I16).compute::<i16>().unwrap_err().to_string();
        assert!(error.contains("70000") && error.contains("int16"), "{error}");
        let wrapped = x.astype_with(DType::I16, Overflow::Wrap);
        assert_eq!(values::<i16>(&wrapped), array![1, 4464].into_dyn());
        let cut = x.astype_with(DType::I16, Overflow::Saturate);
        assert_eq!(values::<i16>(&cut), array![1, i16::MAX].into_dyn());
        assert_eq!(values::<bool>(&x.astype(DType::Bool)), array![true, true].into_dyn());
    }

    #[test]
    fn where_takes_any_condition_and_a_type_for_both_choices() {
        // np.where(c, x, 0.5) of int16, np.where([0, 2], 1, 2), numpy 2.4.6
        let x = from_ndarray(array![3_i16, -4]);
        assert_eq!(values::<f64>(&where_(&x.greater(0), &x, 0.5)), array![3.0, 0.5].into_dyn());
        let count = from_ndarray(array![0_u8, 2]);
        assert_eq!(values::<i64>(&where_(&count, 1, 2)), array![2, 1].into_dyn());
        assert_eq!(values::<bool>(&where_(&count, true, false)), array![false, true].into_dyn());
    }
}
