//! The level `group`: a table of all runs, from the JSON files beside their maps.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::{Map, Value, json};
use voxstore::bids::{Dataset, Found, Image};

use super::derivatives::refuse_others;
use super::sidecar::{self, Told};
use super::{MAP_SUFFIX, STAT, filter_file};
use crate::args::BidsArgs;
use crate::exit::Done;
use crate::{output, render};

/// Columns, and what the data dictionary says of them: description and units.
const COLUMNS: [(&str, &str, Option<&str>); 13] = [
    ("bids_name", "Name of the map without extension", None),
    ("participant_id", "Subject", None),
    ("session_id", "Session", None),
    ("task_id", "Task", None),
    ("run_id", "Run", None),
    ("tsnr_median", "Median temporal SNR over the voxels of the mask", Some("arbitrary")),
    ("volumes", "Volumes that the map is of", None),
    ("repetition_time", "Time from volume to volume", Some("s")),
    ("mask_voxels", "Voxels with std > 0 and a mean above 20 % of its maximum", None),
    ("constant_voxels", "Voxels whose series never changes", None),
    ("ddof", "Delta degrees of freedom of the standard deviation", None),
    ("detrend_order", "Order of the polynomial that was taken out; 0 is the mean", None),
    ("warnings", "How many warnings there were; the JSON file beside the map has them", None),
];

#[derive(Serialize)]
struct Answer {
    table: PathBuf,
    runs: u64,
    failed: Vec<String>,
}

pub(super) fn run(args: &BidsArgs) -> Result<Done> {
    refuse_others(&args.output)?;
    let dataset = Dataset::open(&args.output)?;
    let filter = filter_file::filter(args)?.with(STAT.0, STAT.1)?.or_suffix(MAP_SUFFIX);
    let head: Vec<&str> = COLUMNS.iter().map(|(name, ..)| *name).collect();
    let mut table = format!("{}\n", head.join("\t"));
    let (mut runs, mut failed) = (0, Vec::new());
    for found in dataset.sidecars(&filter) {
        let told = match found {
            Ok(Found::Image(image)) => sidecar::read(&image.path).map(|told| (image, told)),
            Ok(Found::LeftOut(_)) => continue,
            Err(error) => Err(error.into()),
        };
        match told {
            Ok((image, told)) => {
                let _ = writeln!(table, "{}", cells(&image, &told).join("\t"));
                runs += 1;
            }
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    for error in failed.iter().filter(|_| !args.talk.json) {
        render::say(&format!("failed: {error}"));
    }
    if runs == 0 {
        bail!(
            "no map's JSON file of such runs is in {} ({} could not be read); make them with the level participant",
            args.output.display(),
            failed.len()
        );
    }
    let path = args.output.join("group_tsnr.tsv");
    if !args.dry_run {
        output::write_text(&path, &table, true)?;
        output::write_json(&args.output.join("group_tsnr.json"), &dictionary(), true)?;
    }
    let done = if failed.is_empty() { Done::All } else { Done::Some };
    if args.talk.json {
        render::json(&Answer { table: path, runs, failed })?;
    } else if !args.talk.quiet {
        let verb = if args.dry_run { "would be " } else { "" };
        render::line(&format!("{runs} runs {verb}in {}", path.display()))?;
    }
    Ok(done)
}

fn cells(image: &Image, told: &Told) -> [String; COLUMNS.len()] {
    let missing = || "n/a".to_owned();
    let name = &image.name;
    let prefixed = |key| name.entity(key).map_or_else(missing, |value| format!("{key}-{value}"));
    let value = |key| name.entity(key).map_or_else(missing, str::to_owned);
    let number = |value: Option<f64>| value.map_or_else(missing, |v| v.to_string());
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    [
        name.clone().with_ending(name.suffix(), "").to_string(),
        prefixed("sub"),
        prefixed("ses"),
        value("task"),
        value("run"),
        number(told.median_tsnr),
        told.volumes.to_string(),
        number(told.repetition_time),
        told.mask_voxels.to_string(),
        told.constant_voxels.to_string(),
        plain(&told.ddof),
        plain(&told.detrend_order),
        told.warnings.len().to_string(),
    ]
}

/// The data dictionary: what each column is.
fn dictionary() -> Value {
    let column = |(name, description, units): &(&str, &str, Option<&str>)| {
        let mut said = Map::from_iter([("Description".to_owned(), json!(description))]);
        said.extend(units.map(|units| ("Units".to_owned(), json!(units))));
        ((*name).to_owned(), Value::Object(said))
    };
    Value::Object(COLUMNS.iter().map(column).collect())
}
