//! `voxstore reduce`

mod expression;
mod image;
mod record;
mod request;
mod shards;
mod table;

pub(crate) use expression::Expression;
pub(crate) use request::Request;
pub(super) use shards::{explain, merge};

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use voxstore::jobs::MemoryRecord;
use voxstore::nifti::NiftiOptions;
use voxstore::{Report, Session, peak_memory_bytes};

use self::image::Image;
use self::record::Record;
use self::request::{Form, Target};
use self::table::{Table, Values};
use crate::args::{AxisArg, LimitArgs, ReduceArgs, ReduceWhat, TalkArgs};
use crate::exit::Done;
use crate::{output, render};

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Values<'a>>,
    record: &'a Record,
}

pub(crate) fn run(args: &ReduceArgs) -> Result<Done> {
    let ReduceArgs { what, output, force, talk } = args;
    if let Some(shard) = what.shard {
        return shards::run(args, shard);
    }
    let place = Place { output: output.as_deref(), force: *force, limits: &what.limits, talk };
    make(what, &place, |_, _| Ok(()))
}

/// Where a result goes, and within which limits it is computed.
pub(super) struct Place<'a> {
    pub(super) output: Option<&'a Path>,
    pub(super) force: bool,
    pub(super) limits: &'a LimitArgs,
    pub(super) talk: &'a TalkArgs,
}

/// Computes what is asked for, writes it and tells of it. `change` may have it made of something else.
fn make(
    what: &ReduceWhat,
    args: &Place<'_>,
    change: impl FnOnce(&Request<'_>, &mut Expression) -> Result<()>,
) -> Result<Done> {
    let request = Request::of(what)?;
    let target = request.target(args.output)?;
    let mut builder = args.limits.builder(args.talk)?;
    if let Some(path) = target.paths().next() {
        output::require_folder(path)?;
        builder = builder.scratch(output::folder_of(path));
    }
    output::refuse_existing(target.paths(), args.force)?;
    let session = builder.build()?;
    let mut expression = Expression::of(&request)?;
    change(&request, &mut expression)?;
    if request.form == Form::Table {
        reduce_to_table(args, &request, &target, &expression, &session)
    } else {
        reduce_to_image(args, &request, &target, &expression, &session)
    }
}

fn reduce_to_image(
    args: &Place<'_>,
    request: &Request<'_>,
    target: &Target<'_>,
    expression: &Expression,
    session: &Session,
) -> Result<Done> {
    let Target::Beside(path, sidecar) = target else { return Ok(Done::All) };
    let name = request.op_name();
    let info = expression.runs[0].info();
    let image = Image {
        path,
        like: if request.reduces(AxisArg::T) { info.without_time() } else { info.clone() },
        options: NiftiOptions {
            description: format!("voxstore {} {name}", env!("CARGO_PKG_VERSION")),
            intent_name: name,
            overwrite: args.force,
            ..NiftiOptions::default()
        },
    };
    let report = image.write(&expression.array, session)?;
    let record = record_of(request, expression, &report, session);
    output::write_json(sidecar, &record, args.force)?;
    if args.talk.json {
        render::json(&Answer { map: Some(path), values: None, record: &record })?;
    } else if !args.talk.quiet {
        tell(&record, &report, session)?;
        render::line(&format!("map:    {}", path.display()))?;
        render::line(&format!("record: {}", sidecar.display()))?;
    }
    Ok(Done::All)
}

fn reduce_to_table(
    args: &Place<'_>,
    request: &Request<'_>,
    target: &Target<'_>,
    expression: &Expression,
    session: &Session,
) -> Result<Done> {
    let (numbers, report) = table::compute(&expression.array, session)?;
    let table = Table::new(request, numbers, &expression.whole_shape);
    let record = record_of(request, expression, &report, session);
    let answer = || Answer { map: None, values: Some(table.values()), record: &record };
    match target {
        Target::Beside(path, sidecar) => {
            output::write_text(path, &table.tsv(), args.force)?;
            output::write_json(sidecar, &record, args.force)?;
        }
        Target::Json(path) => output::write_json(path, &answer(), args.force)?,
        Target::Terminal => {}
    }
    if args.talk.json {
        render::json(&answer())?;
    } else if args.talk.quiet {
        if matches!(target, Target::Terminal) {
            render::line(&table.bare())?;
        }
    } else {
        render::line(&table.text(&expression.runs))?;
        tell(&record, &report, session)?;
        for (what, path) in ["result: ", "record: "].into_iter().zip(target.paths()) {
            render::line(&format!("{what}{}", path.display()))?;
        }
    }
    Ok(Done::All)
}

fn record_of(
    request: &Request<'_>,
    expression: &Expression,
    report: &Report,
    session: &Session,
) -> Record {
    let warnings = expression.warnings.iter().chain(&report.warnings).cloned().collect();
    let memory = MemoryRecord::new(session.memory_bytes(), report, peak_memory_bytes());
    Record::new(request, expression, warnings, memory)
}

fn tell(record: &Record, report: &Report, session: &Session) -> Result<()> {
    render::line(record.description())?;
    for warning in record.warnings() {
        render::say(&format!("warning: {warning}"));
    }
    render::memory(session.memory_bytes(), report, peak_memory_bytes())
}
