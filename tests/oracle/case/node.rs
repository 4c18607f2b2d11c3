//! One operation of an expression, over earlier ones.

use voxstore::DType;

use crate::twin::{
    Binary, Blockwise, Cells, Design, Fault, Fit, Fitting, Lanewise, Near, Number, Options,
    Reduction, Structure, Twin, Unary, resolve,
};

/// Numbers are places of earlier nodes; axes may be negative, `None` is `..`.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Source(usize),
    Full(DType, Vec<u64>, i8),
    /// Start, stop and step, in quarters for floats.
    Arange(DType, i8, i8, i8),
    Structure(Structure, usize),
    Concatenate(Vec<usize>, isize),
    Stack(Vec<usize>, isize),
    Unary(Unary, usize),
    Clip(usize, Number, Number),
    Cast(usize, DType, Fitting),
    Binary(Binary, usize, usize),
    WithNumber(Binary, usize, Number, bool),
    Where(usize, usize, Result<usize, Number>),
    Reduce(Reduction, usize, Option<Vec<isize>>, Options),
    Group(Reduction, usize, isize, Vec<usize>, u64),
    Diff(usize, isize),
    Project(Fit, usize, isize, Design),
    MapBlocks(Blockwise, usize),
    MapAxis(Lanewise, usize, isize),
}

impl Node {
    /// What it is called in the count of what occurred.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Source(_) => "leaf".to_owned(),
            Self::Full(..) => "full".to_owned(),
            Self::Arange(..) => "arange".to_owned(),
            Self::Structure(how, _) => how.name().to_owned(),
            Self::Concatenate(of, _) => format!("concatenate {}", of.len()),
            Self::Stack(..) => "stack".to_owned(),
            Self::Unary(op, _) => op.name(),
            Self::Clip(..) => "clip".to_owned(),
            Self::Cast(_, dtype, fitting) => format!("{fitting:?} to {dtype}"),
            Self::Binary(op, ..) => format!("{op:?}"),
            Self::WithNumber(op, _, _, true) => format!("{op:?} with a number"),
            Self::WithNumber(op, _, _, false) => format!("{op:?} from a number"),
            Self::Where(.., Ok(_)) => "where".to_owned(),
            Self::Where(.., Err(_)) => "where with number".to_owned(),
            Self::Reduce(op, ..) => op.name(),
            Self::Group(op, ..) => format!("{} of groups", op.name()),
            Self::Diff(..) => "diff".to_owned(),
            Self::Project(fit, ..) => format!("{fit:?}").split('(').next().unwrap().to_owned(),
            Self::MapBlocks(how, _) => format!("map_blocks {how:?}"),
            Self::MapAxis(how, ..) => format!("map_axis {how:?}"),
        }
    }

    /// The earlier nodes it is over.
    pub(crate) fn inputs(&self) -> Vec<usize> {
        match self {
            Self::Source(_) | Self::Full(..) | Self::Arange(..) => Vec::new(),
            Self::Structure(_, of)
            | Self::Unary(_, of)
            | Self::Clip(of, ..)
            | Self::Cast(of, ..)
            | Self::WithNumber(_, of, ..)
            | Self::Group(_, of, ..)
            | Self::Diff(of, _)
            | Self::Project(_, of, ..)
            | Self::MapBlocks(_, of)
            | Self::MapAxis(_, of, _) => vec![*of],
            Self::Concatenate(of, _) | Self::Stack(of, _) => of.clone(),
            Self::Binary(_, left, right) => vec![*left, *right],
            Self::Where(condition, then, otherwise) => {
                [*condition, *then].into_iter().chain(otherwise.iter().copied()).collect()
            }
            Self::Reduce(_, of, _, options) => [*of].into_iter().chain(options.mask).collect(),
        }
    }

    /// What numpy would give, where `t` are the twins of the earlier nodes.
    pub(super) fn twin(&self, t: &[Twin]) -> Result<Twin, Fault> {
        let along = |of: usize, axis: isize| resolve(axis, t[of].shape.len());
        match self {
            Self::Source(_) => unreachable!("sources come first"),
            Self::Full(dtype, shape, value) => {
                let shape: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
                let count = shape.iter().product();
                Ok(numbers(*dtype, shape, std::iter::repeat_n(i32::from(*value), count), 1.0))
            }
            Self::Arange(dtype, start, stop, step) => {
                let (start, stop, step) = (i32::from(*start), i32::from(*stop), i32::from(*step));
                let before = |v: &i32| if step > 0 { *v < stop } else { *v > stop };
                let list: Vec<i32> = std::iter::successors(Some(start), |v| Some(v + step))
                    .take_while(before)
                    .collect();
                Ok(numbers(*dtype, vec![list.len()], list.into_iter(), 4.0))
            }
            Self::Structure(how, of) => t[*of].structure(how),
            Self::Concatenate(of, axis) => {
                Ok(Twin::concatenate(&twins(t, of), along(of[0], *axis)))
            }
            Self::Stack(of, axis) => {
                Ok(Twin::stack(&twins(t, of), resolve(*axis, t[of[0]].shape.len() + 1)))
            }
            Self::Unary(op, of) => t[*of].unary(*op),
            Self::Clip(of, low, high) => t[*of].clip(*low, *high),
            Self::Cast(of, dtype, fitting) => t[*of].cast(*dtype, *fitting),
            Self::Binary(op, left, right) => Twin::binary(*op, &t[*left], &t[*right]),
            Self::WithNumber(op, of, number, left) => t[*of].with_number(*op, *number, *left),
            Self::Where(condition, then, otherwise) => {
                let otherwise = otherwise.as_ref().map(|&i| &t[i]).map_err(|&number| number);
                Twin::choose(&t[*condition], &t[*then], otherwise)
            }
            Self::Reduce(op, of, axes, options) => {
                let ndim = t[*of].shape.len();
                let all = || (0..ndim).collect();
                let mut axes: Vec<usize> = axes.as_ref().map_or_else(all, |axes| {
                    axes.iter().map(|&axis| resolve(axis, ndim)).collect()
                });
                axes.sort_unstable();
                let mask = options.mask.map(|mask| &t[mask]);
                let Options { ddof, keepdims, skip_nan, .. } = *options;
                t[*of].reduce(*op, &axes, Options { ddof, keepdims, skip_nan, mask })
            }
            Self::Group(op, of, axis, labels, ddof) => {
                t[*of].group(*op, along(*of, *axis), labels, *ddof)
            }
            Self::Diff(of, axis) => {
                let len = t[*of].shape[along(*of, *axis)] as isize;
                let part = |from, to| t[*of].structure(&Structure::SliceAxis(*axis, from, to));
                let bools = t[*of].dtype == DType::Bool;
                let op = if bools { Binary::NotEqual } else { Binary::Subtract };
                Twin::binary(op, &part(1, len)?, &part(0, (len - 1).max(0))?)
            }
            Self::Project(fit, of, axis, design) => {
                t[*of].project(*fit, along(*of, *axis), *design)
            }
            Self::MapBlocks(how, of) => t[*of].blockwise(*how),
            Self::MapAxis(how, of, axis) => t[*of].lanewise(*how, along(*of, *axis)),
        }
    }
}

fn twins<'a>(t: &'a [Twin], of: &[usize]) -> Vec<&'a Twin> {
    of.iter().map(|&i| &t[i]).collect()
}

/// Small numbers as a type; floats are `parts`ths of them.
fn numbers(dtype: DType, shape: Vec<usize>, list: impl Iterator<Item = i32>, parts: f64) -> Twin {
    match (dtype, dtype.is_float()) {
        (_, true) => {
            let near = list.map(|v| Near::exact(f64::from(v) / parts)).collect();
            Twin { shape, dtype, cells: Cells::Float(near), rounded: false }
        }
        (DType::Bool, _) => Twin::ints(shape, dtype, list.map(|v| i128::from(v != 0)).collect()),
        _ => Twin::ints(shape, dtype, list.map(i128::from).collect()),
    }
}
