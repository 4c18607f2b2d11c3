//! Every definition of tSNR against a naive twin that holds all samples in float64, and the cited
//! formulas of other tools, worked by hand ("by formula").

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its files has failed")]

#[path = "files/mod.rs"]
#[expect(dead_code, reason = "made for several tests")]
mod files;
#[path = "tsnr/like.rs"]
mod like;
#[path = "tsnr/made.rs"]
mod made;
#[path = "tsnr/twin.rs"]
mod twin;

use made::{Made, near};
use twin::{Definition, twin};
use voxstore::jobs::{
    Across, Constant, Dummies, JobError, Mask, NonFinite, Tsnr, TsnrOptions, explain_tsnr, tsnr,
};
use voxstore::{Run, Session};

const ACROSS: [Across; 4] = [Across::Concat, Across::Pooled, Across::Mean, Across::PerRun];

fn held_against_twin(made: &Made, options: TsnrOptions<'_>, session: &Session) -> Tsnr {
    let found = tsnr(&made.runs, options, session).unwrap();
    let mask = match options.mask {
        Mask::Of(_) => Some(made.mask.as_slice()),
        _ => None,
    };
    let dummies: Vec<usize> = found.runs.iter().map(|row| row.dummy_volumes as usize).collect();
    let definition = Definition { options, dummies: &dummies, mask };
    let want = twin(&made.values, &definition);
    let said = format!("{options:?}");
    near(&found.map, &want.map, &said);
    assert_eq!(found.parts.is_some(), options.parts);
    if let Some(parts) = &found.parts {
        near(&parts.mean, &want.mean, &said);
        near(&parts.std, &want.std, &said);
    }
    assert_eq!(found.run_maps.len(), want.run_maps.len(), "{said}");
    for (found, want) in found.run_maps.iter().zip(&want.run_maps) {
        near(found, want, &said);
    }
    let same = |found: f64, want: f64, what: &str| {
        let near = (found - want).abs() <= 1e-9 * want.abs().max(1e-3);
        assert!(near || (found.is_nan() && want.is_nan()), "{what}: {found} {want} {said}");
    };
    same(found.concatenated_median, want.joined, "joined");
    same(found.pooled_median, want.pooled, "pooled");
    for (row, want) in found.runs.iter().zip(&want.each) {
        same(row.median, *want, "run");
    }
    assert_eq!(found.between_runs.is_some(), made.runs.len() > 1);
    if let Some(between) = found.between_runs {
        same(between.variance_median, want.between.0, "between");
        same(between.share_median, want.between.1, "share");
    }
    assert_eq!(found.mask_voxels as usize, want.voxels, "{said}");
    found
}

#[test]
fn every_way_across_runs_with_every_trend_is_the_twins() {
    let made = Made::drifting([5, 4, 3], &[14, 9, 11]);
    for across in ACROSS {
        for detrend in 0..=5 {
            for (ddof, ddof_of_model) in [(0, false), (1, false), (0, true)] {
                let options = TsnrOptions {
                    across,
                    ddof,
                    ddof_of_model,
                    detrend,
                    parts: true,
                    ..TsnrOptions::default()
                };
                let found = held_against_twin(&made, options, &Session::default());
                assert_eq!(found.report.scans, 1, "{options:?}");
            }
        }
    }
}

#[test]
fn one_run_is_the_same_whatever_becomes_of_several() {
    let made = Made::drifting([5, 4, 3], &[14]);
    let of = |across| {
        let options = TsnrOptions { across, detrend: 1, ddof: 1, ..TsnrOptions::default() };
        held_against_twin(&made, options, &Session::default()).map
    };
    let first = of(Across::Concat);
    assert!(ACROSS.into_iter().all(|across| of(across) == first));
}

#[test]
fn volumes_left_out_are_as_if_they_had_never_been_but_for_the_time_of_the_others() {
    let made = Made::drifting([5, 4, 3], &[16, 12]);
    let lists = [vec![9, 3, 4, 9], vec![0, 11]];
    for across in ACROSS {
        for detrend in [0, 2] {
            for dummies in [0, 3] {
                let options = TsnrOptions {
                    across,
                    detrend,
                    dummies: Dummies::First(dummies),
                    censored: &lists,
                    ..TsnrOptions::default()
                };
                let found = held_against_twin(&made, options, &Session::default());
                assert_eq!(found.report.scans, 1);
                let left =
                    |row: usize| (found.runs[row].counted_volumes(), found.runs[row].volumes);
                let want = if dummies == 0 { [(13, 16), (10, 12)] } else { [(10, 16), (8, 12)] };
                assert_eq!([left(0), left(1)], want);
            }
        }
    }
}

#[test]
fn a_mask_says_where_the_map_is_and_medians_are() {
    let made = Made::drifting([5, 4, 3], &[10, 8]);
    let mask = made.mask_run();
    for across in ACROSS {
        for detrend in [0, 1] {
            let of = Mask::Of(&mask);
            let options = TsnrOptions { across, detrend, mask: of, ..TsnrOptions::default() };
            held_against_twin(&made, options, &Session::default());
        }
        let auto = TsnrOptions { across, mask: Mask::Auto, ..TsnrOptions::default() };
        held_against_twin(&made, auto, &Session::default());
    }
}

#[test]
fn samples_that_are_not_finite_spread_are_skipped_or_are_0() {
    let made = Made::with_holes([5, 4, 3], &[14, 9, 11]);
    for across in ACROSS {
        for non_finite in [NonFinite::Propagate, NonFinite::Skip, NonFinite::Zero] {
            for constant in [Constant::Zero, Constant::Nan] {
                let options =
                    TsnrOptions { across, non_finite, constant, ..TsnrOptions::default() };
                held_against_twin(&made, options, &Session::default());
            }
        }
        let zero = TsnrOptions {
            across,
            non_finite: NonFinite::Zero,
            detrend: 2,
            ddof_of_model: true,
            ..TsnrOptions::default()
        };
        held_against_twin(&made, zero, &Session::default());
    }
}

/// Maps of 256 KiB each: of three runs they do not fit beside each other in what is left here.
#[test]
fn maps_that_wait_on_disk_are_those_in_memory() {
    let made = Made::drifting([64, 32, 16], &[6, 7, 8]);
    let mask = made.mask_run();
    let session = |memory: u64| Session::builder().memory_bytes(memory).threads(2).build().unwrap();
    let roomy = session(256 << 20);
    let mut spilled = 0;
    for across in [Across::Concat, Across::Pooled, Across::Mean] {
        for detrend in [0, 1] {
            let of = Mask::Of(&mask);
            let parts = detrend == 1;
            let options =
                TsnrOptions { across, detrend, mask: of, parts, ..TsnrOptions::default() };
            let want = held_against_twin(&made, options, &roomy);
            // The smallest budget of all: by the error that names it.
            let error = explain_tsnr(&made.runs, options, &session(17 << 20)).unwrap_err();
            let text = error.to_string();
            let JobError::Exec(voxstore::ExecError::Plan(plan)) = error else { panic!("{text}") };
            let tight = session(plan.projected_bytes().unwrap());
            let plan = explain_tsnr(&made.runs, options, &tight).unwrap();
            let waits = plan.summary.rewrites.iter().any(|said| said.contains("wait on disk"));
            spilled += usize::from(waits);
            let found = tsnr(&made.runs, options, &tight).unwrap();
            assert_eq!(found.map, want.map, "{options:?}");
            if let (Some(found), Some(want)) = (&found.parts, &want.parts) {
                assert_eq!((&found.mean, &found.std), (&want.mean, &want.std), "{options:?}");
            }
            assert_eq!(found.parts.is_some(), parts);
            assert_eq!(found.runs, want.runs);
            assert_eq!(found.between_runs, want.between_runs);
            let figures = |t: &Tsnr| (t.pooled_median, t.concatenated_median, t.mask_voxels);
            assert_eq!(figures(&found), figures(&want));
            let peak = found.report.leased_peak_bytes;
            assert!(peak <= found.report.projected_bytes && peak <= tight.memory_bytes());
        }
    }
    assert!(spilled > 0, "no plan waited on disk");
}

#[test]
fn dummy_volumes_are_found_in_each_run_by_one_more_reading() {
    let mut made = Made::drifting([5, 4, 3], &[60, 40]);
    made.raise(0, &[900.0, 300.0]);
    let options = TsnrOptions { dummies: Dummies::Auto, ..TsnrOptions::default() };
    let found = held_against_twin(&made, options, &Session::default());
    let dummies: Vec<u64> = found.runs.iter().map(|row| row.dummy_volumes).collect();
    assert_eq!(dummies, [2, 0]);
    assert_eq!(found.report.scans, 2);
    let given = TsnrOptions { dummies: Dummies::First(2), ..TsnrOptions::default() };
    let one = |run: &Run, options| tsnr(std::slice::from_ref(run), options, &Session::default());
    assert_eq!(one(&made.runs[0], options).unwrap().map, one(&made.runs[0], given).unwrap().map);
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_is_read() {
    let made = Made::drifting([5, 4, 3], &[6, 5]);
    let refused = |options: TsnrOptions<'_>, words: &[&str]| {
        let error = tsnr(&made.runs, options, &Session::default()).unwrap_err().to_string();
        let plan = explain_tsnr(&made.runs, options, &Session::default()).unwrap_err();
        assert_eq!(error, plan.to_string());
        for word in words {
            assert!(error.contains(word), "no {word:?} in {error}");
        }
    };
    let default = TsnrOptions::default;
    refused(TsnrOptions { detrend: 6, ..default() }, &["order 6", "0 to 5"]);
    let skip = NonFinite::Skip;
    refused(TsnrOptions { detrend: 1, non_finite: skip, ..default() }, &["skipped", "censor"]);
    refused(TsnrOptions { detrend: 4, ..default() }, &["run-1.nii", "5 of its 5", "at least 6"]);
    let first = |n| TsnrOptions { dummies: Dummies::First(n), ..default() };
    refused(first(4), &["run-1.nii", "1 of its 5 volumes count", "at least 2"]);
    refused(first(u64::MAX), &["run-0.nii", "0 of its 6 volumes count"]);
    let one = [vec![1]];
    refused(TsnrOptions { censored: &one, ..default() }, &["1 lists", "2 run(s)"]);
    let beyond = [vec![], vec![5]];
    refused(TsnrOptions { censored: &beyond, ..default() }, &["run-1.nii", "volume 5"]);
    let other = Made::drifting([5, 4, 2], &[2]);
    let mask = other.mask_run();
    refused(TsnrOptions { mask: Mask::Of(&mask), ..default() }, &["grids", "(5, 4, 2)"]);
}
