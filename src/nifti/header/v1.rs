//! Where are the fields of a NIfTI-1 header?
//!
//! The `nifti` crate knows; this hands its result on as a [`Header`]. Byte order, magic and `dim[0]`
//! were checked on the raw bytes before, so its guess of the byte order cannot differ from ours.

use ::nifti::NiftiHeader;

use super::{Header, Version};

/// Decodes the 348 bytes at the front of `bytes`.
///
/// # Errors
/// The text of what the `nifti` crate objects to.
pub(super) fn decode(bytes: &[u8], big_endian: bool, single_file: bool) -> Result<Header, String> {
    let h = NiftiHeader::from_reader(bytes).map_err(|e| e.to_string())?;
    Ok(Header {
        version: Version::One,
        big_endian,
        single_file,
        // The crate reads dim as unsigned; the format says signed.
        dim: h.dim.map(|n| i64::from(n.cast_signed())),
        datatype: h.datatype,
        bitpix: h.bitpix,
        pixdim: h.pixdim.map(f64::from),
        vox_offset: h.vox_offset.into(),
        scl_slope: h.scl_slope.into(),
        scl_inter: h.scl_inter.into(),
        xyzt_units: h.xyzt_units.into(),
        toffset: h.toffset.into(),
        qform_code: h.qform_code.into(),
        sform_code: h.sform_code.into(),
        quatern: [h.quatern_b, h.quatern_c, h.quatern_d].map(f64::from),
        qoffset: [h.quatern_x, h.quatern_y, h.quatern_z].map(f64::from),
        srow: [h.srow_x, h.srow_y, h.srow_z].map(|row| row.map(f64::from)),
    })
}
