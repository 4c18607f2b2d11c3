//! How does the name of an image end?
//!
//! Endings are compared without regard to case.

/// How the names of NIfTI files end, a longer ending before what it ends in.
pub(crate) const NIFTI_ENDINGS: [&str; 6] =
    [".nii.gz", ".nii", ".hdr.gz", ".hdr", ".img.gz", ".img"];
/// How those of other images end.
const OTHER_ENDINGS: [&str; 3] = [".gz", ".ome.zarr", ".nii.zarr"];

/// The name of an image, a file or a run of a store, without its ending; `None` where it has none that images
/// have.
///
/// ```
/// use voxstore::bids::image_stem;
///
/// assert_eq!(image_stem("sub-01_bold.hdr.gz"), Some("sub-01_bold"));
/// assert_eq!(image_stem("rest-1.5.OME.ZARR"), Some("rest-1.5"));
/// assert_eq!(image_stem("notes.txt"), None);
/// ```
pub fn image_stem(name: &str) -> Option<&str> {
    without_ending(name, &NIFTI_ENDINGS).or_else(|| without_ending(name, &OTHER_ENDINGS))
}

/// The name without the first of these endings that it has; `None` where it has none of them.
pub(crate) fn without_ending<'a>(name: &'a str, endings: &[&str]) -> Option<&'a str> {
    endings.iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        name.get(at..)?.eq_ignore_ascii_case(ending).then(|| &name[..at])
    })
}

#[cfg(test)]
mod tests {
    use super::without_ending;

    #[test]
    fn endings_are_found_whatever_their_case() {
        let stem = |name| without_ending(name, &[".nii.gz", ".nii"]);
        assert_eq!(stem("x.NII.GZ"), Some("x"));
        assert_eq!(stem("x.nii"), Some("x"));
        assert_eq!(stem("é"), None);
        assert_eq!(stem(".."), None);
    }
}
