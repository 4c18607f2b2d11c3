//! numpy in the small: whole arrays in memory, one element at a time, with an error bound beside
//! each float that a reduction made.
//!
//! Integers are `i128` and wrapped after each operation, sums are exact, floats are `f64` (rounded
//! to `float32` where that is the type). A bound of 0 means exact bits; a bound of infinity means
//! that rounding decides (a difference of nearly equal sums as a divisor) and nothing is claimed.

use ndarray::{Slice, SliceInfoElem};
use num_bigint::{BigInt, BigUint};
use voxstore::DType;

/// A float and how far from it the answer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Near {
    pub(crate) value: f64,
    pub(crate) bound: f64,
}

#[derive(Clone, Debug)]
pub(crate) enum Cells {
    Int(Vec<i128>),
    Float(Vec<Near>),
}

/// An array; axis 0 is the fastest.
#[derive(Clone, Debug)]
pub(crate) struct Twin {
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    pub(crate) cells: Cells,
    /// Floats or 64-bit integers with a slope: `float64` cannot hold what a reduction sums.
    pub(crate) rounded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reduction {
    Sum,
    Mean,
    Var,
    Std,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    I64(i64),
    F64(f64),
    F32(f32),
}

const EXACT: f64 = 0.0;
/// Below every difference between two floats: equal as numbers, whatever the sign of zero.
const EQUAL: f64 = f64::from_bits(1);

/// The first type in numpy's order that holds all values of both (NEP 50's table).
pub(crate) fn promote(a: DType, b: DType) -> DType {
    let holds = |wide: DType, narrow: DType| match (wide.int_range(), narrow.int_range()) {
        (Some((low, high)), Some((l, h))) => low <= l && h <= high,
        (Some(_), None) => false,
        (None, Some(_)) => wide == DType::F64 || narrow.size() <= 2,
        (None, None) => wide.size() >= narrow.size(),
    };
    DType::ALL.into_iter().find(|&d| holds(d, a) && holds(d, b)).unwrap()
}

fn wrap(value: i128, dtype: DType) -> i128 {
    let (low, high) = dtype.int_range().unwrap();
    (value - low).rem_euclid(high - low + 1) + low
}

fn round(value: f64, dtype: DType) -> f64 {
    if dtype == DType::F32 { f64::from(value as f32) } else { value }
}

fn ulp(value: f64, dtype: DType) -> f64 {
    let (relative, smallest) = if dtype == DType::F32 {
        (f64::from(f32::EPSILON), 1.5e-45)
    } else {
        (f64::EPSILON, EQUAL)
    };
    (value.abs() * relative).max(smallest)
}

impl Twin {
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Values as `f64`, rounded where they do not fit.
    pub(crate) fn floats(&self) -> Vec<Near> {
        match &self.cells {
            Cells::Int(list) => {
                list.iter().map(|&v| Near { value: v as f64, bound: EXACT }).collect()
            }
            Cells::Float(list) => list.clone(),
        }
    }

    fn cast(&self, dtype: DType) -> Self {
        let cells = match (&self.cells, dtype.is_float()) {
            (Cells::Int(list), false) => Cells::Int(list.clone()),
            _ => Cells::Float(self.floats()),
        };
        Self { shape: self.shape.clone(), dtype, cells, rounded: self.rounded }
    }

    /// `stored * slope + inter` in `float64`.
    pub(crate) fn rescale(&self, slope: f64, inter: f64) -> Self {
        let mut out = self.cast(DType::F64);
        out.rounded = self.dtype.is_float() || self.dtype.size() == 8;
        if let Cells::Float(list) = &mut out.cells {
            for v in list {
                let scaled = if slope == 1.0 { v.value } else { v.value * slope };
                v.value = if inter == 0.0 { scaled } else { scaled + inter };
            }
        }
        out
    }

    pub(crate) fn slice(&self, slices: &[SliceInfoElem]) -> Self {
        let mut shape = Vec::new();
        let mut picks: Vec<Vec<usize>> = Vec::new();
        for (axis, &len) in self.shape.iter().enumerate() {
            match slices[axis] {
                SliceInfoElem::Index(i) => {
                    picks.push(vec![if i < 0 { (i + len as isize) as usize } else { i as usize }]);
                }
                SliceInfoElem::Slice { start, end, step } => {
                    let all = ndarray::Array1::from_iter(0..len);
                    let kept = all.slice_axis(ndarray::Axis(0), Slice { start, end, step });
                    shape.push(kept.len());
                    picks.push(kept.to_vec());
                }
                SliceInfoElem::NewAxis => unreachable!("never made"),
            }
        }
        let total: usize = picks.iter().map(Vec::len).product();
        let order = (0..total).map(|mut k| {
            let (mut at, mut stride) = (0, 1);
            for (pick, &len) in picks.iter().zip(&self.shape) {
                at += pick[k % pick.len()] * stride;
                k /= pick.len();
                stride *= len;
            }
            at
        });
        Self { cells: self.pick(order), shape, ..*self }
    }

    fn pick(&self, order: impl Iterator<Item = usize>) -> Cells {
        match &self.cells {
            Cells::Int(list) => Cells::Int(order.map(|i| list[i]).collect()),
            Cells::Float(list) => Cells::Float(order.map(|i| list[i]).collect()),
        }
    }

    pub(crate) fn concatenate(twins: &[&Self], axis: usize) -> Self {
        let dtype = twins.iter().fold(twins[0].dtype, |d, t| promote(d, t.dtype));
        let mut shape = twins[0].shape.clone();
        shape[axis] = twins.iter().map(|t| t.shape[axis]).sum();
        let cast: Vec<Self> = twins.iter().map(|t| t.cast(dtype)).collect();
        let inner: usize = shape[..axis].iter().product();
        let outer: usize = shape[axis + 1..].iter().product();
        let (mut ints, mut floats) = (Vec::new(), Vec::new());
        for o in 0..outer {
            for twin in &cast {
                let run = inner * twin.shape[axis];
                match &twin.cells {
                    Cells::Int(list) => ints.extend_from_slice(&list[o * run..][..run]),
                    Cells::Float(list) => floats.extend_from_slice(&list[o * run..][..run]),
                }
            }
        }
        let cells = if dtype.is_float() { Cells::Float(floats) } else { Cells::Int(ints) };
        Self { shape, dtype, cells, rounded: twins.iter().any(|t| t.rounded) }
    }

    pub(crate) fn binary(op: Arithmetic, left: &Self, right: &Self) -> Self {
        let common = promote(left.dtype, right.dtype);
        Self::same_type(op, left, right, common)
    }

    fn same_type(op: Arithmetic, left: &Self, right: &Self, common: DType) -> Self {
        let dtype =
            if op == Arithmetic::Divide && !common.is_float() { DType::F64 } else { common };
        let (a, b) = (left.cast(dtype), right.cast(dtype));
        let cells = match (&a.cells, &b.cells) {
            (Cells::Int(a), Cells::Int(b)) => {
                let one = |(&a, &b): (&i128, &i128)| match op {
                    Arithmetic::Add => wrap(a + b, dtype),
                    Arithmetic::Subtract => wrap(a - b, dtype),
                    // Two factors below 2^64 in size: the product may pass i128, its low bits do not.
                    Arithmetic::Multiply => wrap(a.wrapping_mul(b) & i128::from(u64::MAX), dtype),
                    Arithmetic::Divide => unreachable!("integers divide as floats"),
                };
                Cells::Int(a.iter().zip(b).map(one).collect())
            }
            (Cells::Float(a), Cells::Float(b)) => {
                Cells::Float(a.iter().zip(b).map(|(&a, &b)| float(op, a, b, dtype)).collect())
            }
            _ => unreachable!("both were cast"),
        };
        Self { shape: left.shape.clone(), dtype, cells, rounded: false }
    }

    /// With a weak number; `None` where numpy refuses the integer.
    pub(crate) fn with_number(
        &self,
        op: Arithmetic,
        number: Number,
        array_left: bool,
    ) -> Option<Self> {
        let (common, cells) = match (number, self.dtype.int_range()) {
            (Number::I64(v), Some((low, high))) => {
                if !(low..=high).contains(&i128::from(v)) {
                    return None;
                }
                (self.dtype, Cells::Int(vec![i128::from(v); self.len()]))
            }
            (number, range) => {
                let value = match number {
                    Number::I64(v) => v as f64,
                    Number::F64(v) => v,
                    Number::F32(v) => f64::from(v),
                };
                let common = if range.is_some() { DType::F64 } else { self.dtype };
                let near = Near { value: round(value, common), bound: EXACT };
                (common, Cells::Float(vec![near; self.len()]))
            }
        };
        let number = Self { shape: self.shape.clone(), dtype: common, cells, rounded: false };
        Some(if array_left {
            Self::same_type(op, self, &number, common)
        } else {
            Self::same_type(op, &number, self, common)
        })
    }

    /// `None` where an exact integer sum is beyond 64 bits.
    pub(crate) fn reduce(&self, op: Reduction, axis: usize, ddof: u64) -> Option<Self> {
        let along = self.shape[axis];
        let inner: usize = self.shape[..axis].iter().product();
        let outer: usize = self.shape[axis + 1..].iter().product();
        let mut shape = self.shape.clone();
        shape.remove(axis);
        let place = |o: usize, i: usize| (0..along).map(move |k| i + inner * (k + along * o));
        let series = (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i)));
        match &self.cells {
            Cells::Int(list) if op == Reduction::Sum => {
                let dtype = if self.dtype.is_signed_int() { DType::I64 } else { DType::U64 };
                let sums: Vec<i128> =
                    series.map(|(o, i)| place(o, i).map(|at| list[at]).sum()).collect();
                let (low, high) = dtype.int_range().unwrap();
                let fits = sums.iter().all(|v| (low..=high).contains(v));
                fits.then_some(Self { shape, dtype, cells: Cells::Int(sums), rounded: false })
            }
            Cells::Int(list) => {
                let cells = series
                    .map(|(o, i)| {
                        let x: Vec<i128> = place(o, i).map(|at| list[at]).collect();
                        of_ints(&x, op, ddof)
                    })
                    .collect();
                Some(Self { shape, dtype: DType::F64, cells: Cells::Float(cells), rounded: false })
            }
            Cells::Float(list) => {
                let cells = series
                    .map(|(o, i)| {
                        let mut x: Vec<Near> = place(o, i).map(|at| list[at]).collect();
                        if self.rounded {
                            for v in &mut x {
                                v.bound += ulp(v.value, DType::F64);
                            }
                        }
                        of_floats(&x, op, ddof, self.dtype)
                    })
                    .collect();
                Some(Self { shape, dtype: self.dtype, cells: Cells::Float(cells), rounded: false })
            }
        }
    }
}

/// One operation on floats and what becomes of their bounds.
fn float(op: Arithmetic, a: Near, b: Near, dtype: DType) -> Near {
    let exact = match op {
        Arithmetic::Add => a.value + b.value,
        Arithmetic::Subtract => a.value - b.value,
        Arithmetic::Multiply => a.value * b.value,
        Arithmetic::Divide => a.value / b.value,
    };
    // Division and product in f64 and then f32 round as one division in f32 would.
    let value = round(exact, dtype);
    if a.bound == 0.0 && b.bound == 0.0 {
        return Near { value, bound: EXACT };
    }
    if op == Arithmetic::Divide && b.bound == 0.0 && b.value == 0.0 && a.value.abs() > a.bound {
        return Near { value, bound: EXACT };
    }
    let bound = match op {
        Arithmetic::Add | Arithmetic::Subtract => a.bound + b.bound,
        Arithmetic::Multiply => {
            a.value.abs() * b.bound + b.value.abs() * a.bound + a.bound * b.bound
        }
        Arithmetic::Divide if b.value.abs() <= 1.001 * b.bound => f64::INFINITY,
        Arithmetic::Divide => {
            (a.bound + (a.value / b.value).abs() * b.bound) / (b.value.abs() - b.bound)
        }
    };
    let overflow = value.is_infinite() && a.value.is_finite() && b.value.is_finite();
    let bound = bound + 2.0 * ulp(value, dtype);
    let unknown = overflow || bound.is_nan() && !value.is_nan();
    Near { value, bound: if unknown { f64::INFINITY } else { bound } }
}

/// `numerator / denominator`, rounded once.
fn quotient(numerator: &BigInt, denominator: u64) -> f64 {
    let scaled: BigUint = (numerator.magnitude() << 100_u32) / denominator;
    // Decimal digits are rounded correctly when parsed.
    let size: f64 = scaled.to_string().parse().unwrap();
    let size = size * 2_f64.powi(-100);
    if *numerator < BigInt::ZERO { -size } else { size }
}

fn of_ints(x: &[i128], op: Reduction, ddof: u64) -> Near {
    let n = x.len() as u64;
    if n == 0 {
        return Near { value: f64::NAN, bound: EXACT };
    }
    let sum: BigInt = x.iter().map(|&v| BigInt::from(v)).sum();
    let squares: BigInt = x.iter().map(|&v| BigInt::from(v) * v).sum();
    let deviations = squares * n - &sum * &sum;
    let free = n.saturating_sub(ddof);
    let value = match op {
        Reduction::Mean => quotient(&sum, n),
        _ if free == 0 && deviations == BigInt::ZERO => f64::NAN,
        _ if free == 0 => f64::INFINITY,
        Reduction::Var => quotient(&deviations, n * free),
        _ => quotient(&deviations, n * free).sqrt(),
    };
    let constant = deviations == BigInt::ZERO && op != Reduction::Mean;
    let bound = if constant || !value.is_finite() { EXACT } else { value.abs() * 1e-15 + EQUAL };
    Near { value, bound }
}

/// Sum as an unevaluated pair of floats.
fn pair_sum(x: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut high, mut low) = (0.0_f64, 0.0_f64);
    for v in x {
        let sum = high + v;
        let back = sum - high;
        low += (high - (sum - back)) + (v - back);
        high = sum;
    }
    (high, low)
}

fn of_floats(x: &[Near], op: Reduction, ddof: u64, dtype: DType) -> Near {
    let n = x.len() as f64;
    if x.is_empty() {
        let value = if op == Reduction::Sum { 0.0 } else { f64::NAN };
        return Near { value, bound: EQUAL };
    }
    let given = x.iter().map(|v| v.bound).fold(0.0, f64::max);
    let largest = x.iter().map(|v| v.value.abs()).fold(0.0, f64::max);
    let unknown = |value| Near { value, bound: f64::INFINITY };
    let plain: f64 = x.iter().map(|v| v.value).sum();
    if given == f64::INFINITY {
        return unknown(plain);
    }
    if x.iter().any(|v| !v.value.is_finite()) {
        let centre = matches!(op, Reduction::Sum | Reduction::Mean);
        return Near { value: if centre { plain } else { f64::NAN }, bound: EQUAL };
    }
    if largest > 1e150 {
        return unknown(plain);
    }
    let size: f64 = x.iter().map(|v| v.value.abs()).sum();
    let (high, low) = pair_sum(x.iter().map(|v| v.value));
    let mean = (high + low) / n;
    // What is left of the mean after rounding it.
    let rest = (((-mean).mul_add(n, high)) + low) / n;
    let squares = pair_sum(x.iter().map(|v| {
        let d = (v.value - mean) - rest;
        d * d
    }));
    let free = (x.len() as u64).saturating_sub(ddof) as f64;
    let constant = x.iter().all(|v| v.value == x[0].value);
    let var = if constant { 0.0 } else { squares.0 + squares.1 } / free;
    let std = var.sqrt();
    let condition = if std > 0.0 { (mean.abs() / std).max(1.0) } else { 1.0 };
    let (value, bound) = match op {
        Reduction::Sum => (high + low, 1e-12 * size + n * given),
        Reduction::Mean => (mean, 1e-12 * size / n + given),
        Reduction::Var | Reduction::Std if constant && given == 0.0 => {
            let value = if free == 0.0 { f64::NAN } else { 0.0 };
            return Near { value, bound: EXACT };
        }
        Reduction::Var | Reduction::Std if free == 0.0 => {
            return if given == 0.0 { Near { value: var, bound: EXACT } } else { unknown(var) };
        }
        // Where all samples are off by up to `given`, so is their spread.
        Reduction::Var => {
            let off = given * (n / free).sqrt() * 2.0;
            (var, 2e-12 * var * condition + 2.0 * std * off + off * off)
        }
        Reduction::Std => (std, 1e-12 * std * condition + given * (n / free).sqrt() * 2.0),
    };
    let value = round(value, dtype);
    let bound = bound + if dtype == DType::F32 { ulp(value, dtype) } else { EQUAL };
    Near { value, bound }
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
