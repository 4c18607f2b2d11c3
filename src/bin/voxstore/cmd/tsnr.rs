//! `voxstore tsnr`

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use voxstore::jobs::{Tsnr, TsnrRecord, tsnr};
use voxstore::nifti::{MapFile, NiftiOptions};
use voxstore::{Run, peak_memory_bytes};

use crate::args::TsnrArgs;
use crate::chosen::{self, LeftOut};
use crate::exit::Done;
use crate::inputs::Joined;
use crate::{inputs, output, render};

#[derive(Serialize)]
struct Answer<'a> {
    map: &'a Path,
    record: &'a TsnrRecord,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left_out: &'a [LeftOut],
}

pub(crate) fn run(args: &TsnrArgs) -> Result<Done> {
    let Some(sidecar) = output::sidecar_of(&args.output, &output::MAP_ENDINGS) else {
        bail!("{}: a map is written as NAME.nii or NAME.nii.gz", args.output.display());
    };
    output::refuse_existing([args.output.as_path(), &sidecar], args.force)?;
    let what = &args.what;
    // What does not fit in memory waits where the map will be: there is room for it, and it is no
    // folder in memory, as a system's temporary one can be.
    let builder = what.limits.builder(&args.talk)?.scratch(output::folder_of(&args.output));
    let session = builder.build()?;
    let Joined { runs, left_out } =
        inputs::runs_to_join(&what.inputs, &what.runs, what.reading.options())?;
    chosen::tell_left_out(&left_out, &args.talk);
    let options = what.options();
    // First, so that a file that cannot be written is known before anything is read.
    let file = MapFile::create(&args.output, args.force)?;
    let result = tsnr(&runs, options, &session)?;

    let map = NiftiOptions {
        intent_name: "tsnr".to_owned(),
        description: format!("voxstore {} tsnr ddof{}", env!("CARGO_PKG_VERSION"), options.ddof),
        cal_max: display_ceiling(&result),
        overwrite: args.force,
    };
    file.write(&runs[0], result.map.view(), &map)?;
    let measured = peak_memory_bytes();
    let record = TsnrRecord::new(&result, &runs, options, session.memory_bytes(), measured);
    output::write_json(&sidecar, &record, args.force)?;

    if args.talk.json {
        render::json(&Answer { map: &args.output, record: &record, left_out: &left_out })?;
    } else if !args.talk.quiet {
        tell(&result, &runs, args, &sidecar, measured, session.memory_bytes())?;
    }
    Ok(Done::All)
}

fn tell(
    result: &Tsnr,
    runs: &[Run],
    args: &TsnrArgs,
    sidecar: &Path,
    measured: Option<u64>,
    budget_bytes: u64,
) -> Result<()> {
    let volumes = |n: u64| n.to_string();
    let median = |value: f64| format!("{value:.2}");
    let mut rows: Vec<Vec<String>> = result
        .runs
        .iter()
        .map(|row| {
            vec![
                row.name.clone(),
                volumes(row.volumes),
                render::seconds(row.tr_seconds),
                median(row.median),
            ]
        })
        .collect();
    let total: u64 = result.runs.iter().map(|row| row.volumes).sum();
    if runs.len() > 1 {
        for (name, value) in [
            ("pooled (within runs)", result.pooled_median),
            ("joined (the map)", result.concatenated_median),
        ] {
            rows.push(vec![name.to_owned(), volumes(total), String::new(), median(value)]);
        }
    }
    render::line(&render::table(&["run", "volumes", "TR", "median tSNR"], &rows))?;
    render::line(&format!(
        "medians over {} voxels: std > 0 and mean above 20 % of the largest; {} constant voxels",
        result.mask_voxels, result.constant_voxels
    ))?;
    for warning in &result.warnings {
        render::say(&format!("warning: {warning}"));
    }
    render::memory(budget_bytes, &result.report, measured)?;
    render::line(&format!("map:    {}", args.output.display()))?;
    render::line(&format!("record: {}", sidecar.display()))
}

/// Where a viewer's colours should end: above almost all of the head.
fn display_ceiling(result: &Tsnr) -> Option<f32> {
    let median = result.concatenated_median;
    median.is_finite().then_some((median * 2.5) as f32)
}
