//! What may have been meant by a path where there is not what was looked for?

use std::path::{Path, PathBuf};

use voxstore::nifti::NiftiError;
use voxstore::store::{self, StoreError};
use voxstore::{Error, bids};

/// Names that are less alike, from 0 to 1, are not taken for one another.
const LEAST_LIKENESS: f64 = 0.7;
/// A folder of more names is not searched to its end.
const MOST_NAMES: usize = 10_000;

/// What helps beyond the error's own words, as a line.
pub(crate) fn of(error: &anyhow::Error) -> Option<String> {
    let path = path_of(error)?;
    // A store is known by this file.
    let path = if path.ends_with("zarr.json") { path.parent()? } else { path };
    if path.exists() {
        let above = path.ancestors().skip(1).take_while(|above| above.join("zarr.json").is_file());
        let store = above.filter(|above| store::open(above).is_ok()).last()?;
        let below = path.strip_prefix(store).ok()?;
        return Some(format!(
            "it lies in the store {}; give that, with --run '{}/**' where the command takes it",
            store.display(),
            below.display()
        ));
    }
    Some(format!("did you mean {}?", near(path)?.display()))
}

fn of_nifti(error: &NiftiError) -> Option<&Path> {
    match error {
        NiftiError::NotFound { path, .. } => Some(path),
        _ => None,
    }
}

fn of_store(error: &StoreError) -> Option<&Path> {
    match error {
        StoreError::NotAStore { path, .. } => Some(path),
        _ => None,
    }
}

/// The path that an error is about.
fn path_of(error: &anyhow::Error) -> Option<&Path> {
    match error.downcast_ref::<Error>() {
        Some(Error::Nifti(error)) => of_nifti(error),
        Some(Error::Store(error)) => of_store(error),
        Some(_) => None,
        None => (error.downcast_ref().and_then(of_nifti))
            .or_else(|| error.downcast_ref().and_then(of_store))
            .or_else(|| match error.downcast_ref()? {
                bids::BidsError::NotADataset { path } => Some(path.as_path()),
                _ => None,
            }),
    }
}

/// What lies in the same folder under the name that is most like this one's.
fn near(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent()?;
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = std::fs::read_dir(here).ok()?.flatten().take(MOST_NAMES);
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let likeness = |other: String| (strsim::normalized_damerau_levenshtein(name, &other), other);
    let alike = names.map(likeness).filter(|(likeness, _)| *likeness >= LEAST_LIKENESS);
    let best = alike.max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.cmp(x)));
    best.map(|(_, name)| folder.join(name))
}
