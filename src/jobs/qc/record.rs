//! What is said of a run's table: its columns, as BIDS has them described, and how it came about.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::record::{MemoryRecord, RunRecord, TOOL};
use super::{QcOptions, RunQc};
use crate::run::Run;

/// The JSON beside a table of a run; the schema is in `docs/numerics.md`.
#[derive(Clone, Debug, Serialize)]
pub struct QcRecord {
    /// A description for each column.
    #[serde(flatten)]
    columns: Map<String, Value>,
    #[serde(rename = "Sources")]
    sources: Vec<String>,
    #[serde(rename = "RepetitionTime")]
    tr_seconds: Option<f64>,
    #[serde(rename = "MaskSource")]
    mask_source: String,
    #[serde(rename = "MaskVoxels")]
    mask_voxels: u64,
    input: RunRecord,
    warnings: Vec<String>,
    memory: MemoryRecord,
    tool: &'static str,
}

impl QcRecord {
    /// The record of a run's figures. `measured_peak_bytes` is the process's own peak where the system
    /// tells it.
    pub fn new(
        found: &RunQc,
        run: &Run,
        options: &QcOptions,
        budget_bytes: u64,
        measured_peak_bytes: Option<u64>,
    ) -> Self {
        let described = found.columns().into_iter().map(|(name, _)| {
            let about = about(&name);
            (name, about)
        });
        let automatic = || "std over time > 0 and mean > 20 % of its maximum".to_owned();
        Self {
            columns: described.collect(),
            sources: vec![run.info().origin.file_name.clone()],
            tr_seconds: found.tr_seconds,
            mask_source: options.mask.as_ref().map_or_else(automatic, |m| m.name().to_owned()),
            mask_voxels: found.mask_voxels,
            input: RunRecord::of(run),
            warnings: found.warnings.clone(),
            memory: MemoryRecord::new(budget_bytes, &found.report, measured_peak_bytes),
            tool: TOOL,
        }
    }
}

/// Columns by their names, and what is said of them: description and units.
const COLUMNS: [(&str, &str, &str); 5] = [
    ("global_signal", "Mean of the mask, slope and intercept applied", "arbitrary"),
    (
        "dvars",
        "Root mean square over the mask of the change from the volume before, in the run's own units: \
         fMRIPrep's column is this times 1000 over the median of all samples in its mask",
        "arbitrary",
    ),
    (
        "std_dvars",
        "DVARS over the mean of the standard deviations that the changes of each voxel would have by its \
         quartiles and lag-1 autocorrelation alone (Nichols 2013; nipype's compute_dvars, fMRIPrep's std_dvars)",
        "1",
    ),
    (
        "dvars_vstd",
        "As std_dvars, the changes of each voxel standardised before they are averaged (MRIQC's dvars_vstd)",
        "1",
    ),
    (
        "outlier_fraction",
        "Share of the mask farther from its median than qginv(0.001 / T) sqrt(pi / 2) MAD (AFNI's 3dToutcount \
         -fraction)",
        "1",
    ),
];

impl RunQc {
    /// The time series by the names of their columns: those of fMRIPrep and MRIQC, and a column a slice.
    pub fn columns(&self) -> Vec<(String, Vec<f64>)> {
        let series = [
            &self.global_signal,
            &self.dvars,
            &self.std_dvars,
            &self.dvars_vstd,
            &self.outlier_fraction,
        ];
        let named =
            COLUMNS.iter().zip(series).map(|((name, ..), list)| ((*name).to_owned(), list.clone()));
        let slices = self.spikes.rows().into_iter().enumerate();
        let slices = slices.map(|(z, row)| (format!("slice_spike_{z:02}"), row.to_vec()));
        named.chain(slices).collect()
    }
}

fn about(column: &str) -> Value {
    let known = COLUMNS.iter().find(|(name, ..)| *name == column);
    let (text, units) = known.map_or_else(
        || {
            let slice = column.trim_start_matches("slice_spike_").trim_start_matches('0');
            let slice = if slice.is_empty() { "0" } else { slice };
            let of = "Mean of the mask in slice";
            let rest =
                "(z, from 0) less its median over time, in robust standard deviations (1.4826 MAD)";
            (format!("{of} {slice} {rest}"), "1")
        },
        |(_, text, units)| ((*text).to_owned(), *units),
    );
    json!({ "Description": text, "Units": units })
}
