//! N30 to N45: how many voxels are there, and can the file hold them?

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use ndarray::s;
use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::{Session, nifti};

use crate::case::{Case, run, values};
use crate::files::{Nifti, gzipped};

fn with(dim: [i64; 8]) -> Nifti {
    Nifti { dim, ..run() }
}

/// These dim above the voxels of [`run`].
fn claims(dim: [i64; 8]) -> Vec<u8> {
    [with(dim).header(), run().voxels()].concat()
}

#[test]
fn n30_no_axes_are_refused() {
    for (what, file) in [("dim[0] 0", run()), ("dim[0] 0, NIfTI-2", run().version_two())] {
        let file = Nifti { dim: [0, 5, 4, 3, 6, 1, 1, 1], ..file };
        let case = Case::file("N30", what, "run.nii", &file.bytes());
        case.refused(&["dim[0] is 0", "expected 1 to 7"]);
    }
}

#[test]
fn n31_a_number_of_axes_that_cannot_be_is_refused() {
    for axes in [-1, 8, 300] {
        let case = Case::file(
            "N31",
            &format!("dim[0] {axes}"),
            "run.nii",
            &claims([axes, 5, 4, 3, 6, 1, 1, 1]),
        );
        case.refused(&[&format!("dim[0] is {axes}"), "expected 1 to 7"]);
    }
}

#[test]
fn n32_an_axis_of_length_0_is_refused() {
    for axis in 1..=4 {
        let mut dim = run().dim;
        dim[axis] = 0;
        let case = Case::file("N32", &format!("dim[{axis}] 0"), "run.nii", &claims(dim));
        case.refused(&[&format!("dim[{axis}] is 0"), "expected at least 1"]);
    }
}

#[test]
fn n33_an_axis_of_negative_length_is_refused() {
    for axis in 1..=4 {
        let mut dim = run().dim;
        dim[axis] *= -1;
        let case = Case::file("N33", &format!("dim[{axis}] negative"), "run.nii", &claims(dim));
        case.refused(&[&format!("dim[{axis}] is {}", dim[axis]), "expected at least 1"]);
    }
}

#[test]
fn n34_what_lies_beyond_the_last_axis_does_not_count() {
    let case = Case::file("N34", "-7, 0, 99", "run.nii", &claims([4, 5, 4, 3, 6, -7, 0, 99]));
    let opened = case.truth(values(&run())).reads();
    assert_eq!(opened.shape(), [5, 4, 3, 6]);
    assert_eq!(opened.info().origin.dim, [4, 5, 4, 3, 6, -7, 0, 99]);
}

/// A run of one volume, read and refused by tSNR.
fn is_one_volume(case: Case) {
    let opened = case.reads();
    assert_eq!(opened.shape(), [5, 4, 3, 1]);
    let runs = [opened.run.clone()];
    let error = tsnr(&runs, TsnrOptions::default(), &Session::default()).unwrap_err().to_string();
    assert!(error.contains("run.nii: has 1 volume") && error.contains("at least 2"), "{error}");
}

#[test]
fn n35_three_axes_are_a_run_of_one_volume() {
    is_one_volume(Case::of("N35", "dim[0] 3", &with([3, 5, 4, 3, 1, 1, 1, 1])));
}

#[test]
fn n36_one_volume_is_a_run_that_has_no_tsnr() {
    is_one_volume(Case::of("N36", "dim[4] 1", &with([4, 5, 4, 3, 1, 1, 1, 1])));
}

#[test]
fn n37_further_axes_of_length_1_are_dropped_and_recorded() {
    for axes in 5..=7 {
        let file = with([axes, 5, 4, 3, 6, 1, 1, 1]);
        let opened = Case::of("N37", &format!("dim[0] {axes}"), &file).reads();
        assert_eq!(opened.shape(), [5, 4, 3, 6]);
        assert_eq!(opened.info().origin.dim, file.dim);
    }
}

#[test]
fn n38_time_in_the_fifth_axis_is_refused_with_what_to_do() {
    let file = with([5, 5, 4, 3, 1, 6, 1, 1]);
    let case = Case::of("N38", "5 x 4 x 3 x 1 x 6", &file);
    case.refused(&["5-D", "[5, 4, 3, 1, 6]", "if dim[5] is time"]);
}

#[test]
fn n39_five_axes_that_are_long_are_refused() {
    let case = Case::of("N39", "5 x 4 x 3 x 6 x 2", &with([5, 5, 4, 3, 6, 2, 1, 1]));
    case.refused(&["5-D", "[5, 4, 3, 6, 2]", "split it into 4-D files first"]);
    let case = Case::of("N39", "7 axes", &with([7, 5, 4, 3, 1, 1, 1, 6]));
    case.refused(&["7-D", "not supported", "split it into 4-D files first"]);
}

#[test]
fn n40_one_or_two_axes_are_no_run() {
    for (axes, dim) in [(1, [1, 360, 1, 1, 1, 1, 1, 1]), (2, [2, 5, 72, 1, 1, 1, 1, 1])] {
        let case = Case::of("N40", &format!("dim[0] {axes}"), &with(dim));
        case.refused(&[&format!("dim[0] is {axes}"), "expected 3 or 4"]);
    }
}

#[test]
fn n41_three_axes_with_a_length_for_a_fourth_are_three_and_what_is_left_over_is_said() {
    let case =
        Case::file("N41", "dim[0] 3, dim[4] 6", "run.nii", &claims([3, 5, 4, 3, 6, 1, 1, 1]));
    let first = values(&run())[..60].to_vec();
    let opened = case.truth(first).warns(&["N82"]);
    assert_eq!(opened.shape(), [5, 4, 3, 1]);
    let said = &opened.info().warnings[0].message;
    assert!(said.contains("5 more volumes"), "{said}");
}

#[test]
fn n42_freesurfer_surfaces_are_refused_by_name() {
    let case = Case::file("N42", "dim[1] -1", "run.nii", &claims([4, -1, 1, 1, 6, 1, 1, 1]));
    case.refused(&["FreeSurfer surface data", "-1", "give a volume file"]);
    let file = with([3, 27307, 1, 6, 1, 1, 1, 1]);
    let case = Case::of("N42", "27307 x 1 x 6", &file);
    case.refused(&["FreeSurfer surface data", "27307", "give a volume file"]);
}

#[test]
fn n43_a_claim_that_a_plain_file_cannot_hold_is_refused_before_memory_is_taken() {
    let most = [4, 32767, 32767, 32767, 32767, 1, 1, 1];
    let case = Case::file("N43", "2 EiB", "run.nii", &claims(most));
    case.refused(&["32767 x 32767 x 32767 x 32767 voxels", "1072 bytes", "header is wrong"]);
    let overflow = Nifti { dim: [4, i64::MAX, i64::MAX, i64::MAX, 2, 1, 1, 1], ..run() };
    let header = overflow.version_two().header();
    for (name, bytes) in [("run.nii", header.clone()), ("run.nii.gz", gzipped(&header))] {
        let case = Case::file("N43", &format!("overflow, {name}"), name, &bytes);
        case.refused(&["dim is [4, 9223372036854775807", "8 EiB"]);
    }
}

#[test]
fn n44_a_claim_that_no_gzip_of_that_size_can_hold_is_refused_before_memory_is_taken() {
    for (what, dim) in [
        ("2 EiB", [4, 32767, 32767, 32767, 32767, 1, 1, 1]),
        ("2 GiB", [4, 1024, 1024, 1024, 1, 1, 1, 1]),
    ] {
        let case = Case::file("N44", what, "run.nii.gz", &gzipped(&claims(dim)));
        case.refused(&["the most that", "gzip bytes can inflate to", "cut short"]);
    }
}

#[test]
fn n45_a_run_larger_than_memory_is_read_where_it_is_asked_for() {
    // 1 TiB of voxels in a sparse file; the last volume holds numbers.
    let file = with([4, 1024, 1024, 512, 1024, 1, 1, 1]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.nii");
    fs::write(&path, file.header()).unwrap();
    let (volume_bytes, volumes) = (1_u64 << 30, 1024);
    let sparse = File::options().write(true).open(&path).unwrap();
    if sparse.set_len(352 + volumes * volume_bytes).is_err() {
        // A file system that has no files so long cannot hold such a run either.
        return;
    }
    let last = 352 + (volumes - 1) * volume_bytes;
    sparse.write_all_at(&77_i16.to_le_bytes(), last + 2 * 1024 * 1024 * 511).unwrap();

    let opened = nifti::open(&path).unwrap();
    let session = Session::builder().memory("64MiB").build().unwrap();
    let slice = opened.lazy().slice(s![.., .., 511, 1020..]);
    let found = session.compute::<f64>(&slice.mean(-1)).unwrap();
    assert_eq!((found[[0, 0]], found[[1, 0]]), (77.0 / 4.0, 0.0));
}
