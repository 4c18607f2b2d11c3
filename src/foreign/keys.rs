//! What are chunk files called, and how many of them are there?

use std::path::Path;

use super::error::ForeignError;
use crate::files;

/// How the position of a chunk becomes the path of its file, below the array's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Zarr v3's default: `c`, then the numbers.
    pub(super) prefixed: bool,
    pub(super) separator: char,
}

impl Keys {
    /// The file of a chunk; positions are in the order of the disk.
    pub(super) fn file(self, position: &[u64]) -> String {
        let numbers = position.iter().map(u64::to_string);
        let parts: Vec<String> =
            self.prefixed.then(|| "c".to_owned()).into_iter().chain(numbers).collect();
        parts.join(&self.separator.to_string())
    }

    /// The position that a file has, where it is the file of one of so many chunks along each axis.
    fn position(self, file: &str, counts: &[u64]) -> Option<Vec<u64>> {
        let mut parts = file.split(self.separator);
        if self.prefixed && parts.next() != Some("c") {
            return None;
        }
        let position: Vec<u64> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let inside =
            position.len() == counts.len() && position.iter().zip(counts).all(|(p, n)| p < n);
        (inside && self.file(&position) == file).then_some(position)
    }
}

/// What is there of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) files: u64,
    pub(super) bytes: u64,
}

/// Counts the chunk files of an array by looking into its folder: as much work as there are files, whatever
/// its metadata claim. Links to files count as files; their content may be elsewhere.
pub(super) fn survey(folder: &Path, keys: Keys, counts: &[u64]) -> Result<Found, ForeignError> {
    let mut found = Found::default();
    let looked = files::walk(folder, |below, kind, depth| {
        if kind.is_dir() {
            return depth < counts.len();
        }
        if below.to_str().and_then(|file| keys.position(file, counts)).is_some() {
            found.files += 1;
            found.bytes += files::look(&folder.join(below)).map_or(0, |file| file.len());
        }
        false
    });
    looked.map_err(|(dir, error)| ForeignError::io("list", &dir)(error))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn files_are_named_as_zarr_names_them_and_read_back() {
        let cases = [
            (true, '/', "c/1/0/23"),
            (true, '.', "c.1.0.23"),
            (false, '/', "1/0/23"),
            (false, '.', "1.0.23"),
        ];
        for (prefixed, separator, want) in cases {
            let keys = Keys { prefixed, separator };
            assert_eq!(keys.file(&[1, 0, 23]), want);
            assert_eq!(keys.position(want, &[2, 1, 24]), Some(vec![1, 0, 23]));
            assert_eq!(keys.position(want, &[2, 1, 23]), None);
            for other in
                ["", "c", "c.1.0", "zarr.json", ".zarray", "c/01/0/23", "c.1.0.23.part", "01.0.23"]
            {
                assert_eq!(keys.position(other, &[9, 9, 99]), None, "{other}");
            }
        }
    }
}
