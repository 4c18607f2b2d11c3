//! voxstore
mod buffer;
mod dtype;
mod error;
mod exec;
mod grid;
pub mod jobs;
mod kernel;
mod lazy;
pub mod nifti;
mod plan;
mod run;
mod runtime;
mod source;
pub mod store;

pub use dtype::{DType, Element};
pub use error::Error;
pub use exec::{BlockIter, Computed, ExecError, Report};
pub use grid::Region;
pub use lazy::{LazyArray, LazyError, ReduceOptions, concatenate, from_ndarray};
pub use plan::PlanError;
pub use run::{Geometry, Origin, Run, RunInfo, Scaling, Timing, Warning};
pub use runtime::{
    BudgetError, CancelToken, Progress, Session, SessionBuilder, SessionError, Silent,
    peak_memory_bytes,
};
pub use source::{Access, Source, SourceError, Stream, StreamEnd, StreamOptions};
