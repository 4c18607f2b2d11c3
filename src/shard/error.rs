//! Why is there no part, or no result of parts?

use std::path::PathBuf;

use super::units::Shard;
use crate::exec::ExecError;
use crate::plan::PlanError;
use crate::sink::SinkError;
use crate::store::StoreError;

/// In what two jobs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The option or fact, such as `definition.ddof`.
    pub what: String,
    /// What the first says of it.
    pub expected: String,
    /// What the second says.
    pub found: String,
}

/// A part cannot be made, or parts cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// No shard is called so.
    #[error(
        "{text:?} is no shard; give I/N with I from 0 to N - 1, such as 0/4 for the first of four (N is at most {most})"
    )]
    NoShard {
        /// What was asked for.
        text: String,
        /// The most shards.
        most: u64,
    },
    /// The place of a part is taken by something else.
    #[error("{} exists and is {found}; choose another folder, or overwrite it with --force", .path.display())]
    Taken {
        /// The place.
        path: PathBuf,
        /// What is there.
        found: String,
    },
    /// Nothing to merge.
    #[error("{} has no part; parts are folders such as {example}", .folder.display())]
    NoParts {
        /// Where they were looked for.
        folder: PathBuf,
        /// What one is called.
        example: String,
    },
    /// No part, or a damaged one.
    #[error("{}: is not a whole part: {reason}; remove it, and make it again", .path.display())]
    Damaged {
        /// The part.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Written by a later version.
    #[error("{}: states of version {found}, and this voxstore reads version {supported}; merge with the version that made it, \
        or make it again", .path.display())]
    StateVersion {
        /// The part.
        path: PathBuf,
        /// The version.
        found: u32,
        /// The version that is read.
        supported: u32,
    },
    /// Parts of two jobs.
    #[error("{} is of another job than {}: its {} is {}, the other's {}; merge parts of one command only",
        .path.display(), .other.display(), .differs.what, .differs.found, .differs.expected)]
    Foreign {
        /// The part.
        path: PathBuf,
        /// The one before.
        other: PathBuf,
        /// What differs.
        differs: Box<Difference>,
    },
    /// The job is not, or no longer, the one that the parts are of.
    #[error("{} was made of other sources or options: its {} is {}, now it is {}; if the file changed, make all \
        parts again", .path.display(), .differs.what, .differs.expected, .differs.found)]
    Changed {
        /// A part.
        path: PathBuf,
        /// What differs.
        differs: Box<Difference>,
    },
    /// The same unit twice.
    #[error("{} and {} have the same units: {}", .first.display(), .second.display(), .what)]
    Overlap {
        /// A part.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// Which units, and what would help.
        what: String,
    },
    /// Units that no part has.
    #[error("{} of {total} units are in no part, those of shard{} {}{}", .units, if .shards.len() == 1 { "" } else { "s" },
        listed(.shards), commands_text(.commands))]
    Missing {
        /// How many units.
        units: u64,
        /// Of how many.
        total: u64,
        /// The shards that would make them.
        shards: Vec<Shard>,
        /// The commands that would, where it is known how parts were made.
        commands: Vec<String>,
    },
    /// A folder or file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The computation failed.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl From<PlanError> for ShardError {
    fn from(error: PlanError) -> Self {
        Self::Exec(error.into())
    }
}

impl From<SinkError> for ShardError {
    fn from(error: SinkError) -> Self {
        Self::Exec(error.into())
    }
}

/// So many are named.
const NAMED: usize = 8;

fn listed(shards: &[Shard]) -> String {
    let named: Vec<String> = shards.iter().take(NAMED).map(Shard::to_string).collect();
    let more = shards.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn commands_text(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    format!("; make them with:\n{}", commands.join("\n"))
}
