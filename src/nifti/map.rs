//! How is a 3-D result written so that viewers lay it over its run?
//!
//! A float32 map with the run's grid: dim 1 to 3, voxel sizes, qform and sform as they are, and
//! nothing that was true of the run only (time, slices, scaling, extensions). Always little-endian,
//! in the NIfTI version of the run.

use std::path::Path;

use ndarray::ArrayView3;

use super::header::{Header, Version};
use super::output::OutputFile;
use super::{Intake, NiftiError};
use crate::run::Run;

/// What a map says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MapOptions {
    /// What the numbers are, at most 15 bytes: `tsnr`.
    pub intent_name: String,
    /// Free text, at most 79 bytes; longer text is cut.
    pub description: String,
    /// The brightness at which viewers saturate; `None` leaves it to them.
    pub cal_max: Option<f32>,
    /// Replaces a file of that name.
    pub overwrite: bool,
}

/// Writes `map`, of axes `(x, y, z)`, as a float32 NIfTI file on the grid of the run `like`.
///
/// Numbers are rounded to float32 here and only here; NaN and infinities stay. The file appears
/// whole, by rename, or not at all; a name ending in `.nii.gz` is compressed.
///
/// # Errors
/// When the map's shape is not the run's, the destination exists and is not to be overwritten, or it
/// cannot be written.
pub fn write_map(
    path: impl AsRef<Path>,
    like: &Run,
    map: ArrayView3<'_, f64>,
    options: MapOptions,
) -> Result<(), NiftiError> {
    let path = path.as_ref();
    let shape: Vec<u64> = map.shape().iter().map(|&n| n as u64).collect();
    if shape != like.shape()[..3] {
        return Err(NiftiError::Length {
            path: path.to_owned(),
            found: format!("a map of {shape:?} voxels"),
            expected: format!("{:?}, as {} has", &like.shape()[..3], like.name()),
        });
    }
    let header = Header::parse(&like.info().header, &mut Intake::new(path))?;
    let mut output = OutputFile::create(path, options.overwrite)?;
    output.write(&map_header(&header, like.shape(), &options))?;
    // ndarray walks the last axis fastest; the file wants x fastest.
    let in_file_order = map.reversed_axes();
    let mut row = Vec::with_capacity(4 * shape[0] as usize);
    for lane in in_file_order.rows() {
        row.clear();
        row.extend(lane.iter().flat_map(|&value| (value as f32).to_le_bytes()));
        output.write(&row)?;
    }
    output.commit()
}

/// The bytes before the voxels.
fn map_header(from: &Header, shape: &[u64], options: &MapOptions) -> Vec<u8> {
    let mut to = Fields { bytes: vec![0; from.version.least_offset()] };
    let dim = [3, shape[0], shape[1], shape[2], 1, 1, 1, 1].map(|n| n as i64);
    // Voxel sizes and qfac stay; there is no fourth axis to have a size.
    let pixdim: Vec<f64> = (0..8).map(|i| if i < 4 { from.pixdim[i] } else { 0.0 }).collect();
    let space_unit = from.xyzt_units & 0x07;
    let cal_max = options.cal_max.unwrap_or(0.0);
    match from.version {
        Version::One => {
            to.put(0, 348_i32.to_le_bytes());
            to.put(38, [b'r']);
            to.put_all(40, dim.map(|n| (n as i16).to_le_bytes()));
            to.put(70, 16_i16.to_le_bytes());
            to.put(72, 32_i16.to_le_bytes());
            to.put_all(76, pixdim.iter().map(|&v| single(v)));
            to.put(108, 352_f32.to_le_bytes());
            to.put(112, 1_f32.to_le_bytes());
            to.put(123, [space_unit as u8]);
            to.put(124, cal_max.to_le_bytes());
            to.put_text(148, 80, &options.description);
            to.put(252, (from.qform_code as i16).to_le_bytes());
            to.put(254, (from.sform_code as i16).to_le_bytes());
            to.put_all(256, from.quatern.map(single));
            to.put_all(268, from.qoffset.map(single));
            to.put_all(280, from.srow.iter().flatten().map(|&v| single(v)));
            to.put_text(328, 16, &options.intent_name);
            to.put(344, *b"n+1\0");
        }
        Version::Two => {
            to.put(0, 540_i32.to_le_bytes());
            to.put(4, *b"n+2\0\r\n\x1a\n");
            to.put(12, 16_i16.to_le_bytes());
            to.put(14, 32_i16.to_le_bytes());
            to.put_all(16, dim.map(i64::to_le_bytes));
            to.put_all(104, pixdim.iter().map(|v| v.to_le_bytes()));
            to.put(168, 544_i64.to_le_bytes());
            to.put(176, 1_f64.to_le_bytes());
            to.put(192, f64::from(cal_max).to_le_bytes());
            to.put_text(240, 80, &options.description);
            to.put(344, from.qform_code.to_le_bytes());
            to.put(348, from.sform_code.to_le_bytes());
            to.put_all(352, from.quatern.map(f64::to_le_bytes));
            to.put_all(376, from.qoffset.map(f64::to_le_bytes));
            to.put_all(400, from.srow.iter().flatten().map(|v| v.to_le_bytes()));
            to.put(500, space_unit.to_le_bytes());
            to.put_text(508, 16, &options.intent_name);
        }
    }
    to.bytes
}

/// A NIfTI-1 number; it was read from one, so nothing is lost.
fn single(value: f64) -> [u8; 4] {
    (value as f32).to_le_bytes()
}

struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    fn put<const N: usize>(&mut self, at: usize, field: [u8; N]) {
        self.bytes[at..at + N].copy_from_slice(&field);
    }

    fn put_all<const N: usize>(&mut self, at: usize, fields: impl IntoIterator<Item = [u8; N]>) {
        for (i, field) in fields.into_iter().enumerate() {
            self.put(at + i * N, field);
        }
    }

    /// Text that leaves at least one 0 at the end of its field, cut between characters.
    fn put_text(&mut self, at: usize, field_bytes: usize, text: &str) {
        let kept = &text.as_bytes()[..text.floor_char_boundary(field_bytes - 1)];
        self.bytes[at..at + kept.len()].copy_from_slice(kept);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ndarray::Array3;

    use super::{MapOptions, write_map};
    use crate::dtype::DType;
    use crate::nifti::header::Version;
    use crate::nifti::open;
    use crate::nifti::testing::{Folder, Image, drain, open_as};

    fn oblique(version: Version, big_endian: bool) -> Image {
        let mut image = Image::new(version, big_endian);
        let (codes, width, quatern, srow, size) = match version {
            Version::One => ([252, 254], 2, 256, 280, 4),
            Version::Two => ([344, 348], 4, 352, 400, 8),
        };
        image.int(codes[0], width, 2);
        image.int(codes[1], width, 4);
        for (i, v) in [0.1, 0.2, 0.3, -90.0, -91.5, 17.25].into_iter().enumerate() {
            image.float(quatern + i * size, v);
        }
        for (i, v) in (0..12).map(|i| f64::from(i * i + 1)).enumerate() {
            image.float(srow + i * size, v);
        }
        image.pixdim(&[-1.0]);
        image
    }

    #[test]
    fn a_map_lies_where_its_run_lies() {
        let folder = Folder::new();
        let map = Array3::from_shape_fn((2, 3, 2), |(x, y, z)| (x + 10 * y + 100 * z) as f64 + 0.1);
        for (version, big_endian) in [
            (Version::One, false),
            (Version::One, true),
            (Version::Two, false),
            (Version::Two, true),
        ] {
            let run = open_as("x.nii", &oblique(version, big_endian).bytes).unwrap();
            for name in ["m.nii", "m.nii.gz"] {
                let options = MapOptions {
                    intent_name: "tsnr".to_owned(),
                    description: "é".repeat(60),
                    cal_max: Some(99.5),
                    overwrite: true,
                };
                write_map(folder.path(name), &run, map.view(), options).unwrap();
                let written = open(folder.path(name)).unwrap();
                assert_eq!(written.shape(), [2, 3, 2, 1]);
                assert_eq!(written.source().dtype(), DType::F32);
                assert_eq!(written.info().geometry, run.info().geometry);
                assert!(written.info().scaling.is_identity());
                let origin = &written.info().origin;
                assert_eq!((origin.format, origin.big_endian), (version.format(), false));
                assert_eq!(origin.dim, [3, 2, 3, 2, 1, 1, 1, 1]);
                assert_eq!(written.info().header.len(), version.least_offset());
                let (bytes, _) = drain(&written, false).unwrap();
                let want: Vec<u8> =
                    map.t().iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
                assert_eq!(bytes, want);
            }
        }
    }

    #[test]
    fn the_nifti_crate_finds_every_field_of_a_map() {
        let folder = Folder::new();
        let run = open_as("x.nii", &oblique(Version::One, true).bytes).unwrap();
        let options = MapOptions {
            intent_name: "a name that is too long".to_owned(),
            description: "tsnr ddof 0".to_owned(),
            cal_max: Some(99.5),
            overwrite: false,
        };
        write_map(folder.path("m.nii"), &run, Array3::zeros((2, 3, 2)).view(), options).unwrap();
        let header = ::nifti::NiftiHeader::from_file(folder.path("m.nii")).unwrap();
        assert_eq!((header.datatype, header.bitpix, header.vox_offset), (16, 32, 352.0));
        assert_eq!((header.scl_slope, header.scl_inter), (1.0, 0.0));
        assert_eq!((header.cal_min, header.cal_max), (0.0, 99.5));
        assert_eq!(header.pixdim, [-1.0, 3.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!((header.qform_code, header.sform_code, header.xyzt_units), (2, 4, 2));
        assert_eq!((header.quatern_d, header.quatern_z), (0.3, 17.25));
        assert_eq!(header.srow_y, [17.0, 26.0, 37.0, 50.0]);
        assert_eq!(&header.intent_name, b"a name that is \0");
        assert!(header.descrip.starts_with(b"tsnr ddof 0\0"));
        assert_eq!((header.slice_duration, header.toffset, header.dim_info), (0.0, 0.0, 0));
    }

    #[test]
    fn a_map_of_another_shape_is_refused_and_nothing_is_written() {
        let folder = Folder::new();
        let run = open_as("x.nii", &Image::v1().bytes).unwrap();
        let map = Array3::zeros((2, 3, 3));
        let options = MapOptions::default();
        assert!(write_map(folder.path("m.nii"), &run, map.view(), options.clone()).is_err());
        assert!(folder.names().is_empty());
        let path = folder.write("m.nii", b"mine");
        let map = Array3::zeros((2, 3, 2));
        assert!(write_map(&path, &run, map.view(), options).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}
