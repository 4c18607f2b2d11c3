//! Temporal signal-to-noise: the mean over time divided by the standard deviation over time.
//!
//! The map is of the runs joined end to end, which is the classical formula; the figures beside it
//! show what that does to the number when runs differ in level. Definitions are in
//! `docs/numerics.md`.

mod arrays;
mod held;
mod medians;
mod record;
mod spilled;

pub use record::TsnrRecord;

use ndarray::Array3;

use self::arrays::{Asked, Waiting};
use self::held::Held;
use self::medians::{Counts, Voxel};
use self::spilled::Spilled;
use super::error::JobError;
use super::grid;
use super::join::said_of;
use crate::exec::{ExecError, Report};
use crate::picture::Explanation;
use crate::run::Run;
use crate::runtime::Session;

/// A joined median below this share of the pooled one is worth a warning.
const LEVEL_SHIFT_SHARE: f64 = 0.8;

/// What a voxel gets whose series never changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Constant {
    /// 0, so that viewers and averages are not spoiled.
    #[default]
    Zero,
    /// NaN, so that it cannot be mistaken for a measurement.
    Nan,
}

/// How tSNR is defined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TsnrOptions {
    /// Delta degrees of freedom of the standard deviation; 0 is numpy's default.
    pub ddof: u64,
    /// What constant voxels get.
    pub constant: Constant,
}

/// The map and the figures beside it.
#[derive(Debug)]
pub struct Tsnr {
    /// tSNR of the runs joined along time, `(x, y, z)`, on the grid of the first run.
    pub map: Array3<f64>,
    /// Voxels that the medians are over: std above 0 and grand mean above 20 % of its maximum.
    pub mask_voxels: u64,
    /// One row a run, in the order they were joined.
    pub runs: Vec<RunRow>,
    /// Median tSNR from the standard deviation within runs and the grand mean.
    pub pooled_median: f64,
    /// Median tSNR of the map.
    pub concatenated_median: f64,
    /// Voxels whose series never changes.
    pub constant_voxels: u64,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
    /// How the computation went.
    pub report: Report,
}

/// What one run contributes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub name: String,
    /// Volumes in it.
    pub volumes: u64,
    /// Seconds from volume to volume, where known.
    pub tr_seconds: Option<f64>,
    /// Median tSNR of the run alone, over the same mask as the other figures.
    pub median: f64,
}

/// tSNR over `runs` joined along time, in one scan of each.
///
/// Slope and intercept of each run are applied. Voxels with NaN or infinite samples are NaN. The
/// results of the scan (8 bytes a voxel for each run and three more) are part of the plan; where they
/// do not fit, they wait on disk in the session's [`scratch`](crate::SessionBuilder::scratch) folder,
/// and only 8 bytes a voxel must fit.
///
/// # Errors
/// Runs of fewer than 2 volumes, or on different grids; a budget that is too small; a damaged
/// source; a scratch folder that cannot be written.
pub fn tsnr(runs: &[Run], options: TsnrOptions, session: &Session) -> Result<Tsnr, JobError> {
    let mut warnings = check(runs)?;
    let asked = Asked::of(runs, options);
    let (map, found, mut report) = match asked.way(session).map_err(ExecError::from)? {
        Waiting::InMemory => in_memory(&asked, options, session)?,
        Waiting::OnDisk => on_disk(&asked, options, session)?,
    };
    let rows = runs.iter().zip(found.each).map(|(run, median)| RunRow {
        name: run.name().to_owned(),
        volumes: run.shape()[3],
        tr_seconds: run.info().timing.tr_seconds,
        median,
    });
    let (joined, pooled) = (found.joined, found.pooled);
    if joined < LEVEL_SHIFT_SHARE * pooled {
        warnings.push(format!(
            "the joined median {joined:.2} is under 80 % of the pooled {pooled:.2}: level shifts \
             between runs count as noise in the map"
        ));
    }
    warnings.extend(said_of(runs));
    warnings.append(&mut report.warnings);
    Ok(Tsnr {
        map,
        mask_voxels: found.counts.voxels,
        runs: rows.collect(),
        pooled_median: pooled,
        concatenated_median: joined,
        constant_voxels: found.counts.constant,
        warnings,
        report,
    })
}

/// The figures beside a map.
struct Found {
    counts: Counts,
    pooled: f64,
    joined: f64,
    each: Vec<f64>,
}

fn in_memory(
    asked: &Asked,
    options: TsnrOptions,
    session: &Session,
) -> Result<(Array3<f64>, Found, Report), JobError> {
    let computed = session.compute_all::<f64>(&asked.all())?;
    let mut maps = computed.arrays.into_iter();
    let mut next = || maps.next().unwrap_or_default();
    let (mean, std, within) = (next(), next(), next());
    let held = Held::new(mean, std);
    let each = maps.map(|map| held.median(map, Voxel::of_run).0).collect();
    // Used up twice: for its own median, then as room for the map's.
    let (pooled, room) = held.median(within, Voxel::pooled);
    let (joined, _) = held.median(room, Voxel::joined);
    let found = Found { counts: held.counts, pooled, joined, each };
    Ok((held.into_map(options.constant), found, computed.report))
}

fn on_disk(
    asked: &Asked,
    options: TsnrOptions,
    session: &Session,
) -> Result<(Array3<f64>, Found, Report), JobError> {
    let arrays = asked.all();
    let spilled = Spilled::create(&asked.shape, arrays.len(), session)?;
    let mut report = session
        .for_each_block::<f64>(&arrays, |map, region, block| spilled.keep(map, region, block))?;
    report.projected_bytes = report.projected_bytes.max(spilled.projected_bytes());
    let mut settled = spilled.settle(session)?;
    let each = (0..asked.runs()).map(|run| settled.median(Asked::RUNS + run, Voxel::of_run));
    let each = each.collect::<Result<_, _>>()?;
    let pooled = settled.median(Asked::WITHIN, Voxel::pooled)?;
    let joined = settled.median(Asked::WITHIN, Voxel::joined)?;
    let found = Found { counts: settled.counts(), pooled, joined, each };
    Ok((settled.into_map(options.constant)?, found, report))
}

/// What [`tsnr`] would do with these runs under this session. Reads no voxel.
///
/// # Errors
/// As [`tsnr`] would before it reads anything.
pub fn explain_tsnr(
    runs: &[Run],
    options: TsnrOptions,
    session: &Session,
) -> Result<Explanation, JobError> {
    check(runs)?;
    Ok(Asked::of(runs, options).explain(session).map_err(ExecError::from)?)
}

/// Refuses runs that are too short or on different grids; warns of timings that differ.
fn check(runs: &[Run]) -> Result<Vec<String>, JobError> {
    if let Some(run) = runs.iter().find(|run| run.shape()[3] < 2) {
        let (run, volumes) = (run.name().to_owned(), run.shape()[3]);
        return Err(JobError::TooFewVolumes { run, volumes });
    }
    grid::check(runs)
}
