//! Reductions: which one, over which axes, and what type comes out.

use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::axes::Axes;
use super::node::{Labels, MapOp, Node, Op, Reduce, Scalar};
use super::pushdown::see;
use super::structure::broadcast;
use super::view::{AxisView, View};
use crate::dtype::DType;
use crate::grid::shape_text;
use crate::kernel::{BinaryOp, ReduceOp, UnaryOp};

/// How a reduction is done where the default is not wanted.
#[derive(Clone, Debug, Default)]
pub struct ReduceOptions {
    ddof: u64,
    keepdims: bool,
    skip_nan: bool,
    mask: Option<LazyArray>,
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

    /// Leaves NaN out, as numpy's `nanmean` and its like. Where nothing is left: sum 0, product 1,
    /// NaN for the others, and an error for `argmin` and `argmax`.
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

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident $with:ident $op:expr;)*) => {
        impl LazyArray {$(
            $(#[$doc])*
            #[must_use]
            #[track_caller]
            pub fn $name(&self, axes: impl Into<Axes>) -> Self {
                self.$with(axes, ReduceOptions::new())
            }

            #[doc = concat!("[`", stringify!($name), "`](Self::", stringify!($name), ") with options.")]
            #[must_use]
            #[track_caller]
            pub fn $with(&self, axes: impl Into<Axes>, options: ReduceOptions) -> Self {
                let op: fn(&ReduceOptions) -> ReduceOp = $op;
                self.reduce(stringify!($name), op(&options), &axes.into(), &options)
            }
        )*}
    };
}

reductions! {
    /// Sum over axes. Integers are summed exactly and give `int64` (`uint64` for unsigned ones; a sum
    /// beyond that is an error, never a wrapped number); floats add in `f64`. NaN gives NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_i16, 2], [3, 4]]);
    /// assert_eq!(x.sum(-1).compute::<i64>()?, array![3, 7].into_dyn());
    /// assert_eq!(x.sum(..).compute::<i64>()?, ndarray::arr0(10).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    sum sum_with |_| ReduceOp::Sum;
    /// Product over axes, typed as [`sum`](Self::sum); an integer product beyond 64 bits is an error.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_i16, 2], [3, 4]]);
    /// assert_eq!(x.prod(0).compute::<i64>()?, array![3, 8].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    prod prod_with |_| ReduceOp::Prod;
    /// Mean over axes: `float64` (`float32` for `float32`), summed in `f64` or exactly. NaN gives
    /// NaN; so does an axis of length 0.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_i16, 2], [3, 4]]);
    /// assert_eq!(x.mean([0, 1]).compute::<f64>()?, ndarray::arr0(2.5).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    mean mean_with |_| ReduceOp::Mean;
    /// Population variance over axes (ddof 0, as numpy). One pass, shared with `mean` and `std` of the
    /// same array. NaN and infinities give NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// # use voxstore::ReduceOptions;
    /// let x = voxstore::from_ndarray(array![1.0, 3.0]);
    /// assert_eq!(x.var(-1).compute::<f64>()?, ndarray::arr0(1.0).into_dyn());
    /// let sample = x.var_with(-1, ReduceOptions::new().ddof(1));
    /// assert_eq!(sample.compute::<f64>()?, ndarray::arr0(2.0).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    var var_with |options| ReduceOp::Var { ddof: options.ddof };
    /// Population standard deviation over axes (ddof 0, as numpy). Exactly 0 where all samples are
    /// equal.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1.0, 3.0], [2.0, 2.0]]);
    /// assert_eq!(x.std(-1).compute::<f64>()?, array![1.0, 0.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    std std_with |options| ReduceOp::Std { ddof: options.ddof };
    /// Smallest element over axes, of the array's type. NaN gives NaN; axes of length 0 are refused.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_u8, 2], [3, 0]]);
    /// assert_eq!(x.min(-1).compute::<u8>()?, array![1, 0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    min min_with |_| ReduceOp::Min;
    /// Largest element over axes, of the array's type. NaN gives NaN; axes of length 0 are refused.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1_u8, 2], [3, 0]]);
    /// assert_eq!(x.max(..).compute::<u8>()?, ndarray::arr0(3).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    max max_with |_| ReduceOp::Max;
    /// Index of the smallest element along one axis, or over all of them (`..`) counted in C order, as
    /// `int64`. The first one of equals; the first NaN where there is one.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[5, 2, 2], [3, 4, 1]]);
    /// assert_eq!(x.argmin(-1).compute::<i64>()?, array![1, 2].into_dyn());
    /// assert_eq!(x.argmin(..).compute::<i64>()?, ndarray::arr0(5).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    argmin argmin_with |_| ReduceOp::ArgMin;
    /// Index of the largest element along one axis, or over all of them (`..`) counted in C order, as
    /// `int64`. The first one of equals; the first NaN where there is one.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[5, 2, 2], [3, 4, 1]]);
    /// assert_eq!(x.argmax(-1).compute::<i64>()?, array![0, 1].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    argmax argmax_with |_| ReduceOp::ArgMax;
    /// Median over axes; the mean of the middle two where there are two. Exact: every sample of a cell
    /// is held, so the plan cuts the cells into as many tiles as the memory asks for. NaN gives NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[4.0, 1.0, 3.0], [0.0, 9.0, 5.0]]);
    /// assert_eq!(x.median(-1).compute::<f64>()?, array![3.0, 5.0].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    median median_with |_| ReduceOp::Quantile { q: 0.5 };
}

impl LazyArray {
    /// Quantile `q` (0 to 1) over axes, between samples by numpy's default method (linear). Costs what
    /// [`median`](Self::median) costs; quantiles of one array share their samples.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, 2.0, 3.0, 5.0]);
    /// assert_eq!(x.quantile(0.75, -1).compute::<f64>()?, ndarray::arr0(3.5).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn quantile(&self, q: f64, axes: impl Into<Axes>) -> Self {
        self.quantile_with(q, axes, ReduceOptions::new())
    }

    /// [`quantile`](Self::quantile) with options.
    #[must_use]
    #[track_caller]
    pub fn quantile_with(&self, q: f64, axes: impl Into<Axes>, options: ReduceOptions) -> Self {
        if self.error().is_none() && !(0.0..=1.0).contains(&q) {
            let problem = format!("quantile: q is {q}; it must be from 0 to 1");
            return Self::made(Err(problem), Location::caller());
        }
        self.reduce("quantile", ReduceOp::Quantile { q }, &axes.into(), &options)
    }

    /// Largest minus smallest element over axes, of the array's type (integers wrap, as numpy's do).
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 5], [3, 0]]);
    /// assert_eq!(x.ptp(-1).compute::<i32>()?, array![4, 3].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn ptp(&self, axes: impl Into<Axes>) -> Self {
        self.ptp_with(axes, ReduceOptions::new())
    }

    /// [`ptp`](Self::ptp) with options.
    #[must_use]
    #[track_caller]
    pub fn ptp_with(&self, axes: impl Into<Axes>, options: ReduceOptions) -> Self {
        let axes = axes.into();
        let high = self.reduce("ptp", ReduceOp::Max, &axes, &options);
        high - self.reduce("ptp", ReduceOp::Min, &axes, &options)
    }

    /// True where any element over axes is not 0; NaN is not 0. `bool`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[0, 2], [0, 0]]);
    /// assert_eq!(x.any(-1).compute::<bool>()?, array![true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn any(&self, axes: impl Into<Axes>) -> Self {
        self.any_with(axes, ReduceOptions::new())
    }

    /// [`any`](Self::any) with options.
    #[must_use]
    #[track_caller]
    pub fn any_with(&self, axes: impl Into<Axes>, options: ReduceOptions) -> Self {
        self.not_zero().reduce("any", ReduceOp::Any, &axes.into(), &options)
    }

    /// True where all elements over axes are not 0; NaN is not 0. `bool`.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2], [0, 3]]);
    /// assert_eq!(x.all(-1).compute::<bool>()?, array![true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn all(&self, axes: impl Into<Axes>) -> Self {
        self.all_with(axes, ReduceOptions::new())
    }

    /// [`all`](Self::all) with options.
    #[must_use]
    #[track_caller]
    pub fn all_with(&self, axes: impl Into<Axes>, options: ReduceOptions) -> Self {
        self.not_zero().reduce("all", ReduceOp::All, &axes.into(), &options)
    }

    /// How many elements over axes are not 0, as `int64`; NaN is not 0.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2], [0, 3]]);
    /// assert_eq!(x.count_nonzero(-1).compute::<i64>()?, array![2, 1].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn count_nonzero(&self, axes: impl Into<Axes>) -> Self {
        self.count_nonzero_with(axes, ReduceOptions::new())
    }

    /// [`count_nonzero`](Self::count_nonzero) with options.
    #[must_use]
    #[track_caller]
    pub fn count_nonzero_with(&self, axes: impl Into<Axes>, options: ReduceOptions) -> Self {
        self.not_zero().reduce("count_nonzero", ReduceOp::Sum, &axes.into(), &options)
    }

    /// Counts over axes of the elements between neighbouring edges, as `numpy.histogram`: bin `k` is
    /// from `edges[k]` (within) to `edges[k + 1]` (not within; within for the last bin). NaN and what
    /// lies outside is not counted. The bins are the last axis of the result, `int64`. One pass.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[0.5, 1.0, 2.0], [0.0, 3.0, 9.0]]);
    /// let counts = x.histogram(&[0.0, 1.0, 2.0, 3.0], -1);
    /// assert_eq!(counts.compute::<i64>()?, array![[1, 1, 1], [1, 0, 1]].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn histogram(&self, edges: &[f64], axes: impl Into<Axes>) -> Self {
        self.histogram_with(edges, axes, ReduceOptions::new())
    }

    /// [`histogram`](Self::histogram) with options.
    #[must_use]
    #[track_caller]
    pub fn histogram_with(
        &self,
        edges: &[f64],
        axes: impl Into<Axes>,
        options: ReduceOptions,
    ) -> Self {
        let location = Location::caller();
        if self.error().is_some() {
            return self.clone();
        }
        let ascending = edges.len() >= 2 && edges.windows(2).all(|w| w[0] < w[1]);
        if !ascending || edges.len() > MOST_BINS + 1 || !edges.iter().all(|e| e.is_finite()) {
            let problem = format!(
                "histogram: {} edges; give 2 to {} finite ones, each above the one before",
                edges.len(),
                MOST_BINS + 1
            );
            return Self::made(Err(problem), location);
        }
        let (edges, axes): (Arc<[f64]>, Axes) = (edges.into(), axes.into());
        let counts: Vec<Self> = (0..edges.len() - 1)
            .map(|bin| {
                let op = ReduceOp::HistogramBin { edges: Arc::clone(&edges), bin };
                self.reduce("histogram", op, &axes, &options)
            })
            .collect();
        super::concat::stack(&counts, -1)
    }

    /// Which elements are not 0, as `bool`.
    fn not_zero(&self) -> Self {
        if self.error().is_some() || self.dtype() == DType::Bool {
            return self.clone();
        }
        let inputs = vec![Arc::clone(self.node()), Node::scalar(Scalar::Int(0))];
        let op = Op::Map { op: MapOp::Binary(BinaryOp::NotEqual), inputs };
        Self::from_node(Node::new(op, self.shape().to_vec(), DType::Bool))
    }

    #[track_caller]
    fn reduce(&self, name: &str, op: ReduceOp, axes: &Axes, options: &ReduceOptions) -> Self {
        let location = Location::caller();
        if self.error().is_some() {
            return self.clone();
        }
        if let Some(invalid) = options.mask.as_ref().filter(|mask| mask.error().is_some()) {
            return invalid.clone();
        }
        Self::made(try_reduce(self.node(), name, op, axes, options), location)
    }
}

const MOST_BINS: usize = 4096;

fn try_reduce(
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
    axes.iter().for_each(|&axis| shape[axis] = 1);
    let kept = (0..shape.len()).filter(|axis| !axes.contains(axis));
    let drivers = kept.map(|axis| AxisView::Run { axis, start: 0, step: 1 }).collect();
    Ok(see(&reduced, &View::new(shape, drivers)))
}

/// The elements that count, of the input's shape; `None` where all do.
fn mask_of(
    input: &Arc<Node>,
    name: &str,
    options: &ReduceOptions,
) -> Result<Option<Arc<Node>>, String> {
    let map = |op, inputs: Vec<Arc<Node>>| {
        Node::new(Op::Map { op, inputs }, input.shape.clone(), DType::Bool)
    };
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
    let nan = map(MapOp::Unary(UnaryOp::IsNan), vec![Arc::clone(input)]);
    let number = map(MapOp::Unary(UnaryOp::Invert), vec![nan]);
    Ok(Some(match mask {
        Some(mask) => map(MapOp::Binary(BinaryOp::And), vec![mask, number]),
        None => number,
    }))
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
    use ReduceOp::{All, Any, ArgMax, ArgMin, HistogramBin, Max, Min, Prod, Sum};
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
        (Min | Max | Any | All, dtype) => dtype,
        (ArgMin | ArgMax | HistogramBin { .. }, _) => DType::I64,
        (_, float) if float.is_float() => float,
        (Sum | Prod, int) if is_bool || int.is_signed_int() => DType::I64,
        (Sum | Prod, _) => DType::U64,
        _ => DType::F64,
    };
    Ok(Node::new(Op::Reduce(Reduce { op, axes, input, mask, groups }), shape, dtype))
}

impl LazyArray {
    /// Differences of neighbours along an axis, one fewer than there are elements: `x[1:] - x[:-1]`,
    /// as `numpy.diff`. Each element is still read once.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1, 4, 9]);
    /// assert_eq!(x.diff(-1).compute::<i32>()?, array![3, 5].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn diff(&self, axis: isize) -> Self {
        let later = self.slice_axis(axis, 1..);
        let earlier = self.slice_axis(axis, ..-1);
        if later.error().is_none() && self.dtype() == DType::Bool {
            return later.not_equal(earlier);
        }
        later - earlier
    }
}
