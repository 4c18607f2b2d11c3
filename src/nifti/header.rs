//! What do the first bytes of a NIfTI file say?
//!
//! [`Header::parse`] finds version and byte order from the bytes themselves and decodes both
//! versions into one struct. It judges only what is needed to decode; whether fields make sense is
//! for `layout`, `geometry`, `scaling` and `timing`.

mod v1;
mod v2;

use super::{Intake, NiftiError};

/// The version of the format, which fixes where fields lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

impl Version {
    /// Length of the header proper, the value of `sizeof_hdr`.
    pub(super) const fn header_bytes(self) -> usize {
        match self {
            Self::One => 348,
            Self::Two => 540,
        }
    }

    /// The first byte voxels may have in a single file: header and extender.
    pub(super) const fn least_offset(self) -> usize {
        self.header_bytes() + 4
    }

    /// The name used in metadata.
    pub(super) const fn format(self) -> &'static str {
        match self {
            Self::One => "nifti1",
            Self::Two => "nifti2",
        }
    }
}

/// The fields of either version that decide how voxels are read, as the file has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) version: Version,
    pub(super) big_endian: bool,
    /// `n+1`/`n+2` (header and voxels in one file) and not `ni1`/`ni2`.
    pub(super) single_file: bool,
    pub(super) dim: [i64; 8],
    pub(super) datatype: i16,
    pub(super) bitpix: i16,
    pub(super) pixdim: [f64; 8],
    pub(super) vox_offset: f64,
    pub(super) scl_slope: f64,
    pub(super) scl_inter: f64,
    pub(super) xyzt_units: i32,
    pub(super) toffset: f64,
    pub(super) qform_code: i32,
    pub(super) sform_code: i32,
    /// `quatern_b`, `quatern_c`, `quatern_d`.
    pub(super) quatern: [f64; 3],
    /// `qoffset_x`, `qoffset_y`, `qoffset_z`.
    pub(super) qoffset: [f64; 3],
    /// `srow_x`, `srow_y`, `srow_z`.
    pub(super) srow: [[f64; 4]; 3],
}

impl Header {
    /// Decodes the header at the front of `bytes`.
    ///
    /// # Errors
    /// When these bytes are no header, or version and byte order cannot be told for certain.
    pub(super) fn parse(bytes: &[u8], intake: &mut Intake) -> Result<Self, NiftiError> {
        let (version, sized_order) = identify(bytes, intake)?;
        if bytes.len() < version.header_bytes() {
            return Err(NiftiError::TooShort {
                path: intake.path().to_owned(),
                needs_bytes: version.header_bytes() as u128,
                has_bytes: bytes.len() as u128,
                why: format!("the {} header", version.format()),
            });
        }
        let single_file = check_magic(bytes, version, intake)?;
        let big_endian = byte_order(bytes, version, sized_order, intake)?;
        let header = match version {
            Version::One => v1::decode(bytes, big_endian, single_file)
                .map_err(|found| intake.not_nifti(found))?,
            Version::Two => v2::decode(bytes, big_endian, single_file),
        };
        Ok(header)
    }

    /// Exchanges dim\[4\] and dim\[5\] and their pixdim, where there is a fifth dimension.
    ///
    /// # Errors
    /// When dim\[4\] is more than 1, so that the fifth dimension is not the only one behind space.
    pub(super) fn take_fifth_as_time(&mut self, intake: &mut Intake) -> Result<(), NiftiError> {
        if self.dim[0] >= 4 && self.dim[4] != 1 {
            return Err(intake.refuse("dim[4]", self.dim[4], "1, as dim[5] is to be time"));
        }
        if self.dim[0] >= 5 {
            self.dim.swap(4, 5);
            self.pixdim.swap(4, 5);
            intake.warn("N38", "dim[5] is read as time, as was asked for: as if it were dim[4]");
        }
        Ok(())
    }
}

/// `N` bytes at a place, zeros past the end.
pub(super) fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut field = [0; N];
    if let Some(found) = bytes.get(at..at + N) {
        field.copy_from_slice(found);
    }
    field
}

/// The version, and the byte order as far as `sizeof_hdr` tells it (true: big-endian).
fn identify(bytes: &[u8], intake: &Intake) -> Result<(Version, Option<bool>), NiftiError> {
    let size = bytes_at::<4>(bytes, 0);
    for version in [Version::One, Version::Two] {
        let expected = version.header_bytes() as i32;
        if size == expected.to_le_bytes() {
            return Ok((version, Some(false)));
        }
        if size == expected.to_be_bytes() {
            return Ok((version, Some(true)));
        }
    }
    match (&bytes_at::<4>(bytes, 344), &bytes_at::<4>(bytes, 4)) {
        (b"n+1\0" | b"ni1\0", _) => Ok((Version::One, None)),
        (_, b"n+2\0" | b"ni2\0") => Ok((Version::Two, None)),
        _ => Err(intake.not_nifti(format!(
            "sizeof_hdr (the first 4 bytes) is neither 348 nor 540 in either byte order: {size:02x?}"
        ))),
    }
}

/// True for a single file, false for the header of a pair.
fn check_magic(bytes: &[u8], version: Version, intake: &mut Intake) -> Result<bool, NiftiError> {
    let magic = match version {
        Version::One => bytes_at::<4>(bytes, 344),
        Version::Two => bytes_at::<4>(bytes, 4),
    };
    let single_file = match (version, &magic) {
        (Version::One, b"n+1\0") | (Version::Two, b"n+2\0") => true,
        (Version::One, b"ni1\0") | (Version::Two, b"ni2\0") => false,
        (Version::One, _) => {
            return Err(intake.unsupported(
                format!("a header without NIfTI's magic ({magic:02x?}: ANALYZE 7.5?) is"),
                "convert it to .nii with a tool that knows which side is left in it",
            ));
        }
        (Version::Two, _) => {
            return Err(intake.not_nifti(format!("a NIfTI-2 header has the magic {magic:02x?}")));
        }
    };
    if version == Version::Two {
        match bytes_at::<4>(bytes, 8) {
            [0x0d, 0x0a, 0x1a, 0x0a] => {}
            [0, 0, 0, 0] => intake.warn("N04", "the end-of-line check of magic is 0; accepted"),
            found => {
                return Err(intake.refuse(
                    "magic[4..8]",
                    format!("{found:02x?}"),
                    "[0d, 0a, 1a, 0a]: the file went through a text-mode copy and is damaged",
                ));
            }
        }
    }
    Ok(single_file)
}

/// True for big-endian. `sizeof_hdr` and `dim[0]` must agree; with a bad `sizeof_hdr`, `dim[0]` alone
/// decides (it is 1 to 7 in at most one order).
fn byte_order(
    bytes: &[u8],
    version: Version,
    sized_order: Option<bool>,
    intake: &mut Intake,
) -> Result<bool, NiftiError> {
    let ndim = |big_endian| ndim(bytes, version, big_endian);
    if let Some(big_endian) = sized_order {
        return match ndim(big_endian) {
            1..=7 => Ok(big_endian),
            found => Err(intake.refuse("dim[0]", found, "1 to 7")),
        };
    }
    let found = i32::from_le_bytes(bytes_at(bytes, 0));
    let expected = version.header_bytes();
    match [false, true].into_iter().find(|&big_endian| (1..=7).contains(&ndim(big_endian))) {
        Some(big_endian) => {
            intake.warn("N05", format!("sizeof_hdr is {found}; read as {expected}"));
            Ok(big_endian)
        }
        None => Err(intake.refuse("sizeof_hdr", found, format!("{expected}"))),
    }
}

/// `dim[0]` in a byte order.
fn ndim(bytes: &[u8], version: Version, big_endian: bool) -> i64 {
    match (version, big_endian) {
        (Version::One, false) => i64::from(i16::from_le_bytes(bytes_at(bytes, 40))),
        (Version::One, true) => i64::from(i16::from_be_bytes(bytes_at(bytes, 40))),
        (Version::Two, false) => i64::from_le_bytes(bytes_at(bytes, 16)),
        (Version::Two, true) => i64::from_be_bytes(bytes_at(bytes, 16)),
    }
}

#[cfg(test)]
mod tests {
    use super::Version;
    use crate::nifti::testing::{
        Folder, Image, SHAPE, drain, open_as, refusal, voxel_bytes, warnings,
    };
    use crate::nifti::{OpenOptions, TimeDim, open_with};

    #[test]
    fn both_versions_and_byte_orders_are_told_apart() {
        for image in Image::all() {
            let run = open_as("x.nii", &image.bytes).unwrap();
            let origin = &run.info().origin;
            assert_eq!(run.shape(), SHAPE);
            assert_eq!(
                (origin.format, origin.big_endian),
                (image.version.format(), image.big_endian)
            );
            assert_eq!(run.info().timing.tr_seconds, Some(2.5));
            assert_eq!(&run.info().header[..], &image.bytes[..image.version.least_offset()]);
            assert!(run.info().warnings.is_empty(), "{:?}", run.info().warnings);
        }
    }

    #[test]
    fn a_wrong_sizeof_hdr_is_accepted_where_dim_tells_the_byte_order() {
        for mut image in Image::all() {
            image.int(0, 4, 7);
            assert_eq!(warnings(&image), ["N05"]);
            image.dim(&[0]);
            assert!(refusal(&image).contains("sizeof_hdr is"), "{}", refusal(&image));
        }
    }

    #[test]
    fn dim_0_must_agree_with_sizeof_hdr() {
        for mut image in Image::all() {
            for bad in [0, -1, 8, 1024] {
                image.dim(&[bad]);
                assert!(refusal(&image).contains("dim[0]"), "{}", refusal(&image));
            }
        }
    }

    #[test]
    fn time_in_the_fifth_dimension_is_read_where_it_is_asked_for() {
        let fifth = OpenOptions { time_dim: TimeDim::Fifth, ..OpenOptions::default() };
        for mut image in Image::all() {
            let folder = Folder::new();
            assert!(open_with(folder.write("x.nii", &image.bytes), fifth).is_err(), "dim[4] is 4");
            image.dim(&[5, 2, 3, 2, 1, 4, 1, 1]);
            image.pixdim(&[1.0, 3.0, 3.0, 4.0, 0.0, 2.5]);
            assert!(refusal(&image).contains("--time-dim 5"), "{}", refusal(&image));
            let run = open_with(folder.write("x.nii", &image.bytes), fifth).unwrap();
            assert_eq!((run.shape(), run.info().timing.tr_seconds), (&SHAPE[..], Some(2.5)));
            assert_eq!(run.info().origin.dim, [5, 2, 3, 2, 1, 4, 1, 1]);
            let warnings = run.info().warnings.iter().map(|w| &w.code[..]);
            assert_eq!(warnings.collect::<Vec<_>>(), ["N38"]);
            assert_eq!(drain(&run, false).unwrap().0, voxel_bytes());
            // Fewer dimensions are not its matter, and one more still is too many.
            image.dim(&[3, 2, 3, 2]);
            assert!(open_with(folder.write("x.nii", &image.bytes), fifth).is_ok());
            image.dim(&[6, 2, 3, 2, 1, 2, 2]);
            assert!(open_with(folder.write("x.nii", &image.bytes), fifth).is_err());
        }
    }

    #[test]
    fn a_header_without_magic_is_analyze_and_refused() {
        let mut image = Image::v1();
        image.raw(344, &[0; 4]);
        assert!(refusal(&image).contains("ANALYZE"));
        let mut image = Image::new(Version::Two, false);
        image.raw(4, b"n+1\0");
        assert!(refusal(&image).contains("magic"));
    }

    #[test]
    fn a_nifti_2_file_that_went_through_a_text_copy_is_refused() {
        let mut image = Image::new(Version::Two, true);
        image.raw(8, &[0; 4]);
        assert_eq!(warnings(&image), ["N04"]);
        image.raw(8, b"\n\n\x1a\n");
        assert!(refusal(&image).contains("text-mode"));
    }

    #[test]
    fn every_cut_within_the_header_is_refused() {
        for image in Image::all() {
            for len in 0..image.version.least_offset() {
                assert!(open_as("x.nii", &image.bytes[..len]).is_err(), "{len} bytes");
            }
        }
    }

    #[test]
    fn no_single_flipped_bit_of_a_header_makes_opening_panic() {
        for image in Image::all() {
            for bit in 0..image.version.least_offset() * 8 {
                let mut bytes = image.bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let _ = open_as("x.nii", &bytes);
            }
        }
    }
}
