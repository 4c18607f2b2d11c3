//! A map by regions against a naive twin that gathers each region's values and sorts them; and what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "files/mod.rs"]
#[expect(dead_code, reason = "made for several tests")]
mod files;

use std::path::Path;

use files::Nifti;
use voxstore::jobs::{JobError, RegionRow, regions};
use voxstore::{Run, Session, nifti};

const GRID: [i64; 4] = [7, 6, 5, 1];
const VOXELS: usize = 210;

/// An image of these values as float64, x fastest.
fn image(folder: &Path, name: &str, grid: [i64; 4], values: &[f64]) -> Run {
    let mut bytes = Nifti::new(grid).of_type(64, 8).header();
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    nifti::open(files::write(folder, name, &bytes)).unwrap()
}

/// Values with NaN, infinities, zeros of both signs, and a large level with a small spread.
fn values() -> Vec<f64> {
    let value = |at: usize| match at % 23 {
        3 => f64::NAN,
        5 => f64::INFINITY,
        7 => f64::NEG_INFINITY,
        11 => 0.0,
        13 => -0.0,
        _ if at % 10 == 4 => 1e9 + ((at * 37) % 11) as f64,
        _ => ((at * 7919) % 1000) as f64 * 0.37 - 150.0,
    };
    (0..VOXELS).map(value).collect()
}

/// Background, negative and sparse labels, one voxel, and a region without a finite value.
fn labels() -> Vec<f64> {
    let label = |at: usize| match (at, at % 23) {
        (100, _) => 4_000_000_000.0,
        (_, 3) => 9.0,
        _ => [0.0, -7.0, 2.0, 1001.0, 5.0, -0.0, 2.0, 1001.0, 3.0, 0.0][at % 10],
    };
    (0..VOXELS).map(label).collect()
}

fn twin(label: i64, values: &[f64], labels: &[f64]) -> [f64; 12] {
    let of_label: Vec<f64> =
        (0..values.len()).filter(|&at| labels[at] as i64 == label).map(|at| values[at]).collect();
    let mut finite: Vec<f64> = of_label.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    let n = finite.len() as f64;
    let mean = finite.iter().sum::<f64>() / n;
    let squares: f64 = finite.iter().map(|value| (value - mean) * (value - mean)).sum();
    let sd = if finite.len() < 2 { f64::NAN } else { (squares / (n - 1.0)).sqrt() };
    let quantile = |q: f64| {
        if finite.is_empty() {
            return f64::NAN;
        }
        let at = q * (n - 1.0);
        let (below, above) = (finite[at.floor() as usize], finite[at.ceil() as usize]);
        below * (1.0 - at.fract()) + above * at.fract()
    };
    let zeros = finite.iter().filter(|value| **value == 0.0).count() as f64;
    let (all, out) = (of_label.len() as f64, (of_label.len() - finite.len()) as f64);
    let [min, p05, p25] = [0.0, 0.05, 0.25].map(quantile);
    let [median, p75, p95, max] = [0.5, 0.75, 0.95, 1.0].map(quantile);
    [all, out, zeros, mean, sd, min, p05, p25, median, p75, p95, max]
}

fn figures(row: &RegionRow) -> [f64; 12] {
    let [voxels, nan, zeros] = [row.voxels, row.nan, row.zeros].map(|count| count as f64);
    let (quarters, ends) = ([row.p25, row.median, row.p75], [row.p05, row.p95]);
    let [p25, median, p75] = quarters;
    [voxels, nan, zeros, row.mean, row.sd, row.min, ends[0], p25, median, p75, ends[1], row.max]
}

#[test]
fn each_region_is_what_a_naive_twin_makes_of_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let (values, labels) = (values(), labels());
    let map = image(folder.path(), "map.nii", GRID, &values);
    let atlas = image(folder.path(), "atlas.nii", GRID, &labels);
    let found = regions(&map, &atlas, &Session::default()).unwrap();
    let present: Vec<i64> = found.rows.iter().map(|row| row.label).collect();
    assert_eq!(present, [-7, 2, 3, 5, 9, 1001, 4_000_000_000]);
    assert_eq!(found.report.scans, 1);
    for row in &found.rows {
        let want = twin(row.label, &values, &labels);
        // Sums of at most 60 values of 1e9 in other orders.
        for (at, (got, want)) in figures(row).into_iter().zip(want).enumerate() {
            let near = (got - want).abs() <= 1e-14 * want.abs().max(1.0) * 60.0;
            assert!(near || got.is_nan() && want.is_nan(), "{at} of {row:?}: {got} and {want}");
        }
    }
    let (none, one) = (&found.rows[4], &found.rows[6]);
    assert_eq!((none.nan, none.voxels, none.median.is_nan()), (9, 9, true));
    assert_eq!((one.voxels, one.sd.is_nan(), one.median), (1, true, values[100]));
}

#[test]
fn bits_do_not_depend_on_threads_memory_or_compression() {
    let folder = tempfile::tempdir().unwrap();
    let map = image(folder.path(), "map.nii", GRID, &values());
    let atlas = image(folder.path(), "atlas.nii", GRID, &labels());
    let packed = |name: &str| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let name = format!("{name}.gz");
        nifti::open(files::write(folder.path(), &name, &files::gzipped(&bytes))).unwrap()
    };
    let bits = |map: &Run, atlas: &Run, threads, memory| {
        let session = Session::builder().threads(threads).memory(memory).build().unwrap();
        let rows = regions(map, atlas, &session).unwrap().rows;
        rows.iter().map(|row| figures(row).map(f64::to_bits)).collect::<Vec<_>>()
    };
    let first = bits(&map, &atlas, 1, "512MiB");
    assert_eq!(bits(&map, &atlas, 4, "64MiB"), first);
    assert_eq!(bits(&packed("map.nii"), &packed("atlas.nii"), 2, "64MiB"), first);
}

#[test]
fn more_regions_than_the_budget_has_room_for_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let grid = [40, 40, 40, 1];
    let each: Vec<f64> = (1..=64_000).map(f64::from).collect();
    let map = image(folder.path(), "map.nii", grid, &each);
    let session = Session::builder().memory("64MiB").build().unwrap();
    let error = regions(&map, &map, &session).unwrap_err();
    assert!(error.to_string().contains("regions"), "{error}");
    let found = regions(&map, &map, &Session::default()).unwrap();
    assert!(found.rows.iter().all(|row| row.median == row.label as f64 && row.voxels == 1));
}

#[test]
fn what_is_no_map_and_no_atlas_is_refused_with_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, grid: [i64; 4], value: f64| {
        let count = grid.iter().product::<i64>() as usize;
        image(folder.path(), name, grid, &vec![value; count])
    };
    let (map, atlas) = (write("map.nii", GRID, 2.5), write("atlas.nii", GRID, 1.0));
    let refused = |map: &Run, atlas: &Run, words: &[&str]| -> JobError {
        let error = regions(map, atlas, &Session::default()).unwrap_err();
        for word in words {
            assert!(error.to_string().contains(word), "no {word:?} in {error}");
        }
        error
    };
    let four = write("four.nii", [7, 6, 5, 3], 1.0);
    refused(&four, &atlas, &["four.nii", "3 volumes", "voxstore tsnr"]);
    refused(&map, &four, &["four.nii", "3 volumes", "an atlas has one"]);
    let other = write("other.nii", [7, 5, 6, 1], 1.0);
    refused(&map, &other, &["map.nii", "other.nii", "(7, 6, 5)", "(7, 5, 6)"]);
    let moved = Nifti { zoom: 2.0, ..Nifti::new(GRID) }.write(folder.path(), "moved.nii");
    refused(&map, &nifti::open(moved).unwrap(), &["moved.nii", "affine", "mm apart"]);
    refused(&map, &write("zero.nii", GRID, 0.0), &["zero.nii", "every voxel is 0"]);
    let mut labels = vec![1.0; VOXELS];
    for (value, text) in [(1.5, "1.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e16, "1e16")] {
        labels[2 + 7 * (3 + 6 * 4)] = value;
        let atlas = image(folder.path(), "odd.nii", GRID, &labels);
        let error = refused(&map, &atlas, &["odd.nii", "(2, 3, 4)", text, "integer labels"]);
        assert!(matches!(error, JobError::Label { voxel: [2, 3, 4], .. }));
    }
}
