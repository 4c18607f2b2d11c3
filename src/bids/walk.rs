//! Which images are in a dataset, and which are left out?
//!
//! Goes through `sub-*/[ses-*/]datatype` folder by folder. Links are followed, as datasets under git-annex
//! are made of them; one whose content is not here is an image like any other, and opening it says how to
//! get it. No other folders are entered, so a link in a circle ends.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};

use super::error::BidsError;
use super::filter::Filter;
use super::name::Name;
use crate::files;

/// What a dataset's folders hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// What is meant.
    Image(Image),
    /// What is not, and why.
    LeftOut(LeftOut),
}

/// A file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the dataset's root, with `/`.
    pub below: String,
    /// Its name, taken apart.
    pub name: Name,
}

/// A file, or a folder with all that is in it, that is not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path below the dataset's root, with `/`; that of a folder ends with one.
    pub below: String,
    /// Why.
    pub reason: Reason,
}

/// Why something is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// Its suffix is another.
    Suffix(String),
    /// An entity has another value, or is not there.
    Entity {
        /// The entity.
        key: String,
        /// Its value in the name.
        value: Option<String>,
    },
    /// The name is none of BIDS.
    Name,
    /// The name says another subject or session than the folder.
    Folder,
    /// A folder beside those of the subjects, such as `derivatives`.
    Beside,
    /// The name is no text.
    Bytes,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suffix(suffix) => write!(f, "suffix {suffix}"),
            Self::Entity { key, value: Some(value) } => write!(f, "{key}-{value}"),
            Self::Entity { key, value: None } => write!(f, "no {key}"),
            Self::Name => write!(f, "not a BIDS name"),
            Self::Folder => write!(f, "subject or session is not that of the folder"),
            Self::Beside => write!(f, "not a subject's folder"),
            Self::Bytes => write!(f, "a name that is not UTF-8"),
        }
    }
}

/// Goes through a dataset; made by [`Dataset::images`](super::Dataset::images).
#[derive(Debug)]
pub struct Images {
    root: PathBuf,
    filter: Filter,
    extensions: &'static [&'static str],
    /// What is still to be looked at: one list a level.
    open: Vec<VecDeque<Entry>>,
}

/// A name in a folder.
#[derive(Debug)]
struct Entry {
    /// Below the root.
    below: String,
    is_dir: bool,
    is_text: bool,
}

impl Images {
    pub(super) fn new(root: &Path, filter: Filter, extensions: &'static [&'static str]) -> Self {
        let top = Entry { below: String::new(), is_dir: true, is_text: true };
        Self { root: root.to_owned(), filter, extensions, open: vec![VecDeque::from([top])] }
    }

    /// Puts what is in a folder on top of what is to be looked at.
    fn enter(&mut self, below: &str) -> Result<(), BidsError> {
        let folder = self.root.join(below);
        let failed = |source| BidsError::List { path: folder.clone(), source };
        let mut entries = Vec::new();
        for entry in files::list(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            // A link counts as what it leads to; one that leads nowhere, as a file.
            let is_dir = entry.file_type().is_ok_and(|kind| {
                kind.is_dir()
                    || kind.is_symlink() && files::look(&entry.path()).is_ok_and(|f| f.is_dir())
            });
            let (is_text, name) = (name.to_str().is_some(), name.to_string_lossy());
            if name.starts_with('.') || !(is_dir || self.is_wanted(&name)) {
                continue;
            }
            let slash = if below.is_empty() { "" } else { "/" };
            entries.push(Entry { below: format!("{below}{slash}{name}"), is_dir, is_text });
        }
        entries.sort_by(|a, b| {
            natord::compare(&a.below, &b.below).then_with(|| a.below.cmp(&b.below))
        });
        self.open.push(entries.into());
        Ok(())
    }

    fn is_wanted(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".hdr.gz").map_or(name.clone(), |stem| format!("{stem}.hdr"));
        self.extensions.iter().any(|end| name.ends_with(end))
    }

    /// Why a folder is not entered, where it is not. The root is.
    fn folder_refusal(&self, below: &str) -> Option<Reason> {
        let depth = below.matches('/').count();
        let last = below.rsplit('/').next().unwrap_or(below);
        let pair = last.split_once('-');
        let refused = |key: &str, value: &str| {
            let reason = Reason::Entity { key: key.to_owned(), value: Some(value.to_owned()) };
            (!self.filter.admits_value(key, Some(value))).then_some(reason)
        };
        match (depth, pair) {
            _ if below.is_empty() => None,
            (0, Some(("sub", label))) => refused("sub", label),
            (0, _) => Some(Reason::Beside),
            (1, Some(("ses", label))) => refused("ses", label),
            _ => None,
        }
    }

    fn look(&self, entry: Entry) -> Found {
        let file_name = entry.below.rsplit('/').next().unwrap_or(&entry.below);
        let name = Name::parse(file_name);
        let reason = match &name {
            _ if !entry.is_text => Some(Reason::Bytes),
            Some(name) if name.entity("sub").is_some() && name.repeated_key().is_none() => {
                if is_of_folder(name, &entry.below) {
                    self.filter.refusal(name)
                } else {
                    Some(Reason::Folder)
                }
            }
            _ => Some(Reason::Name),
        };
        match (name, reason) {
            (Some(name), None) => {
                let path = self.root.join(&entry.below);
                Found::Image(Image { path, below: entry.below, name })
            }
            (_, reason) => {
                let reason = reason.unwrap_or(Reason::Name);
                Found::LeftOut(LeftOut { below: entry.below, reason })
            }
        }
    }
}

/// True for the root, a subject's folder, that of a session or datatype, and a session's datatype. Stores
/// and the raw folders of some scanners have names with a dot.
fn may_hold_images(below: &str) -> bool {
    let parts: Vec<&str> = below.split('/').collect();
    let is_place = match parts[..] {
        [_] | [_, _] => true,
        [_, session, _] => session.starts_with("ses-"),
        _ => false,
    };
    is_place && !below.contains('.')
}

/// True where the folders say what the name says of subject and session.
fn is_of_folder(name: &Name, below: &str) -> bool {
    let mut folders = below.split('/').rev().skip(1);
    folders.all(|folder| match folder.split_once('-') {
        Some((key @ ("sub" | "ses"), label)) => name.entity(key) == Some(label),
        _ => true,
    })
}

impl Iterator for Images {
    type Item = Result<Found, BidsError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(entry) = self.open.last_mut()?.pop_front() else {
                self.open.pop();
                continue;
            };
            if !entry.is_dir {
                return Some(Ok(self.look(entry)));
            }
            if !may_hold_images(&entry.below) {
                continue;
            }
            let reason = (!entry.is_text).then_some(Reason::Bytes);
            if let Some(reason) = reason.or_else(|| self.folder_refusal(&entry.below)) {
                let below = format!("{}/", entry.below);
                return Some(Ok(Found::LeftOut(LeftOut { below, reason })));
            }
            if let Err(error) = self.enter(&entry.below) {
                return Some(Err(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use crate::bids::{BidsError, Dataset, Filter, Found};

    fn touch(root: &Path, name: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn dataset(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("dataset_description.json"), r#"{"Name": "x"}"#).unwrap();
        for name in names {
            touch(folder.path(), name);
        }
        folder
    }

    /// What is meant, and what is left out with the reason.
    fn walk(root: &Path, entities: &[&str]) -> (Vec<String>, Vec<String>) {
        let entities: Vec<String> = entities.iter().map(|e| (*e).to_owned()).collect();
        let filter = Filter::new(&entities, &["bold".to_owned()]).unwrap();
        let (mut meant, mut left_out) = (Vec::new(), Vec::new());
        for found in Dataset::open(root).unwrap().images(&filter) {
            match found.unwrap() {
                Found::Image(image) => {
                    assert_eq!(image.path, root.join(&image.below));
                    meant.push(image.below);
                }
                Found::LeftOut(other) => left_out.push(format!("{} {}", other.below, other.reason)),
            }
        }
        (meant, left_out)
    }

    const NAMES: [&str; 16] = [
        "sub-10/func/sub-10_task-x_bold.nii.gz",
        "sub-2/func/sub-2_task-x_run-10_bold.nii.gz",
        "sub-2/func/sub-2_task-x_run-2_bold.nii",
        "sub-2/func/sub-2_task-x_run-2_bold.json",
        "sub-2/func/sub-2_task-x_sbref.nii.gz",
        "sub-2/func/sub-3_task-x_bold.nii.gz",
        "sub-2/func/mean.nii.gz",
        "sub-2/func/sub-2_run-1_run-2_bold.nii",
        "sub-2/func/.hidden_bold.nii",
        "sub-2/func/sub-2_task-x_bold.ome.zarr/a.nii",
        "sub-2/func/deep/er/sub-2_task-x_bold.nii",
        "derivatives/p/sub-2/func/sub-2_task-x_bold.nii.gz",
        "sourcedata/x.nii",
        ".git/annex/sub-2_bold.nii",
        "code/run.py",
        "participants.tsv",
    ];

    #[test]
    fn images_come_in_natural_order_and_the_rest_with_its_reason() {
        let folder = dataset(&NAMES);
        let (meant, left_out) = walk(folder.path(), &[]);
        assert_eq!(
            meant,
            [
                "sub-2/func/sub-2_task-x_run-2_bold.nii",
                "sub-2/func/sub-2_task-x_run-10_bold.nii.gz",
                "sub-10/func/sub-10_task-x_bold.nii.gz",
            ]
        );
        assert_eq!(
            left_out,
            [
                "code/ not a subject's folder",
                "derivatives/ not a subject's folder",
                "sourcedata/ not a subject's folder",
                "sub-2/func/mean.nii.gz not a BIDS name",
                "sub-2/func/sub-2_run-1_run-2_bold.nii not a BIDS name",
                "sub-2/func/sub-2_task-x_sbref.nii.gz suffix sbref",
                "sub-2/func/sub-3_task-x_bold.nii.gz subject or session is not that of the folder",
            ]
        );
    }

    #[test]
    fn folders_that_the_filter_refuses_are_not_entered() {
        let folder = dataset(&NAMES);
        let (meant, left_out) = walk(folder.path(), &["sub=10"]);
        assert_eq!(meant, ["sub-10/func/sub-10_task-x_bold.nii.gz"]);
        assert!(left_out.contains(&"sub-2/ sub-2".to_owned()), "{left_out:?}");
        let (meant, left_out) = walk(folder.path(), &["run=2"]);
        assert_eq!(meant, ["sub-2/func/sub-2_task-x_run-2_bold.nii"]);
        let why = "sub-10/func/sub-10_task-x_bold.nii.gz no run".to_owned();
        assert!(left_out.contains(&why), "{left_out:?}");
    }

    #[test]
    fn links_are_followed_and_end() {
        let folder = dataset(&["elsewhere/func/sub-1_task-x_bold.nii"]);
        let root = folder.path();
        symlink("elsewhere", root.join("sub-1")).unwrap();
        symlink("..", root.join("elsewhere/func/round")).unwrap();
        symlink("../../.git/annex/objects/k", root.join("sub-1/func/sub-1_task-y_bold.nii"))
            .unwrap();
        let (meant, _) = walk(root, &[]);
        assert_eq!(meant, ["sub-1/func/sub-1_task-x_bold.nii", "sub-1/func/sub-1_task-y_bold.nii"]);
    }

    #[test]
    fn a_folder_without_a_description_is_no_dataset() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Dataset::open(folder.path()).unwrap_err();
        assert!(matches!(refused, BidsError::NotADataset { .. }));
        touch(folder.path(), "dataset_description.json");
        let refused = Dataset::open(folder.path()).unwrap_err();
        assert!(matches!(refused, BidsError::Description { .. }), "{refused}");
    }
}
