//! What is known of each voxel when its series has been seen?
//!
//! The first scan, and which voxels count by it. Formulas are in `docs/numerics.md`.

use std::sync::Arc;

use ndarray::{Array1, Array3, ArrayD, Ix3, ShapeBuilder};

use super::super::head::{is_head, threshold};
use super::outliers::far_in_mads;
use crate::dtype::{DType, Element};
use crate::exec::{ExecError, Report};
use crate::grid::Region;
use crate::lazy::{LazyArray, MemorySource, QuantileMethod, ReduceOptions, from_ndarray};
use crate::run::Run;
use crate::runtime::{BudgetError, Session};

/// How far apart the quartiles of normal noise are, in standard deviations (as nipype rounds it).
const QUARTILES_APART: f64 = 1.349;

/// Maps that the second scan reads, `(x, y, z, 1)`; empty until the first has ended.
pub(super) struct ByVoxel {
    /// Voxels that count.
    pub(super) inside: Arc<MemorySource>,
    /// Those of them whose changes can be standardised.
    pub(super) varying: Arc<MemorySource>,
    pub(super) median: Arc<MemorySource>,
    /// How far from its median a sample is an outlier.
    pub(super) limit: Arc<MemorySource>,
    /// Predicted variance of the changes from volume to volume.
    pub(super) predicted: Arc<MemorySource>,
}

impl ByVoxel {
    pub(super) fn empty(grid: &[u64]) -> Self {
        let shape: Vec<u64> = grid.iter().copied().chain([1]).collect();
        let map = |name, dtype| Arc::new(MemorySource::empty(name, &shape, dtype));
        Self {
            inside: map("mask", DType::Bool),
            varying: map("mask of what varies", DType::Bool),
            median: map("median", DType::F64),
            limit: map("limit of outliers", DType::F64),
            predicted: map("predicted variance", DType::F64),
        }
    }
}

/// What the first scan leaves.
pub(super) struct Maps {
    pub(super) mean: Array3<f64>,
    pub(super) std: Array3<f64>,
    pub(super) mask: Array3<bool>,
    pub(super) mask_voxels: u64,
    /// Mean over the voxels that vary of the predicted standard deviation of their changes.
    pub(super) predicted_std: f64,
    /// Voxels of a given mask with a NaN or infinite sample.
    left_out: u64,
    pub(super) report: Report,
}

impl Maps {
    /// The first scan; fills what the second one reads.
    pub(super) fn compute(
        run: &Run,
        given: Option<&LazyArray>,
        into: &ByVoxel,
        session: &Session,
    ) -> Result<Self, ExecError> {
        let mut asked = asked(run);
        asked.extend(given.map(|mask| mask.squeeze(-1)));
        let computed = session.compute_all::<f64>(&asked.iter().collect::<Vec<_>>())?;
        let mut maps = computed.arrays.into_iter().map(into_map);
        let mut next = || maps.next().unwrap_or_default();
        let (mean, std, median, limit, predicted) = (next(), next(), next(), next(), next());
        let given = maps.next();

        let least = threshold(mean.iter().copied().zip(std.iter().copied()));
        let counts = |at: [usize; 3]| match &given {
            Some(given) => given[at] != 0.0,
            None => is_head(mean[at], std[at], least),
        };
        let finite = |at: [usize; 3]| mean[at].is_finite() && std[at].is_finite();
        let mask = map_of(&mean, |at| counts(at) && finite(at));
        let left_out = mean.indexed_iter().filter(|&((x, y, z), _)| {
            let at = [x, y, z];
            counts(at) && !finite(at)
        });
        let left_out = left_out.count() as u64;
        let varying = map_of(&mean, |at| mask[at] && predicted[at] > 0.0);
        // In memory order, whatever the plan was.
        let each = predicted.t().into_iter().zip(varying.t()).filter(|(_, varies)| **varies);
        let (sum, count) = each.fold((0.0, 0_u64), |(sum, n), (v, _)| (sum + v.sqrt(), n + 1));
        fill(&into.inside, mask.view())?;
        fill(&into.varying, varying.view())?;
        fill(&into.median, median.view())?;
        drop(median);
        fill(&into.predicted, predicted.view())?;
        drop(predicted);
        // Where at least half of a series is one value, nothing is far (as 3dToutcount has it).
        fill(&into.limit, limit.mapv_into(|v| if v > 0.0 { v } else { f64::INFINITY }).view())?;
        Ok(Self {
            mask_voxels: mask.iter().filter(|inside| **inside).count() as u64,
            mean,
            std,
            mask,
            predicted_std: sum / count as f64,
            left_out,
            report: computed.report,
        })
    }

    /// What there is to say of the mask.
    pub(super) fn warning(&self, run: &str) -> Option<String> {
        (self.left_out > 0).then(|| {
            let voxels = self.left_out;
            format!(
                "{run}: {voxels} voxels of the mask have NaN or infinite samples and do not count"
            )
        })
    }
}

/// Mean, standard deviation, median, limit of outliers and predicted variance of the changes, `(x, y, z)`.
fn asked(run: &Run) -> Vec<LazyArray> {
    let stored = run.lazy();
    let values = stored.to_f64();
    let volumes = run.shape()[3];
    // Sums of stored integers are exact; float32 would round what comes out.
    let summed = if stored.dtype() == DType::F32 { &values } else { &stored };
    let (mean, std) = (summed.mean(-1), summed.std(-1));
    let quartile = |q| {
        let options = ReduceOptions::new().quantile_method(QuantileMethod::Lower);
        stored.quantile_with(q, -1, options).to_f64()
    };
    let robust_std = (quartile(0.75) - quartile(0.25)) / QUARTILES_APART;
    // 2 (1 - r1), r1 the lag-1 autocorrelation: no difference of nearly equal sums.
    let end = |at: u64| {
        let only = Array1::from_shape_fn(volumes as usize, |t| t as u64 == at);
        values.sum_with(-1, ReduceOptions::new().mask(&from_ndarray(only)))
    };
    let ends = (end(0) - &mean).powi(2) + (end(volumes - 1) - &mean).powi(2);
    let changes = values.diff(-1).powi(2).sum(-1);
    let of_noise = (changes + ends) / (std.powi(2) * volumes as f64);
    let predicted = robust_std.powi(2) * of_noise;
    let limit = stored.mad(-1).to_f64() * far_in_mads(volumes);
    vec![mean, std, stored.median(-1), limit, predicted]
}

fn into_map(map: ArrayD<f64>) -> Array3<f64> {
    map.into_dimensionality::<Ix3>().unwrap_or_default()
}

/// A map of the same grid, in memory order.
fn map_of(like: &Array3<f64>, of: impl Fn([usize; 3]) -> bool) -> Array3<bool> {
    Array3::from_shape_fn(like.raw_dim().f(), |(x, y, z)| of([x, y, z]))
}

/// Gives a source its numbers, which lie in memory order.
fn fill<T: Element>(
    source: &MemorySource,
    map: ndarray::ArrayView3<'_, T>,
) -> Result<(), BudgetError> {
    let shape: Vec<u64> = map.shape().iter().map(|&n| n as u64).chain([1]).collect();
    let what = "a map of the first scan";
    source.allocate().map_err(|wanted_bytes| BudgetError::System { what, wanted_bytes })?;
    let numbers = map.to_slice_memory_order().unwrap_or_default();
    source.put(&Region::whole(&shape), bytemuck::cast_slice(numbers));
    Ok(())
}
