//! Functions that a user brings: what the closures in `case` do, once more.

use voxstore::DType;

use super::structure::places;
use super::{Cells, Fault, Near, Structure, Twin};

/// A function of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Blockwise {
    /// `2 x + 1` in `float64`.
    Line,
    /// Above 3, as `bool`.
    Above,
}

/// A function of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lanewise {
    /// Backwards, as `float64`.
    Reverse,
    /// The first and the last element, or 7 where there is none.
    Ends,
}

impl Twin {
    pub(crate) fn blockwise(&self, how: Blockwise) -> Result<Self, Fault> {
        let Cells::Float(list) = self.promoted(DType::F64).cells else {
            return Err(Fault::Expression);
        };
        let line = |v: &Near| Near::within(2.0 * v.value + 1.0, bound_of_line(*v));
        match how {
            Blockwise::Line => {
                let cells = list.iter().map(line).collect();
                Ok(Self::near(self.shape.clone(), DType::F64, cells))
            }
            Blockwise::Above => {
                let above = |v: &Near| {
                    let order = v.compare(Near::exact(3.0))?;
                    Ok(i128::from(order.is_some_and(std::cmp::Ordering::is_gt)))
                };
                let cells = list.iter().map(above).collect::<Result<_, _>>()?;
                Ok(Self::ints(self.shape.clone(), DType::Bool, cells))
            }
        }
    }

    pub(crate) fn lanewise(&self, how: Lanewise, axis: usize) -> Result<Self, Fault> {
        let of = self.promoted(DType::F64);
        let len = self.shape[axis] as isize;
        let out = match how {
            Lanewise::Reverse => of.structure(&Structure::Flip(Some(vec![axis as isize])))?,
            Lanewise::Ends if len > 0 => {
                of.structure(&Structure::Take(vec![0, len - 1], axis as isize))?
            }
            Lanewise::Ends => {
                let mut shape = self.shape.clone();
                shape[axis] = 2;
                let cells = places(&shape).map(|_| Near::exact(7.0)).collect();
                Self::near(shape, DType::F64, cells)
            }
        };
        Ok(Self { rounded: false, ..out })
    }
}

fn bound_of_line(v: Near) -> f64 {
    match v.bound {
        0.0 => 0.0,
        f64::INFINITY => f64::INFINITY,
        bound => 2.0 * bound + 4.0 * f64::EPSILON * (v.value.abs() + 1.0),
    }
}
