//! What can stop a computation.

use crate::dtype::DType;
use crate::feed::CastAt;
use crate::plan::{Pass, PlanError};
use crate::runtime::{BudgetError, SessionError};
use crate::sink::SinkError;
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
    /// An exact integer sum or product does not fit 64 bits.
    #[error(
        "{operation} at cell {cell:?}: the exact result is beyond {dtype}; \
        multiply the array by 1.0 first to compute in float64"
    )]
    Overflow {
        /// The reduction.
        operation: &'static str,
        /// The type of its result.
        dtype: DType,
        /// The cell where it happened.
        cell: Vec<u64>,
    },
    /// A cell has no sample left, and the reduction has no answer for that.
    #[error(
        "{operation} at cell {cell:?}: the mask leaves no sample; reduce float64 to get NaN there, \
        or mask the cell out of the array"
    )]
    NoSample {
        /// The reduction.
        operation: &'static str,
        /// The cell.
        cell: Vec<u64>,
    },
    /// A number does not fit the type it was to become.
    #[error(
        "astype at element {place:?} of {of}: {fault}; round or clip first, or use astype_with and \
        Overflow::Saturate or Overflow::Wrap"
    )]
    Cast {
        /// Value and types.
        fault: String,
        /// Index of the element.
        place: Vec<u64>,
        /// The array it is in.
        of: String,
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
    /// A result could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
}

impl ExecError {
    /// A cast failed in a branch of a part.
    pub(super) fn of_cast(CastAt { fault, place }: CastAt, pass: &Pass, part: usize) -> Self {
        let windows = &pass.parts[part].feed.windows;
        let names: Vec<&str> = windows.iter().map(|window| window.source.name()).collect();
        Self::Cast { fault: fault.to_string(), place, of: names.join(" with ") }
    }
}
