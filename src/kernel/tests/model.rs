//! The plain twin of a reduction: lists of samples, and loops over them.

use num_bigint::BigInt;

use crate::dtype::{DType, Element, Number, with_dtype};
use crate::grid::Region;
use crate::kernel::state::Value;
use crate::kernel::{QuantileMethod, ReduceOp};

/// A small generator: the same numbers everywhere.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Samples of a type: many ties, zeros and extremes; where `wild`, NaN and infinities too.
pub(super) fn samples(dtype: DType, count: u64, wild: bool, random: &mut Random) -> Vec<u8> {
    fn one<T: Number>(wild: bool, random: &mut Random) -> T {
        let kind = random.below(20);
        let small = random.below(7) as i64 - 3;
        match (T::DTYPE.is_float(), kind) {
            (true, 0) if wild => T::from_f64(f64::NAN),
            (true, 1) if wild => T::from_f64(f64::INFINITY),
            (true, 2) if wild => T::from_f64(f64::NEG_INFINITY),
            (true, 3) => T::from_f64(-0.0),
            (true, 4..12) => T::from_f64(1000.0 + 10.0 * random.unit()),
            (false, 0) if wild => T::from_i64(random.next().cast_signed()),
            (false, 1) if wild => T::from_i64(i64::MIN),
            (false, 2) if wild => T::from_i64(i64::MAX),
            (false, 3..10) => T::from_i64(random.below(100) as i64),
            _ => T::from_i64(small),
        }
    }
    with_dtype!(dtype, T => {
        let values: Vec<T> = (0..count)
            .map(|_| if dtype == DType::Bool { (random.below(2) as u8) as T } else { one(wild, random) })
            .collect();
        bytemuck::cast_slice(&values).to_vec()
    })
}

pub(super) fn value(dtype: DType, bytes: &[u8], index: usize) -> Value {
    with_dtype!(dtype, T => {
        let v = bytemuck::cast_slice::<u8, T>(bytes)[index];
        match dtype {
            _ if dtype.is_float() => Value::Float(v.to_f64()),
            DType::U64 => Value::Integer(i128::from(v.to_i64().cast_unsigned())),
            _ => Value::Integer(i128::from(v.to_i64())),
        }
    })
}

/// Each index of a box, in memory order.
pub(super) fn indices(region: &Region) -> impl Iterator<Item = Vec<u64>> + '_ {
    (0..region.len()).map(|mut at| {
        let axes = region.shape().iter().zip(region.start());
        axes.map(|(&n, &start)| {
            let i = start + at % n;
            at /= n;
            i
        })
        .collect()
    })
}

/// Where an index lies in a box of this shape, first axis fastest.
pub(super) fn memory_index(index: &[u64], shape: &[u64]) -> usize {
    index.iter().zip(shape).rev().fold(0, |at, (&i, &n)| at * n + i) as usize
}

/// Where an index lies in a box of this shape, last axis fastest.
pub(super) fn c_index(index: &[u64], shape: &[u64]) -> u64 {
    index.iter().zip(shape).fold(0, |at, (&i, &n)| at * n + i)
}

/// What a cell should come to.
#[derive(Debug)]
pub(super) enum Want {
    Word(u64),
    /// Within a distance; NaN is near NaN.
    Near(f64, f64),
    Fault,
}

impl Want {
    pub(super) fn is_met(&self, got: Option<u64>) -> bool {
        match (self, got) {
            (Self::Word(want), Some(got)) => *want == got,
            (Self::Near(want, within), Some(got)) => {
                let got = f64::from_bits(got);
                *want == got || (want.is_nan() && got.is_nan()) || (want - got).abs() <= *within
            }
            (Self::Fault, None) => true,
            _ => false,
        }
    }
}

/// `op` over the samples of a cell, in memory order, each with its C-order place.
pub(super) fn reduce(op: &ReduceOp, dtype: DType, samples: &[(Value, u64)]) -> Want {
    let floats: Vec<f64> = samples.iter().map(|(v, _)| v.to_f64()).collect();
    let size = floats.iter().fold(0.0, |m, v| v.abs().max(m));
    let n = floats.len() as f64;
    let mean = floats.iter().sum::<f64>() / n;
    let var = |ddof: u64| {
        floats.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>()
            / (floats.len() as u64).saturating_sub(ddof) as f64
    };
    let near = |want, within| Want::Near(want, if size.is_finite() { within } else { 0.0 });
    let word = |exact: &BigInt| {
        let bits = if dtype.is_signed_int() {
            i64::try_from(exact).ok().map(i64::cast_unsigned)
        } else {
            u64::try_from(exact).ok()
        };
        bits.map_or(Want::Fault, Want::Word)
    };
    let big = || {
        samples.iter().map(|(v, _)| match v {
            Value::Integer(v) => BigInt::from(*v),
            Value::Float(_) => unreachable!("an integer result has integer samples"),
        })
    };
    match op {
        ReduceOp::Sum if !dtype.is_float() => word(&big().sum()),
        ReduceOp::Sum => near(floats.iter().sum(), 1e-13 * size * n),
        ReduceOp::Prod if !dtype.is_float() => word(&big().product()),
        ReduceOp::Prod => {
            let product: f64 = floats.iter().product();
            near(product, 1e-13 * product.abs())
        }
        ReduceOp::Mean => near(mean, 1e-13 * size),
        ReduceOp::Var { ddof } => near(var(*ddof), 1e-12 * size * size * n),
        ReduceOp::Std { ddof } => near(var(*ddof).sqrt(), 1e-6 * size * n),
        ReduceOp::Min | ReduceOp::Max | ReduceOp::ArgMin | ReduceOp::ArgMax => {
            let largest = matches!(op, ReduceOp::Max | ReduceOp::ArgMax);
            let beyond = |a: f64, b: f64| if largest { a > b } else { a < b };
            let mut order: Vec<_> = samples.to_vec();
            order.sort_by_key(|(_, place)| *place);
            let first = order.iter().copied().reduce(|so_far, next| {
                let takes_over = match (so_far.0, next.0) {
                    (Value::Integer(a), Value::Integer(b)) if largest => b > a,
                    (Value::Integer(a), Value::Integer(b)) => b < a,
                    (a, b) => {
                        let (a, b) = (a.to_f64(), b.to_f64());
                        beyond(b, a) || (b.is_nan() && !a.is_nan())
                    }
                };
                if takes_over { next } else { so_far }
            });
            let place = matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax);
            match first {
                None if dtype.is_float() && !place => Want::Near(f64::NAN, 0.0),
                None => Want::Fault,
                Some((_, at)) if place => Want::Word(at),
                Some((value, _)) if dtype.is_float() => Want::Near(value.to_f64(), 0.0),
                Some((Value::Integer(value), _)) => Want::Word(value as u64),
                Some(_) => unreachable!("an integer result has integer samples"),
            }
        }
        ReduceOp::Quantile { q, method } => {
            let mut sorted = floats.clone();
            sorted.sort_by(f64::total_cmp);
            if sorted.is_empty() || sorted.iter().any(|v| v.is_nan()) {
                return Want::Near(f64::NAN, 0.0);
            }
            let place = (n - 1.0) * q;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            match method {
                QuantileMethod::Linear => {}
                QuantileMethod::Lower => return Want::Near(low, 0.0),
                QuantileMethod::Higher => return Want::Near(high, 0.0),
                QuantileMethod::Midpoint => {
                    // As numpy: between two equal infinities there is no number.
                    let middle =
                        if place == place.floor() { low } else { high - (high - low) * 0.5 };
                    return near(middle, 1e-13 * size);
                }
            }
            let at = (n - 1.0) * q;
            let low = sorted[at.floor() as usize];
            let high = sorted[(at.floor() as usize + 1).min(sorted.len() - 1)];
            let t = at - at.floor();
            if *q == 0.0 || *q == 1.0 || (*q == 0.5 && t == 0.0) {
                return Want::Near(low, 0.0);
            }
            // Where infinities meet, which end one starts from decides.
            let from_high = t >= 0.5 && *q != 0.5;
            let difference = high - low;
            let between =
                if from_high { high - difference * (1.0 - t) } else { low + difference * t };
            let between = if *q == 0.5 { low.midpoint(high) } else { between };
            near(between, 1e-13 * size)
        }
        ReduceOp::Mad => {
            let median = |values: &[f64]| {
                let mut sorted = values.to_vec();
                sorted.sort_by(f64::total_cmp);
                if sorted.is_empty() || sorted.iter().any(|v| v.is_nan()) {
                    return f64::NAN;
                }
                let middle = sorted.len() / 2;
                if sorted.len() % 2 == 1 {
                    return sorted[middle];
                }
                sorted[middle - 1].midpoint(sorted[middle])
            };
            let middle = median(&floats);
            let distances: Vec<f64> = floats.iter().map(|v| (v - middle).abs()).collect();
            near(median(&distances), 1e-13 * size)
        }
        ReduceOp::HistogramBin { edges, bin } => {
            let last = *bin + 2 == edges.len();
            let inside = |v: &&f64| {
                **v >= edges[*bin] && (**v < edges[bin + 1] || (last && **v == edges[bin + 1]))
            };
            Want::Word(floats.iter().filter(inside).count() as u64)
        }
        ReduceOp::Coefficient { .. }
        | ReduceOp::ResidualSumSquares { .. }
        | ReduceOp::Word { .. } => unreachable!("they have tests of their own"),
    }
}
