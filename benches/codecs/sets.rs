//! Which runs are measured together?

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use voxstore::nifti;

/// Runs of one origin.
pub(crate) struct Set {
    pub(crate) name: String,
    /// Counts in the sums and the verdicts.
    pub(crate) is_real: bool,
    pub(crate) files: Vec<PathBuf>,
}

/// A folder of `bold/` is a set, and a file of `ds000114/`.
pub(crate) fn real(data: &Path) -> Vec<Set> {
    let mut sets = BTreeMap::<String, Vec<PathBuf>>::new();
    for folder in folders(&data.join("bold")) {
        sets.insert(name(&folder), runs(&folder));
    }
    for file in runs(&data.join("ds000114")) {
        sets.insert(name(&file), vec![file]);
    }
    let sets = sets.into_iter().filter(|(_, files)| !files.is_empty());
    sets.map(|(name, files)| Set { name, is_real: true, files }).collect()
}

pub(crate) fn made(folder: &Path) -> Set {
    let files = runs(folder);
    assert!(!files.is_empty(), "{} has no runs", folder.display());
    Set { name: format!("{} (made)", name(folder)), is_real: false, files }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().split('.').next().unwrap().to_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

/// The files below that open as runs.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let is_nifti = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".nii") || name.ends_with(".nii.gz")
    };
    let (inner, files): (Vec<_>, Vec<_>) =
        entries(folder).into_iter().partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| is_nifti(path) && nifti::open(path).is_ok());
    files.chain(inner.iter().flat_map(|folder| runs(folder))).collect()
}
