//! What becomes of elements in another type or range?
//!
//! Conversions, rounding and bounds; they run as all elementwise functions do, by the loops of `kernel`.

use std::cmp::Ordering;
use std::panic::Location;

use super::array::LazyArray;
use super::elementwise::where_;
use super::operators::{Operand, binary, unary};
use super::types::beyond;
use crate::dtype::DType;
use crate::kernel::{BinaryOp, Overflow, UnaryOp};

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
    #[track_caller]
    pub fn astype_with(&self, dtype: DType, overflow: Overflow) -> Self {
        self.derived(|node| Ok(node.cast_with(dtype, overflow)), Location::caller())
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
    #[track_caller]
    pub fn to_f64(&self) -> Self {
        self.astype(DType::F64)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use crate::dtype::DType;
    use crate::kernel::Overflow;
    use crate::lazy::from_ndarray;
    use crate::lazy::testing::values;

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
}
