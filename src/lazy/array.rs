//! The handle a user holds.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bytesize::ByteSize;
use ndarray::SliceInfoElem;

use super::error::{LazyError, check_size, resolve_axis};
use super::node::{Node, Op};
use super::slice::{cuts_of, slice_node};
use super::view::View;
use crate::dtype::DType;
use crate::grid::{BlockGrid, element_count, shape_text};
use crate::kernel::ReduceOp;
use crate::run::Run;
use crate::source::Source;

/// An array that is not computed yet: an expression over runs, files and other arrays.
///
/// Shape and type are known at once; numbers come from `compute`. Axes are those of NIfTI,
/// `(x, y, z, t)`, and `-1` is the last. Cheap to clone. An expression that means nothing (shapes
/// that differ, an axis that does not exist) carries its error to `compute` and `explain`, or to
/// [`check`](Self::check).
#[derive(Clone)]
pub struct LazyArray {
    node: Arc<Node>,
}

/// How a reduction is done where the default is not wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReduceOptions {
    ddof: u64,
}

impl ReduceOptions {
    /// numpy's defaults: ddof 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Delta degrees of freedom: var divides by `n - ddof`. 0 is the population's, 1 the sample's.
    #[must_use]
    pub fn ddof(mut self, ddof: u64) -> Self {
        self.ddof = ddof;
        self
    }
}

impl LazyArray {
    /// The elements of a source, as they are stored.
    #[track_caller]
    pub fn from_source(source: Arc<dyn Source>) -> Self {
        let location = Location::caller();
        let (shape, dtype) = (source.shape().to_vec(), source.dtype());
        if let Err(problem) = check_size(source.name(), &shape) {
            return Self::from_node(Node::invalid(LazyError::at(location, problem)));
        }
        let view = View::whole(&shape);
        Self::from_node(Node::new(Op::Leaf { source, view }, shape, dtype))
    }

    pub(crate) fn from_node(node: Arc<Node>) -> Self {
        Self { node }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Lengths of the axes; empty for a scalar or an expression that means nothing.
    pub fn shape(&self) -> &[u64] {
        &self.node.shape
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.node.dtype
    }

    /// Number of elements.
    pub fn size(&self) -> u64 {
        element_count(self.shape()).unwrap_or(u64::MAX)
    }

    /// Bytes the array would take in memory.
    pub fn nbytes(&self) -> u64 {
        self.size().saturating_mul(self.dtype().size() as u64)
    }

    /// What is wrong with the expression, if anything.
    ///
    /// # Errors
    /// The first mistake made while it was built, with its line.
    pub fn check(&self) -> Result<(), LazyError> {
        self.error().map_or(Ok(()), |error| Err(error.clone()))
    }

    pub(super) fn error(&self) -> Option<&LazyError> {
        match &self.node.op {
            Op::Invalid(error) => Some(error),
            _ => None,
        }
    }

    /// Part of the array, by ndarray's `s![]`: ranges, steps, negative ends, single indices (which
    /// drop the axis). Axes left out are whole. A view: only the elements kept are ever read.
    ///
    /// ```
    /// # use ndarray::{array, s};
    /// let x = voxstore::from_ndarray(array![[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.slice(s![-1, ..;2]).compute::<i32>()?, array![4, 6].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn slice(&self, slice: impl AsRef<[SliceInfoElem]>) -> Self {
        let location = Location::caller();
        if self.error().is_some() {
            return self.clone();
        }
        Self::from_node(match cuts_of(slice.as_ref(), self.shape()) {
            Ok(cuts) => slice_node(&self.node, &cuts),
            Err(problem) => Node::invalid(LazyError::at(location, problem)),
        })
    }

    /// The same values as `float64`, which holds all but integers beyond 2^53 exactly. Results of
    /// `float32` are rounded to `float32`; those of its `float64` are not.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![0.0_f32, 0.0, 1.0]);
    /// assert_eq!(x.to_f64().mean(-1).compute::<f64>()?, ndarray::arr0(1.0 / 3.0).into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[must_use]
    pub fn to_f64(&self) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        Self::from_node(self.node.cast(DType::F64))
    }

    /// Sum along an axis. Integers are summed exactly and give `int64` (`uint64` for unsigned ones;
    /// a sum beyond that is an error, never a wrapped number); floats add in `f64`. NaN gives NaN.
    #[must_use]
    #[track_caller]
    pub fn sum(&self, axis: isize) -> Self {
        self.reduce(ReduceOp::Sum, axis)
    }

    /// Mean along an axis: `float64` (`float32` for `float32`), summed in `f64` or exactly. NaN
    /// gives NaN; so does an axis of length 0.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, axis: isize) -> Self {
        self.reduce(ReduceOp::Mean, axis)
    }

    /// Population variance along an axis (ddof 0, as numpy). One pass, shared with `mean` and `std`
    /// of the same array. NaN and infinities give NaN.
    #[must_use]
    #[track_caller]
    pub fn var(&self, axis: isize) -> Self {
        self.reduce(ReduceOp::Var { ddof: 0 }, axis)
    }

    /// [`var`](Self::var) with another ddof.
    #[must_use]
    #[track_caller]
    pub fn var_with(&self, axis: isize, options: ReduceOptions) -> Self {
        self.reduce(ReduceOp::Var { ddof: options.ddof }, axis)
    }

    /// Population standard deviation along an axis (ddof 0, as numpy). Exactly 0 where all samples
    /// are equal.
    #[must_use]
    #[track_caller]
    pub fn std(&self, axis: isize) -> Self {
        self.reduce(ReduceOp::Std { ddof: 0 }, axis)
    }

    /// [`std`](Self::std) with another ddof.
    #[must_use]
    #[track_caller]
    pub fn std_with(&self, axis: isize, options: ReduceOptions) -> Self {
        self.reduce(ReduceOp::Std { ddof: options.ddof }, axis)
    }

    #[track_caller]
    fn reduce(&self, op: ReduceOp, axis: isize) -> Self {
        let location = Location::caller();
        if self.error().is_some() {
            return self.clone();
        }
        let axis = match resolve_axis(op.name(), axis, self.ndim()) {
            Ok(axis) => axis,
            Err(problem) => {
                return Self::from_node(Node::invalid(LazyError::at(location, problem)));
            }
        };
        let mut shape = self.shape().to_vec();
        shape.remove(axis);
        let dtype = match (&op, self.dtype()) {
            (_, float) if float.is_float() => float,
            (ReduceOp::Sum, int) if int.is_signed_int() => DType::I64,
            (ReduceOp::Sum, _) => DType::U64,
            _ => DType::F64,
        };
        let op = Op::Reduce { op, axis, input: Arc::clone(&self.node) };
        Self::from_node(Node::new(op, shape, dtype))
    }

    /// Block length along each axis, where the array is a view of one source or runs joined.
    fn block_shape(&self) -> Vec<u64> {
        fn of(node: &Node) -> Vec<u64> {
            match &node.op {
                Op::Leaf { source, view } => view
                    .source_axes()
                    .iter()
                    .zip(&node.shape)
                    .map(|(&a, &n)| source.block_shape()[a].clamp(1, n.max(1)))
                    .collect(),
                Op::Reduce { axis, input, .. } => {
                    let mut block = of(input);
                    block.remove(*axis);
                    block
                }
                Op::Binary { left, right, .. } => {
                    of(if matches!(left.op, Op::Scalar(_)) { right } else { left })
                }
                Op::Rescale { input, .. } | Op::Cast { input } => of(input),
                Op::Concat { inputs, .. } => of(&inputs[0]),
                Op::Scalar(_) | Op::Invalid(_) => Vec::new(),
            }
        }
        of(&self.node)
    }
}

impl Run {
    /// The run's true values, `(x, y, z, t)`: stored numbers with slope and intercept applied in
    /// `float64`, or the stored numbers themselves where the run has no scaling.
    pub fn lazy(&self) -> LazyArray {
        let raw = LazyArray::from_source(Arc::clone(self.source()));
        let scaling = self.info().scaling;
        if scaling.is_identity() || raw.error().is_some() {
            return raw;
        }
        let op = Op::Rescale {
            input: Arc::clone(&raw.node),
            slope: scaling.slope,
            inter: scaling.inter,
        };
        LazyArray::from_node(Node::new(op, raw.shape().to_vec(), DType::F64))
    }
}

impl fmt::Debug for LazyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.error() {
            return write!(f, "LazyArray<invalid: {error}>");
        }
        let block = self.block_shape();
        let blocks = BlockGrid::new(self.shape(), &block).len();
        write!(
            f,
            "LazyArray<shape={}, dtype={}, {blocks} block{} of {}, {}>",
            shape_text(self.shape()),
            self.dtype(),
            if blocks == 1 { "" } else { "s" },
            shape_text(&block),
            ByteSize(self.nbytes()),
        )
    }
}
