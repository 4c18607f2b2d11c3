//! Where are the fields of a NIfTI-2 header?
//!
//! Offsets follow the specification's `nifti2.h`. Checks nothing: that was done on the way here.

use super::{Header, Version, bytes_at};

/// Decodes the 540 bytes at the front of `bytes`.
pub(super) fn decode(bytes: &[u8], big_endian: bool, single_file: bool) -> Header {
    let fields = Fields { bytes, big_endian };
    Header {
        version: Version::Two,
        big_endian,
        single_file,
        dim: fields.many(16, Fields::int64),
        datatype: fields.int16(12),
        bitpix: fields.int16(14),
        pixdim: fields.many(104, Fields::float64),
        vox_offset: fields.int64(168) as f64,
        scl_slope: fields.float64(176),
        scl_inter: fields.float64(184),
        xyzt_units: fields.int32(500),
        toffset: fields.float64(216),
        qform_code: fields.int32(344),
        sform_code: fields.int32(348),
        quatern: fields.many(352, Fields::float64),
        qoffset: fields.many(376, Fields::float64),
        srow: [400, 432, 464].map(|at| fields.many(at, Fields::float64)),
    }
}

struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn raw<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut field = bytes_at::<N>(self.bytes, at);
        if self.big_endian {
            field.reverse();
        }
        field
    }

    fn int16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.raw(at))
    }

    fn int32(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.raw(at))
    }

    fn int64(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.raw(at))
    }

    fn float64(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.raw(at))
    }

    /// `N` fields of 8 bytes in a row.
    fn many<T, const N: usize>(&self, at: usize, one: impl Fn(&Self, usize) -> T) -> [T; N] {
        std::array::from_fn(|i| one(self, at + 8 * i))
    }
}
