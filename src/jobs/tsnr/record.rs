//! The sidecar of a map: what it is and how it came about.

use serde::Serialize;

use super::super::record::{MemoryRecord, RunRecord, TOOL};
use super::{Across, BetweenRuns, Constant, Dummies, Like, Mask, NonFinite, Tsnr, TsnrOptions};
use crate::run::Run;

/// What is written beside a tSNR map as JSON; the schema is in `docs/numerics.md`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct TsnrRecord {
    description: String,
    definition: Definition,
    inputs: Vec<Input>,
    figures: Figures,
    warnings: Vec<String>,
    memory: MemoryRecord,
    tool: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Definition {
    formula: String,
    like: Option<Like>,
    across_runs: Across,
    ddof: Ddof,
    detrend: String,
    detrend_order: u32,
    dummy_volumes: &'static str,
    scaling: &'static str,
    constant_voxels: &'static str,
    std_floor: f64,
    non_finite_samples: NonFinite,
    map_mask: &'static str,
    median_mask: &'static str,
    mask: Option<RunRecord>,
}

/// A number, or the word for what was fitted.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Ddof {
    Number(u64),
    Model(&'static str),
}

#[derive(Clone, Debug, Serialize)]
struct Input {
    #[serde(flatten)]
    run: RunRecord,
    dummy_volumes: u64,
    censored_volumes: Vec<u64>,
    volumes_counted: u64,
    tsnr_median: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Figures {
    mask_voxels: u64,
    constant_voxels: u64,
    concatenated_median: Option<f64>,
    pooled_median: Option<f64>,
    mean_of_runs_median: Option<f64>,
    between_run_variance_median: Option<f64>,
    between_run_share_median: Option<f64>,
}

impl TsnrRecord {
    /// The record of a map of `runs`. `measured_peak_bytes` is the process's own peak where the
    /// system tells it.
    pub fn new(
        tsnr: &Tsnr,
        runs: &[Run],
        options: TsnrOptions<'_>,
        budget_bytes: u64,
        measured_peak_bytes: Option<u64>,
    ) -> Self {
        // JSON has no NaN: a median over no voxels is null.
        let number = |value: f64| value.is_finite().then_some(value);
        let inputs = runs.iter().zip(&tsnr.runs).enumerate().map(|(index, (run, row))| {
            let list = options.censored.get(index).map_or(&[][..], Vec::as_slice);
            let mut censored: Vec<u64> =
                list.iter().copied().filter(|&volume| volume >= row.dummy_volumes).collect();
            censored.sort_unstable();
            censored.dedup();
            Input {
                run: RunRecord::of(run),
                dummy_volumes: row.dummy_volumes,
                censored_volumes: censored,
                volumes_counted: row.counted_volumes(),
                tsnr_median: number(row.median),
            }
        });
        let between = |of: fn(BetweenRuns) -> f64| tsnr.between_runs.map(of).and_then(number);
        Self {
            description: format!("temporal SNR of {} run(s)", runs.len()),
            definition: Definition::of(options),
            inputs: inputs.collect(),
            figures: Figures {
                mask_voxels: tsnr.mask_voxels,
                constant_voxels: tsnr.constant_voxels,
                concatenated_median: number(tsnr.concatenated_median),
                pooled_median: number(tsnr.pooled_median),
                mean_of_runs_median: tsnr.mean_of_runs_median.and_then(number),
                between_run_variance_median: between(|b| b.variance_median),
                between_run_share_median: between(|b| b.share_median),
            },
            warnings: tsnr.warnings.clone(),
            memory: MemoryRecord::new(budget_bytes, &tsnr.report, measured_peak_bytes),
            tool: TOOL,
        }
    }
}

impl Definition {
    fn of(options: TsnrOptions<'_>) -> Self {
        let ratio = options.ratio();
        let mean = if ratio.absolute { "|mean over time|" } else { "mean over time" };
        let masks_map = !options.like.is_some_and(Like::leaves_map_whole);
        Self {
            formula: format!("{mean} / standard deviation over time"),
            like: options.like,
            across_runs: options.across,
            ddof: if options.ddof_of_model {
                Ddof::Model("model")
            } else {
                Ddof::Number(options.ddof)
            },
            detrend: match options.detrend {
                0 => "none".to_owned(),
                order => format!("Legendre polynomial of order {order}, per run, mean kept"),
            },
            detrend_order: options.detrend,
            dummy_volumes: match options.dummies {
                Dummies::First(_) => "as given",
                Dummies::Auto => {
                    "modified z-score of the global signal above 3.5, first 50 volumes"
                }
            },
            scaling: "stored * slope + inter, per run, in float64",
            constant_voxels: match options.constant {
                Constant::Zero => "0",
                Constant::Nan => "NaN",
                Constant::Divided if ratio.nan_is_zero => "infinite, 0 where the mean is 0",
                Constant::Divided => "infinite, NaN where the mean is 0",
            },
            std_floor: ratio.std_floor,
            non_finite_samples: options.non_finite,
            map_mask: match options.mask {
                Mask::Of(_) if masks_map => "mask; 0 outside",
                Mask::Auto if masks_map => "median mask; 0 outside",
                _ => "none",
            },
            median_mask: match options.mask {
                Mask::Of(_) => "mask",
                _ => "std > 0 and grand mean > 20 % of its maximum",
            },
            mask: match options.mask {
                Mask::Of(mask) => Some(RunRecord::of(mask)),
                _ => None,
            },
        }
    }
}
