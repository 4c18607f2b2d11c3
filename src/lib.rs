//! voxstore
mod dtype;
mod grid;
mod run;
mod runtime;
mod source;
pub mod store;

pub use dtype::{DType, Element};
pub use grid::Region;
pub use run::{Geometry, Origin, Run, RunInfo, Scaling, Timing, Warning};
pub use runtime::{
    BudgetError, CancelToken, Progress, Session, SessionBuilder, SessionError, Silent,
};
pub use source::{Access, Source, SourceError, Stream, StreamEnd, StreamOptions};
/// Error placeholder
pub type Error = SessionError;
