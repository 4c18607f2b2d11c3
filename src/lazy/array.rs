//! What does the handle know that a user holds?
//!
//! Shape, type, blocks, and the first mistake made. How arrays are combined is in the files beside it;
//! nothing is read or computed here.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bytesize::ByteSize;
use ndarray::SliceInfoElem;

use super::error::{LazyError, check_size};
use super::node::{MOST_DEEP, MapOp, Node, Op};
use super::pushdown::see;
use super::slice::view_of;
use super::view::{AxisView, View};
use crate::dtype::DType;
use crate::grid::{BlockGrid, saturating_count, shape_text};
use crate::run::Run;
use crate::source::Source;

/// An array that is not computed yet: an expression over runs, files and other arrays.
///
/// Shape and type are known at once; numbers come from `compute`. Axes are those of NIfTI,
/// `(x, y, z, t)`, and `-1` is the last. Cheap to clone. An expression that means nothing (shapes
/// that differ, an axis that does not exist) carries its error to `compute` and `explain`, or to
/// [`check`](Self::check).
#[derive(Clone)]
#[must_use = "an expression does nothing until it is computed"]
pub struct LazyArray {
    node: Arc<Node>,
    /// The blocks it is walked and written in, where the user has said.
    blocks: Option<Arc<[u64]>>,
}

impl LazyArray {
    /// The elements of a source, as they are stored. The way in for a source of your own; see
    /// [`Source`] for what it must promise.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use voxstore::{LazyArray, Source};
    /// # fn of(mine: impl Source + 'static) -> LazyArray {
    /// LazyArray::from_source(Arc::new(mine))
    /// # }
    /// ```
    #[track_caller]
    pub fn from_source(source: Arc<dyn Source>) -> Self {
        let node = check_size(source.name(), source.shape()).map(|()| Node::leaf(source));
        Self::made(node, Location::caller())
    }

    pub(crate) fn from_node(node: Arc<Node>) -> Self {
        Self { node, blocks: None }
    }

    /// The array of a node, or of what was wrong when it was made at `location`.
    pub(super) fn made(
        node: Result<Arc<Node>, String>,
        location: &'static Location<'static>,
    ) -> Self {
        let node = node.and_then(|node| {
            if node.depth <= MOST_DEEP {
                return Ok(node);
            }
            Err(format!(
                "the expression is more than {MOST_DEEP} operations deep; join many arrays with \
                 stack or concatenate and one reduction, or compute a part first"
            ))
        });
        Self::from_node(
            node.unwrap_or_else(|problem| Node::invalid(LazyError::at(location, problem))),
        )
    }

    /// What is made of the array's node, or what is wrong with it; errors made before stay.
    pub(super) fn derived(
        &self,
        make: impl FnOnce(&Arc<Node>) -> Result<Arc<Node>, String>,
        location: &'static Location<'static>,
    ) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        Self::made(make(&self.node), location)
    }

    /// A view of the array, or what is wrong with it; errors made before stay.
    pub(super) fn seen(
        &self,
        view: impl FnOnce(&[u64]) -> Result<View, String>,
        location: &'static Location<'static>,
    ) -> Self {
        self.derived(|node| Ok(see(node, &view(&node.shape)?)), location)
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
        saturating_count(self.shape())
    }

    /// Bytes the array would take in memory.
    pub fn nbytes(&self) -> u64 {
        self.size().saturating_mul(self.dtype().size() as u64)
    }

    /// Lengths of the blocks that the array is naturally cut into: those of its sources, or of
    /// [`rechunk`](Self::rechunk).
    pub fn block_shape(&self) -> Vec<u64> {
        let natural = || block_shape_of(&self.node);
        self.blocks.as_ref().map_or_else(natural, |blocks| blocks.to_vec())
    }

    /// Number of blocks along each axis.
    pub fn block_counts(&self) -> Vec<u64> {
        BlockGrid::new(self.shape(), &self.block_shape()).counts()
    }

    /// The blocks that [`rechunk`](Self::rechunk) asked for.
    pub(crate) fn wanted_blocks(&self) -> Option<&[u64]> {
        self.blocks.as_deref()
    }

    /// What is wrong with the expression, if anything.
    ///
    /// ```
    /// # use ndarray::array;
    /// let x = voxstore::from_ndarray(array![[1, 2], [3, 4]]);
    /// assert!(x.sum(-1).check().is_ok());
    /// let wrong = x.sum(2).check().unwrap_err().to_string();
    /// assert!(wrong.starts_with("sum: axis 2 does not exist"), "{wrong}");
    /// # Ok::<(), voxstore::Error>(())
    /// ```
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
    /// drop the axis), new axes. Axes left out are whole. As in ndarray, `a..b;-1` is `a..b` walked
    /// from its end. A view: of a file, the smallest box that holds the elements kept is read (with
    /// a step, those in between as well), and files that hold none of them are not opened.
    ///
    /// ```
    /// # use ndarray::{array, s};
    /// let x = voxstore::from_ndarray(array![[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.slice(s![-1, ..;2]).compute::<i32>()?, array![4, 6].into_dyn());
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn slice(&self, slice: impl AsRef<[SliceInfoElem]>) -> Self {
        self.seen(|shape| view_of(slice.as_ref(), shape), Location::caller())
    }

    /// The same array, in blocks of this shape (longer ones than the array are clipped): the chunks that
    /// `write_zarr` makes, and the boxes that `blocks` walks. What is
    /// computed from it stays the same; where it is read, the plan chooses the cheapest boxes for itself.
    ///
    /// ```
    /// # use ndarray::Array2;
    /// let x = voxstore::from_ndarray(Array2::<f32>::zeros((10, 6))).rechunk(&[4, 6]);
    /// assert_eq!(x.block_counts(), [3, 1]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    #[track_caller]
    pub fn rechunk(&self, block_shape: &[u64]) -> Self {
        if self.error().is_some() {
            return self.clone();
        }
        if block_shape.len() != self.ndim() || block_shape.contains(&0) {
            let problem = format!(
                "rechunk: blocks of shape {} do not fit an array of shape {}; give one length of \
                 at least 1 for each axis",
                shape_text(block_shape),
                shape_text(self.shape())
            );
            return Self::made(Err(problem), Location::caller());
        }
        let clipped = block_shape.iter().zip(self.shape()).map(|(&b, &n)| b.min(n.max(1)));
        Self { node: Arc::clone(&self.node), blocks: Some(clipped.collect()) }
    }
}

/// Block lengths along each axis: those of the source behind the elements that take most room.
pub(crate) fn block_shape_of(node: &Node) -> Vec<u64> {
    match &node.op {
        Op::Leaf { source, view } => (0..node.shape.len())
            .map(|axis| {
                let block = match view.driven_by(axis).map(|a| (a, &view.axes()[a])) {
                    Some((a, AxisView::Run { step, .. })) => {
                        source.block_shape()[a].div_ceil(step.unsigned_abs().max(1))
                    }
                    Some((a, _)) => source.block_shape()[a],
                    None => node.shape[axis],
                };
                block.clamp(1, node.shape[axis].max(1))
            })
            .collect(),
        Op::Reduce(reduce) => {
            let mut block = block_shape_of(&reduce.input);
            for &axis in reduce.axes.iter().rev() {
                match &reduce.groups {
                    Some(groups) => block[axis] = u64::from(groups.count.max(1)),
                    None => drop(block.remove(axis)),
                }
            }
            block
        }
        Op::View { view, .. } => view.shape().iter().map(|&len| len.max(1)).collect(),
        Op::Map { inputs, .. } => inputs
            .iter()
            .find(|input| input.shape == node.shape)
            .map_or_else(|| node.shape.clone(), |input| block_shape_of(input)),
        Op::Concat { inputs, .. } => block_shape_of(&inputs[0]),
        Op::Kept(_) | Op::Custom { .. } | Op::Scalar(_) | Op::Invalid(_) => {
            node.shape.iter().map(|&len| len.max(1)).collect()
        }
    }
}

impl Run {
    /// The run's true values, `(x, y, z, t)`: stored numbers with slope and intercept applied in
    /// `float64`, or the stored numbers themselves where the run has no scaling.
    ///
    /// ```
    /// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/nitime");
    /// let run = voxstore::nifti::open(format!("{folder}/fmri1.nii.gz"))?;
    /// assert_eq!(run.lazy().shape(), [10, 10, 18, 40]);
    /// # Ok::<(), voxstore::Error>(())
    /// ```
    pub fn lazy(&self) -> LazyArray {
        let raw = LazyArray::from_source(Arc::clone(self.source()));
        let scaling = self.info().scaling;
        if scaling.is_identity() || raw.error().is_some() {
            return raw;
        }
        let op = Op::Map {
            op: MapOp::Rescale { slope: scaling.slope, inter: scaling.inter },
            inputs: vec![Arc::clone(&raw.node)],
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
