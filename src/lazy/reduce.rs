//! Which reductions are there?
//!
//! Their names, each with a twin that takes options. Which elements count and what type comes out is in
//! `reduce_node`, how it is computed in `kernel`.

use std::panic::Location;
use std::sync::Arc;

use super::array::LazyArray;
use super::axes::Axes;
use super::concat::stack;
use super::node::{MapOp, Node, Op, Scalar};
use super::reduce_node::{ReduceOptions, and_not_nan, reduced};
use crate::dtype::DType;
use crate::kernel::{BinaryOp, ReduceOp};

// A method and its twin with options for each entry: of a reduction as it is, by its operation; of
// anything else, with its argument and what is made of the array, the axes and the options.
macro_rules! reductions {
    ($(
        $(#[$doc:meta])*
        $name:ident $with:ident($($arg:ident: $type:ty)?) |$x:ident, $axes:ident, $options:ident| $made:expr;
    )*) => {
        impl LazyArray {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, $($arg: $type,)? axes: impl Into<Axes>) -> Self {
                self.$with($($arg,)? axes, ReduceOptions::new())
            }

            #[doc = concat!("[`", stringify!($name), "`](Self::", stringify!($name), ") with options.")]
            #[track_caller]
            pub fn $with(
                &self,
                $($arg: $type,)?
                axes: impl Into<Axes>,
                options: ReduceOptions,
            ) -> Self {
                let ($x, $axes, $options) = (self, &axes.into(), &options);
                $made
            }
        )*}
    };
    ($($(#[$doc:meta])* $name:ident $with:ident $op:expr;)*) => {
        reductions! {$(
            $(#[$doc])*
            $name $with() |x, axes, options| {
                let op: fn(&ReduceOptions) -> ReduceOp = $op;
                x.reduce(stringify!($name), op(options), axes, options)
            };
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
    median median_with |_| ReduceOp::MEDIAN;
    /// Median absolute deviation over axes: the median of the distances from the median, not scaled
    /// (times 1.4826 it estimates a normal deviation). Costs what [`median`](Self::median) costs and
    /// shares its samples. NaN gives NaN.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, 2.0, 3.0, 4.0, 100.0]);
    /// assert_eq!(x.mad(-1).compute::<f64>()?, ndarray::arr0(1.0).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    mad mad_with |_| ReduceOp::Mad;
}

reductions! {
    /// Quantile `q` (0 to 1) over axes, between samples by numpy's default method (linear), or
    /// [another](ReduceOptions::quantile_method). Costs what [`median`](Self::median) costs; quantiles
    /// of one array share their samples.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![1.0, 2.0, 3.0, 5.0]);
    /// assert_eq!(x.quantile(0.75, -1).compute::<f64>()?, ndarray::arr0(3.5).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    quantile quantile_with(q: f64) |x, axes, options| {
        if (0.0..=1.0).contains(&q) || x.error().is_some() {
            let op = ReduceOp::Quantile { q, method: options.quantile_method };
            x.reduce("quantile", op, axes, options)
        } else {
            let problem = format!("quantile: q is {q}; it must be from 0 to 1");
            Self::made(Err(problem), Location::caller())
        }
    };
    /// Largest minus smallest element over axes, of the array's type (integers wrap, as numpy's do).
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 5], [3, 0]]);
    /// assert_eq!(x.ptp(-1).compute::<i32>()?, array![4, 3].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    ptp ptp_with() |x, axes, options| {
        let high = x.reduce("ptp", ReduceOp::Max, axes, options);
        high - x.reduce("ptp", ReduceOp::Min, axes, options)
    };
    /// True where any element over axes is not 0; NaN is not 0. `bool`; false where there is none.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[0, 2], [0, 0]]);
    /// assert_eq!(x.any(-1).compute::<bool>()?, array![true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    any any_with() |x, axes, options| {
        x.count("any", BinaryOp::NotEqual, axes, options).versus_zero(BinaryOp::NotEqual)
    };
    /// True where all elements over axes are not 0; NaN is not 0. `bool`; true where there is none.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2], [0, 3]]);
    /// assert_eq!(x.all(-1).compute::<bool>()?, array![true, false].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    all all_with() |x, axes, options| {
        x.count("all", BinaryOp::Equal, axes, options).versus_zero(BinaryOp::Equal)
    };
    /// How many elements over axes are not 0, as `int64`; NaN is not 0.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2], [0, 3]]);
    /// assert_eq!(x.count_nonzero(-1).compute::<i64>()?, array![2, 1].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    count_nonzero count_nonzero_with() |x, axes, options| {
        x.count("count_nonzero", BinaryOp::NotEqual, axes, options)
    };
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
    histogram histogram_with(edges: &[f64]) |x, axes, options| {
        x.counts(edges, axes, options)
    };
}

impl LazyArray {
    /// How many elements over axes lie between neighbouring edges.
    #[track_caller]
    fn counts(&self, edges: &[f64], axes: &Axes, options: &ReduceOptions) -> Self {
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
            return Self::made(Err(problem), Location::caller());
        }
        let edges: Arc<[f64]> = edges.into();
        let counts: Vec<Self> = (0..edges.len() - 1)
            .map(|bin| {
                let op = ReduceOp::HistogramBin { edges: Arc::clone(&edges), bin };
                self.reduce("histogram", op, axes, options)
            })
            .collect();
        stack(&counts, -1)
    }

    /// How many elements over axes compare so with 0. NaN that is skipped is no element.
    #[track_caller]
    fn count(&self, name: &str, op: BinaryOp, axes: &Axes, options: &ReduceOptions) -> Self {
        let mut counted = self.versus_zero(op);
        // What the comparison gives is never NaN: it is left out before.
        if options.skip_nan && self.error().is_none() && self.dtype().is_float() {
            counted = Self::from_node(and_not_nan(Some(counted.node()), self.node()));
        }
        counted.reduce(name, ReduceOp::Sum, axes, options)
    }

    /// Which elements compare so with 0, as `bool`.
    fn versus_zero(&self, op: BinaryOp) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        let inputs = vec![Arc::clone(self.node()), Node::scalar(Scalar::Int(0))];
        let op = Op::Map { op: MapOp::Binary(op), inputs };
        Self::from_node(Node::new(op, self.shape().to_vec(), DType::Bool))
    }

    #[track_caller]
    fn reduce(&self, name: &str, op: ReduceOp, axes: &Axes, options: &ReduceOptions) -> Self {
        match &options.mask {
            Some(mask) if self.error().is_none() && mask.error().is_some() => mask.clone(),
            _ => self.derived(|node| reduced(node, name, op, axes, options), Location::caller()),
        }
    }
}

const MOST_BINS: usize = 4096;
