//! Which field of a header is a byte in?
//!
//! Names of the specifications' `nifti1.h` and `nifti2.h`, for messages. Decodes nothing.

use super::header::Version;

/// The field that this byte of a file of this format (`nifti1` or `nifti2`) lies in.
pub(crate) fn field_at(format: &str, byte: usize) -> &'static str {
    let table = if format == Version::Two.format() { &TWO[..] } else { &ONE[..] };
    table.iter().rev().find(|(start, _)| *start <= byte).map_or("", |(_, name)| name)
}

/// First bytes of the fields, in order.
const ONE: [(usize, &str); 43] = [
    (0, "sizeof_hdr"),
    (4, "data_type"),
    (14, "db_name"),
    (32, "extents"),
    (36, "session_error"),
    (38, "regular"),
    (39, "dim_info"),
    (40, "dim"),
    (56, "intent_p1"),
    (60, "intent_p2"),
    (64, "intent_p3"),
    (68, "intent_code"),
    (70, "datatype"),
    (72, "bitpix"),
    (74, "slice_start"),
    (76, "pixdim"),
    (108, "vox_offset"),
    (112, "scl_slope"),
    (116, "scl_inter"),
    (120, "slice_end"),
    (122, "slice_code"),
    (123, "xyzt_units"),
    (124, "cal_max"),
    (128, "cal_min"),
    (132, "slice_duration"),
    (136, "toffset"),
    (140, "glmax"),
    (144, "glmin"),
    (148, "descrip"),
    (228, "aux_file"),
    (252, "qform_code"),
    (254, "sform_code"),
    (256, "quatern_b"),
    (260, "quatern_c"),
    (264, "quatern_d"),
    (268, "qoffset"),
    (280, "srow_x"),
    (296, "srow_y"),
    (312, "srow_z"),
    (328, "intent_name"),
    (344, "magic"),
    (348, "extender"),
    (352, "extensions"),
];

const TWO: [(usize, &str); 37] = [
    (0, "sizeof_hdr"),
    (4, "magic"),
    (12, "datatype"),
    (14, "bitpix"),
    (16, "dim"),
    (80, "intent_p1"),
    (88, "intent_p2"),
    (96, "intent_p3"),
    (104, "pixdim"),
    (168, "vox_offset"),
    (176, "scl_slope"),
    (184, "scl_inter"),
    (192, "cal_max"),
    (200, "cal_min"),
    (208, "slice_duration"),
    (216, "toffset"),
    (224, "slice_start"),
    (232, "slice_end"),
    (240, "descrip"),
    (320, "aux_file"),
    (344, "qform_code"),
    (348, "sform_code"),
    (352, "quatern_b"),
    (360, "quatern_c"),
    (368, "quatern_d"),
    (376, "qoffset"),
    (400, "srow_x"),
    (432, "srow_y"),
    (464, "srow_z"),
    (496, "slice_code"),
    (500, "xyzt_units"),
    (504, "intent_code"),
    (508, "intent_name"),
    (524, "dim_info"),
    (525, "unused_str"),
    (540, "extender"),
    (544, "extensions"),
];

#[cfg(test)]
mod tests {
    use super::field_at;

    #[test]
    fn bytes_lie_in_the_fields_of_their_format() {
        let cases = [
            ("nifti1", 0, "sizeof_hdr"),
            ("nifti1", 54, "dim"),
            ("nifti1", 115, "scl_slope"),
            ("nifti1", 347, "magic"),
            ("nifti1", 4000, "extensions"),
            ("nifti2", 4, "magic"),
            ("nifti2", 183, "scl_slope"),
            ("nifti2", 543, "extender"),
            ("nifti2", 544, "extensions"),
        ];
        for (format, byte, name) in cases {
            assert_eq!(field_at(format, byte), name, "{format} {byte}");
        }
    }
}
