//! `voxstore explain`

use std::path::Path;

use anyhow::{Result, bail};
use voxstore::jobs::explain_tsnr;
use voxstore::{Error, Explanation};

use super::reduce::{Expression, Request};
use crate::args::{ExplainArgs, ExplainHow, ExplainJob, FormatArg, ReduceWhat, TsnrWhat};
use crate::exit::Done;
use crate::{inputs, output, render};

pub(crate) fn run(args: &ExplainArgs) -> Result<Done> {
    match &args.job {
        ExplainJob::Tsnr(job) => explain(&job.how, || trips_of_tsnr(&job.what, &job.how)),
        ExplainJob::Reduce(job) => explain(&job.how, || trips_of_reduce(&job.what, &job.how)),
    }
}

/// One explanation for each trip over the runs.
fn trips_of_tsnr(what: &TsnrWhat, how: &ExplainHow) -> Result<Vec<Explanation>> {
    let session = what.limits.session(&how.talk)?;
    let runs = inputs::runs_to_join(&what.inputs, &what.runs.globs, what.reading.io())?;
    Ok(explain_tsnr(&runs, what.options(), &session).map_err(Error::from)?)
}

fn trips_of_reduce(what: &ReduceWhat, how: &ExplainHow) -> Result<Vec<Explanation>> {
    let request = Request::of(what)?;
    let session = what.limits.session(&how.talk)?;
    let expression = Expression::of(&request)?;
    Ok(vec![session.explain(&[&expression.array]).map_err(Error::from)?])
}

fn explain(how: &ExplainHow, trips: impl FnOnce() -> Result<Vec<Explanation>>) -> Result<Done> {
    // Any command can be explained by putting `explain` before it: its result stays a name.
    let file = how.output.as_deref().filter(|path| !is_result(path));
    output::refuse_existing(file, how.force)?;
    let format = format_of(how, file)?;
    let trips = trips()?;
    let text = match (format, trips.as_slice()) {
        (FormatArg::Text, [trip]) => trip.text(),
        (FormatArg::Text, trips) => {
            let trips = trips.iter().enumerate();
            let text = trips.map(|(k, trip)| format!("trip {}\n{}", k + 1, trip.text()));
            text.collect::<Vec<_>>().join("\n\n")
        }
        (_, []) => String::new(),
        (_, [first, more @ ..]) => {
            if !more.is_empty() {
                render::say(&format!(
                    "note: this is the first of {} trips over the runs; --format text shows all",
                    trips.len()
                ));
            }
            match format {
                FormatArg::Dot => first.dot(),
                FormatArg::Svg => first.svg(),
                FormatArg::Json | FormatArg::Text => first.json(),
            }
        }
    };
    let text = text.trim_end();
    match file {
        Some(path) => output::write_text(path, &format!("{text}\n"), how.force)?,
        None if how.talk.quiet => {}
        None => render::line(text)?,
    }
    Ok(Done::All)
}

fn is_result(path: &Path) -> bool {
    inputs::is_nifti_name(path) || output::sidecar_of(path, &[".tsv"]).is_some()
}

/// The format asked for, or the one that the name of the file says.
fn format_of(how: &ExplainHow, file: Option<&Path>) -> Result<FormatArg> {
    if let Some(format) = how.format {
        return Ok(format);
    }
    if how.talk.json {
        return Ok(FormatArg::Json);
    }
    let Some(path) = file else { return Ok(FormatArg::Text) };
    let ending = path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        Some("txt") => Ok(FormatArg::Text),
        Some("json") => Ok(FormatArg::Json),
        Some("dot" | "gv") => Ok(FormatArg::Dot),
        Some("svg") => Ok(FormatArg::Svg),
        _ => bail!(
            "{}: a plan is written as NAME.txt, NAME.json, NAME.dot or NAME.svg; \
             say which with --format for another name",
            path.display()
        ),
    }
}
