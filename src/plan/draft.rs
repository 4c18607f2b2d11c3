//! From jobs to passes: which jobs share a trip, and which reductions share their sums.
//!
//! Reductions go through concatenations (each run is summed alone), slopes and intercepts go past
//! the sums, and all reductions of the same elements over the same axes keep the smallest set of
//! sums between them: mean, std, var and tSNR are one, whoever asks.

use std::collections::HashMap;
use std::sync::Arc;

use super::cut::Task;
use super::intern::Interner;
use super::pass::{Emit, EmitPiece, Form, Output, Part, Pass, Reduction, Sum};
use super::pieces::pieces;
use super::scaling::past_scaling;
use crate::dtype::DType;
use crate::feed::{Expressions, FeedBuilder, Placed, Want, gather};
use crate::grid::Region;
use crate::kernel::{Groups, Span, StateKind};
use crate::lazy::{Labels, Node, Op, Reduce};

/// A pass being put together.
pub(super) struct Draft {
    form: Form,
    depth: usize,
    shape: Vec<u64>,
    walk: usize,
    /// Boxes of a map are made in any order.
    in_step: bool,
    /// Elements that flow by, each for a box of the pass.
    wants: Vec<(Region, Want)>,
    sums: Vec<DraftSum>,
    reductions: Vec<Reduction>,
    known: HashMap<usize, usize>,
    outputs: Vec<Output>,
    emits: Vec<(Emit, Vec<DraftPiece>)>,
    /// Pieces that compute the same are one node.
    interner: Interner,
    /// Keeps nodes alive whose addresses are keys.
    alive: Vec<Arc<Node>>,
}

struct DraftSum {
    want: usize,
    /// What makes two sums one, beside their kind.
    node: usize,
    mask: Option<usize>,
    sum: Sum,
}

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
            in_step: form == Form::Map && !streams,
            form,
            depth,
            shape,
            walk,
            wants: Vec::new(),
            sums: Vec::new(),
            reductions: Vec::new(),
            known: HashMap::new(),
            outputs: Vec::new(),
            emits: Vec::new(),
            interner: Interner::default(),
            alive: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, job: &Task) {
        self.alive.push(Arc::clone(&job.root));
        match &job.fold {
            Some(_) => self.fold(job),
            None => self.map(job, 0, Region::clone),
        }
    }

    /// Takes a map that is made tile by tile when the folds of the tile are done.
    pub(super) fn take_after(&mut self, job: &Task) {
        self.alive.push(Arc::clone(&job.root));
        let Form::Fold { axes, .. } = self.form.clone() else { return };
        self.map(job, 1, |region| cells_of(region, &axes, None));
    }

    fn map(&mut self, job: &Task, phase: usize, place: impl Fn(&Region) -> Region) {
        let mut made = Vec::new();
        for (region, nodes) in pieces(&[&job.root]) {
            let node = self.interner.canonical(&nodes[0]);
            if region.is_empty() {
                continue;
            }
            let want = Want { node, dtype: job.dtype, mask: None, phase };
            let want = self.want(want, place(&region));
            made.push(DraftPiece { want, start: region.start().to_vec() });
        }
        let (shape, dtype, dest) = (job.root.shape.clone(), job.dtype, job.dest.clone());
        self.emits.push((Emit { shape, dtype, pieces: Vec::new(), dest }, made));
    }

    fn fold(&mut self, job: &Task) {
        let mut inputs: Vec<usize> = Vec::new();
        let mut expressions = Expressions::default();
        expressions.output(&job.root, job.dtype, &mut |node| {
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
        let program = expressions.build_always();
        let (shape, dtype, dest) = (job.root.shape.clone(), job.dtype, job.dest.clone());
        self.outputs.push(Output { shape, program, dtype, inputs, dest });
    }

    fn reduction(&mut self, node: &Arc<Node>, reduce: &Reduce) -> usize {
        let key = Arc::as_ptr(node).addr();
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let both: Vec<&Arc<Node>> = [&reduce.input].into_iter().chain(&reduce.mask).collect();
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
        self.known.insert(key, self.reductions.len() - 1);
        self.alive.push(Arc::clone(node));
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
        let axes = &reduce.axes;
        let of_axes = |list: &[u64]| axes.iter().map(|&axis| list[axis]).collect::<Vec<u64>>();
        let place = Span {
            start: of_axes(region.start()),
            shape: of_axes(region.shape()),
            whole: whole.to_vec(),
        };
        let groups = reduce.groups.as_ref().map(|labels| groups_of(labels, axes[0], region));
        let cells = cells_of(region, axes, reduce.groups.as_ref());
        let (stream, slope, inter) = if reduce.op.takes_scaling() {
            past_scaling(&nodes[0])
        } else {
            (Arc::clone(&nodes[0]), 1.0, 0.0)
        };
        let mask = nodes.get(1).cloned();
        // A grouped axis stays, as the axis of its groups.
        let reduced = if groups.is_some() { Vec::new() } else { axes.clone() };
        let counted = mask.is_some() || groups.is_some();
        // A leaf is summed in its own type; anything computed is summed as f64 or 64-bit integers.
        let dtype = match (&stream.op, stream.dtype) {
            (Op::Leaf { .. }, dtype) | (_, dtype @ (DType::U64 | DType::Bool)) => dtype,
            (_, dtype) if dtype.is_float() => DType::F64,
            (_, dtype) if dtype.size() <= 2 => dtype,
            _ => DType::I64,
        };
        let count = place.shape.iter().product();
        let first = place.start.first().copied().unwrap_or(0);
        let kind = StateKind::for_reduction(&reduce.op, dtype, count, counted, first);
        let want = Want { node: Arc::clone(&stream), dtype, mask: mask.clone(), phase: 0 };
        let (node, mask_key) =
            (Arc::as_ptr(&stream).addr(), mask.as_ref().map(|m| Arc::as_ptr(m).addr()));
        self.alive.push(stream);
        self.alive.extend(mask);
        let same = |known: &DraftSum| {
            known.node == node
                && known.mask == mask_key
                && known.sum.kind == kind
                && known.sum.cells == cells
                && known.sum.reduced == reduced
                && known.sum.slope == slope
                && known.sum.inter == inter
                && known.sum.groups == groups
                && (known.sum.place == place || !known.sum.kind.depends_on_span())
        };
        if let Some(old) = self.sums.iter().position(same) {
            return old;
        }
        let want = self.want(want, cells.clone());
        let sum = Sum {
            part: 0,
            branch: 0,
            output: 0,
            mask: None,
            kind,
            reduced,
            groups,
            cells,
            count,
            slope,
            inter,
            place,
        };
        self.sums.push(DraftSum { want, node, mask: mask_key, sum });
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
        let empty = if self.in_step { empty.in_step() } else { empty };
        let (feeds, placed) = gather(&self.wants, &empty);
        let parts = feeds.into_iter().map(|(place, feed)| Part { feed, place }).collect();
        let sums = self
            .sums
            .into_iter()
            .map(|draft| {
                let Placed { feed: part, branch, output, mask } = placed[draft.want];
                Sum { part, branch, output, mask, ..draft.sum }
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
        let (form, depth, shape) = (self.form, self.depth, self.shape);
        Pass {
            form,
            depth,
            shape,
            parts,
            sums,
            reductions: self.reductions,
            outputs: self.outputs,
            emits,
        }
    }
}

fn groups_of(labels: &Labels, axis: usize, region: &Region) -> Groups {
    let (start, end) = (region.start()[axis] as usize, region.end(axis) as usize);
    Groups::new(axis, labels.of_index[start..end].into(), labels.count)
}

/// The cells of the result that a box of the input has samples for.
fn cells_of(region: &Region, axes: &[usize], groups: Option<&Labels>) -> Region {
    let (mut start, mut shape) = (region.start().to_vec(), region.shape().to_vec());
    for &axis in axes.iter().rev() {
        match groups {
            Some(groups) => (start[axis], shape[axis]) = (0, u64::from(groups.count)),
            None => drop((start.remove(axis), shape.remove(axis))),
        }
    }
    Region::new(start, shape)
}
