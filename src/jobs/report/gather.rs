//! What is kept of each run, and in how much memory?
//!
//! Runs are looked at one after the other; their maps are merged as they come (Chan's formula, in the
//! order of the runs). Says nothing about what is good.

use super::ReportOptions;
use crate::exec::{ExecError, Report};
use crate::jobs::error::JobError;
use crate::jobs::grid;
use crate::jobs::head::{is_head, threshold};
use crate::jobs::join::mask_for;
use crate::jobs::qc::{QcOptions, RunQc, least_bytes, qc};
use crate::picture::{
    Course, Placement, Raster, Scale, carpet_scale, drawing_room_bytes, farthest_of, mean_of,
    spike_scale, volumes_a_column,
};
use crate::plan::PlanError;
use crate::run::Run;
use crate::runtime::{FIXED_BYTES, Session};

/// All that pictures and figures are made of. Maps are in memory order, `x` fastest.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) placement: Placement,
    /// Volumes of all runs.
    pub(super) volumes: u64,
    pub(super) mean: Vec<f64>,
    /// Sums of squares about the mean of all runs, and of each run.
    joined: Vec<f64>,
    within: Vec<f64>,
    pub(super) mask: Vec<bool>,
    pub(super) runs: Vec<GatheredRun>,
    /// How looking at all of them went.
    pub(super) report: Report,
}

#[derive(Debug)]
pub(super) struct GatheredRun {
    pub(super) name: String,
    pub(super) volumes: u64,
    pub(super) tr_seconds: Option<f64>,
    /// tSNR, `(x, y, z)`.
    pub(super) tsnr: Vec<f64>,
    /// Standardised DVARS; NaN of the first volume.
    pub(super) std_dvars: Vec<f64>,
    /// The largest spike, and its slice and volume.
    pub(super) spike: Option<(f64, u64, u64)>,
    /// Change of slices in percent, slice by slice over time.
    pub(super) change: Vec<f64>,
    /// All of it, but for the slices, whose scale is known at the end.
    pub(super) course: Course,
}

impl Gathered {
    /// tSNR by the deviations within runs; 0 where they never change.
    pub(super) fn pooled(&self, voxel: usize) -> f64 {
        ratio(self.mean[voxel], self.pooled_std(voxel))
    }

    /// Standard deviation within runs.
    pub(super) fn pooled_std(&self, voxel: usize) -> f64 {
        (self.within[voxel] / self.volumes as f64).sqrt()
    }

    /// tSNR of the runs joined end to end; 0 where that never changes.
    pub(super) fn joined(&self, voxel: usize) -> f64 {
        ratio(self.mean[voxel], (self.joined[voxel] / self.volumes as f64).sqrt())
    }

    fn empty(first: &Run, voxels: usize) -> Self {
        Self {
            placement: placement_of(first),
            volumes: 0,
            mean: vec![0.0; voxels],
            joined: vec![0.0; voxels],
            within: vec![0.0; voxels],
            mask: vec![false; voxels],
            runs: Vec::new(),
            report: Report::default(),
        }
    }

    fn add(&mut self, found: &RunQc, a_column: usize) {
        let volumes = found.global_signal.len() as u64;
        let (before, more) = (self.volumes as f64, volumes as f64);
        let all = before + more;
        let mut tsnr = Vec::with_capacity(self.mean.len());
        // Turned round, so that `x` is the last axis and runs fastest.
        let values = found.mean.t().into_iter().zip(found.std.t());
        for (voxel, (&mean, &std)) in values.enumerate() {
            let apart = mean - self.mean[voxel];
            let squares = std * std * more;
            self.mean[voxel] += apart * (more / all);
            self.joined[voxel] += squares + apart * apart * (before * more / all);
            self.within[voxel] += squares;
            tsnr.push(ratio(mean, std));
        }
        self.volumes += volumes;
        self.runs.push(GatheredRun::of(found, tsnr, a_column));
    }

    /// The voxels that count where no mask was given.
    fn find_mask(&mut self) {
        let voxels = || self.mean.iter().copied().zip(self.joined.iter().copied());
        let least = threshold(voxels());
        self.mask = voxels().map(|(mean, squares)| is_head(mean, squares, least)).collect();
    }
}

impl GatheredRun {
    fn of(found: &RunQc, tsnr: Vec<f64>, a_column: usize) -> Self {
        let volumes = found.global_signal.len();
        let percent = |values: &[f64]| -> Vec<f64> {
            let mean = mean_of(values);
            values.iter().map(|v| 100.0 * (v / mean - 1.0)).collect()
        };
        let rows = found.slice_means.rows().into_iter();
        let change = rows.flat_map(|row| percent(&row.to_vec())).collect();
        let spikes = &found.spikes;
        let largest = spikes.indexed_iter().filter(|(_, z)| z.is_finite());
        let largest = largest.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
        let (slices, rows) = (spikes.nrows(), found.carpet.nrows());
        let spike = |slice, volume| f64::abs(spikes[[slice, volume]]);
        let carpet = |row, volume| f64::from(found.carpet[[row, volume]]);
        let course = Course {
            name: found.name.clone(),
            volumes,
            strips: [percent(&found.global_signal), found.std_dvars.clone()],
            spikes: Raster::of((slices, volumes), a_column, spike_scale(), spike, farthest_of),
            carpet: Raster::of((rows, volumes), a_column, carpet_scale(), carpet, mean_of),
            slices: Raster { rows: 0, columns: 0, bytes: Vec::new() },
        };
        Self {
            name: found.name.clone(),
            volumes: volumes as u64,
            tr_seconds: found.tr_seconds,
            tsnr,
            std_dvars: found.std_dvars.clone(),
            spike: largest.map(|((slice, volume), &z)| (z, slice as u64, volume as u64)),
            change,
            course,
        }
    }

    /// The course with its slices in a scale.
    pub(super) fn course_in(&self, scale: Scale, a_column: usize) -> Course {
        let volumes = self.course.volumes;
        let rows = self.change.len() / volumes.max(1);
        let value = |slice: usize, volume: usize| self.change[slice * volumes + volume];
        let slices = Raster::of((rows, volumes), a_column, scale, value, mean_of);
        Course { slices, ..self.course.clone() }
    }
}

/// All runs, one after the other.
pub(super) fn gather(
    runs: &[Run],
    options: &ReportOptions,
    session: &Session,
) -> Result<(Gathered, Vec<String>), JobError> {
    let mut warnings = grid::check(runs)?;
    for run in runs {
        let (name, volumes) = (run.name().to_owned(), run.shape()[3]);
        if volumes < 2 {
            return Err(JobError::TooFewVolumes { run: name, volumes });
        }
    }
    let needed = Needed::of(runs);
    let beside = needed.session(session)?;
    let volumes: u64 = runs.iter().map(|run| run.shape()[3]).sum();
    let a_column = volumes_a_column(volumes as usize);
    let mut gathered = Gathered::empty(&runs[0], needed.voxels as usize);
    if let Some(mask) = &options.mask {
        let inside = beside.compute::<bool>(&mask_for(&runs[0], mask)?)?;
        gathered.mask = inside.t().iter().copied().collect();
    }
    let options = QcOptions { mask: options.mask.clone(), ..QcOptions::default() };
    for run in runs {
        let found = qc(run, &options, &beside).map_err(|error| needed.beside(error, session))?;
        gathered.add(&found, a_column);
        // Of the run that was read most often.
        let scans = gathered.report.scans.max(found.report.scans);
        let report = gathered.report.and_then(found.report.beside(needed.kept_bytes));
        gathered.report = Report { scans, ..report };
        warnings.extend(found.warnings);
    }
    let report = &mut gathered.report;
    report.projected_bytes = report.projected_bytes.max(needed.drawing_bytes());
    if options.mask.is_none() {
        gathered.find_mask();
    }
    Ok((gathered, warnings))
}

/// The memory that is taken beside the looking.
struct Needed {
    voxels: u64,
    /// From the first run to the end.
    kept_bytes: u64,
    /// Beside that, while pictures are drawn.
    room_bytes: u64,
    /// Beside that, while a run is looked at, at least.
    looking_bytes: u64,
}

impl Needed {
    fn of(runs: &[Run]) -> Self {
        let shape = runs[0].shape();
        let voxels = shape[..3].iter().fold(1_u64, |all, &n| all.saturating_mul(n));
        let count = runs.len() as u64;
        // Mean, two sums of squares, a mask; tSNR of each run.
        let maps = voxels.saturating_mul(25 + 8 * count);
        let volumes: u64 = runs.iter().map(|run| run.shape()[3]).fold(0, u64::saturating_add);
        // Series in float64, and of slices their changes; what is drawn of slices and voxels, a byte each.
        let options = QcOptions::default();
        let rows = options.carpet_rows as u64;
        let series = volumes.saturating_mul(64 + 10 * shape[2] + rows);
        // Percentiles are taken of a copy of a map.
        let room = drawing_room_bytes(&placement_of(&runs[0]), count);
        Self {
            voxels,
            kept_bytes: maps.saturating_add(series),
            room_bytes: FIXED_BYTES.saturating_add(room).saturating_add(voxels.saturating_mul(8)),
            looking_bytes: runs.iter().map(|r| least_bytes(r.shape(), &options)).fold(0, u64::max),
        }
    }

    /// The limits for looking at a run, once it is sure that there is room for that, and to draw.
    fn session(&self, session: &Session) -> Result<Session, ExecError> {
        let largest = [
            ("maps of the runs", self.kept_bytes),
            ("room to draw in", self.room_bytes),
            ("looking at a run", self.looking_bytes),
        ];
        let needed = self.drawing_bytes().max(self.kept_bytes.saturating_add(self.looking_bytes));
        let beside = session.with_less(self.kept_bytes);
        beside.filter(|_| needed <= session.memory_bytes()).ok_or_else(|| {
            let most = largest.into_iter().max_by_key(|(_, bytes)| *bytes);
            let (what, bytes) = most.unwrap_or_default();
            PlanError::memory(needed, session, (what.to_owned(), bytes), None).into()
        })
    }

    /// All that is taken while pictures are drawn.
    fn drawing_bytes(&self) -> u64 {
        self.kept_bytes.saturating_add(self.room_bytes)
    }

    /// A refusal that counts what is kept, too.
    fn beside(&self, error: JobError, session: &Session) -> JobError {
        match error {
            JobError::Exec(ExecError::Plan(PlanError::Memory {
                projected_bytes,
                dominant,
                dominant_bytes,
                alternative,
                ..
            })) => {
                let needed = projected_bytes.saturating_add(self.kept_bytes);
                let largest = (dominant, dominant_bytes);
                ExecError::from(PlanError::memory(needed, session, largest, alternative)).into()
            }
            other => other,
        }
    }
}

fn placement_of(run: &Run) -> Placement {
    let geometry = &run.info().geometry;
    let shape = [0, 1, 2].map(|axis| run.shape()[axis] as usize);
    let is_known = geometry.affine_source != "pixdim";
    Placement::new(shape, geometry.affine, geometry.zooms_mm, is_known)
}

/// 0 of what never changes.
fn ratio(mean: f64, std: f64) -> f64 {
    if std == 0.0 { 0.0 } else { mean / std }
}
