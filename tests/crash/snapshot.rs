//! Folders as they are, to be compared and copied.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// When something was done; the only part of a store that is another each time.
const TIMES: [&str; 3] = ["\"started\"", "\"finished\"", "\"created\""];

/// What is in a folder: the bytes of every file, nothing for a folder.
pub(crate) type Snapshot = BTreeMap<PathBuf, Vec<u8>>;

/// Everything below a folder, with the times of ingest blanked.
pub(crate) fn snapshot(folder: &Path) -> Snapshot {
    let entries = WalkDir::new(folder).min_depth(1).into_iter().map(Result::unwrap);
    let of_entry = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(folder).unwrap().to_owned();
        let is_dir = entry.file_type().is_dir();
        let bytes = if is_dir { Vec::new() } else { fs::read(entry.path()).unwrap() };
        (path, if entry.file_name() == "zarr.json" { timeless(bytes) } else { bytes })
    };
    entries.map(of_entry).collect()
}

/// The same text with a blank for every digit of a time.
fn timeless(text: Vec<u8>) -> Vec<u8> {
    let mut text = String::from_utf8(text).unwrap();
    for key in TIMES {
        let mut from = 0;
        while let Some(found) = text[from..].find(key) {
            let value = from + found + key.len();
            let begin = value + text[value..].find('"').unwrap() + 1;
            let end = begin + text[begin..].find('"').unwrap();
            text.replace_range(begin..end, &" ".repeat(end - begin));
            from = end;
        }
    }
    text.into_bytes()
}

/// Asserts that two folders hold the same, and names the first file that differs.
#[track_caller]
pub(crate) fn assert_same(found: &Snapshot, expected: &Snapshot, when: &str) {
    let names = |snapshot: &Snapshot| snapshot.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{when}");
    let differs = found.iter().zip(expected).find(|(a, b)| a != b);
    let Some(((path, found), (_, expected))) = differs else { return };
    let (found, expected) = (String::from_utf8_lossy(found), String::from_utf8_lossy(expected));
    panic!("{when}: {} is\n{found}\nnot\n{expected}", path.display());
}

/// Copies a folder to a place that is free.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in WalkDir::new(from).into_iter().map(Result::unwrap) {
        let place = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&place).unwrap();
        } else {
            fs::copy(entry.path(), &place).unwrap();
        }
    }
}
