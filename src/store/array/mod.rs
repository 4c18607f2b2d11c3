//! How do arrays that are no runs live on disk?
//!
//! Each is a folder, `x.zarr`: a Zarr v3 array with the chunks, codecs and checksums of a run's voxels,
//! of any type and number of axes. [`ZarrSink`] writes one, [`open_array`] gives it back as a source.
//! No group, no header, no sidecar.

mod open;
mod sink;

pub use open::open_array;
pub use sink::{ZarrOptions, ZarrSink};
