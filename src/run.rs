//! What is a run besides its voxels?
//!
//! A [`Run`] pairs a voxel [`Source`] with the facts a scanner file carries: where the voxels lie
//! (affine), when (TR), what a stored number means (slope/inter), and the header it came with.
//! `nifti` and `store` both make runs; everything else takes them without asking which. Reads and
//! writes nothing itself.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::dtype::DType;
use crate::source::Source;
pub use crate::source::Warning;

/// A 4-D acquisition (or 3-D, then of one volume): voxels `(x, y, z, t)` and what they mean.
#[derive(Clone)]
pub struct Run {
    source: Arc<dyn Source>,
    info: Arc<RunInfo>,
}

impl Run {
    /// A run of these voxels and facts.
    pub fn new(source: Arc<dyn Source>, info: RunInfo) -> Self {
        Self { source, info: Arc::new(info) }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// Lengths of `(x, y, z, t)`.
    pub fn shape(&self) -> &[u64] {
        self.source.shape()
    }

    /// The stored voxels, unscaled.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Everything else.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("name", &self.name())
            .field("shape", &self.shape())
            .field("dtype", &self.source.dtype())
            .field("scaling", &self.info.scaling)
            .finish_non_exhaustive()
    }
}

/// The facts of a run that are not voxels.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// Voxel indices to millimetres.
    pub geometry: Geometry,
    /// Seconds from volume to volume, where known.
    pub timing: Timing,
    /// Stored numbers to true values.
    pub scaling: Scaling,
    /// The source file's bytes before its first voxel (header, extender, extensions), untouched and
    /// inflated; of a pair, all bytes of the `.hdr` and then those before the first voxel of the `.img`.
    pub header: Arc<[u8]>,
    /// The file the voxels come from.
    pub origin: Origin,
    /// What BIDS sidecars say of the run, as parsed JSON: the one beside the file and, in a dataset, those it
    /// inherits, the nearest winning key by key. An empty object where there is none.
    pub sidecar: Map<String, Value>,
    /// The sidecars' paths below the dataset's root, with `/`, in the order they were merged in: the last
    /// wins. Of a file in no dataset the name of the one beside it.
    pub sidecar_files: Vec<String>,
    /// Untidy things that change no voxel and no place of a voxel.
    pub warnings: Vec<Warning>,
}

impl RunInfo {
    /// Lengths of x, y and z, as the header has them: the grid that the affine is true of.
    pub(crate) fn grid_shape(&self) -> [u64; 3] {
        [1, 2, 3].map(|axis| self.origin.dim[axis].unsigned_abs())
    }

    /// The same place without a TR: for what lies where the run does, but whose fourth axis is not the
    /// run's time, such as the bins of a histogram.
    #[must_use]
    pub fn without_time(&self) -> Self {
        let timing = Timing { tr_seconds: None, ..self.timing.clone() };
        Self { timing, ..self.clone() }
    }

    /// Bytes of memory that the header and the sidecars take.
    pub(crate) fn open_bytes(&self) -> u64 {
        let sidecar: usize = self.sidecar.iter().map(|(key, value)| entry_bytes(key, value)).sum();
        let files: usize = self.sidecar_files.iter().map(|f| size_of::<String>() + f.len()).sum();
        (self.header.len() + sidecar + files) as u64
    }
}

/// What the header of a run says of it: all of it follows from the header's bytes, the file's name and the
/// sidecar. `nifti` makes it, `store` compares it with what was recorded.
#[derive(Clone, Debug)]
pub(crate) struct HeaderFacts {
    /// Lengths of `(x, y, z, t)`.
    pub(crate) shape: [u64; 4],
    pub(crate) dtype: DType,
    /// What no header tells (size, time and digest of the file, sidecar, warnings) is as it was.
    pub(crate) info: RunInfo,
}

/// A named value with its node in a map: as much again as the two for the map's empty places.
fn entry_bytes(key: &str, value: &Value) -> usize {
    2 * (size_of::<String>() + size_of::<Value>()) + key.len() + value_bytes(value)
}

/// What lies behind a value; lists and texts may have grown to twice what is in them.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => 2 * text.len(),
        Value::Array(items) => {
            items.iter().map(|item| 2 * size_of::<Value>() + value_bytes(item)).sum()
        }
        Value::Object(fields) => fields.iter().map(|(key, value)| entry_bytes(key, value)).sum(),
    }
}

/// Where voxels lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    /// Rows of the 4x4 matrix from voxel index to millimetres; the last row is `0 0 0 1`.
    pub affine: [[f64; 4]; 4],
    /// What the affine was taken from: the header's `sform`, `qform` or `pixdim`; or an image's `ome` metadata.
    pub affine_source: &'static str,
    /// The header's `qform_code`.
    pub qform_code: i16,
    /// The header's `sform_code`.
    pub sform_code: i16,
    /// Voxel edge lengths in millimetres, always finite and above 0.
    pub zooms_mm: [f64; 3],
}

/// The largest distance between the places that two affines give the same corner of a grid; NaN where
/// an affine has one.
pub(crate) fn corner_distance_mm(shape: &[u64], a: &[[f64; 4]; 4], b: &[[f64; 4]; 4]) -> f64 {
    let mut largest = 0.0_f64;
    for corner in 0..8_u32 {
        let at: [f64; 4] = std::array::from_fn(|axis| match axis {
            3 => 1.0,
            _ if corner >> axis & 1 == 1 => shape[axis].saturating_sub(1) as f64,
            _ => 0.0,
        });
        let apart = |row: usize| (0..4).map(|j| (a[row][j] - b[row][j]) * at[j]).sum::<f64>();
        let squares: f64 = (0..3).map(|row| apart(row).powi(2)).sum();
        if squares.is_nan() {
            return f64::NAN;
        }
        largest = largest.max(squares.sqrt());
    }
    largest
}

/// When volumes were taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Repetition time; `None` where neither header nor sidecar tells.
    pub tr_seconds: Option<f64>,
    /// `header`, `sidecar`, `ome` or `unknown`.
    pub tr_source: &'static str,
    /// Time of the first volume, from toffset.
    pub start_seconds: f64,
    /// Echo time, from the sidecar.
    pub echo_time_seconds: Option<f64>,
    /// pixdim\[4\] as the header has it.
    pub header_pixdim4: f64,
    /// The header's time unit: `second`, `millisecond`, `microsecond`, `hertz`, ... or `unknown`.
    pub header_time_unit: &'static str,
}

/// True value = stored * slope + inter, by nibabel's rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// What to multiply by; 1 where the header's slope is 0 or not finite.
    pub slope: f64,
    /// What to add; 0 where the slope is not used.
    pub inter: f64,
    /// `scl_slope` as the header has it.
    pub header_slope: f64,
    /// `scl_inter` as the header has it.
    pub header_inter: f64,
}

impl Scaling {
    /// True when stored numbers are the true values.
    pub fn is_identity(&self) -> bool {
        self.slope == 1.0 && self.inter == 0.0
    }
}

/// The file, or the pair of files, a run's voxels come (or once came) from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// File name without folder; of a pair, that of its header.
    pub file_name: String,
    /// Of a pair: the name of the file its voxels are in.
    pub image_name: Option<String>,
    /// BIDS-like path hint: the folders above the file that look like `sub-*/ses-*/datatype`.
    pub bids_folder: Option<String>,
    /// Size of the file in bytes; of a pair, of both together.
    pub file_bytes: u64,
    /// Modification time, RFC 3339, UTC; of a pair, that of its image.
    pub modified: Option<String>,
    /// SHA-256 of the file in hex, of a pair that of the header's bytes and then the image's, as they
    /// lie on disk; known after a full pass or an ingest.
    pub sha256: Option<String>,
    /// `nifti1` or `nifti2`; `ome-zarr` where the header was made for an image without one.
    pub format: &'static str,
    /// True for a big-endian source.
    pub big_endian: bool,
    /// True when the source was gzip; of a pair, when its image was.
    pub gzip: bool,
    /// dim\[0..8\] of the header.
    pub dim: [i64; 8],
    /// NIfTI datatype code.
    pub datatype: i16,
}
