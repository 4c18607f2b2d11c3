//! What happens in a run from volume to volume, and which slices and volumes stand out?
//!
//! The figures that quality control looks at first, over the voxels of a mask: global signal, DVARS, outliers,
//! slices, and rows of voxels for a carpet plot. Formulas are in `docs/numerics.md`. Draws nothing.

mod carpet;
mod maps;
mod outliers;
mod record;
mod second;
mod series;

pub use record::QcRecord;

use ndarray::{Array2, Array3};

use self::maps::Maps;
use self::second::Held;
use self::series::Asked;
use super::error::JobError;
use super::join::{mask_for, said_of};
use crate::exec::{ExecError, Report};
use crate::run::Run;
use crate::runtime::Session;

/// What is looked at, and how much of it is kept.
#[derive(Clone, Debug)]
pub struct QcOptions {
    /// Voxels that count, on the run's grid (not 0 is inside). Without it: std over time above 0 and mean
    /// above 20 % of the largest mean of such voxels, as [`tsnr`](super::tsnr()) has it.
    pub mask: Option<Run>,
    /// The most rows of the carpet.
    pub carpet_rows: usize,
}

impl Default for QcOptions {
    /// The mask that follows from the run, and 600 rows.
    fn default() -> Self {
        Self { mask: None, carpet_rows: 600 }
    }
}

/// The figures of one run. Time series have one value a volume; those of differences begin with NaN.
#[derive(Debug)]
pub struct RunQc {
    /// The run.
    pub name: String,
    /// Seconds from volume to volume, where known.
    pub tr_seconds: Option<f64>,
    /// Mean of the mask in each volume, in the run's units.
    pub global_signal: Vec<f64>,
    /// DVARS in the run's units: root mean square over the mask of the change from the volume before.
    pub dvars: Vec<f64>,
    /// DVARS over what noise alone would give (Nichols 2013), fMRIPrep's `std_dvars`; 1 is a quiet run.
    pub std_dvars: Vec<f64>,
    /// As `std_dvars`, with each voxel standardised before the mean is taken (MRIQC's `dvars_vstd`).
    pub dvars_vstd: Vec<f64>,
    /// Share of the mask that is far from its own median in each volume (AFNI's 3dToutcount -fraction).
    pub outlier_fraction: Vec<f64>,
    /// Mean of each slice in each volume, `(z, t)`, over the slice's voxels in the mask; NaN where it has none.
    pub slice_means: Array2<f64>,
    /// How far each slice's mean is from the slice's own course in time, `(z, t)`, in robust standard
    /// deviations; NaN where the slice has no voxel in the mask, 0 where its mean never changes.
    pub spikes: Array2<f64>,
    /// Voxels of the mask as rows, `(row, t)`: each less its mean and over its standard deviation, clipped to
    /// -2 to 2. Which voxels: those of the smallest hash of their place, so always the same ones.
    pub carpet: Array2<f32>,
    /// The voxel `(x, y, z)` of each row of the carpet, in memory order (`x` fastest).
    pub carpet_voxels: Vec<[u64; 3]>,
    /// Mean over time, `(x, y, z)`.
    pub mean: Array3<f64>,
    /// Standard deviation over time (ddof 0), `(x, y, z)`.
    pub std: Array3<f64>,
    /// The voxels that count, `(x, y, z)`.
    pub mask: Array3<bool>,
    /// How many those are.
    pub mask_voxels: u64,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
    /// How the computation went: scans, bytes read, peak.
    pub report: Report,
}

/// The least that [`qc`] of a run of this shape needs; its plans may need more.
pub(super) fn least_bytes(shape: &[u64], options: &QcOptions) -> u64 {
    Held::of(shape, options.carpet_rows).least_bytes()
}

/// The figures of one run, in two scans of it.
///
/// The first scan makes maps of each voxel's own course (mean, deviation, quartiles, lag-1
/// autocorrelation), from which it follows which voxels count and how far is far; the second goes through
/// the volumes. Quartiles and medians hold every sample of a tile of voxels, so from a `.nii.gz` larger than
/// the budget the first scan is several readings ([`Report::scans`] counts them); from a store or `.nii` it
/// never is. Slope and intercept are applied. Beside what the plans need, 64 bytes a voxel of the grid and
/// the results are held.
///
/// A voxel with a NaN or infinite sample does not count, whatever the mask says.
///
/// # Errors
/// A run of fewer than 2 volumes, a mask on another grid, no voxel that counts, a budget that is too small
/// (nothing has been read then), or a damaged source.
pub fn qc(run: &Run, options: &QcOptions, session: &Session) -> Result<RunQc, JobError> {
    let volumes = run.shape()[3];
    if volumes < 2 {
        return Err(JobError::TooFewVolumes { run: run.name().to_owned(), volumes });
    }
    let given = options.mask.as_ref().map(|mask| mask_for(run, mask)).transpose()?;
    let held = Held::of(run.shape(), options.carpet_rows);
    // Planned before anything is read; the maps are filled when the first scan has made them.
    let second = held.session(session)?;
    let asked = Asked::of(run);
    second.scans_to_write(&asked.all()).map_err(ExecError::from)?;

    let maps = Maps::compute(run, given.as_ref(), &asked.by_voxel, session)?;
    if maps.mask_voxels == 0 {
        let mask = options.mask.as_ref().map(|mask| mask.name().to_owned());
        return Err(JobError::NothingCounts { run: run.name().to_owned(), mask });
    }
    let carpet_voxels = carpet::choose(&maps.mask, options.carpet_rows);
    let (series, report) = asked.compute(&maps, &carpet_voxels, &second)?;
    let mut warnings: Vec<String> = said_of(std::slice::from_ref(run)).collect();
    warnings.extend(maps.warning(run.name()));
    let mut report = maps.report.and_then(report.beside(held.bytes()));
    warnings.append(&mut report.warnings);
    Ok(RunQc {
        name: run.name().to_owned(),
        tr_seconds: run.info().timing.tr_seconds,
        global_signal: series.global_signal,
        dvars: series.dvars,
        std_dvars: series.std_dvars,
        dvars_vstd: series.dvars_vstd,
        outlier_fraction: series.outlier_fraction,
        spikes: outliers::spikes(&series.slice_means),
        slice_means: series.slice_means,
        carpet: series.carpet,
        carpet_voxels,
        mean: maps.mean,
        std: maps.std,
        mask: maps.mask,
        mask_voxels: maps.mask_voxels,
        warnings,
        report,
    })
}
