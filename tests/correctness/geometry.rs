//! N64 to N73 and N80: where do voxels lie?

use voxstore::jobs::{TsnrOptions, tsnr};
use voxstore::{Geometry, Session, nifti};

use crate::case::{Case, run};
use crate::files::Nifti;

/// A run with neither transform.
fn bare() -> Nifti {
    run().field("sform_code", 0, 0.0)
}

/// A run whose only transform is a qform: its quaternion and its offset.
fn turned(quatern: [f64; 3], offset: [f64; 3]) -> Nifti {
    let mut file = bare().field("qform_code", 0, 1.0);
    for axis in 0..3 {
        file = file.field("quatern", axis, quatern[axis]).field("qoffset", axis, offset[axis]);
    }
    file
}

/// A run with this sform.
fn placed(rows: [[f64; 4]; 3]) -> Nifti {
    rows.into_iter().flatten().enumerate().fold(run(), |file, (i, v)| file.field("srow", i, v))
}

#[track_caller]
fn lies(geometry: &Geometry, source: &str, rows: [[f64; 4]; 3]) {
    assert_eq!((geometry.affine_source, &geometry.affine[..3]), (source, &rows[..]));
    assert_eq!(geometry.affine[3], [0.0, 0.0, 0.0, 1.0]);
}

/// The builder's affine.
const SFORM: [[f64; 4]; 3] = [[3.0, 0.0, 0.0, -9.0], [0.0, 3.0, 0.0, -12.0], [0.0, 0.0, 3.0, 5.0]];
/// Where nibabel puts a run of 5 x 4 x 3 voxels of 3 mm without transforms.
const CENTRED: [[f64; 4]; 3] =
    [[-3.0, 0.0, 0.0, 6.0], [0.0, 3.0, 0.0, -4.5], [0.0, 0.0, 3.0, -3.0]];

#[test]
fn n64_the_sform_counts_then_the_qform_then_the_voxel_sizes() {
    let both = turned([0.0; 3], [-9.0, -12.0, 5.0]).field("sform_code", 0, 2.0);
    lies(&Case::of("N64", "sform and qform", &both).reads().info().geometry, "sform", SFORM);
    // Half a turn about z.
    let qform = turned([0.0, 0.0, 1.0], [10.0, 20.0, 30.0]);
    let rows = [[-3.0, 0.0, 0.0, 10.0], [0.0, -3.0, 0.0, 20.0], [0.0, 0.0, 3.0, 30.0]];
    lies(&Case::of("N64", "qform", &qform).reads().info().geometry, "qform", rows);
    let opened = Case::of("N64", "neither", &bare()).reads();
    lies(&opened.info().geometry, "pixdim", CENTRED);
    for code in [1.0, 2.0, 3.0, 4.0, 5.0] {
        let file = run().field("sform_code", 0, code);
        let opened = Case::of("N64", &format!("sform_code {code}"), &file).reads();
        assert_eq!(f64::from(opened.info().geometry.sform_code), code);
    }
}

#[test]
fn n65_an_sform_that_spans_no_space_is_passed_over() {
    let flat = [[3.0, 0.0, 3.0, 0.0], [0.0, 3.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]];
    for (what, rows) in [
        ("zeros", [[0.0; 4]; 3]),
        ("singular", flat),
        ("NaN", [[f64::NAN; 4]; 3]),
        ("infinite", [[f64::INFINITY; 4]; 3]),
    ] {
        let opened = Case::of("N65", what, &placed(rows)).warns(&["N65"]);
        lies(&opened.info().geometry, "pixdim", CENTRED);
        assert_eq!(opened.info().geometry.sform_code, 1);
    }
    let file = placed([[0.0; 4]; 3]).field("qform_code", 0, 1.0);
    let opened = Case::of("N65", "zeros, and a qform", &file).warns(&["N65"]);
    lies(
        &opened.info().geometry,
        "qform",
        [[3.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0]],
    );
}

#[test]
fn n66_a_transform_code_that_is_unknown_is_none() {
    for code in [9.0, -1.0, 6.0] {
        let file = run().field("sform_code", 0, code);
        let opened = Case::of("N66", &format!("sform_code {code}"), &file).warns(&["N66"]);
        lies(&opened.info().geometry, "pixdim", CENTRED);
        let file = turned([0.0; 3], [0.0; 3]).field("qform_code", 0, code);
        let opened = Case::of("N66", &format!("qform_code {code}"), &file).warns(&["N66"]);
        lies(&opened.info().geometry, "pixdim", CENTRED);
    }
}

#[test]
fn n67_qfac_counts_by_its_sign() {
    for (qfac, sign, codes) in [
        (1.0, 1.0, &[][..]),
        (-1.0, -1.0, &[]),
        (0.0, 1.0, &[]),
        (0.3, 1.0, &["N67"]),
        (-7.0, -1.0, &["N67"]),
        (f64::NAN, 1.0, &["N67"]),
    ] {
        let file = turned([0.0; 3], [0.0; 3]).field("pixdim", 0, qfac);
        let opened = Case::of("N67", &format!("qfac {qfac}"), &file).warns(codes);
        assert_eq!(opened.info().geometry.affine[2], [0.0, 0.0, 3.0 * sign, 0.0], "{qfac}");
    }
}

#[test]
fn n68_a_quaternion_that_is_too_long_is_rounding_or_passed_over() {
    let file = turned([0.0, 0.0, 1.000_001], [0.0; 3]);
    let opened = Case::of("N68", "longer by rounding", &file).reads();
    assert_eq!(opened.info().geometry.affine_source, "qform");
    for (what, quatern, offset) in [
        ("too long", [0.0, 0.9, 0.9], [0.0; 3]),
        ("NaN", [f64::NAN, 0.0, 0.0], [0.0; 3]),
        ("offset infinite", [0.0; 3], [f64::INFINITY, 0.0, 0.0]),
    ] {
        let opened = Case::of("N68", what, &turned(quatern, offset)).warns(&["N68"]);
        lies(&opened.info().geometry, "pixdim", CENTRED);
    }
}

#[test]
fn n69_voxel_sizes_are_always_finite_and_above_0() {
    for (found, used) in
        [(0.0, 1.0), (-2.0, 2.0), (f64::NAN, 1.0), (f64::INFINITY, 1.0), (-0.0, 1.0)]
    {
        let file = bare().field("pixdim", 1, found);
        let opened = Case::of("N69", &format!("pixdim[1] {found:?}"), &file).warns(&["N69"]);
        assert_eq!(opened.info().geometry.zooms_mm, [used, 3.0, 3.0], "{found}");
    }
}

#[test]
fn n70_transforms_and_voxel_sizes_that_disagree_are_said() {
    let file = run().field("pixdim", 1, 2.5);
    let opened = Case::of("N70", "pixdim and sform", &file).warns(&["N70"]);
    assert_eq!(opened.info().geometry.zooms_mm, [3.0; 3]);
    let file = turned([0.0; 3], [-9.0, -12.0, 6.0]).field("sform_code", 0, 1.0);
    let opened = Case::of("N70", "qform and sform", &file).warns(&["N70"]);
    lies(&opened.info().geometry, "sform", SFORM);
    assert!(opened.info().warnings[0].message.contains("1.000 mm apart"));
}

#[test]
fn n71_space_without_a_unit_is_in_millimetres() {
    // 8: seconds, and no unit of space.
    let opened = Case::of("N71", "no unit of space", &run().field("xyzt_units", 0, 8.0));
    let opened = opened.warns(&["N71"]);
    assert_eq!(opened.info().geometry.zooms_mm, [3.0; 3]);
    assert_eq!(opened.info().timing.tr_seconds, Some(2.0));
}

#[test]
fn n72_other_units_of_space_become_millimetres() {
    for (what, unit, factor) in [("metres", 9.0, 1000.0), ("micrometres", 11.0, 0.001)] {
        let file = run().field("xyzt_units", 0, unit);
        let opened = Case::of("N72", what, &file).reads();
        assert_eq!(opened.info().geometry.zooms_mm, [3.0 * factor; 3]);
        assert_eq!(opened.info().geometry.affine[0][3], -9.0 * factor);
    }
}

#[test]
fn n73_unknown_units_and_bits_of_space_do_not_count() {
    for (what, units) in [("unit of space 4", 12.0), ("bit 6", 74.0), ("bit 7", 138.0)] {
        let opened = Case::of("N73", what, &run().field("xyzt_units", 0, units)).warns(&["N73"]);
        assert_eq!(opened.info().geometry.zooms_mm, [3.0; 3]);
        assert_eq!(opened.info().timing.tr_seconds, Some(2.0), "{what}");
    }
}

#[test]
fn n80_runs_on_different_grids_are_not_joined() {
    let folder = tempfile::tempdir().unwrap();
    let open = |file: &Nifti, name| nifti::open(file.write(folder.path(), name)).unwrap();
    let a = open(&run(), "a.nii");
    let refusal = |other| {
        let runs = [a.clone(), other];
        tsnr(&runs, TsnrOptions::default(), &Session::default()).unwrap_err().to_string()
    };
    let shape = refusal(open(&Nifti::new([5, 4, 2, 6]), "b.nii"));
    for word in ["a.nii", "(5, 4, 3)", "b.nii", "(5, 4, 2)", "resample them"] {
        assert!(shape.contains(word), "no {word} in {shape}");
    }
    let moved = refusal(open(&placed([SFORM[0], [0.0, 3.0, 0.0, -12.002], SFORM[2]]), "c.nii"));
    for word in ["a.nii", "-12.0", "c.nii", "-12.0019", "mm apart", "resample them"] {
        assert!(moved.contains(word), "no {word} in {moved}");
    }
    // Within 1e-3 mm, by rounding.
    let near = open(&placed([SFORM[0], [0.0, 3.0, 0.0, -12.000_5], SFORM[2]]), "d.nii");
    assert!(tsnr(&[a, near], TsnrOptions::default(), &Session::default()).is_ok());
}
