//! Is this a file of the store's own?
//!
//! A store is made of regular files in real folders. What lies behind a link is changed by others, and
//! opening a pipe waits for a writer: both are refused, and nothing is waited for. Only the store's own
//! folder may be reached through a link. What is in the files is other modules' matter.

use std::io;
use std::path::Path;

use crate::files::{self, File};

const LINK: &str = "it is a link, and a store consists of files of its own; \
    put the file or folder itself there (cp -RL, or datalad unlock)";

/// Opens a file for reading, with its length.
///
/// # Errors
/// When there is none, or a link, a folder, a pipe or a device in its place.
pub(super) fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open_unless_link(path)?.ok_or_else(|| refused(LINK))?;
    let found = file.metadata()?;
    if found.is_file() {
        return Ok((file, found.len()));
    }
    let what = if found.is_dir() { "a folder" } else { "a pipe or a device" };
    Err(refused(&format!("it is {what}, not a file")))
}

/// Refuses a folder that is a link; whether it is there at all is asked by who looks into it.
pub(super) fn refuse_link(folder: &Path) -> io::Result<()> {
    let is_link = files::look_at_link(folder).is_ok_and(|found| found.is_symlink());
    if is_link { Err(refused(LINK)) } else { Ok(()) }
}

fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::{open, refuse_link};

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = |name: &str| open(&at(name)).unwrap_err().to_string();
        fs::write(at("file"), b"abc").unwrap();
        let (mut file, len) = open(&at("file")).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((&text[..], len), ("abc", 3));
        symlink("file", at("link")).unwrap();
        symlink("loop", at("loop")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        for name in ["link", "loop", "zero"] {
            assert!(refused(name).contains("a link"), "{}", refused(name));
        }
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, at("pipe"), FileType::Fifo, mode, 0).unwrap();
        assert!(refused("pipe").contains("a pipe"), "{}", refused("pipe"));
        assert!(refused("").contains("a folder"));
        assert!(refuse_link(&at("link")).is_err() && refuse_link(&at("loop")).is_err());
        assert!(refuse_link(&at("file")).is_ok() && refuse_link(&at("absent")).is_ok());
    }
}
