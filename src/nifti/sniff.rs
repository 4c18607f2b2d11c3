//! What kind of file is this, by its first bytes?
//!
//! Names do not count, except to find a hint. Answers before anything is decoded.

use std::io;
use std::path::Path;

use super::gzip::MAGIC;
use super::name::has_ending;
use super::{Intake, NiftiError};
use crate::files;
use crate::runtime::in_shell;

/// A pointer file of git-annex or Git LFS is shorter than this.
const MOST_POINTER_BYTES: usize = 32 << 10;

/// Makes sure that a path names a regular file with something in it.
pub(super) fn check_path(path: &Path) -> Result<(), NiftiError> {
    let not_nifti =
        |found: &str| NiftiError::NotNifti { path: path.to_owned(), found: found.to_owned() };
    let found = match files::look(path) {
        Ok(found) => found,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(missing(path)),
        Err(e) => return Err(NiftiError::io(path, "find the file", e)),
    };
    if found.is_dir() {
        return Err(not_nifti("it is a folder; give the files in it"));
    }
    if !found.is_file() {
        return Err(not_nifti("it is a device or a pipe, not a file"));
    }
    if found.len() == 0 {
        return Err(not_nifti("the file is empty"));
    }
    Ok(())
}

/// Why nothing is at a path.
fn missing(path: &Path) -> NiftiError {
    let Ok(target) = files::read_link(path) else {
        return NiftiError::NotFound { path: path.to_owned(), what: "no such file".to_owned() };
    };
    if target.to_string_lossy().contains(".git/annex/objects") {
        return annex(path, "git-annex link");
    }
    let what = format!("a link to {}, which does not exist", target.display());
    NiftiError::NotFound { path: path.to_owned(), what }
}

fn annex(path: &Path, what: &'static str) -> NiftiError {
    let fetch = format!("datalad get {}", in_shell(&path.to_string_lossy()));
    NiftiError::ContentNotPresent { path: path.to_owned(), what, fetch }
}

/// True for gzip; an error for what is certainly no NIfTI file.
pub(super) fn is_gzip(front: &[u8], intake: &mut Intake) -> Result<bool, NiftiError> {
    let named_gzip = has_ending(intake.path(), &[".gz"]);
    let gzip = front.starts_with(&MAGIC);
    if gzip {
        if !named_gzip {
            intake.warn("N12", "the content is gzip, the name does not say so; content decides");
        }
        return Ok(true);
    }
    let text = front.strip_prefix(b"../").unwrap_or(front);
    if text.starts_with(b"/annex/objects/") || starts_with_link(text) {
        return Err(annex(intake.path(), "git-annex pointer file"));
    }
    if front.starts_with(b"version https://git-lfs") {
        return Err(NiftiError::ContentNotPresent {
            path: intake.path().to_owned(),
            what: "Git LFS pointer file",
            fetch: "git lfs pull".to_owned(),
        });
    }
    for (magic, what) in [
        (&[0x28, 0xb5, 0x2f, 0xfd][..], "zstd files are"),
        (b"BZh", "bzip2 files are"),
        (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz files are"),
    ] {
        if front.starts_with(magic) {
            return Err(intake.unsupported(what, "decompress it, or compress it with gzip"));
        }
    }
    if front.starts_with(&[0x00, 0x05, 0x16, 0x07]) {
        return Err(intake.not_nifti("macOS metadata (AppleDouble); the image has no leading ._"));
    }
    if named_gzip {
        intake.warn("N12", "the name ends in .gz, the content is not gzip; content decides");
    }
    Ok(false)
}

/// True for a link that a file system without links stored as text.
fn starts_with_link(text: &[u8]) -> bool {
    let short = &text[..text.len().min(MOST_POINTER_BYTES)];
    short.starts_with(b".git/annex/objects/") || short.starts_with(b"../.git/annex/objects/")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use crate::nifti::testing::{Folder, Image, open_as};
    use crate::nifti::{NiftiError, open};

    #[test]
    fn what_is_no_nifti_file_is_named() {
        let folder = Folder::new();
        let cases: [(&[u8], &str); 9] = [
            (b"", "empty"),
            (b"x", "1 bytes"),
            (b"/annex/objects/MD5E-s1--0.nii.gz\n", "datalad get"),
            (b"../.git/annex/objects/a/b/c", "datalad get"),
            (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
            (b"\x28\xb5\x2f\xfd....", "zstd"),
            (b"BZh91AY", "bzip2"),
            (b"\0\x05\x16\x07", "macOS"),
            (&[7; 400], "sizeof_hdr"),
        ];
        for (bytes, says) in cases {
            let text = open_as("x.nii", bytes).unwrap_err().to_string();
            assert!(text.contains(says) && text.contains("x.nii"), "{text}");
        }
        assert!(open(folder.path("")).unwrap_err().to_string().contains("folder"));
        assert!(matches!(open(folder.path("no.nii")), Err(NiftiError::NotFound { .. })));
    }

    #[test]
    fn a_dangling_annex_link_says_how_to_get_the_content() {
        let folder = Folder::new();
        symlink("../../.git/annex/objects/ab/cd/MD5E-s9--0.nii.gz", folder.path("a.nii.gz"))
            .unwrap();
        symlink("elsewhere.nii", folder.path("b.nii")).unwrap();
        let error = open(folder.path("a.nii.gz")).unwrap_err();
        assert!(matches!(error, NiftiError::ContentNotPresent { .. }), "{error}");
        assert!(open(folder.path("b.nii")).unwrap_err().to_string().contains("elsewhere.nii"));
    }

    #[test]
    fn content_decides_and_a_misleading_name_is_said() {
        let image = Image::v1();
        let misnamed = [open_as("x.nii", &image.gzip()), open_as("x.nii.gz", &image.bytes)];
        for (run, gzip) in misnamed.into_iter().zip([true, false]) {
            let run = run.unwrap();
            assert_eq!((run.info().origin.gzip, &run.info().warnings[0].code[..]), (gzip, "N12"));
        }
    }
}
