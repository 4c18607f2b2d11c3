//! Fewer workers, then smaller blocks, then a refusal that names the dominant term.

use super::Header;
use crate::lazy::LazyArray;
use crate::plan::fit::grow;
use crate::plan::{Delivery, Plan, PlanError, ResultMemory};

fn planned(x: &LazyArray, memory_bytes: u64, threads: usize) -> Result<Plan, PlanError> {
    let session = crate::runtime::Session::builder()
        .memory_bytes(memory_bytes)
        .threads(threads)
        .build()
        .unwrap();
    Plan::new(&[(x, x.dtype())], &Delivery::of(ResultMemory::Counted), &session)
}

const MIB: u64 = 1 << 20;

#[test]
fn a_smaller_budget_has_fewer_workers_and_is_never_passed() {
    let x = Header::lazy(&[100, 100, 100, 1000], &[100, 100, 100, 1]).std(-1);
    let mut most = usize::MAX;
    let mut planned_once = false;
    for budget in (17..200).rev().map(|mib| mib * MIB) {
        let Ok(plan) = planned(&x, budget, 4) else { continue };
        assert!(plan.projected_bytes() <= budget, "{budget}");
        let workers = plan.passes[0].1.workers;
        assert!(workers <= most.max(1), "more workers within {budget}");
        most = workers;
        planned_once = true;
    }
    assert!(planned_once);
}

#[test]
fn sums_of_streams_wait_on_disk_and_only_where_those_of_one_do_not_fit_are_streams_read_again() {
    let runs: Vec<LazyArray> = (0..3).map(|_| Header::stream(&[100, 100, 100, 50])).collect();
    let tsnr = crate::lazy::concatenate(&runs, -1);
    let tsnr = (tsnr.mean(-1) / tsnr.std(-1)).max(..);
    let (mut last, mut waited) = (1, 0);
    for budget in (31..140).rev().map(|mib| mib * MIB) {
        let plan = planned(&tsnr, budget, 2).unwrap();
        assert!(plan.projected_bytes() <= budget);
        let (_, schedule) = &plan.passes[0];
        let readings = schedule.readings();
        let time = readings * 1000 / schedule.workers as u64;
        let spilled_bytes = plan.spilled_bytes();
        assert_eq!(spilled_bytes % (3 * 24 * 1_000_000), 0, "all sums of three floats, or none");
        assert!(spilled_bytes == 0 || readings == 1);
        waited += u64::from(spilled_bytes > 0);
        assert!(time >= last, "{readings} readings within {budget} take no longer than with more");
        assert_eq!(plan.scans() as u64, readings);
        last = time;
    }
    assert!(last > 8000 && waited > 20, "{last} {waited}");
    // A reading for every row of a map would never end: that is refused.
    let error = planned(&tsnr, 30 * MIB, 2).unwrap_err();
    let PlanError::Memory { projected_bytes, alternative, .. } = error else { panic!("{error}") };
    assert!(planned(&tsnr, projected_bytes, 2).is_ok());
    assert!(alternative.unwrap().contains("ingest"));
}

#[test]
fn all_threads_make_the_results_of_one_stream_in_the_memory_of_its_reader() {
    let x = Header::stream(&[64, 64, 30, 200]);
    let tsnr = x.mean(-1) / x.std(-1);
    let plan = planned(&tsnr, 128 * MIB, 4).unwrap();
    let (_, schedule) = &plan.passes[0];
    assert_eq!((schedule.workers, schedule.finishing_workers(4)), (1, 4));
    assert_eq!(schedule.finishing_workers(1), 1);
    let finishing_bytes = 4 * schedule.sizes.when_read().total();
    assert!(finishing_bytes <= schedule.sizes.total(), "{finishing_bytes}");
}

fn written(x: &LazyArray, block: &[u64], memory_bytes: u64) -> Result<Plan, PlanError> {
    let session = crate::runtime::Session::builder().memory_bytes(memory_bytes).threads(2);
    let delivery = Delivery { grid: Some(block.to_vec()), ..Delivery::of(ResultMemory::Sink) };
    Plan::new(&[(x, x.dtype())], &delivery, &session.build().unwrap())
}

#[test]
fn blocks_of_a_receiver_wait_on_disk_where_they_do_not_fit_or_cut_through_stored_blocks() {
    let shape = [100, 100, 60, 500];
    let all = shape.iter().product::<u64>() * 4;
    let (volumes, series) = ([100, 100, 60, 1], [20, 20, 10, 500]);
    let (stream, stored) = (Header::stream(&shape), Header::lazy(&shape, &[100, 100, 10, 16]));
    for (x, block, memory, waits, why) in [
        (&stream, volumes, 256, false, "volumes come in their order"),
        (&stream, series, 256, true, "rows of whole series do not fit"),
        (&stream, series, 2048, false, "they do"),
        (&stored, series, 96, true, "each block would be read 25 times"),
        (&stored, series, 512, false, "a box of several blocks covers what is stored"),
        (&stored, [100, 100, 20, 16], 64, false, "no stored block is cut"),
    ] {
        let plan = written(x, &block, memory * MIB).unwrap();
        assert!(plan.projected_bytes() <= memory * MIB);
        let spilled: Vec<u64> = plan.spills().map(|spill| spill.len_bytes()).collect();
        assert_eq!(spilled, if waits { vec![all] } else { vec![] }, "{why}");
        assert_eq!((plan.passes.len(), plan.scans()), (1 + usize::from(waits), 1), "{why}");
        assert!(plan.rereads() < 2.0, "{why}: {}", plan.rereads());
    }
    let error = written(&stream, &series, 17 * MIB).unwrap_err();
    let least = error.projected_bytes().unwrap();
    assert!(least < 80 * MIB, "what the way by disk needs: {least}");
    assert!(written(&stream, &series, least).is_ok());
}

#[test]
fn streams_joined_along_space_wait_on_disk_for_a_receiver_of_blocks() {
    let halves = [0, 1].map(|_| Header::stream(&[100, 200, 100, 50]));
    let joined = crate::lazy::concatenate(&halves, 0);
    let plan = written(&joined, &[200, 200, 100, 1], 512 * MIB).unwrap();
    assert_eq!(plan.spills().count(), 1);
    // There is no other way, so its budget is the one to name.
    let error = written(&joined, &[200, 200, 100, 1], 16 * MIB + 1).unwrap_err();
    let least = error.projected_bytes().unwrap();
    assert!(
        written(&joined, &[200, 200, 100, 1], least).is_ok(),
        "{least} bytes are said to be enough"
    );
}

#[test]
fn a_refusal_says_what_would_be_enough_and_it_is() {
    let x = Header::lazy(&[100, 100, 100, 1000], &[100, 100, 100, 1]);
    for array in [x.std(-1), x.std(0), &x * 2.0, x.median(-1)] {
        let error = planned(&array, 17 * MIB, 2).err();
        let Some(PlanError::Memory { projected_bytes, dominant, dominant_bytes, .. }) = error
        else {
            continue;
        };
        assert!(dominant_bytes <= projected_bytes && !dominant.is_empty());
        assert!(planned(&array, projected_bytes, 2).is_ok(), "{dominant} {projected_bytes}");
    }
    let refused = planned(&(&x * 2.0), 100 * MIB, 2).unwrap_err();
    assert!(refused.to_string().contains("the results in memory"), "{refused}");
}

#[test]
fn boxes_grow_along_fast_axes_first_and_in_whole_blocks() {
    let grown = |lens: [u64; 3], target| {
        let mut lens = lens.to_vec();
        grow(&mut lens, &[64, 64, 30], target);
        lens
    };
    assert_eq!(grown([8, 8, 1], 64 * 8), [64, 8, 1]);
    assert_eq!(grown([8, 8, 1], 30 * 8), [24, 8, 1]);
    assert_eq!(grown([8, 8, 1], 64 * 20), [64, 16, 1]);
    assert_eq!(grown([8, 8, 1], 64 * 64 * 7), [64, 64, 7]);
    assert_eq!(grown([8, 8, 1], 1), [8, 8, 1], "never shorter");
    assert_eq!(grown([8, 8, 1], u64::MAX), [64, 64, 30]);
}
