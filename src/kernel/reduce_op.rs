//! Which reductions are there? Their names and parameters, by which equal ones are recognised. What
//! is kept for one is in `state`, what is made of it in `finish`.

use std::hash::{Hash, Hasher};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use super::basis::Basis;
use super::bits::Bits;
use super::state::StateKind;

/// What a reduction gives for each cell.
#[derive(Clone, Debug)]
pub(crate) enum ReduceOp {
    Sum,
    Prod,
    Mean,
    /// Sum of squared deviations over samples minus `ddof`.
    Var {
        ddof: u64,
    },
    Std {
        ddof: u64,
    },
    Min,
    Max,
    /// C-order index, over the reduced axes, of the first smallest sample.
    ArgMin,
    ArgMax,
    /// `q` in `[0, 1]`; 0.5 between samples linearly is the median.
    Quantile {
        q: f64,
        method: QuantileMethod,
    },
    /// Median of the distances from the median.
    Mad,
    /// Samples in bin `bin` of `numpy.histogram` with these edges (ascending, at least two).
    HistogramBin {
        edges: Arc<[f64]>,
        bin: usize,
    },
    /// Least-squares coefficient of a column of the design.
    Coefficient {
        basis: Arc<Basis>,
        column: usize,
    },
    /// Sum of squares of what the design does not explain.
    ResidualSumSquares {
        basis: Arc<Basis>,
    },
    /// One 64-bit word of what is kept for another reduction, as it is: see `state/components.rs`.
    Word {
        kind: StateKind,
        word: usize,
    },
}

/// What a quantile is that falls between two samples, by numpy's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QuantileMethod {
    /// On the line between them.
    #[default]
    Linear,
    /// The one below: always a sample.
    Lower,
    /// The one above: always a sample.
    Higher,
    /// Their mean.
    Midpoint,
}

impl ReduceOp {
    /// The median, as numpy's.
    pub(crate) const MEDIAN: Self = Self::Quantile { q: 0.5, method: QuantileMethod::Linear };

    /// numpy's name, or that of the method.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Prod => "prod",
            Self::Mean => "mean",
            Self::Var { .. } => "var",
            Self::Std { .. } => "std",
            Self::Min => "min",
            Self::Max => "max",
            Self::ArgMin => "argmin",
            Self::ArgMax => "argmax",
            Self::Quantile { .. } => "quantile",
            Self::Mad => "mad",
            Self::HistogramBin { .. } => "histogram",
            Self::Coefficient { .. } => "coefficients",
            Self::ResidualSumSquares { .. } => "residual_sum_squares",
            Self::Word { .. } => "state",
        }
    }

    /// The name, with what tells the reduction from others of that name.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Var { ddof } | Self::Std { ddof } if *ddof > 0 => {
                format!("{} ddof {ddof}", self.name())
            }
            Self::Quantile { q, method: QuantileMethod::Linear } => format!("quantile {q}"),
            Self::Word { word, .. } => format!("word {word} of the state"),
            Self::Quantile { q, method } => {
                format!("quantile {q} {}", format!("{method:?}").to_lowercase())
            }
            _ => self.name().to_owned(),
        }
    }

    /// True where a slope and an intercept may be applied to what is finished instead of to every
    /// sample. The others must be fed values.
    pub(crate) const fn takes_scaling(&self) -> bool {
        !matches!(self, Self::Prod | Self::HistogramBin { .. } | Self::Word { .. })
    }

    /// Every parameter counts: reductions that look equal here are computed once.
    fn identity(&self) -> Identity<'_> {
        let method = match self {
            Self::Quantile { method, .. } => Some(*method),
            _ => None,
        };
        let (number, edges, basis) = match self {
            Self::Var { ddof } | Self::Std { ddof } => (*ddof, None, None),
            Self::Quantile { q, .. } => (q.to_bits(), None, None),
            Self::HistogramBin { edges, bin } => (*bin as u64, Some(Bits(Arc::clone(edges))), None),
            Self::Coefficient { basis, column } => (*column as u64, None, Some(&**basis)),
            Self::ResidualSumSquares { basis } => (0, None, Some(&**basis)),
            Self::Word { word, .. } => (*word as u64, None, None),
            Self::Sum
            | Self::Prod
            | Self::Mean
            | Self::Min
            | Self::Max
            | Self::ArgMin
            | Self::ArgMax
            | Self::Mad => (0, None, None),
        };
        let kind = match self {
            Self::Word { kind, .. } => Some(kind),
            _ => None,
        };
        Identity { op: discriminant(self), number, method, edges, basis, kind }
    }
}

/// All that tells one reduction from another.
#[derive(PartialEq, Eq, Hash)]
struct Identity<'a> {
    op: Discriminant<ReduceOp>,
    number: u64,
    method: Option<QuantileMethod>,
    edges: Option<Bits>,
    basis: Option<&'a Basis>,
    kind: Option<&'a StateKind>,
}

impl PartialEq for ReduceOp {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for ReduceOp {}

impl Hash for ReduceOp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}
