//! N22 to N29: where do the voxels start?

use crate::case::{Case, run, values};
use crate::files::{Nifti, gzipped};

fn at(offset: f64) -> Nifti {
    Nifti { offset, ..run() }
}

#[test]
fn n22_voxels_follow_the_header_and_its_extender() {
    Case::of("N22", "352", &run()).reads();
    Case::of("N22", "544 in NIfTI-2", &run().version_two()).reads();
}

#[test]
fn n23_padding_without_extensions_is_passed_over() {
    for offset in [368.0, 4096.0, 524_288.0] {
        let opened = Case::of("N23", &format!("{offset}"), &at(offset)).reads();
        assert_eq!(opened.info().header.len() as f64, offset);
        Case::gzip("N23", &format!("{offset}, gzip"), &at(offset)).reads();
    }
    Case::of("N23", "560 in NIfTI-2", &Nifti { offset: 560.0, ..run().version_two() }).reads();
}

#[test]
fn n24_an_offset_of_0_in_a_single_file_is_refused() {
    let words = ["vox_offset is 0", "a whole number from 352 to 16777216"];
    Case::of("N24", "0", &at(0.0)).refused(&words);
    Case::gzip("N24", "0, gzip", &at(0.0)).refused(&words);
    let two = Nifti { offset: 0.0, ..run().version_two() };
    Case::of("N24", "0 in NIfTI-2", &two).refused(&["vox_offset is 0", "from 544 to"]);
}

#[test]
fn n25_an_offset_within_the_header_is_refused() {
    for offset in [1.0, 348.0, 351.0] {
        let found = format!("vox_offset is {offset}");
        let words = [found.as_str(), "a whole number from 352 to 16777216"];
        Case::of("N25", &format!("{offset}"), &at(offset)).refused(&words);
    }
    let two = Nifti { offset: 352.0, ..run().version_two() };
    Case::of("N25", "352 in NIfTI-2", &two).refused(&["vox_offset is 352", "from 544 to"]);
}

#[test]
fn n26_an_offset_that_is_no_multiple_of_16_is_used_as_it_is() {
    for offset in [353.0, 360.0] {
        Case::of("N26", &format!("{offset}"), &at(offset)).warns(&["N26"]);
        Case::gzip("N26", &format!("{offset}, gzip"), &at(offset)).warns(&["N26"]);
    }
    // Elements of 8 bytes at an odd place in the file.
    let file = at(353.0).of_type(64, 8);
    Case::of("N26", "353, float64", &file).warns(&["N26"]);
}

#[test]
fn n27_an_offset_that_is_no_whole_number_is_refused() {
    Case::of("N27", "352.5", &at(352.5)).refused(&["vox_offset is 352.5", "a whole number"]);
}

#[test]
fn n28_an_offset_that_is_no_place_in_a_file_is_refused() {
    for (offset, found) in [
        (f64::NAN, "vox_offset is NaN"),
        (f64::INFINITY, "vox_offset is inf"),
        (-352.0, "vox_offset is -352"),
        (1e30, "vox_offset is 1"),
    ] {
        let case = Case::of("N28", &format!("{offset:?}"), &at(offset));
        case.refused(&[found, "expected a whole number from 352"]);
    }
    let mut bytes = run().bytes();
    bytes[108..112].copy_from_slice(&4096_f32.to_le_bytes());
    let case = Case::file("N28", "beyond the end", "run.nii", &bytes);
    case.truth(values(&run())).refused(&["1072 bytes", "vox_offset 4096", "cut short"]);
    let case = Case::file("N28", "beyond the end, gzip", "run.nii.gz", &gzipped(&bytes));
    case.truth(values(&run())).refused(&["vox_offset 4096", "cut short"]);
}

#[test]
fn n29_an_offset_beyond_what_float32_counts_in_ones_is_refused() {
    for offset in [16_777_218.0, 3e9] {
        let found = format!("vox_offset is {offset}");
        let mut bytes = run().bytes();
        bytes[108..112].copy_from_slice(&(offset as f32).to_le_bytes());
        let case = Case::file("N29", &format!("{offset}"), "run.nii", &bytes);
        case.refused(&[&found, "from 352 to 16777216"]);
    }
}
