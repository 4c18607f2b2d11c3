//! What does a header that was kept say of its run?
//!
//! Asks those who judge a header when a file is opened, again and with the same bytes: what they say now is
//! what they said then. Reads no file.

use std::path::Path;

use super::header::Header;
use super::layout::Layout;
use super::pair::Container;
use super::{Intake, NiftiError, geometry, scaling, timing};
use crate::run::{HeaderFacts, Origin, RunInfo};

/// What follows from the header bytes, the file name and the sidecar in `kept`; the rest of it stays.
///
/// # Errors
/// When the bytes are no header, or one that would be refused.
pub(crate) fn judge(kept: &RunInfo) -> Result<HeaderFacts, NiftiError> {
    let mut intake = Intake::new(Path::new(&kept.origin.file_name));
    let mut header = Header::parse(&kept.header, &mut intake)?;
    let dim = header.dim;
    if kept.warnings.iter().any(|warning| warning.code == "N38") {
        header.take_fifth_as_time(&mut intake)?;
    }
    let layout = Layout::of(&header, Container::of(&kept.origin), &mut intake)?;
    let info = RunInfo {
        geometry: geometry::geometry(&header, layout.shape, &mut intake),
        timing: timing::timing(&header, layout.shape[3], &kept.sidecar, &mut intake),
        scaling: scaling::scaling(&header, &mut intake)?,
        origin: Origin {
            format: header.version.format(),
            big_endian: header.big_endian,
            dim,
            datatype: header.datatype,
            ..kept.origin.clone()
        },
        ..kept.clone()
    };
    Ok(HeaderFacts { shape: layout.shape, dtype: layout.dtype, info })
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::nifti::open;
    use crate::nifti::testing::{Folder, Image};
    use crate::run::RunInfo;

    #[test]
    fn a_header_says_the_same_as_when_its_file_was_opened() {
        let folder = Folder::new();
        folder.write("x.json", br#"{"RepetitionTime": 2.25, "EchoTime": 0.03}"#);
        for image in Image::all() {
            for (name, bytes) in [("x.nii", image.bytes.clone()), ("y.nii.gz", image.gzip())] {
                let run = open(folder.write(name, &bytes)).unwrap();
                let facts = judge(run.info()).unwrap();
                assert_eq!(facts.info, *run.info());
                assert_eq!(facts.shape, run.shape());
                assert_eq!(facts.dtype, run.source().dtype());
            }
        }
    }

    #[test]
    fn what_was_recorded_otherwise_is_put_right_and_what_no_header_tells_stays() {
        let folder = Folder::new();
        let run = open(folder.write("x.nii", &Image::v1().bytes)).unwrap();
        let mut edited = run.info().clone();
        edited.scaling.slope = 7.0;
        edited.geometry.affine[0][3] += 1.0;
        edited.timing.tr_seconds = Some(9.0);
        edited.origin.dim[1] += 1;
        edited.origin.file_bytes = 1;
        let facts = judge(&edited).unwrap();
        let mut want: RunInfo = run.info().clone();
        want.origin.file_bytes = 1;
        assert_eq!(facts.info, want);
    }

    #[test]
    fn bytes_that_are_no_header_are_refused() {
        let folder = Folder::new();
        let run = open(folder.write("x.nii", &Image::v1().bytes)).unwrap();
        for len in [0, 10, 347] {
            let header = run.info().header[..len].into();
            assert!(judge(&RunInfo { header, ..run.info().clone() }).is_err(), "{len}");
        }
    }
}
