//! What is said of a map in numbers: which voxels count, and medians over them.

use ndarray::{Array3, ArrayD, Ix3};

use super::super::head::HEAD_SHARE;
use super::like::Like;
use super::options::{Mask, Ratio, TsnrOptions};

/// What is known of a voxel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voxel {
    /// Mean and standard deviation of the joined series.
    pub(super) mean: f64,
    pub(super) std: f64,
    /// What a mask says of it; 0 is outside.
    pub(super) mask: f64,
    /// Its value in the array that is looked at.
    pub(super) value: f64,
}

/// What a median is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// tSNR of the joined series.
    Joined,
    /// tSNR by the deviations within runs, where the value is their variance.
    Pooled,
    /// The value itself.
    Value,
    /// Mean of the joined series.
    Mean,
    /// Standard deviation of the joined series.
    Std,
}

/// What becomes of a voxel: its figures, whether it counts, and what stands in the map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    ratio: Ratio,
    /// Whether a mask was given: then it alone says which voxels count.
    has_mask: bool,
    /// Whether the map is 0 where voxels do not count.
    masks_map: bool,
    /// Without a mask: what a mean must exceed.
    threshold: f64,
}

impl Rules {
    /// Where the largest mean is not known yet.
    pub(super) fn of(options: &TsnrOptions<'_>) -> Self {
        let like_is_whole = options.like.is_some_and(Like::leaves_map_whole);
        Self {
            ratio: options.ratio(),
            has_mask: matches!(options.mask, Mask::Of(_)),
            masks_map: !matches!(options.mask, Mask::None) && !like_is_whole,
            threshold: f64::NAN,
        }
    }

    /// The larger of a mean and this voxel's, if its series changes.
    pub(super) fn larger_mean(&self, voxel: Voxel, so_far: f64) -> f64 {
        if self.changes(voxel) && voxel.mean.is_finite() { so_far.max(voxel.mean) } else { so_far }
    }

    /// The same rules, where this is the largest mean.
    pub(super) fn above(self, largest: f64) -> Self {
        Self { threshold: HEAD_SHARE * largest, ..self }
    }

    fn changes(&self, voxel: Voxel) -> bool {
        voxel.std > self.ratio.std_floor
    }

    /// Whether medians are over this voxel, too.
    pub(super) fn counts(&self, voxel: Voxel) -> bool {
        if self.has_mask {
            return voxel.mask != 0.0;
        }
        self.changes(voxel) && voxel.mean > self.threshold
    }

    /// What a median is taken of; 0 where that is not finite.
    pub(super) fn figure(&self, figure: Figure, voxel: Voxel) -> f64 {
        let value = self.value(figure, voxel);
        if value.is_finite() { value } else { 0.0 }
    }

    /// What stands in a map of a figure.
    pub(super) fn in_map(&self, figure: Figure, voxel: Voxel) -> f64 {
        if self.masks_map && !self.counts(voxel) { 0.0 } else { self.value(figure, voxel) }
    }

    fn value(&self, figure: Figure, voxel: Voxel) -> f64 {
        match figure {
            Figure::Joined => self.ratio.of(voxel.mean, voxel.std),
            Figure::Pooled => self.ratio.of(voxel.mean, voxel.value.sqrt()),
            Figure::Value => voxel.value,
            Figure::Mean => voxel.mean,
            Figure::Std => voxel.std,
        }
    }
}

/// How many voxels there are of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Those that medians are over.
    pub(super) voxels: u64,
    /// Those whose series never changes.
    pub(super) constant: u64,
    /// Those that medians are over and that have no tSNR.
    pub(super) without: u64,
}

impl Counts {
    pub(super) fn add(&mut self, voxel: Voxel, rules: &Rules) {
        let counts = rules.counts(voxel);
        self.voxels += u64::from(counts);
        self.constant += u64::from(voxel.std <= rules.ratio.std_floor);
        self.without += u64::from(counts && !rules.changes(voxel));
    }
}

/// Values in memory order as a map.
pub(super) fn map_of(values: Vec<f64>, shape: &[usize]) -> Array3<f64> {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    ArrayD::from_shape_vec(reversed, values)
        .expect("as many values as the map has voxels")
        .reversed_axes()
        .into_dimensionality::<Ix3>()
        .expect("a run has three axes in space")
}
