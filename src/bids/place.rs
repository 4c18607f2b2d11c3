//! Where in a dataset does a file lie, by the names of the folders above it?
//!
//! `sub-*/[ses-*/]datatype`, and the dataset's root above that. Looks at the path only; the root need not
//! hold a description.

use std::path::{Component, Path};

/// `sub-01/ses-test/func` for a file in such folders; the path is taken as it stands.
pub(crate) fn folder_of(path: &Path) -> Option<String> {
    let mut folders = path.parent()?.components().rev().map_while(|c| match c {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let datatype = folders.next().filter(|name| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })?;
    let above = folders.next()?;
    if is_entity(above, "sub-") {
        return Some(format!("{above}/{datatype}"));
    }
    let subject = folders.next()?;
    (is_entity(above, "ses-") && is_entity(subject, "sub-"))
        .then(|| format!("{subject}/{above}/{datatype}"))
}

/// The folders whose metadata a file inherits: the dataset's root first, the file's own last. Of a file
/// that lies in no dataset's folders only its own.
pub(super) fn levels_of(path: &Path) -> Vec<&Path> {
    let below_root = folder_of(path).map_or(0, |folder| folder.split('/').count());
    let mut levels: Vec<&Path> = path.ancestors().skip(1).take(1 + below_root).collect();
    levels.reverse();
    levels
}

/// True for a key with a label, such as `sub-01`.
fn is_entity(name: &str, key: &str) -> bool {
    name.strip_prefix(key)
        .is_some_and(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{folder_of, levels_of};

    #[test]
    fn bids_folders_are_found_and_others_are_not() {
        let folder = |path: &str| folder_of(Path::new(path));
        assert_eq!(folder("/d/sub-01/ses-a/func/x.nii").as_deref(), Some("sub-01/ses-a/func"));
        assert_eq!(folder("/d/sub-01/func/x.nii").as_deref(), Some("sub-01/func"));
        assert_eq!(folder("/d/ses-a/func/x.nii"), None);
        assert_eq!(folder("/sub-01/x.nii"), None);
        assert_eq!(folder("x.nii"), None);
    }

    #[test]
    fn levels_go_from_the_root_down() {
        let levels = |path: &'static str| levels_of(Path::new(path));
        assert_eq!(
            levels("/d/sub-01/ses-a/func/x.nii"),
            ["/d", "/d/sub-01", "/d/sub-01/ses-a", "/d/sub-01/ses-a/func"].map(Path::new)
        );
        assert_eq!(
            levels("/d/sub-01/func/x.nii"),
            ["/d", "/d/sub-01", "/d/sub-01/func"].map(Path::new)
        );
        assert_eq!(levels("/elsewhere/x.nii"), [Path::new("/elsewhere")]);
    }
}
