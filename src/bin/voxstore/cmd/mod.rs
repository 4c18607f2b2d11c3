//! One module a subcommand.

pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod ingest;
pub(crate) mod reduce;
pub(crate) mod tsnr;
