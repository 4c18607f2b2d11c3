//! The sum of the layers' errors.

use crate::bids::BidsError;
use crate::exec::ExecError;
use crate::foreign::ForeignError;
use crate::jobs::JobError;
use crate::lazy::LazyError;
use crate::nifti::NiftiError;
use crate::plan::PlanError;
use crate::runtime::SessionError;
use crate::shard::ShardError;
use crate::sink::SinkError;
use crate::source::SourceError;
use crate::store::StoreError;

/// Anything that can go wrong here; each variant is one layer's own error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A BIDS dataset cannot be gone through, or not by such a filter.
    #[error(transparent)]
    Bids(#[from] BidsError),
    /// A computation did not come to its end.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A store of another tool cannot be opened.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// A job was refused or did not come to its end.
    #[error(transparent)]
    Job(#[from] JobError),
    /// An expression means nothing.
    #[error(transparent)]
    Lazy(#[from] LazyError),
    /// A NIfTI file cannot be read or written.
    #[error(transparent)]
    Nifti(#[from] NiftiError),
    /// An expression cannot be computed as asked.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A session cannot be set up.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// An output could not take an array.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A source could not deliver true voxels.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A store cannot be opened, read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    /// True where nothing is wrong but that the session's [`CancelToken`](crate::CancelToken) was used.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Exec(ExecError::Cancelled)
                | Self::Job(
                    JobError::Exec(ExecError::Cancelled)
                        | JobError::Shard(ShardError::Exec(ExecError::Cancelled))
                )
                | Self::Nifti(NiftiError::Cancelled { .. })
                | Self::Store(StoreError::Cancelled)
        )
    }
}
