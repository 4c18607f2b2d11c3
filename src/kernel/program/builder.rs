//! How does an expression become few steps in few registers?
//!
//! Identical steps are made once, steps that nobody uses are left out, and a register is used again
//! as soon as its last reader has run. Says nothing about what the steps compute.

use std::collections::HashMap;

use super::cast::{Overflow, shares_register};
use super::operation::{BinaryOp, Operation, Slot, UnaryOp};
use super::{Program, Step};
use crate::dtype::DType;

/// Puts a program together; a step may only name slots that were made before it.
#[derive(Debug, Default)]
pub(crate) struct ProgramBuilder {
    steps: Vec<(Operation, DType)>,
    known: HashMap<(Operation, DType), usize>,
    outputs: Vec<Slot>,
}

impl ProgramBuilder {
    fn push(&mut self, operation: Operation, dtype: DType) -> Slot {
        let at = *self.known.entry((operation, dtype)).or_insert_with(|| {
            self.steps.push((operation, dtype));
            self.steps.len() - 1
        });
        Slot { at, dtype }
    }

    /// Elements of input number `input`. Stored `bool`s become 0 or 1, whatever the byte.
    pub(crate) fn load(&mut self, input: usize, dtype: DType) -> Slot {
        self.push(Operation::Load { input, stored: dtype }, dtype)
    }

    /// A float everywhere, rounded to `dtype`.
    pub(crate) fn float(&mut self, value: f64, dtype: DType) -> Slot {
        let value = if dtype == DType::F32 { f64::from(value as f32) } else { value };
        self.push(Operation::Constant { bits: value.to_bits() }, dtype)
    }

    /// An integer (or 0 and 1 for `bool`) everywhere, which `dtype` must hold; `uint64` beyond
    /// `i64::MAX` is given by its bits.
    pub(crate) fn int(&mut self, value: i64, dtype: DType) -> Slot {
        self.push(Operation::Constant { bits: value.cast_unsigned() }, dtype)
    }

    /// `of * slope + inter` in `f64`, leaving out a factor of 1 and a term of 0 as nibabel does.
    pub(crate) fn rescale(&mut self, of: Slot, slope: f64, inter: f64) -> Slot {
        let of = self.cast(of, DType::F64, Overflow::Wrap);
        if slope == 1.0 && inter == 0.0 {
            return of;
        }
        let (slope, inter) = (slope.to_bits(), inter.to_bits());
        self.push(Operation::Rescale { of, slope, inter }, DType::F64)
    }

    /// The same value in another type. Free where both types share a register and the values fit.
    pub(crate) fn cast(&mut self, of: Slot, dtype: DType, overflow: Overflow) -> Slot {
        if shares_register(of.dtype, dtype, overflow) {
            return Slot { dtype, ..of };
        }
        if let (Operation::Load { stored, .. }, DType::F64) = (self.steps[of.at].0, dtype)
            && stored == of.dtype
        {
            return self.push(self.steps[of.at].0, DType::F64);
        }
        self.push(Operation::Cast { of, overflow }, dtype)
    }

    /// `op of`, the operand in the type it is computed in already; `dtype` is the result's: `bool`
    /// for predicates, otherwise of the operand's class.
    pub(crate) fn unary(&mut self, op: UnaryOp, of: Slot, dtype: DType) -> Slot {
        let float = of.dtype.is_float();
        if !float && op.keeps_integers() {
            return self.cast(of, dtype, Overflow::Wrap);
        }
        let of = if op.is_float_function() {
            let wide = if float { of.dtype } else { DType::F64 };
            self.cast(of, wide, Overflow::Wrap)
        } else {
            of
        };
        self.push(Operation::Unary { op, of }, dtype)
    }

    /// `left op right`, both of one type already; `dtype` is the result's: `bool` for comparisons,
    /// `float32` or `float64` for divisions, otherwise the operands'. Comparisons also take `int64`
    /// with `uint64`, and are exact.
    pub(crate) fn binary(&mut self, op: BinaryOp, left: Slot, right: Slot, dtype: DType) -> Slot {
        let (mut left, mut right) = (left, right);
        if op == BinaryOp::Divide {
            left = self.cast(left, dtype, Overflow::Wrap);
            right = self.cast(right, dtype, Overflow::Wrap);
        }
        if op == BinaryOp::Power
            && let Some(simple) = self.simple_power(left, right, dtype)
        {
            return simple;
        }
        self.push(Operation::Binary { op, left, right }, dtype)
    }

    /// numpy's shortcuts for a constant exponent.
    fn simple_power(&mut self, base: Slot, exponent: Slot, dtype: DType) -> Option<Slot> {
        let (Operation::Constant { bits }, _) = self.steps[exponent.at] else {
            return None;
        };
        if dtype.is_float() {
            match f64::from_bits(bits) {
                2.0 => Some(self.unary(UnaryOp::Square, base, dtype)),
                1.0 => Some(base),
                0.5 => Some(self.unary(UnaryOp::Sqrt, base, dtype)),
                -1.0 => Some(self.unary(UnaryOp::Reciprocal, base, dtype)),
                _ => None,
            }
        } else {
            match bits {
                2 => Some(self.unary(UnaryOp::Square, base, dtype)),
                1 => Some(base),
                _ => None,
            }
        }
    }

    /// `then` where `condition` (a `bool`) is true, else `otherwise`, both of type `dtype` already.
    pub(crate) fn select(
        &mut self,
        condition: Slot,
        then: Slot,
        otherwise: Slot,
        dtype: DType,
    ) -> Slot {
        if then.at == otherwise.at {
            return Slot { dtype, ..then };
        }
        self.push(Operation::Select { condition, then, otherwise }, dtype)
    }

    /// Makes `slot` the next output, to be taken as `dtype`: its own type, or one that holds it.
    pub(crate) fn output(&mut self, slot: Slot, dtype: DType) {
        let slot = self.cast(slot, dtype, Overflow::Wrap);
        self.outputs.push(slot);
    }

    /// The program that computes the outputs.
    pub(crate) fn build(self) -> Program {
        let last_use = self.last_uses();
        let mut place = vec![0; self.steps.len()];
        let mut steps = Vec::new();
        let mut free = Vec::new();
        let mut registers = 0;
        for (index, &(operation, dtype)) in self.steps.iter().enumerate() {
            if last_use[index].is_none() {
                continue;
            }
            let is_output = last_use[index] == Some(self.steps.len());
            if let (Some(input), false) = (lies_as_register(operation, dtype), is_output) {
                place[index] = Slot::input(input);
                continue;
            }
            // Taken before the operands' registers are given back: a step never writes over what it
            // still reads.
            let to = free.pop().unwrap_or_else(|| {
                registers += 1;
                registers - 1
            });
            place[index] = to;
            steps.push(Step { operation: operation.moved(|at| place[at]), dtype, to });
            let mut done: Vec<usize> = operation.operands().map(|slot| slot.at).collect();
            done.sort_unstable();
            done.dedup();
            let ends = |at: &usize| last_use[*at] == Some(index);
            let places = done.into_iter().filter(ends).map(|at| place[at]);
            free.extend(places.filter(|&at| at < registers));
        }
        let outputs = self.outputs.iter().map(|slot| Slot { at: place[slot.at], ..*slot });
        Program { steps, outputs: outputs.collect(), registers }
    }

    /// The last step that reads each step; one past the end for outputs, `None` for what no output
    /// needs.
    fn last_uses(&self) -> Vec<Option<usize>> {
        let mut last_use = vec![None; self.steps.len()];
        for slot in &self.outputs {
            last_use[slot.at] = Some(self.steps.len());
        }
        for index in (0..self.steps.len()).rev() {
            if last_use[index].is_some() {
                for slot in self.steps[index].0.operands() {
                    last_use[slot.at] = last_use[slot.at].max(Some(index));
                }
            }
        }
        last_use
    }
}

/// The input that a step loads, where it lies there as it would in a register.
const fn lies_as_register(operation: Operation, dtype: DType) -> Option<usize> {
    match (operation, dtype) {
        (Operation::Load { input, stored: DType::F64 }, DType::F64)
        | (Operation::Load { input, stored: DType::I64 }, DType::I64)
        | (Operation::Load { input, stored: DType::U64 }, DType::U64) => Some(input),
        _ => None,
    }
}
