//! Sums, products and what comes of them.

use num_bigint::{BigInt, BigUint};
use voxstore::DType;

use super::near::{EQUAL, EXACT, ulp};
use super::{Fault, Near, Reduction, round};

/// An exact sum or product, where it fits 64 bits.
pub(super) fn exact(x: &[i128], op: Reduction, dtype: DType) -> Result<i128, Fault> {
    let total: BigInt = match op {
        Reduction::Sum => x.iter().map(|&v| BigInt::from(v)).sum(),
        _ => x.iter().map(|&v| BigInt::from(v)).product(),
    };
    let total = i128::try_from(total).map_err(|_| Fault::Overflow)?;
    let (low, high) = dtype.int_range().unwrap();
    if (low..=high).contains(&total) { Ok(total) } else { Err(Fault::Overflow) }
}

/// `numerator / denominator`, rounded once.
fn quotient(numerator: &BigInt, denominator: u64) -> f64 {
    let scaled: BigUint = (numerator.magnitude() << 100_u32) / denominator;
    // Decimal digits are rounded correctly when parsed.
    let size: f64 = scaled.to_string().parse().unwrap();
    let size = size * 2_f64.powi(-100);
    if *numerator < BigInt::ZERO { -size } else { size }
}

pub(super) fn of_ints(x: &[i128], op: Reduction, ddof: u64) -> Near {
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

pub(super) fn of_floats(x: &[Near], op: Reduction, ddof: u64, dtype: DType) -> Near {
    if op == Reduction::Prod {
        return product(x, dtype);
    }
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
        _ => (std, 1e-12 * std * condition + given * (n / free).sqrt() * 2.0),
    };
    let value = round(value, dtype);
    let bound = bound + if dtype == DType::F32 { ulp(value, dtype) } else { EQUAL };
    Near { value, bound }
}

/// A product whatever the order of its factors.
fn product(x: &[Near], dtype: DType) -> Near {
    let value = round(x.iter().map(|v| v.value).product(), dtype);
    if x.iter().any(|v| !v.is_known() || (v.bound > EQUAL && !v.value.is_nan())) {
        return Near::unknown(value);
    }
    if x.iter().any(|v| v.value.is_nan()) {
        return Near::equal(f64::NAN);
    }
    let (zero, infinite) =
        (x.iter().any(|v| v.value == 0.0), x.iter().any(|v| v.value.is_infinite()));
    if zero || infinite {
        // Factors on the way must not be beyond the range: they would make NaN of 0, or 0 of NaN.
        let most: f64 = x
            .iter()
            .map(|v| v.value.abs())
            .filter(|v| v.is_finite() && *v > 0.0)
            .map(|v| v.ln().abs())
            .sum();
        let sign = x.iter().filter(|v| v.value.is_sign_negative()).count() % 2;
        let instead = match (zero, infinite) {
            (true, true) => f64::NAN,
            (true, false) => 0.0,
            _ => {
                if sign == 0 {
                    f64::INFINITY
                } else {
                    f64::NEG_INFINITY
                }
            }
        };
        return if most < 600.0 { Near::equal(instead) } else { Near::unknown(instead) };
    }
    let most: f64 = x.iter().map(|v| v.value.abs().ln().abs()).sum();
    if most > if dtype == DType::F32 { 80.0 } else { 600.0 } {
        return Near::unknown(value);
    }
    Near::within(value, (x.len() as f64 + 2.0) * f64::EPSILON * value.abs() + ulp(value, dtype))
}
