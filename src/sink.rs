//! What must an output promise?
#[derive(Debug, thiserror::Error)]
#[error("{name}")]
pub struct SinkError { pub name: String }
