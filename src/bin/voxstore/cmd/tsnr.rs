//! `voxstore tsnr`

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use voxstore::jobs::{Constant, Tsnr, TsnrOptions, TsnrRecord, tsnr};
use voxstore::nifti::{MapOptions, write_map};
use voxstore::{Error, Run, peak_memory_bytes};

use crate::args::{ConstantArg, TsnrArgs};
use crate::exit::Done;
use crate::{inputs, render};

#[derive(Serialize)]
struct Answer<'a> {
    map: &'a Path,
    record: &'a TsnrRecord,
}

pub(crate) fn run(args: &TsnrArgs) -> Result<Done> {
    let sidecar = sidecar_path(&args.output)?;
    for path in [&args.output, &sidecar] {
        if path.exists() && !args.force {
            bail!("{} exists; choose another name or overwrite it with --force", path.display());
        }
    }
    let session = args.limits.session(&args.talk)?;
    let runs = inputs::runs_to_join(&args.inputs, &args.runs.globs, args.reading.io())?;
    let options = TsnrOptions {
        ddof: args.ddof,
        constant: match args.constant {
            ConstantArg::Zero => Constant::Zero,
            ConstantArg::Nan => Constant::Nan,
        },
    };
    let result = tsnr(&runs, options, &session).map_err(Error::from)?;

    let map = MapOptions {
        intent_name: "tsnr".to_owned(),
        description: format!("voxstore {} tsnr ddof{}", env!("CARGO_PKG_VERSION"), args.ddof),
        cal_max: display_ceiling(&result),
        overwrite: args.force,
    };
    write_map(&args.output, &runs[0], result.map.view(), map).map_err(Error::from)?;
    let measured = peak_memory_bytes();
    let record = TsnrRecord::new(&result, &runs, options, session.memory_bytes(), measured);
    write_json(&sidecar, &record, args.force)
        .with_context(|| format!("cannot write {}", sidecar.display()))?;

    if args.talk.json {
        render::json(&Answer { map: &args.output, record: &record })?;
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
    let peak = measured.map_or_else(String::new, |b| format!(", measured {}", ByteSize(b)));
    render::line(&format!(
        "memory: budget {}, projected peak {}{peak}; {} of voxels read in {} scan{}",
        ByteSize(budget_bytes),
        ByteSize(result.report.projected_bytes),
        ByteSize(result.report.read_bytes),
        result.report.scans,
        if result.report.scans == 1 { "" } else { "s" },
    ))?;
    render::line(&format!("map:    {}", args.output.display()))?;
    render::line(&format!("record: {}", sidecar.display()))
}

/// Where a viewer's colours should end: above almost all of the head.
fn display_ceiling(result: &Tsnr) -> Option<f32> {
    let median = result.concatenated_median;
    median.is_finite().then_some((median * 2.5) as f32)
}

/// `tsnr.nii.gz` has `tsnr.json` beside it.
fn sidecar_path(map: &Path) -> Result<PathBuf> {
    let name = map.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let stem = [".nii.gz", ".nii"]
        .into_iter()
        .find_map(|end| lower.ends_with(end).then(|| name[..name.len() - end.len()].to_owned()));
    match stem {
        Some(stem) if !stem.is_empty() => Ok(map.with_file_name(format!("{stem}.json"))),
        _ => bail!("{}: a map is written as NAME.nii or NAME.nii.gz", map.display()),
    }
}

/// Writes a JSON file that appears whole, by rename.
fn write_json(path: &Path, value: &impl Serialize, overwrite: bool) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // As readable as any file the user makes: the umask is taken off.
    let mut file = tempfile::Builder::new()
        .prefix(".voxstore-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    if overwrite {
        file.persist(path)?;
    } else {
        file.persist_noclobber(path)?;
    }
    Ok(())
}
