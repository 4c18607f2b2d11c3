//! Is an answer numpy's?

use voxstore::DType;

use crate::compute::{Computed, Values};
use crate::file::{Case, Numbers, Within, float, int};

/// Says what differs.
pub(crate) fn compare(case: &Case, ours: &Computed) -> Result<(), String> {
    let Numbers { dtype, shape, data } = &case.numpy;
    if ours.dtype != *dtype || ours.shape != *shape {
        return Err(format!("{} {:?}, numpy has {dtype} {shape:?}", ours.dtype, ours.shape));
    }
    let wrong: Vec<String> = match &ours.values {
        Values::Ints(ours) => {
            let pairs = ours.iter().zip(data).enumerate();
            pairs
                .filter(|(_, (a, b))| **a != int(b))
                .map(|(k, (a, b))| format!("[{k}] {a}, numpy has {b}"))
                .collect()
        }
        Values::Floats(ours) => {
            let single = *dtype == DType::F32;
            let round = |v: f64| if single { f64::from(v as f32) } else { v };
            let numpy: Vec<f64> = data.iter().map(|v| round(float(v))).collect();
            let near = Nearness::new(case.within, single, &numpy);
            let pairs = ours.iter().zip(&numpy).enumerate();
            pairs
                .filter(|(_, (a, b))| !near.holds(**a, **b))
                .map(|(k, (a, b))| format!("[{k}] {a:?}, numpy has {b:?}"))
                .collect()
        }
    };
    match wrong.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => Err(format!("{first} (and {} more)", rest.len())),
    }
}

struct Nearness {
    within: Within,
    single: bool,
    largest: f64,
}

impl Nearness {
    fn new(within: Within, single: bool, numpy: &[f64]) -> Self {
        let largest = numpy.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
        let within = match within {
            // Computed in float64 and rounded once, here and there.
            Within::Relative(_) | Within::OfLargest(_) if single => Within::Ulp(1.0),
            Within::Ulp(n) if single => Within::Ulp(n.min(1.0)),
            other => other,
        };
        Self { within, single, largest }
    }

    fn holds(&self, ours: f64, numpy: f64) -> bool {
        if numpy.is_nan() {
            return ours.is_nan();
        }
        let apart = (ours - numpy).abs();
        match self.within {
            Within::Bits => ours.to_bits() == numpy.to_bits(),
            _ if ours == numpy => true,
            Within::Ulp(n) => apart <= n * self.ulp(numpy),
            Within::Relative(r) => apart <= r * numpy.abs(),
            Within::OfLargest(r) => apart <= r * self.largest,
        }
    }

    /// The distance from `value` to the next number of its type, away from 0.
    fn ulp(&self, value: f64) -> f64 {
        let size = value.abs();
        if self.single { f64::from((size as f32).next_up()) - size } else { size.next_up() - size }
    }
}
