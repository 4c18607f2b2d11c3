//! Reductions that ask which of two numbers is larger.

use std::cmp::Ordering;

use voxstore::DType;

use super::near::{EQUAL, ulp};
use super::series::Series;
use super::{Fault, Near, Reduction, round};

fn wanted(op: Reduction) -> Ordering {
    let least = matches!(op, Reduction::Min | Reduction::ArgMin);
    if least { Ordering::Less } else { Ordering::Greater }
}

pub(super) fn extreme_int(x: &[i128], op: Reduction) -> Result<i128, Fault> {
    let least = wanted(op) == Ordering::Less;
    let found = if least { x.iter().min() } else { x.iter().max() };
    found.copied().ok_or(Fault::NoSample)
}

/// NaN where one is, or where nothing is.
pub(super) fn extreme(x: &[Near], op: Reduction) -> Near {
    if x.iter().any(|v| !v.is_known()) {
        return Near::unknown(f64::NAN);
    }
    if x.is_empty() || x.iter().any(|v| v.value.is_nan()) {
        return Near::equal(f64::NAN);
    }
    let bound = x.iter().map(|v| v.bound).fold(EQUAL, f64::max);
    let better = |a: f64, b: f64| if wanted(op) == Ordering::Less { a.min(b) } else { a.max(b) };
    Near { value: x.iter().map(|v| v.value).fold(x[0].value, better), bound }
}

pub(super) fn place_int(x: &Series<i128>, op: Reduction) -> Result<i128, Fault> {
    let best = extreme_int(&x.values, op)?;
    let equal = x.values.iter().zip(&x.at).filter(|(v, _)| **v == best);
    Ok(equal.map(|(_, &at)| at as i128).min().unwrap())
}

/// The first NaN, or the first of the best; undecided where another may be as good.
pub(super) fn place(x: &Series<Near>, op: Reduction, rounded: bool) -> Result<i128, Fault> {
    if x.values.iter().any(|v| !v.is_known()) {
        return Err(Fault::Undecided);
    }
    let list = || x.values.iter().zip(&x.at);
    if let Some(first) = list().filter(|(v, _)| v.value.is_nan()).map(|(_, at)| at).min() {
        return Ok(*first as i128);
    }
    let mut best: Option<(Near, usize)> = None;
    for (&value, &at) in list() {
        let Some((so_far, first)) = best else {
            best = Some((value, at));
            continue;
        };
        match value.compare(so_far)?.unwrap() {
            Ordering::Equal if rounded => return Err(Fault::Undecided),
            Ordering::Equal if at < first => best = Some((value, at)),
            order if order == wanted(op) => best = Some((value, at)),
            _ => {}
        }
    }
    best.map(|(_, at)| at as i128).ok_or(Fault::NoSample)
}

/// How many are in a bin; the last one has its upper edge.
pub(super) fn count_in(
    x: &[Near],
    edges: &[f64],
    bin: usize,
    rounded: bool,
) -> Result<i128, Fault> {
    let last = bin + 2 == edges.len();
    let mut count = 0;
    for v in x {
        let v = if rounded { Near { bound: v.bound.max(2.0 * EQUAL), ..*v } } else { *v };
        let low = v.compare(Near::exact(edges[bin]))?;
        let high = v.compare(Near::exact(edges[bin + 1]))?;
        let (Some(low), Some(high)) = (low, high) else { continue };
        count += i128::from(low.is_ge() && (high.is_lt() || last && high.is_eq()));
    }
    Ok(count)
}

/// In order, or what the answer is instead: NaN where one is, or where nothing is.
fn sorted(x: &[Near]) -> Result<Vec<Near>, Near> {
    if x.iter().any(|v| !v.is_known()) {
        return Err(Near::unknown(f64::NAN));
    }
    if x.is_empty() || x.iter().any(|v| v.value.is_nan()) {
        return Err(Near::equal(f64::NAN));
    }
    let mut sorted = x.to_vec();
    sorted.sort_by(|a, b| a.value.total_cmp(&b.value));
    Ok(sorted)
}

pub(super) fn median(x: &[Near], dtype: DType) -> Near {
    let sorted = match sorted(x) {
        Ok(sorted) => sorted,
        Err(instead) => return instead,
    };
    let (a, b) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    let given = x.iter().map(|v| v.bound).fold(EQUAL, f64::max);
    if a.value == b.value {
        return Near::within(a.value, given + ulp(a.value, dtype));
    }
    let value = round(f64::midpoint(a.value, b.value), dtype);
    let largest = a.value.abs().max(b.value.abs());
    // The sum of the two may be beyond the type where their mean is not.
    let most = if dtype == DType::F32 { f64::from(f32::MAX) } else { f64::MAX };
    if largest > most / 2.0 && largest.is_finite() {
        return Near::unknown(value);
    }
    if value.is_finite() {
        Near::within(value, given + 2.0 * ulp(largest, dtype))
    } else {
        Near::equal(a.value + b.value)
    }
}

/// Between samples, by numpy's default method.
pub(super) fn quantile(x: &[Near], q: f64, dtype: DType) -> Near {
    let sorted = match sorted(x) {
        Ok(sorted) => sorted,
        Err(instead) => return instead,
    };
    let at = (sorted.len() - 1) as f64 * q;
    let below = sorted[at.floor() as usize].value;
    let above = sorted[(at.floor() as usize + 1).min(sorted.len() - 1)].value;
    let value = round(below + (above - below) * at.fract(), dtype);
    if !below.is_finite() || !above.is_finite() || !(above - below).is_finite() {
        return Near::unknown(value);
    }
    // The place between the two is a number of the array's type, too.
    let given = x.iter().map(|v| v.bound).fold(EQUAL, f64::max);
    let steps = sorted.len() as f64 + 4.0;
    Near::within(value, given + steps * (ulp(below, dtype) + ulp(above, dtype)))
}
