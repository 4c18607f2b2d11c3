//! How is a 3-D result written so that viewers lay it over its run?
//!
//! A float32 map with the run's grid and nothing that was true of the run only, put into a
//! [`NiftiSink`] plane by plane.

use std::path::{Path, PathBuf};

use bytemuck::cast_slice;
use ndarray::{ArrayView3, Axis};

use super::NiftiError;
use super::error::WriteFault;
use super::sink::{NiftiOptions, NiftiSink, Output};
use crate::dtype::DType;
use crate::grid::Region;
use crate::run::Run;
use crate::sink::Sink;

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
    options: &NiftiOptions,
) -> Result<(), NiftiError> {
    MapFile::create(path, options.overwrite)?.write(like, map, options)
}

/// A map that is to be written: what stands in its way is known before the map is computed.
///
/// ```no_run
/// use voxstore::nifti::{MapFile, NiftiOptions};
/// # let (runs, session) = (Vec::<voxstore::Run>::new(), voxstore::Session::default());
/// let file = MapFile::create("tsnr.nii.gz", false)?;
/// let result = voxstore::jobs::tsnr(&runs, Default::default(), &session)?;
/// file.write(&runs[0], result.map.view(), &NiftiOptions::default())?;
/// # Ok::<(), voxstore::Error>(())
/// ```
#[derive(Debug)]
pub struct MapFile {
    path: PathBuf,
    output: Output,
}

impl MapFile {
    /// Starts a file beside `path`, which is not touched. Dropped, it leaves nothing.
    ///
    /// # Errors
    /// When `path` exists and is not to be overwritten, has another ending than `.nii` or `.nii.gz`,
    /// or its folder cannot be written.
    pub fn create(path: impl AsRef<Path>, overwrite: bool) -> Result<Self, NiftiError> {
        let path = path.as_ref();
        Ok(Self { path: path.to_owned(), output: Output::create(path, overwrite)? })
    }

    /// Writes the map as [`write_map`] does. Whether a file is replaced was said in `create`.
    ///
    /// # Errors
    /// When the map's shape is not the run's, the name was taken meanwhile, or the file cannot be
    /// written.
    pub fn write(
        self,
        like: &Run,
        map: ArrayView3<'_, f64>,
        options: &NiftiOptions,
    ) -> Result<(), NiftiError> {
        let Self { path, output } = self;
        let shape: Vec<u64> = map.shape().iter().map(|&n| n as u64).collect();
        if shape != like.shape()[..3] {
            return Err(NiftiError::Length {
                path,
                found: format!("a map of {shape:?} voxels"),
                expected: format!("{:?}, as {} has", &like.shape()[..3], like.name()),
            });
        }
        let sink = output.sink(&path, &shape, DType::F32, Some(like.info()), options)?;
        put(sink, &shape, map).map_err(|fault| NiftiError::write(&path, fault))
    }
}

fn put(sink: NiftiSink, shape: &[u64], map: ArrayView3<'_, f64>) -> Result<(), WriteFault> {
    let rows = sink.block_shape()[1].max(1) as usize;
    let mut block: Vec<f32> = Vec::new();
    for (z, plane) in map.axis_iter(Axis(2)).enumerate() {
        for (at, part) in plane.axis_chunks_iter(Axis(1), rows).enumerate() {
            block.clear();
            // ndarray walks the last axis fastest; the file wants x fastest.
            block.extend(part.t().iter().map(|&value| value as f32));
            let start = vec![0, (at * rows) as u64, z as u64];
            let region = Region::new(start, vec![shape[0], part.len_of(Axis(1)) as u64, 1]);
            sink.take(&region, cast_slice(&block))?;
        }
    }
    sink.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use ndarray::Array3;

    use super::{NiftiOptions, write_map};
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
                let options = NiftiOptions {
                    intent_name: "tsnr".to_owned(),
                    description: "é".repeat(60),
                    cal_max: Some(99.5),
                    overwrite: true,
                };
                write_map(folder.path(name), &run, map.view(), &options).unwrap();
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
        let options = NiftiOptions {
            intent_name: "a name that is too long".to_owned(),
            description: "tsnr ddof 0".to_owned(),
            cal_max: Some(99.5),
            overwrite: false,
        };
        write_map(folder.path("m.nii"), &run, Array3::zeros((2, 3, 2)).view(), &options).unwrap();
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
        let options = NiftiOptions::default();
        assert!(write_map(folder.path("m.nii"), &run, map.view(), &options).is_err());
        assert!(folder.names().is_empty());
        let path = folder.write("m.nii", b"mine");
        let map = Array3::zeros((2, 3, 2));
        assert!(write_map(&path, &run, map.view(), &options).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}
