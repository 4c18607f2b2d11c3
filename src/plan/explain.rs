//! What is there to tell of a plan? Its passes and its expression, as the plain data of a picture.
//!
//! The same expression, budget and threads give the same explanation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::cut::uniform;
use super::fit::{Blocks, Schedule};
use super::intern::Interner;
use super::pass::{Dest, Form, Pass};
use super::{Layout, Plan, PlanError, ResultMemory};
use crate::dtype::DType;
use crate::feed::{address, leaves_of};
use crate::grid::{element_count, shape_text};
use crate::kernel::ReduceOp;
use crate::lazy::{AxisView, LazyArray, MapOp, Node, Op, Scalar, View, block_shape_of};
use crate::picture::{
    ExplainNode, ExplainPass, ExplainSource, ExplainState, Explanation, NodeKind, Summary,
    chunks_svg,
};
use crate::runtime::Session;

impl Session {
    /// What computing these arrays together would do: the expression, the passes, what each reads and
    /// how often, running sums, workers, and the projected peak memory. Reads no voxel. The answer
    /// writes itself as text, JSON, DOT and SVG.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::{Session, from_ndarray};
    /// let x = from_ndarray(array![[1.0, 3.0], [2.0, 6.0]]);
    /// let plan = Session::default().explain(&[&(x.mean(-1) / x.std(-1))])?;
    /// assert_eq!(plan.passes.len(), 1); // mean and std share one scan
    /// assert!(plan.svg().starts_with("<svg"));
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`compute`](Session::compute) would before it reads anything.
    pub fn explain(&self, arrays: &[&LazyArray]) -> Result<Explanation, PlanError> {
        self.explained(arrays, ResultMemory::Counted)
    }

    fn explained(
        &self,
        arrays: &[&LazyArray],
        memory: ResultMemory,
    ) -> Result<Explanation, PlanError> {
        let outputs: Vec<_> = arrays.iter().map(|&a| (a, a.dtype())).collect();
        let plan = Plan::new(&outputs, &Layout::of(memory), self)?;
        Ok(plan.explanation(arrays, self))
    }
}

impl LazyArray {
    /// [`Session::explain`] of this array alone, under the default session.
    ///
    /// ```
    /// let x = voxstore::full(&[64, 64, 30, 184], 1.0);
    /// let demeaned = &x - x.mean(-1).expand_dims(-1);
    /// println!("{}", demeaned.explain()?); // passes, memory, the expression
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub fn explain(&self) -> Result<Explanation, PlanError> {
        Session::default().explain(&[self])
    }
}

impl LazyArray {
    /// What writing this array to a file would do, under the default session: as
    /// [`explain`](Self::explain), but the result is never whole in memory. What the file's format takes
    /// for a box is added when it is written.
    ///
    /// ```
    /// let large = voxstore::full(&[256, 256, 128, 1000], 1.0).square(); // 62 GiB
    /// assert!(large.explain().is_err());
    /// assert!(large.explain_write()?.summary.peak_bytes < 64 << 20);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Session::explain`].
    pub fn explain_write(&self) -> Result<Explanation, PlanError> {
        Session::default().explained(&[self], ResultMemory::Sink)
    }

    /// A picture of the array and the blocks it comes in, as self-contained SVG: what dask shows of an
    /// array in a notebook.
    ///
    /// ```
    /// let x = voxstore::full(&[64, 64, 30, 184], 0_i16).rechunk(&[64, 64, 10, 16]);
    /// assert!(x.blocks_svg().starts_with("<svg"));
    /// ```
    pub fn blocks_svg(&self) -> String {
        chunks_svg(self.shape(), &self.block_shape(), self.dtype().name(), self.nbytes())
    }
}

impl Plan {
    /// The plan, and the expressions it computes, as plain data.
    fn explanation(&self, arrays: &[&LazyArray], session: &Session) -> Explanation {
        let passes =
            self.passes.iter().enumerate().map(|(k, (pass, s))| self.pass(k, pass, s)).collect();
        let summary = Summary {
            peak_bytes: self.projected_bytes(),
            budget_bytes: self.budget_bytes,
            fixed_bytes: self.beside_bytes,
            result_bytes: self.result_bytes,
            held_bytes: self.held_bytes,
            read_bytes: self.read_bytes(),
            threads: session.threads(),
            rewrites: self.rewrites(),
        };
        Explanation { summary, nodes: Nodes::of(self, arrays), passes }
    }

    fn pass(&self, index: usize, pass: &Pass, schedule: &Schedule) -> ExplainPass {
        let beside = self.beside_bytes + self.result_bytes + self.held_bytes;
        ExplainPass {
            number: index + 1,
            strategy: strategy(pass, schedule),
            workers: schedule.workers,
            worker_bytes: schedule.sizes.total(),
            state_bytes: schedule.shared_bytes,
            peak_bytes: beside.saturating_add(schedule.total_bytes()),
            read_bytes: pass.read_bytes(),
            sources: sources(pass, schedule),
            states: states(pass),
            outputs: pass
                .dests()
                .map(|(dest, ..)| match dest {
                    Dest::Result(index) => format!("result {}", index + 1),
                    Dest::Held(_) => "held".to_owned(),
                })
                .collect(),
        }
    }

    /// What the planner did with the expression.
    fn rewrites(&self) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for (pass, schedule) in &self.passes {
            let runs = pass.reductions.iter().map(|r| r.sums.len()).max().unwrap_or(0);
            if runs > 1 {
                said.push(format!("reductions go through the join: {runs} pieces summed alone"));
            }
            for state in states(pass).into_iter().filter(|state| state.shared_by.len() > 1) {
                said.push(format!("{} share one set of sums", state.shared_by.join(", ")));
            }
            if pass.sums.iter().any(|sum| sum.slope != 1.0 || sum.inter != 0.0) {
                said.push("slope and intercept are applied to finished sums".to_owned());
            }
            let mut loads = pass.feeds().flat_map(|f| &f.branches).flat_map(|b| &b.loads);
            if loads.any(|load| !load.view.is_in_order()) {
                said.push("views fold into what is read".to_owned());
            }
            if pass.form == Form::Mixed {
                said.push("results of different kinds share one scan".to_owned());
            }
            if schedule.keep {
                said.push("tiles are kept from the sums to what is made of them".to_owned());
            }
        }
        let mut once = Vec::new();
        for phrase in said {
            if !once.contains(&phrase) {
                once.push(phrase);
            }
        }
        once
    }
}

fn strategy(pass: &Pass, schedule: &Schedule) -> String {
    let ahead = if schedule.read_ahead { ", read ahead" } else { "" };
    match &schedule.blocks {
        Blocks::Tiles(tiles) => {
            let tile = shape_text(&tiles.largest());
            let kept = if schedule.keep { ", kept for two phases" } else { "" };
            let plural = if tiles.len() == 1 { "" } else { "s" };
            format!("{} tile{plural} of {tile}{kept}", tiles.len())
        }
        Blocks::Parts(_) if pass.is_sequential() => format!("streams, one unit a file{ahead}"),
        Blocks::Parts(_) => "front to back, one unit a source".to_owned(),
    }
}

fn sources(pass: &Pass, schedule: &Schedule) -> Vec<ExplainSource> {
    let mut listed: Vec<(usize, ExplainSource)> = Vec::new();
    for feed in pass.feeds() {
        let phases = feed.branches.iter().map(|branch| branch.phase).max().unwrap_or(0) as u64 + 1;
        let reads = if schedule.keep { 1 } else { phases };
        for (index, window) in feed.windows.iter().enumerate() {
            let source = &window.source;
            let bytes = feed.window_bytes(index);
            match listed.iter_mut().find(|(known, _)| *known == address(source)) {
                Some((_, entry)) => entry.read_bytes = entry.read_bytes.saturating_add(bytes),
                None => listed.push((
                    address(source),
                    ExplainSource {
                        name: source.name().to_owned(),
                        dtype: source.dtype().to_string(),
                        shape: source.shape().to_vec(),
                        transport: source.transport().to_owned(),
                        stored_bytes: source.stored_bytes(),
                        read_bytes: bytes,
                        reads,
                    },
                )),
            }
        }
    }
    listed
        .into_iter()
        .map(|(_, mut entry)| {
            // More than all of it means more than one trip; what is in memory can be looked at again.
            let elements = element_count(&entry.shape).unwrap_or(u64::MAX);
            let size = DType::from_name(&entry.dtype).map_or(8, |dtype| dtype.size() as u64);
            let all = elements.saturating_mul(size);
            if entry.stored_bytes > 0 {
                entry.reads = entry.reads.max(entry.read_bytes.div_ceil(all.max(1)));
            }
            entry
        })
        .collect()
}

fn states(pass: &Pass) -> Vec<ExplainState> {
    let mut listed: Vec<ExplainState> = Vec::new();
    for (index, sum) in pass.sums.iter().enumerate() {
        let users: Vec<String> = pass
            .reductions
            .iter()
            .filter(|reduction| reduction.sums.contains(&index))
            .map(|reduction| reduction_name(&reduction.op))
            .collect();
        let axes: Vec<String> = sum.reduced.iter().map(usize::to_string).collect();
        let text = format!("{} over axis {}", sum.kind.text(), axes.join(", "));
        if let Some(state) = listed.iter_mut().find(|state| state.text == text) {
            // Runs have sums of their own; what is told of one is told of all.
            let new = users.into_iter().filter(|user| !state.shared_by.contains(user));
            let new: Vec<String> = new.collect();
            state.shared_by.extend(new);
        } else {
            let bytes_per_cell = sum.kind.cell_bytes();
            listed.push(ExplainState { text, bytes_per_cell, shared_by: users });
        }
    }
    listed
}

fn reduction_name(op: &ReduceOp) -> String {
    match op {
        ReduceOp::Var { ddof } | ReduceOp::Std { ddof } if *ddof > 0 => {
            format!("{} ddof {ddof}", op.name())
        }
        ReduceOp::Quantile { q } => format!("quantile {q}"),
        _ => op.name().to_owned(),
    }
}

/// The expression, each node once.
struct Nodes<'p> {
    plan: &'p Plan,
    list: Vec<ExplainNode>,
    ids: HashMap<usize, usize>,
}

impl<'p> Nodes<'p> {
    fn of(plan: &'p Plan, arrays: &[&LazyArray]) -> Vec<ExplainNode> {
        let mut interner = Interner::default();
        let roots: Vec<Arc<Node>> =
            arrays.iter().map(|array| interner.canonical(array.node())).collect();
        let mut nodes = Self { plan, list: Vec::new(), ids: HashMap::new() };
        for (index, root) in roots.iter().enumerate() {
            let of = nodes.add(root);
            let pass = nodes.plan.passes.iter().position(|(pass, _)| {
                pass.dests().any(|(dest, ..)| matches!(dest, Dest::Result(r) if *r == index))
            });
            let label = format!("result {}", index + 1);
            let pass = pass.map(|pass| pass + 1);
            nodes.push(root, NodeKind::Result, label, String::new(), vec![of], pass);
        }
        nodes.list
    }

    fn push(
        &mut self,
        node: &Node,
        kind: NodeKind,
        label: String,
        detail: String,
        inputs: Vec<usize>,
        pass: Option<usize>,
    ) -> usize {
        let id = self.list.len();
        let elements = element_count(&node.shape).unwrap_or(u64::MAX);
        let (block, stored_bytes) = match &node.op {
            Op::Leaf { source, .. } if source.stored_bytes() > 0 => {
                (Some(block_shape_of(node)), Some(source.stored_bytes()))
            }
            _ => (None, None),
        };
        self.list.push(ExplainNode {
            id,
            kind,
            label,
            dtype: node.dtype.to_string(),
            shape: node.shape.clone(),
            block,
            bytes: elements.saturating_mul(node.dtype.size() as u64),
            stored_bytes,
            detail,
            inputs,
            pass,
        });
        id
    }

    fn add(&mut self, node: &Arc<Node>) -> usize {
        let key = Arc::as_ptr(node).addr();
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let shown = |child: &&Arc<Node>| !matches!(child.op, Op::Scalar(_));
        let inputs: Vec<usize> =
            node.children().into_iter().filter(shown).map(|child| self.add(child)).collect();
        let (kind, label, detail) = describe(node);
        // What several passes stream through is made by none of them.
        let streams = self.plan.passes.len() > 1 && !has_reduction(node);
        let pass = if kind == NodeKind::Source || streams { None } else { self.pass_of(node) };
        let id = self.push(node, kind, label, detail, inputs, pass);
        self.ids.insert(key, id);
        id
    }

    /// The pass that makes a node: that of its stage which reads what the node is made of.
    fn pass_of(&self, node: &Arc<Node>) -> Option<usize> {
        let stage = stage_of(node);
        let sources: Vec<usize> =
            leaves_of(node).iter().map(|leaf| address(&leaf.source)).collect();
        let reads = |pass: &Pass| {
            pass.feeds()
                .flat_map(super::super::feed::Feed::sources)
                .any(|s| sources.contains(&address(s)))
        };
        let holds = |pass: &Pass, schedule: &Schedule| {
            pass.depth == stage || (schedule.keep && pass.depth + 1 == stage)
        };
        let mut of_stage =
            self.plan.passes.iter().enumerate().filter(|(_, (pass, s))| holds(pass, s));
        let first = of_stage.clone().next();
        let found = of_stage.find(|(_, (pass, _))| reads(pass)).or(first);
        found.map(|(index, _)| index + 1)
    }
}

/// Passes that must come before a node's own.
fn stage_of(node: &Arc<Node>) -> usize {
    fn visit(node: &Arc<Node>, known: &mut HashMap<usize, usize>) -> usize {
        let key = Arc::as_ptr(node).addr();
        if let Some(stage) = known.get(&key) {
            return *stage;
        }
        let below = |known: &mut HashMap<usize, usize>| {
            node.children().into_iter().map(|child| visit(child, known)).max().unwrap_or(0)
        };
        let stage = match &node.op {
            Op::Reduce(_) => {
                let has = node.children().into_iter().any(has_reduction);
                below(known) + usize::from(has && uniform_child(node))
            }
            _ if uniform(node).is_some() => below(known),
            _ => below(known) + usize::from(node.children().into_iter().any(is_fold)),
        };
        known.insert(key, stage);
        stage
    }
    visit(node, &mut HashMap::new())
}

/// True where an input is made by a fold of its own.
fn uniform_child(node: &Node) -> bool {
    node.children().into_iter().any(is_fold)
}

fn is_fold(node: &Arc<Node>) -> bool {
    uniform(node).is_some()
        || matches!(&node.op, Op::View { input, .. } if uniform(input).is_some())
}

fn has_reduction(node: &Arc<Node>) -> bool {
    fn visit(node: &Arc<Node>, seen: &mut HashSet<usize>) -> bool {
        seen.insert(Arc::as_ptr(node).addr())
            && (matches!(node.op, Op::Reduce(_))
                || node.children().into_iter().any(|child| visit(child, seen)))
    }
    visit(node, &mut HashSet::new())
}

fn describe(node: &Node) -> (NodeKind, String, String) {
    match &node.op {
        Op::Leaf { source, view } => {
            let seen = if view.is_whole(source.shape()) {
                String::new()
            } else {
                format!(", {} of {}", shape_text(view.shape()), shape_text(source.shape()))
            };
            let detail = format!("{}{seen}", source.transport());
            (NodeKind::Source, source.name().to_owned(), detail)
        }
        Op::Map { op, inputs } => {
            let (label, detail) = describe_map(op, inputs, node);
            (NodeKind::Elementwise, label, detail)
        }
        Op::Concat { inputs, axis } => {
            (NodeKind::Structure, format!("join {} along axis {axis}", inputs.len()), String::new())
        }
        Op::View { view, input } => {
            (NodeKind::Structure, view_name(view, &input.shape), String::new())
        }
        Op::Reduce(reduce) => {
            let axes: Vec<String> = reduce.axes.iter().map(usize::to_string).collect();
            let plural = if axes.len() == 1 { "axis" } else { "axes" };
            let mut detail = Vec::new();
            if reduce.mask.is_some() {
                detail.push("masked".to_owned());
            }
            if let Some(groups) = &reduce.groups {
                detail.push(format!("{} groups", groups.count));
            }
            let label = format!("{} over {plural} {}", reduction_name(&reduce.op), axes.join(", "));
            (NodeKind::Reduction, label, detail.join(", "))
        }
        Op::Custom { function, .. } => {
            (NodeKind::Structure, function.name.to_string(), "computed by block".to_owned())
        }
        Op::Scalar(value) => (NodeKind::Source, scalar_text(*value), String::new()),
        Op::Invalid(error) => (NodeKind::Source, error.to_string(), String::new()),
    }
}

fn describe_map(op: &MapOp, inputs: &[Arc<Node>], node: &Node) -> (String, String) {
    match op {
        MapOp::Unary(op) => (op.name().to_owned(), String::new()),
        MapOp::Binary(op) => {
            let number = inputs.iter().find_map(|input| match input.op {
                Op::Scalar(value) => Some(scalar_text(value)),
                _ => None,
            });
            let label =
                number.map_or_else(|| op.name().to_owned(), |n| format!("{} {n}", op.name()));
            (label, String::new())
        }
        MapOp::Where => ("where".to_owned(), String::new()),
        MapOp::Rescale { slope, inter } => ("rescale".to_owned(), format!("*{slope} +{inter}")),
        MapOp::Cast(_) => (format!("astype {}", node.dtype), String::new()),
    }
}

fn scalar_text(value: Scalar) -> String {
    match value {
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Float(value) => format!("{value:?}"),
    }
}

/// A view in one word.
fn view_name(view: &View, input: &[u64]) -> String {
    let repeated = (0..view.shape().len())
        .any(|axis| view.driven_by(axis).is_none() && view.shape()[axis] > 1);
    let kept: Vec<usize> = view
        .axes()
        .iter()
        .filter_map(|driver| match driver {
            AxisView::Run { axis, .. } | AxisView::Pick { axis, .. } => Some(*axis),
            AxisView::At(_) => None,
        })
        .collect();
    let elements = |shape: &[u64]| shape.iter().product::<u64>();
    if repeated {
        "broadcast"
    } else if !kept.is_sorted() {
        "transpose"
    } else if elements(view.shape()) == elements(input) && view.shape().len() != input.len() {
        "axes of length 1"
    } else {
        "slice"
    }
    .to_owned()
}
