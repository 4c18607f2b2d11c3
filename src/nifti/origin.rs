//! Which file is this, for the record?
//!
//! Names, size, time and the folders that look like BIDS. Reads no content.

use std::path::{Component, Path};

use jiff::Timestamp;

use super::header::Header;
use crate::run::Origin;
use crate::runtime::Stamp;

/// A file, and what the system says of it.
type At<'a> = (&'a Path, &'a Stamp);

/// The record of a run's file, or of the two of a pair, by absolute paths. A pair's time is that of its
/// voxels: its header is kept whole, and need not be told from another by time.
pub(super) fn origin(
    voxels: At<'_>,
    header_file: Option<At<'_>>,
    header: &Header,
    gzip: bool,
) -> Origin {
    let name =
        |(path, _): At<'_>| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let first = header_file.unwrap_or(voxels);
    let modified = voxels.1.modified.and_then(|t| Timestamp::try_from(t).ok());
    Origin {
        file_name: name(first),
        image_name: header_file.map(|_| name(voxels)),
        bids_folder: bids_folder(first.0),
        file_bytes: voxels.1.len + header_file.map_or(0, |(_, stamp)| stamp.len),
        modified: modified.map(|t| t.to_string()),
        sha256: None,
        format: header.version.format(),
        big_endian: header.big_endian,
        gzip,
        dim: header.dim,
        datatype: header.datatype,
    }
}

/// `sub-01/ses-test/func` for a file in such folders.
fn bids_folder(path: &Path) -> Option<String> {
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

/// True for a key with a label, such as `sub-01`.
fn is_entity(name: &str, key: &str) -> bool {
    name.strip_prefix(key)
        .is_some_and(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::bids_folder;

    #[test]
    fn bids_folders_are_found_and_others_are_not() {
        let folder = |path: &str| bids_folder(Path::new(path));
        assert_eq!(folder("/d/sub-01/ses-a/func/x.nii").as_deref(), Some("sub-01/ses-a/func"));
        assert_eq!(folder("/d/sub-01/func/x.nii").as_deref(), Some("sub-01/func"));
        assert_eq!(folder("/d/ses-a/func/x.nii"), None);
        assert_eq!(folder("/sub-01/x.nii"), None);
        assert_eq!(folder("x.nii"), None);
    }
}
