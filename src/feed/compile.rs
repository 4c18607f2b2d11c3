//! From expressions to the program that computes them.
//!
//! Every operation with the same inputs becomes one step, whoever asks for it; no temporary is larger
//! than a tile of the program.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dtype::DType;
use crate::kernel::{Overflow, Program, ProgramBuilder, Slot};
use crate::lazy::{ByNode, MapOp, Node, Op, Scalar};

/// Makes a program out of expressions over the same inputs.
#[derive(Default)]
pub(crate) struct Expressions {
    builder: ProgramBuilder,
    slots: ByNode<Slot>,
    outputs: Vec<(Slot, DType)>,
    /// Slots that are an input as it comes, with its number.
    loaded: HashMap<Slot, (usize, DType)>,
}

/// Says which input of the program a node is, and the type it comes in; `None` for a node to compute.
pub(crate) type Inputs<'a> = dyn FnMut(&Arc<Node>) -> Option<(usize, DType)> + 'a;

impl Expressions {
    /// The number of the output that is `node` as `dtype`, which holds it.
    pub(crate) fn output(
        &mut self,
        node: &Arc<Node>,
        dtype: DType,
        inputs: &mut Inputs<'_>,
    ) -> usize {
        let slot = self.lower(node, inputs);
        let slot = self.builder.cast(slot, dtype, Overflow::Wrap);
        let wanted = (slot, dtype);
        self.outputs.iter().position(|output| *output == wanted).unwrap_or_else(|| {
            self.outputs.push(wanted);
            self.outputs.len() - 1
        })
    }

    /// The program and the types of its outputs. There is none where the only output is input 0 as it
    /// comes.
    pub(crate) fn build(self) -> (Option<Program>, Vec<DType>) {
        let types: Vec<DType> = self.outputs.iter().map(|(_, dtype)| *dtype).collect();
        // Whatever bytes a source has for bool, true is 1 when they have gone through a program.
        if let [(slot, dtype)] = self.outputs[..]
            && self.loaded.len() == 1
            && self.loaded.get(&slot) == Some(&(0, dtype))
            && dtype != DType::Bool
        {
            return (None, types);
        }
        (Some(self.build_always()), types)
    }

    /// The program, whatever it does.
    pub(crate) fn build_always(mut self) -> Program {
        for (slot, dtype) in self.outputs {
            self.builder.output(slot, dtype);
        }
        self.builder.build()
    }

    fn lower(&mut self, node: &Arc<Node>, inputs: &mut Inputs<'_>) -> Slot {
        if let Some(slot) = self.slots.get(node) {
            return slot;
        }
        let slot = if let Some((input, dtype)) = inputs(node) {
            let slot = self.builder.load(input, dtype);
            self.loaded.insert(slot, (input, dtype));
            self.builder.cast(slot, node.dtype, Overflow::Wrap)
        } else {
            self.operation(node, inputs)
        };
        self.slots.insert(node, slot);
        slot
    }

    fn operation(&mut self, node: &Arc<Node>, inputs: &mut Inputs<'_>) -> Slot {
        let (op, of) = match &node.op {
            Op::Map { op, inputs } => (*op, inputs),
            Op::Scalar(value) => return self.constant(*value, node.dtype),
            other => unreachable!("plans give the program nothing but elements: {other:?}"),
        };
        // A number takes the type of what it meets.
        let meets = match op {
            MapOp::Where => node.dtype,
            _ => of
                .iter()
                .find(|input| !matches!(input.op, Op::Scalar(_)))
                .map_or(node.dtype, |input| input.dtype),
        };
        let slots: Vec<Slot> = of
            .iter()
            .map(|input| match input.op {
                Op::Scalar(value) => self.constant(value, meets),
                _ => self.lower(input, inputs),
            })
            .collect();
        match op {
            MapOp::Unary(op) => self.builder.unary(op, slots[0], node.dtype),
            MapOp::Binary(op) => self.builder.binary(op, slots[0], slots[1], node.dtype),
            MapOp::Where => self.builder.select(slots[0], slots[1], slots[2], node.dtype),
            MapOp::Rescale { slope, inter } => self.builder.rescale(slots[0], slope, inter),
            MapOp::Cast(overflow) => self.builder.cast(slots[0], node.dtype, overflow),
        }
    }

    fn constant(&mut self, value: Scalar, dtype: DType) -> Slot {
        let (int, float) = match value {
            Scalar::Bool(value) => (i64::from(value), f64::from(u8::from(value))),
            Scalar::Int(value) => (value, value as f64),
            Scalar::Float(value) => (value as i64, value),
        };
        match dtype {
            DType::F32 => self.builder.float(f64::from(float as f32), dtype),
            DType::F64 => self.builder.float(float, dtype),
            _ => self.builder.int(int, dtype),
        }
    }
}
