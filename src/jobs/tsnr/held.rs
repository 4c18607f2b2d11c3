//! Maps that fit in memory together: each is used up by its own median.

use ndarray::{Array3, ArrayD};

use super::Constant;
use super::medians::{Counts, Voxel, map_of, median_of};

/// The maps that a mask follows from.
pub(super) struct Held {
    mean: Vec<f64>,
    std: Vec<f64>,
    shape: Vec<usize>,
    pub(super) counts: Counts,
}

impl Held {
    pub(super) fn new(mean: ArrayD<f64>, std: ArrayD<f64>) -> Self {
        let shape = mean.shape().to_vec();
        let (mean, std) = (in_memory_order(mean), in_memory_order(std));
        let mut held = Self { mean, std, shape, counts: Counts::default() };
        let all = || (0..held.mean.len()).map(|place| held.voxel(place, 0.0));
        let mut counts = Counts::above(all().fold(f64::NAN, |largest, v| v.larger_mean(largest)));
        all().for_each(|voxel| counts.add(voxel));
        held.counts = counts;
        held
    }

    fn voxel(&self, place: usize, value: f64) -> Voxel {
        Voxel { mean: self.mean[place], std: self.std[place], value }
    }

    /// Median over the voxels that count of what `figure` makes of each, in the map's own memory,
    /// which is given back.
    pub(super) fn median(
        &self,
        map: ArrayD<f64>,
        figure: impl Fn(Voxel) -> f64,
    ) -> (f64, ArrayD<f64>) {
        let mut values = in_memory_order(map);
        let mut kept = 0;
        for place in 0..values.len() {
            let voxel = self.voxel(place, values[place]);
            if self.counts.hold(voxel) {
                values[kept] = figure(voxel);
                kept += 1;
            }
        }
        let median = median_of(&mut values[..kept]);
        (median, map_of(values, &self.shape).into_dyn())
    }

    /// The map of tSNR, in the memory of the standard deviation.
    pub(super) fn into_map(mut self, constant: Constant) -> Array3<f64> {
        for place in 0..self.std.len() {
            self.std[place] = self.voxel(place, 0.0).tsnr(constant);
        }
        map_of(self.std, &self.shape)
    }
}

/// The elements, x fastest, without a copy where they lie so already.
fn in_memory_order(array: ArrayD<f64>) -> Vec<f64> {
    let array = array.reversed_axes();
    if array.is_standard_layout() {
        array.into_raw_vec_and_offset().0
    } else {
        array.iter().copied().collect()
    }
}
