//! Odd files of other projects, and one real run stored in many ways: the rows they are examples of.
//! That their voxels are right is for `tests/real_data.rs` to say, which has numbers of numpy.

use std::path::Path;

use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::{Run, Session, nifti};

use crate::real::data;

/// Opens a file below the data's folder that is to have just these warnings.
#[track_caller]
fn opens(data: &Path, file: &str, codes: &[&str]) -> Run {
    let run = nifti::open(data.join(file)).unwrap_or_else(|error| panic!("{error}"));
    let found: Vec<&str> = run.info().warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(found, codes, "{file}: {:?}", run.info().warnings);
    run
}

/// A file that is refused with these words.
#[track_caller]
fn refuses(data: &Path, file: &str, words: &[&str]) {
    let error = nifti::open(data.join(file)).expect_err(file).to_string();
    for word in words.iter().chain([&file]) {
        assert!(error.contains(word), "no {word:?} in {error}");
    }
}

/// A file whose header is read and whose voxels are not.
#[track_caller]
fn breaks(data: &Path, file: &str, words: &[&str]) {
    let runs = [opens(data, file, &[])];
    let error = tsnr(&runs, TsnrOptions::default(), &Session::default()).expect_err(file);
    let error = error.to_string();
    for word in words {
        assert!(error.contains(word), "no {word:?} in {error}");
    }
}

const ONE_RUN: &str = "reencoded/task001_run001_bold_25mm";

#[test]
fn n02_real_big_endian_files_are_read() {
    let Some(data) = data("n02_real_big_endian_files_are_read") else { return };
    for file in ["_be.nii", "_be.nii.gz", "_nifti2_be.nii"] {
        assert!(opens(&data, &format!("{ONE_RUN}{file}"), &[]).info().origin.big_endian);
    }
    opens(&data, "odd/nifti-reader-js/big.nii.gz", &[]);
}

#[test]
fn n04_real_nifti_2_files_are_read() {
    let Some(data) = data("n04_real_nifti_2_files_are_read") else { return };
    let one_run = format!("{ONE_RUN}_nifti2.nii.gz");
    for file in ["odd/nifti-reader-js/avg152T1_LR_nifti2.nii.gz", &one_run] {
        assert_eq!(opens(&data, file, &[]).info().origin.format, "nifti2");
    }
}

#[test]
fn n06_real_junk_and_what_a_fuzzer_found_are_no_nifti_files() {
    let Some(data) = data("n06_real_junk_and_what_a_fuzzer_found_are_no_nifti_files") else {
        return;
    };
    for file in [
        "odd/nifti-reader-js/not-nifti.nii",
        "odd/nifti-rs/fuzz_artifacts/crash-1.nii",
        "odd/nifti-rs/fuzz_artifacts/crash-ed7d46344d7efb3b9f0c374d66d2e02f66cc447d.nii",
        "odd/nifti_clib/rand.hdr",
    ] {
        refuses(&data, file, &[]);
    }
}

#[test]
fn n07_a_real_analyze_header_is_refused() {
    let Some(data) = data("n07_a_real_analyze_header_is_refused") else { return };
    refuses(&data, "odd/analyzefmri/example.hdr", &["ANALYZE", "which side is left"]);
}

#[test]
fn n10_real_pairs_are_read() {
    let Some(data) = data("n10_real_pairs_are_read") else { return };
    let one_run = format!("{ONE_RUN}_pair.hdr");
    for (file, shape, codes) in [
        (&one_run[..], [6, 10, 10, 121], &[][..]),
        ("odd/analyzefmri/example-nifti.hdr", [53, 63, 46, 1], &[]),
        ("odd/nifti-reader-js/air.hdr.gz", [79, 67, 64, 1], &[]),
        ("odd/nifti-reader-js/air2.img.gz", [79, 67, 64, 1], &[]),
        ("odd/nifti-rs/minimal.img", [64, 64, 10, 1], &["N71"]),
    ] {
        assert_eq!(opens(&data, file, codes).shape(), shape, "{file}");
    }
    refuses(
        &data,
        "odd/nifti-rs/avg152T1_LR_nifti.hdr.gz",
        &["is not beside it", "put both files"],
    );
}

#[test]
fn n11_a_real_pair_of_which_only_the_image_is_gzip_is_read() {
    let Some(data) = data("n11_a_real_pair_of_which_only_the_image_is_gzip_is_read") else {
        return;
    };
    let run = opens(&data, "odd/nifti-rs/minimal2.hdr", &["N71"]);
    assert_eq!(run.shape(), [64, 64, 10, 1]);
    assert!(run.info().origin.gzip);
}

#[test]
fn n17_a_real_extension_is_kept() {
    let Some(data) = data("n17_a_real_extension_is_kept") else { return };
    let run = opens(&data, "odd/nifti-reader-js/with_extension.nii.gz", &[]);
    assert_eq!(run.info().header.len(), 736);
}

#[test]
fn n38_real_files_with_time_in_the_fifth_axis_are_refused() {
    let Some(data) = data("n38_real_files_with_time_in_the_fifth_axis_are_refused") else { return };
    for file in ["odd/nifti-reader-js/5D_small.nii", "odd/nifti_clib/e4.60005.nii.gz"] {
        refuses(&data, file, &["5-D", "dim[5] is time"]);
    }
}

#[test]
fn n39_real_files_of_five_and_more_axes_are_refused() {
    let Some(data) = data("n39_real_files_of_five_and_more_axes_are_refused") else { return };
    for (file, axes) in [
        ("ATestReferenceImageForReadingAndWriting.nii.gz", "5-D"),
        ("run.210.nii", "7-D"),
        ("Conte69.MyelinAndCorrThickness.32k_fs_LR.ptseries.nii", "6-D"),
    ] {
        refuses(&data, &format!("odd/nifti_clib/{file}"), &[axes, "split it"]);
    }
}

#[test]
fn n40_real_files_of_two_axes_are_refused() {
    let Some(data) = data("n40_real_files_of_two_axes_are_refused") else { return };
    for file in ["minimal_extended_hdr.nii", "complex/complex32.nii", "complex/complex64.nii"] {
        refuses(&data, &format!("odd/nifti-rs/{file}"), &["dim[0] is 2", "3 or 4"]);
    }
}

#[test]
fn n46_real_files_of_every_type_are_read() {
    let Some(data) = data("n46_real_files_of_every_type_are_read") else { return };
    for name in [
        "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32",
        "float64",
    ] {
        // Their header gives no unit of space.
        let run = opens(&data, &format!("odd/nifti-rs/27/{name}.nii"), &["N71"]);
        assert_eq!(run.source().dtype().name(), name);
    }
}

#[test]
fn n51_real_files_of_colours_are_refused() {
    let Some(data) = data("n51_real_files_of_colours_are_refused") else { return };
    for file in ["nifti-rs/rgb/3D.nii", "nifti-rs/rgb/4D.nii", "nifti-rs/rgba/4D.nii"] {
        refuses(&data, &format!("odd/{file}"), &["RGB colours"]);
    }
    refuses(&data, "odd/rnifti/example_rgb.nii.gz", &["RGB colours (datatype 128)"]);
}

#[test]
fn n55_a_real_run_with_a_slope_of_0_is_unscaled() {
    let Some(data) = data("n55_a_real_run_with_a_slope_of_0_is_unscaled") else { return };
    let run = opens(&data, &format!("{ONE_RUN}_slope0.nii.gz"), &[]);
    assert!(run.info().scaling.is_identity());
    assert_eq!(run.info().scaling.header_inter, 7.0);
}

#[test]
fn n81_a_real_run_that_was_cut_is_refused() {
    let Some(data) = data("n81_a_real_run_that_was_cut_is_refused") else { return };
    refuses(&data, &format!("{ONE_RUN}_truncated.nii"), &["144551", "145552", "cut short"]);
}

#[test]
fn n83_a_real_run_in_several_gzip_members_is_read() {
    let Some(data) = data("n83_a_real_run_in_several_gzip_members_is_read") else { return };
    let run = opens(&data, &format!("{ONE_RUN}_multimember.nii.gz"), &[]);
    assert!(tsnr(&[run], TsnrOptions::default(), &Session::default()).is_ok());
}

#[test]
fn n84_a_real_run_with_a_wrong_checksum_is_damaged() {
    let Some(data) = data("n84_a_real_run_with_a_wrong_checksum_is_damaged") else { return };
    breaks(&data, &format!("{ONE_RUN}_badcrc.nii.gz"), &["damaged", "_badcrc.nii.gz"]);
}

#[test]
fn n86_a_real_run_with_a_flipped_bit_is_damaged() {
    let Some(data) = data("n86_a_real_run_with_a_flipped_bit_is_damaged") else { return };
    breaks(&data, &format!("{ONE_RUN}_corrupt.nii.gz"), &["_corrupt.nii.gz"]);
}

#[test]
fn n87_a_real_run_that_was_cut_within_its_gzip_data_is_cut_short() {
    let test = "n87_a_real_run_that_was_cut_within_its_gzip_data_is_cut_short";
    let Some(data) = data(test) else { return };
    breaks(&data, &format!("{ONE_RUN}_truncated.nii.gz"), &["cut short", "_truncated.nii.gz"]);
}

#[test]
fn n88_a_real_run_with_zeros_after_its_gzip_data_is_read() {
    let Some(data) = data("n88_a_real_run_with_zeros_after_its_gzip_data_is_read") else { return };
    let runs = [opens(&data, &format!("{ONE_RUN}_trailing.nii.gz"), &[])];
    let done = tsnr(&runs, TsnrOptions::default(), &Session::default()).unwrap();
    assert!(done.warnings.is_empty(), "{:?}", done.warnings);
}
