//! Programs of one step for unit tests.

use bytemuck::checked;

use super::{BATCH, CastFault, Program, ProgramBuilder, Registers, Slot};
use crate::buffer::Buffer;
use crate::dtype::Element;

/// Bytes of the elements, aligned as a caller's buffers are.
pub(super) fn bytes<T: Element>(values: &[T]) -> Buffer {
    let mut buffer = Buffer::zeroed(size_of_val(values) as u64).unwrap();
    for (to, value) in buffer.chunks_exact_mut(size_of::<T>().max(1)).zip(values) {
        to.copy_from_slice(bytes_of_element(value));
    }
    buffer
}

fn bytes_of_element<T: Element>(value: &T) -> &[u8] {
    bytemuck::must_cast_slice(std::slice::from_ref(value))
}

pub(super) fn registers(program: &Program) -> Registers {
    Registers::new(Buffer::zeroed(program.register_bytes()).unwrap())
}

/// All outputs of a program, over inputs of any length, taken as `R`.
pub(super) fn run<R: Element>(
    program: &Program,
    inputs: &[&[u8]],
    elements: usize,
) -> Result<Vec<Vec<R>>, CastFault> {
    let mut registers = registers(program);
    let mut out = vec![Vec::new(); program.outputs.len()];
    for from in (0..elements).step_by(BATCH) {
        let len = (elements - from).min(BATCH);
        let inputs: Vec<_> = inputs.iter().map(|bytes| (*bytes, from)).collect();
        program.run(&inputs, len, &mut registers)?;
        for (index, out) in out.iter_mut().enumerate() {
            assert_eq!(program.outputs[index].dtype, R::DTYPE);
            let mut tile = Buffer::zeroed((len * size_of::<R>()) as u64).unwrap();
            program.take(index, len, &registers, &mut tile);
            out.extend_from_slice(checked::cast_slice::<u8, R>(&tile));
        }
    }
    Ok(out)
}

/// One step over inputs of one type.
pub(super) fn eval<A: Element, R: Element>(
    left: &[A],
    right: &[A],
    step: impl FnOnce(&mut ProgramBuilder, Slot, Slot) -> Slot,
) -> Vec<R> {
    eval_two(left, right, step)
}

/// One step over inputs of two types.
pub(super) fn eval_two<A: Element, B: Element, R: Element>(
    left: &[A],
    right: &[B],
    step: impl FnOnce(&mut ProgramBuilder, Slot, Slot) -> Slot,
) -> Vec<R> {
    let mut builder = ProgramBuilder::default();
    let (x, y) = (builder.load(0, A::DTYPE), builder.load(1, B::DTYPE));
    let result = step(&mut builder, x, y);
    builder.output(result, R::DTYPE);
    let inputs = [bytes(left), bytes(right)];
    run(&builder.build(), &[&inputs[0], &inputs[1]], left.len()).unwrap().remove(0)
}

/// The fault of one step.
pub(super) fn faults<A: Element>(
    values: &[A],
    step: impl FnOnce(&mut ProgramBuilder, Slot) -> Slot,
) -> Option<CastFault> {
    let mut builder = ProgramBuilder::default();
    let x = builder.load(0, A::DTYPE);
    let result = step(&mut builder, x);
    builder.output(result, result.dtype);
    let program = builder.build();
    program.run(&[(&bytes(values), 0)], values.len(), &mut registers(&program)).err()
}

/// Equal to the bit, so that -0.0 is not 0.0; any NaN is as good as another.
pub(super) fn assert_bits(found: &[f64], wanted: &[f64]) {
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let equal = found.len() == wanted.len() && found.iter().zip(wanted).all(same);
    assert!(equal, "found {found:?}, wanted {wanted:?}");
}
