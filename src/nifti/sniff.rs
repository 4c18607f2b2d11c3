//! What kind of file is this, by its first bytes?
//!
//! Names do not count, except to find a hint. Answers before anything is decoded.

use std::fs;
use std::io;
use std::path::Path;

use super::gzip::MAGIC;
use super::name::has_ending;
use super::{Intake, NiftiError};

/// A pointer file of git-annex or Git LFS is shorter than this.
const MOST_POINTER_BYTES: usize = 32 << 10;

/// Makes sure that a path names a regular file with something in it.
pub(super) fn check_path(path: &Path) -> Result<(), NiftiError> {
    let not_nifti =
        |found: &str| NiftiError::NotNifti { path: path.to_owned(), found: found.to_owned() };
    let found = match fs::metadata(path) {
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
    let Ok(target) = fs::read_link(path) else {
        return NiftiError::NotFound { path: path.to_owned(), what: "no such file".to_owned() };
    };
    if target.to_string_lossy().contains(".git/annex/objects") {
        return annex(path, "git-annex link");
    }
    let what = format!("a link to {}, which does not exist", target.display());
    NiftiError::NotFound { path: path.to_owned(), what }
}

fn annex(path: &Path, what: &'static str) -> NiftiError {
    NiftiError::ContentNotPresent { path: path.to_owned(), what, fetch: "datalad get FILE" }
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
            fetch: "git lfs pull",
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
    if has_ending(intake.path(), &[".img"]) {
        return Err(intake.unsupported(
            "an .img file (one half of a pair) is",
            "convert the pair to one .nii file, for example with nibabel or fslchfiletype",
        ));
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
