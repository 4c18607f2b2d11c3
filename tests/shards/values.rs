//! Reductions that are made of no sums that could be joined are finished where they are read, over all their runs.

use std::fs;
use std::path::{Path, PathBuf};

use voxstore::jobs::{JobError, ShardedJob};
use voxstore::shard::{Part, PartOptions, Parts, ShardError};
use voxstore::{
    AnyArray, DType, LazyArray, QuantileMethod, ReduceOptions, Run, Session, concatenate, stack,
};

use crate::files::{self, Nifti};
use crate::made::Made;
use crate::{COUNTS, runs_of, says, session, shard, snapshot, stored, stored_in_planes};

/// Time is the last axis.
const T: isize = -1;

fn job<'a>(runs: &'a [Run], arrays: &'a [&'a LazyArray]) -> ShardedJob<'a> {
    ShardedJob { kind: "try", definition: serde_json::json!({}), runs, arrays }
}

fn part(job: &ShardedJob<'_>, index: u64, count: u64, folder: &Path) -> Part {
    job.part(shard(index, count), folder, &PartOptions::default(), &session()).unwrap()
}

fn has_bits_of(one: &AnyArray, other: &AnyArray) -> bool {
    match (one, other) {
        (AnyArray::F64(a), AnyArray::F64(b)) => {
            a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        (AnyArray::F32(a), AnyArray::F32(b)) => {
            a.shape() == b.shape() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        _ => one == other,
    }
}

/// Holds so many shards against one process. Gives how many units there are, and the bytes that all shards read.
fn shards_are_one(runs: &[Run], arrays: &[&LazyArray], count: u64) -> (u64, u64) {
    let (one, _) = session().compute_any(arrays).unwrap();
    let (job, folder) = (job(runs, arrays), tempfile::tempdir().unwrap());
    let (mut units, mut read_bytes) = (0, 0);
    for k in 0..count {
        let of = shard((k * 11 + 3) % count, count);
        let plan = job.explain(of, &session()).unwrap().summary;
        let part = part(&job, of.index(), count, folder.path());
        assert_eq!(part.report.read_bytes, plan.read_bytes);
        assert!(part.report.leased_peak_bytes <= part.report.projected_bytes);
        units = part.total_units;
        read_bytes += part.report.read_bytes;
    }
    let parts = Parts::open(&[folder.path().to_owned()]).unwrap();
    let merged = job.merged(&parts).unwrap();
    let (merged, _) = session().compute_any(&merged.iter().collect::<Vec<_>>()).unwrap();
    for (k, (one, merged)) in one.iter().zip(&merged).enumerate() {
        assert!(has_bits_of(one, merged), "array {k} in {count} shards: {one:?} {merged:?}");
    }
    (units, read_bytes)
}

fn joined(runs: &[Run]) -> LazyArray {
    concatenate(&runs.iter().map(Run::lazy).collect::<Vec<_>>(), T)
}

fn bytes_of(runs: &[Run]) -> u64 {
    let bytes =
        |run: &Run| run.shape().iter().product::<u64>() * run.source().dtype().size() as u64;
    runs.iter().map(bytes).sum()
}

#[test]
fn medians_of_every_type_and_kind_of_file_have_the_bits_of_one_process() {
    for (datatype, size, name) in files::TYPES {
        let folder = tempfile::tempdir().unwrap();
        let like = Nifti::new([5, 4, 7, 9]).of_type(datatype, size);
        let gzip = runs_of(folder.path(), &like, &["a.nii.gz", "b.nii.gz"]);
        let plain = runs_of(folder.path(), &like, &["a.nii", "b.nii"]);
        let mixed = [gzip[0].clone(), plain[1].clone()];
        let stored = stored(&plain, folder.path());
        // The store's blocks have two planes. With a stream among them, all is one unit.
        let kinds: [(&[Run], u64, &[u64]); 4] =
            [(&plain, 7, &[1, 7]), (&stored, 4, &COUNTS), (&gzip, 1, &[1, 2]), (&mixed, 1, &[3])];
        for (runs, units, counts) in kinds {
            let all = joined(runs);
            let (median, mad) = (all.median(T), all.mad(T));
            for &count in counts {
                let (found, read_bytes) = shards_are_one(runs, &[&median, &mad], count);
                assert_eq!(found, units, "{name}");
                assert_eq!(read_bytes, bytes_of(runs), "{name}: each block is read by one shard");
            }
        }
    }
}

#[test]
fn quantiles_and_sums_of_the_same_runs_are_made_in_one_reading() {
    let folder = tempfile::tempdir().unwrap();
    let like = Nifti::new([5, 4, 7, 9]).of_type(16, 4);
    let plain = runs_of(folder.path(), &like, &["a.nii", "b.nii", "c.nii"]);
    let stored = stored(&plain, folder.path());
    for (runs, units) in [(&plain, 7), (&stored, 4)] {
        let all = joined(runs);
        let lower = ReduceOptions::new().quantile_method(QuantileMethod::Lower);
        let quantiles = [0.05, 0.5, 0.95].map(|q| all.quantile_with(q, T, lower.clone()));
        let small = all.astype(DType::F32).median(T);
        let arrays = [
            // Sums of a run each, which the quantiles then bring together.
            &(all.mean(T) / all.std(T)),
            &stack(&quantiles, T),
            &small.astype(DType::F64).square(),
            &all.argmax(T),
            // By itself a sum of one run.
            &runs[1].lazy().max(T),
        ];
        for count in COUNTS {
            let (found, read_bytes) = shards_are_one(runs, &arrays, count);
            assert_eq!((found, read_bytes), (units, bytes_of(runs)));
        }
    }
}

#[test]
fn medians_of_one_run_each_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    let like = Nifti::new([5, 4, 3, 9]);
    let runs = runs_of(folder.path(), &like, &["a.nii.gz", "b.nii.gz", "c.nii.gz"]);
    let medians: Vec<LazyArray> = runs.iter().map(|run| run.lazy().median(T)).collect();
    let (units, _) = shards_are_one(&runs, &medians.iter().collect::<Vec<_>>(), 3);
    assert_eq!(units, 3);
    // A column for each volume: the cells of a run are its own, though runs are joined.
    let (units, read_bytes) = shards_are_one(&runs, &[&joined(&runs).median([0, 1, 2])], 2);
    assert_eq!((units, read_bytes), (3, bytes_of(&runs)));
    // A median of what is summed elsewhere is taken when the sums are finished.
    let means: Vec<LazyArray> = runs.iter().map(|run| run.lazy().mean(T)).collect();
    let (units, _) = shards_are_one(&runs, &[&stack(&means, 0).median(0)], 3);
    assert_eq!(units, 3);
}

#[test]
fn what_is_made_of_other_reductions_or_of_groups_has_the_bits_of_one_process() {
    let (made, folder) = (Made::drifting([5, 4, 6], &[14, 9, 11]), tempfile::tempdir().unwrap());
    let stored = stored(&made.runs, folder.path());
    let mask = made.mask_run();
    let inside = mask.lazy().greater(0.5);
    let inside = if inside.ndim() == 4 { inside.squeeze(T) } else { inside };
    for runs in [&made.runs, &stored] {
        let all = joined(runs);
        let keep = || ReduceOptions::new().keepdims();
        let residual = &all - all.mean_with(T, keep());
        let global = &all - all.mean(..);
        let labels: Vec<u64> = (0..all.shape()[3]).map(|t| t % 3).collect();
        let slices: Vec<u64> = (0..6).map(|z| z / 4).collect();
        let (by_time, by_slice) = (all.group_by(T, &labels), all.group_by(2, &slices));
        let tsnr = all.mean(T) / all.std(T);
        let of_mask = ReduceOptions::new().mask(&inside).skip_nan();
        let cases: [(Vec<LazyArray>, bool); 7] = [
            (vec![residual.abs().mean(T), all.mean(T)], true),
            (vec![residual.median_with(T, ReduceOptions::new().skip_nan())], true),
            // Every plane would need all of the runs.
            (vec![global.abs().median(T)], false),
            (vec![by_time.mean(), by_time.max(), by_time.std(1)], true),
            (vec![by_slice.sum()], true),
            (vec![tsnr.mean_with([0, 1, 2], of_mask), tsnr.max(..)], true),
            (vec![all.median(..), all.min(..)], false),
        ];
        for (k, (arrays, is_cut)) in cases.iter().enumerate() {
            let arrays: Vec<&LazyArray> = arrays.iter().collect();
            for count in [1, 3] {
                let (units, _) = shards_are_one(runs, &arrays, count);
                assert_eq!(units > 1, *is_cut, "case {k}: {units} units");
            }
        }
    }
}

#[test]
fn runs_that_are_joined_along_two_axes_have_the_bits_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let like = Nifti::new([4, 3, 2, 5]);
    let runs = runs_of(folder.path(), &like, &["a.nii", "b.nii", "c.nii", "d.nii"]);
    let pair = |k: usize| concatenate(&[runs[k].lazy(), runs[k + 1].lazy()], T);
    let all = concatenate(&[pair(0), pair(2)], 2);
    shards_are_one(&runs, &[&all.median(T), &all.std([2, 3])], 3);
    let (units, _) = shards_are_one(&runs, &[&all.median(T)], 2);
    // Two planes of the upper runs, two of the lower.
    assert_eq!(units, 4);
}

#[test]
fn states_of_different_axes_are_one_unit() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs_of(folder.path(), &Nifti::new([5, 4, 3, 9]), &["a.nii", "b.nii"]);
    let all = joined(&runs);
    let (units, _) = shards_are_one(&runs, &[&all.mean(T), &all.mean([0, 1, 2])], 2);
    assert_eq!(units, 2);
    let (units, _) = shards_are_one(&runs, &[&all.median(T), &all.mean([0, 1, 2])], 2);
    assert_eq!(units, 1);
}

#[test]
fn budget_and_threads_change_no_byte_of_values() {
    let folder = tempfile::tempdir().unwrap();
    let like = Nifti::new([40, 40, 9, 30]).of_type(16, 4);
    let runs = runs_of(folder.path(), &like, &["a.nii.gz", "b.nii", "c.nii.gz"]);
    let median = joined(&runs).median(T);
    let mut first = None;
    for (memory, threads) in [("20MiB", 1), ("64MiB", 2), ("512MiB", 8)] {
        let session = Session::builder().memory(memory).threads(threads).build().unwrap();
        let out = tempfile::tempdir().unwrap();
        let how = PartOptions::default();
        let part = job(&runs, &[&median]).part(shard(0, 1), out.path(), &how, &session).unwrap();
        assert!(part.report.leased_peak_bytes <= session.memory_bytes());
        // Of the part's own file, what says that streams were read several times is the budget's.
        let is_array = |file: &(PathBuf, Vec<u8>)| file.0.components().count() > 2;
        let files: Vec<_> = snapshot(out.path()).into_iter().filter(is_array).collect();
        assert!(files.len() > 2);
        assert!(*first.get_or_insert_with(|| files.clone()) == files, "{memory}");
    }
}

#[test]
fn values_that_are_missing_or_damaged_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let runs = runs_of(folder.path(), &Nifti::new([5, 4, 6, 9]), &["a.nii", "b.nii"]);
    let (median, upper) = (joined(&runs).median(T), joined(&runs).quantile(0.75, T));
    let (arrays, others) = ([&median], [&upper]);
    let (job, out) = (job(&runs, &arrays), folder.path().join("parts"));
    let paths: Vec<_> = (0..3).map(|index| part(&job, index, 3, &out).path).collect();
    let merge = |job: &ShardedJob<'_>| -> Result<_, voxstore::Error> {
        let parts = Parts::open(std::slice::from_ref(&out)).map_err(JobError::from)?;
        let merged = job.merged(&parts)?;
        Ok(merged[0].compute::<f64>()?)
    };
    let want = merge(&job).unwrap();
    assert_eq!(want, median.compute::<f64>().unwrap());

    // Of another quantile, though the caller says that it is the same job.
    let other = ShardedJob { arrays: &others, ..job.clone() };
    says(&merge(&other).unwrap_err().to_string(), &["no state of values of quantile 0.75"]);

    let part = &paths[1];
    let name = part.file_name().unwrap().to_str().unwrap();
    for (file, bytes) in
        snapshot(part).into_iter().filter(|(file, _)| file.components().count() > 2)
    {
        let path = part.join(&file);
        let is_json = file.ends_with("zarr.json");
        for at in (0..bytes.len()).step_by(if is_json { 37 } else { 3 }) {
            let mut bad = bytes.clone();
            bad[at] ^= 0x04;
            fs::write(&path, &bad).unwrap();
            match merge(&job) {
                Err(error) => says(&error.to_string(), &[name]),
                Ok(found) => assert!(is_json && found == want, "{file:?} {at}"),
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
    fs::remove_dir_all(part).unwrap();
    let parts = Parts::open(std::slice::from_ref(&out)).unwrap();
    let error = job.merged(&parts).unwrap_err();
    let JobError::Shard(ShardError::Missing { shards, units, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!((shards.as_slice(), *units), (&[shard(1, 3)][..], 2));
}

#[test]
fn runs_of_different_blocks_are_cut_where_all_of_them_end() {
    let folder = tempfile::tempdir().unwrap();
    let plain = runs_of(folder.path(), &Nifti::new([5, 4, 12, 9]), &["a.nii", "b.nii", "c.nii"]);
    let of_two = stored(&plain[..1], folder.path());
    let three = folder.path().join("three");
    fs::create_dir(&three).unwrap();
    let of_three = stored_in_planes(&plain[1..2], &three, 3);
    let runs = [of_two[0].clone(), of_three[0].clone(), plain[2].clone()];
    let (units, read_bytes) = shards_are_one(&runs, &[&joined(&runs).median(T)], 2);
    assert_eq!((units, read_bytes), (2, bytes_of(&runs)));
}
