//! `voxstore explain`

use std::path::Path;

use anyhow::{Result, bail};
use voxstore::Explanation;
use voxstore::jobs::explain_tsnr;

use super::reduce::{Expression, Request};
use crate::args::{ExplainArgs, ExplainHow, ExplainJob, FormatArg, ReduceWhat, TsnrWhat};
use crate::exit::Done;
use crate::{inputs, output, render};

pub(crate) fn run(args: &ExplainArgs) -> Result<Done> {
    match &args.job {
        ExplainJob::Tsnr(job) => explain(&job.how, || of_tsnr(&job.what, &job.how)),
        ExplainJob::Reduce(job) => explain(&job.how, || of_reduce(&job.what, &job.how)),
    }
}

fn of_tsnr(what: &TsnrWhat, how: &ExplainHow) -> Result<Explanation> {
    let session = what.limits.session(&how.talk)?;
    let joined = inputs::runs_to_join(&what.inputs, &what.runs, what.reading.options())?;
    Ok(explain_tsnr(&joined.runs, what.options(), &session)?)
}

fn of_reduce(what: &ReduceWhat, how: &ExplainHow) -> Result<Explanation> {
    let request = Request::of(what)?;
    let session = what.limits.session(&how.talk)?;
    let expression = Expression::of(&request)?;
    Ok(session.explain(&[&expression.array])?)
}

fn explain(how: &ExplainHow, plan: impl FnOnce() -> Result<Explanation>) -> Result<Done> {
    // Any command can be explained by putting `explain` before it: its result stays a name.
    let file = how.output.as_deref().filter(|path| !is_result(path));
    output::refuse_existing(file, how.force)?;
    let format = format_of(how, file)?;
    let plan = plan()?;
    let text = match format {
        FormatArg::Text => plan.text(),
        FormatArg::Dot => plan.dot(),
        FormatArg::Svg => plan.svg(),
        FormatArg::Json => plan.json(),
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
    [&output::MAP_ENDINGS[..], &[".tsv"]]
        .iter()
        .any(|ends| output::sidecar_of(path, ends).is_some())
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
