//! What does a stored number mean?
//!
//! `scl_slope` and `scl_inter` by nibabel's rules: a slope of 0 or not a finite number means
//! "unscaled" and takes the intercept with it. Applies nothing; that is the `Rescale` node's work.

use super::header::Header;
use super::{Intake, NiftiError};
use crate::run::Scaling;

/// The scaling of a header.
///
/// # Errors
/// When the slope is good and the intercept is not finite: the true values are then unknown.
pub(super) fn scaling(header: &Header, intake: &mut Intake) -> Result<Scaling, NiftiError> {
    let (header_slope, header_inter) = (header.scl_slope, header.scl_inter);
    let (slope, inter) = if header_slope.is_finite() && header_slope != 0.0 {
        if !header_inter.is_finite() {
            let expected = format!("a finite number, because scl_slope is {header_slope}");
            return Err(intake.refuse("scl_inter", header_inter, expected));
        }
        (header_slope, header_inter)
    } else {
        if header_slope != 0.0 {
            intake.warn("N56", format!("scl_slope is {header_slope}; voxels are taken unscaled"));
        }
        (1.0, 0.0)
    };
    Ok(Scaling { slope, inter, header_slope, header_inter })
}

#[cfg(test)]
mod tests {
    use crate::nifti::testing::{Image, open_as, refusal};

    /// slope, inter and warning codes for header values.
    fn scaled(slope: f64, inter: f64) -> (f64, f64, usize) {
        let mut image = Image::v1();
        image.float(112, slope);
        image.float(116, inter);
        let run = open_as("x.nii", &image.bytes).unwrap();
        let scaling = run.info().scaling;
        (scaling.slope, scaling.inter, run.info().warnings.len())
    }

    #[test]
    fn a_slope_of_zero_or_not_a_number_means_unscaled() {
        assert_eq!(scaled(0.0, 7.0), (1.0, 0.0, 0));
        assert_eq!(scaled(f64::NAN, 7.0), (1.0, 0.0, 1));
        assert_eq!(scaled(f64::INFINITY, f64::NAN), (1.0, 0.0, 1));
    }

    #[test]
    fn a_good_slope_is_the_float32_widened() {
        assert_eq!(scaled(0.1, -5.0), (f64::from(0.1_f32), -5.0, 0));
        assert_eq!(scaled(-1.0, 0.0), (-1.0, 0.0, 0));
    }

    #[test]
    fn a_good_slope_with_a_bad_intercept_is_refused() {
        let mut image = Image::v1();
        image.float(116, f64::NAN);
        assert!(refusal(&image).contains("scl_inter is NaN"));
    }
}
