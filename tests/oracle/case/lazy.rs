//! The lazy array of a node.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Rem, Sub};

use voxstore::{
    Axes, LazyArray, Operand, Overflow, ReduceOptions, arange, concatenate, full, stack, where_,
};

use super::{Node, with_type};
use crate::twin::{
    Binary, Blockwise, Fit, Fitting, Lanewise, Number, Options, Reduction, Structure, Unary,
};

/// One node over lazy arrays made before.
pub(crate) fn lazy(node: &Node, made: &[LazyArray], sources: &[LazyArray]) -> LazyArray {
    let list = |of: &[usize]| -> Vec<LazyArray> { of.iter().map(|&i| made[i].clone()).collect() };
    match node {
        Node::Source(index) => sources[*index].clone(),
        Node::Full(dtype, shape, value) => {
            with_type!(*dtype, T => full(shape, <T as voxstore::Element>::from_i64((*value).into())))
        }
        Node::Arange(dtype, start, stop, step) => {
            let parts = if dtype.is_float() { 4.0 } else { 1.0 };
            let of = |v: i8| f64::from(v) / parts;
            with_type!(*dtype, T => {
                let [a, b, c] = [*start, *stop, *step].map(of).map(<T as voxstore::Element>::from_f64);
                arange(a, b, c)
            })
        }
        Node::Structure(how, of) => structure(how, &made[*of]),
        Node::Concatenate(of, axis) => concatenate(&list(of), *axis),
        Node::Stack(of, axis) => stack(&list(of), *axis),
        Node::Unary(op, of) => unary(*op, &made[*of]),
        Node::Clip(of, low, high) => made[*of].clip(operand(*low), operand(*high)),
        Node::Cast(of, dtype, fitting) => match fitting {
            Fitting::Refuse => made[*of].astype(*dtype),
            Fitting::Wrap => made[*of].astype_with(*dtype, Overflow::Wrap),
            Fitting::Saturate => made[*of].astype_with(*dtype, Overflow::Saturate),
        },
        Node::Binary(op, left, right) => binary(*op, &made[*left], &made[*right]),
        Node::WithNumber(op, of, number, left) => with_number(*op, &made[*of], *number, *left),
        Node::Where(condition, then, otherwise) => {
            let otherwise = match otherwise {
                Ok(index) => Operand::from(&made[*index]),
                Err(number) => operand(*number),
            };
            where_(&made[*condition], &made[*then], otherwise)
        }
        Node::Reduce(op, of, axes, options) => {
            let mut wanted = ReduceOptions::new().ddof(options.ddof);
            if options.keepdims {
                wanted = wanted.keepdims();
            }
            if options.skip_nan {
                wanted = wanted.skip_nan();
            }
            if let Some(mask) = options.mask {
                wanted = wanted.mask(&made[mask]);
            }
            reduce(*op, &made[*of], axes.as_deref(), wanted, options)
        }
        Node::Group(op, of, axis, labels, ddof) => {
            let groups = made[*of].group_by(*axis, labels);
            match op {
                Reduction::Sum => groups.sum(),
                Reduction::Prod => groups.prod(),
                Reduction::Mean => groups.mean(),
                Reduction::Min => groups.min(),
                Reduction::Max => groups.max(),
                Reduction::Var => groups.var(*ddof),
                _ => groups.std(*ddof),
            }
        }
        Node::Diff(of, axis) => made[*of].diff(*axis),
        Node::Project(fit, of, axis, design) => {
            let array = &made[*of];
            let rows = array.shape()[crate::twin::resolve(*axis, array.ndim())] as usize;
            let projection = array.project(*axis, design.matrix(rows).view());
            match fit {
                Fit::Coefficients => projection.coefficients(),
                Fit::ResidualSumSquares => projection.residual_sum_squares(),
                Fit::ResidualVar(ddof) => projection.residual_var(*ddof),
                Fit::ResidualStd(ddof) => projection.residual_std(*ddof),
            }
        }
        Node::MapBlocks(how, of) => blockwise(*how, &made[*of]),
        Node::MapAxis(how, of, axis) => lanewise(*how, &made[*of], *axis),
    }
}

fn axes_of(axes: Option<&[isize]>) -> Axes {
    axes.map_or_else(|| (..).into(), Axes::from)
}

fn structure(how: &Structure, array: &LazyArray) -> LazyArray {
    match how {
        Structure::Slice(slices) => array.slice(&slices[..]),
        Structure::SliceAxis(axis, start, end) => array.slice_axis(*axis, *start..*end),
        Structure::Take(indices, axis) => array.take(indices, *axis),
        Structure::Transpose(axes) => array.transpose(axes_of(axes.as_deref())),
        Structure::SwapAxes(a, b) => array.swapaxes(*a, *b),
        Structure::MoveAxis(a, b) => array.moveaxis(*a, *b),
        Structure::Squeeze(axes) => array.squeeze(axes_of(axes.as_deref())),
        Structure::ExpandDims(axis) => array.expand_dims(*axis),
        Structure::BroadcastTo(shape) => array.broadcast_to(shape),
        Structure::Flip(axes) => array.flip(axes_of(axes.as_deref())),
        Structure::Reshape(shape) => array.reshape(shape),
        Structure::Rechunk(blocks) => array.rechunk(blocks),
    }
}

fn unary(op: Unary, x: &LazyArray) -> LazyArray {
    match op {
        Unary::Negative => -x,
        Unary::Not => !x,
        Unary::Abs => x.abs(),
        Unary::Sqrt => x.sqrt(),
        Unary::Exp => x.exp(),
        Unary::Log => x.log(),
        Unary::Log10 => x.log10(),
        Unary::Log1p => x.log1p(),
        Unary::Expm1 => x.expm1(),
        Unary::Square => x.square(),
        Unary::Reciprocal => x.reciprocal(),
        Unary::Sign => x.sign(),
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => x.round(),
        Unary::Trunc => x.trunc(),
        Unary::IsNan => x.isnan(),
        Unary::IsInf => x.isinf(),
        Unary::IsFinite => x.isfinite(),
        Unary::NanToNum => x.nan_to_num(),
        Unary::Powi(power) => x.powi(power),
        Unary::Powf(power) => x.powf(power),
    }
}

fn binary(op: Binary, a: &LazyArray, b: &LazyArray) -> LazyArray {
    match op {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::Remainder => a % b,
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        _ => method(op, a, b.into()),
    }
}

fn method(op: Binary, x: &LazyArray, other: Operand) -> LazyArray {
    match op {
        Binary::FloorDivide => x.floor_divide(other),
        Binary::Equal => x.equal(other),
        Binary::NotEqual => x.not_equal(other),
        Binary::Less => x.less(other),
        Binary::LessEqual => x.less_equal(other),
        Binary::Greater => x.greater(other),
        Binary::GreaterEqual => x.greater_equal(other),
        Binary::Minimum => x.minimum(other),
        Binary::Maximum => x.maximum(other),
        Binary::Fmin => x.fmin(other),
        Binary::Fmax => x.fmax(other),
        _ => unreachable!("an operator"),
    }
}

fn operand(number: Number) -> Operand {
    match number {
        Number::I64(v) => v.into(),
        Number::I32(v) => v.into(),
        Number::U32(v) => v.into(),
        Number::F64(v) => v.into(),
        Number::F32(v) => v.into(),
        Number::Bool(v) => v.into(),
    }
}

fn with_number(op: Binary, x: &LazyArray, number: Number, array_left: bool) -> LazyArray {
    if !op.is_operator() {
        return method(op, x, operand(number));
    }
    match number {
        Number::I64(v) => arithmetic(op, x, v, array_left),
        Number::I32(v) => arithmetic(op, x, v, array_left),
        Number::U32(v) => arithmetic(op, x, v, array_left),
        Number::F64(v) => arithmetic(op, x, v, array_left),
        Number::F32(v) => arithmetic(op, x, v, array_left),
        Number::Bool(v) => logic(op, x, v, array_left),
    }
}

fn arithmetic<'a, N>(op: Binary, x: &'a LazyArray, v: N, array_left: bool) -> LazyArray
where
    N: Add<&'a LazyArray, Output = LazyArray>
        + Sub<&'a LazyArray, Output = LazyArray>
        + Mul<&'a LazyArray, Output = LazyArray>
        + Div<&'a LazyArray, Output = LazyArray>
        + Rem<&'a LazyArray, Output = LazyArray>
        + Into<Operand>,
{
    match (op, array_left) {
        (Binary::Add, true) => x + v,
        (Binary::Add, false) => v + x,
        (Binary::Subtract, true) => x - v,
        (Binary::Subtract, false) => v - x,
        (Binary::Multiply, true) => x * v,
        (Binary::Multiply, false) => v * x,
        (Binary::Divide, true) => x / v,
        (Binary::Divide, false) => v / x,
        (_, true) => x % v,
        (_, false) => v % x,
    }
}

fn logic<'a, N>(op: Binary, x: &'a LazyArray, v: N, array_left: bool) -> LazyArray
where
    N: BitAnd<&'a LazyArray, Output = LazyArray>
        + BitOr<&'a LazyArray, Output = LazyArray>
        + BitXor<&'a LazyArray, Output = LazyArray>
        + Into<Operand>,
{
    match (op, array_left) {
        (Binary::And, true) => x & v,
        (Binary::And, false) => v & x,
        (Binary::Or, true) => x | v,
        (Binary::Or, false) => v | x,
        (_, true) => x ^ v,
        (_, false) => v ^ x,
    }
}

fn reduce(
    op: Reduction,
    x: &LazyArray,
    axes: Option<&[isize]>,
    wanted: ReduceOptions,
    options: &Options,
) -> LazyArray {
    let axes = axes_of(axes);
    let plain = !options.keepdims && !options.skip_nan && options.mask.is_none();
    match op {
        Reduction::Sum if plain => x.sum(axes),
        Reduction::Sum => x.sum_with(axes, wanted),
        Reduction::Prod => x.prod_with(axes, wanted),
        Reduction::Mean if plain => x.mean(axes),
        Reduction::Mean => x.mean_with(axes, wanted),
        Reduction::Var if plain && options.ddof == 0 => x.var(axes),
        Reduction::Var => x.var_with(axes, wanted),
        Reduction::Std if plain && options.ddof == 0 => x.std(axes),
        Reduction::Std => x.std_with(axes, wanted),
        Reduction::Min => x.min_with(axes, wanted),
        Reduction::Max => x.max_with(axes, wanted),
        Reduction::Ptp => x.ptp_with(axes, wanted),
        Reduction::ArgMin => x.argmin_with(axes, wanted),
        Reduction::ArgMax => x.argmax_with(axes, wanted),
        Reduction::Any => x.any_with(axes, wanted),
        Reduction::All => x.all_with(axes, wanted),
        Reduction::CountNonzero => x.count_nonzero_with(axes, wanted),
        Reduction::Median => x.median_with(axes, wanted),
        Reduction::Quantile(q) => x.quantile_with(q, axes, wanted),
        Reduction::Histogram(first, width, bins) => {
            x.histogram_with(&Reduction::edges(first, width, bins), axes, wanted)
        }
    }
}

fn blockwise(how: Blockwise, x: &LazyArray) -> LazyArray {
    match how {
        Blockwise::Line => x.map_blocks::<f64, f64>("line", 0, |block, mut out| {
            out.zip_mut_with(&block, |o, v| *o = 2.0 * v + 1.0);
        }),
        Blockwise::Above => x.map_blocks::<f64, bool>("above", 0, |block, mut out| {
            out.zip_mut_with(&block, |o, v| *o = *v > 3.0);
        }),
    }
}

fn lanewise(how: Lanewise, x: &LazyArray, axis: isize) -> LazyArray {
    let len = x.shape()[crate::twin::resolve(axis, x.ndim())];
    match how {
        Lanewise::Reverse => x.map_axis::<f64, f64>("reverse", axis, len, 0, |series, mut out| {
            out.iter_mut().zip(series.iter().rev()).for_each(|(o, v)| *o = *v);
        }),
        Lanewise::Ends => x.map_axis::<f64, f64>("ends", axis, 2, 0, |series, mut out| {
            out[0] = series.first().copied().unwrap_or(7.0);
            out[1] = series.last().copied().unwrap_or(7.0);
        }),
    }
}
