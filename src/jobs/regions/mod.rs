//! What is a map like in each region of an atlas?
//!
//! Map and atlas are computed as pairs (label, value) in one array that the plan has room for, and sorted where
//! they lie: regions follow each other, and quantiles are read off. Formulas are in `docs/numerics.md`. Knows no
//! names of regions, and resamples nothing.

mod figures;

use serde::Serialize;

use self::figures::figures;
use super::error::JobError;
use super::grid::check_same;
use super::join::said_of;
use crate::exec::{ExecError, Report};
use crate::json_number::number;
use crate::lazy::stack;
use crate::run::Run;
use crate::runtime::Session;

/// A region takes no more than this, with its row as text and as JSON.
const REGION_BYTES: u64 = 4096;

/// From here on not every integer is a float64.
const LARGEST_LABEL: f64 = 9_007_199_254_740_992.0;

/// A label and the map's value in the same voxel.
type Pair = [f64; 2];

/// A map by regions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Regions {
    /// A row for each label but 0 that a voxel has, the smallest first.
    pub rows: Vec<RegionRow>,
    /// What a careful person would want to know of map and atlas.
    pub warnings: Vec<String>,
    /// How it went.
    pub report: Report,
}

/// The figures of a region. They are over its finite values and NaN where there are none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RegionRow {
    /// The label.
    pub label: i64,
    /// Voxels that have it.
    pub voxels: u64,
    /// Those whose value is NaN or infinite: they are left out of all that follows.
    pub nan: u64,
    /// Those whose value is 0. They count.
    pub zeros: u64,
    /// The mean.
    #[serde(serialize_with = "number")]
    pub mean: f64,
    /// The standard deviation over voxels with ddof 1; NaN of one voxel.
    #[serde(serialize_with = "number")]
    pub sd: f64,
    /// The smallest value.
    #[serde(serialize_with = "number")]
    pub min: f64,
    /// The quantile 0.05; quantiles are numpy's `linear` ones.
    #[serde(serialize_with = "number")]
    pub p05: f64,
    /// The quantile 0.25.
    #[serde(serialize_with = "number")]
    pub p25: f64,
    /// The median.
    #[serde(serialize_with = "number")]
    pub median: f64,
    /// The quantile 0.75.
    #[serde(serialize_with = "number")]
    pub p75: f64,
    /// The quantile 0.95.
    #[serde(serialize_with = "number")]
    pub p95: f64,
    /// The largest value.
    #[serde(serialize_with = "number")]
    pub max: f64,
}

/// Describes a map of one volume in each region of an atlas on the same grid: an image of one volume whose voxels are
/// integers, of any type; 0 is background. True values are taken, slope and intercept applied, in float64.
///
/// One scan of each, and 16 bytes a voxel, as the plan has it, and 4 KiB a region. The bits do not depend on threads,
/// memory or chunks.
///
/// # Errors
/// A map or an atlas of several volumes, another grid, a label that is no integer (NaN is none), an atlas that is all
/// background, a budget that is too small, or a damaged source.
pub fn regions(map: &Run, atlas: &Run, session: &Session) -> Result<Regions, JobError> {
    check_volumes(map, atlas)?;
    check_same(map, atlas)?;
    let both = stack(&[atlas.lazy().to_f64(), map.lazy().to_f64()], 0);
    let mut computed = session.compute_all::<f64>(&[&both])?;
    let values = computed.arrays[0].as_slice_memory_order_mut();
    let pairs = bytemuck::cast_slice_mut::<f64, Pair>(values.expect("a result has no gaps"));
    check_labels(pairs, atlas)?;

    let pairs = without_background(pairs);
    let order = |a: &Pair, b: &Pair| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]));
    pairs.sort_unstable_by(order);
    let by_label = || pairs.chunk_by(|a, b| a[0] == b[0]);
    let count = by_label().count();
    if count == 0 {
        return Err(JobError::NoLabels { atlas: atlas.name().to_owned() });
    }
    // An atlas may have as many labels as voxels.
    let room = session.budget_of(session.data_bytes().saturating_sub(both.nbytes()));
    let _lease = room
        .lease("regions", (count as u64).saturating_mul(REGION_BYTES))
        .map_err(ExecError::from)?;
    let mut rows = Vec::with_capacity(count);
    rows.extend(by_label().map(figures));
    let mut warnings: Vec<String> = said_of(&[map.clone(), atlas.clone()]).collect();
    warnings.extend(computed.report.warnings.iter().cloned());
    Ok(Regions { rows, warnings, report: computed.report })
}

fn check_volumes(map: &Run, atlas: &Run) -> Result<(), JobError> {
    match (map.shape()[3], atlas.shape()[3]) {
        (1, 1) => Ok(()),
        (1, volumes) => Err(JobError::AtlasVolumes { atlas: atlas.name().to_owned(), volumes }),
        (volumes, _) => Err(JobError::MapVolumes { map: map.name().to_owned(), volumes }),
    }
}

/// Refuses a label that is no integer, and one that float64 cannot tell from the next; names the first
/// voxel, x fastest.
fn check_labels(pairs: &[Pair], atlas: &Run) -> Result<(), JobError> {
    let is_label = |[label, _]: &Pair| label.trunc() == *label && label.abs() < LARGEST_LABEL;
    let Some(at) = pairs.iter().position(|pair| !is_label(pair)) else { return Ok(()) };
    let (x, y) = (atlas.shape()[0], atlas.shape()[1]);
    Err(JobError::Label {
        atlas: atlas.name().to_owned(),
        value: pairs[at][0],
        voxel: [at as u64 % x, at as u64 / x % y, at as u64 / x / y],
    })
}

/// The pairs whose label is not 0; they are brought to the front.
fn without_background(pairs: &mut [Pair]) -> &mut [Pair] {
    let mut kept = 0;
    for at in 0..pairs.len() {
        if pairs[at][0] != 0.0 {
            pairs.swap(kept, at);
            kept += 1;
        }
    }
    &mut pairs[..kept]
}
