//! The level `participant`: a map for each run, one run after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use voxstore::bids::{Dataset, Filter, Found, Image, Reason};
use voxstore::jobs::tsnr;
use voxstore::nifti::{MapFile, NiftiOptions};
use voxstore::{Error, Run, Session, peak_memory_bytes};

use super::derivatives::Derivatives;
use super::sidecar::{Asked, Told};
use super::{MAP_SUFFIX, MEAN, STAT, STD, SUFFIX, filter_file};
use crate::args::BidsArgs;
use crate::chosen::{self, LeftOut};
use crate::exit::{Done, Misuse};
use crate::{inputs, output, render};

/// What became of a run.
#[derive(Serialize)]
struct Row {
    source: String,
    outcome: Outcome,
    map: Option<PathBuf>,
    volumes: Option<u64>,
    tr_seconds: Option<f64>,
    median_tsnr: Option<f64>,
    seconds: Option<f64>,
    warnings: Vec<String>,
    error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Written,
    Skipped,
    Planned,
    Failed,
}

#[derive(Serialize)]
struct Answer {
    runs: Vec<Row>,
    left_out: Vec<LeftOut>,
}

pub(super) fn run(args: &BidsArgs) -> Result<Done> {
    let dataset = Dataset::open(&args.dataset)?;
    let filter = filter_file::filter(args)?.or_suffix(SUFFIX);
    refuse_absent(&dataset, &args.participant_label)?;
    let derivatives = Derivatives::of(&dataset, &args.output)?;
    let scratch = args.work.as_deref().unwrap_or(&args.output);
    let session = args.limits.builder(&args.talk)?.scratch(scratch).build()?;
    if !args.dry_run {
        derivatives.begin()?;
    }
    let mut answer = all(&dataset, &filter, args, &session)?;
    // The folder that is written to was never meant to be read.
    answer
        .left_out
        .retain(|other| other.reason != Reason::Beside || !derivatives.are_in(&other.path));
    tell(&answer, args, &session)?;
    let failed = answer.runs.iter().filter(|row| row.outcome == Outcome::Failed).count();
    match answer.runs.len() {
        0 => bail!(
            "no run of {} is meant by these labels; left out: {}",
            args.dataset.display(),
            chosen::summary(&answer.left_out)
        ),
        all if all == failed => bail!("none of {all} runs could be done"),
        _ => Ok(if failed > 0 { Done::Some } else { Done::All }),
    }
}

/// Refuses labels of subjects that are not there.
fn refuse_absent(dataset: &Dataset, labels: &[String]) -> Result<()> {
    let is_absent = |label: &&String| {
        let label = label.strip_prefix("sub-").unwrap_or(label);
        !label.contains(['*', '?', '[', '{'])
            && !dataset.root().join(format!("sub-{label}")).is_dir()
    };
    match labels.iter().find(is_absent) {
        Some(label) => {
            let dataset = dataset.root().display();
            Err(Misuse(format!(
                "{dataset} has no subject {label}; --participant-label takes what follows sub-"
            ))
            .into())
        }
        None => Ok(()),
    }
}

fn all(dataset: &Dataset, filter: &Filter, args: &BidsArgs, session: &Session) -> Result<Answer> {
    let (mut runs, mut left_out) = (Vec::new(), Vec::new());
    for found in dataset.images(filter) {
        match found {
            Ok(Found::Image(image)) => {
                let row = one(&image, args, session);
                runs.push(match row {
                    Err(error) if is_cancelled(&error) => return Err(error),
                    Err(error) => Row::failed(image.below, &error),
                    Ok(row) => row,
                });
            }
            Ok(Found::LeftOut(other)) => {
                let path = dataset.root().join(other.below);
                left_out.push(LeftOut { path, reason: other.reason });
            }
            Err(error) => {
                runs.push(Row::failed(args.dataset.display().to_string(), &error.into()));
            }
        }
    }
    Ok(Answer { runs, left_out })
}

/// Makes the map of a run, unless it is there.
fn one(image: &Image, args: &BidsArgs, session: &Session) -> Result<Row> {
    let started = Instant::now();
    let run = inputs::open_one(&image.path, args.reading.options())?;
    let options = args.options();
    let asked = Asked::of(&run, &image.below, options);
    let [(map, sidecar), mean, std] =
        [STAT.1, MEAN, STD].map(|stat| places(image, stat, &args.output));
    let row = Row {
        map: Some(map.clone()),
        volumes: Some(run.shape()[3]),
        tr_seconds: run.info().timing.tr_seconds,
        ..Row::new(image.below.clone(), Outcome::Planned)
    };
    let all = [&map, &mean.0, &mean.1, &std.0, &std.1];
    let are_there = || !args.force && all.into_iter().all(|path| path.is_file());
    let there = asked.told_at(&sidecar).filter(|_| are_there());
    if let Some(Told { median_tsnr, .. }) = there {
        return Ok(Row { outcome: Outcome::Skipped, median_tsnr, ..row });
    }
    if args.dry_run {
        return Ok(row);
    }
    let runs = [run];
    let found = tsnr(&runs, options, session)?;
    let [run] = runs;
    let median = found.concatenated_median;
    // What says that a run is done comes last.
    if let Some(parts) = &found.parts {
        for ((path, sidecar), stat, values) in [(mean, MEAN, &parts.mean), (std, STD, &parts.std)] {
            write(&path, &run, values, stat, None)?;
            output::write_json(&sidecar, &asked.part(stat, &found)?, true)?;
        }
    }
    let cal_max = median.is_finite().then_some((median * 2.5) as f32);
    write(&map, &run, &found.map, STAT.1, cal_max)?;
    output::write_json(&sidecar, &asked.with(&found), true)?;
    Ok(Row {
        outcome: Outcome::Written,
        median_tsnr: median.is_finite().then_some(median),
        seconds: Some(started.elapsed().as_secs_f64()),
        warnings: found.warnings,
        ..row
    })
}

/// Where a map of a run goes, and the file beside it.
fn places(image: &Image, stat: &str, root: &Path) -> (PathBuf, PathBuf) {
    let name = image.name.clone().with_entity(STAT.0, stat);
    let folder = root.join(output::folder_of(Path::new(&image.below)));
    let named =
        |extension| folder.join(name.clone().with_ending(MAP_SUFFIX, extension).to_string());
    (named(".nii.gz"), named(".json"))
}

fn write(
    path: &Path,
    run: &Run,
    map: &ndarray::Array3<f64>,
    stat: &str,
    cal_max: Option<f32>,
) -> Result<()> {
    let folder = output::folder_of(path);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let options = NiftiOptions {
        intent_name: stat.to_owned(),
        description: format!("voxstore {} {stat}", env!("CARGO_PKG_VERSION")),
        cal_max,
        overwrite: true,
    };
    Ok(MapFile::create(path, true)?.write(run, map.view(), &options)?)
}

fn is_cancelled(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(Error::is_cancelled)
}

impl Row {
    fn new(source: String, outcome: Outcome) -> Self {
        Self {
            source,
            outcome,
            map: None,
            volumes: None,
            tr_seconds: None,
            median_tsnr: None,
            seconds: None,
            warnings: Vec::new(),
            error: None,
        }
    }

    fn failed(source: String, error: &anyhow::Error) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(source, Outcome::Failed) }
    }
}

fn tell(answer: &Answer, args: &BidsArgs, session: &Session) -> Result<()> {
    if args.talk.json {
        return render::json(answer);
    }
    for row in &answer.runs {
        for warning in row.warnings.iter().filter(|_| !args.talk.quiet) {
            render::say(&format!("warning: {warning}"));
        }
        if let Some(error) = &row.error {
            render::say(&format!("failed: {error}"));
        }
    }
    chosen::tell_left_out(&answer.left_out, &args.talk);
    if args.talk.quiet || answer.runs.is_empty() {
        return Ok(());
    }
    let outcome = |outcome| match outcome {
        Outcome::Written => "written",
        Outcome::Skipped => "skipped",
        Outcome::Planned => "would be written",
        Outcome::Failed => "failed",
    };
    let rows = answer.runs.iter().map(|row| {
        vec![
            row.source.rsplit('/').next().unwrap_or(&row.source).to_owned(),
            row.volumes.map_or("-".to_owned(), |n| n.to_string()),
            render::seconds(row.tr_seconds),
            row.median_tsnr.map_or("-".to_owned(), |median| format!("{median:.2}")),
            outcome(row.outcome).to_owned(),
        ]
    });
    let head = ["run", "volumes", "TR", "median tSNR", "outcome"];
    render::line(&render::table(&head, &rows.collect::<Vec<_>>()))?;
    let peak = peak_memory_bytes()
        .map_or_else(String::new, |bytes| format!(", measured peak {}", bytesize::ByteSize(bytes)));
    render::line(&format!("memory: budget {}{peak}", bytesize::ByteSize(session.memory_bytes())))?;
    render::line(&format!("derivatives: {}", args.output.display()))
}
