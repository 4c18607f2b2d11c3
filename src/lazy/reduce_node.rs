//! What does a reduction with its options mean?
//!
//! Which elements count, and what shape and type come out. Computes nothing; names are for errors.

use std::sync::Arc;

use super::array::LazyArray;
use super::axes::Axes;
use super::node::{Labels, MapOp, Node, Op, Reduce};
use super::pushdown::see;
use super::structure::broadcast;
use super::view::View;
use crate::dtype::DType;
use crate::grid::shape_text;
use crate::kernel::{BinaryOp, QuantileMethod, ReduceOp, UnaryOp};

/// How a reduction is done where the default is not wanted.
#[derive(Clone, Debug, Default)]
pub struct ReduceOptions {
    pub(super) ddof: u64,
    keepdims: bool,
    pub(super) skip_nan: bool,
    pub(super) quantile_method: QuantileMethod,
    pub(super) mask: Option<LazyArray>,
}

impl ReduceOptions {
    /// numpy's defaults: ddof 0, reduced axes dropped, NaN counts, no mask.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::ReduceOptions;
    /// let x = voxstore::from_ndarray(array![[1.0, f64::NAN, 3.0]]);
    /// let options = ReduceOptions::new().skip_nan().keepdims();
    /// assert_eq!(x.mean_with(-1, options).compute::<f64>()?, array![[2.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Delta degrees of freedom: var divides by `n - ddof`. 0 is the population's, 1 the sample's.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::ReduceOptions;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0]]);
    /// let sample = x.var_with(-1, ReduceOptions::new().ddof(1));
    /// assert_eq!(sample.compute::<f64>()?, array![2.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    pub fn ddof(mut self, ddof: u64) -> Self {
        self.ddof = ddof;
        self
    }

    /// Leaves reduced axes in place with length 1, so that the result meets the array it came from.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::ReduceOptions;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0], [4.0, 8.0]]);
    /// let demeaned = &x - x.mean_with(-1, ReduceOptions::new().keepdims());
    /// assert_eq!(demeaned.compute::<f64>()?, array![[-1.0, 1.0], [-2.0, 2.0]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    pub fn keepdims(mut self) -> Self {
        self.keepdims = true;
        self
    }

    /// Leaves NaN out, as numpy's `nanmean` and its like. Where nothing is left: sum and counts 0,
    /// product 1, `any` false, `all` true, NaN for the others, and an error for `argmin` and `argmax`.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::ReduceOptions;
    /// let x = voxstore::from_ndarray(array![[1.0, f64::NAN], [f64::NAN, f64::NAN]]);
    /// let sums = x.sum_with(-1, ReduceOptions::new().skip_nan());
    /// assert_eq!(sums.compute::<f64>()?, array![1.0, 0.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    pub fn skip_nan(mut self) -> Self {
        self.skip_nan = true;
        self
    }

    /// What a quantile is that falls between two samples; linear where nothing is said. Only
    /// `quantile` looks at it.
    ///
    /// ```
    /// # use voxstore::{QuantileMethod, ReduceOptions};
    /// let x = voxstore::from_ndarray(ndarray::array![1.0, 2.0, 3.0, 5.0]);
    /// let lower = ReduceOptions::new().quantile_method(QuantileMethod::Lower);
    /// assert_eq!(x.quantile_with(0.75, -1, lower).compute::<f64>()?, ndarray::arr0(3.0).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    pub fn quantile_method(mut self, method: QuantileMethod) -> Self {
        self.quantile_method = method;
        self
    }

    /// Leaves out elements where the mask is false, as numpy's `where=`. A `bool` array of a shape
    /// that repeats to the array's; it is read together with the array.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::ReduceOptions;
    /// let x = voxstore::from_ndarray(array![[1, 2, 3], [4, 5, 6]]);
    /// let inside = voxstore::from_ndarray(array![true, false, true]);
    /// let sums = x.sum_with(-1, ReduceOptions::new().mask(&inside));
    /// assert_eq!(sums.compute::<i64>()?, array![4, 10].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    pub fn mask(mut self, mask: &LazyArray) -> Self {
        self.mask = Some(mask.clone());
        self
    }
}

/// The node of a reduction with its options.
pub(super) fn reduced(
    input: &Arc<Node>,
    name: &str,
    op: ReduceOp,
    axes: &Axes,
    options: &ReduceOptions,
) -> Result<Arc<Node>, String> {
    let mut axes = axes.resolve(name, input.shape.len())?;
    axes.sort_unstable();
    if matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax)
        && axes.len() > 1
        && axes.len() < input.shape.len()
    {
        return Err(format!(
            "{name}: needs one axis, or all of them (..); {} were named",
            axes.len()
        ));
    }
    let mask = mask_of(input, name, options)?;
    let scalar = input.shape.is_empty();
    let (input, mask) = if scalar {
        // A scalar is reduced over an axis that it is given.
        let line = View::new(vec![1], Vec::new());
        axes = vec![0];
        (see(input, &line), mask.map(|mask| see(&mask, &line)))
    } else if axes.is_empty() {
        return Err(format!("{name}: no axis is named; use .. for all of them"));
    } else {
        (Arc::clone(input), mask)
    };
    let reduced = reduce_node(name, op, axes.clone(), Arc::clone(&input), mask, None)?;
    if !options.keepdims || scalar {
        return Ok(reduced);
    }
    let mut shape = input.shape.clone();
    for &axis in &axes {
        shape[axis] = 1;
    }
    let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
    Ok(see(&reduced, &View::of_axes(shape, kept)))
}

/// The elements that count, of the input's shape; `None` where all do.
fn mask_of(
    input: &Arc<Node>,
    name: &str,
    options: &ReduceOptions,
) -> Result<Option<Arc<Node>>, String> {
    let mask = match options.mask.as_ref().map(LazyArray::node) {
        Some(mask) if mask.dtype != DType::Bool => {
            return Err(format!("{name}: the mask is {}; it must be bool", mask.dtype));
        }
        Some(mask) => Some(broadcast(mask, &input.shape).ok_or_else(|| {
            format!(
                "{name}: the mask of shape {} does not fit the array of shape {}",
                shape_text(&mask.shape),
                shape_text(&input.shape)
            )
        })?),
        None => None,
    };
    if !options.skip_nan || !input.dtype.is_float() {
        return Ok(mask);
    }
    Ok(Some(and_not_nan(mask.as_ref(), input)))
}

/// Which of the elements of a mask, or of all, are not NaN, as `bool`.
pub(super) fn and_not_nan(mask: Option<&Arc<Node>>, input: &Arc<Node>) -> Arc<Node> {
    let map = |op, inputs: Vec<Arc<Node>>| {
        Node::new(Op::Map { op, inputs }, input.shape.clone(), DType::Bool)
    };
    let nan = map(MapOp::Unary(UnaryOp::IsNan), vec![Arc::clone(input)]);
    let number = map(MapOp::Unary(UnaryOp::Invert), vec![nan]);
    match mask {
        Some(mask) => map(MapOp::Binary(BinaryOp::And), vec![Arc::clone(mask), number]),
        None => number,
    }
}

/// The node of a reduction, with the type that comes out.
pub(super) fn reduce_node(
    name: &str,
    op: ReduceOp,
    axes: Vec<usize>,
    input: Arc<Node>,
    mask: Option<Arc<Node>>,
    groups: Option<Labels>,
) -> Result<Arc<Node>, String> {
    use ReduceOp::{ArgMax, ArgMin, HistogramBin, Max, Min, Prod, Sum};
    let mut shape = input.shape.clone();
    let is_bool = input.dtype == DType::Bool;
    let needs_one = matches!(op, Min | Max | ArgMin | ArgMax);
    if needs_one && axes.iter().any(|&axis| shape[axis] == 0) {
        return Err(format!(
            "{name}: an axis of length 0 has no such element; the array has shape {}",
            shape_text(&shape)
        ));
    }
    for &axis in axes.iter().rev() {
        match &groups {
            Some(groups) => shape[axis] = u64::from(groups.count),
            None => drop(shape.remove(axis)),
        }
    }
    let dtype = match (&op, input.dtype) {
        (Min | Max, dtype) => dtype,
        (ArgMin | ArgMax | HistogramBin { .. }, _) => DType::I64,
        (_, float) if float.is_float() => float,
        (Sum | Prod, int) if is_bool || int.is_signed_int() => DType::I64,
        (Sum | Prod, _) => DType::U64,
        _ => DType::F64,
    };
    Ok(Node::new(Op::Reduce(Reduce { op, axes, input, mask, groups }), shape, dtype))
}
