//! What does a header say that comes without its file?
//!
//! Stores keep a run's header beside voxels of their own. Its fields are judged as those of a file are, but
//! for what says where in a file voxels lie; shape and type must be those of the stored array. For images
//! without a header one is made, so that maps on their grid can be written.

use std::path::{Path, absolute};

use super::header::{Header, Version};
use super::joined_header::joined_header;
use super::layout::Layout;
use super::new_header::NewHeader;
use super::{Intake, NiftiError, geometry, origin, scaling, sidecar, timing};
use crate::dtype::DType;
use crate::files;
use crate::run::RunInfo;
use crate::runtime::Stamp;

/// `xyzt_units`: millimetres.
const MILLIMETRES: i32 = 2;
/// `sform_code`: aligned with something; scanner, template or atlas nobody said.
const ALIGNED: i32 = 2;

/// The facts of an array of this shape and type, by the NIfTI header that was kept with it; `path` is what
/// holds both, and the sidecar is looked for beside it.
///
/// # Errors
/// When the bytes are no header, describe another array, or have a field that leaves a voxel's value or
/// place in doubt.
pub(crate) fn run_info_of_header(
    path: &Path,
    bytes: &[u8],
    shape: [u64; 4],
    dtype: DType,
) -> Result<RunInfo, NiftiError> {
    let found = files::look(path).map_err(|e| NiftiError::io(path, "open the store", e))?;
    let mut intake = Intake::new(path);
    let header = Header::parse(bytes, &mut intake)?;
    let described = Layout::of_voxels(&header, &mut intake)?;
    if described != (shape, dtype) {
        let found = format!("{dtype} of {shape:?}");
        let found =
            format!("{:?} (datatype {}), but the voxels are {found}", header.dim, header.datatype);
        return Err(intake.refuse("dim", found, "the array that lies beside the header"));
    }
    let scaling = scaling::scaling(&header, &mut intake)?;
    let geometry = geometry::geometry(&header, shape, &mut intake);
    let (sidecar, sidecar_files) = sidecar::sidecar(&mut intake);
    let timing = timing::timing(&header, shape[3], &sidecar, &mut intake);
    let place = absolute(path).unwrap_or_else(|_| path.to_owned());
    let origin = origin::origin((&place, &Stamp::of(&found)), None, &header, false);
    let warnings = intake.into_warnings();
    let header = whole(bytes, &header).into();
    Ok(RunInfo { geometry, timing, scaling, header, origin, sidecar, sidecar_files, warnings })
}

/// The bytes of a single file before its voxels. Some tools keep the header proper and nothing of what
/// follows it, and no place of voxels in it.
fn whole(bytes: &[u8], header: &Header) -> Vec<u8> {
    if header.single_file && header.vox_offset == bytes.len() as f64 {
        return bytes.to_vec();
    }
    joined_header(header, bytes)
}

/// A header for an array that has none: its affine as the sform, voxel sizes, TR. NIfTI-1, and so rounded to
/// float32, unless an axis is too long for it.
pub(crate) fn made_header(
    shape: [u64; 4],
    dtype: DType,
    affine: &[[f64; 4]; 4],
    tr_seconds: Option<f64>,
) -> Vec<u8> {
    let zooms = geometry::column_lengths(affine);
    let like = Header {
        version: Version::One,
        big_endian: false,
        single_file: true,
        dim: [0; 8],
        datatype: 0,
        bitpix: 0,
        pixdim: [1.0, zooms[0], zooms[1], zooms[2], 0.0, 0.0, 0.0, 0.0],
        vox_offset: 0.0,
        scl_slope: 1.0,
        scl_inter: 0.0,
        xyzt_units: MILLIMETRES,
        toffset: 0.0,
        qform_code: 0,
        sform_code: ALIGNED,
        quatern: [0.0; 3],
        qoffset: [0.0; 3],
        srow: [affine[0], affine[1], affine[2]],
    };
    let header = NewHeader {
        like: Some(&like),
        shape: &shape,
        dtype,
        tr_seconds,
        intent_name: "",
        description: "",
        cal_max: None,
    };
    header.bytes()
}

#[cfg(test)]
mod tests {
    use super::{Version, made_header, run_info_of_header};
    use crate::dtype::DType;
    use crate::nifti::testing::{Folder, Image, SHAPE, VOXELS, open_as};

    #[test]
    fn a_header_says_without_its_file_what_it_says_in_it() {
        let folder = Folder::new();
        let place = folder.write("x.nii.zarr", b"");
        for image in Image::all() {
            let run = open_as("x.nii", &image.bytes).unwrap();
            // Some tools keep the header proper alone, and voxels that start nowhere.
            let mut header = image.bytes[..image.version.header_bytes()].to_vec();
            match image.version {
                Version::One => header[108..112].fill(0),
                Version::Two => header[168..176].fill(0),
            }
            let info = run_info_of_header(&place, &header, SHAPE, DType::I16).unwrap();
            assert_eq!(info.geometry, run.info().geometry);
            assert_eq!((&info.timing, &info.scaling), (&run.info().timing, &run.info().scaling));
            // What is kept of it is the front of a file again.
            assert_eq!(&info.header[..], &image.bytes[..image.bytes.len() - 2 * VOXELS]);
            for (shape, dtype) in [(SHAPE, DType::U16), ([1, 2, 3, 4], DType::I16)] {
                let refused = run_info_of_header(&place, &header, shape, dtype).unwrap_err();
                assert!(refused.to_string().contains("dim"), "{refused}");
            }
        }
    }

    #[test]
    fn a_made_header_gives_back_affine_sizes_and_tr() {
        let folder = Folder::new();
        let place = folder.write("x.ome.zarr", b"");
        let affine = [
            [0.0, -2.0, 0.0, 9.5],
            [0.0, 0.0, 3.0, -4.0],
            [1.5, 0.0, 0.0, 2.0],
            [0.0, 0.0, 0.0, 1.0],
        ];
        for shape in [[4, 3, 2, 5], [4, 3, 2, 1], [40_000, 3, 2, 5]] {
            let header = made_header(shape, DType::F32, &affine, Some(0.75));
            let info = run_info_of_header(&place, &header, shape, DType::F32).unwrap();
            assert_eq!((info.geometry.affine, info.geometry.affine_source), (affine, "sform"));
            assert_eq!(info.geometry.zooms_mm, [1.5, 2.0, 3.0]);
            assert_eq!((info.timing.tr_seconds, info.warnings.as_slice()), (Some(0.75), &[][..]));
        }
    }
}
