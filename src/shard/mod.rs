//! How is a job cut over processes, and how do their parts become its result?
//!
//! A job is expressions. The sums and values that they are made of (`Apart` of `plan`) are cut into units, which follow
//! from the sources alone: a run, or of a run that is read by boxes a few of its planes (`units`). Shard `i` of `n` makes
//! the states of a stretch of units and writes them as a Zarr group, a *part* (`write`, `part`). [`Parts`] are opened
//! together, held against each other, and read as sources (`states`), of which the same expressions are made, so that
//! merging is planned, bounded and carried out like anything else.
//!
//! States of one cell are never added up here: each was made by one process from all samples of one run, and runs are
//! joined in their order, as on one machine. A reduction that is made of no such sums, such as a median, is finished by the
//! process that reads its cells, over all runs, and its values are the state. So bits depend neither on `n` nor on the order of
//! parts.
//!
//! Which job it is, and what its expressions are, is for `jobs`. Starts no process and talks to no scheduler.

mod error;
mod part;
mod parts;
mod states;
mod units;
mod write;

pub use error::{Difference, ShardError};
pub(crate) use part::{Fingerprint, Request};
pub use parts::Parts;
pub use units::Shard;
pub(crate) use units::Work;
pub use write::{Part, PartOptions, Typed};
pub(crate) use write::{explain_part, write_part};
