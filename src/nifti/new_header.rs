//! What does the header of a computed array say?
//!
//! Its own shape and type; from a run on whose grid it lies, voxel sizes, qform and sform as they are;
//! and nothing that was true of the run's file only (slices, scaling, extensions). Always
//! little-endian, in the NIfTI version of the run, or 2 where an axis is too long for 1.

use super::header::{Header, Version};
use crate::dtype::DType;

/// The longest axis that NIfTI-1's int16 holds.
const LONGEST_V1: u64 = i16::MAX as u64;
/// `xyzt_units`: the part for space.
const SPACE_UNITS: i32 = 0x07;
/// `xyzt_units`: seconds.
const SECONDS: i32 = 8;

/// What is put into a new header.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewHeader<'a> {
    /// The header of the run on whose grid the first three axes are.
    pub(super) like: Option<&'a Header>,
    /// Lengths of 1 to 7 axes.
    pub(super) shape: &'a [u64],
    pub(super) dtype: DType,
    /// Of the fourth axis, where it is time.
    pub(super) tr_seconds: Option<f64>,
    pub(super) intent_name: &'a str,
    pub(super) description: &'a str,
    pub(super) cal_max: Option<f32>,
}

impl NewHeader<'_> {
    /// The version whose fields can hold the lengths.
    pub(super) fn version(&self) -> Version {
        if self.shape.iter().any(|&length| length > LONGEST_V1) {
            return Version::Two;
        }
        self.like.map_or(Version::One, |like| like.version)
    }

    /// All bytes before the voxels.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let version = self.version();
        let mut to = Fields { bytes: vec![0; version.least_offset()] };
        let dim = self.dim();
        let pixdim = self.pixdim();
        let units = self.units();
        let (code, bits) = (datatype(self.dtype), self.dtype.size() as i16 * 8);
        let cal_max = self.cal_max.unwrap_or(0.0);
        match version {
            Version::One => {
                to.put(0, 348_i32.to_le_bytes());
                to.put(38, [b'r']);
                to.put_all(40, dim.map(|n| (n as i16).to_le_bytes()));
                to.put(70, code.to_le_bytes());
                to.put(72, bits.to_le_bytes());
                to.put_all(76, pixdim.map(single));
                to.put(108, 352_f32.to_le_bytes());
                to.put(112, 1_f32.to_le_bytes());
                to.put(123, [units as u8]);
                to.put(124, cal_max.to_le_bytes());
                to.put_text(148, 80, self.description);
                if let Some(like) = self.like {
                    to.put(252, (like.qform_code as i16).to_le_bytes());
                    to.put(254, (like.sform_code as i16).to_le_bytes());
                    to.put_all(256, like.quatern.map(single));
                    to.put_all(268, like.qoffset.map(single));
                    to.put_all(280, like.srow.iter().flatten().map(|&v| single(v)));
                }
                to.put_text(328, 16, self.intent_name);
                to.put(344, *b"n+1\0");
            }
            Version::Two => {
                to.put(0, 540_i32.to_le_bytes());
                to.put(4, *b"n+2\0\r\n\x1a\n");
                to.put(12, code.to_le_bytes());
                to.put(14, bits.to_le_bytes());
                to.put_all(16, dim.map(i64::to_le_bytes));
                to.put_all(104, pixdim.map(f64::to_le_bytes));
                to.put(168, 544_i64.to_le_bytes());
                to.put(176, 1_f64.to_le_bytes());
                to.put(192, f64::from(cal_max).to_le_bytes());
                to.put_text(240, 80, self.description);
                if let Some(like) = self.like {
                    to.put(344, like.qform_code.to_le_bytes());
                    to.put(348, like.sform_code.to_le_bytes());
                    to.put_all(352, like.quatern.map(f64::to_le_bytes));
                    to.put_all(376, like.qoffset.map(f64::to_le_bytes));
                    to.put_all(400, like.srow.iter().flatten().map(|v| v.to_le_bytes()));
                }
                to.put(500, units.to_le_bytes());
                to.put_text(508, 16, self.intent_name);
            }
        }
        to.bytes
    }

    fn dim(&self) -> [i64; 8] {
        let mut dim = [1; 8];
        dim[0] = self.shape.len() as i64;
        for (to, &length) in dim[1..].iter_mut().zip(self.shape) {
            *to = length as i64;
        }
        dim
    }

    /// qfac and voxel sizes; the TR, or 0; 1 for axes beyond.
    fn pixdim(&self) -> [f64; 8] {
        std::array::from_fn(|i| match (i, self.like) {
            (0..4, Some(like)) => like.pixdim[i],
            (0..4, None) => 1.0,
            (4, _) => self.tr_seconds.unwrap_or(0.0),
            _ if i <= self.shape.len() => 1.0,
            _ => 0.0,
        })
    }

    fn units(&self) -> i32 {
        let space = self.like.map_or(0, |like| like.xyzt_units & SPACE_UNITS);
        space | if self.tr_seconds.is_some() { SECONDS } else { 0 }
    }
}

/// NIfTI's code of a type, `uint8` for `bool`; `layout` has the way back.
fn datatype(dtype: DType) -> i16 {
    match dtype {
        DType::Bool | DType::U8 => 2,
        DType::I16 => 4,
        DType::I32 => 8,
        DType::F32 => 16,
        DType::F64 => 64,
        DType::I8 => 256,
        DType::U16 => 512,
        DType::U32 => 768,
        DType::I64 => 1024,
        DType::U64 => 1280,
    }
}

/// A NIfTI-1 number; what was read from one loses nothing.
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
