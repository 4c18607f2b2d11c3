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
