//! What is computed of two arrays of one shape, and what follows from it?

use super::super::error::JobError;
use super::DiffValues;
use crate::exec::Report;
use crate::lazy::{LazyArray, ReduceOptions, where_};
use crate::runtime::Session;

/// A distance that no two elements have: of elements that are NaN on one side only.
const NONE: f64 = -1.0;

/// The numbers that every figure follows from.
pub(super) struct Figures {
    /// Of equal elements, of those that are NaN in a only, and in b only.
    identical: f64,
    nan_in_a: f64,
    nan_in_b: f64,
    /// The largest distance, its flat index in C order, and the sum of all.
    max: f64,
    argmax: f64,
    sum: f64,
    /// Sums of products of deviations from the means.
    xy: f64,
    xx: f64,
    yy: f64,
}

impl Figures {
    /// Computes them together.
    pub(super) fn compute(
        x: &LazyArray,
        y: &LazyArray,
        session: &Session,
    ) -> Result<(Self, Report), JobError> {
        if x.size() == 0 {
            let none = Self {
                identical: 0.0,
                nan_in_a: 0.0,
                nan_in_b: 0.0,
                max: NONE,
                argmax: 0.0,
                sum: 0.0,
                xy: 0.0,
                xx: 0.0,
                yy: 0.0,
            };
            return Ok((none, session.compute_all::<f64>(&[])?.report));
        }
        let arrays = asked(x, y);
        let computed = session.compute_all::<f64>(&arrays.iter().collect::<Vec<_>>())?;
        let mut values = computed.arrays.iter().map(|a| a.first().copied().unwrap_or(f64::NAN));
        let mut next = || values.next().unwrap_or(f64::NAN);
        let figures = Self {
            identical: next(),
            nan_in_a: next(),
            nan_in_b: next(),
            max: next(),
            argmax: next(),
            sum: next(),
            xy: next(),
            xx: next(),
            yy: next(),
        };
        Ok((figures, computed.report))
    }

    /// The figures of `elements` elements; the place of the largest distance is left open.
    pub(super) fn values(&self, elements: u64) -> DiffValues {
        let compared = elements as f64 - self.nan_in_a - self.nan_in_b;
        DiffValues {
            elements,
            identical: self.identical as u64,
            share_identical: self.identical / elements as f64,
            nan_in_a_only: self.nan_in_a as u64,
            nan_in_b_only: self.nan_in_b as u64,
            max_abs: if self.max == NONE { f64::NAN } else { self.max },
            at: None,
            mean_abs: self.sum / compared,
            correlation: self.correlation(),
        }
    }

    /// Rounding must not take it beyond 1; where either does not vary it is 0 / 0.
    fn correlation(&self) -> f64 {
        (self.xy / (self.xx.sqrt() * self.yy.sqrt())).clamp(-1.0, 1.0)
    }

    /// The index of the element that differs most, where any does.
    pub(super) fn place(&self, shape: &[u64]) -> Option<Vec<u64>> {
        (self.max > 0.0).then(|| {
            let mut left = self.argmax as u64;
            let mut index: Vec<u64> = shape
                .iter()
                .rev()
                .map(|&length| {
                    let at = left % length;
                    left /= length;
                    at
                })
                .collect();
            index.reverse();
            index
        })
    }
}

/// The arrays behind [`Figures`], in its order; each is one number.
fn asked(x: &LazyArray, y: &LazyArray) -> [LazyArray; 9] {
    let (nan_x, nan_y) = (x.isnan(), y.isnan());
    let identical = x.equal(y) | (&nan_x & &nan_y);
    let count = |which: LazyArray| which.count_nonzero(..).to_f64();

    let (a, b) = (x.to_f64(), y.to_f64());
    // Equal infinities are 0 apart, not NaN; what is NaN on one side has no distance.
    let apart = where_(&identical, 0.0, (&a - &b).abs());
    let one_nan = apart.isnan();
    let ranked = where_(&one_nan, NONE, &apart);
    let summed = where_(&one_nan, 0.0, &apart);

    let both = a.isfinite() & b.isfinite();
    let deviation = |values: &LazyArray| {
        let values = where_(&both, values, f64::NAN);
        &values - values.mean_with(.., ReduceOptions::new().skip_nan().keepdims())
    };
    let (dx, dy) = (deviation(&a), deviation(&b));
    let products = |p: LazyArray| p.sum_with(.., ReduceOptions::new().skip_nan());
    [
        count(identical),
        count(&nan_x & !&nan_y),
        count(!&nan_x & &nan_y),
        ranked.max(..),
        ranked.argmax(..).to_f64(),
        summed.sum(..),
        products(&dx * &dy),
        products(&dx * &dx),
        products(&dy * &dy),
    ]
}
