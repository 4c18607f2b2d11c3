//! Temporal signal-to-noise: the mean over time divided by the standard deviation over time.
//!
//! By default the map is of the runs joined end to end, which is the classical formula; the figures
//! beside it show what that does to the number when runs differ in level. Definitions are in
//! `docs/numerics.md`.

mod arrays;
mod dummies;
mod held;
mod like;
mod medians;
mod options;
mod record;
mod result;
mod series;
mod shards;
mod spilled;
mod volumes;

pub use like::Like;
pub use options::{Across, Constant, Dummies, MOST_DETREND, Mask, NonFinite, TsnrOptions};
pub use record::TsnrRecord;
pub use result::{BetweenRuns, RunRow, Tsnr, TsnrParts};
pub use shards::{explain_tsnr_part, merge_tsnr, tsnr_part};

use self::arrays::{Asked, Waiting};
use self::dummies::dummy_volumes;
use self::held::{Held, Maps};
use self::medians::{Counts, Rules};
use self::spilled::Spilled;
use self::volumes::Volumes;
use super::error::JobError;
use super::grid;
use super::join::said_of;
use crate::exec::{ExecError, Report};
use crate::picture::Explanation;
use crate::run::Run;
use crate::runtime::Session;

/// A joined median below this share of the pooled one is worth a warning.
const LEVEL_SHIFT_SHARE: f64 = 0.8;

/// tSNR over `runs`, by default joined along time, in one scan of each.
///
/// Slope and intercept of each run are applied. Voxels with NaN or infinite samples are NaN, unless
/// [`TsnrOptions::non_finite`] says otherwise. The results of the scan (8 bytes a voxel for each run
/// and three more; two more of several runs, one more each for a mask and for [`Across::Mean`]) are
/// part of the plan; where they do not fit, they wait on disk in the session's
/// [`scratch`](crate::SessionBuilder::scratch) folder, and only 8 bytes a voxel must fit (24 with [`TsnrOptions::parts`]). Maps of
/// [`Across::PerRun`] are given back together and have to fit. Detrending costs `detrend + 4`
/// numbers a voxel more while a run is read and no reading; [`Dummies::Auto`] reads the first 50
/// volumes of each run before, counted as a scan.
///
/// # Errors
/// Runs of fewer than 2 volumes, or of which too few are left; runs or a mask on different grids;
/// options that contradict each other; a budget that is too small; a damaged source; a scratch folder
/// that cannot be written.
pub fn tsnr(runs: &[Run], options: TsnrOptions<'_>, session: &Session) -> Result<Tsnr, JobError> {
    let warnings = check(runs, &options)?;
    let (dummies, looked) = dummy_volumes(runs, options.dummies, session)?;
    let volumes = Volumes::of(runs, &dummies, &options)?;
    let asked = Asked::of(runs, &volumes, &options)?;
    finished(runs, &options, &volumes, &asked, warnings, looked, session)
}

/// The map of what is asked, and the figures beside it. `looked` is how what was read before went.
fn finished(
    runs: &[Run],
    options: &TsnrOptions<'_>,
    volumes: &[Volumes],
    asked: &Asked,
    mut warnings: Vec<String>,
    looked: Report,
    session: &Session,
) -> Result<Tsnr, JobError> {
    let rules = Rules::of(options);
    let (maps, found, report) = match asked.way(session).map_err(ExecError::from)? {
        Waiting::InMemory => in_memory(asked, rules, session)?,
        Waiting::OnDisk => on_disk(asked, rules, session)?,
    };
    let mut report = looked.and_then(report);
    let rows = runs.iter().zip(volumes).zip(found.each).map(|((run, volumes), median)| RunRow {
        name: run.name().to_owned(),
        volumes: run.shape()[3],
        dummy_volumes: volumes.dummies,
        censored_volumes: volumes.censored(),
        tr_seconds: run.info().timing.tr_seconds,
        median,
    });
    let (joined, pooled) = (found.joined, found.pooled);
    let is_joined = matches!(asked.across, Across::Concat);
    if is_joined && joined < LEVEL_SHIFT_SHARE * pooled {
        warnings.push(format!(
            "the joined median {joined:.2} is under 80 % of the pooled {pooled:.2}: level shifts \
             between runs count as noise in the map"
        ));
    }
    let Counts { voxels, constant, without } = found.counts;
    if without > 0 {
        warnings.push(format!(
            "{without} of the {voxels} voxels in the mask have no tSNR (constant, or not finite) and \
             count as 0 in the medians"
        ));
    }
    warnings.extend(said_of(runs));
    for warning in std::mem::take(&mut report.warnings) {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    let Maps { map, of_runs: run_maps, parts } = maps;
    Ok(Tsnr {
        map,
        run_maps,
        parts,
        mask_voxels: voxels,
        runs: rows.collect(),
        pooled_median: pooled,
        concatenated_median: joined,
        mean_of_runs_median: found.mean_of_runs,
        between_runs: found.between,
        constant_voxels: constant,
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
    between: Option<BetweenRuns>,
    mean_of_runs: Option<f64>,
}

impl Found {
    /// Medians in the order of [`Asked::figures`].
    fn of(counts: Counts, medians: Vec<f64>, asked: &Asked) -> Self {
        let mut medians = medians.into_iter();
        let mut next = || medians.next().unwrap_or(f64::NAN);
        Self {
            counts,
            each: asked.each().map(|_| next()).collect(),
            between: asked
                .between
                .map(|_| BetweenRuns { variance_median: next(), share_median: next() }),
            mean_of_runs: asked.mean_of_runs.map(|_| next()),
            pooled: next(),
            joined: next(),
        }
    }
}

fn in_memory(
    asked: &Asked,
    rules: Rules,
    session: &Session,
) -> Result<(Maps, Found, Report), JobError> {
    let computed = session.compute_all::<f64>(&asked.all())?;
    let mut held = Held::new(computed.arrays, asked, rules);
    let medians = held.medians(asked, session)?;
    let found = Found::of(held.counts, medians, asked);
    Ok((held.into_maps(asked), found, computed.report))
}

fn on_disk(
    asked: &Asked,
    rules: Rules,
    session: &Session,
) -> Result<(Maps, Found, Report), JobError> {
    let arrays = asked.all();
    let spilled = Spilled::create(&asked.shape, arrays.len(), asked.parts, session)?;
    let mut report = session
        .for_each_block::<f64>(&arrays, |map, region, block| spilled.keep(map, region, block))?;
    report.projected_bytes = report.projected_bytes.max(spilled.projected_bytes());
    let mut settled = spilled.settle(asked.mask, rules, session)?;
    let medians = asked.figures().into_iter().map(|(figure, map)| settled.median(figure, map));
    let medians = medians.collect::<Result<_, _>>()?;
    let found = Found::of(settled.counts(), medians, asked);
    let parts = asked.parts.then(|| settled.parts()).transpose()?;
    let (figure, map) = asked.map();
    // Those of runs never wait on disk: see [`Asked::way`].
    let maps = Maps { map: settled.into_map(figure, map)?, of_runs: Vec::new(), parts };
    Ok((maps, found, report))
}

/// What [`tsnr`] would do with these runs under this session. Reads no voxel: with [`Dummies::Auto`] the
/// plan is that of runs without dummy volumes, and does not show the reading that finds them.
///
/// # Errors
/// As [`tsnr`] would before it reads anything.
pub fn explain_tsnr(
    runs: &[Run],
    options: TsnrOptions<'_>,
    session: &Session,
) -> Result<Explanation, JobError> {
    check(runs, &options)?;
    let dummies = match options.dummies {
        Dummies::First(count) => count,
        Dummies::Auto => 0,
    };
    let volumes = Volumes::of(runs, &vec![dummies; runs.len()], &options)?;
    let mut plan =
        Asked::of(runs, &volumes, &options)?.explain(session).map_err(ExecError::from)?;
    if options.dummies == Dummies::Auto {
        let said = "before this, the first 50 volumes of each run are read to find dummy volumes";
        plan.summary.rewrites.push(said.to_owned());
    }
    Ok(plan)
}

/// Refuses runs that are too short or on different grids, and options that contradict each other; warns
/// of timings that differ.
fn check(runs: &[Run], options: &TsnrOptions<'_>) -> Result<Vec<String>, JobError> {
    if let Some(run) = runs.iter().find(|run| run.shape()[3] < 2) {
        let (run, volumes) = (run.name().to_owned(), run.shape()[3]);
        return Err(JobError::TooFewVolumes { run, volumes });
    }
    options.check(runs.len())?;
    grid::check(runs)
}
