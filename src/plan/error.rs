//! Why a plan cannot be made.

use bytesize::ByteSize;

use crate::dtype::DType;
use crate::lazy::LazyError;
use crate::runtime::Session;

/// An expression cannot be computed as asked. Nothing has been read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The expression means nothing.
    #[error(transparent)]
    Expression(#[from] LazyError),
    /// The result does not fit the type asked for.
    #[error(
        "the array is {array} and cannot become {wanted} without loss; \
        compute it as {array}"
    )]
    LossyResult {
        /// Type of the expression.
        array: DType,
        /// Type asked for.
        wanted: DType,
    },
    /// A stream would have to be read backwards.
    #[error(
        "{name}: a gzip stream cannot be read backwards along time; \
        ingest the run first, or slice with a positive step"
    )]
    Backwards {
        /// The source.
        name: String,
    },
    /// The budget cannot hold the plan.
    #[error("this needs {} and the budget is {}; no data was read\n  \
        largest part: {} for {}\n  what would fit: --memory {}MiB{}",
        ByteSize(*.projected_bytes), ByteSize(*.budget_bytes), ByteSize(*.dominant_bytes),
        .dominant, .projected_bytes.div_ceil(1 << 20),
        .alternative.as_deref().map(|a| format!("\n  or: {a}")).unwrap_or_default())]
    Memory {
        /// The smallest budget that works.
        projected_bytes: u64,
        /// The budget.
        budget_bytes: u64,
        /// What takes the most.
        dominant: String,
        /// How much that is.
        dominant_bytes: u64,
        /// Another way.
        alternative: Option<String>,
    },
}

impl PlanError {
    /// A need beyond the budget, up to a whole MiB; and what takes the most of it.
    pub(crate) fn memory(
        needed_bytes: u64,
        session: &Session,
        (dominant, dominant_bytes): (String, u64),
        alternative: Option<String>,
    ) -> Self {
        let projected_bytes = needed_bytes.div_ceil(1 << 20).saturating_mul(1 << 20);
        let budget_bytes = session.memory_bytes();
        Self::Memory { projected_bytes, budget_bytes, dominant, dominant_bytes, alternative }
    }

    /// The smallest budget that works, where the budget was what failed.
    pub fn projected_bytes(&self) -> Option<u64> {
        match self {
            Self::Memory { projected_bytes, .. } => Some(*projected_bytes),
            _ => None,
        }
    }
}
