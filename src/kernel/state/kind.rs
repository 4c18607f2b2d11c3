//! What must be kept for a reduction, and in how many bytes?

use std::sync::Arc;

use crate::dtype::DType;
use crate::kernel::basis::Basis;
use crate::kernel::bits::Bits;
use crate::kernel::reduce_op::ReduceOp;

/// What is kept for each cell. Reductions with equal kinds over the same samples share a state: mean,
/// var, std and sum do; min and max; argmin and argmax; all quantiles; all bins of one histogram; all
/// that one design gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StateKind {
    pub(super) contents: Contents,
    /// The samples of each cell are counted.
    pub(super) counted: bool,
}

/// What a state holds of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Contents {
    Sums(SumKind),
    Product(ProductKind),
    Extremes(WordKind),
    Places(WordKind),
    /// Every sample, as it is; no cell gets more than `most`.
    Samples {
        dtype: DType,
        most: u64,
    },
    Bins(Bits),
    /// `first_row`: row of the design that the part's first sample belongs to.
    Projection {
        basis: Arc<Basis>,
        first_row: u64,
    },
}

/// Sums from which sum, mean, var and std come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SumKind {
    /// Exact sum and sum of squares held in `f64`, for 8- and 16-bit integers.
    Small,
    /// Exact `i64` sum and `u128` sum of squares, for 32-bit integers.
    Middle,
    /// Exact `i128` sum and 256-bit sum of squares, for any integer.
    Wide,
    /// `f64` sums of the differences from the cell's first sample, for floats.
    Shifted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ProductKind {
    /// `i128`, exact as far as 64 bits go.
    Integer,
    Float,
}

/// 64 bits that hold any sample exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WordKind {
    Float,
    Signed,
    Unsigned,
}

impl WordKind {
    const fn of(dtype: DType) -> Self {
        match dtype {
            DType::F32 | DType::F64 => Self::Float,
            DType::U64 => Self::Unsigned,
            _ => Self::Signed,
        }
    }
}

impl SumKind {
    /// So many samples of 16 bits have exact sums as `f64`: (2^16)^2 * 2^21 = 2^53.
    pub(super) const MOST_SMALL: u64 = 1 << 21;

    /// The cheapest kind that keeps its promise for `samples` samples a cell.
    fn for_samples(dtype: DType, samples: u64) -> Self {
        match (dtype.is_float(), dtype.size()) {
            (true, _) => Self::Shifted,
            (false, 1 | 2) if samples <= Self::MOST_SMALL => Self::Small,
            (false, 1 | 2 | 4) if samples <= 1 << 31 => Self::Middle,
            (false, _) => Self::Wide,
        }
    }
}

impl StateKind {
    /// What `op` needs of a part: `dtype` is that of its samples, `samples` the most that a cell gets
    /// in it. `counted` where not every cell gets every sample: with a mask, or groups. `first_sample`
    /// is the index of the part's first sample on the whole reduced axis: its row of a design.
    ///
    /// The bins of a histogram need no count and ask for none. A projection has no counted kind: its
    /// columns are orthonormal over all samples only.
    pub(crate) fn for_reduction(
        op: &ReduceOp,
        dtype: DType,
        samples: u64,
        counted: bool,
        first_sample: u64,
    ) -> Self {
        let word = WordKind::of(dtype);
        let contents = match op {
            ReduceOp::Sum | ReduceOp::Mean | ReduceOp::Var { .. } | ReduceOp::Std { .. } => {
                Contents::Sums(SumKind::for_samples(dtype, samples))
            }
            ReduceOp::Prod if dtype.is_float() => Contents::Product(ProductKind::Float),
            ReduceOp::Prod => Contents::Product(ProductKind::Integer),
            ReduceOp::Min | ReduceOp::Max => Contents::Extremes(word),
            ReduceOp::ArgMin | ReduceOp::ArgMax => Contents::Places(word),
            ReduceOp::Quantile { .. } | ReduceOp::Mad => Contents::Samples { dtype, most: samples },
            ReduceOp::HistogramBin { edges, .. } => Contents::Bins(Bits(Arc::clone(edges))),
            ReduceOp::Coefficient { basis, .. } | ReduceOp::ResidualSumSquares { basis } => {
                Contents::Projection { basis: Arc::clone(basis), first_row: first_sample }
            }
            ReduceOp::Word { kind, .. } => return kind.clone(),
        };
        let counted =
            counted && !matches!(contents, Contents::Bins(_) | Contents::Projection { .. });
        Self { contents, counted }
    }

    /// Bytes of state a cell.
    pub(crate) fn cell_bytes(&self) -> u64 {
        self.contents.cell_bytes().saturating_add(if self.counted { 8 } else { 0 })
    }

    /// True where a result depends on where the part lies in the whole reduction, its
    /// [`Span`](crate::kernel::Span). All others are the same for a run by itself and as a part of
    /// joined runs; a projection has its first row in its kind.
    pub(crate) const fn depends_on_span(&self) -> bool {
        matches!(self.contents, Contents::Places(_))
    }

    /// Bytes that one worker needs beside the states to finish cells of `samples` samples in all
    /// parts together.
    pub(crate) fn finish_bytes(&self, samples: u64) -> u64 {
        match self.contents {
            Contents::Samples { .. } => samples.saturating_mul(8),
            _ => 0,
        }
    }

    /// What `explain` calls it.
    pub(crate) fn text(&self) -> String {
        let mut text = match &self.contents {
            Contents::Sums(SumKind::Small) => "exact sums (f64 below 2^53)".to_owned(),
            Contents::Sums(SumKind::Middle) => "exact sums (i64, u128)".to_owned(),
            Contents::Sums(SumKind::Wide) => "exact sums (i128, u256)".to_owned(),
            Contents::Sums(SumKind::Shifted) => "f64 sums about the first sample".to_owned(),
            Contents::Product(ProductKind::Integer) => "exact product (i128)".to_owned(),
            Contents::Product(ProductKind::Float) => "f64 product".to_owned(),
            Contents::Extremes(_) => "smallest and largest".to_owned(),
            Contents::Places(_) => "smallest and largest, and where".to_owned(),
            Contents::Samples { dtype, most } => format!("every sample ({most} of {dtype})"),
            Contents::Bins(edges) => format!("counts of {} bins", edges.len().saturating_sub(1)),
            Contents::Projection { basis, .. } => {
                format!("f64 sums about the first sample, and along {} columns", basis.columns())
            }
        };
        if self.counted {
            text.push_str(", counted");
        }
        text
    }
}

impl Contents {
    /// Bytes a cell without the count. A multiple of 8, so that counts may follow.
    ///
    /// What lies in them: planes of an entry a cell, in this order, and after them a plane of `u64`
    /// counts where samples are counted.
    ///
    /// ```text
    /// Small       sum f64, squares f64                      16
    /// Middle      squares u128, sum i64                     24   the wider first: both are aligned
    /// Wide        sum i128, squares high u128, low u128     48
    /// Shifted     shift f64, sum f64, squares f64           24
    /// Product     i128, or f64                              16, 8
    /// Extremes    lowest, highest: a word each              16
    /// Places      lowest, highest; where each is, u64       32
    /// Samples     a plane a sample                          most * item, up to a multiple of 8
    /// Bins        no planes: a cell's bins, u64 each        8 * bins
    /// Projection  shift, sum, squares, one a column: f64    8 * (columns + 3)
    /// ```
    pub(super) fn cell_bytes(&self) -> u64 {
        match self {
            Self::Sums(SumKind::Small)
            | Self::Extremes(_)
            | Self::Product(ProductKind::Integer) => 16,
            Self::Sums(SumKind::Middle | SumKind::Shifted) => 24,
            Self::Sums(SumKind::Wide) => 48,
            Self::Product(ProductKind::Float) => 8,
            Self::Places(_) => 32,
            Self::Samples { dtype, most } => most
                .saturating_mul(dtype.size() as u64)
                .checked_next_multiple_of(8)
                .unwrap_or(u64::MAX),
            Self::Bins(edges) => 8 * (edges.len() as u64).saturating_sub(1),
            Self::Projection { basis, .. } => 8 * (basis.columns() as u64 + 3),
        }
    }

    /// True where it counts which sample of the part one is.
    pub(super) const fn asks_which_sample(&self) -> bool {
        matches!(self, Self::Places(_) | Self::Samples { .. } | Self::Projection { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{Contents, StateKind, SumKind};
    use crate::dtype::DType;
    use crate::kernel::reduce_op::{QuantileMethod, ReduceOp};

    fn kind(op: &ReduceOp, dtype: DType, samples: u64) -> StateKind {
        StateKind::for_reduction(op, dtype, samples, false, 0)
    }

    #[test]
    fn each_type_takes_the_cheapest_sums_that_stay_exact() {
        let (small, middle) = (1 << 21, 1 << 31);
        let sums = |dtype, samples| match kind(&ReduceOp::Mean, dtype, samples).contents {
            Contents::Sums(sums) => sums,
            other => panic!("{other:?}"),
        };
        for d in [DType::U8, DType::I8, DType::U16, DType::I16] {
            assert_eq!(sums(d, small), SumKind::Small);
            assert_eq!(sums(d, small + 1), SumKind::Middle);
            assert_eq!(sums(d, middle + 1), SumKind::Wide);
        }
        for d in [DType::U32, DType::I32] {
            assert_eq!(sums(d, 1), SumKind::Middle);
            assert_eq!(sums(d, middle + 1), SumKind::Wide);
        }
        for d in [DType::U64, DType::I64] {
            assert_eq!(sums(d, 1), SumKind::Wide);
        }
        assert_eq!(sums(DType::F32, u64::MAX), SumKind::Shifted);
    }

    #[test]
    fn reductions_that_can_share_a_state_have_equal_kinds() {
        let f32 = |op: &ReduceOp| kind(op, DType::F32, 9);
        assert_eq!(f32(&ReduceOp::Mean), f32(&ReduceOp::Std { ddof: 1 }));
        assert_eq!(f32(&ReduceOp::Min), f32(&ReduceOp::Max));
        assert_eq!(f32(&ReduceOp::ArgMin), f32(&ReduceOp::ArgMax));
        let tenth = ReduceOp::Quantile { q: 0.1, method: QuantileMethod::Lower };
        assert_eq!(f32(&tenth), f32(&ReduceOp::MEDIAN));
        assert_eq!(f32(&tenth), f32(&ReduceOp::Mad));
        let bin = |top, bin| f32(&ReduceOp::HistogramBin { edges: [0.0, 1.0, top].into(), bin });
        assert_eq!(bin(2.0, 0), bin(2.0, 1));
        assert_ne!(bin(2.0, 0), bin(3.0, 0));
    }

    #[test]
    fn bytes_of_a_cell_saturate() {
        assert_eq!(kind(&ReduceOp::MEDIAN, DType::F64, u64::MAX).cell_bytes(), u64::MAX);
    }
}
