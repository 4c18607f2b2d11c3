//! Which two files are one run?
//!
//! A pair is an `x.hdr` and an `x.img` in one folder, each plain or gzip, in any case of the letters.
//! Names are looked at here and no content: whether a header is that of a pair is for `open` to see.

use std::path::{Path, PathBuf};

use super::NiftiError;
use super::name::without_ending;
use crate::files;
use crate::run::Origin;
use crate::runtime::folder_of;

/// In how many files a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// Header and voxels in one.
    Single,
    /// A header's file, and one of voxels.
    Pair,
}

impl Container {
    /// In how many files the run of this origin was.
    pub(super) const fn of(origin: &Origin) -> Self {
        match origin.image_name {
            Some(_) => Self::Pair,
            None => Self::Single,
        }
    }
}

/// Which file of a pair has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Header,
    Image,
}

impl Half {
    /// `None` for a name that is of no pair.
    pub(super) fn of(path: &Path) -> Option<Self> {
        [Self::Header, Self::Image]
            .into_iter()
            .find(|half| without_ending(path, half.endings()).is_some())
    }

    const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Header => &[".hdr.gz", ".hdr"],
            Self::Image => &[".img.gz", ".img"],
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Header => Self::Image,
            Self::Image => Self::Header,
        }
    }

    /// The other file of the pair: of the same way of writing, or the only one that there is.
    ///
    /// # Errors
    /// When several files could be it, or the folder cannot be listed.
    pub(super) fn partner(self, path: &Path) -> Result<Option<PathBuf>, NiftiError> {
        let twin = self.twin(path);
        if files::look_at_link(&twin).is_ok() {
            return Ok(Some(twin));
        }
        let folder = folder_of(path);
        let failed = |source| NiftiError::io(folder, "list the folder", source);
        let stem = without_ending(path, self.endings());
        let mut found = Vec::new();
        for entry in files::list(folder).map_err(failed)? {
            let name = PathBuf::from(entry.map_err(failed)?.file_name());
            if without_ending(&name, self.other().endings()) == stem {
                found.push(name);
            }
        }
        found.sort();
        match &found[..] {
            [] => Ok(None),
            [one] => Ok(Some(path.with_file_name(one))),
            [one, other, ..] => Err(NiftiError::HalfPair {
                path: path.to_owned(),
                found: format!("{} and {} both lie beside it", one.display(), other.display()),
                help: "leave only one of them there",
            }),
        }
    }

    /// The error for a file whose partner is not there.
    pub(super) fn alone(self, path: &Path) -> NiftiError {
        let twin = self.twin(path);
        let name = twin.file_name().unwrap_or_default().to_string_lossy();
        NiftiError::HalfPair {
            path: path.to_owned(),
            found: format!("{name} is not beside it, plain or gzip"),
            help: "put both files into one folder, under one name",
        }
    }

    /// The name of the other file, written the same way: `x.img.gz` for `x.hdr.gz`.
    pub(super) fn twin(self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = without_ending(path, self.endings()).map_or(name.len(), str::len);
        let theirs = self.other().endings()[0];
        let ending = name[stem..].chars().zip(theirs.chars()).map(|(ours, theirs)| {
            if ours.is_ascii_uppercase() { theirs.to_ascii_uppercase() } else { theirs }
        });
        path.with_file_name(name[..stem].chars().chain(ending).collect::<String>())
    }
}

/// The files of the run at `path`: one, or of a pair the header's and then the image's, whichever of
/// them `path` names. Looks at names only; a file that is not there has the name it would have.
pub fn files_of(path: impl AsRef<Path>) -> Vec<PathBuf> {
    let path = path.as_ref();
    let Some(half) = Half::of(path) else { return vec![path.to_owned()] };
    let partner = half.partner(path).ok().flatten().unwrap_or_else(|| half.twin(path));
    match half {
        Half::Header => vec![path.to_owned(), partner],
        Half::Image => vec![partner, path.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Half, files_of};
    use crate::nifti::testing::Folder;

    #[test]
    fn a_twin_is_written_the_same_way() {
        for (header, image) in [
            ("a/x.hdr", "a/x.img"),
            ("x.HDR", "x.IMG"),
            ("x.Hdr.GZ", "x.Img.GZ"),
            ("é.hdr.gz", "é.img.gz"),
        ] {
            assert_eq!(Half::Header.twin(Path::new(header)), PathBuf::from(image));
            assert_eq!(Half::Image.twin(Path::new(image)), PathBuf::from(header));
        }
        for name in ["x.nii", "x.gz", "hdr", "x.hdr.json"] {
            assert_eq!(Half::of(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn the_partner_is_the_twin_or_else_the_only_one_there_is() {
        let folder = Folder::new();
        let header = folder.write("x.hdr", b"h");
        let partner = || Half::Header.partner(&header);
        assert_eq!(partner().unwrap(), None);
        assert_eq!(files_of(&header), [folder.path("x.hdr"), folder.path("x.img")]);
        folder.write("x.IMG.gz", b"i");
        folder.write("xx.img", b"another");
        folder.write("X.img", b"another");
        assert_eq!(partner().unwrap(), Some(folder.path("x.IMG.gz")));
        folder.write("x.img.gz", b"i");
        let text = partner().unwrap_err().to_string();
        assert!(text.contains("x.IMG.gz and x.img.gz") && text.contains("x.hdr"), "{text}");
        folder.write("x.img", b"i");
        assert_eq!(partner().unwrap(), Some(folder.path("x.img")));
        assert_eq!(files_of(folder.path("x.img")), [folder.path("x.hdr"), folder.path("x.img")]);
        assert_eq!(files_of("x.nii"), [PathBuf::from("x.nii")]);
    }
}
