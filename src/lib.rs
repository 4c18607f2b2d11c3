//! Out-of-core fMRI: NIfTI runs in, chunked Zarr v3 on disk, statistics under a memory budget.
//!
//! Two layers that can be used apart:
//!
//! - **Storage.** [`nifti::open`] opens a NIfTI file and [`store::open`] a store; both give a
//!   [`Run`]: voxels that are read later, with affine, repetition time, scaling and the header they
//!   came with. [`store::ingest`] puts runs into a store without loss; [`nifti::export`] writes them
//!   back, [`foreign::open`] reads images of other tools, [`nifti::write_map`] writes a map on a run's grid.
//! - **Lazy arrays.** [`Run::lazy`] gives a [`LazyArray`], an expression with numpy's shapes, types
//!   and operators. [`concatenate`] joins runs; [`slice`](LazyArray::slice) takes any part.
//!   [`compute`](LazyArray::compute) makes a plan, refuses it where it does not fit the memory of
//!   the [`Session`], and streams blocks through running sums: each block is read once, whatever
//!   shares it. The bits of a result do not depend on threads, memory or chunks.
//!
//! [`jobs`] are built on these two; [`jobs::tsnr`] is the first. [`bids`] finds the runs of a dataset.
//!
//! # Axes
//!
//! Arrays have NIfTI's axes `(x, y, z, t)`, so axis `-1` is time. Memory order is Fortran's, `x`
//! fastest, as in the file; a store has the same bytes under the C-order name `(t, z, y, x)`.
//!
//! # Example
//!
//! ```
//! use ndarray::{Array4, s};
//! use voxstore::{concatenate, from_ndarray};
//!
//! // Two runs of one voxel grid. nifti::open(path)?.lazy() gives such arrays from files.
//! let run = |level: f64, volumes| {
//!     let wave = |t| if t % 2 == 0 { 1.0 } else { -1.0 };
//!     from_ndarray(Array4::from_shape_fn((4, 3, 2, volumes), |(.., t)| level + wave(t)))
//! };
//! let arr = concatenate(&[run(100.0, 6), run(100.0, 10)], -1);
//! assert_eq!(arr.shape(), [4, 3, 2, 16]);
//!
//! let tsnr = arr.mean(-1) / arr.std(-1); // nothing is read yet
//! assert_eq!(tsnr.explain()?.passes.len(), 1); // mean and std share one scan
//! let map = tsnr.compute::<f64>()?;
//! assert_eq!(map[[0, 0, 0]], 100.0);
//!
//! let series = arr.slice(s![1, 2, 0, ..8]).compute::<f64>()?;
//! assert_eq!(series.len(), 8);
//! # Ok::<(), voxstore::Error>(())
//! ```
//!
//! # More
//!
//! `examples/seed.rs` is the same with real runs, `examples/read.rs` reads parts of a store.
//! `docs/tutorial.md` is a lesson of ten minutes, with the program and then from Rust.
//! `ARCHITECTURE.md` is the map of the code; `docs/format.md` the store byte for byte;
//! `docs/numpy.md` maps the names of numpy and dask to ours; `docs/numerics.md` has every formula;
//! `docs/correctness.md` says what is accepted and what is refused.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]
#![cfg_attr(doctest, doc = include_str!("../docs/numpy.md"))]
#![cfg_attr(doctest, doc = include_str!("../docs/tutorial.md"))]

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("voxstore needs a little-endian system of 64 bits: arrays may be larger than 4 GiB");

pub mod bids;
mod buffer;
mod dtype;
mod error;
mod exec;
mod feed;
mod files;
pub mod foreign;
mod grid;
pub mod jobs;
mod json_number;
mod kernel;
mod lazy;
pub mod nifti;
mod picture;
mod plan;
mod run;
mod runtime;
pub mod shard;
mod sink;
mod source;
pub mod source_conformance;
mod spill;
pub mod store;
mod verify;
mod write;

pub use dtype::{DType, Element};
pub use error::Error;
pub use exec::{AnyArray, BlockIter, Computed, ExecError, Report};
pub use grid::Region;
pub use kernel::{CastFault, Overflow};
pub use lazy::{
    Axes, Grouped, LazyArray, LazyError, Operand, Projection, QuantileMethod, ReduceOptions,
    arange, concatenate, from_ndarray, full, stack, where_,
};
pub use picture::{
    ExplainNode, ExplainPass, ExplainSource, ExplainState, Explanation, NodeKind, Summary,
};
pub use plan::PlanError;
pub use run::{Geometry, Origin, Run, RunInfo, Scaling, Timing, Warning};
pub use runtime::{
    BudgetError, CancelToken, MemoryUse, Progress, Session, SessionBuilder, SessionError, Silent,
    peak_memory_bytes,
};
pub use sink::{Sink, SinkError, SinkOrder};
pub use source::{Access, Beside, Source, SourceError, Stream, StreamEnd, StreamOptions};
pub use verify::{Against, HeaderDifference, VoxelDifference};
