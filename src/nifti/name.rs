//! What does a file's name say?
//!
//! Endings are compared without regard to case. Content decides what a file is; names decide where
//! its sidecar lies, how an output is encoded, and which hint a refusal gives.

use std::path::Path;

/// The file name without the first of these endings that it has; `None` where it has none of them.
pub(super) fn without_ending<'a>(path: &'a Path, endings: &[&str]) -> Option<&'a str> {
    let name = path.file_name()?.to_str()?;
    endings.iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        name.get(at..)?.eq_ignore_ascii_case(ending).then(|| &name[..at])
    })
}

/// True for a file name with one of these endings.
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    without_ending(path, endings).is_some()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::without_ending;

    #[test]
    fn endings_are_found_whatever_their_case() {
        let stem = |name| without_ending(Path::new(name), &[".nii.gz", ".nii"]);
        assert_eq!(stem("a/x.NII.GZ"), Some("x"));
        assert_eq!(stem("x.nii"), Some("x"));
        assert_eq!(stem("é"), None);
        assert_eq!(stem(".."), None);
    }
}
