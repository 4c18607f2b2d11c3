//! `voxstore report --group`: records in, one page out. A record is small; they are read one after the other.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use voxstore::jobs::{GroupReport, GroupRun};
use walkdir::WalkDir;

use crate::args::ReportArgs;
use crate::exit::Done;
use crate::{output, render};

/// No record is larger.
const MOST_BYTES: u64 = 4 << 20;

pub(super) fn run(args: &ReportArgs) -> Result<Done> {
    let mut runs = Vec::new();
    for input in &args.inputs {
        if input.is_dir() {
            let before = runs.len();
            for path in records_below(input)? {
                runs.extend(read(&path)?.unwrap_or_default());
            }
            if runs.len() == before {
                bail!(
                    "{}: no record of a tSNR map was found below it; voxstore tsnr writes one beside its map, \
                     MAP.json",
                    input.display()
                );
            }
        } else {
            let Some(found) = read(input)? else {
                bail!(
                    "{}: this is no record of a tSNR map; give the JSON file that voxstore tsnr wrote beside its map",
                    input.display()
                );
            };
            runs.extend(found);
        }
    }
    let report = GroupReport::of(runs);
    if let Some(page) = &args.output {
        output::write_text(page, &report.html(), args.force)?;
    }
    if args.talk.json {
        render::json(&report)?;
    } else if !args.talk.quiet {
        let out = report.runs.iter().filter(|run| run.stands_out);
        for run in out {
            let median = run.median.map_or("none".to_owned(), |m| format!("{m:.1}"));
            render::line(&format!("WARN  {}: median tSNR {median}", run.name))?;
        }
        render::line(&format!(
            "{} runs, median {:.1}, scaled MAD {:.1}",
            report.runs.len(),
            report.median,
            report.mad
        ))?;
        if let Some(page) = &args.output {
            render::line(&format!("page: {}", page.display()))?;
        }
    }
    Ok(Done::All)
}

/// JSON files below a folder, in natural order; hidden ones are left out.
fn records_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let visible = |entry: &walkdir::DirEntry| {
        entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
    };
    let mut found = Vec::new();
    for entry in WalkDir::new(folder).into_iter().filter_entry(visible) {
        let entry = entry.context("searching for records")?;
        let json = entry.path().extension().is_some_and(|e| e == "json");
        // A store has thousands of its own.
        let of_store = entry.file_name() == "zarr.json";
        if entry.file_type().is_file() && json && !of_store {
            found.push(entry.into_path());
        }
    }
    found.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(found)
}

/// The runs of a record; none where the file is something else, such as a BIDS sidecar.
fn read(path: &Path) -> Result<Option<Vec<GroupRun>>> {
    let mut text = Vec::new();
    let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if text.len() as u64 > MOST_BYTES {
        return Ok(None);
    }
    let Ok(text) = String::from_utf8(text) else { return Ok(None) };
    Ok(GroupRun::of_record(&path.display().to_string(), &text))
}
