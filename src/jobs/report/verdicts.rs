//! Which rules hold?
//!
//! Each is a number against a limit, both said. A warning is a reason to look, not a reason to leave a
//! run out.

use serde::Serialize;

use super::figures::DVARS_SPIKE;
use super::{QualityReport, RunFigures};
use crate::jobs::middle::median_of;
use crate::picture::distinct_parts;

/// A run below this share of the others' median tSNR is worth a look.
const OTHERS_SHARE: f64 = 0.8;
/// A joined median below this share of the pooled one: levels shift between runs.
const JOINED_SHARE: f64 = 0.8;
/// Medians outside of these are implausible for BOLD.
const PLAUSIBLE: (f64, f64) = (5.0, 400.0);
/// A share of volumes with spikes that is worth a look.
const VOLUME_SHARE: f64 = 0.05;
/// A slice so many robust standard deviations from its course is a spike.
const SLICE_SPIKE: f64 = 6.0;
/// A share of the mask below a tSNR of 10 that is worth a look.
const DROPOUT_SHARE: f64 = 0.2;

/// So many runs are named with what was found of them; all are in the table.
const MOST_TOLD: usize = 3;

/// A rule, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// False for a warning.
    pub passed: bool,
    /// What was found: a sentence with its numbers.
    pub finding: String,
    /// The rule it is held against.
    pub rule: String,
}

/// Warnings first, in the order of the rules.
pub(super) fn of(report: &QualityReport) -> Vec<Verdict> {
    let mut all = [
        finite(report),
        plausible(report),
        alike(report),
        level_shifts(report),
        dropout(report),
        dvars(report),
        slice_spikes(report),
    ]
    .concat();
    all.sort_by_key(|verdict| verdict.passed);
    all
}

/// How badly a run breaks a rule, and how, in the words that follow what is common.
type Broken = (f64, String);

/// The runs that break a rule, the worst of them with their numbers; or how far from it all are. `what` is
/// found of each that breaks it.
fn each(
    report: &QualityReport,
    rule: String,
    what: &str,
    breaks: impl Fn(&RunFigures) -> Option<Broken>,
    otherwise: String,
) -> Vec<Verdict> {
    let names: Vec<&str> = report.runs.iter().map(|run| run.name.as_str()).collect();
    let short = distinct_parts(&names);
    let found = report.runs.iter().zip(short).filter_map(|(run, name)| Some((name, breaks(run)?)));
    let mut broken: Vec<(String, Broken)> = found.collect();
    broken.sort_by(|(_, a), (_, b)| b.0.total_cmp(&a.0));
    let told = broken.iter().take(MOST_TOLD);
    let told: Vec<String> = told.map(|(name, (_, how))| format!("{name} {how}")).collect();
    let (count, runs) = (broken.len(), report.runs.len());
    let finding = match (&broken[..], runs) {
        ([], _) => otherwise,
        ([(_, (_, how))], 1) => format!("{what} {how}"),
        ([(name, (_, how))], _) => format!("{name}: {what} {how}"),
        _ if count == told.len() => format!("{count} of {runs} runs: {what}: {}", told.join("; ")),
        _ => {
            let more = count - told.len();
            format!("{count} of {runs} runs: {what}: {}; and {more} more", told.join("; "))
        }
    };
    vec![Verdict { passed: count == 0, finding, rule }]
}

fn most(report: &QualityReport, of: impl Fn(&RunFigures) -> f64) -> f64 {
    report.runs.iter().map(of).filter(|v| !v.is_nan()).fold(0.0, f64::max)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn finite(report: &QualityReport) -> Vec<Verdict> {
    let breaks = |run: &RunFigures| {
        let voxels = run.not_finite_voxels;
        (voxels > 0).then(|| (voxels as f64, format!("in {voxels} voxels of the mask")))
    };
    let rule = "every sample in the mask is a finite number".to_owned();
    let fine = "no NaN and no infinity in the mask".to_owned();
    each(report, rule, "samples that are no numbers", breaks, fine)
}

fn plausible(report: &QualityReport) -> Vec<Verdict> {
    let (low, high) = PLAUSIBLE;
    let breaks = |run: &RunFigures| {
        let why = if run.median < 1.0 {
            "it looks demeaned or z-scored"
        } else if run.median < low {
            "is it a time series of a head, not moving?"
        } else {
            "has it been smoothed or averaged?"
        };
        let outside = !(low..=high).contains(&run.median);
        outside.then(|| (-run.median, format!("{:.1} ({why})", run.median)))
    };
    let least = report.runs.iter().map(|run| run.median).fold(f64::INFINITY, f64::min);
    let largest = most(report, |run| run.median);
    let fine = match &report.runs[..] {
        [run] => format!("median tSNR {:.1}", run.median),
        _ => format!("median tSNR from {least:.1} to {largest:.1}"),
    };
    each(report, format!("median tSNR between {low} and {high}"), "median tSNR", breaks, fine)
}

fn alike(report: &QualityReport) -> Vec<Verdict> {
    if report.runs.len() < 2 {
        return Vec::new();
    }
    let breaks = |run: &RunFigures| {
        let others = others_median(report, run);
        let text = || format!("{:.1} against {others:.1} of the others", run.median);
        (run.median < OTHERS_SHARE * others).then(|| (-run.median / others, text()))
    };
    let least = report.runs.iter().map(|run| run.median / others_median(report, run));
    let least = least.fold(f64::INFINITY, f64::min);
    let rule = format!("a run's median is at least {OTHERS_SHARE} of the median of the others");
    let fine = format!("runs are alike: the lowest has {least:.2} of the others' median");
    each(report, rule, "median tSNR", breaks, fine)
}

fn others_median(report: &QualityReport, run: &RunFigures) -> f64 {
    let others = report.runs.iter().filter(|other| !std::ptr::eq(*other, run));
    median_of(&mut others.map(|other| other.median).collect::<Vec<_>>())
}

fn level_shifts(report: &QualityReport) -> Vec<Verdict> {
    if report.runs.len() < 2 {
        return Vec::new();
    }
    let (joined, pooled) = (report.concatenated_median, report.pooled_median);
    let passed = joined >= JOINED_SHARE * pooled;
    let finding = format!(
        "joined end to end: median tSNR {joined:.1} against {pooled:.1} pooled within runs"
    );
    let more = if passed { "" } else { "; level shifts between runs would count as noise" };
    let rule = format!("the joined median is at least {JOINED_SHARE} of the pooled one");
    vec![Verdict { passed, finding: finding + more, rule }]
}

fn dropout(report: &QualityReport) -> Vec<Verdict> {
    let breaks = |run: &RunFigures| {
        let share = run.dropout_share;
        (share > DROPOUT_SHARE).then(|| (share, format!("in {} of the mask", percent(share))))
    };
    let fine = format!(
        "at most {} of the mask have a tSNR below 10",
        percent(most(report, |run| run.dropout_share))
    );
    let rule = format!("at most {:.0} % of the mask below a tSNR of 10", 100.0 * DROPOUT_SHARE);
    each(report, rule, "tSNR below 10", breaks, fine)
}

fn dvars(report: &QualityReport) -> Vec<Verdict> {
    let what = format!("standardised DVARS above {DVARS_SPIKE}");
    let breaks = |run: &RunFigures| {
        let (share, largest) = (run.std_dvars_share, run.std_dvars_largest);
        let text = || format!("in {} of volumes, up to {largest:.1}", percent(share));
        (share > VOLUME_SHARE).then(|| (share, text()))
    };
    let largest = percent(most(report, |run| run.std_dvars_share));
    let fine = format!("{what} in at most {largest} of volumes");
    let rule = format!("{what} in at most {:.0} % of volumes", 100.0 * VOLUME_SHARE);
    each(report, rule, &what, breaks, fine)
}

fn slice_spikes(report: &QualityReport) -> Vec<Verdict> {
    let breaks = |run: &RunFigures| {
        let (slice, volume) = run.spike_at?;
        let z = run.spike_largest;
        let text = || format!("by {z:.1} robust SD in slice {slice}, volume {volume}");
        (z.abs() > SLICE_SPIKE).then(|| (z.abs(), text()))
    };
    let largest = most(report, |run| run.spike_largest.abs());
    let fine = format!("slices stay within {largest:.1} robust SD of their course");
    let rule = format!("no slice's mean farther than {SLICE_SPIKE} robust SD from its course");
    each(report, rule, "a slice off its course", breaks, fine)
}
