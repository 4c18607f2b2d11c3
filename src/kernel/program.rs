//! Elementwise expressions as straight-line programs over tiles of a thousand elements.
//!
//! A program is a list of steps; each writes one register, a tile of 64-bit numbers. Integers are
//! computed in 64 bits and cut to their type after each step, which is numpy's wrapping; `float32`
//! is computed in `f64` and rounded after each step, which gives the same bits as computing in
//! `f32`. No tile is larger than [`TILE`], so no temporary grows with the data.

use bytemuck::{cast_slice, cast_slice_mut};

use crate::buffer::Buffer;
use crate::dtype::{DType, Element as _, Number, with_dtype};

/// Elements computed at once.
pub(crate) const TILE: usize = 1024;

/// A register of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot(usize);

/// numpy's operators on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl BinaryOp {
    /// numpy's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
        }
    }

    #[inline(always)]
    fn float(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
        }
    }

    #[inline(always)]
    fn int(self, a: i64, b: i64) -> i64 {
        match self {
            Self::Add => a.wrapping_add(b),
            Self::Subtract => a.wrapping_sub(b),
            Self::Multiply => a.wrapping_mul(b),
            // Division of integers is division of floats; lowering casts first.
            Self::Divide => 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Load { input: usize },
    Constant { bits: u64 },
    Rescale { of: Slot, slope: f64, inter: f64 },
    Cast { of: Slot, from: DType },
    Binary { op: BinaryOp, left: Slot, right: Slot },
}

#[derive(Clone, Copy, Debug)]
struct Step {
    operation: Operation,
    dtype: DType,
}

/// Puts a program together; a step may only name slots that were made before it.
#[derive(Debug, Default)]
pub(crate) struct ProgramBuilder {
    steps: Vec<Step>,
}

impl ProgramBuilder {
    pub(crate) fn dtype(&self, slot: Slot) -> DType {
        self.steps[slot.0].dtype
    }

    fn push(&mut self, operation: Operation, dtype: DType) -> Slot {
        self.steps.push(Step { operation, dtype });
        Slot(self.steps.len() - 1)
    }

    /// Elements of input number `input`.
    pub(crate) fn load(&mut self, input: usize, dtype: DType) -> Slot {
        self.push(Operation::Load { input }, dtype)
    }

    /// A float everywhere.
    pub(crate) fn float(&mut self, value: f64, dtype: DType) -> Slot {
        self.push(Operation::Constant { bits: value.to_bits() }, dtype)
    }

    /// An integer everywhere.
    pub(crate) fn int(&mut self, value: i64, dtype: DType) -> Slot {
        self.push(Operation::Constant { bits: value.cast_unsigned() }, dtype)
    }

    /// `of * slope + inter` in `f64`, leaving out a factor of 1 and a term of 0 as nibabel does.
    pub(crate) fn rescale(&mut self, of: Slot, slope: f64, inter: f64) -> Slot {
        let of = self.cast(of, DType::F64);
        self.push(Operation::Rescale { of, slope, inter }, DType::F64)
    }

    /// The same value in another type; integers wrap, floats round.
    pub(crate) fn cast(&mut self, of: Slot, dtype: DType) -> Slot {
        let from = self.dtype(of);
        if from == dtype { of } else { self.push(Operation::Cast { of, from }, dtype) }
    }

    /// `left op right`, both of type `dtype` already.
    pub(crate) fn binary(&mut self, op: BinaryOp, left: Slot, right: Slot, dtype: DType) -> Slot {
        self.push(Operation::Binary { op, left, right }, dtype)
    }

    /// The program that ends in `result`.
    pub(crate) fn build(self, result: Slot) -> Program {
        Program { steps: self.steps, result }
    }
}

/// A straight-line elementwise program.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
    result: Slot,
}

/// The tiles a program works in.
#[derive(Debug)]
pub(crate) struct Registers(Buffer);

impl Registers {
    /// Registers in a buffer of at least [`Program::register_bytes`] of every program they serve.
    pub(crate) fn new(buffer: Buffer) -> Self {
        Self(buffer)
    }
}

impl Program {
    /// The type of the result.
    pub(crate) fn dtype(&self) -> DType {
        self.steps[self.result.0].dtype
    }

    /// Bytes of registers it works in.
    pub(crate) fn register_bytes(&self) -> u64 {
        (self.steps.len() * TILE * 8) as u64
    }

    /// Computes elements `from .. from + out.len()` of the inputs, at most [`TILE`], into `out`.
    /// `T` must be the result's type, or `f64`/`i64`/`u64` for a result that it holds.
    pub(crate) fn run<T: Number>(
        &self,
        inputs: &[&[u8]],
        from: usize,
        registers: &mut Registers,
        out: &mut [T],
    ) {
        let len = out.len();
        for (index, step) in self.steps.iter().enumerate() {
            let (before, after) = registers.0.split_at_mut(index * TILE * 8);
            let to = &mut after[..len * 8];
            let register = |slot: Slot| &before[slot.0 * TILE * 8..][..len * 8];
            match step.operation {
                Operation::Load { input } => with_dtype!(step.dtype, S => {
                    let size = size_of::<S>();
                    let values: &[S] = cast_slice(&inputs[input][from * size..][..len * size]);
                    load(values, to);
                }),
                Operation::Constant { bits } => cast_slice_mut::<_, u64>(to).fill(bits),
                Operation::Rescale { of, slope, inter } => {
                    let of: &[f64] = cast_slice(register(of));
                    for (t, v) in cast_slice_mut::<_, f64>(to).iter_mut().zip(of) {
                        let scaled = if slope == 1.0 { *v } else { *v * slope };
                        *t = if inter == 0.0 { scaled } else { scaled + inter };
                    }
                }
                Operation::Cast { of, from } => cast(register(of), from, to, step.dtype),
                Operation::Binary { op, left, right } => {
                    binary(op, register(left), register(right), to, step.dtype);
                }
            }
        }
        let result = &registers.0[self.result.0 * TILE * 8..][..len * 8];
        if self.dtype().is_float() {
            for (o, v) in out.iter_mut().zip(cast_slice::<_, f64>(result)) {
                *o = T::from_f64(*v);
            }
        } else if T::DTYPE.is_float() {
            let unsigned = self.dtype() == DType::U64;
            for (o, v) in out.iter_mut().zip(cast_slice::<_, i64>(result)) {
                *o = T::from_f64(if unsigned { v.cast_unsigned() as f64 } else { *v as f64 });
            }
        } else {
            for (o, v) in out.iter_mut().zip(cast_slice::<_, i64>(result)) {
                *o = T::from_i64(*v);
            }
        }
    }
}

fn load<S: Number>(values: &[S], to: &mut [u8]) {
    if S::DTYPE.is_float() {
        for (t, v) in cast_slice_mut::<_, f64>(to).iter_mut().zip(values) {
            *t = v.to_f64();
        }
    } else {
        for (t, v) in cast_slice_mut::<_, i64>(to).iter_mut().zip(values) {
            *t = v.to_i64();
        }
    }
}

fn binary(op: BinaryOp, left: &[u8], right: &[u8], to: &mut [u8], dtype: DType) {
    if dtype.is_float() {
        let pairs = cast_slice::<_, f64>(left).iter().zip(cast_slice::<_, f64>(right));
        for (t, (a, b)) in cast_slice_mut::<_, f64>(to).iter_mut().zip(pairs) {
            *t = op.float(*a, *b);
        }
    } else {
        let pairs = cast_slice::<_, i64>(left).iter().zip(cast_slice::<_, i64>(right));
        for (t, (a, b)) in cast_slice_mut::<_, i64>(to).iter_mut().zip(pairs) {
            *t = op.int(*a, *b);
        }
    }
    narrow(to, dtype);
}

fn cast(of: &[u8], from: DType, to: &mut [u8], dtype: DType) {
    match (from.is_float(), dtype.is_float()) {
        (true, true) | (false, false) => to.copy_from_slice(of),
        (false, true) => {
            let unsigned = from == DType::U64;
            let values = cast_slice::<_, i64>(of);
            for (t, v) in cast_slice_mut::<_, f64>(to).iter_mut().zip(values) {
                *t = if unsigned { v.cast_unsigned() as f64 } else { *v as f64 };
            }
        }
        (true, false) => {
            let values = cast_slice::<_, f64>(of);
            for (t, v) in cast_slice_mut::<_, i64>(to).iter_mut().zip(values) {
                *t = if dtype == DType::U64 { (*v as u64).cast_signed() } else { *v as i64 };
            }
        }
    }
    narrow(to, dtype);
}

/// Cuts 64-bit registers to what `dtype` holds.
fn narrow(register: &mut [u8], dtype: DType) {
    match dtype {
        DType::F64 | DType::I64 | DType::U64 => {}
        DType::F32 => {
            for v in cast_slice_mut::<_, f64>(register) {
                *v = f64::from(*v as f32);
            }
        }
        _ => with_dtype!(dtype, S => {
            for v in cast_slice_mut::<_, i64>(register) {
                *v = S::from_i64(*v).to_i64();
            }
        }),
    }
}
