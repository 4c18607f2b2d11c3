//! What flows out of storage: a concatenation-free expression over leaves of one shape.

use std::sync::Arc;

use super::intern::{Interner, NodeId};
use crate::dtype::DType;
use crate::kernel::{Program, ProgramBuilder, Slot};
use crate::lazy::{Node, Op, Scalar, View};
use crate::source::{Access, Source};

/// Elements of a source, seen through a view.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) view: View,
}

impl Leaf {
    pub(crate) fn is_sequential(&self) -> bool {
        self.source.access() == Access::Sequential
    }

    /// The leaf's natural block length along `axis` and where its first whole block starts, both in
    /// the leaf's own indices; `None` for stepped axes, and in memory, where any cut is as good.
    pub(crate) fn block_along(&self, axis: usize) -> Option<(u64, u64)> {
        let source_axis = self.view.source_axes()[axis];
        let block = self.source.block_shape()[source_axis].max(1);
        let (start, step) = self.view.run(axis);
        let stored = self.source.stored_bytes() > 0;
        (stored && step == 1).then(|| (block, (block - start % block) % block))
    }

    /// True when the leaf's last axis is the source's slowest.
    pub(crate) fn ends_in_time(&self) -> bool {
        self.view.source_axes().last() == Some(&(self.source.shape().len() - 1))
    }

    pub(crate) fn element_bytes(&self) -> u64 {
        self.source.dtype().size() as u64
    }
}

/// A stream of elements: leaves of one shape and what is computed from them.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) shape: Vec<u64>,
    pub(crate) leaves: Vec<Leaf>,
    /// `None` where the only leaf's elements are used as they are.
    pub(crate) program: Option<Program>,
    /// Type of what comes out.
    pub(crate) dtype: DType,
}

impl Feed {
    /// The feed of a concatenation- and reduction-free node, to come out as `dtype`.
    pub(super) fn new(node: &Arc<Node>, dtype: DType, interner: &mut Interner) -> Self {
        let shape = node.shape.clone();
        if let Op::Leaf { source, view } = &node.op
            && source.dtype() == dtype
        {
            let leaf = Leaf { source: Arc::clone(source), view: view.clone() };
            return Self { shape, leaves: vec![leaf], program: None, dtype };
        }
        let mut lowering = Expression { interner, inputs: Vec::new(), leaves: Vec::new() };
        let mut builder = ProgramBuilder::default();
        let result = lowering.lower(node, &mut builder);
        let result = builder.cast(result, dtype);
        let leaves = lowering.leaves;
        Self { shape, leaves, program: Some(builder.build(result)), dtype }
    }

    pub(crate) fn is_sequential(&self) -> bool {
        self.leaves.iter().any(Leaf::is_sequential)
    }

    /// Bytes of elements that one pass over the feed reads.
    pub(crate) fn read_bytes(&self) -> u64 {
        let elements: u64 = self.shape.iter().product();
        self.leaves.iter().map(|leaf| elements * leaf.element_bytes()).sum()
    }

    pub(crate) fn register_bytes(&self) -> u64 {
        self.program.as_ref().map_or(0, Program::register_bytes)
    }
}

/// Makes the program of a feed.
struct Expression<'a> {
    interner: &'a mut Interner,
    inputs: Vec<(NodeId, Slot)>,
    leaves: Vec<Leaf>,
}

impl Expression<'_> {
    fn lower(&mut self, node: &Arc<Node>, builder: &mut ProgramBuilder) -> Slot {
        let id = self.interner.id(node);
        if let Some((_, slot)) = self.inputs.iter().find(|(known, _)| *known == id) {
            return *slot;
        }
        let slot = match &node.op {
            Op::Leaf { source, view } => {
                self.leaves.push(Leaf { source: Arc::clone(source), view: view.clone() });
                builder.load(self.leaves.len() - 1, node.dtype)
            }
            _ => lower_operation(node, builder, &mut |child, builder| self.lower(child, builder)),
        };
        self.inputs.push((id, slot));
        slot
    }
}

/// The step for an elementwise node, its children lowered by `child`.
pub(super) fn lower_operation(
    node: &Arc<Node>,
    builder: &mut ProgramBuilder,
    child: &mut dyn FnMut(&Arc<Node>, &mut ProgramBuilder) -> Slot,
) -> Slot {
    match &node.op {
        Op::Rescale { input, slope, inter } => {
            let of = child(input, builder);
            builder.rescale(of, *slope, *inter)
        }
        Op::Cast { input } => {
            let of = child(input, builder);
            builder.cast(of, node.dtype)
        }
        Op::Binary { op, left, right } => {
            let mut operand = |side: &Arc<Node>, builder: &mut ProgramBuilder| match side.op {
                Op::Scalar(value) => constant(value, node.dtype, builder),
                _ => child(side, builder),
            };
            let left = operand(left, builder);
            let right = operand(right, builder);
            builder.binary(*op, left, right, node.dtype)
        }
        Op::Scalar(value) => constant(*value, node.dtype, builder),
        Op::Leaf { .. } | Op::Concat { .. } | Op::Reduce { .. } | Op::Invalid(_) => {
            unreachable!("not an elementwise node: {:?}", node.op)
        }
    }
}

fn constant(value: Scalar, dtype: DType, builder: &mut ProgramBuilder) -> Slot {
    let as_float = match value {
        Scalar::Int(value) => value as f64,
        Scalar::Float(value) => value,
    };
    match value {
        _ if dtype == DType::F32 => builder.float(f64::from(as_float as f32), dtype),
        _ if dtype.is_float() => builder.float(as_float, dtype),
        Scalar::Int(value) => builder.int(value, dtype),
        Scalar::Float(value) => builder.int(value as i64, dtype),
    }
}

impl Leaf {
    /// True when a stream of the source hands over just the leaf's elements, volume by volume.
    pub(crate) fn is_whole_volumes(&self) -> bool {
        let shape = self.source.shape();
        let view = self.view.shape();
        let last = shape.len() - 1;
        view.len() == shape.len()
            && view[..last] == shape[..last]
            && (0..shape.len()).all(|axis| self.view.run(axis).1 == 1)
    }

    /// Memory for what must be read around a box of this shape, 0 where the box comes as it is.
    pub(crate) fn around_bytes(&self, shape: &[u64]) -> u64 {
        let reach = |axis: usize| {
            let step = self.view.run(axis).1.unsigned_abs();
            shape[axis].saturating_sub(1).saturating_mul(step).saturating_add(1)
        };
        let elements = if self.is_sequential() {
            if self.is_whole_volumes() {
                return 0;
            }
            let full = self.source.shape();
            let rows = if self.ends_in_time() { reach(shape.len() - 1) } else { 1 };
            full[..full.len() - 1].iter().fold(rows, |n, &len| n.saturating_mul(len))
        } else if (0..shape.len()).all(|axis| self.view.run(axis).1 == 1) {
            return 0;
        } else {
            (0..shape.len()).map(reach).fold(1, u64::saturating_mul)
        };
        elements.saturating_mul(self.element_bytes())
    }
}

impl Feed {
    /// How many indices of `axis` to read at once, when a box has this shape otherwise, so that a
    /// read is near `target_bytes`: whole blocks of the leaves where that can be, at least 1.
    pub(crate) fn rows(&self, shape: &[u64], axis: usize, target_bytes: u64) -> u64 {
        let len = self.shape[axis].max(1);
        let item = self.leaves.iter().map(Leaf::element_bytes).max().unwrap_or(8);
        let cross: u64 =
            shape.iter().enumerate().filter(|(a, _)| *a != axis).map(|(_, &n)| n.max(1)).product();
        let wanted = (target_bytes / (cross * item).max(1)).clamp(1, len);
        let block = self.leaves.iter().filter_map(|leaf| leaf.block_along(axis)).map(|b| b.0).max();
        match block {
            Some(block) if block <= wanted => wanted - wanted % block,
            // A stored block is read whole even where it is larger than the target.
            Some(block) if target_bytes > 0 => block.min(len),
            _ => wanted,
        }
    }

    /// The end of the read that starts at `from`: `rows` on, or earlier where a block ends.
    pub(crate) fn next_end(&self, axis: usize, from: u64, rows: u64) -> u64 {
        let len = self.shape[axis];
        let end = (from + rows).min(len);
        let block = self.leaves.iter().filter_map(|leaf| leaf.block_along(axis)).max();
        match block {
            Some((block, first)) if end < len && block > 1 => {
                let aligned = if end >= first { first + (end - first) / block * block } else { 0 };
                if aligned > from { aligned } else { end.min(first.max(from + 1)) }
            }
            _ => end,
        }
    }
}
