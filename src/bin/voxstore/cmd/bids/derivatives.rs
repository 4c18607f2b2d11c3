//! The dataset that derivatives are written to: what may be there already, and what it says of itself.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use voxstore::bids::{self, Dataset};

use crate::output;

/// What made the dataset, in its description.
const APP: &str = "voxstore";
/// The version of BIDS that the description follows.
const BIDS_VERSION: &str = "1.10.0";
/// Names that the released schema of BIDS does not have.
const IGNORED: &str = "*_boldmap.nii.gz\n*_boldmap.json\ngroup_tsnr.tsv\ngroup_tsnr.json\n";

/// The dataset of derivatives in a folder.
pub(super) struct Derivatives {
    root: PathBuf,
    /// The same without links.
    real_root: PathBuf,
    /// What its description says, or is to say.
    description: Value,
}

impl Derivatives {
    /// Looks at the folder, and writes nothing.
    ///
    /// # Errors
    /// When something lies there that is not ours, or was made of another dataset.
    pub(super) fn of(raw: &Dataset, root: &Path) -> Result<Self> {
        let real_root = resolved(root)?;
        let link = relative(&real_root, &resolved(raw.root())?);
        refuse_others(root)?;
        if bids::is_dataset(root) {
            let there = Dataset::open(root)?;
            let other = text(there.description(), &["DatasetLinks", "raw"]);
            if let Some(other) = other.filter(|other| *other != link) {
                bail!(
                    "{} holds derivatives of the dataset at {other}, seen from there, not of {link}; give another \
                     folder, or, where the dataset was moved, change DatasetLinks in its dataset_description.json",
                    root.display()
                );
            }
        }
        let name = text(raw.description(), &["Name"]).unwrap_or_default().trim();
        let of = if name.is_empty() { String::new() } else { format!(" of {name}") };
        let description = json!({
            "Name": format!("Temporal SNR{of}"),
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{
                "Name": APP,
                "Version": env!("CARGO_PKG_VERSION"),
                "Description": "Temporal SNR, mean and standard deviation maps of BOLD runs, and a table of median SNR",
            }],
            "DatasetLinks": { "raw": link },
        });
        Ok(Self { root: root.to_owned(), real_root, description })
    }

    /// Whether the dataset lies in a folder, or is that folder.
    pub(super) fn are_in(&self, folder: &Path) -> bool {
        folder.canonicalize().is_ok_and(|folder| self.real_root.starts_with(folder))
    }

    /// Makes the folder, and says what it holds.
    pub(super) fn begin(&self) -> Result<()> {
        fs::create_dir_all(&self.root)
            .with_context(|| format!("cannot make {}", self.root.display()))?;
        let same = bids::is_dataset(&self.root)
            && Value::Object(Dataset::open(&self.root)?.description().clone()) == self.description;
        if !same {
            output::write_json(
                &self.root.join("dataset_description.json"),
                &self.description,
                true,
            )?;
        }
        let ignored = self.root.join(".bidsignore");
        if ignored.exists() { Ok(()) } else { output::write_text(&ignored, IGNORED, false) }
    }
}

/// Refuses a folder of somebody else's; where there is none, or an empty one, all is well.
pub(super) fn refuse_others(root: &Path) -> Result<()> {
    if bids::is_dataset(root) {
        let there = Dataset::open(root)?;
        let made_by = there.description().get("GeneratedBy").and_then(Value::as_array);
        let is_ours = |by: &Value| by.get("Name").and_then(Value::as_str) == Some(APP);
        if !made_by.is_some_and(|made_by| made_by.iter().any(is_ours)) {
            bail!(
                "{} is a dataset that {APP} did not make; derivatives go into a folder of their own, such as \
                 DIR/derivatives/{APP}",
                root.display()
            );
        }
        return Ok(());
    }
    let Ok(entries) = fs::read_dir(root) else { return Ok(()) };
    let mut seen = entries.flatten().map(|entry| entry.file_name());
    if let Some(name) = seen.find(|name| !name.to_string_lossy().starts_with('.')) {
        bail!(
            "{} holds {} and no dataset_description.json; give a folder that is new or empty",
            root.display(),
            name.display()
        );
    }
    Ok(())
}

/// The path without links, as far as there is something; what is to be made comes behind.
fn resolved(path: &Path) -> Result<PathBuf> {
    let path =
        std::path::absolute(path).with_context(|| format!("where is {}?", path.display()))?;
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            return Ok(real.join(path.strip_prefix(above).unwrap_or(Path::new(""))));
        }
    }
    Ok(path)
}

/// The way from a folder to another, such as `../..`.
fn relative(from: &Path, to: &Path) -> String {
    let (from, to): (Vec<Component>, Vec<Component>) =
        (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|c| c.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<String> = up.chain(down).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// The text at the end of these keys.
fn text<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    let (first, rest) = keys.split_first()?;
    rest.iter().try_fold(object.get(*first)?, |value, key| value.get(key))?.as_str()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::relative;

    #[test]
    fn the_way_to_the_raw_dataset_is_told_from_the_derivatives() {
        let way = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(way("/d/ds/derivatives/v", "/d/ds"), "../..");
        assert_eq!(way("/d/out", "/d/ds"), "../ds");
        assert_eq!(way("/out", "/d/ds"), "../d/ds");
        assert_eq!(way("/d", "/d"), ".");
    }
}
