//! How does a pass come together, and which reductions share their sums?
//!
//! Reductions go through concatenations (each run is summed alone), slopes and intercepts go past
//! the sums, and all reductions of the same elements over the same axes keep the smallest set of
//! sums between them: mean, std, var and tSNR are one, whoever asks.

use std::sync::Arc;

use super::cut::Task;
use super::intern::Interner;
use super::pass::{Emit, EmitPiece, FoldOver, Form, Made, Output, Part, Pass, Reduction, Sum};
use super::pieces::pieces;
use super::scaling::past_scaling;
use crate::dtype::DType;
use crate::feed::{Expressions, FeedBuilder, Phase, Placed, Want, gather};
use crate::grid::Region;
use crate::kernel::{Groups, ReduceOp, Span, StateKind};
use crate::lazy::{ByNode, Labels, Node, Op, Reduce};

/// A pass being put together.
pub(super) struct Draft {
    form: Form,
    depth: usize,
    shape: Vec<u64>,
    walk: usize,
    /// No want may lag behind another, as boxes are made in any order.
    without_lag: bool,
    /// Elements that flow by, each for a box of the pass.
    wants: Vec<(Region, Want)>,
    sums: Vec<DraftSum>,
    reductions: Vec<Reduction>,
    /// Numbers of reductions.
    known: ByNode<usize>,
    outputs: Vec<DraftOutput>,
    emits: Vec<(Emit, Vec<DraftPiece>)>,
    /// Pieces that compute the same are one node.
    interner: Interner,
}

/// A sum that has no place in a part yet.
struct DraftSum {
    /// What is summed, and what says which of it counts.
    want: usize,
    kind: StateKind,
    reduced: Vec<usize>,
    groups: Option<Groups>,
    cells: Region,
    count: u64,
    slope: f64,
    inter: f64,
    span: Span,
    is_kept: bool,
}

impl DraftSum {
    /// True where both keep the same of elements that are the same.
    fn keeps_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && (&self.cells, &self.reduced, &self.groups)
                == (&other.cells, &other.reduced, &other.groups)
            && (self.slope, self.inter) == (other.slope, other.inter)
            && (self.span == other.span || !self.kind.depends_on_span())
    }

    fn placed(self, at: Placed) -> Sum {
        let Placed { feed: part, branch, output, mask } = at;
        let Self { kind, reduced, groups, cells, count, slope, inter, span, is_kept, .. } = self;
        Sum {
            part,
            branch,
            output,
            mask,
            kind,
            reduced,
            groups,
            cells,
            count,
            slope,
            inter,
            span,
            is_kept,
        }
    }
}

/// Results that are made together.
struct DraftOutput {
    shape: Vec<u64>,
    expressions: Expressions,
    inputs: Vec<usize>,
    results: Vec<Made>,
}

/// So many results, at most, are made together: a box of each is in memory.
const MOST_TOGETHER: usize = 16;

struct DraftPiece {
    want: usize,
    start: Vec<u64>,
}

impl Draft {
    /// An empty pass. `streams` where some of its sources can only be read from front to back.
    pub(super) fn new(
        form: Form,
        depth: usize,
        shape: Vec<u64>,
        walk: usize,
        streams: bool,
    ) -> Self {
        Self {
            without_lag: form == Form::Map && !streams,
            form,
            depth,
            shape,
            walk,
            wants: Vec::new(),
            sums: Vec::new(),
            reductions: Vec::new(),
            known: ByNode::default(),
            outputs: Vec::new(),
            emits: Vec::new(),
            interner: Interner::default(),
        }
    }

    pub(super) fn add(&mut self, task: &Task) {
        match &task.fold {
            Some(_) => self.fold(task),
            None => self.map(task, Phase::Samples, Region::clone),
        }
    }

    /// Adds a map that is made tile by tile when the folds of the tile are done.
    pub(super) fn add_after_sums(&mut self, task: &Task) {
        let Form::Fold(FoldOver { axes, .. }) = self.form.clone() else { return };
        self.map(task, Phase::AfterSums, |region| cells_of(region, &axes, None));
    }

    fn map(&mut self, task: &Task, phase: Phase, place: impl Fn(&Region) -> Region) {
        let mut made = Vec::new();
        for (region, nodes) in pieces(&[&task.root]) {
            let node = self.interner.canonical(&nodes[0]);
            if region.is_empty() {
                continue;
            }
            let want = Want { node, dtype: task.dtype, mask: None, phase };
            let want = self.want(want, place(&region));
            made.push(DraftPiece { want, start: region.start().to_vec() });
        }
        let (shape, dtype, dest) = (task.root.shape.clone(), task.dtype, task.dest.clone());
        self.emits.push((Emit { shape, dtype, pieces: Vec::new(), dest }, made));
    }

    fn fold(&mut self, task: &Task) {
        let mut made = self.output_for(&task.root.shape);
        let DraftOutput { expressions, inputs, .. } = &mut made;
        let output = expressions.output(&task.root, task.dtype, &mut |node| {
            let Op::Reduce(reduce) = &node.op else { return None };
            let index = self.reduction(node, reduce);
            let input = inputs.iter().position(|&i| i == index).unwrap_or_else(|| {
                inputs.push(index);
                inputs.len() - 1
            });
            // Finished reductions come as 64-bit numbers.
            let wide = match node.dtype {
                float if float.is_float() => DType::F64,
                DType::U64 => DType::U64,
                _ => DType::I64,
            };
            Some((input, wide))
        });
        made.results.push(Made { output, dtype: task.dtype, dest: task.dest.clone() });
        self.outputs.push(made);
    }

    /// The output to which the next result of this shape belongs: the last one, where it is of the same shape and has
    /// room.
    fn output_for(&mut self, shape: &[u64]) -> DraftOutput {
        let fits =
            |last: &mut DraftOutput| last.shape == shape && last.results.len() < MOST_TOGETHER;
        self.outputs.pop_if(fits).unwrap_or_else(|| DraftOutput {
            shape: shape.to_vec(),
            expressions: Expressions::default(),
            inputs: Vec::new(),
            results: Vec::new(),
        })
    }

    fn reduction(&mut self, node: &Arc<Node>, reduce: &Reduce) -> usize {
        if let Some(known) = self.known.get(node) {
            return known;
        }
        let both = reduce.inputs();
        let whole: Vec<u64> = reduce.axes.iter().map(|&axis| reduce.input.shape[axis]).collect();
        let mut sums = Vec::new();
        for (region, nodes) in pieces(&both) {
            if !region.is_empty() {
                let nodes: Vec<Arc<Node>> =
                    nodes.iter().map(|node| self.interner.canonical(node)).collect();
                sums.push(self.sum(reduce, &region, &nodes, &whole));
            }
        }
        let made = Reduction { op: reduce.op.clone(), sums, dtype: node.dtype };
        self.reductions.push(made);
        self.known.insert(node, self.reductions.len() - 1);
        self.reductions.len() - 1
    }

    /// The sum for one piece of a reduction's input: an old one where the same elements are summed for
    /// the same cells already.
    fn sum(
        &mut self,
        reduce: &Reduce,
        region: &Region,
        nodes: &[Arc<Node>],
        whole: &[u64],
    ) -> usize {
        let (elements, slope, inter) = summed_elements(&reduce.op, &nodes[0]);
        // What was summed elsewhere is read in the place of the elements.
        let kept = match &nodes[0].op {
            Op::Kept(kept) => Some(kept),
            _ => None,
        };
        let (mask, axes) = (nodes.get(1).cloned(), &reduce.axes);
        let groups = reduce.groups.as_ref().map(|labels| groups_of(labels, axes[0], region));
        let of_axes = |list: &[u64]| axes.iter().map(|&axis| list[axis]).collect::<Vec<u64>>();
        let span = Span {
            start: of_axes(region.start()),
            shape: of_axes(region.shape()),
            whole: whole.to_vec(),
        };
        let count = span.shape.iter().product();
        let first = span.start.first().copied().unwrap_or(0);
        let counted = mask.is_some() || groups.is_some();
        let dtype = summed_as(&elements);
        let op = kept.map_or(&reduce.op, |kept| &kept.state);
        let made = DraftSum {
            want: 0,
            kind: StateKind::for_reduction(op, dtype, count, counted, first),
            // A grouped axis stays, as the axis of its groups.
            reduced: if groups.is_some() { Vec::new() } else { axes.clone() },
            cells: cells_of(region, axes, reduce.groups.as_ref()),
            groups,
            count,
            slope,
            inter,
            span,
            is_kept: kept.is_some(),
        };
        // Nodes that compute the same are one node.
        let wants_same = |known: &DraftSum| {
            let (_, want) = &self.wants[known.want];
            let masks = [&want.mask, &mask].map(|mask| mask.as_ref().map(|mask| mask.address()));
            Arc::ptr_eq(&want.node, &elements) && masks[0] == masks[1]
        };
        let same = |known: &DraftSum| wants_same(known) && known.keeps_same(&made);
        if let Some(old) = self.sums.iter().position(same) {
            return old;
        }
        let want = Want { node: elements, dtype, mask, phase: Phase::Samples };
        let want = self.want(want, made.cells.clone());
        self.sums.push(DraftSum { want, ..made });
        self.sums.len() - 1
    }

    /// Elements that are to flow by; gives their number.
    fn want(&mut self, want: Want, place: Region) -> usize {
        // Trips of a mixed pass are made whole.
        let place = if self.form == Form::Mixed { Region::whole(&[]) } else { place };
        self.wants.push((place, want));
        self.wants.len() - 1
    }

    /// The pass.
    pub(super) fn build(self) -> Pass {
        let empty = FeedBuilder::new(self.walk, self.form == Form::Mixed);
        let empty = if self.without_lag { empty.without_lag() } else { empty };
        let (feeds, placed) = gather(&self.wants, &empty);
        let parts = feeds.into_iter().map(|(extent, feed)| Part { feed, extent }).collect();
        let sums = self
            .sums
            .into_iter()
            .map(|sum| {
                let at = placed[sum.want];
                sum.placed(at)
            })
            .collect();
        let emits = self
            .emits
            .into_iter()
            .map(|(emit, drafts)| {
                let pieces = drafts
                    .into_iter()
                    .map(|draft| {
                        let Placed { feed: part, branch, output, .. } = placed[draft.want];
                        EmitPiece { part, branch, output, start: draft.start }
                    })
                    .collect();
                Emit { pieces, ..emit }
            })
            .collect();
        let outputs = self.outputs.into_iter().map(|made| {
            let DraftOutput { shape, expressions, inputs, results } = made;
            Output { shape, program: expressions.build_always(), inputs, results }
        });
        let (form, depth, shape) = (self.form, self.depth, self.shape);
        Pass {
            form,
            depth,
            shape,
            parts,
            sums,
            reductions: self.reductions,
            outputs: outputs.collect(),
            emits,
        }
    }
}

/// What is summed of an expression, and the slope and intercept of what comes out.
pub(super) fn summed_elements(op: &ReduceOp, node: &Arc<Node>) -> (Arc<Node>, f64, f64) {
    match &node.op {
        Op::Kept(kept) => (Arc::clone(&kept.words), kept.slope, kept.inter),
        _ if op.takes_scaling() => past_scaling(node),
        _ => (Arc::clone(node), 1.0, 0.0),
    }
}

/// The type that elements are summed in: a leaf's own; what is computed comes as `f64` or 64-bit integers,
/// or as a small type.
pub(super) fn summed_as(elements: &Node) -> DType {
    match (&elements.op, elements.dtype) {
        (Op::Leaf { .. }, dtype) | (_, dtype @ (DType::U64 | DType::Bool)) => dtype,
        (_, dtype) if dtype.is_float() => DType::F64,
        (_, dtype) if dtype.size() <= 2 => dtype,
        _ => DType::I64,
    }
}

fn groups_of(labels: &Labels, axis: usize, region: &Region) -> Groups {
    let (start, end) = (region.start()[axis] as usize, region.end(axis) as usize);
    Groups::new(axis, labels.of_index[start..end].into(), labels.count)
}

/// The cells of the result that a box of the input has samples for.
pub(super) fn cells_of(region: &Region, axes: &[usize], groups: Option<&Labels>) -> Region {
    let (mut start, mut shape) = (region.start().to_vec(), region.shape().to_vec());
    for &axis in axes.iter().rev() {
        match groups {
            Some(groups) => (start[axis], shape[axis]) = (0, u64::from(groups.count)),
            None => drop((start.remove(axis), shape.remove(axis))),
        }
    }
    Region::new(start, shape)
}
