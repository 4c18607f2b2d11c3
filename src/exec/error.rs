//! What can stop a computation.

use crate::grid::Region;
use crate::plan::PlanError;
use crate::runtime::{BudgetError, SessionError};
use crate::source::SourceError;

/// A computation did not come to its end; there is no partial result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// It could not be planned; nothing was read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A source could not deliver true voxels.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Memory ran out or the plan was wrong about it.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// Threads could not be started.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// An exact integer sum does not fit 64 bits.
    #[error(
        "sum over {tile:?}: an exact integer sum is beyond 64 bits; \
        multiply the array by 1.0 first to sum in float64"
    )]
    SumOverflow {
        /// The cells where it happened.
        tile: Region,
    },
    /// The array to compute into has another shape.
    #[error("compute_into: the array has shape {array:?}, the view has {view:?}")]
    Shape {
        /// Shape of the expression.
        array: Vec<u64>,
        /// Shape of the caller's view.
        view: Vec<u64>,
    },
    /// Somebody asked to stop.
    #[error("interrupted; nothing was written")]
    Cancelled,
}
