//! The JSON file beside a map: what it was to be, and what came out.
//!
//! Keys are BIDS' own where it has them. Everything in [`Asked`] is known before a voxel is read, so a map whose
//! file says the same was made of the same run in the same way.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use voxstore::Run;
use voxstore::jobs::{Constant, Dummies, RunRecord, RunRow, Tsnr, TsnrOptions};

use super::MEAN;

/// None of ours comes near.
const MOST_BYTES: u64 = 4 << 20;

/// What a map is to be.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Asked {
    description: &'static str,
    sources: [String; 1],
    units: &'static str,
    definition: &'static str,
    across: &'static str,
    ddof: Value,
    detrend_order: u32,
    requested_dummy_volumes: Value,
    constant_voxels_are: &'static str,
    mask_source: &'static str,
    volumes: u64,
    repetition_time: Option<f64>,
    repetition_time_source: &'static str,
    sidecar_files: Vec<String>,
    source_file: RunRecord,
}

/// What came out.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Made<'a> {
    #[serde(flatten)]
    asked: &'a Asked,
    median_tsnr: Option<f64>,
    dummy_volumes: u64,
    censored_volumes: u64,
    mask_voxels: u64,
    constant_voxels: u64,
    warnings: Vec<String>,
}

/// What a table needs of it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Told {
    pub(super) median_tsnr: Option<f64>,
    pub(super) mask_voxels: u64,
    pub(super) constant_voxels: u64,
    pub(super) volumes: u64,
    pub(super) repetition_time: Option<f64>,
    pub(super) ddof: Value,
    pub(super) detrend_order: Value,
    pub(super) warnings: Vec<String>,
}

impl Asked {
    /// Of a run that lies in the dataset at this path.
    pub(super) fn of(run: &Run, below: &str, options: TsnrOptions<'_>) -> Self {
        let info = run.info();
        Self {
            description: "Temporal signal-to-noise ratio of a BOLD run",
            sources: [format!("bids:raw:{below}")],
            units: "arbitrary",
            definition: "mean over time / standard deviation over time, of stored * slope + inter",
            across: "one run",
            ddof: if options.ddof_of_model { json!("model") } else { json!(options.ddof) },
            detrend_order: options.detrend,
            requested_dummy_volumes: match options.dummies {
                Dummies::First(count) => json!(count),
                Dummies::Auto => json!("auto"),
            },
            constant_voxels_are: match options.constant {
                Constant::Zero => "0",
                Constant::Nan => "NaN",
                Constant::Divided => "mean / 0",
            },
            mask_source: "std > 0 and mean above 20 % of its maximum",
            volumes: run.shape()[3],
            repetition_time: info.timing.tr_seconds,
            repetition_time_source: info.timing.tr_source,
            sidecar_files: info.sidecar_files.clone(),
            source_file: RunRecord::of(run),
        }
    }

    /// The file beside a map that was computed.
    pub(super) fn with(&self, found: &Tsnr) -> impl Serialize {
        let median = found.concatenated_median;
        Made {
            asked: self,
            median_tsnr: median.is_finite().then_some(median),
            dummy_volumes: found.runs.iter().map(|run| run.dummy_volumes).sum(),
            censored_volumes: found.runs.iter().map(|run| run.censored_volumes).sum(),
            mask_voxels: found.mask_voxels,
            constant_voxels: found.constant_voxels,
            warnings: found.warnings.clone(),
        }
    }

    /// The file beside the map of the mean, or of the standard deviation.
    pub(super) fn part(&self, stat: &str, found: &Tsnr) -> Result<Value> {
        let mut said = serde_json::to_value(self)?;
        let (description, definition) = if stat == MEAN {
            ("Mean over time of a BOLD run", "mean over time of stored * slope + inter")
        } else {
            (
                "Standard deviation over time of a BOLD run",
                "standard deviation over time of stored * slope + inter",
            )
        };
        let counted: fn(&RunRow) -> [u64; 2] = |run| [run.dummy_volumes, run.censored_volumes];
        let [dummies, censored] = found.runs.first().map_or([0, 0], counted);
        if let Some(said) = said.as_object_mut() {
            // Constant voxels are the business of the quotient, and the mask that of its median.
            said.retain(|key, _| !["ConstantVoxelsAre", "MaskSource"].contains(&key.as_str()));
            said.insert("Description".to_owned(), json!(description));
            said.insert("Definition".to_owned(), json!(definition));
            said.insert("DummyVolumes".to_owned(), json!(dummies));
            said.insert("CensoredVolumes".to_owned(), json!(censored));
        }
        Ok(said)
    }

    /// What the file at this path says, where it was written of just such a map.
    pub(super) fn told_at(&self, path: &Path) -> Option<Told> {
        let there: Value = read(path).ok()?;
        let asked = serde_json::to_value(self).ok()?;
        let is_same = asked.as_object()?.iter().all(|(key, value)| there.get(key) == Some(value));
        is_same.then(|| serde_json::from_value(there).ok()).flatten()
    }
}

/// Reads such a file.
///
/// # Errors
/// When it cannot be read, or is none of ours.
pub(super) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let shown = || path.display().to_string();
    let mut text = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", shown()))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut text).with_context(shown)?;
    if text.len() as u64 > MOST_BYTES {
        bail!("{} has more than {MOST_BYTES} bytes; expected what voxstore bids writes", shown());
    }
    serde_json::from_slice(&text).with_context(|| {
        format!(
            "{} is not what voxstore bids writes; make it anew with the level participant",
            shown()
        )
    })
}
