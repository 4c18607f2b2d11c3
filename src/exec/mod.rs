//! How is a plan carried out?
//!
//! Block by block, and without choices: the plan has made them. Each worker owns the cells it sums, or one whole
//! stream, so nothing depends on timing: a state sees its samples in order of the reduced axis, and
//! states are finished in input order. Workers share a tile only where sums are the same in any order. Numbers of a
//! stream are used only after the stream has been read to its end and its checksums held.

mod ahead;
mod any;
mod blocks;
mod collect;
mod compute;
mod error;
mod finish;
mod legs;
mod parts;
mod run;
mod scratch;
mod step;
mod tiles;
mod units;
mod waiting_sums;
mod write;

pub use any::AnyArray;
pub use blocks::BlockIter;
pub use compute::Computed;
pub use error::ExecError;
pub use run::Report;
