//! From a request and its runs to a lazy array, for `reduce` and `explain reduce` alike.

use anyhow::Result;
use voxstore::jobs::{Joined, join, mask_for};
use voxstore::nifti;
use voxstore::{DType, LazyArray, ReduceOptions, Run, stack, where_};

use super::request::{Form, Request};
use crate::args::{AxisArg, OpArg};
use crate::inputs;

/// Runs that are open, and what is to be computed from them.
pub(crate) struct Expression {
    pub(crate) runs: Vec<Run>,
    pub(crate) mask: Option<Run>,
    /// Of the type that is written, or printed.
    pub(crate) array: LazyArray,
    /// Shape of the runs joined, `(x, y, z, t)`.
    pub(crate) whole_shape: Vec<u64>,
    pub(crate) warnings: Vec<String>,
}

impl Expression {
    /// Opens the runs and builds the reduction; reads headers only.
    pub(crate) fn of(request: &Request<'_>) -> Result<Self> {
        let what = request.what;
        let options = what.reading.options();
        let runs = inputs::runs_to_join(&what.inputs, &what.runs, options)?.runs;
        let open = |path| nifti::open_with(path, options);
        let mask = what.mask.as_ref().map(open).transpose()?;
        let Joined { array, warnings } = join(&runs)?;
        let inside = mask.as_ref().map(|mask| mask_for(&runs[0], mask));
        let inside = inside.transpose()?;
        let whole_shape = array.shape().to_vec();
        let mut array = reduced(request, &array, inside.as_ref());
        if request.form == Form::Image && request.reduces(AxisArg::T) {
            array = array.squeeze(-1);
        }
        array.check()?;
        Ok(Self { runs, mask, array, whole_shape, warnings })
    }
}

fn reduced(request: &Request<'_>, values: &LazyArray, inside: Option<&LazyArray>) -> LazyArray {
    let mut options = ReduceOptions::new().ddof(request.what.ddof.unwrap_or(0));
    if request.what.skip_nan {
        options = options.skip_nan();
    }
    if request.form == Form::Image {
        options = options.keepdims();
    }
    match inside {
        // A mask has no time: over time alone, a voxel is inside with all its samples or with none.
        Some(inside) if request.form == Form::Map => {
            let result = as_number(&apply(request, values, options));
            let of_map = inside.squeeze(-1);
            let inside = if result.ndim() == 3 { &of_map } else { inside };
            written(request, &where_(inside, &result, 0))
        }
        Some(inside) => {
            // Where the mask leaves nothing, floats have NaN; integers have no answer.
            let needs_nan = matches!(request.what.op, OpArg::Min | OpArg::Max);
            let values = if needs_nan { &values.to_f64() } else { values };
            written(request, &apply(request, values, options.mask(inside)))
        }
        None => written(request, &apply(request, values, options)),
    }
}

fn apply(request: &Request<'_>, values: &LazyArray, options: ReduceOptions) -> LazyArray {
    let what = request.what;
    let axes: Vec<isize> = request.axes.iter().map(|&axis| axis as isize).collect();
    let edges = what.edges.as_deref().unwrap_or_default();
    // float32 would be rounded after the reduction and before it is written.
    let wide = || if values.dtype() == DType::F32 { values.to_f64() } else { values.clone() };
    match what.op {
        OpArg::Sum => wide().sum_with(axes, options),
        OpArg::Prod => wide().prod_with(axes, options),
        OpArg::Mean => wide().mean_with(axes, options),
        OpArg::Var => wide().var_with(axes, options),
        OpArg::Std => wide().std_with(axes, options),
        OpArg::Min => values.min_with(axes, options),
        OpArg::Max => values.max_with(axes, options),
        // The difference of two integers need not fit their type.
        OpArg::Ptp => {
            let high = values.max_with(axes.clone(), options.clone()).to_f64();
            high - values.min_with(axes, options).to_f64()
        }
        OpArg::Argmin => values.argmin_with(axes, options),
        OpArg::Argmax => values.argmax_with(axes, options),
        OpArg::Any => values.any_with(axes, options),
        OpArg::All => values.all_with(axes, options),
        OpArg::CountNonzero => values.count_nonzero_with(axes, options),
        OpArg::Median => values.median_with(axes, options),
        OpArg::Mad => wide().mad_with(axes, options),
        OpArg::Quantile => {
            let options = match what.quantile_method {
                Some(method) => options.quantile_method(method.into()),
                None => options,
            };
            let one = |&q: &f64| values.quantile_with(q, axes.clone(), options.clone());
            match &what.q[..] {
                [q] => one(q),
                several => stack(&several.iter().map(one).collect::<Vec<_>>(), -1),
            }
        }
        OpArg::Histogram => values.histogram_with(edges, axes, options),
    }
}

/// True is 1.
fn as_number(array: &LazyArray) -> LazyArray {
    if array.dtype() == DType::Bool { array.astype(DType::U8) } else { array.clone() }
}

/// The result in the type it is written or printed in.
fn written(request: &Request<'_>, result: &LazyArray) -> LazyArray {
    let natural = result.dtype();
    let wanted = match request.form {
        Form::Table if natural == DType::Bool || natural == DType::U64 => natural,
        Form::Table if natural.is_float() => DType::F64,
        Form::Table => DType::I64,
        Form::Map | Form::Image => {
            request.what.dtype.unwrap_or(usual_type(request.what.op, natural))
        }
    };
    if natural == wanted {
        return result.clone();
    }
    let whole = natural.is_float() && !wanted.is_float();
    if whole { result.round().astype(wanted) } else { result.astype(wanted) }
}

/// The type of voxels where none is asked for.
fn usual_type(op: OpArg, natural: DType) -> DType {
    use OpArg::{All, Any, Argmax, Argmin, CountNonzero, Histogram, Max, Min, Prod, Sum};
    match op {
        Any | All => DType::U8,
        Argmin | Argmax | CountNonzero | Histogram => DType::I32,
        Sum | Prod => DType::F64,
        Min | Max if !natural.is_float() => natural,
        _ => DType::F32,
    }
}
