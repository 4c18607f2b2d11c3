//! Is a folder a BIDS dataset, and what does it say of itself?

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::error::BidsError;
use super::filter::Filter;
use super::walk::Images;
use crate::files::{self, File};

/// The file that makes a folder a dataset.
const DESCRIPTION: &str = "dataset_description.json";
/// A description is some names and links.
const MOST_DESCRIPTION_BYTES: u64 = 1 << 20;

/// True for a folder with a `dataset_description.json`.
pub fn is_dataset(path: impl AsRef<Path>) -> bool {
    files::look(&path.as_ref().join(DESCRIPTION)).is_ok_and(|found| found.is_file())
}

/// A folder that says it is a BIDS dataset. Nothing of it but its description is held.
#[derive(Clone, Debug)]
pub struct Dataset {
    root: PathBuf,
    description: Map<String, Value>,
}

impl Dataset {
    /// Opens the dataset in a folder.
    ///
    /// # Errors
    /// When there is no `dataset_description.json`, or what there is cannot be read.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, BidsError> {
        let root = root.as_ref().to_owned();
        if !is_dataset(&root) {
            return Err(BidsError::NotADataset { path: root });
        }
        let path = root.join(DESCRIPTION);
        match read(&path) {
            Ok(description) => Ok(Self { root, description }),
            Err(found) => Err(BidsError::Description { path, found }),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `dataset_description.json` says.
    pub fn description(&self) -> &Map<String, Value> {
        &self.description
    }

    /// The NIfTI images of the dataset that a filter admits, and what is left out, each folder's in natural
    /// order. Lists a folder when it is come to, so that the first image is there at once and memory holds
    /// one folder a level. Folders of subjects and sessions that the filter refuses are not listed;
    /// neither is what lies beside the subjects (`derivatives`, `sourcedata`, `code`).
    pub fn images(&self, filter: &Filter) -> Images {
        Images::new(&self.root, filter.clone(), &[".nii.gz", ".nii", ".hdr"])
    }

    /// As [`images`](Self::images), the JSON files in the folders of subjects: what a dataset of results says
    /// where its images are elsewhere.
    pub fn sidecars(&self, filter: &Filter) -> Images {
        Images::new(&self.root, filter.clone(), &[".json"])
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, String> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_DESCRIPTION_BYTES + 1).read_to_end(&mut text))
        .map_err(|e| e.to_string())?;
    if text.len() as u64 > MOST_DESCRIPTION_BYTES {
        return Err("the file is longer".to_owned());
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    serde_json::from_slice(text).map_err(|e| e.to_string())
}
