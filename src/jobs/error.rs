//! Why a job cannot be done.

use crate::exec::ExecError;

/// A job was refused or did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// No runs.
    #[error("tsnr: no runs were given")]
    NoRuns,
    /// A time series needs volumes.
    #[error("{run}: has {volumes} volume; tSNR needs at least 2 volumes over time")]
    TooFewVolumes {
        /// The run.
        run: String,
        /// How many it has.
        volumes: u64,
    },
    /// Runs on different grids cannot be joined.
    #[error(
        "runs lie on different grids and cannot be joined:\n  {first}: {first_grid}\n  \
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
    /// The computation failed.
    #[error(transparent)]
    Exec(#[from] ExecError),
}
