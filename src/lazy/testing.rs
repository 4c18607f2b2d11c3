//! What do expressions look like in tests?
//!
//! Small sources of numbered elements, expressions as one line of text, and their elements one by one,
//! by the plainest rules: the twin that everything clever is compared with.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use std::sync::{Arc, Mutex};

use ndarray::ArrayD;

use super::node::{MapOp, Node, Op, Reduce, Scalar};
use super::view::{AxisView, View};
use super::{LazyArray, MemorySource};
use crate::dtype::{DType, Element};
use crate::grid::{Region, element_count};
use crate::kernel::{BinaryOp, ReduceOp, UnaryOp};
use crate::source::{Access, RegionStream, Source, SourceError, Stream, StreamOptions};

/// An `int16` source whose element number `k` in memory order is `k`; remembers what was read.
#[derive(Debug)]
pub(crate) struct Numbered {
    memory: MemorySource,
    access: Access,
    block: Vec<u64>,
    pub(crate) reads: Mutex<Vec<Region>>,
}

/// What such a source takes for itself.
pub(crate) const SCRATCH_BYTES: u64 = 1000;

impl Numbered {
    /// A file in blocks of this shape.
    pub(crate) fn file(name: &str, shape: &[u64], block: &[u64]) -> Arc<Self> {
        Self::new(name, shape, block, Access::Random)
    }

    /// A stream of volumes.
    pub(crate) fn stream(name: &str, shape: &[u64]) -> Arc<Self> {
        let mut volume = shape.to_vec();
        volume[shape.len() - 1] = 1;
        Self::new(name, shape, &volume, Access::Sequential)
    }

    fn new(name: &str, shape: &[u64], block: &[u64], access: Access) -> Arc<Self> {
        let memory = MemorySource::empty(name, shape, DType::I16);
        memory.allocate().unwrap();
        let count = element_count(shape).unwrap();
        let bytes: Vec<u8> = (0..count).flat_map(|k| (k as i16).to_ne_bytes()).collect();
        memory.put(&Region::whole(shape), &bytes);
        Arc::new(Self { memory, access, block: block.to_vec(), reads: Mutex::default() })
    }

    pub(crate) fn lazy(self: &Arc<Self>) -> LazyArray {
        LazyArray::from_source(Arc::clone(self) as Arc<dyn Source>)
    }
}

impl Source for Numbered {
    fn name(&self) -> &str {
        self.memory.name()
    }
    fn shape(&self) -> &[u64] {
        self.memory.shape()
    }
    fn dtype(&self) -> DType {
        DType::I16
    }
    fn access(&self) -> Access {
        self.access
    }
    fn block_shape(&self) -> &[u64] {
        &self.block
    }
    fn scratch_bytes(&self) -> u64 {
        SCRATCH_BYTES
    }
    fn stored_bytes(&self) -> u64 {
        element_count(self.shape()).unwrap() * 2
    }
    fn transport(&self) -> &'static str {
        "test"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        assert_eq!(self.access, Access::Random, "a stream is not read by region");
        self.reads.lock().unwrap().push(region.clone());
        self.memory.read(region, out)
    }

    fn stream(&self, _options: StreamOptions) -> Result<Box<dyn Stream + '_>, SourceError> {
        Ok(Box::new(RegionStream::new(&self.memory)))
    }
}

/// A numbered file of one block.
pub(crate) fn file(name: &str, shape: &[u64]) -> LazyArray {
    Numbered::file(name, shape, shape).lazy()
}

/// A numbered stream.
pub(crate) fn stream(name: &str, shape: &[u64]) -> LazyArray {
    Numbered::stream(name, shape).lazy()
}

/// The elements of an array, which must be of this type.
pub(crate) fn values<T: Element>(array: &LazyArray) -> ArrayD<T> {
    assert_eq!(array.dtype(), T::DTYPE);
    array.compute::<T>().unwrap()
}

/// An expression in one line: `mean(a[0:2, :]; 1)`.
pub(crate) fn text(node: &Arc<Node>) -> String {
    let list = |nodes: &[Arc<Node>]| nodes.iter().map(text).collect::<Vec<_>>().join(", ");
    match &node.op {
        Op::Leaf { source, view } => {
            format!("{}{}", source.name(), view_text(view, source.shape()))
        }
        Op::Scalar(value) => value.to_string(),
        Op::Map { op, inputs } => match op {
            MapOp::Unary(op) => format!("{}({})", op.name(), list(inputs)),
            MapOp::Binary(op) => format!("{}({})", op.name(), list(inputs)),
            MapOp::Where => format!("where({})", list(inputs)),
            MapOp::Rescale { slope, inter } => {
                format!("rescale({}; {slope}, {inter})", list(inputs))
            }
            MapOp::Cast(_) => format!("{}({})", node.dtype.name(), list(inputs)),
        },
        Op::Concat { inputs, axis } => format!("concat({}; {axis})", list(inputs)),
        Op::View { input, view } => format!("{}{}", text(input), view_text(view, &input.shape)),
        Op::Reduce(reduce) => reduce_text(reduce),
        Op::Custom { function, input } => format!("{}({})", function.name, text(input)),
        Op::Kept(kept) => format!("kept({})", text(&kept.words)),
        Op::Invalid(error) => format!("invalid: {error}"),
    }
}

fn reduce_text(reduce: &Reduce) -> String {
    let axes: Vec<String> = reduce.axes.iter().map(usize::to_string).collect();
    let mask = reduce.mask.as_ref().map_or(String::new(), |mask| format!("; where {}", text(mask)));
    let groups = reduce.groups.as_ref();
    let groups = groups.map_or(String::new(), |groups| format!("; {} groups", groups.count));
    let (name, input) = (reduce.op.name(), text(&reduce.input));
    format!("{name}({input}; {}{mask}{groups})", axes.join(" "))
}

/// What is shown of each axis; `@k` where that moves with axis `k` of the view and not the next one,
/// and the view's shape where that does not follow.
fn view_text(view: &View, shape: &[u64]) -> String {
    if view.is_whole(shape) {
        return String::new();
    }
    let mut next = 0;
    let mut driven = Vec::new();
    let mut at = |axis: usize| {
        let place = if axis == next { String::new() } else { format!("@{axis}") };
        next = axis + 1;
        driven.push(axis);
        place
    };
    let axes: Vec<String> = view
        .axes()
        .iter()
        .zip(shape)
        .map(|(driver, &len)| match driver {
            AxisView::At(index) => index.to_string(),
            AxisView::Run { axis, start, step } => {
                let count = view.shape()[*axis];
                let range = match (start, step) {
                    (0, 1) if count == len => ":".to_owned(),
                    (_, 1) => format!("{start}:{}", start + count),
                    _ => format!("{start}+{step}*{count}"),
                };
                range + &at(*axis)
            }
            AxisView::Pick { axis, indices } => format!("{indices:?}") + &at(*axis),
        })
        .collect();
    driven.sort_unstable();
    let plain = driven.iter().copied().eq(0..view.shape().len());
    let repeats = if plain { String::new() } else { format!(" as {:?}", view.shape()) };
    format!("[{}{repeats}]", axes.join(", "))
}

/// The index looked at behind an index of a view.
pub(crate) fn behind(view: &View, index: &[u64]) -> Vec<u64> {
    let place = |driver: &AxisView| match driver {
        AxisView::At(index) => *index,
        AxisView::Run { axis, start, step } => (*start as i64 + step * index[*axis] as i64) as u64,
        AxisView::Pick { axis, indices } => indices[index[*axis] as usize],
    };
    view.axes().iter().map(place).collect()
}

/// Every index of a box, in memory order.
pub(crate) fn indices(of: &Region) -> impl Iterator<Item = Vec<u64>> {
    (0..of.len()).map(|at| of.place(at))
}

/// One element of an expression over numbered sources, as a plain loop would compute it. Knows the few
/// operations that tests of structure use.
pub(crate) fn element(node: &Node, index: &[u64]) -> f64 {
    match &node.op {
        Op::Leaf { source, view } => {
            let index = behind(view, index);
            let shape = source.shape();
            let place = (0..shape.len()).rev().fold(0, |at, axis| at * shape[axis] + index[axis]);
            place as f64
        }
        Op::Scalar(Scalar::Bool(value)) => f64::from(u8::from(*value)),
        Op::Scalar(Scalar::Int(value)) => *value as f64,
        Op::Scalar(Scalar::Float(value)) => *value,
        Op::Map { op, inputs } => {
            let inputs: Vec<f64> = inputs.iter().map(|input| element(input, index)).collect();
            match op {
                MapOp::Binary(BinaryOp::Add) => inputs[0] + inputs[1],
                MapOp::Binary(BinaryOp::Subtract) => inputs[0] - inputs[1],
                MapOp::Binary(BinaryOp::Multiply) => inputs[0] * inputs[1],
                MapOp::Unary(UnaryOp::Negative) => -inputs[0],
                MapOp::Rescale { slope, inter } => inputs[0] * slope + inter,
                MapOp::Cast(_) => inputs[0],
                other => panic!("{other:?} has no twin"),
            }
        }
        Op::Concat { inputs, axis } => {
            let mut index = index.to_vec();
            let mut inputs = inputs.iter();
            let holds = inputs.find(|input| {
                let here = index[*axis] < input.shape[*axis];
                if !here {
                    index[*axis] -= input.shape[*axis];
                }
                here
            });
            element(holds.unwrap(), &index)
        }
        Op::View { input, view } => element(input, &behind(view, index)),
        Op::Reduce(reduce) => reduced(reduce, index),
        other => panic!("{other:?} has no twin"),
    }
}

fn reduced(reduce: &Reduce, index: &[u64]) -> f64 {
    let whole = &reduce.input.shape;
    let mut kept = index.iter();
    let (mut start, mut shape) = (vec![0; whole.len()], whole.clone());
    let mut group = None;
    for axis in 0..whole.len() {
        if !reduce.axes.contains(&axis) {
            (start[axis], shape[axis]) = (*kept.next().unwrap(), 1);
        } else if reduce.groups.is_some() {
            group = kept.next().copied();
        }
    }
    let counts = |index: &Vec<u64>| match (&reduce.groups, group) {
        (Some(labels), Some(group)) => {
            u64::from(labels.of_index[index[reduce.axes[0]] as usize]) == group
        }
        _ => true,
    };
    let of_cell = Region::new(start, shape);
    let samples = indices(&of_cell).filter(counts);
    let samples = samples.map(|index| element(&reduce.input, &index));
    match reduce.op {
        ReduceOp::Sum => samples.sum(),
        ReduceOp::Max => samples.fold(f64::NEG_INFINITY, f64::max),
        ref other => panic!("{other:?} has no twin"),
    }
}

/// Asserts that two expressions have the same shape and elements.
pub(crate) fn assert_same(one: &Arc<Node>, other: &Arc<Node>, why: &str) {
    assert_eq!(one.shape, other.shape, "{why}: {} and {}", text(one), text(other));
    for index in indices(&Region::whole(&one.shape)) {
        let both = (element(one, &index), element(other, &index));
        assert_eq!(both.0, both.1, "{why}: {index:?} of {} and {}", text(one), text(other));
    }
}
