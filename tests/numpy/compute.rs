//! Arrays of any type, computed into numbers that can be compared.

use ndarray::ArrayD;
use voxstore::{DType, Element, Error, LazyArray, Session};

/// A result in C order.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<u64>,
    pub(crate) values: Values,
}

#[derive(Clone, Debug)]
pub(crate) enum Values {
    Ints(Vec<i128>),
    Floats(Vec<f64>),
}

impl Computed {
    fn of<T: Element>(array: &ArrayD<T>) -> Self {
        let values = match T::DTYPE {
            DType::F32 | DType::F64 => Values::Floats(array.iter().map(|v| v.to_f64()).collect()),
            DType::U64 => {
                Values::Ints(array.iter().map(|v| v.to_i64().cast_unsigned().into()).collect())
            }
            _ => Values::Ints(array.iter().map(|v| v.to_i64().into()).collect()),
        };
        let shape = array.shape().iter().map(|&n| n as u64).collect();
        Self { dtype: T::DTYPE, shape, values }
    }

    /// True for the same type, shape and bits; one NaN is as good as another.
    pub(crate) fn same_bits(&self, other: &Self) -> bool {
        let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let values = match (&self.values, &other.values) {
            (Values::Ints(a), Values::Ints(b)) => a == b,
            (Values::Floats(a), Values::Floats(b)) => a.iter().zip(b).all(same),
            _ => false,
        };
        self.dtype == other.dtype && self.shape == other.shape && values
    }
}

/// Computes arrays of one type together.
pub(crate) fn compute(arrays: &[&LazyArray], session: &Session) -> Result<Vec<Computed>, Error> {
    macro_rules! typed {
        ($($dtype:ident => $t:ty),*) => {
            match arrays[0].dtype() {
                $(DType::$dtype => {
                    session.compute_all::<$t>(arrays)?.arrays.iter().map(Computed::of).collect()
                })*
            }
        };
    }
    Ok(typed! {
        Bool => bool, U8 => u8, I8 => i8, U16 => u16, I16 => i16, U32 => u32, I32 => i32,
        U64 => u64, I64 => i64, F32 => f32, F64 => f64
    })
}
