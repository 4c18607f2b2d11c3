//! N46 to N53: which kinds of numbers are read?

use std::collections::BTreeSet;

use voxstore::{Region, Session};

use crate::case::{Case, run, values};
use crate::files::{Nifti, TYPES};

#[test]
fn n46_every_type_of_one_real_number_is_read_in_both_byte_orders() {
    for (datatype, size, name) in TYPES {
        for big_endian in [false, true] {
            let file = Nifti { big_endian, ..run().of_type(datatype, size) };
            let what = format!("{name}, {}", if big_endian { "big" } else { "little" });
            let opened = Case::of("N46", &what, &file).reads();
            assert_eq!(opened.source().dtype().name(), name);
            Case::gzip("N46", &format!("{what}, gzip"), &file).reads();
        }
    }
}

#[test]
fn n47_a_bitpix_that_contradicts_the_datatype_does_not_count() {
    for bitpix in [0, 32, -16] {
        let file = run().field("bitpix", 0, f64::from(bitpix));
        Case::of("N47", &format!("bitpix {bitpix} of int16"), &file).warns(&["N47"]);
    }
}

#[test]
fn n48_types_that_are_none_are_refused() {
    for code in [0, 77, -4] {
        let file = run().field("datatype", 0, f64::from(code));
        let case = Case::file("N48", &format!("datatype {code}"), "run.nii", &file.bytes());
        case.refused(&[&format!("datatype is {code}"), "expected a NIfTI code: 2, 4, 8"]);
    }
    let case = Case::file("N48", "datatype 1", "run.nii", &run().of_type(1, 1).bytes());
    case.refused(&["single bits (datatype 1)", "convert it to uint8"]);
}

/// A file of a type that is wider than the builder's, with room for all its voxels.
fn wide(datatype: i16, size: usize) -> Vec<u8> {
    let file = run().of_type(datatype, size);
    let mut bytes = file.header();
    bytes.extend((0..360 * size).map(|i| (i % 61) as u8));
    bytes
}

#[test]
fn n49_floats_of_128_bits_are_refused() {
    for (datatype, size, what) in [(1536, 16, "float128"), (2048, 32, "complex256")] {
        let case = Case::file("N49", what, "run.nii", &wide(datatype, size));
        case.refused(&[&format!("datatype {datatype}"), "128-bit floats", "float64 first"]);
    }
}

#[test]
fn n50_complex_numbers_are_refused() {
    for (datatype, size, what) in [(32, 8, "complex64"), (1792, 16, "complex128")] {
        let case = Case::file("N50", what, "run.nii", &wide(datatype, size));
        case.refused(&[&format!("complex numbers (datatype {datatype})"), "write magnitude"]);
    }
}

#[test]
fn n51_colours_are_refused() {
    for (datatype, size, what) in [(128, 3, "RGB"), (2304, 4, "RGBA")] {
        let case = Case::file("N51", what, "run.nii", &wide(datatype, size));
        case.refused(&[&format!("RGB colours (datatype {datatype})"), "write one channel"]);
    }
}

#[test]
fn n52_integers_beyond_2_to_the_53rd_are_stored_and_summed_exactly() {
    for (datatype, what) in [(1024, "int64"), (1280, "uint64")] {
        let file = run().of_type(datatype, 8);
        let stored: Vec<i64> = file.samples().map(|v| (1 << 53) + v).collect();
        let voxels = stored.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let bytes = [file.header(), voxels.clone()].concat();
        let case = Case::file("N52", what, "run.nii", &bytes);
        let opened = case.truth(stored.iter().map(|&v| v as f64).collect()).reads();
        let mut found = vec![0; voxels.len()];
        opened.source().read(&Region::whole(opened.shape()), &mut found).unwrap();
        assert_eq!(found, voxels);

        let array = opened.lazy();
        let mean = Session::default().compute::<f64>(&array.mean(-1)).unwrap();
        for (voxel, &found) in mean.reversed_axes().iter().enumerate() {
            let sum: i128 = stored.iter().skip(voxel).step_by(60).map(|&v| i128::from(v)).sum();
            // Rounded once from the exact sum, and once by the division.
            assert_eq!(found, sum as f64 / 6.0, "voxel {voxel}");
        }
    }
}

#[test]
fn n53_numbers_are_never_narrowed() {
    let file = run().of_type(1024, 8);
    let stored: Vec<i64> = file.samples().map(|v| (1 << 40) + v).collect();
    let bytes = [file.header(), stored.iter().flat_map(|v| v.to_le_bytes()).collect()].concat();
    let case = Case::file("N53", "int64 beyond int32", "run.nii", &bytes);
    let opened = case.truth(stored.iter().map(|&v| v as f64).collect()).reads();
    assert_eq!(opened.source().dtype().name(), "int64");
    let array = opened.lazy();
    let refusals: BTreeSet<String> = [
        Session::default().compute::<i32>(&array).map(drop),
        Session::default().compute::<u8>(&array).map(drop),
        Session::default().compute::<f32>(&array).map(drop),
    ]
    .map(|computed| computed.unwrap_err().to_string())
    .into();
    assert_eq!(refusals.len(), 3, "{refusals:?}");
    assert!(refusals.iter().all(|text| text.contains("int64")), "{refusals:?}");
    assert_eq!(values(&file).len(), 360);
}
