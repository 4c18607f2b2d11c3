//! How many voxels of what type are there, and at which byte do they start?
//!
//! [`Layout::of`] judges dim, datatype, bitpix and `vox_offset` alone; whether the file is long
//! enough is asked where its length is known. Every product is checked, nothing is allocated.

use super::header::Header;
use super::pair::Container;
use super::{Intake, NiftiError};
use crate::dtype::DType;

/// The most bytes kept from before the voxels. Also the largest whole number range that NIfTI-1's
/// float32 `vox_offset` holds without gaps.
pub(super) const MOST_HEADER_BYTES: u64 = 1 << 24;

/// Where the voxels lie in the (inflated) file; of a pair, in the image's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Lengths of `(x, y, z, t)`.
    pub(super) shape: [u64; 4],
    pub(super) dtype: DType,
    /// First byte of the first voxel.
    pub(super) offset: u64,
    /// Bytes of all voxels.
    pub(super) voxel_bytes: u64,
}

impl Layout {
    /// The layout a header describes.
    ///
    /// # Errors
    /// When a field is unusable, or the kind of data is not read here.
    pub(super) fn of(
        header: &Header,
        container: Container,
        intake: &mut Intake,
    ) -> Result<Self, NiftiError> {
        let offset = vox_offset(header, container, intake)?;
        let (shape, dtype) = Self::of_voxels(header, intake)?;
        let voxel_bytes = shape
            .iter()
            .try_fold(dtype.size() as u128, |bytes, &n| bytes.checked_mul(u128::from(n)))
            .and_then(|bytes| u64::try_from(bytes).ok())
            .filter(|&bytes| bytes <= i64::MAX as u64 - offset)
            .ok_or_else(|| {
                intake.refuse("dim", format!("{:?}", header.dim), "an array below 8 EiB")
            })?;
        Ok(Self { shape, dtype, offset, voxel_bytes })
    }

    /// Shape and type alone, for voxels that do not lie behind their header.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub(super) fn of_voxels(
        header: &Header,
        intake: &mut Intake,
    ) -> Result<([u64; 4], DType), NiftiError> {
        Ok((shape(header, intake)?, dtype(header, intake)?))
    }

    /// First byte after the last voxel.
    pub(super) fn end(&self) -> u64 {
        self.offset + self.voxel_bytes
    }

    /// Bytes of one volume.
    pub(super) fn volume_bytes(&self) -> u64 {
        self.voxel_bytes / self.shape[3]
    }

    /// The product behind `voxel_bytes`, for messages.
    pub(super) fn why(&self) -> String {
        let [x, y, z, t] = self.shape;
        format!("vox_offset {} + {x} x {y} x {z} x {t} voxels of {}", self.offset, self.dtype)
    }
}

fn vox_offset(
    header: &Header,
    container: Container,
    intake: &mut Intake,
) -> Result<u64, NiftiError> {
    let found = header.vox_offset;
    let least = match container {
        Container::Single => header.version.least_offset() as u64,
        Container::Pair => 0,
    };
    let expected = format!("a whole number from {least} to {MOST_HEADER_BYTES}");
    if container == Container::Single && !header.single_file {
        if found < least as f64 {
            return Err(intake.unsupported(
                "the header of a pair (magic ni1 or ni2) under such a name is",
                "name it .hdr, with its voxels beside it in an .img of the same name",
            ));
        }
        intake.warn(
            "N08",
            format!("magic says .hdr/.img pair, but vox_offset is {found}; read as a single file"),
        );
    }
    if !(found >= least as f64 && found <= MOST_HEADER_BYTES as f64 && found.fract() == 0.0) {
        return Err(intake.refuse("vox_offset", found, expected));
    }
    let offset = found as u64;
    if !offset.is_multiple_of(16) {
        intake.warn("N26", format!("vox_offset {offset} is not a multiple of 16; used as it is"));
    }
    Ok(offset)
}

/// `(x, y, z, t)`; `byte_order` made sure that `dim[0]` is 1 to 7.
fn shape(header: &Header, intake: &Intake) -> Result<[u64; 4], NiftiError> {
    let ndim = header.dim[0].clamp(1, 7) as usize;
    let axes = &header.dim[1..=ndim];
    if header.dim[1] == -1 || axes.starts_with(&[27307, 1, 6]) {
        return Err(intake.unsupported(
            format!("FreeSurfer surface data (dim {axes:?}) are"),
            "give a volume file",
        ));
    }
    if let Some(axis) = axes.iter().position(|&n| n <= 0) {
        return Err(intake.refuse(format!("dim[{}]", axis + 1), axes[axis], "at least 1"));
    }
    if ndim < 3 {
        return Err(intake.refuse("dim[0]", format!("{ndim} (shape {axes:?})"), "3 or 4"));
    }
    if let Some(axis) = (4..ndim).find(|&axis| axes[axis] > 1) {
        let hint = if axes[3] == 1 && axis == 4 && axes[5..].iter().all(|&n| n == 1) {
            "if dim[5] is time, say so with --time-dim 5 (TimeDim::Fifth)"
        } else {
            "split it into 4-D files first"
        };
        return Err(intake.unsupported(format!("a {ndim}-D array (shape {axes:?}) is"), hint));
    }
    let length = |axis: usize| axes.get(axis).map_or(1, |n| n.unsigned_abs());
    Ok([length(0), length(1), length(2), length(3)])
}

fn dtype(header: &Header, intake: &mut Intake) -> Result<DType, NiftiError> {
    let code = header.datatype;
    let refused = |what: &str| format!("{what} (datatype {code}) are");
    let dtype = match code {
        2 => DType::U8,
        4 => DType::I16,
        8 => DType::I32,
        16 => DType::F32,
        64 => DType::F64,
        256 => DType::I8,
        512 => DType::U16,
        768 => DType::U32,
        1024 => DType::I64,
        1280 => DType::U64,
        32 | 1792 => {
            let hint = "write magnitude (or real part) to a file of its own first";
            return Err(intake.unsupported(refused("complex numbers"), hint));
        }
        128 | 2304 => {
            let hint = "write one channel to a file of its own first";
            return Err(intake.unsupported(refused("RGB colours"), hint));
        }
        1536 | 2048 => {
            let hint = "convert it to float64 first";
            return Err(intake.unsupported(refused("128-bit floats"), hint));
        }
        1 => {
            let hint = "convert it to uint8 first";
            return Err(intake.unsupported(refused("single bits"), hint));
        }
        _ => {
            let known = "a NIfTI code: 2, 4, 8, 16, 64, 256, 512, 768, 1024 or 1280";
            return Err(intake.refuse("datatype", code, known));
        }
    };
    let bits = dtype.size() * 8;
    if usize::try_from(header.bitpix).ok() != Some(bits) {
        intake
            .warn("N47", format!("bitpix is {}; {dtype} has {bits}, datatype wins", header.bitpix));
    }
    Ok(dtype)
}

#[cfg(test)]
mod tests {
    use crate::nifti::header::Version;
    use crate::nifti::open;
    use crate::nifti::testing::{
        Folder, Image, drain, gzip, open_as, refusal, voxel_bytes, warnings,
    };

    #[test]
    fn a_padded_vox_offset_is_honoured_without_extensions() {
        let mut image = Image::v1();
        image.float(108, 368.0);
        image.bytes.splice(352..352, [0; 16]);
        let folder = Folder::new();
        let run = open(folder.write("x.nii", &image.bytes)).unwrap();
        assert_eq!(drain(&run, false).unwrap().0, voxel_bytes());
        assert_eq!(run.info().header.len(), 368);
        assert!(run.info().warnings.is_empty());
    }

    #[test]
    fn an_unusable_vox_offset_is_refused() {
        let bad = [0.0, 1.0, 348.0, 351.0, 352.5, f64::NAN, f64::INFINITY, -352.0, 1e30, 3e9];
        for offset in bad {
            let mut image = Image::v1();
            image.float(108, offset);
            assert!(refusal(&image).contains("vox_offset"), "{offset}: {}", refusal(&image));
        }
        let mut image = Image::new(Version::Two, false);
        image.int(168, 8, i64::MAX);
        assert!(refusal(&image).contains("vox_offset"));
    }

    #[test]
    fn a_vox_offset_beyond_the_file_is_too_short_plain_and_gzip() {
        let mut image = Image::v1();
        image.float(108, 16_777_216.0);
        assert!(refusal(&image).contains("cut short"));
        assert!(open_as("x.nii.gz", &image.gzip()).is_err());
        image.float(108, 4096.0);
        assert!(open_as("x.nii.gz", &image.gzip()).unwrap_err().to_string().contains("cut short"));
    }

    #[test]
    fn an_odd_vox_offset_is_read_with_a_warning() {
        let mut image = Image::v1();
        image.float(108, 353.0);
        image.bytes.insert(352, 0);
        assert_eq!(warnings(&image), ["N26"]);
    }

    #[test]
    fn ni1_in_a_single_file_is_read_where_vox_offset_is_one_of_a_single_file() {
        let mut image = Image::v1();
        image.raw(344, b"ni1\0");
        assert_eq!(warnings(&image), ["N08"]);
        image.float(108, 0.0);
        assert!(refusal(&image).contains("header of a pair"), "{}", refusal(&image));
    }

    #[test]
    fn dims_that_are_no_run_are_refused_by_name() {
        let cases: [(&[i64], &str); 9] = [
            (&[4, 2, 0, 2, 4], "dim[2] is 0"),
            (&[4, 2, 3, -3, 4], "dim[3] is -3"),
            (&[2, 2, 3, 2, 4], "dim[0] is 2"),
            (&[1, 48], "dim[0] is 1"),
            (&[5, 2, 3, 2, 1, 4], "dim[5] is time"),
            (&[5, 2, 3, 2, 2, 2], "split it"),
            (&[6, 2, 3, 2, 1, 2, 2], "split it"),
            (&[3, -1, 1, 1], "surface"),
            (&[3, 27307, 1, 6], "surface"),
        ];
        for (dim, says) in cases {
            let mut image = Image::v1();
            image.dim(dim);
            assert!(refusal(&image).contains(says), "{dim:?}: {}", refusal(&image));
        }
    }

    #[test]
    fn trailing_singletons_are_squeezed_and_three_axes_are_one_volume() {
        for mut image in Image::all() {
            image.dim(&[7, 2, 3, 2, 4, 1, 1, 1]);
            let run = open_as("x.nii", &image.bytes).unwrap();
            assert_eq!((run.shape(), run.info().origin.dim[0]), (&[2, 3, 2, 4][..], 7));
            image.dim(&[3, 2, 3, 2, 4]);
            let run = open_as("x.nii", &image.bytes).unwrap();
            assert_eq!(run.shape(), [2, 3, 2, 1]);
            let warning = &run.info().warnings[0];
            assert_eq!(warning.code, "N82");
            assert!(warning.message.contains("3 more volumes"), "{}", warning.message);
        }
    }

    #[test]
    fn a_huge_claim_is_refused_before_anything_is_allocated() {
        let mut image = Image::v1();
        image.dim(&[4, 32767, 32767, 32767, 32767]);
        assert!(refusal(&image).contains("cut short"));
        assert!(open_as("x.nii.gz", &image.gzip()).unwrap_err().to_string().contains("inflate"));
        let mut image = Image::new(Version::Two, true);
        for dim in [[4, 1 << 20, 1 << 10, 1 << 10, 1], [4, i64::MAX, i64::MAX, i64::MAX, i64::MAX]]
        {
            image.dim(&dim);
            assert!(open_as("x.nii", &image.bytes).is_err());
            assert!(open_as("x.nii.gz", &gzip(&image.bytes)).is_err());
        }
    }

    #[test]
    fn types_without_one_real_number_a_voxel_are_refused_with_a_next_step() {
        for (code, says) in [
            (0, "datatype is 0"),
            (1, "bits"),
            (32, "complex"),
            (1792, "complex"),
            (128, "RGB"),
            (2304, "RGB"),
            (1536, "128-bit"),
            (77, "datatype is 77"),
        ] {
            let mut image = Image::v1();
            image.int(70, 2, code);
            assert!(refusal(&image).contains(says), "{code}: {}", refusal(&image));
        }
    }

    #[test]
    fn datatype_wins_over_bitpix() {
        for bitpix in [0, 32, -16] {
            let mut image = Image::v1();
            image.int(72, 2, bitpix);
            assert_eq!(warnings(&image), ["N47"]);
        }
    }
}
