//! What is written beside the result of a reduction, or with it.

use serde::Serialize;
use serde_json::{Value, json};
use voxstore::jobs::{MemoryRecord, RunRecord};

use super::expression::Expression;
use super::request::{Form, Request};

/// How a result came about; the schema is in `docs/numerics.md`.
#[derive(Serialize)]
pub(crate) struct Record {
    description: String,
    definition: Definition,
    result: Outcome,
    inputs: Vec<RunRecord>,
    warnings: Vec<String>,
    memory: MemoryRecord,
    tool: &'static str,
}

#[derive(Serialize)]
struct Definition {
    operation: String,
    axes: Vec<&'static str>,
    across_runs: &'static str,
    scaling: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ddof: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantile_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<f64>>,
    skip_nan: bool,
    mask: Option<RunRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outside_mask: Option<&'static str>,
}

#[derive(Serialize)]
struct Outcome {
    axes: Vec<&'static str>,
    shape: Vec<u64>,
    data_type: &'static str,
}

impl Record {
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn new(
        request: &Request<'_>,
        expression: &Expression,
        warnings: Vec<String>,
        memory: MemoryRecord,
    ) -> Self {
        use crate::args::OpArg::{Quantile, Std, Var};
        let what = request.what;
        let runs = &expression.runs;
        let mask = expression.mask.as_ref().map(RunRecord::of);
        let outside = if request.form == Form::Map { "0" } else { "left out" };
        Self {
            description: format!(
                "{} over {} of {} run(s)",
                request.op_name(),
                request.axis_names().join(","),
                runs.len()
            ),
            definition: Definition {
                operation: request.op_name(),
                axes: request.axis_names(),
                across_runs: "concatenated",
                scaling: "stored * slope + inter, per run, in float64",
                ddof: matches!(what.op, Var | Std).then_some(what.ddof.unwrap_or(0)),
                q: match what.q[..] {
                    [] => None,
                    [q] => Some(json!(q)),
                    _ => Some(json!(what.q)),
                },
                quantile_method: (what.op == Quantile).then(|| request.method_name()),
                edges: what.edges.clone(),
                skip_nan: what.skip_nan,
                outside_mask: mask.is_some().then_some(outside),
                mask,
            },
            result: Outcome {
                axes: request.result_axes(),
                shape: expression.array.shape().to_vec(),
                data_type: expression.array.dtype().name(),
            },
            inputs: runs.iter().map(RunRecord::of).collect(),
            warnings,
            memory,
            tool: concat!("voxstore ", env!("CARGO_PKG_VERSION")),
        }
    }
}
