//! What does a header say of a file that may not be whole?
//!
//! [`inspect`] tells what [`open`](super::open()) would, also of a file of which a part is missing, as after a
//! download that broke off; and what is missing. Hands out no voxel: what is not whole is never read.

use std::fmt;
use std::path::{Path, PathBuf};

use super::NiftiError;
use super::open::{Judged, OpenOptions, Short, judged};
use crate::dtype::DType;
use crate::run::RunInfo;

/// What the header of a file says, whether or not all of its voxels are there.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// The name of the file.
    pub name: String,
    /// Lengths of `(x, y, z, t)`.
    pub shape: [u64; 4],
    /// Type of the stored voxels.
    pub dtype: DType,
    /// How voxels would be read: `mapped`, `positioned reads` or `gzip stream`.
    pub transport: &'static str,
    /// All else that a run knows. `header` ends early where the voxels are incomplete.
    pub info: RunInfo,
    /// What is missing, where something is.
    pub incomplete: Option<Incomplete>,
}

/// A file that ends before its header says. As text, a sentence on what is missing and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incomplete {
    /// The file; of a pair that of the voxels.
    pub path: PathBuf,
    /// True where bytes are counted inflated.
    pub gzip: bool,
    /// Bytes up to the end of the last voxel, as the header has it.
    pub expected_bytes: u64,
    /// Bytes that are there, at most as many as expected. With all of them there, the gzip data are damaged behind
    /// the voxels, and nothing vouches for them.
    pub found_bytes: u64,
    /// Volumes of which all bytes are there.
    pub whole_volumes: u64,
    /// Volumes by the header.
    pub volumes: u64,
    /// What is wrong with the gzip data.
    pub reason: Option<String>,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected_bytes, found_bytes, whole_volumes, volumes, .. } = self;
        let inflated = if self.gzip { "inflated " } else { "" };
        if let Some(reason) = self.reason.as_ref().filter(|_| found_bytes == expected_bytes) {
            let path = self.path.display();
            return write!(
                f,
                "{path}: nothing vouches for the voxels: all are there, and {reason}"
            );
        }
        write!(
            f,
            "{}: the voxels are incomplete: {found_bytes} of {expected_bytes} {inflated}bytes are there, \
             {whole_volumes} of {volumes} volumes",
            self.path.display()
        )?;
        match &self.reason {
            Some(reason) => write!(f, "; {reason}"),
            None => write!(f, "; nothing but info reads it: copy or fetch it again"),
        }
    }
}

/// Reads the header of a NIfTI file as [`open`](super::open()) does, also where voxels are missing.
///
/// Of a plain file its length is compared with what the header says. Of a gzip file the length in its last four bytes
/// is; where that is another, as where the file is cut, has several members or something behind its voxels, all of it is
/// inflated to know how much is there: the time of one pass, and no memory.
///
/// # Errors
/// As [`open_with`](super::open_with), except for files that are too short; and when a file cannot be read.
pub fn inspect(
    path: impl AsRef<Path>,
    options: impl Into<OpenOptions>,
) -> Result<Inspection, NiftiError> {
    let Judged { found, info, .. } = judged(path.as_ref(), options.into(), Short::IsTold)?;
    let transport = if found.gzip { "gzip stream" } else { found.voxels.transport() };
    Ok(Inspection {
        name: info.origin.file_name.clone(),
        shape: found.layout.shape,
        dtype: found.layout.dtype,
        transport,
        info,
        incomplete: found.incomplete,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::{Incomplete, inspect};
    use crate::nifti::header::Version;
    use crate::nifti::testing::{Folder, Image, SHAPE, gzip};
    use crate::nifti::{Io, open};

    fn missing(folder: &Folder, name: &str, bytes: &[u8]) -> Option<Incomplete> {
        let path = folder.write(name, bytes);
        let [mapped, read] = [Io::Auto, Io::Read].map(|io| inspect(&path, io).unwrap());
        assert_eq!((mapped.shape, &mapped.incomplete), (SHAPE, &read.incomplete));
        mapped.incomplete
    }

    #[test]
    fn what_is_missing_of_a_plain_file_is_told_at_every_length() {
        let folder = Folder::new();
        for image in Image::all() {
            let whole = image.bytes.len();
            assert_eq!(missing(&folder, "x.nii", &image.bytes), None);
            for found in whole - 96..whole {
                let missing = missing(&folder, "x.nii", &image.bytes[..found]).unwrap();
                assert_eq!(
                    (missing.found_bytes, missing.expected_bytes),
                    (found as u64, whole as u64)
                );
                // Four volumes of 24 bytes.
                assert_eq!(missing.whole_volumes, (found - (whole - 96)) as u64 / 24);
                assert!(open(folder.path("x.nii")).is_err(), "others refuse it");
            }
        }
    }

    #[test]
    fn a_gzip_file_is_told_at_every_cut_as_far_as_its_header_is_there() {
        let (folder, image) = (Folder::new(), Image::long());
        let (whole, expected) = (image.gzip(), image.bytes.len() as u64);
        assert!(inspect(folder.write("x.nii.gz", &whole), Io::Auto).unwrap().incomplete.is_none());
        let mut told = 0;
        for cut in 1..whole.len() {
            let mut held = Vec::new();
            GzDecoder::new(&whole[..cut]).read_to_end(&mut held).unwrap_err();
            let path = folder.write("x.nii.gz", &whole[..cut]);
            // Opening looks at so many bytes, whatever the header is.
            if held.len() < Version::Two.least_offset() {
                assert!(inspect(&path, Io::Auto).is_err(), "{cut}");
                continue;
            }
            let found = inspect(&path, Io::Auto).unwrap();
            assert_eq!(found.shape, [2, 3, 2, 100]);
            let missing = found.incomplete.unwrap();
            assert_eq!((missing.gzip, missing.expected_bytes), (true, expected));
            // ISA-L may keep back what it inflated last.
            let exact = !cfg!(feature = "isal");
            assert!(!exact || missing.found_bytes == held.len() as u64, "{cut}: {missing:?}");
            assert!(missing.to_string().contains("cut short"), "{missing}");
            told += 1;
        }
        assert!(told > 8, "also where only the checksum is missing: {told}");
    }

    #[test]
    fn members_padding_junk_and_more_than_the_header_says_are_not_missing() {
        let (folder, image) = (Folder::new(), Image::v1());
        let mut bytes = gzip(&image.bytes[..400]);
        bytes.extend(gzip(&image.bytes[400..]));
        assert_eq!(missing(&folder, "x.nii.gz", &bytes), None);
        let one = gzip(&image.bytes[..400]);
        let told = missing(&folder, "x.nii.gz", &one).unwrap();
        assert_eq!((told.found_bytes, told.expected_bytes), (400, 448));
        for behind in [&[0; 512][..], b"junk"] {
            let bytes = [&image.gzip()[..], behind].concat();
            assert_eq!(missing(&folder, "x.nii.gz", &bytes), None);
        }
        let longer = [&image.bytes[..], &[7; 100]].concat();
        assert_eq!(missing(&folder, "x.nii.gz", &gzip(&longer)), None);
    }
}
