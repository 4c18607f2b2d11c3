//! `voxstore report`

mod group;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use voxstore::jobs::{QualityReport, ReportOptions, Verdict, report};
use voxstore::peak_memory_bytes;

use crate::args::ReportArgs;
use crate::exit::Done;
use crate::{chosen, inputs, output, render};

/// The pictures that one run alone, and several runs, come with.
const PICTURES: [&str; 7] =
    ["sd_mosaic", "tsnr_mosaic", "mean_mosaic", "tsnr_histogram", "carpet", "slices", "runs"];

pub(crate) fn run(args: &ReportArgs) -> Result<Done> {
    if let Some(page) = &args.output {
        let ending = page.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        if !ending.is_some_and(|e| e == "html" || e == "htm") {
            bail!(
                "{}: a report is written as NAME.html; pictures go to a folder with --png",
                page.display()
            );
        }
        output::refuse_existing([page.as_path()], args.force)?;
    }
    if args.group {
        return group::run(args);
    }
    let places = args.png.as_deref().map(places).unwrap_or_default();
    output::refuse_existing(places.iter().map(PathBuf::as_path), args.force)?;
    let mut builder = args.limits.builder(&args.talk)?;
    if let Some(path) = args.output.as_deref().or(args.png.as_deref()) {
        builder = builder.scratch(output::folder_of(path));
    }
    let session = builder.build()?;
    let options = args.reading.options();
    let inputs::Chosen { runs, left_out } =
        inputs::runs_to_join(&args.inputs, &args.runs, options)?;
    chosen::tell_left_out(&left_out, &args.talk);
    let mask = args.mask.as_deref().map(|path| inputs::open_one(path, options)).transpose()?;
    let found = report(&runs, &ReportOptions { mask }, &session)?;
    if let Some(page) = &args.output {
        output::write_text(page, &found.html(), args.force)?;
    }
    if let Some(folder) = &args.png {
        write_pictures(&found, folder, args.force)?;
    }
    if args.talk.json {
        render::json(&found)?;
    } else if !args.talk.quiet {
        tell(&found, args, session.memory_bytes())?;
    }
    Ok(Done::All)
}

fn places(folder: &Path) -> Vec<PathBuf> {
    PICTURES.iter().map(|name| place(folder, name)).collect()
}

fn place(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.png"))
}

fn write_pictures(report: &QualityReport, folder: &Path, force: bool) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for picture in report.pictures() {
        output::write_bytes(&place(folder, picture.name), &picture.png, force)?;
    }
    Ok(())
}

fn tell(report: &QualityReport, args: &ReportArgs, budget_bytes: u64) -> Result<()> {
    for Verdict { passed, finding, .. } in &report.verdicts {
        render::line(&format!("{}  {finding}", if *passed { "PASS" } else { "WARN" }))?;
    }
    for warning in &report.warnings {
        render::say(&format!("warning: {warning}"));
    }
    render::memory(budget_bytes, report.computation(), peak_memory_bytes())?;
    if let Some(page) = &args.output {
        render::line(&format!("page:     {}", page.display()))?;
    }
    if let Some(folder) = &args.png {
        render::line(&format!("pictures: {}", folder.display()))?;
    }
    Ok(())
}
