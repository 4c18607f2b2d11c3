//! Which functions are there of each element?
//!
//! Names, meanings and types are numpy's; how they meet shapes and numbers is in `operators`. All run
//! inside the pass that reads their inputs, a tile at a time, and cost no pass and no memory of their
//! own.

use std::panic::Location;

use super::array::LazyArray;
use super::axes::resolve_axis;
use super::operators::{Operand, binary, select, unary};
use crate::dtype::DType;
use crate::kernel::{BinaryOp, UnaryOp};

macro_rules! of_one {
    ($($(#[$doc:meta])* $name:ident $op:ident;)*) => {
        impl LazyArray {$(
            $(#[$doc])*
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
    /// compared exactly, with floats in the type of both.
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
    /// `x` to the power `n`, of the array's type: integers wrap, and refuse negative powers;
    /// `bool` gives `int64`. `powi(2)` of floats is exactly `x * x`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![2, -3]);
    /// assert_eq!(x.powi(3).compute::<i32>()?, array![8, -27].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
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
    #[track_caller]
    pub fn powf(&self, p: f64) -> Self {
        self.power(&p.into(), Location::caller())
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
#[track_caller]
pub fn where_(
    condition: &LazyArray,
    then: impl Into<Operand>,
    otherwise: impl Into<Operand>,
) -> LazyArray {
    select(condition, &then.into(), &otherwise.into(), Location::caller())
}

impl LazyArray {
    /// Differences of neighbours along an axis, one fewer than there are elements: `x[1:] - x[:-1]`,
    /// as `numpy.diff`. Each element is still read once.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 4, 9]);
    /// assert_eq!(x.diff(-1).compute::<i32>()?, array![3, 5].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn diff(&self, axis: isize) -> Self {
        if self.error().is_none()
            && let Err(problem) = resolve_axis("diff", axis, self.shape().len())
        {
            return Self::made(Err(problem), Location::caller());
        }
        let later = self.slice_axis(axis, 1..);
        let earlier = self.slice_axis(axis, ..-1);
        if later.error().is_none() && self.dtype() == DType::Bool {
            return later.not_equal(earlier);
        }
        later - earlier
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use crate::lazy::testing::values;
    use crate::lazy::{from_ndarray, where_};

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
    fn where_takes_any_condition_and_a_type_for_both_choices() {
        // np.where(c, x, 0.5) of int16, np.where([0, 2], 1, 2), numpy 2.4.6
        let x = from_ndarray(array![3_i16, -4]);
        assert_eq!(values::<f64>(&where_(&x.greater(0), &x, 0.5)), array![3.0, 0.5].into_dyn());
        let count = from_ndarray(array![0_u8, 2]);
        assert_eq!(values::<i64>(&where_(&count, 1, 2)), array![2, 1].into_dyn());
        assert_eq!(values::<bool>(&where_(&count, true, false)), array![false, true].into_dyn());
    }
}
