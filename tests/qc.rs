//! Quality control of a run against a naive twin that holds all samples in float64; nipype's
//! `compute_dvars` is asked in `tests/interop`.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "files/mod.rs"]
#[expect(dead_code, reason = "made for several tests")]
mod files;
#[path = "qc/twin.rs"]
mod twin;

use std::path::Path;

use files::Nifti;
use ndarray::{Array3, Array4};
use twin::twin;
use voxstore::jobs::{JobError, QcOptions, RunQc, qc};
use voxstore::store::{self, IngestOptions};
use voxstore::{ExecError, PlanError, Run, Session, nifti};

const GRID: [usize; 3] = [7, 6, 5];
const VOLUMES: usize = 40;

/// Stored integers: a head in air, a spike in a slice, a jump, noise, voxels that hardly change.
fn stored() -> Array4<i16> {
    let [x, y, z] = GRID;
    Array4::from_shape_fn((x, y, z, VOLUMES), |(x, y, z, t)| {
        let voxel = x + GRID[0] * (y + GRID[1] * z);
        let seed = (voxel + 1).wrapping_mul(0x9e37_79b9).wrapping_add(t * 104_729);
        let noise = ((seed ^ (seed >> 7)).wrapping_mul(0x85eb_ca6b) >> 3) % 41;
        let level = if x == 0 || y == 5 { 30 } else { 700 + (voxel * 37) % 200 };
        let mut value = level + noise;
        if z == 2 && t == 11 {
            value += 90;
        }
        if t >= 25 {
            value += 12;
        }
        match voxel {
            // Never changes; changes once; half of it one value.
            9 => value = 800,
            10 => value = 800 + usize::from(t == 7),
            11 => value = 800 + if t % 2 == 0 { 0 } else { noise },
            _ => {}
        }
        value as i16
    })
}

/// The run as a file, and its true values.
fn run(folder: &Path, name: &str, slope: f64, inter: f64) -> (Run, Array4<f64>) {
    let samples = stored();
    let mut file = Nifti::new([7, 6, 5, 40]).of_type(4, 2);
    (file.slope, file.inter) = (slope, inter);
    let mut bytes = file.header();
    for value in samples.t() {
        bytes.extend(value.to_le_bytes());
    }
    let run = nifti::open(files::write(folder, name, &files::packed(name, bytes))).unwrap();
    (run, samples.mapv(|v| f64::from(v) * slope + inter))
}

/// The run in float32, with these samples changed.
fn float_run(folder: &Path, name: &str, change: impl Fn(&mut Array4<f64>)) -> (Run, Array4<f64>) {
    let mut values = stored().mapv(|v| f64::from((f64::from(v) * 0.37 + 1000.0) as f32));
    change(&mut values);
    let mut bytes = Nifti::new([7, 6, 5, 40]).of_type(16, 4).header();
    for &value in values.t() {
        bytes.extend((value as f32).to_le_bytes());
    }
    (nifti::open(files::write(folder, name, &bytes)).unwrap(), values)
}

/// A mask file and what it holds.
fn mask(folder: &Path, inside: impl Fn([usize; 3]) -> bool) -> (Run, Array3<bool>) {
    let map = Array3::from_shape_fn(GRID, |(x, y, z)| inside([x, y, z]));
    let mut bytes = Nifti::new([7, 6, 5, 1]).of_type(2, 1).header();
    bytes.extend(map.t().iter().map(|&inside| u8::from(inside)));
    (nifti::open(files::write(folder, "mask.nii", &bytes)).unwrap(), map)
}

/// To 1e-10 relative: sums of squares in two orders.
fn near<'a>(
    found: impl IntoIterator<Item = &'a f64>,
    want: impl IntoIterator<Item = &'a f64>,
    what: &str,
) {
    let (found, want): (Vec<_>, Vec<_>) = (found.into_iter().collect(), want.into_iter().collect());
    assert_eq!(found.len(), want.len(), "{what}");
    for (at, (&found, &want)) in found.iter().zip(&want).enumerate() {
        let near = found == want || (found - want).abs() <= 1e-10 * want.abs().max(1e-3);
        assert!(near || (found.is_nan() && want.is_nan()), "{what} {at}: {found}, want {want}");
    }
}

fn is_twins(found: &RunQc, values: &Array4<f64>, given: Option<&Array3<bool>>) {
    let want = twin(values, given, found.carpet_voxels.as_slice());
    assert_eq!(found.mask, want.mask);
    assert_eq!(found.mask_voxels as usize, want.mask.iter().filter(|m| **m).count());
    near(&found.mean, &want.mean, "mean");
    near(&found.std, &want.std, "std");
    near(&found.global_signal, &want.global_signal, "global signal");
    near(&found.dvars, &want.dvars, "dvars");
    near(&found.std_dvars, &want.std_dvars, "std dvars");
    near(&found.dvars_vstd, &want.dvars_vstd, "dvars vstd");
    near(&found.outlier_fraction, &want.outlier_fraction, "outliers");
    near(&found.slice_means, &want.slice_means, "slices");
    near(&found.spikes, &want.spikes, "spikes");
    // float32
    for (found, want) in found.carpet.iter().zip(&want.carpet) {
        assert!((f64::from(*found) - want).abs() < 1e-6, "carpet: {found}, want {want}");
    }
}

#[test]
fn a_run_of_any_kind_is_the_twins_in_two_scans() {
    let folder = tempfile::tempdir().unwrap();
    let cases =
        [("plain.nii", 1.0, 0.0), ("packed.nii.gz", 1.0, 0.0), ("scaled.nii", -0.25, 900.0)];
    for (name, slope, inter) in cases {
        let (run, values) = run(folder.path(), name, slope, inter);
        let options = QcOptions { carpet_rows: 50, ..QcOptions::default() };
        let found = qc(&run, &options, &Session::default()).unwrap();
        assert_eq!((found.report.scans, found.carpet.shape()), (2, &[50, 40][..]), "{name}");
        is_twins(&found, &values, None);
        assert!(found.dvars[0].is_nan() && found.std_dvars[0].is_nan());
    }
    let (run, values) = float_run(folder.path(), "float.nii", |_| {});
    let found = qc(&run, &QcOptions::default(), &Session::default()).unwrap();
    is_twins(&found, &values, None);
    // What was put there is found.
    let slice = found.spikes.row(2);
    assert!(slice[11] > 10.0 && slice.iter().filter(|z| **z > 10.0).count() == 1, "{slice}");
}

#[test]
fn a_mask_says_which_voxels_count_but_not_those_that_are_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let (run, values) = float_run(folder.path(), "holes.nii", |values| {
        values[[2, 2, 2, 5]] = f64::NAN;
        values[[3, 2, 1, 0]] = f64::INFINITY;
        values[[0, 0, 0, 7]] = f64::NAN;
    });
    // Also air, a voxel that never changes, and no voxel of the last slice.
    let (mask, map) = mask(folder.path(), |[x, y, z]| (x + y + z) % 3 != 1 && z < 4);
    let options = QcOptions { mask: Some(mask), ..QcOptions::default() };
    let found = qc(&run, &options, &Session::default()).unwrap();
    is_twins(&found, &values, Some(&map));
    assert!(map[[2, 2, 2]] && !found.mask[[2, 2, 2]]);
    assert!(found.warnings.iter().any(|w| w.contains("NaN or infinite")), "{:?}", found.warnings);
    assert!(found.spikes.row(4).iter().all(|z| z.is_nan()));
    let unmasked = qc(&run, &QcOptions::default(), &Session::default()).unwrap();
    is_twins(&unmasked, &values, None);
}

#[test]
fn bits_do_not_depend_on_where_a_run_is_on_threads_or_on_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, _) = run(folder.path(), "plain.nii", 1.0, 0.0);
    let (packed, _) = run(folder.path(), "packed.nii.gz", 1.0, 0.0);
    let study = folder.path().join("study.zarr");
    let session = Session::default();
    store::ingest(std::slice::from_ref(&plain), &study, &IngestOptions::default(), &session)
        .unwrap();
    let stored = store::open(&study).unwrap();
    let stored = stored.run(&stored.select(&[]).unwrap()[0]).unwrap();
    let text = |run: &Run, memory: u64, threads: usize| {
        let session = Session::builder().memory_bytes(memory).threads(threads).build().unwrap();
        let found = qc(run, &QcOptions::default(), &session).unwrap();
        assert!(found.report.projected_bytes <= memory);
        let RunQc { global_signal, dvars, std_dvars, dvars_vstd, .. } = &found;
        let lists = [global_signal, dvars, std_dvars, dvars_vstd, &found.outlier_fraction];
        let bits: Vec<Vec<u64>> =
            lists.iter().map(|l| l.iter().map(|v| v.to_bits()).collect()).collect();
        (bits, found.slice_means.mapv(f64::to_bits), found.spikes.mapv(f64::to_bits), found.carpet)
    };
    let first = text(&plain, 512 << 20, 2);
    for run in [&plain, &packed, &stored] {
        for threads in [1, 3] {
            for memory in [20 << 20, 64 << 20] {
                assert_eq!(text(run, memory, threads), first, "{run:?} {threads} {memory}");
            }
        }
    }
}

#[test]
fn what_has_no_figures_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = run(folder.path(), "plain.nii", 1.0, 0.0);
    let (empty, _) = mask(folder.path(), |_| false);
    let options = QcOptions { mask: Some(empty.clone()), ..QcOptions::default() };
    let error = qc(&run, &options, &Session::default()).unwrap_err();
    assert!(matches!(error, JobError::NothingCounts { .. }), "{error}");
    assert!(error.to_string().contains("mask.nii"), "{error}");
    let error = qc(&empty, &QcOptions::default(), &Session::default()).unwrap_err();
    assert!(matches!(error, JobError::TooFewVolumes { volumes: 1, .. }), "{error}");
    // More than the budget for maps alone: nothing is read.
    let mut wide = Nifti::new([2000, 2000, 40, 2]).of_type(2, 1);
    wide.tail.clear();
    let path = folder.path().join("wide.nii");
    std::fs::write(&path, wide.header()).unwrap();
    let bytes = 352 + 2000 * 2000 * 40 * 2;
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(bytes).unwrap();
    let session = Session::builder().memory("512MiB").build().unwrap();
    let error = qc(&nifti::open(&path).unwrap(), &QcOptions::default(), &session).unwrap_err();
    let memory =
        |e: &JobError| matches!(e, JobError::Exec(ExecError::Plan(PlanError::Memory { .. })));
    assert!(memory(&error), "{error}");
}
