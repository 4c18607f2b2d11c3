//! The sidecar of a map: what it is and how it came about.

use serde::Serialize;

use super::super::record::{MemoryRecord, RunRecord, TOOL};
use super::{Constant, Tsnr, TsnrOptions};
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
    formula: &'static str,
    across_runs: &'static str,
    ddof: u64,
    detrend: &'static str,
    scaling: &'static str,
    constant_voxels: &'static str,
    non_finite_samples: &'static str,
    median_mask: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Input {
    #[serde(flatten)]
    run: RunRecord,
    tsnr_median: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
struct Figures {
    mask_voxels: u64,
    constant_voxels: u64,
    concatenated_median: Option<f64>,
    pooled_median: Option<f64>,
}

impl TsnrRecord {
    /// The record of a map of `runs`. `measured_peak_bytes` is the process's own peak where the
    /// system tells it.
    pub fn new(
        tsnr: &Tsnr,
        runs: &[Run],
        options: TsnrOptions,
        budget_bytes: u64,
        measured_peak_bytes: Option<u64>,
    ) -> Self {
        // JSON has no NaN: a median over no voxels is null.
        let number = |value: f64| value.is_finite().then_some(value);
        let inputs = runs
            .iter()
            .zip(&tsnr.runs)
            .map(|(run, row)| Input { run: RunRecord::of(run), tsnr_median: number(row.median) });
        Self {
            description: format!("temporal SNR of {} run(s)", runs.len()),
            definition: Definition {
                formula: "mean over time / standard deviation over time",
                across_runs: "concatenated",
                ddof: options.ddof,
                detrend: "none",
                scaling: "stored * slope + inter, per run, in float64",
                constant_voxels: match options.constant {
                    Constant::Zero => "0",
                    Constant::Nan => "NaN",
                },
                non_finite_samples: "NaN",
                median_mask: "std > 0 and grand mean > 20 % of its maximum",
            },
            inputs: inputs.collect(),
            figures: Figures {
                mask_voxels: tsnr.mask_voxels,
                constant_voxels: tsnr.constant_voxels,
                concatenated_median: number(tsnr.concatenated_median),
                pooled_median: number(tsnr.pooled_median),
            },
            warnings: tsnr.warnings.clone(),
            memory: MemoryRecord::new(budget_bytes, &tsnr.report, measured_peak_bytes),
            tool: TOOL,
        }
    }
}
