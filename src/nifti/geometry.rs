//! Where do voxels lie?
//!
//! The affine by nibabel's order (sform, qform, pixdim with the centre at 0), in millimetres.
//! Matrices that are no coordinate system are passed over with a warning: voxels are fine then.

use super::header::Header;
use super::{Intake, units};
use crate::run::{Geometry, corner_distance_mm};

type Affine = [[f64; 4]; 4];

/// Columns whose volume is below this part of the product of their lengths span no space.
const SINGULAR: f64 = 1e-6;
/// How far `b*b + c*c + d*d` may lie above 1 and still be rounding.
const QUATERNION_SLACK: f64 = 1e-5;
/// Voxel sizes of pixdim and affine may differ by this part of themselves.
const ZOOM_TOLERANCE: f64 = 1e-3;
/// sform and qform may place a corner this far apart, in voxels.
const CORNER_TOLERANCE: f64 = 1e-2;

/// The geometry of a header whose array is `shape` long along x, y and z.
pub(super) fn geometry(header: &Header, shape: [u64; 4], intake: &mut Intake) -> Geometry {
    let mm = units::millimetres(header, intake);
    let pixdim = pixdim_mm(header, mm, intake);
    let qform_code = transform_code("qform_code", header.qform_code, intake);
    let sform_code = transform_code("sform_code", header.sform_code, intake);
    let qform = (qform_code > 0).then(|| qform(header, pixdim, mm, intake)).flatten();
    let sform = (sform_code > 0).then(|| sform(header, mm, intake)).flatten();
    if let (Some(sform), Some(qform)) = (&sform, &qform) {
        compare_transforms(sform, qform, shape, intake);
    }
    let (affine, affine_source) = match (sform, qform) {
        (Some(affine), _) => (affine, "sform"),
        (None, Some(affine)) => (affine, "qform"),
        (None, None) => (centred(pixdim, shape), "pixdim"),
    };
    let zooms_mm = column_lengths(&affine);
    if (0..3).any(|i| (zooms_mm[i] - pixdim[i]).abs() > ZOOM_TOLERANCE * pixdim[i]) {
        intake.warn(
            "N70",
            format!("{affine_source} has voxels of {zooms_mm:?} mm, pixdim says {pixdim:?}"),
        );
    }
    Geometry { affine, affine_source, qform_code, sform_code, zooms_mm }
}

/// pixdim\[1..4\] in millimetres, finite and above 0.
fn pixdim_mm(header: &Header, mm: f64, intake: &mut Intake) -> [f64; 3] {
    std::array::from_fn(|axis| {
        let found = header.pixdim[axis + 1];
        let size = found.abs() * mm;
        // Its square must be a number, too: the length of an axis is the root of a sum of squares.
        let used = if (size * size).is_normal() { size } else { 1.0 };
        if used != found * mm {
            intake.warn("N69", format!("pixdim[{}] is {found}; {used} mm is used", axis + 1));
        }
        used
    })
}

/// A transform code, 0 where the specification does not know it.
fn transform_code(field: &str, found: i32, intake: &mut Intake) -> i16 {
    if (0..=5).contains(&found) {
        return found as i16;
    }
    intake.warn("N66", format!("{field} {found} is unknown; treated as 0"));
    0
}

fn sform(header: &Header, mm: f64, intake: &mut Intake) -> Option<Affine> {
    let rows = header.srow.map(|row| row.map(|v| v * mm));
    let affine = [rows[0], rows[1], rows[2], [0.0, 0.0, 0.0, 1.0]];
    let usable = spans_space(&affine);
    if !usable {
        intake.warn("N65", format!("the sform {:?} spans no space; passed over", header.srow));
    }
    usable.then_some(affine)
}

fn qform(header: &Header, zooms: [f64; 3], mm: f64, intake: &mut Intake) -> Option<Affine> {
    let qfac = qfac(header.pixdim[0], intake);
    let Some([a, b, c, d]) = unit_quaternion(header.quatern) else {
        intake.warn(
            "N68",
            format!("the quaternion {:?} is no rotation; passed over", header.quatern),
        );
        return None;
    };
    // The rotation of a unit quaternion, as in nifti1.h, method 2.
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ];
    let [dx, dy, dz] = zooms;
    let row = |i: usize| {
        let r = rotation[i];
        [r[0] * dx, r[1] * dy, r[2] * dz * qfac, header.qoffset[i] * mm]
    };
    let affine = [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]];
    let usable = spans_space(&affine);
    if !usable {
        intake.warn(
            "N68",
            format!("the qform with offset {:?} is not finite; passed over", header.qoffset),
        );
    }
    usable.then_some(affine)
}

/// pixdim\[0\] as +1 or -1.
fn qfac(found: f64, intake: &mut Intake) -> f64 {
    let used = if found < 0.0 { -1.0 } else { 1.0 };
    if found != used && found != 0.0 {
        intake.warn("N67", format!("pixdim[0] (qfac) is {found}; {used} is used"));
    }
    used
}

/// `a, b, c, d` of length 1 from the three stored; `None` where they are too long or not finite.
fn unit_quaternion([b, c, d]: [f64; 3]) -> Option<[f64; 4]> {
    let squares = b * b + c * c + d * d;
    if !squares.is_finite() || squares > 1.0 + QUATERNION_SLACK {
        return None;
    }
    if squares > 1.0 {
        let length = squares.sqrt();
        return Some([0.0, b / length, c / length, d / length]);
    }
    Some([(1.0 - squares).sqrt(), b, c, d])
}

/// nibabel's affine for a header without transforms: x runs to the left, 0 is the centre.
fn centred(zooms: [f64; 3], shape: [u64; 4]) -> Affine {
    let centre = |axis: usize| (shape[axis] - 1) as f64 / 2.0 * zooms[axis];
    let [dx, dy, dz] = zooms;
    [
        [-dx, 0.0, 0.0, centre(0)],
        [0.0, dy, 0.0, -centre(1)],
        [0.0, 0.0, dz, -centre(2)],
        [0.0, 0.0, 0.0, 1.0],
    ]
}

pub(super) fn column_lengths(affine: &Affine) -> [f64; 3] {
    std::array::from_fn(|j| (0..3).map(|i| affine[i][j] * affine[i][j]).sum::<f64>().sqrt())
}

/// True for a finite matrix whose axes are independent.
fn spans_space(affine: &Affine) -> bool {
    let lengths = column_lengths(affine);
    let finite = affine.iter().flatten().all(|v| v.is_finite());
    if !finite || !lengths.iter().all(|&l| l.is_finite() && l > 0.0) {
        return false;
    }
    let m = |i: usize, j: usize| affine[i][j] / lengths[j];
    let determinant = m(0, 0) * (m(1, 1) * m(2, 2) - m(1, 2) * m(2, 1))
        - m(0, 1) * (m(1, 0) * m(2, 2) - m(1, 2) * m(2, 0))
        + m(0, 2) * (m(1, 0) * m(2, 1) - m(1, 1) * m(2, 0));
    determinant.abs() > SINGULAR
}

/// Warns where the two transforms place a corner of the array differently.
fn compare_transforms(sform: &Affine, qform: &Affine, shape: [u64; 4], intake: &mut Intake) {
    let apart = corner_distance_mm(&shape, sform, qform);
    let smallest = column_lengths(sform).into_iter().fold(f64::INFINITY, f64::min);
    if apart > CORNER_TOLERANCE * smallest {
        intake.warn(
            "N70",
            format!("sform and qform place a corner {apart:.3} mm apart; sform is used"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::nifti::header::Version;
    use crate::nifti::testing::{Image, open_as};
    use crate::run::Geometry;

    fn located(image: &Image) -> (Geometry, Vec<String>) {
        let run = open_as("x.nii", &image.bytes).unwrap();
        let codes = run.info().warnings.iter().map(|w| w.code.clone()).collect();
        (run.info().geometry.clone(), codes)
    }

    fn with_sform(rows: [[f64; 4]; 3]) -> Image {
        let mut image = Image::new(Version::Two, false);
        image.int(348, 4, 1);
        for (i, value) in rows.into_iter().flatten().enumerate() {
            image.float(400 + 8 * i, value);
        }
        image
    }

    fn with_qform(qfac: f64, quatern: [f64; 3], offset: [f64; 3]) -> Image {
        let mut image = Image::new(Version::Two, false);
        image.int(344, 4, 1);
        image.float(104, qfac);
        for (i, value) in quatern.into_iter().chain(offset).enumerate() {
            image.float(352 + 8 * i, value);
        }
        image
    }

    #[test]
    fn voxels_of_a_size_that_cannot_be_squared_are_1_mm() {
        for size in [4e-302, 1e-200, 1e200, f64::MAX] {
            let mut image = Image::new(Version::Two, false);
            image.pixdim(&[1.0, size, 3.0, 4.0]);
            let (geometry, codes) = located(&image);
            assert_eq!(geometry.zooms_mm, [1.0, 3.0, 4.0], "{size}");
            assert_eq!(codes, ["N69"], "{size}");
        }
    }

    #[test]
    fn without_transforms_the_centre_is_zero_and_x_runs_left_as_in_nibabel() {
        let (geometry, codes) = located(&Image::v1());
        assert_eq!(geometry.affine_source, "pixdim");
        assert_eq!(geometry.affine[0], [-3.0, 0.0, 0.0, 1.5]);
        assert_eq!(geometry.affine[1], [0.0, 3.0, 0.0, -3.0]);
        assert_eq!(geometry.affine[2], [0.0, 0.0, 4.0, -2.0]);
        assert!(codes.is_empty());
    }

    #[test]
    fn the_sform_wins_and_its_columns_are_the_voxel_sizes() {
        let rows = [[0.0, 3.0, 0.0, 7.0], [3.0, 0.0, 0.0, 8.0], [0.0, 0.0, -4.0, 9.0]];
        let (geometry, codes) = located(&with_sform(rows));
        assert_eq!((geometry.affine_source, geometry.zooms_mm), ("sform", [3.0, 3.0, 4.0]));
        assert_eq!(geometry.affine[..3], rows);
        assert!(codes.is_empty());
    }

    #[test]
    fn a_singular_or_non_finite_sform_is_passed_over() {
        for value in [0.0, f64::NAN, f64::INFINITY, 1e300] {
            let (geometry, codes) = located(&with_sform([[value; 4]; 3]));
            assert_eq!(geometry.affine_source, "pixdim", "{value}");
            assert_eq!((codes, geometry.sform_code), (vec!["N65".to_owned()], 1));
        }
    }

    #[test]
    fn a_quaternion_turns_and_qfac_flips() {
        // Half a turn about z: x and y change sign. nibabel 5: quat2mat([0, 0, 0, 1]).
        let (geometry, _) = located(&with_qform(-1.0, [0.0, 0.0, 1.0], [10.0, 20.0, 30.0]));
        assert_eq!(geometry.affine_source, "qform");
        assert_eq!(geometry.affine[0], [-3.0, 0.0, 0.0, 10.0]);
        assert_eq!(geometry.affine[1], [0.0, -3.0, 0.0, 20.0]);
        assert_eq!(geometry.affine[2], [0.0, 0.0, -4.0, 30.0]);
    }

    #[test]
    fn a_quaternion_that_is_too_long_is_rounding_or_passed_over() {
        let (geometry, codes) = located(&with_qform(1.0, [0.0, 0.0, 1.000_001], [0.0; 3]));
        assert_eq!((geometry.affine_source, codes.len()), ("qform", 0));
        let (geometry, codes) = located(&with_qform(1.0, [0.0, 0.9, 0.9], [0.0; 3]));
        assert_eq!((geometry.affine_source, codes), ("pixdim", vec!["N68".to_owned()]));
        let (_, codes) = located(&with_qform(0.3, [0.0; 3], [0.0; 3]));
        assert_eq!(codes, ["N67"]);
        let (_, codes) = located(&with_qform(0.0, [0.0; 3], [0.0; 3]));
        assert!(codes.is_empty());
    }

    #[test]
    fn sizes_are_always_finite_and_above_zero() {
        for (found, used) in [(0.0, 1.0), (-2.0, 2.0), (f64::NAN, 1.0), (f64::INFINITY, 1.0)] {
            let mut image = Image::v1();
            image.pixdim(&[1.0, found, 3.0, 4.0]);
            let (geometry, codes) = located(&image);
            assert_eq!((geometry.zooms_mm[0], codes), (used, vec!["N69".to_owned()]), "{found}");
        }
    }

    #[test]
    fn metres_and_micrometres_become_millimetres() {
        for (units, factor) in [(9, 1000.0), (11, 0.001)] {
            let mut image = Image::v1();
            image.raw(123, &[units]);
            assert_eq!(located(&image).0.zooms_mm, [3.0, 3.0, 4.0].map(|v| v * factor));
        }
        let mut image = Image::v1();
        image.raw(123, &[0x80 | 0x0a]);
        assert_eq!(located(&image).1, ["N73"]);
    }

    #[test]
    fn unknown_transform_codes_count_as_none() {
        let mut image =
            with_sform([[3.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 4.0, 0.0]]);
        image.int(348, 4, 9);
        let (geometry, codes) = located(&image);
        assert_eq!((geometry.sform_code, geometry.affine_source), (0, "pixdim"));
        assert_eq!(codes, ["N66"]);
    }

    #[test]
    fn transforms_that_disagree_are_said() {
        let mut image =
            with_sform([[3.0, 0.0, 0.0, 5.0], [0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 4.0, 0.0]]);
        image.int(344, 4, 1);
        assert_eq!(located(&image).1, ["N70"]);
    }
}
