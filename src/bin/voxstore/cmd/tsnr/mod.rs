//! `voxstore tsnr`

mod censor;
mod request;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;
use voxstore::jobs::{JobError, Tsnr, TsnrOptions, TsnrRecord, tsnr, tsnr_part};
use voxstore::nifti::{MapFile, NiftiOptions};
use voxstore::{Run, Session, peak_memory_bytes};

pub(super) use self::request::Request;
use super::part;
use crate::args::{AcrossArg, LimitArgs, TalkArgs, TsnrArgs, TsnrWhat};
use crate::chosen::{self, LeftOut};
use crate::exit::Done;
use crate::{output, render};

#[derive(Serialize)]
struct Answer<'a> {
    /// The map, or the first where there is one a run.
    map: &'a Path,
    maps: &'a [PathBuf],
    record: &'a TsnrRecord,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    left_out: &'a [LeftOut],
}

pub(crate) fn run(args: &TsnrArgs) -> Result<Done> {
    let TsnrArgs { what, output, force, talk } = args;
    if let Some(shard) = what.shard {
        let place = part::Place { folder: output, force: *force, limits: &what.limits, talk };
        return part::run(&place, shard, |how, session| {
            let request = Request::of(what)?;
            chosen::tell_left_out(&request.left_out, talk);
            Ok(tsnr_part(&request.runs, request.options(), shard, output, how, session)?)
        });
    }
    make(what, &Map { output, force: *force, limits: &what.limits, talk }, tsnr)
}

/// Where a map goes, and within which limits it is made.
pub(super) struct Map<'a> {
    pub(super) output: &'a Path,
    pub(super) force: bool,
    pub(super) limits: &'a LimitArgs,
    pub(super) talk: &'a TalkArgs,
}

/// Makes the map that is asked for, in whatever way, writes it and tells of it.
pub(super) fn make(
    what: &TsnrWhat,
    args: &Map<'_>,
    tsnr: impl FnOnce(&[Run], TsnrOptions<'_>, &Session) -> Result<Tsnr, JobError>,
) -> Result<Done> {
    let Some(sidecar) = output::sidecar_of(args.output, &output::MAP_ENDINGS) else {
        bail!("{}: a map is written as NAME.nii or NAME.nii.gz", args.output.display());
    };
    output::require_folder(args.output)?;
    let per_run = what.across == Some(AcrossArg::PerRun);
    if !per_run {
        output::refuse_existing([args.output], args.force)?;
    }
    output::refuse_existing([sidecar.as_path()], args.force)?;
    // What does not fit in memory waits where the map will be: there is room for it, and it is no
    // folder in memory, as a system's temporary one can be.
    let builder = args.limits.builder(args.talk)?.scratch(output::folder_of(args.output));
    let session = builder.build()?;
    let request = Request::of(what)?;
    chosen::tell_left_out(&request.left_out, args.talk);
    let (runs, options) = (&request.runs, request.options());
    let paths = if per_run {
        (1..=runs.len()).map(|number| of_run(args.output, number)).collect()
    } else {
        vec![args.output.to_owned()]
    };
    output::refuse_existing(paths.iter().map(PathBuf::as_path), args.force)?;
    // First, so that a file that cannot be written is known before anything is read.
    let files: Vec<MapFile> =
        paths.iter().map(|path| MapFile::create(path, args.force)).collect::<Result<_, _>>()?;
    let result = tsnr(runs, options, &session)?;

    for (index, file) in files.into_iter().enumerate() {
        let (map, median) = match result.run_maps.get(index) {
            Some(map) => (map, result.runs[index].median),
            None => (&result.map, result.map_median(options.across)),
        };
        file.write(&runs[index], map.view(), &header(options, median, args.force))?;
    }
    let measured = peak_memory_bytes();
    let record = TsnrRecord::new(&result, runs, options, session.memory_bytes(), measured);
    output::write_json(&sidecar, &record, args.force)?;

    if args.talk.json {
        let left_out = &request.left_out;
        render::json(&Answer { map: &paths[0], maps: &paths, record: &record, left_out })?;
    } else if !args.talk.quiet {
        tell(&result, options, &paths, &sidecar, measured, session.memory_bytes())?;
    }
    Ok(Done::All)
}

/// `tsnr.nii.gz` of run 2 is `tsnr_run-2.nii.gz`.
fn of_run(output: &Path, number: usize) -> PathBuf {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let lower = name.to_ascii_lowercase();
    let end = output::MAP_ENDINGS.iter().find(|end| lower.ends_with(**end)).map_or(0, |e| e.len());
    let (stem, end) = name.split_at(name.len() - end);
    output.with_file_name(format!("{stem}_run-{number}{end}"))
}

fn header(options: TsnrOptions<'_>, median: f64, overwrite: bool) -> NiftiOptions {
    let version = env!("CARGO_PKG_VERSION");
    let ddof = if options.ddof_of_model { "model".to_owned() } else { options.ddof.to_string() };
    let trends = match options.detrend {
        0 => String::new(),
        order => format!(" detrend{order}"),
    };
    let like = options.like.map_or_else(String::new, |like| format!(" like {like}"));
    NiftiOptions {
        intent_name: "tsnr".to_owned(),
        description: format!("voxstore {version} tsnr ddof{ddof}{trends}{like}"),
        // Where a viewer's colours should end: above almost all of the head.
        cal_max: median.is_finite().then_some((median * 2.5) as f32),
        overwrite,
    }
}

fn tell(
    result: &Tsnr,
    options: TsnrOptions<'_>,
    paths: &[PathBuf],
    sidecar: &Path,
    measured: Option<u64>,
    budget_bytes: u64,
) -> Result<()> {
    render::line(&table::of(result, options.across))?;
    render::line(&table::below(result, options))?;
    for warning in &result.warnings {
        render::say(&format!("warning: {warning}"));
    }
    render::memory(budget_bytes, &result.report, measured)?;
    for path in paths {
        render::line(&format!("map:    {}", path.display()))?;
    }
    render::line(&format!("record: {}", sidecar.display()))
}
