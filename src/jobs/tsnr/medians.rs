//! What is said of a map in numbers: which voxels count, and medians over them.

use ndarray::{Array3, ArrayD, Ix3};

use super::Constant;

/// Share of the largest mean that a voxel's mean must exceed to count as head.
const HEAD_SHARE: f64 = 0.2;

/// What is known of a voxel: mean and standard deviation of the joined series, and its value in the
/// map that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voxel {
    pub(super) mean: f64,
    pub(super) std: f64,
    pub(super) value: f64,
}

impl Voxel {
    /// The larger of a mean and this one's, if its series changes.
    pub(super) fn larger_mean(self, so_far: f64) -> f64 {
        if self.std > 0.0 && self.mean.is_finite() { so_far.max(self.mean) } else { so_far }
    }

    /// tSNR of one run, where `value` is that.
    pub(super) fn of_run(self) -> f64 {
        finite_or_zero(self.value)
    }

    /// tSNR by the deviations within runs, where `value` is their variance.
    pub(super) fn pooled(self) -> f64 {
        finite_or_zero(self.mean / self.value.sqrt())
    }

    /// tSNR of the joined series.
    pub(super) fn joined(self) -> f64 {
        self.mean / self.std
    }

    /// What stands in the map.
    pub(super) fn tsnr(self, constant: Constant) -> f64 {
        match constant {
            _ if self.std != 0.0 => self.joined(),
            Constant::Zero => 0.0,
            Constant::Nan => f64::NAN,
        }
    }
}

fn finite_or_zero(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Which voxels medians are over: std above 0 and a mean above a threshold; and how many those are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    threshold: f64,
    pub(super) voxels: u64,
    pub(super) constant: u64,
}

impl Counts {
    /// None counted yet, where `largest` is the largest mean.
    pub(super) fn above(largest: f64) -> Self {
        Self { threshold: HEAD_SHARE * largest, voxels: 0, constant: 0 }
    }

    pub(super) fn hold(&self, voxel: Voxel) -> bool {
        voxel.std > 0.0 && voxel.mean > self.threshold
    }

    pub(super) fn add(&mut self, voxel: Voxel) {
        self.voxels += u64::from(self.hold(voxel));
        self.constant += u64::from(voxel.std == 0.0);
    }
}

/// NaN of no values; averages the two middle values of an even count, as numpy does. Shuffles them.
pub(super) fn median_of(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let (middle, odd) = (values.len() / 2, values.len() % 2 == 1);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(lower, *upper)
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

#[cfg(test)]
mod tests {
    use super::median_of;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle_two_and_of_none_nan() {
        assert_eq!(median_of(&mut [9.0, 1.0, 7.0, 3.0, 5.0]), 5.0);
        assert_eq!(median_of(&mut [1.0, 7.0, 3.0, 5.0]), 4.0);
        assert!(median_of(&mut []).is_nan());
    }
}
