//! Is this data good, and where is it not?
//!
//! A page that is looked at: verdicts, maps, spreads, courses in time. Runs are looked at one after the other;
//! maps of all runs follow from those of each. Reads no voxel itself.
//! Rules and formulas are in `docs/numerics.md`; how pictures are drawn is in `picture`.

mod figures;
mod gather;
mod group;
mod page;
mod pictures;
mod verdicts;

pub use group::{GroupReport, GroupRun};
pub use verdicts::Verdict;

use std::sync::OnceLock;

use serde::Serialize;

use self::gather::Gathered;
use self::pictures::Pictures;
use super::error::JobError;
use super::record::RunRecord;
use crate::exec::Report;
use crate::run::Run;
use crate::runtime::Session;

/// What is looked at.
#[derive(Clone, Debug, Default)]
pub struct ReportOptions {
    /// Voxels that count, on the runs' grid (not 0 is inside). Without it: std over time above 0 and mean
    /// above 20 % of the largest mean, of all runs together.
    pub mask: Option<Run>,
}

/// What a report says in words and numbers; [`html`](Self::html) and [`pictures`](Self::pictures) show it.
#[derive(Debug, Serialize)]
pub struct QualityReport {
    /// What holds and what does not, the latter first.
    pub verdicts: Vec<Verdict>,
    /// The figures of each run, in the order given.
    pub runs: Vec<RunFigures>,
    /// Voxels that the figures are over.
    pub mask_voxels: u64,
    /// Median tSNR by the deviations within runs.
    pub pooled_median: f64,
    /// Median tSNR of the runs joined end to end.
    pub concatenated_median: f64,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
    /// The runs that went in, so that they can be found and checked again.
    pub inputs: Vec<RunRecord>,
    #[serde(skip)]
    gathered: Gathered,
    /// Drawn when they are first asked for.
    #[serde(skip)]
    pictures: OnceLock<Pictures>,
}

/// The figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFigures {
    /// The run.
    pub name: String,
    /// Volumes in it.
    pub volumes: u64,
    /// Seconds from volume to volume, where known.
    pub tr_seconds: Option<f64>,
    /// Median tSNR over the mask.
    pub median: f64,
    /// 5th percentile.
    pub p05: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Share of the mask with a tSNR below 10.
    pub dropout_share: f64,
    /// Share of volumes with a standardised DVARS above 1.5.
    pub std_dvars_share: f64,
    /// The largest standardised DVARS.
    pub std_dvars_largest: f64,
    /// How far a slice's mean goes from its course, at most, in robust standard deviations.
    pub spike_largest: f64,
    /// Where that is: slice and volume, both counted from 0.
    pub spike_at: Option<(u64, u64)>,
    /// Values in the mask's maps that are no numbers.
    pub not_finite_voxels: u64,
}

/// A picture that stands alone.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What it shows, as a file name without its ending: `tsnr_mosaic`.
    pub name: &'static str,
    /// The bytes of a PNG.
    pub png: Vec<u8>,
}

/// Looks at runs on one grid.
///
/// Looks at one run after the other as [`qc`](super::qc()) does, each in two scans (a `.nii.gz` larger than the
/// memory in more). What is kept beside that is 8 bytes a voxel for each run and 25 more, 700 bytes and 10
/// a slice for each volume, and room to draw in, all of it under the session's budget.
///
/// # Errors
/// Runs of fewer than 2 volumes, or on different grids; a mask of another grid; a budget that is too
/// small; a damaged source.
pub fn report(
    runs: &[Run],
    options: &ReportOptions,
    session: &Session,
) -> Result<QualityReport, JobError> {
    let (gathered, warnings) = gather::gather(runs, options, session)?;
    let figures = figures::of_runs(&gathered);
    let mut report = QualityReport {
        verdicts: Vec::new(),
        mask_voxels: gathered.mask.iter().filter(|inside| **inside).count() as u64,
        pooled_median: figures::median(&gathered, |voxel| gathered.pooled(voxel)),
        concatenated_median: figures::median(&gathered, |voxel| gathered.joined(voxel)),
        runs: figures,
        warnings,
        inputs: runs.iter().map(RunRecord::of).collect(),
        gathered,
        pictures: OnceLock::new(),
    };
    report.verdicts = verdicts::of(&report);
    Ok(report)
}

impl QualityReport {
    /// One HTML page that needs nothing else: no network, no file beside it. Viewers of any theme, paper,
    /// and those who do not see pictures are thought of. The same runs give the same bytes.
    pub fn html(&self) -> String {
        page::of(self, self.drawn())
    }

    /// How looking at the runs went: the most memory, scans of the run that was read most often, bytes read.
    pub fn computation(&self) -> &Report {
        &self.gathered.report
    }

    /// The pictures of the page, each a PNG of its own.
    pub fn pictures(&self) -> impl Iterator<Item = Picture> {
        self.drawn().named().map(|(name, drawing)| Picture { name, png: drawing.png() })
    }

    fn drawn(&self) -> &Pictures {
        self.pictures.get_or_init(|| Pictures::of(self))
    }
}
