//! Why a job cannot be done.

use crate::exec::ExecError;

/// A job was refused or did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// No runs.
    #[error("no runs were given")]
    NoRuns,
    /// A time series needs volumes.
    #[error("{run}: has {volumes} volume; tSNR needs at least 2 volumes over time")]
    TooFewVolumes {
        /// The run.
        run: String,
        /// How many it has.
        volumes: u64,
    },
    /// What is computed together must lie on one grid.
    #[error(
        "these lie on different grids and cannot be put together:\n  {first}: {first_grid}\n  \
        {other}: {other_grid}\nresample them onto one grid first, or leave one out"
    )]
    Grids {
        /// A run.
        first: String,
        /// Its shape or affine.
        first_grid: String,
        /// A run that differs.
        other: String,
        /// Its shape or affine.
        other_grid: String,
    },
    /// A mask has one volume.
    #[error("{mask}: has {volumes} volumes; a mask has one, which is used for every volume")]
    MaskVolumes {
        /// The mask.
        mask: String,
        /// How many it has.
        volumes: u64,
    },
    /// The computation failed.
    #[error(transparent)]
    Exec(#[from] ExecError),
}
