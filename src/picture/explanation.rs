//! What is there to tell of a plan?
//!
//! Plain data, filled by whoever made the plan. Sizes are bytes, shapes are in axis order. How it is
//! drawn is for the files beside it.

use std::fmt;

use serde::Serialize;

use super::{dot, plan_svg, text};

/// Version of the JSON that [`Explanation::json`] writes. It grows when a field changes its meaning
/// or goes away, not when one is added.
const EXPLAIN_VERSION: u32 = 1;

/// A plan as plain data: what it costs, the expression, and the passes that compute it.
///
/// The same expression, sources, budget and threads give the same explanation, and so the same
/// [`text`](Self::text), [`json`](Self::json), [`dot`](Self::dot) and [`svg`](Self::svg). In pictures
/// and text, branches that are alike are drawn a few times and then counted: 500 runs look like 5.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// What the whole computation costs.
    pub summary: Summary,
    /// The expression: every node once, after all its inputs.
    pub nodes: Vec<ExplainNode>,
    /// The passes, in the order they run.
    pub passes: Vec<ExplainPass>,
}

/// What a computation costs. The budget holds `peak_bytes`, which is the sum of `fixed_bytes`,
/// `result_bytes`, `held_bytes` and what the workers of the largest pass need.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The most memory the process will use.
    pub peak_bytes: u64,
    /// The most memory it may use.
    pub budget_bytes: u64,
    /// What the process and the caller hold beside the plan.
    pub fixed_bytes: u64,
    /// Results, held from start to end; 0 where the caller brought the memory.
    pub result_bytes: u64,
    /// Results of one pass that a later one reads.
    pub held_bytes: u64,
    /// Results of one pass that wait in a scratch file until a later one reads them.
    pub spilled_bytes: u64,
    /// Bytes of elements that all passes read, decoded.
    pub read_bytes: u64,
    /// How often the source that is read most is read.
    pub scans: usize,
    /// Threads of the session.
    pub threads: usize,
    /// What the planner made of the expression to save reading and memory, a short phrase each.
    pub rewrites: Vec<String>,
}

/// What a node of the expression does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NodeKind {
    /// Stored or generated numbers.
    Source,
    /// Each element from the elements at its place.
    Elementwise,
    /// Many elements to one.
    Reduction,
    /// The same elements in other places.
    Structure,
    /// An array that is asked for.
    Result,
}

/// A node of the expression.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExplainNode {
    /// Its position in [`Explanation::nodes`].
    pub id: usize,
    /// What it does.
    pub kind: NodeKind,
    /// What it does in words ("mean over axis 3", "divide"), or the name of a source. Branches are
    /// alike when their labels are, sources aside; what differs from run to run belongs to `detail`.
    pub label: String,
    /// Type of its elements.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// Shape of the blocks it comes in, where it comes in blocks.
    pub block: Option<Vec<u64>>,
    /// Bytes of its elements.
    pub bytes: u64,
    /// Bytes in storage, of a source.
    pub stored_bytes: Option<u64>,
    /// What else there is to know ("ddof 1", "gzip stream"); may be empty.
    pub detail: String,
    /// Nodes it is made of, in the order of its arguments.
    pub inputs: Vec<usize>,
    /// [`ExplainPass::number`] of the pass that makes it; of a source, none.
    pub pass: Option<usize>,
}

/// One trip over some sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExplainPass {
    /// From 1, in the order of running.
    pub number: usize,
    /// How the work is cut ("480 tiles of (64, 64, 8)", "streams, one unit a file").
    pub strategy: String,
    /// Threads at work.
    pub workers: usize,
    /// Bytes that one worker holds.
    pub worker_bytes: u64,
    /// Bytes of running sums that workers share.
    pub state_bytes: u64,
    /// The most memory the process uses while the pass runs.
    pub peak_bytes: u64,
    /// Bytes of elements the pass reads, decoded.
    pub read_bytes: u64,
    /// What it reads.
    pub sources: Vec<ExplainSource>,
    /// The running sums it keeps.
    pub states: Vec<ExplainState>,
    /// Labels of what it makes ("result 1", "held").
    pub outputs: Vec<String>,
}

/// A source as one pass reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExplainSource {
    /// Its name.
    pub name: String,
    /// Type of its elements.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// How its bytes arrive ("gzip stream", "chunks").
    pub transport: String,
    /// Bytes in storage.
    pub stored_bytes: u64,
    /// Bytes of elements read, decoded.
    pub read_bytes: u64,
    /// How often each of its blocks is read.
    pub reads: u64,
}

/// Running sums of a pass.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExplainState {
    /// What is kept ("exact sums over axis 3").
    pub text: String,
    /// Bytes for one cell of the result.
    pub bytes_per_cell: u64,
    /// Labels of the reductions that are finished from it.
    pub shared_by: Vec<String>,
}

impl Summary {
    /// What the workers of the largest pass and their running sums need.
    pub fn working_bytes(&self) -> u64 {
        let beside = [self.fixed_bytes, self.result_bytes, self.held_bytes];
        beside.iter().fold(self.peak_bytes, |left, &part| left.saturating_sub(part))
    }
}

impl Explanation {
    /// The plan for a terminal of 100 columns: what it costs, then the passes, then the expression.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// The plan as JSON, with nothing folded: `explain_version`, then the fields of this type under
    /// their own names.
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            explain_version: u32,
            #[serde(flatten)]
            explanation: &'a Explanation,
        }
        let versioned = Versioned { explain_version: EXPLAIN_VERSION, explanation: self };
        // Writing to memory fails for maps with keys that are no strings; there are no maps here.
        serde_json::to_string_pretty(&versioned).unwrap_or_default()
    }

    /// The expression for Graphviz, with a cluster a pass.
    pub fn dot(&self) -> String {
        dot::dot(self)
    }

    /// The plan as a picture: an SVG document that needs no script, style sheet, font or network.
    ///
    /// Sources stand at the left, results at the right, and each pass is a band between them with
    /// its memory, its reads and its running sums. The bar at the top is the budget.
    pub fn svg(&self) -> String {
        plan_svg::svg(self)
    }
}

/// [`Explanation::text`].
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use crate::picture::testing;

    #[test]
    fn json_has_a_version_and_every_node_whatever_is_folded_elsewhere() {
        let explanation = testing::tsnr(500);
        let json: serde_json::Value = serde_json::from_str(&explanation.json()).unwrap();
        assert_eq!(json["explain_version"], 1);
        assert_eq!(json["nodes"].as_array().unwrap().len(), explanation.nodes.len());
        assert_eq!(json["nodes"][0]["kind"], "source");
        assert_eq!(json["summary"]["peak_bytes"], explanation.summary.peak_bytes);
        assert_eq!(json["passes"][0]["sources"].as_array().unwrap().len(), 500);
    }

    #[test]
    fn the_same_explanation_gives_the_same_bytes() {
        let (one, two) = (testing::z_score(7), testing::z_score(7));
        assert_eq!(one.text(), two.text());
        assert_eq!(one.json(), two.json());
        assert_eq!(one.dot(), two.dot());
        assert_eq!(one.svg(), two.svg());
    }
}
