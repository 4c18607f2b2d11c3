//! Do the voxels of these runs lie in the same places?

use super::error::JobError;
use crate::grid::shape_text;
use crate::run::{Geometry, Run, corner_distance_mm};

/// Corners of the grids may lie this far apart.
pub(super) const TOLERANCE_MM: f64 = 1e-3;

/// Refuses runs on different grids; warns of timings that differ.
pub(super) fn check(runs: &[Run]) -> Result<Vec<String>, JobError> {
    let first = runs.first().ok_or(JobError::NoRuns)?;
    for run in runs {
        check_same(first, run)?;
    }
    let mut warnings = Vec::new();
    let seconds = |value: Option<f64>| value.map_or("unknown".to_owned(), |v| format!("{v} s"));
    let tr = |run: &Run| run.info().timing.tr_seconds;
    let echo = |run: &Run| run.info().timing.echo_time_seconds;
    for (what, of) in [("TR", &tr as &dyn Fn(&Run) -> Option<f64>), ("echo time", &echo)] {
        if let Some(other) = runs.iter().find(|run| of(run) != of(first)) {
            warnings.push(format!(
                "runs differ in {what}: {} in {}, {} in {}; their levels differ with it",
                seconds(of(first)),
                first.name(),
                seconds(of(other)),
                other.name(),
            ));
        }
    }
    Ok(warnings)
}

/// Refuses a run whose voxels do not lie where those of `first` lie.
pub(super) fn check_same(first: &Run, run: &Run) -> Result<(), JobError> {
    let differ = |first_grid: String, other_grid: String| JobError::Grids {
        first: first.name().to_owned(),
        first_grid,
        other: run.name().to_owned(),
        other_grid,
    };
    let (a, b) = (&first.shape()[..3], &run.shape()[..3]);
    if a != b {
        let text = |shape| format!("shape {}", shape_text(shape));
        return Err(differ(text(a), text(b)));
    }
    let (ga, gb) = (&first.info().geometry, &run.info().geometry);
    let apart = corners_apart_mm(first, run).unwrap_or(f64::NAN);
    if apart.is_nan() || apart > TOLERANCE_MM {
        let text = |g: &Geometry| format!("affine {:?} ({})", &g.affine[..3], g.affine_source);
        return Err(differ(text(ga), format!("{}; corners {apart} mm apart", text(gb))));
    }
    Ok(())
}

/// How far apart two runs place a corner of their grid; `None` where its lengths differ.
pub(super) fn corners_apart_mm(first: &Run, run: &Run) -> Option<f64> {
    let (a, b) = (&first.shape()[..3], &run.shape()[..3]);
    let affine = |run: &Run| run.info().geometry.affine;
    (a == b).then(|| corner_distance_mm(a, &affine(first), &affine(run)))
}
