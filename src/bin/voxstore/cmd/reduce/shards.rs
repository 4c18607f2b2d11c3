//! A reduction by several processes: one of its parts, or the result of all of them.

use anyhow::Result;
use serde_json::json;
use voxstore::jobs::ShardedJob;
use voxstore::shard::{Parts, Shard};
use voxstore::{Explanation, LazyArray, Run, Session};

use super::{Expression, Place, Request, make};
use crate::args::{OpArg, ReduceArgs, ReduceWhat};
use crate::cmd::part;
use crate::exit::{Done, Misuse};

pub(super) fn run(args: &ReduceArgs, shard: Shard) -> Result<Done> {
    let ReduceArgs { what, output, force, talk } = args;
    let Some(folder) = output.as_deref() else {
        return Err(Misuse("--shard needs a folder for its part: -o FOLDER".to_owned()).into());
    };
    let place = part::Place { folder, force: *force, limits: &what.limits, talk };
    part::run(&place, shard, |how, session| {
        let request = Request::of(what)?;
        let expression = Expression::of(&request)?;
        let runs = all_runs(&expression);
        Ok(job(&request, &runs, &[&expression.array]).part(shard, folder, how, session)?)
    })
}

pub(in crate::cmd) fn explain(
    request: &Request<'_>,
    expression: &Expression,
    shard: Shard,
    session: &Session,
) -> Result<Explanation> {
    let runs = all_runs(expression);
    Ok(job(request, &runs, &[&expression.array]).explain(shard, session)?)
}

/// Makes of parts what the command without --shard makes of the runs.
pub(in crate::cmd) fn merge(what: &ReduceWhat, place: &Place<'_>, parts: &Parts) -> Result<Done> {
    make(what, place, |request, expression| {
        let runs = all_runs(expression);
        let mut merged = job(request, &runs, &[&expression.array]).merged(parts)?;
        expression.array = merged.remove(0);
        expression.warnings.extend(parts.warnings());
        Ok(())
    })
}

/// Runs, and the mask.
fn all_runs(expression: &Expression) -> Vec<Run> {
    expression.runs.iter().chain(&expression.mask).cloned().collect()
}

fn job<'a>(request: &Request<'_>, runs: &'a [Run], arrays: &'a [&'a LazyArray]) -> ShardedJob<'a> {
    let what = request.what;
    let definition = json!({
        "operation": request.op_name(),
        "axes": request.axis_names(),
        "ddof": what.ddof.unwrap_or(0),
        "q": what.q,
        "quantile_method": (what.op == OpArg::Quantile).then(|| request.method_name()),
        "edges": what.edges,
        "skip_nan": what.skip_nan,
        "masked": what.mask.is_some(),
        "data_type": arrays.first().map(|array| array.dtype().name()),
    });
    ShardedJob { kind: "reduce", definition, runs, arrays }
}
