//! From expressions to passes.
//!
//! A reduction whose input holds another reduction, and an element-by-element mix of reductions
//! with stored elements, are cut: the inner reduction becomes an array in memory that a later pass
//! reads as a source. Everything else is one pass: reductions over the same axis with results of
//! the same shape share their parts, and each part is read once. Reductions go through
//! concatenation (each run is summed alone) and slope/intercept go past the reduction.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::PlanError;
use super::feed::{Feed, lower_operation};
use super::intern::{Interner, NodeId};
use super::pass::{Dest, FoldPass, MapPass, Output, Part, Pass, Reduction};
use crate::dtype::DType;
use crate::grid::{Region, element_count};
use crate::kernel::{ProgramBuilder, ReduceOp, Slot, StateKind};
use crate::lazy::{MemorySource, Node, Op, View, pieces};
use crate::source::Source;

/// The passes that compute `roots`, in order, and the bytes held between them.
pub(super) fn lower(roots: &[(Arc<Node>, DType)]) -> Result<(Vec<Pass>, u64), PlanError> {
    let mut lowering = Lowering::default();
    for (index, (root, dtype)) in roots.iter().enumerate() {
        lowering.output(root, *dtype, Dest::Result(index));
    }
    let mut stages = lowering.stages;
    // A stable sort: passes of one depth keep the order in which outputs named them.
    stages.sort_by_key(|stage| stage.depth);
    let passes: Vec<Pass> = stages.into_iter().flat_map(|stage| separate(stage.pass)).collect();
    for feed in passes.iter().flat_map(Pass::feeds).filter(|f| !f.shape.contains(&0)) {
        for leaf in feed.leaves.iter().filter(|leaf| leaf.is_sequential()) {
            let backwards = leaf.ends_in_time()
                && feed.shape.last().is_some_and(|&n| n > 1)
                && leaf.view.run(feed.shape.len() - 1).1 < 0;
            if backwards {
                return Err(PlanError::Backwards { name: leaf.source.name().to_owned() });
            }
        }
    }
    Ok((passes, lowering.held_bytes))
}

/// A fold over sources that can be read by region, cut into folds that share no part: each reads
/// what it would have read anyway and holds only its own sums. Streams stay together, so that
/// several are read at once.
fn separate(pass: Pass) -> Vec<Pass> {
    let fold = match pass {
        Pass::Fold(fold) if !fold.parts.iter().any(|part| part.feed.is_sequential()) => fold,
        other => return vec![other],
    };
    // The lowest output that each part is connected to.
    let mut group: Vec<usize> = (0..fold.outputs.len()).collect();
    let mut first_user = vec![None; fold.parts.len()];
    for (index, output) in fold.outputs.iter().enumerate() {
        for &part in output.inputs.iter().flat_map(|&r| &fold.reductions[r].parts) {
            let other = group[*first_user[part].get_or_insert(index)];
            let (low, high) = (other.min(group[index]), other.max(group[index]));
            group.iter_mut().filter(|g| **g == high).for_each(|g| *g = low);
        }
    }
    let mut parts: Vec<Option<Part>> = fold.parts.into_iter().map(Some).collect();
    let mut folds: Vec<(usize, FoldPass)> = Vec::new();
    let mut new_part = vec![0; parts.len()];
    for (output, of) in fold.outputs.into_iter().zip(group) {
        let at = folds.iter().position(|(g, _)| *g == of).unwrap_or_else(|| {
            let (parts, reductions, outputs) = (Vec::new(), Vec::new(), Vec::new());
            let shape = fold.shape.clone();
            folds.push((of, FoldPass { axis: fold.axis, shape, parts, reductions, outputs }));
            folds.len() - 1
        });
        let into = &mut folds[at].1;
        let mut inputs = Vec::with_capacity(output.inputs.len());
        for r in output.inputs {
            let mut reduction = fold.reductions[r].clone();
            for part in &mut reduction.parts {
                if let Some(moved) = parts[*part].take() {
                    into.parts.push(moved);
                    new_part[*part] = into.parts.len() - 1;
                }
                *part = new_part[*part];
            }
            into.reductions.push(reduction);
            inputs.push(into.reductions.len() - 1);
        }
        into.outputs.push(Output { inputs, ..output });
    }
    folds.into_iter().map(|(_, fold)| Pass::Fold(fold)).collect()
}

/// A pass and how many passes must come before it.
struct Stage {
    depth: usize,
    pass: Pass,
    /// Reductions and parts of a fold that have a place already.
    reductions: HashMap<NodeId, usize>,
    parts: HashMap<(NodeId, usize), Vec<usize>>,
}

/// Gives another node for one, or `None` to look inside it.
type Exchange<'a> = dyn FnMut(&mut Lowering, &Arc<Node>) -> Option<Arc<Node>> + 'a;

#[derive(Default)]
struct Lowering {
    interner: Interner,
    stages: Vec<Stage>,
    /// Leaves that stand for reductions computed by an earlier pass, and that pass's depth.
    held: HashMap<NodeId, Arc<Node>>,
    held_depth: HashMap<usize, usize>,
    held_bytes: u64,
}

impl Lowering {
    fn output(&mut self, root: &Arc<Node>, dtype: DType, dest: Dest) {
        let root = self.without_nested(root);
        if let Some(axis) = uniform_axis(&root) {
            self.fold(&root, axis, dtype, dest);
        } else {
            let root = self.hold_reductions(&root);
            self.map(&root, dtype, dest);
        }
    }

    /// The same expression with no reduction below a reduction.
    fn without_nested(&mut self, node: &Arc<Node>) -> Arc<Node> {
        if !has_reduction(node) {
            return Arc::clone(node);
        }
        self.rebuild(node, &mut |lowering, child| match &child.op {
            Op::Reduce { op, axis, input } if has_reduction(input) => {
                let input = lowering.without_nested(input);
                let input = lowering.hold_reductions(&input);
                let op = Op::Reduce { op: op.clone(), axis: *axis, input };
                Some(Node::new(op, child.shape.clone(), child.dtype))
            }
            Op::Reduce { .. } => Some(Arc::clone(child)),
            _ => None,
        })
    }

    /// The same expression with each reduction computed by an earlier pass.
    fn hold_reductions(&mut self, node: &Arc<Node>) -> Arc<Node> {
        self.rebuild(node, &mut |lowering, child| match &child.op {
            Op::Reduce { axis, .. } => Some(lowering.hold(child, *axis)),
            _ => None,
        })
    }

    fn hold(&mut self, reduction: &Arc<Node>, axis: usize) -> Arc<Node> {
        let id = self.interner.id(reduction);
        if let Some(leaf) = self.held.get(&id) {
            return Arc::clone(leaf);
        }
        let (shape, dtype) = (reduction.shape.clone(), reduction.dtype);
        let name = match &reduction.op {
            Op::Reduce { op, .. } => op.name(),
            _ => "held",
        };
        let source = Arc::new(MemorySource::empty(name, &shape, dtype));
        let bytes = element_count(&shape).unwrap_or(u64::MAX).saturating_mul(dtype.size() as u64);
        self.held_bytes = self.held_bytes.saturating_add(bytes);
        let depth = self.depth(reduction);
        self.fold(reduction, axis, dtype, Dest::Held(Arc::clone(&source)));
        let source: Arc<dyn Source> = source;
        self.held_depth.insert(Arc::as_ptr(&source).addr(), depth);
        let view = View::whole(&shape);
        let leaf = Node::new(Op::Leaf { source, view }, shape, dtype);
        self.held.insert(id, Arc::clone(&leaf));
        leaf
    }

    /// How many passes must come before one that reads this expression.
    fn depth(&self, node: &Arc<Node>) -> usize {
        match &node.op {
            Op::Leaf { source, .. } => {
                self.held_depth.get(&Arc::as_ptr(source).addr()).map_or(0, |d| d + 1)
            }
            _ => node.children().into_iter().map(|n| self.depth(n)).max().unwrap_or(0),
        }
    }

    /// Rebuilds an expression with some nodes exchanged.
    fn rebuild(&mut self, node: &Arc<Node>, exchange: &mut Exchange<'_>) -> Arc<Node> {
        if let Some(other) = exchange(self, node) {
            return other;
        }
        let mut again = |child: &Arc<Node>| self.rebuild(child, exchange);
        let op = match &node.op {
            Op::Rescale { input, slope, inter } => {
                Op::Rescale { input: again(input), slope: *slope, inter: *inter }
            }
            Op::Cast { input } => Op::Cast { input: again(input) },
            Op::Concat { inputs, axis } => {
                Op::Concat { inputs: inputs.iter().map(again).collect(), axis: *axis }
            }
            Op::Binary { op, left, right } => {
                Op::Binary { op: *op, left: again(left), right: again(right) }
            }
            Op::Leaf { .. } | Op::Scalar(_) | Op::Reduce { .. } | Op::Invalid(_) => {
                return Arc::clone(node);
            }
        };
        Node::new(op, node.shape.clone(), node.dtype)
    }

    fn map(&mut self, root: &Arc<Node>, dtype: DType, dest: Dest) {
        let depth = self.depth(root);
        let pieces = pieces(root)
            .into_iter()
            .map(|(region, node)| {
                let feed = Feed::new(&node, dtype, &mut self.interner);
                (region, feed)
            })
            .collect();
        let pass = Pass::Map(MapPass { shape: root.shape.clone(), pieces, dtype, dest });
        let (reductions, parts) = (HashMap::new(), HashMap::new());
        self.stages.push(Stage { depth, pass, reductions, parts });
    }

    fn fold(&mut self, root: &Arc<Node>, axis: usize, dtype: DType, dest: Dest) {
        let depth = self.depth(root);
        let fits = |stage: &Stage| match &stage.pass {
            Pass::Fold(fold) => {
                stage.depth == depth && fold.axis == axis && fold.shape == root.shape
            }
            Pass::Map(_) => false,
        };
        let at = self.stages.iter().position(fits).unwrap_or_else(|| {
            self.stages.push(Stage {
                depth,
                pass: Pass::Fold(FoldPass {
                    axis,
                    shape: root.shape.clone(),
                    parts: Vec::new(),
                    reductions: Vec::new(),
                    outputs: Vec::new(),
                }),
                reductions: HashMap::new(),
                parts: HashMap::new(),
            });
            self.stages.len() - 1
        });
        let interner = &mut self.interner;
        let Stage { pass: Pass::Fold(fold), reductions, parts, .. } = &mut self.stages[at] else {
            unreachable!("the stage found above is a fold")
        };
        let mut inputs: Vec<usize> = Vec::new();
        let mut loaded: HashMap<NodeId, Slot> = HashMap::new();
        let mut builder = ProgramBuilder::default();
        let result = lower_finish(root, &mut builder, &mut |reduction, builder| {
            let id = interner.id(reduction);
            if let Some(slot) = loaded.get(&id) {
                return *slot;
            }
            let known = reductions.get(&id).copied();
            let index = known.unwrap_or_else(|| {
                let made = reduction_of(reduction, fold, parts, interner);
                fold.reductions.push(made);
                reductions.insert(id, fold.reductions.len() - 1);
                fold.reductions.len() - 1
            });
            inputs.push(index);
            // Finished reductions arrive as f64 or 64-bit integers and are cut to their type here.
            let wide = if reduction.dtype.is_float() { DType::F64 } else { reduction.dtype };
            let slot = builder.load(inputs.len() - 1, wide);
            let slot = builder.cast(slot, reduction.dtype);
            loaded.insert(id, slot);
            slot
        });
        let result = builder.cast(result, dtype);
        fold.outputs.push(Output { program: builder.build(result), inputs, dest });
    }
}

fn lower_finish(
    node: &Arc<Node>,
    builder: &mut ProgramBuilder,
    load: &mut dyn FnMut(&Arc<Node>, &mut ProgramBuilder) -> Slot,
) -> Slot {
    match node.op {
        Op::Reduce { .. } => load(node, builder),
        _ => lower_operation(node, builder, &mut |child, b| lower_finish(child, b, load)),
    }
}

fn reduction_of(
    node: &Arc<Node>,
    fold: &mut FoldPass,
    known: &mut HashMap<(NodeId, usize), Vec<usize>>,
    interner: &mut Interner,
) -> Reduction {
    let Op::Reduce { op, axis, input } = &node.op else {
        unreachable!("a reduction was asked for: {:?}", node.op)
    };
    let mut found = Vec::new();
    for (region, piece) in pieces(input) {
        if region.is_empty() {
            continue;
        }
        found.push(part_of(op, &piece, &region, *axis, fold, known, interner));
    }
    Reduction { op: op.clone(), parts: found, dtype: node.dtype }
}

/// The part for one piece of a reduction's input: an old one where the same elements are summed
/// for the same cells already.
fn part_of(
    op: &ReduceOp,
    piece: &Arc<Node>,
    region: &Region,
    axis: usize,
    fold: &mut FoldPass,
    known: &mut HashMap<(NodeId, usize), Vec<usize>>,
    interner: &mut Interner,
) -> usize {
    let without = |list: &[u64]| {
        let mut list = list.to_vec();
        list.remove(axis);
        list
    };
    let cells = Region::new(without(region.start()), without(region.shape()));
    let (stream, slope, inter) = past_scaling(piece);
    let same = known.entry((interner.id(&stream), axis)).or_default();
    let old = same.iter().copied().find(|&p| {
        let part = &fold.parts[p];
        part.cells == cells && part.slope == slope && part.inter == inter
    });
    if let Some(old) = old {
        return old;
    }
    // A leaf is summed in its own type; anything computed is summed as f64 or 64-bit integers.
    let dtype = match (&stream.op, stream.dtype) {
        (Op::Leaf { .. }, dtype) | (_, dtype @ DType::U64) => dtype,
        (_, dtype) if dtype.is_float() => DType::F64,
        _ => DType::I64,
    };
    let count = region.shape()[axis];
    fold.parts.push(Part {
        feed: Feed::new(&stream, dtype, interner),
        cells,
        count,
        kind: StateKind::for_reduction(op, dtype, count, false, region.start()[axis]),
        slope,
        inter,
    });
    same.push(fold.parts.len() - 1);
    fold.parts.len() - 1
}

/// Takes lossless casts and one slope/intercept off the top of an expression: sums commute with
/// both.
fn past_scaling(node: &Arc<Node>) -> (Arc<Node>, f64, f64) {
    let (mut node, mut scaling) = (Arc::clone(node), None);
    loop {
        let inner = match &node.op {
            Op::Cast { input } if holds_exactly(node.dtype, input.dtype) => Arc::clone(input),
            Op::Rescale { input, slope, inter } if scaling.is_none() => {
                scaling = Some((*slope, *inter));
                Arc::clone(input)
            }
            _ => {
                let (slope, inter) = scaling.unwrap_or((1.0, 0.0));
                return (node, slope, inter);
            }
        };
        node = inner;
    }
}

fn holds_exactly(wide: DType, narrow: DType) -> bool {
    narrow.promote(wide) == wide && (wide.is_float() <= (narrow.is_float() || narrow.size() <= 4))
}

fn has_reduction(node: &Arc<Node>) -> bool {
    matches!(node.op, Op::Reduce { .. }) || node.children().into_iter().any(has_reduction)
}

/// The reduced axis, where the expression is element by element over reductions (and numbers) only,
/// all over the same axis.
fn uniform_axis(root: &Arc<Node>) -> Option<usize> {
    fn visit(node: &Arc<Node>, axis: &mut Option<usize>) -> bool {
        match &node.op {
            Op::Reduce { axis: a, .. } => *axis.get_or_insert(*a) == *a,
            Op::Leaf { .. } | Op::Concat { .. } | Op::Invalid(_) => false,
            _ => node.children().into_iter().all(|child| visit(child, axis)),
        }
    }
    let mut axis = None;
    if visit(root, &mut axis) { axis } else { None }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use crate::dtype::DType;
    use crate::lazy::{LazyArray, Node, Op, from_ndarray};
    use crate::runtime::Session;

    #[test]
    fn one_source_under_two_scalings_keeps_them_apart() {
        let raw = from_ndarray(array![[1_i16, 3], [5, 9]]);
        let scaled = |slope, inter| {
            let op = Op::Rescale { input: raw.node().clone(), slope, inter };
            LazyArray::from_node(Node::new(op, raw.shape().to_vec(), DType::F64))
        };
        let arrays = [scaled(2.0, 1.0), scaled(2.0, 10.0), scaled(3.0, 1.0)].map(|a| a.mean(-1));
        let arrays: Vec<&LazyArray> = arrays.iter().collect();
        let means = Session::default().compute_all::<f64>(&arrays).unwrap().arrays;
        let wanted = [array![5.0, 15.0], array![14.0, 24.0], array![7.0, 22.0]];
        assert_eq!(means, wanted.map(ndarray::ArrayBase::into_dyn));
    }
}
