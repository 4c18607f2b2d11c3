//! Which voxels are the rows of a carpet, and what stands in a row?

use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, Array3, ArrayViewD};

use super::maps::Maps;
use crate::grid::Region;

/// Rows end at so many standard deviations from their mean.
const MOST_DEVIATIONS: f64 = 2.0;

/// At most so many voxels of a mask: those whose place in memory has the smallest hash, so that they lie
/// everywhere and are the same each time. In memory order.
pub(super) fn choose(mask: &Array3<bool>, most: usize) -> Vec<[u64; 3]> {
    let mut chosen = BinaryHeap::new();
    // Transposed, elements come in memory order.
    let inside = mask.t().into_iter().enumerate().filter(|(_, inside)| **inside);
    for (place, _) in inside {
        chosen.push((hash(place as u64), place as u64));
        if chosen.len() > most {
            chosen.pop();
        }
    }
    let mut places: Vec<u64> = chosen.into_iter().map(|(_, place)| place).collect();
    places.sort_unstable();
    let (columns, rows) = (mask.shape()[0] as u64, mask.shape()[1] as u64);
    let voxel = |place: u64| [place % columns, place / columns % rows, place / columns / rows];
    places.into_iter().map(voxel).collect()
}

/// The finaliser of `SplitMix64` (Steele, Lea & Flood 2014): different places have different hashes.
fn hash(place: u64) -> u64 {
    let z = place.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Rows that are filled as boxes of the run come by.
pub(super) struct Carpet<'a> {
    voxels: &'a [[u64; 3]],
    /// Mean and standard deviation of each.
    moments: Vec<(f64, f64)>,
    values: Mutex<Array2<f32>>,
}

impl<'a> Carpet<'a> {
    pub(super) fn new(voxels: &'a [[u64; 3]], maps: &Maps, volumes: u64) -> Self {
        let moments = voxels.iter().map(|voxel| {
            let at = voxel.map(|i| i as usize);
            (maps.mean[at], maps.std[at])
        });
        let moments = moments.collect();
        Self {
            voxels,
            moments,
            values: Mutex::new(Array2::zeros((voxels.len(), volumes as usize))),
        }
    }

    /// Takes what a box, `(x, y, z, t)`, has of the rows.
    pub(super) fn take(&self, region: &Region, block: &ArrayViewD<'_, f64>) {
        let (start, shape) = (region.start(), region.shape());
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        for (row, voxel) in self.voxels.iter().enumerate() {
            if (0..3).any(|axis| voxel[axis] < start[axis] || voxel[axis] >= region.end(axis)) {
                continue;
            }
            let at = [0, 1, 2].map(|axis| (voxel[axis] - start[axis]) as usize);
            let (mean, std) = self.moments[row];
            for t in 0..shape[3] as usize {
                let value = block[[at[0], at[1], at[2], t]];
                values[[row, start[3] as usize + t]] = row_value(value, mean, std);
            }
        }
    }

    pub(super) fn done(self) -> Array2<f32> {
        self.values.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 0 for a voxel of a given mask that never changes.
fn row_value(value: f64, mean: f64, std: f64) -> f32 {
    if std > 0.0 {
        ((value - mean) / std).clamp(-MOST_DEVIATIONS, MOST_DEVIATIONS) as f32
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, ShapeBuilder};

    use super::choose;

    #[test]
    fn rows_are_the_same_each_time_and_lie_everywhere() {
        let mask = Array3::from_shape_fn((20, 10, 8).f(), |(x, ..)| x >= 4);
        let rows = choose(&mask, 100);
        assert_eq!(rows.len(), 100);
        assert!(rows.iter().all(|voxel| voxel[0] >= 4));
        let in_order = |a: &[u64; 3], b: &[u64; 3]| (a[2], a[1], a[0]) < (b[2], b[1], b[0]);
        assert!(rows.windows(2).all(|pair| in_order(&pair[0], &pair[1])));
        for z in 0..8 {
            let here = rows.iter().filter(|voxel| voxel[2] == z).count();
            assert!((4..=24).contains(&here), "slice {z} has {here} rows of 100");
        }
        // The same mask in another memory order.
        let other = Array3::from_shape_fn((20, 10, 8), |(x, ..)| x >= 4);
        assert_eq!(choose(&other, 100), rows);
        // Fewer rows are some of more rows.
        assert!(choose(&mask, 10).iter().all(|voxel| rows.contains(voxel)));
        assert_eq!(choose(&mask, 10_000).len(), 16 * 10 * 8);
        assert_eq!(choose(&mask, 0).len(), 0);
    }
}
