//! N54 to N63: what does a stored number mean?

use std::fs;

use serde_json::Value;
use voxstore::{Session, concatenate, nifti};

use crate::case::{Case, run, values, values_of};
use crate::files::Nifti;

fn scaled(slope: f64, inter: f64) -> Nifti {
    Nifti { slope, inter, ..run() }
}

#[test]
fn n54_a_slope_of_1_and_an_intercept_of_0_leave_integers_as_they_are() {
    let opened = Case::of("N54", "1, 0", &scaled(1.0, 0.0)).reads();
    assert!(opened.info().scaling.is_identity());
    assert_eq!(opened.lazy().dtype().name(), "int16");
    let text = fs::read_to_string(opened.group.join("0/zarr.json")).unwrap();
    assert!(!text.contains("scale_factor") && !text.contains("add_offset"), "{text}");
}

#[test]
fn n55_a_slope_of_0_means_unscaled_and_takes_the_intercept_with_it() {
    for inter in [0.0, 7.0, f64::NAN] {
        let opened = Case::of("N55", &format!("0, {inter}"), &scaled(0.0, inter)).reads();
        let scaling = opened.info().scaling;
        assert_eq!((scaling.slope, scaling.inter, scaling.header_slope), (1.0, 0.0, 0.0));
    }
}

#[test]
fn n56_a_slope_that_is_no_number_means_unscaled_with_a_warning() {
    for slope in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for inter in [7.0, f64::NAN] {
            let case = Case::of("N56", &format!("{slope:?}, {inter:?}"), &scaled(slope, inter));
            assert!(case.warns(&["N56"]).info().scaling.is_identity());
        }
    }
}

#[test]
fn n57_a_good_slope_with_an_intercept_that_is_no_number_is_refused() {
    for (inter, found) in [(f64::NAN, "scl_inter is NaN"), (f64::INFINITY, "scl_inter is inf")] {
        let case =
            Case::file("N57", &format!("2, {inter}"), "run.nii", &scaled(2.0, inter).bytes());
        case.refused(&[found, "a finite number", "scl_slope is 2"]);
    }
}

#[test]
fn n58_values_are_scaled_in_float64_with_a_rounding_each() {
    for (slope, inter) in
        [(0.5, 10.0), (-2.0, 300.0), (0.1, -5.0), (1e-30, 0.0), (1.0, 5.0), (1e-3, 1e4)]
    {
        let opened =
            Case::of("N58", &format!("{slope:?}, {inter:?}"), &scaled(slope, inter)).reads();
        assert_eq!(opened.lazy().dtype().name(), "float64");
        let two = scaled(slope, inter).version_two();
        Case::of("N58", &format!("{slope:?}, {inter:?}, NIfTI-2"), &two).reads();
    }
}

#[test]
fn n59_floats_are_scaled_too() {
    let file = scaled(0.5, 10.0);
    Case::of("N59", "float32, 0.5, 10", &file.clone().of_type(16, 4)).reads();
    Case::of("N59", "float64, 0.5, 10", &file.of_type(64, 8)).reads();
}

#[test]
fn n60_a_slope_that_takes_values_beyond_float32_gives_float64() {
    let opened = Case::of("N60", "1e38 of uint8", &scaled(1e38, 0.0).of_type(2, 1)).reads();
    let largest = values_of(&opened).into_iter().fold(0.0, f64::max);
    assert!(largest > f64::from(f32::MAX) && largest.is_finite(), "{largest}");
}

#[test]
fn n61_a_slope_of_float32_is_widened_and_stored_in_the_digits_that_give_it_back() {
    let opened = Case::of("N61", "0.1", &scaled(0.1, 1.1)).reads();
    let widened = (f64::from(0.1_f32), f64::from(1.1_f32));
    assert_eq!((opened.info().scaling.slope, opened.info().scaling.inter), widened);

    let group = fs::read_to_string(opened.group.join("zarr.json")).unwrap();
    let array = fs::read_to_string(opened.group.join("0/zarr.json")).unwrap();
    assert!(group.contains("0.10000000149011612") && array.contains("0.10000000149011612"));
    let array: Value = serde_json::from_str(&array).unwrap();
    let attributes = &array["attributes"];
    let stored = (attributes["scale_factor"].as_f64(), attributes["add_offset"].as_f64());
    assert_eq!(stored, (Some(widened.0), Some(widened.1)));
}

#[test]
fn n62_each_run_is_scaled_by_its_own_slope_before_they_are_joined() {
    let (a, b) = (scaled(0.5, 10.0), Nifti { seed: 2, ..scaled(-2.0, 300.0) });
    let first = Case::of("N62", "0.5, 10", &a).reads();
    let second = Case::gzip("N62", "-2, 300, gzip", &b).reads();
    let joined = concatenate(&[first.lazy(), second.lazy()], -1);
    let found = Session::default().compute::<f64>(&joined.mean(-1)).unwrap();
    let (a, b) = (values(&a), values(&b));
    for (voxel, &found) in found.reversed_axes().iter().enumerate() {
        let of = |values: &[f64]| -> f64 { values.iter().skip(voxel).step_by(60).sum() };
        let expected = (of(&a) + of(&b)) / 12.0;
        // The values are multiples of a half, so every sum is exact; the mean is rounded once or twice.
        assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(), "voxel {voxel}");
    }
}

#[test]
fn n63_nan_and_infinite_voxels_are_stored_bit_for_bit() {
    let file = run().of_type(16, 4);
    let mut bytes = file.bytes();
    // A NaN with a payload of its own, a negative one, both infinities, a negative zero.
    let odd = [0x7fc1_2345_u32, 0xffc0_0001, 0x7f80_0000, 0xff80_0000, 0x8000_0000];
    let mut truth = values(&file);
    for (voxel, bits) in odd.into_iter().enumerate() {
        bytes[352 + 4 * voxel..][..4].copy_from_slice(&bits.to_le_bytes());
        truth[voxel] = f64::from(f32::from_bits(bits));
    }
    let case = Case::file("N63", "NaN, infinities, -0", "run.nii", &bytes).truth(truth);
    let opened = case.reads();
    let stored = opened.stored();
    let folder = tempfile::tempdir().unwrap();
    let back = folder.path().join("back.nii");
    nifti::export(&stored, &back, false, &Session::default()).unwrap();
    assert_eq!(fs::read(back).unwrap(), bytes);
}
