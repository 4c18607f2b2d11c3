//! What happens from volume to volume, over the voxels that count?
//!
//! The second scan: everything over space in one go through the volumes. Formulas are in
//! `docs/numerics.md`.

use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, ArrayD, ArrayViewD, Dimension as _, Ix2, IxDyn};

use super::carpet::Carpet;
use super::maps::{ByVoxel, Maps};
use crate::exec::{ExecError, Report};
use crate::grid::Region;
use crate::lazy::{LazyArray, ReduceOptions};
use crate::run::Run;
use crate::runtime::Session;

/// What the second scan will give, planned before there are maps.
pub(super) struct Asked {
    pub(super) by_voxel: ByVoxel,
    /// Series and slices; last of all the run itself, of which the carpet takes some voxels.
    arrays: Vec<LazyArray>,
}

/// What it gave: one value a volume.
pub(super) struct Series {
    pub(super) global_signal: Vec<f64>,
    pub(super) dvars: Vec<f64>,
    pub(super) std_dvars: Vec<f64>,
    pub(super) dvars_vstd: Vec<f64>,
    pub(super) outlier_fraction: Vec<f64>,
    pub(super) slice_means: Array2<f64>,
    pub(super) carpet: Array2<f32>,
}

impl Asked {
    pub(super) fn of(run: &Run) -> Self {
        let by_voxel = ByVoxel::empty(&run.shape()[..3]);
        let map =
            |source: &std::sync::Arc<_>| LazyArray::from_source(std::sync::Arc::clone(source) as _);
        let (inside, varying) = (map(&by_voxel.inside), map(&by_voxel.varying));
        let (median, limit) = (map(&by_voxel.median), map(&by_voxel.limit));
        let over = |mask: &LazyArray| ReduceOptions::new().mask(mask);
        let x = run.lazy().to_f64();
        let changes = x.diff(-1).powi(2);
        let standardised = &changes / map(&by_voxel.predicted);
        let far = (&x - median).abs().greater(limit);
        let arrays = vec![
            x.mean_with([0, 1, 2], over(&inside)),
            changes.mean_with([0, 1, 2], over(&varying)),
            standardised.mean_with([0, 1, 2], over(&varying)),
            far.mean_with([0, 1, 2], over(&inside)),
            x.mean_with([0, 1], over(&inside)),
            x,
        ];
        Self { by_voxel, arrays }
    }

    pub(super) fn all(&self) -> Vec<&LazyArray> {
        self.arrays.iter().collect()
    }

    /// The second scan, once the maps are there.
    pub(super) fn compute(
        &self,
        maps: &Maps,
        rows: &[[u64; 3]],
        session: &Session,
    ) -> Result<(Series, Report), ExecError> {
        let (run, series) = self.arrays.split_last().unwrap_or_else(|| unreachable!("six arrays"));
        let carpet = Carpet::new(rows, maps, run.shape()[3]);
        let series: Vec<Assembled> = series.iter().map(Assembled::like).collect();
        let report = session.for_each_block::<f64>(&self.all(), |array, region, block| {
            match series.get(array) {
                Some(assembled) => assembled.put(region, &block),
                None => carpet.take(region, &block),
            }
            Ok(())
        })?;
        let mut series = series.into_iter().map(Assembled::done);
        let mut next = || series.next().unwrap_or_default();
        let list = |array: ArrayD<f64>| array.into_raw_vec_and_offset().0;
        let from_second = |mean_squares: ArrayD<f64>, over: f64| -> Vec<f64> {
            let roots = mean_squares.iter().map(|v| v.sqrt() / over);
            std::iter::once(f64::NAN).chain(roots).collect()
        };
        let (global_signal, changes, standardised) = (next(), next(), next());
        let (outliers, slices) = (next(), next());
        let series = Series {
            global_signal: list(global_signal),
            std_dvars: from_second(changes.clone(), maps.predicted_std),
            dvars: from_second(changes, 1.0),
            dvars_vstd: from_second(standardised, 1.0),
            outlier_fraction: list(outliers),
            slice_means: slices.into_dimensionality::<Ix2>().unwrap_or_default(),
            carpet: carpet.done(),
        };
        Ok((series, report))
    }
}

/// A small result that comes in boxes.
struct Assembled(Mutex<ArrayD<f64>>);

impl Assembled {
    fn like(array: &LazyArray) -> Self {
        let shape: Vec<usize> = array.shape().iter().map(|&n| n as usize).collect();
        Self(Mutex::new(ArrayD::zeros(IxDyn(&shape))))
    }

    fn put(&self, region: &Region, block: &ArrayViewD<'_, f64>) {
        let mut array = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (within, value) in block.indexed_iter() {
            let place: Vec<usize> =
                region.start().iter().zip(within.slice()).map(|(&s, &i)| s as usize + i).collect();
            array[IxDyn(&place)] = *value;
        }
    }

    fn done(self) -> ArrayD<f64> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
