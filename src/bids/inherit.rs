//! Which sidecars does a run inherit?
//!
//! BIDS' inheritance principle: a JSON file applies to an image when it lies in the image's folder or one
//! above it in the dataset, has the same suffix, and no entity that the image has not. What lies nearer wins,
//! key by key; in one folder, what has more entities. Lists names; reads no file.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf, absolute};

use super::ending::image_stem;
use super::name::Name;
use super::place::levels_of;
use crate::files;

/// A JSON file that applies to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sidecar {
    pub(crate) path: PathBuf,
    /// Its path below the dataset's root, with `/`; its name where there is no dataset.
    pub(crate) below: String,
    /// True where its folder has another that applies, which BIDS does not allow.
    pub(crate) has_rival: bool,
}

/// The JSON files that apply to an image of this name, to be merged in this order. The one of the image's
/// name beside it applies whatever the name.
///
/// # Errors
/// The folder that cannot be listed, and why.
pub(crate) fn sidecars_of(image: &Path) -> Result<Vec<Sidecar>, (PathBuf, io::Error)> {
    let file_name = image.file_name().and_then(OsStr::to_str);
    let Some(stem) = file_name.and_then(image_stem) else { return Ok(Vec::new()) };
    let own = format!("{stem}.json");
    let image = absolute(image).unwrap_or_else(|_| image.to_owned());
    let levels = levels_of(&image);
    let name = Name::of_stem(stem).filter(|name| levels.len() > 1 && name.entity("sub").is_some());
    let Some(name) = name else {
        let path = image.with_file_name(&own);
        let there = files::look_at_link(&path).is_ok();
        let own = Sidecar { path, below: own, has_rival: false };
        return Ok(there.then_some(own).into_iter().collect());
    };
    let mut found = Vec::new();
    for level in &levels {
        let here = applicable(level, &name).map_err(|error| (level.to_path_buf(), error))?;
        let has_rival = here.len() > 1;
        found.extend(here.into_iter().map(|(_, file_name)| {
            let path = level.join(file_name);
            let below = path.strip_prefix(levels[0]).unwrap_or(&path);
            let below = below.to_string_lossy().into_owned();
            Sidecar { path, below, has_rival }
        }));
    }
    Ok(found)
}

/// Names of the JSON files of a folder that apply, those of fewer entities first.
fn applicable(folder: &Path, image: &Name) -> io::Result<Vec<(usize, String)>> {
    let mut found = Vec::new();
    for entry in files::list(folder)? {
        let Ok(file_name) = entry?.file_name().into_string() else { continue };
        let stem = file_name.strip_suffix(".json");
        let Some(other) = stem.and_then(Name::of_stem) else { continue };
        if other.applies_to(image) {
            found.push((other.entities().len(), file_name));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::sidecars_of;

    fn below(root: &Path, image: &str) -> Vec<(String, bool)> {
        let found = sidecars_of(&root.join(image)).unwrap();
        for sidecar in &found {
            assert!(sidecar.path.ends_with(&sidecar.below));
        }
        found.into_iter().map(|sidecar| (sidecar.below, sidecar.has_rival)).collect()
    }

    #[test]
    fn sidecars_are_inherited_from_all_levels_and_the_nearest_comes_last() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "bold.json",
            "task-x_bold.json",
            "task-y_bold.json",
            "task-x_events.json",
            "sub-01/sub-01_bold.json",
            "sub-01/ses-a/sub-01_ses-a_task-x_bold.json",
            "sub-01/ses-b/sub-01_ses-b_task-x_bold.json",
            "sub-01/ses-a/func/sub-01_ses-a_task-x_bold.json",
            "sub-01/ses-a/func/odd.json",
            "sub-02/func/sub-02_task-y_bold.json",
            "elsewhere/task-x_bold.json",
            "elsewhere/sub-01_task-x_bold.json",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        let of = |image| below(folder.path(), image);
        assert_eq!(
            of("sub-01/ses-a/func/sub-01_ses-a_task-x_bold.nii.gz"),
            [
                ("bold.json".to_owned(), true),
                ("task-x_bold.json".to_owned(), true),
                ("sub-01/sub-01_bold.json".to_owned(), false),
                ("sub-01/ses-a/sub-01_ses-a_task-x_bold.json".to_owned(), false),
                ("sub-01/ses-a/func/sub-01_ses-a_task-x_bold.json".to_owned(), false),
            ]
        );
        assert_eq!(of("sub-02/func/sub-02_task-y_bold.nii.gz").len(), 3);
        // A name that is none of BIDS has what lies beside it; so has a file outside of any dataset.
        assert_eq!(of("sub-01/ses-a/func/odd.nii.gz"), [("odd.json".to_owned(), false)]);
        let alone = [("sub-01_task-x_bold.json".to_owned(), false)];
        assert_eq!(of("elsewhere/sub-01_task-x_bold.nii.gz"), alone);
        assert_eq!(of("elsewhere/no.nii.gz"), []);
    }
}
