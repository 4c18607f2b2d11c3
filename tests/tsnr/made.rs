//! Runs whose samples are known: files of float32, and the same numbers as float64.

use std::path::Path;

use ndarray::{Array3, Array4};
use tempfile::TempDir;
use voxstore::{Run, nifti};

use crate::files::{self, Nifti};

pub(crate) struct Made {
    folder: TempDir,
    pub(crate) runs: Vec<Run>,
    /// Axes `(x, y, z, t)`.
    pub(crate) values: Vec<Array4<f64>>,
    /// Which voxels a mask holds, x fastest.
    pub(crate) mask: Vec<bool>,
}

impl Made {
    /// Levels that differ by voxel and run, drifts, noise; constant voxels; a voxel that is negative.
    pub(crate) fn drifting(grid: [usize; 3], volumes: &[usize]) -> Self {
        let values = volumes.iter().enumerate().map(|(run, &volumes)| samples(grid, run, volumes));
        Self::of(values.collect())
    }

    /// The same with NaN and infinities: a sample here and there, whole series, a whole run of a voxel.
    pub(crate) fn with_holes(grid: [usize; 3], volumes: &[usize]) -> Self {
        let mut values: Vec<_> =
            volumes.iter().enumerate().map(|(run, &n)| samples(grid, run, n)).collect();
        for (run, values) in values.iter_mut().enumerate() {
            values[[0, 0, 0, run + 1]] = f64::NAN;
            values[[2, 1, 0, 4]] = if run == 1 { f64::INFINITY } else { f64::NEG_INFINITY };
            values.slice_mut(ndarray::s![4, 3, 2, ..]).fill(f64::NAN);
        }
        let second = 1.min(values.len() - 1);
        values[second].slice_mut(ndarray::s![1, 1, 1, ..]).fill(f64::NAN);
        Self::of(values)
    }

    fn of(values: Vec<Array4<f64>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runs = written(folder.path(), &values);
        let voxels = values[0].len() / values[0].shape()[3];
        let mask = (0..voxels).map(|at| at % 3 != 1).collect();
        Self { folder, runs, values, mask }
    }

    /// Adds so much to the first volumes of a run.
    pub(crate) fn raise(&mut self, run: usize, by: &[f64]) {
        for (t, by) in by.iter().enumerate() {
            let mut volume = self.values[run].slice_mut(ndarray::s![.., .., .., t]);
            volume.mapv_inplace(|value| f64::from((value + by) as f32));
        }
        self.runs = written(self.folder.path(), &self.values);
    }

    /// The mask as a run of uint8.
    pub(crate) fn mask_run(&self) -> Run {
        let shape = self.values[0].shape();
        let mut file = Nifti::new([shape[0] as i64, shape[1] as i64, shape[2] as i64, 1]);
        file = file.of_type(2, 1);
        let mut bytes = file.header();
        bytes.extend(self.mask.iter().map(|&inside| u8::from(inside)));
        nifti::open(files::write(self.folder.path(), "mask.nii", &bytes)).unwrap()
    }
}

fn written(folder: &Path, values: &[Array4<f64>]) -> Vec<Run> {
    let run = |(index, values): (usize, &Array4<f64>)| {
        let shape: Vec<i64> = values.shape().iter().map(|&n| n as i64).collect();
        let file = Nifti::new([shape[0], shape[1], shape[2], shape[3]]).of_type(16, 4);
        let mut bytes = file.header();
        for &value in values.t() {
            bytes.extend((value as f32).to_le_bytes());
        }
        nifti::open(files::write(folder, &format!("run-{index}.nii"), &bytes)).unwrap()
    };
    values.iter().enumerate().map(run).collect()
}

fn samples([x, y, z]: [usize; 3], run: usize, volumes: usize) -> Array4<f64> {
    Array4::from_shape_fn((x, y, z, volumes), |(x, y, z, t)| {
        let voxel = x + 7 * y + 31 * z;
        let seed = (voxel + 1).wrapping_mul(0x9e37_79b9).wrapping_add(t * 7919 + run * 104_729);
        let noise = (seed ^ (seed >> 7)).wrapping_mul(0x85eb_ca6b) % 1000;
        let level = 400.0 + ((voxel * 37) % 200) as f64 + 15.0 * run as f64;
        let time = t as f64 / volumes as f64;
        let value = match voxel {
            3 => 250.0,                                  // constant in all runs
            5 if run == 0 => 90.0,                       // constant in the first
            9 => -level + noise as f64 * 0.01,           // negative
            _ if voxel % 11 == 2 => noise as f64 * 0.02, // outside of the head
            _ => level + 30.0 * time * time + noise as f64 * 0.02,
        };
        f64::from(value as f32)
    })
}

/// Asserts equal maps, to 1e-9 relative: what shifted sums of drifting samples keep.
pub(crate) fn near(found: &Array3<f64>, want: &Array3<f64>, said: &str) {
    assert_eq!(found.shape(), want.shape());
    for ((place, &found), &want) in found.indexed_iter().zip(want) {
        let same = found == want || (found.is_nan() && want.is_nan());
        let near = (found - want).abs() <= 1e-9 * want.abs();
        assert!(same || near, "{place:?}: found {found}, expected {want}; {said}");
    }
}
