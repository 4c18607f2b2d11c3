//! `voxstore explain`

use std::path::Path;

use anyhow::{Result, bail};
use voxstore::Explanation;
use voxstore::jobs::{explain_tsnr, explain_tsnr_part};

use super::reduce::{self, Expression, Request};
use super::tsnr::Request as TsnrRequest;
use crate::args::{ExplainArgs, ExplainHow, ExplainJob, FormatArg, ReduceWhat, TsnrWhat};
use crate::exit::Done;
use crate::{output, render};

pub(crate) fn run(args: &ExplainArgs) -> Result<Done> {
    match &args.job {
        ExplainJob::Tsnr(job) => {
            let is_sharded = job.what.shard.is_some();
            explain(&job.how, is_sharded, || of_tsnr(&job.what, &job.how))
        }
        ExplainJob::Reduce(job) => {
            let is_sharded = job.what.shard.is_some();
            explain(&job.how, is_sharded, || of_reduce(&job.what, &job.how))
        }
    }
}

fn of_tsnr(what: &TsnrWhat, how: &ExplainHow) -> Result<Explanation> {
    let session = what.limits.session(&how.talk)?;
    let request = TsnrRequest::of(what)?;
    if let Some(shard) = what.shard {
        return Ok(explain_tsnr_part(&request.runs, request.options(), shard, &session)?);
    }
    Ok(explain_tsnr(&request.runs, request.options(), &session)?)
}

fn of_reduce(what: &ReduceWhat, how: &ExplainHow) -> Result<Explanation> {
    let request = Request::of(what)?;
    let session = what.limits.session(&how.talk)?;
    let expression = Expression::of(&request)?;
    if let Some(shard) = what.shard {
        return reduce::explain(&request, &expression, shard, &session);
    }
    Ok(session.explain(&[&expression.array])?)
}

fn explain(
    how: &ExplainHow,
    is_sharded: bool,
    plan: impl FnOnce() -> Result<Explanation>,
) -> Result<Done> {
    // Any command can be explained by putting `explain` before it: its result, or folder of parts, stays a name.
    let file = how.output.as_deref().filter(|path| !is_sharded && !is_result(path));
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
