//! How are expressions computed element by element? As straight-line programs over batches of a
//! thousand elements.
//!
//! A program is a list of steps; each writes one register, a batch of 64-bit numbers. Integers are
//! computed in 64 bits and cut to their type after each step, which is numpy's wrapping; `float32`
//! is computed in `f64` and rounded after each step, which gives the same bits as computing in
//! `f32`; `bool` is 0 or 1. No batch is larger than [`BATCH`], so no temporary grows with the data.
//!
//! Knows no shapes, and no rules of which types may meet: whoever puts a program together casts.

mod binary;
mod builder;
mod cast;
mod division;
mod operation;
#[cfg(test)]
mod testing;
mod unary;

use bytemuck::{cast_slice, cast_slice_mut};
use multiversion::multiversion;

use crate::buffer::Buffer;
use crate::dtype::{DType, Number, with_dtype};

pub(crate) use builder::ProgramBuilder;
pub use cast::{CastFault, Overflow};
pub(crate) use operation::{BinaryOp, Slot, UnaryOp};
use operation::{Operand, Operation};

/// Elements computed at once.
pub(crate) const BATCH: usize = 1024;

/// Bytes of a register.
pub(crate) const BATCH_BYTES: usize = BATCH * 8;

/// An operation on registers, the type of its result, and the register it writes, which is none of
/// those it reads.
#[derive(Debug)]
struct Step {
    operation: Operation,
    dtype: DType,
    to: usize,
}

/// A straight-line elementwise program with one or more outputs.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
    outputs: Vec<Slot>,
    registers: usize,
}

/// The registers a program works in. Outputs stay in them until the next run.
#[derive(Debug)]
pub(crate) struct Registers(Buffer);

impl Registers {
    /// Registers in a buffer of at least [`Program::register_bytes`] of every program they serve.
    pub(crate) fn new(buffer: Buffer) -> Self {
        Self(buffer)
    }
}

impl Program {
    /// Bytes of registers it works in.
    pub(crate) fn register_bytes(&self) -> u64 {
        (self.registers * BATCH_BYTES) as u64
    }

    /// Computes `len` elements, at most [`BATCH`], into the registers; [`take`](Self::take) hands them out. Of each
    /// input come its bytes, aligned for its type, and which element is the first.
    ///
    /// # Errors
    /// The first value of the batch that a cast refused.
    pub(crate) fn run(
        &self,
        inputs: &[(&[u8], usize)],
        len: usize,
        registers: &mut Registers,
    ) -> Result<(), CastFault> {
        for step in &self.steps {
            let (before, rest) = registers.0.split_at_mut(step.to * BATCH_BYTES);
            let (to, after) = rest.split_at_mut(BATCH_BYTES);
            let to = &mut to[..len * 8];
            let operand = |Slot { at, dtype }| {
                let (side, from) = if at < step.to {
                    (&*before, at * BATCH_BYTES)
                } else if at < self.registers {
                    (&*after, (at - step.to - 1) * BATCH_BYTES)
                } else {
                    let (bytes, from) = inputs[Slot::input(at)];
                    (bytes, from * 8)
                };
                Operand { bytes: &side[from..][..len * 8], dtype }
            };
            let dtype = step.dtype;
            match step.operation {
                Operation::Load { input, stored } => {
                    let (bytes, from) = inputs[input];
                    let size = stored.size();
                    load(&bytes[from * size..][..len * size], stored, to, dtype);
                }
                Operation::Constant { bits } => cast_slice_mut::<_, u64>(to).fill(bits),
                Operation::Rescale { of, slope, inter } => {
                    let (slope, inter) = (f64::from_bits(slope), f64::from_bits(inter));
                    rescale(operand(of).words(), slope, inter, cast_slice_mut(to));
                }
                Operation::Cast { of, overflow } => cast::cast(operand(of), overflow, to, dtype)?,
                Operation::Unary { op, of } => unary::unary(op, operand(of), to, dtype),
                Operation::Binary { op, left, right } => {
                    binary::binary(op, operand(left), operand(right), to, dtype);
                }
                Operation::Select { condition, then, otherwise } => {
                    let (then, otherwise) = (operand(then).words(), operand(otherwise).words());
                    select(operand(condition).words(), then, otherwise, cast_slice_mut(to));
                }
            }
        }
        Ok(())
    }

    /// Writes an output of the last run, `len` elements as the run had, into `out`, which has as
    /// many elements of the output's type and is aligned for it.
    pub(crate) fn take(&self, output: usize, len: usize, registers: &Registers, out: &mut [u8]) {
        let Slot { at, dtype } = self.outputs[output];
        let register = &registers.0[at * BATCH_BYTES..][..len * 8];
        store(register, out, dtype);
    }
}

/// Makes a register of numbers as they are stored.
#[multiversion(targets("x86_64+avx2"))]
fn load(bytes: &[u8], stored: DType, to: &mut [u8], dtype: DType) {
    if stored == DType::Bool {
        load_flags(bytes, to, dtype);
    } else {
        with_dtype!(stored, S => load_as::<S>(cast_slice(bytes), to, dtype));
    }
}

fn load_flags(bytes: &[u8], to: &mut [u8], dtype: DType) {
    if dtype.is_float() {
        for (t, v) in cast_slice_mut::<_, f64>(to).iter_mut().zip(bytes) {
            *t = f64::from(u8::from(*v != 0));
        }
    } else {
        for (t, v) in cast_slice_mut::<_, i64>(to).iter_mut().zip(bytes) {
            *t = i64::from(*v != 0);
        }
    }
}

#[inline(always)]
fn load_as<S: Number>(values: &[S], to: &mut [u8], dtype: DType) {
    if dtype.is_float() {
        for (t, v) in cast_slice_mut::<_, f64>(to).iter_mut().zip(values) {
            *t = v.to_f64();
        }
    } else {
        for (t, v) in cast_slice_mut::<_, i64>(to).iter_mut().zip(values) {
            *t = v.to_i64();
        }
    }
}

/// Stores the numbers of a register.
#[multiversion(targets("x86_64+avx2"))]
fn store(register: &[u8], out: &mut [u8], dtype: DType) {
    with_dtype!(dtype, T => store_as::<T>(register, cast_slice_mut(out)));
}

#[inline(always)]
fn store_as<T: Number>(register: &[u8], out: &mut [T]) {
    if T::DTYPE.is_float() {
        for (o, v) in out.iter_mut().zip(cast_slice::<_, f64>(register)) {
            *o = T::from_f64(*v);
        }
    } else {
        for (o, v) in out.iter_mut().zip(cast_slice::<_, i64>(register)) {
            *o = T::from_i64(*v);
        }
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn rescale(of: &[f64], slope: f64, inter: f64, to: &mut [f64]) {
    for (t, v) in to.iter_mut().zip(of) {
        let scaled = if slope == 1.0 { *v } else { *v * slope };
        *t = if inter == 0.0 { scaled } else { scaled + inter };
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn select(condition: &[i64], then: &[u64], otherwise: &[u64], to: &mut [u64]) {
    let choices = condition.iter().zip(then.iter().zip(otherwise));
    for (t, (&c, (&a, &b))) in to.iter_mut().zip(choices) {
        *t = if c == 0 { b } else { a };
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{assert_bits, bytes, eval, run};
    use super::{BATCH, BATCH_BYTES, BinaryOp, Overflow, ProgramBuilder, Slot, UnaryOp};
    use crate::dtype::{DType, Element};

    #[test]
    fn a_chain_of_a_hundred_steps_works_in_a_handful_of_registers() {
        let mut builder = ProgramBuilder::default();
        let x = builder.load(0, DType::F64);
        let mut value = x;
        for k in 0..100 {
            let k = builder.float(f64::from(k), DType::F64);
            value = builder.binary(BinaryOp::Add, value, k, DType::F64);
        }
        let value = builder.binary(BinaryOp::Subtract, value, x, DType::F64);
        builder.output(value, DType::F64);
        let program = builder.build();
        assert!(program.register_bytes() <= 5 * BATCH_BYTES as u64, "{}", program.registers);
        let input: Vec<f64> = (0..BATCH + 3).map(|k| k as f64).collect();
        let found = run::<f64>(&program, &[&bytes(&input)], input.len()).unwrap().remove(0);
        assert_eq!(found, vec![4950.0; BATCH + 3]);
    }

    #[test]
    fn the_same_step_is_made_once_and_an_unused_one_never() {
        let mut builder = ProgramBuilder::default();
        let square = |b: &mut ProgramBuilder| {
            let x = b.load(0, DType::I16);
            let two = b.int(2, DType::I16);
            b.binary(BinaryOp::Power, x, two, DType::I16)
        };
        let (a, b) = (square(&mut builder), square(&mut builder));
        assert_eq!(a, b);
        let unused = builder.load(1, DType::F64);
        builder.unary(UnaryOp::Exp, unused, DType::F64);
        let sum = builder.binary(BinaryOp::Add, a, b, DType::I16);
        builder.output(sum, DType::I16);
        let program = builder.build();
        // Load, square, add: neither the exponent nor the other input is there.
        assert_eq!(program.steps.len(), 3);
        let found = run::<i16>(&program, &[&bytes(&[3_i16, -5])], 2).unwrap().remove(0);
        assert_eq!(found, [18, 50]);
    }

    #[test]
    fn several_outputs_come_in_order_and_may_be_one_value() {
        let mut builder = ProgramBuilder::default();
        let x = builder.load(0, DType::F64);
        let root = builder.unary(UnaryOp::Sqrt, x, DType::F64);
        for slot in [root, x, root] {
            builder.output(slot, DType::F64);
        }
        let program = builder.build();
        let found = run::<f64>(&program, &[&bytes(&[4.0, 9.0])], 2).unwrap();
        assert_eq!(found, [[2.0, 3.0], [4.0, 9.0], [2.0, 3.0]]);
    }

    #[test]
    fn an_output_may_be_wider_than_its_value() {
        assert_eq!(eval::<i16, f64>(&[-3], &[], |_, x, _| x), [-3.0]);
        assert_eq!(eval::<f32, f64>(&[0.1], &[], |_, x, _| x), [f64::from(0.1_f32)]);
        assert_eq!(eval::<bool, i64>(&[true], &[], |_, x, _| x), [1]);
        assert_eq!(eval::<u64, f64>(&[u64::MAX], &[], |_, x, _| x), [u64::MAX as f64]);
        assert_eq!(eval::<u32, i64>(&[u32::MAX], &[], |_, x, _| x), [i64::from(u32::MAX)]);
    }

    #[test]
    fn every_type_comes_out_as_it_went_in() {
        fn check<T: Element>(values: &[T]) {
            assert_eq!(eval::<T, T>(values, &[], |_, x, _| x), values);
        }
        check(&[true, false]);
        check(&[0_u8, 255]);
        check(&[-128_i8, 127]);
        check(&[0_u16, 65535]);
        check(&[-32768_i16, 32767]);
        check(&[0, u32::MAX]);
        check(&[i32::MIN, i32::MAX]);
        check(&[0, u64::MAX]);
        check(&[i64::MIN, i64::MAX]);
        check(&[f32::MIN_POSITIVE, -0.0, f32::INFINITY]);
        check(&[f64::MIN_POSITIVE, -0.0, f64::INFINITY]);
    }

    #[test]
    fn any_byte_but_zero_is_loaded_as_true() {
        let flags = |dtype| {
            let mut builder = ProgramBuilder::default();
            let x = builder.load(0, DType::Bool);
            let x = builder.cast(x, dtype, Overflow::Refuse);
            builder.output(x, dtype);
            builder.build()
        };
        let stored = bytes(&[0_u8, 1, 2, 255]);
        let found = run::<bool>(&flags(DType::Bool), &[&stored], 4).unwrap();
        assert_eq!(found, [[false, true, true, true]]);
        let found = run::<f64>(&flags(DType::F64), &[&stored], 4).unwrap();
        assert_eq!(found, [[0.0, 1.0, 1.0, 1.0]]);
    }

    #[test]
    fn what_lies_as_in_a_register_is_read_where_it_lies_and_an_integer_loaded_as_a_float() {
        let mut builder = ProgramBuilder::default();
        let (x, mean) = (builder.load(0, DType::I16), builder.load(1, DType::F64));
        let x = builder.cast(x, DType::F64, Overflow::Refuse);
        let less = builder.binary(BinaryOp::Subtract, x, mean, DType::F64);
        let both = builder.binary(BinaryOp::Multiply, less, mean, DType::F64);
        builder.output(both, DType::F64);
        let program = builder.build();
        // Load, subtract, multiply, in two registers.
        assert_eq!((program.steps.len(), program.registers), (3, 2));
        let values: Vec<i16> = (0..BATCH as i16 + 9).map(|k| k - 500).collect();
        let means: Vec<f64> = values.iter().map(|&v| f64::from(v % 7) + 0.5).collect();
        let inputs = [bytes(&values), bytes(&means)];
        let found =
            run::<f64>(&program, &[&inputs[0], &inputs[1]], values.len()).unwrap().remove(0);
        let twin = values.iter().zip(&means).map(|(&v, m)| (f64::from(v) - m) * m);
        assert_eq!(found, twin.collect::<Vec<f64>>());
        // A number seen as another type first is not what is stored.
        let found = eval::<u64, f64>(&[u64::MAX], &[], |b, x, _| {
            let wrapped = b.cast(x, DType::I64, Overflow::Wrap);
            b.cast(wrapped, DType::F64, Overflow::Refuse)
        });
        assert_eq!(found, [-1.0]);
    }

    #[test]
    fn select_takes_from_either_side() {
        // np.where([True, False], [1.5, nan], [nan, -0.0]), numpy 2.4.6
        let pick = |b: &mut ProgramBuilder, x: Slot, y: Slot| {
            let known = b.unary(UnaryOp::IsNan, y, DType::Bool);
            b.select(known, x, y, DType::F64)
        };
        assert_bits(&eval(&[1.5, f64::NAN], &[f64::NAN, -0.0], pick), &[1.5, -0.0]);
    }

    #[test]
    fn a_step_may_read_one_register_twice() {
        let twice = |b: &mut ProgramBuilder, x: Slot, _| b.binary(BinaryOp::Add, x, x, DType::U8);
        assert_eq!(eval::<u8, u8>(&[1, 200], &[], twice), [2, 144]);
    }

    #[test]
    fn casts_between_types_of_one_register_are_free() {
        let mut builder = ProgramBuilder::default();
        let x = builder.load(0, DType::I16);
        let wide = builder.cast(x, DType::I64, Overflow::Refuse);
        assert_eq!((wide.at, wide.dtype), (x.at, DType::I64));
        let y = builder.load(1, DType::F32);
        assert_eq!(builder.cast(y, DType::F64, Overflow::Refuse).at, y.at);
        assert_ne!(builder.cast(x, DType::U16, Overflow::Refuse).at, x.at);
        assert_ne!(builder.cast(wide, DType::Bool, Overflow::Wrap).at, x.at);
    }

    #[test]
    fn rescaling_leaves_out_a_factor_of_one_and_a_term_of_zero() {
        assert_bits(&eval::<i16, f64>(&[3], &[], |b, x, _| b.rescale(x, 2.0, -1.0)), &[5.0]);
        assert_bits(&eval::<f64, f64>(&[-0.0], &[], |b, x, _| b.rescale(x, 2.0, 0.0)), &[-0.0]);
        assert_bits(&eval::<f64, f64>(&[-0.0], &[], |b, x, _| b.rescale(x, 1.0, 0.0)), &[-0.0]);
    }
}
