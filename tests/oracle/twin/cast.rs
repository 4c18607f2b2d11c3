//! The same values in another type, which may not hold them.

use voxstore::DType;

use super::near::round;
use super::{Cells, Fault, Near, Twin, wrap};

/// What becomes of a number that the type does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fitting {
    Refuse,
    Wrap,
    Saturate,
}

impl Twin {
    pub(crate) fn cast(&self, dtype: DType, fitting: Fitting) -> Result<Self, Fault> {
        if self.dtype == dtype {
            return Ok(self.clone());
        }
        let cells = match (&self.cells, dtype.int_range()) {
            (Cells::Int(list), Some(_)) if dtype == DType::Bool => {
                Cells::Int(list.iter().map(|&v| i128::from(v != 0)).collect())
            }
            (Cells::Float(list), Some(_)) if dtype == DType::Bool => {
                let one = |v: &Near| v.is_true().map(i128::from);
                Cells::Int(list.iter().map(one).collect::<Result<_, _>>()?)
            }
            (Cells::Int(list), Some(_)) => {
                let one = |&v: &i128| fit(v, dtype, fitting);
                Cells::Int(list.iter().map(one).collect::<Result<_, _>>()?)
            }
            (Cells::Int(_), None) => self.promoted(dtype).cells,
            (Cells::Float(list), Some(_)) => {
                let one = |v: &Near| float_to_int(*v, dtype, fitting);
                Cells::Int(list.iter().map(one).collect::<Result<_, _>>()?)
            }
            (Cells::Float(list), None) => {
                let one = |v: &Near| float_to_float(*v, dtype, fitting);
                Cells::Float(list.iter().map(one).collect::<Result<_, _>>()?)
            }
        };
        let rounded = self.rounded && dtype == DType::F64;
        Ok(Self { shape: self.shape.clone(), dtype, cells, rounded })
    }
}

fn fit(value: i128, dtype: DType, fitting: Fitting) -> Result<i128, Fault> {
    let (low, high) = dtype.int_range().unwrap();
    match fitting {
        Fitting::Refuse if !(low..=high).contains(&value) => Err(Fault::Cast),
        Fitting::Refuse => Ok(value),
        Fitting::Wrap => Ok(wrap(value, dtype)),
        Fitting::Saturate => Ok(value.clamp(low, high)),
    }
}

/// Fractions are cut off. `Wrap` goes through 64 bits; NaN is 0 where it is not refused.
fn float_to_int(v: Near, dtype: DType, fitting: Fitting) -> Result<i128, Fault> {
    let whole = |value: f64| match fitting {
        Fitting::Refuse if !value.is_finite() => Err(Fault::Cast),
        Fitting::Wrap if dtype == DType::U64 && value >= 0.0 => Ok(i128::from(value as u64)),
        Fitting::Wrap => fit(i128::from(value as i64), dtype, fitting),
        _ => fit(value.trunc() as i128, dtype, fitting),
    };
    if !v.is_known() {
        return Err(Fault::Undecided);
    }
    let (value, ends) = (whole(v.value), [v.value - v.bound, v.value + v.bound].map(whole));
    if ends.iter().all(|end| *end == value) { value } else { Err(Fault::Undecided) }
}

fn float_to_float(v: Near, dtype: DType, fitting: Fitting) -> Result<Near, Fault> {
    let most = f64::from(f32::MAX);
    let rounded = round(v.value, dtype);
    let beyond = v.value.is_finite() && rounded.is_infinite();
    if v.bound > 0.0 && dtype == DType::F32 && (v.value.abs() + v.bound) * 1.000_001 > most {
        // Whether it is beyond depends on the last bits.
        return if v.value.is_finite() { Err(Fault::Undecided) } else { Ok(v) };
    }
    match (beyond, fitting) {
        (true, Fitting::Refuse) => return Err(Fault::Cast),
        (true, Fitting::Saturate) => return Ok(Near::exact(most.copysign(v.value))),
        _ => {}
    }
    Ok(if v.bound == 0.0 { Near::exact(rounded) } else { super::unary::loosely(v, dtype) })
}
