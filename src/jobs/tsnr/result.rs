//! What comes out of tSNR: the map, and the figures beside it.

use ndarray::Array3;

use super::options::Across;
use crate::exec::Report;

/// The map and the figures beside it.
#[derive(Debug)]
pub struct Tsnr {
    /// tSNR `(x, y, z)`, on the grid of the first run: what [`across`](super::TsnrOptions::across) makes
    /// of the runs, with [`Across::PerRun`] that of the joined series.
    pub map: Array3<f64>,
    /// With [`Across::PerRun`] the map of each run, in their order, else none.
    pub run_maps: Vec<Array3<f64>>,
    /// Mean and standard deviation of the joined series, where they were asked for.
    pub parts: Option<TsnrParts>,
    /// Voxels that the medians are over: those of the mask, or where there is none, std above 0 and
    /// grand mean above 20 % of its maximum.
    pub mask_voxels: u64,
    /// One row a run, in the order they were joined.
    pub runs: Vec<RunRow>,
    /// Median tSNR from the standard deviation within runs and the grand mean.
    pub pooled_median: f64,
    /// Median tSNR of the runs as one series.
    pub concatenated_median: f64,
    /// Median of the mean of the runs' maps, where that is the map.
    pub mean_of_runs_median: Option<f64>,
    /// What lies between several runs.
    pub between_runs: Option<BetweenRuns>,
    /// Voxels whose series never changes.
    pub constant_voxels: u64,
    /// What a careful person would want to know.
    pub warnings: Vec<String>,
    /// How the computation went.
    pub report: Report,
}

/// What tSNR is made of: of the runs as one series, detrended and without the volumes that do not count, on the
/// grid of the map and 0 where a mask makes that 0.
#[derive(Debug)]
pub struct TsnrParts {
    /// Mean over time.
    pub mean: Array3<f64>,
    /// Standard deviation over time, with the `ddof` that was asked for.
    pub std: Array3<f64>,
}

impl Tsnr {
    /// Median tSNR of the map.
    pub fn map_median(&self, across: Across) -> f64 {
        match across {
            Across::Concat | Across::PerRun => self.concatenated_median,
            Across::Pooled => self.pooled_median,
            Across::Mean => self.mean_of_runs_median.unwrap_or(self.concatenated_median),
        }
    }
}

/// How much runs differ in level, by medians over the same voxels as the other figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BetweenRuns {
    /// Median of the variance of the runs' means, each counted with its volumes; in squared units of
    /// the signal.
    pub variance_median: f64,
    /// Median of its share, 0 to 1, of the variance of the joined series.
    pub share_median: f64,
}

/// What one run contributes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub name: String,
    /// Volumes in it.
    pub volumes: u64,
    /// First volumes that did not count.
    pub dummy_volumes: u64,
    /// Volumes after those that did not count.
    pub censored_volumes: u64,
    /// Seconds from volume to volume, where known.
    pub tr_seconds: Option<f64>,
    /// Median tSNR of the run alone, over the same mask as the other figures.
    pub median: f64,
}

impl RunRow {
    /// Volumes that counted.
    pub fn counted_volumes(&self) -> u64 {
        self.volumes - self.dummy_volumes - self.censored_volumes
    }
}
