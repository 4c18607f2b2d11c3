//! How are stores of other tools read?
//!
//! [`open`] gives an OME-Zarr image or a nifti-zarr store as a [`Run`](crate::Run), [`open_array`] any Zarr
//! array as a source. Read-only, and without the promises of [`store`](crate::store): there, a missing chunk
//! is an error and every chunk is known by its checksum; here, Zarr's own rules hold, and
//! [`Facts::guarantees`] says what is left. Reads of memory as promised: what a chunk may become is known
//! before it is decoded.
//!
//! ```no_run
//! let image = voxstore::foreign::open("sub-01_task-rest_bold.ome.zarr")?;
//! println!("{}: {}", image.facts().kind, image.facts().guarantees());
//! let mean = image.run().lazy().mean(-1);
//! # Ok::<(), voxstore::foreign::ForeignError>(())
//! ```

mod array;
mod described;
mod error;
mod facts;
mod image;
mod keys;
mod node;
mod ome;
mod shard;
mod source;
mod v2;
mod v3;

pub use array::open_array;
pub use error::ForeignError;
pub use facts::Facts;
pub use image::{Image, UNVERIFIED, open};
pub use node::is_foreign;
