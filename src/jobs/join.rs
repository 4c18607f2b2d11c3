//! How do runs become one array, and a NIfTI file a mask for it?

use super::error::JobError;
use super::grid::{check, check_same};
use crate::dtype::DType;
use crate::lazy::{LazyArray, concatenate};
use crate::run::Run;

/// Runs joined end to end along time.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The true values of all runs, `(x, y, z, t)`, in the order given.
    pub array: LazyArray,
    /// What a careful person would want to know of the runs.
    pub warnings: Vec<String>,
}

/// Joins runs along time, once it is sure that their voxels lie in the same places. Slope and
/// intercept of each are applied. Reads no voxel.
///
/// # Errors
/// No runs, or runs that differ in shape or affine.
pub fn join(runs: &[Run]) -> Result<Joined, JobError> {
    let mut warnings = check(runs)?;
    warnings.extend(said_of(runs));
    let arrays: Vec<LazyArray> = runs.iter().map(Run::lazy).collect();
    Ok(Joined { array: concatenate(&arrays, -1), warnings })
}

/// The voxels inside a mask, as `bool` of shape `(x, y, z, 1)`, to be used with runs on the grid of
/// `like`. A voxel that is not 0 is inside; NaN is outside. Reads no voxel.
///
/// # Errors
/// A mask of several volumes, or one that differs from `like` in shape or affine.
pub fn mask_for(like: &Run, mask: &Run) -> Result<LazyArray, JobError> {
    let volumes = mask.shape()[3];
    if volumes != 1 {
        return Err(JobError::MaskVolumes { mask: mask.name().to_owned(), volumes });
    }
    check_same(like, mask)?;
    let values = mask.lazy();
    let inside = values.not_equal(0);
    let float = matches!(values.dtype(), DType::F32 | DType::F64);
    Ok(if float { inside & !values.isnan() } else { inside })
}

/// The untidy things that opening the runs brought up.
pub(super) fn said_of(runs: &[Run]) -> impl Iterator<Item = String> {
    runs.iter().flat_map(|run| {
        let said = run.info().warnings.iter();
        said.map(|w| format!("{}: {w}", run.name()))
    })
}
