//! The numbers that numpy and nibabel compute from the same files.

use std::fs;
use std::path::PathBuf;

use ndarray::ArrayD;
use voxstore::{LazyArray, ReduceOptions, Session, concatenate, nifti, store};

use super::common::{
    DS003, FMRI1, FMRI2, FUNCTIONAL, compressed, fixture, folder, map_values, plain, run, store_of,
    ulps,
};

const TOLERANCE: f64 = 1e-12;

/// A series of `fixtures/golden`, and the fixtures it joins.
type Series = (&'static str, &'static [&'static str]);

const SERIES: [Series; 5] = [
    ("fmri1", &[FMRI1]),
    ("fmri2", &[FMRI2]),
    ("fmri1_fmri2", &[FMRI1, FMRI2]),
    ("functional", &[FUNCTIONAL]),
    ("ds003_sub-01_mc", &[DS003]),
];

/// A golden map, x fastest.
fn golden(name: &str, kind: &str) -> Vec<f64> {
    let bytes = fs::read(fixture(&format!("golden/{name}.{kind}.f64"))).unwrap();
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

/// The elements, x fastest.
fn in_file_order(array: ArrayD<f64>) -> Vec<f64> {
    array.reversed_axes().iter().copied().collect()
}

/// Compares mean, std, std with ddof 1 and tSNR of `arr` with the golden maps of `name`.
fn agrees(name: &str, arr: &LazyArray) {
    // Statistics of float32 would be float32.
    let arr = arr.to_f64();
    let (mean, std) = (arr.mean(-1), arr.std(-1));
    let std1 = arr.std_with(-1, ReduceOptions::new().ddof(1));
    let tsnr = &mean / &std;
    let done = Session::default().compute_all::<f64>(&[&mean, &std, &std1, &tsnr]).unwrap();
    assert_eq!(done.report.scans, 1, "mean and std share one scan");

    let (means, stds) = (golden(name, "mean"), golden(name, "std"));
    let kinds = ["mean", "std", "std1", "tsnr"];
    for (kind, found) in kinds.into_iter().zip(done.arrays.into_iter().map(in_file_order)) {
        let expected = golden(name, kind);
        assert_eq!(found.len(), expected.len());
        for (voxel, (found, expected)) in found.iter().zip(&expected).enumerate() {
            // Numbers near a mean that is no integer carry rounding errors of its size.
            let exact = name.starts_with("fmri") || kind == "mean";
            let condition = if exact { 1.0 } else { (means[voxel] / stds[voxel]).abs().max(1.0) };
            let error = (found / expected - 1.0).abs();
            assert!(
                error <= TOLERANCE * condition,
                "{name}: {kind} of voxel {voxel}: expected {expected:?}, found {found:?}"
            );
        }
    }
}

#[test]
fn statistics_of_files_are_those_of_numpy() {
    for (name, fixtures) in SERIES {
        let runs: Vec<LazyArray> =
            fixtures.iter().map(|f| nifti::open(fixture(f)).unwrap().lazy()).collect();
        agrees(name, &concatenate(&runs, -1));
    }
}

#[test]
fn statistics_of_plain_files_are_those_of_numpy() {
    let folder = folder();
    for (name, fixtures) in SERIES {
        let open = |f: &&str| nifti::open(plain(f, folder.path())).unwrap().lazy();
        agrees(name, &concatenate(&fixtures.iter().map(open).collect::<Vec<_>>(), -1));
    }
}

#[test]
fn statistics_of_stored_runs_are_those_of_numpy() {
    let folder = folder();
    let files: Vec<PathBuf> = [FMRI1, FMRI2, FUNCTIONAL, DS003].into_iter().map(fixture).collect();
    let store = store::open(store_of(&files, folder.path())).unwrap();
    for (name, fixtures) in SERIES {
        let open = |f: &&str| store.run(super::common::stem(f)).unwrap().lazy();
        agrees(name, &concatenate(&fixtures.iter().map(open).collect::<Vec<_>>(), -1));
    }
}

#[test]
fn the_map_is_the_golden_one_cast_to_float32() {
    let folder = folder();
    for (name, fixtures) in SERIES {
        let map = folder.path().join(format!("{name}-map.nii.gz"));
        let mut args = vec!["tsnr".into()];
        args.extend(fixtures.iter().map(|f| compressed(f, folder.path()).into()));
        args.extend(["-o".into(), map.clone().into()]);
        run(args).succeeds();
        let expected = golden(name, "tsnr");
        let found = map_values(&map);
        assert_eq!(found.len(), expected.len());
        for (voxel, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            let apart = ulps(found, expected as f32);
            assert!(apart <= 1, "{name} voxel {voxel}: expected {expected}, found {found}");
        }
    }
}
