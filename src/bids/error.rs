//! What can be wrong with a dataset, or with what is asked of it.

use std::io;
use std::path::PathBuf;

/// What can be wrong with a BIDS dataset, or with what is asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BidsError {
    /// A folder is no BIDS dataset.
    #[error(
        "{} is no BIDS dataset: it has no dataset_description.json; give the folder that has it",
        path.display()
    )]
    NotADataset {
        /// The folder.
        path: PathBuf,
    },
    /// `dataset_description.json` cannot be read as one.
    #[error("{}: {found}; expected a JSON object of at most 1 MiB", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// Something else than `KEY=VALUE` was asked for.
    #[error("{found:?} is no entity to choose by: {expected}")]
    Entity {
        /// What was asked for.
        found: String,
        /// What would do.
        expected: String,
    },
    /// A pattern that means nothing.
    #[error("{found:?} is not a pattern: {reason}")]
    Pattern {
        /// The pattern.
        found: String,
        /// Why.
        reason: String,
    },
    /// A folder of the dataset cannot be listed.
    #[error("cannot list {}: {source}; what is in it is left out", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
