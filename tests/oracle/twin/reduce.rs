//! Reductions: many numbers become one.

use voxstore::DType;

use super::series::Split;
use super::{Binary, Cells, Fault, Near, Number, Twin, order, sums};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reduction {
    Sum,
    Prod,
    Mean,
    Var,
    Std,
    Min,
    Max,
    Ptp,
    ArgMin,
    ArgMax,
    Any,
    All,
    CountNonzero,
    Median,
    Quantile(f64),
    /// Between these edges: `(first, width, bins)`.
    Histogram(f64, f64, usize),
}

impl Reduction {
    pub(crate) const ALL: [Self; 16] = [
        Self::Sum,
        Self::Prod,
        Self::Mean,
        Self::Var,
        Self::Std,
        Self::Min,
        Self::Max,
        Self::Ptp,
        Self::ArgMin,
        Self::ArgMax,
        Self::Any,
        Self::All,
        Self::CountNonzero,
        Self::Median,
        Self::Quantile(0.3),
        Self::Histogram(-60.5, 40.25, 4),
    ];

    pub(crate) fn name(self) -> String {
        let name = format!("{self:?}");
        name.split('(').next().unwrap().to_owned()
    }

    pub(crate) fn edges(first: f64, width: f64, bins: usize) -> Vec<f64> {
        (0..=bins).map(|k| first + width * k as f64).collect()
    }
}

/// Where the default is not wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options<M = usize> {
    pub(crate) ddof: u64,
    pub(crate) keepdims: bool,
    pub(crate) skip_nan: bool,
    pub(crate) mask: Option<M>,
}

impl Twin {
    /// Over ascending axes.
    pub(crate) fn reduce(
        &self,
        op: Reduction,
        axes: &[usize],
        options: Options<&Self>,
    ) -> Result<Self, Fault> {
        let mut mask = options.mask.cloned();
        if options.skip_nan && self.dtype.is_float() {
            let number = self.unary(super::Unary::IsNan)?.unary(super::Unary::Not)?;
            mask = Some(match mask {
                Some(mask) => Self::binary(Binary::And, &mask, &number)?,
                None => number,
            });
        }
        match op {
            Reduction::Any | Reduction::All | Reduction::CountNonzero => {
                let truth = self.with_number(Binary::NotEqual, Number::I64(0), true)?;
                let truth = if self.dtype == DType::Bool { self.clone() } else { truth };
                return truth.of_truth(op, axes, Options { mask: mask.as_ref(), ..options });
            }
            Reduction::Ptp => {
                let high = self.reduce(Reduction::Max, axes, options)?;
                let low = self.reduce(Reduction::Min, axes, options)?;
                return Self::binary(Binary::Subtract, &high, &low);
            }
            _ => {}
        }
        let must_have =
            matches!(op, Reduction::Min | Reduction::Max | Reduction::ArgMin | Reduction::ArgMax);
        if must_have && axes.iter().any(|&axis| self.shape[axis] == 0) {
            return Err(Fault::Expression);
        }
        let (shape, split) = self.split(axes, None, mask.as_ref())?;
        let mut out = self.of_series(op, options.ddof, shape, &split)?;
        if options.keepdims {
            for &axis in axes {
                out.shape.insert(axis, 1);
            }
        }
        Ok(out)
    }

    /// Groups of one axis's indices, which are the axis of the result.
    pub(crate) fn group(
        &self,
        op: Reduction,
        axis: usize,
        labels: &[usize],
        ddof: u64,
    ) -> Result<Self, Fault> {
        let mut distinct = labels.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let of_index: Vec<usize> =
            labels.iter().map(|label| distinct.binary_search(label).unwrap()).collect();
        let (shape, split) = self.split(&[axis], Some((&of_index, distinct.len())), None)?;
        self.of_series(op, ddof, shape, &split)
    }

    fn of_truth(
        &self,
        op: Reduction,
        axes: &[usize],
        options: Options<&Self>,
    ) -> Result<Self, Fault> {
        let (shape, Split::Int(series)) = self.split(axes, None, options.mask)? else {
            return Err(Fault::Expression);
        };
        let one = |values: &Vec<i128>| match op {
            Reduction::Any => i128::from(values.contains(&1)),
            Reduction::All => i128::from(!values.contains(&0)),
            _ => values.iter().sum(),
        };
        let dtype = if op == Reduction::CountNonzero { DType::I64 } else { DType::Bool };
        let mut out = Self::ints(shape, dtype, series.iter().map(|s| one(&s.values)).collect());
        if options.keepdims {
            for &axis in axes {
                out.shape.insert(axis, 1);
            }
        }
        Ok(out)
    }

    fn of_series(
        &self,
        op: Reduction,
        ddof: u64,
        shape: Vec<usize>,
        split: &Split,
    ) -> Result<Self, Fault> {
        let float = if self.dtype.is_float() { self.dtype } else { DType::F64 };
        let whole =
            |shape, cells: Result<Vec<i128>, Fault>| Ok(Self::ints(shape, DType::I64, cells?));
        match (op, split) {
            (Reduction::Sum | Reduction::Prod, Split::Int(series)) => {
                let unsigned = !self.dtype.is_signed_int() && self.dtype != DType::Bool;
                let dtype = if unsigned { DType::U64 } else { DType::I64 };
                let cells = series.iter().map(|s| sums::exact(&s.values, op, dtype));
                Ok(Self::ints(shape, dtype, cells.collect::<Result<_, _>>()?))
            }
            (Reduction::Min | Reduction::Max, Split::Int(series)) => {
                let cells = series.iter().map(|s| order::extreme_int(&s.values, op));
                Ok(Self::ints(shape, self.dtype, cells.collect::<Result<_, _>>()?))
            }
            (Reduction::Min | Reduction::Max, Split::Float(series)) => {
                let cells = series.iter().map(|s| order::extreme(&s.values, op)).collect();
                Ok(Self::near(shape, self.dtype, cells))
            }
            (Reduction::ArgMin | Reduction::ArgMax, Split::Int(series)) => {
                whole(shape, series.iter().map(|s| order::place_int(s, op)).collect())
            }
            (Reduction::ArgMin | Reduction::ArgMax, Split::Float(series)) => {
                whole(shape, series.iter().map(|s| order::place(s, op, self.rounded)).collect())
            }
            (Reduction::Histogram(first, width, bins), _) => {
                let edges = Reduction::edges(first, width, bins);
                let mut cells = Vec::new();
                for bin in 0..bins {
                    for cell in self.near_of(split) {
                        cells.push(order::count_in(&cell, &edges, bin, self.rounded)?);
                    }
                }
                let shape = shape.into_iter().chain([bins]).collect();
                Ok(Self::ints(shape, DType::I64, cells))
            }
            (Reduction::Median, _) => {
                let cells = self.near_of(split);
                let cells = cells.iter().map(|x| order::median(x, float)).collect();
                Ok(Self::near(shape, float, cells))
            }
            (Reduction::Quantile(q), _) => {
                let cells = self.near_of(split);
                let cells = cells.iter().map(|x| order::quantile(x, q, float)).collect();
                Ok(Self::near(shape, float, cells))
            }
            (_, Split::Int(series)) => {
                let cells = series.iter().map(|s| sums::of_ints(&s.values, op, ddof)).collect();
                Ok(Self::near(shape, DType::F64, cells))
            }
            (_, Split::Float(_)) => {
                let cells = self.near_of(split);
                let cells =
                    cells.iter().map(|x| sums::of_floats(x, op, ddof, self.dtype)).collect();
                Ok(Self::near(shape, self.dtype, cells))
            }
        }
    }

    /// Floats with what the slope may have done to them.
    fn near_of(&self, split: &Split) -> Vec<Vec<Near>> {
        let loose = |v: &Near| {
            let by = if self.rounded { super::near::ulp(v.value, DType::F64) } else { 0.0 };
            Near { bound: v.bound + by, ..*v }
        };
        match split {
            Split::Int(all) => {
                let series = all.iter();
                series.map(|s| s.values.iter().map(|&v| Near::exact(v as f64)).collect()).collect()
            }
            Split::Float(all) => all.iter().map(|s| s.values.iter().map(loose).collect()).collect(),
        }
    }

    /// Values in `float64`, for what is kept in it.
    pub(super) fn as_float64(&self) -> Self {
        let cells = Cells::Float(self.floats());
        Self { shape: self.shape.clone(), dtype: DType::F64, cells, rounded: self.rounded }
    }
}
