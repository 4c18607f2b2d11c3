//! From a recipe to the same expression twice: lazy arrays over some sources, and twins.

use std::sync::Arc;

use ndarray::{Array, ArrayD, IxDyn, ShapeBuilder, SliceInfoElem};
use voxstore::{
    DType, Element, Geometry, LazyArray, Origin, ReduceOptions, Run, RunInfo, Scaling, Timing,
    concatenate, from_ndarray,
};

use crate::sources::TestSource;
use crate::strategies::{Case, SourceSpec, Step, Style};
use crate::twin::{Arithmetic, Cells, Near, Number, Reduction, Twin};

/// Runs `$body` with `$T` bound to the Rust type that `$dtype` names.
macro_rules! with_type {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            voxstore::DType::Bool => {
                type $T = bool;
                $body
            }
            voxstore::DType::U8 => {
                type $T = u8;
                $body
            }
            voxstore::DType::I8 => {
                type $T = i8;
                $body
            }
            voxstore::DType::U16 => {
                type $T = u16;
                $body
            }
            voxstore::DType::I16 => {
                type $T = i16;
                $body
            }
            voxstore::DType::U32 => {
                type $T = u32;
                $body
            }
            voxstore::DType::I32 => {
                type $T = i32;
                $body
            }
            voxstore::DType::U64 => {
                type $T = u64;
                $body
            }
            voxstore::DType::I64 => {
                type $T = i64;
                $body
            }
            voxstore::DType::F32 => {
                type $T = f32;
                $body
            }
            voxstore::DType::F64 => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(crate) use with_type;

/// What a source is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Memory,
    Blocked,
    OtherBlocks,
    Sequential,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Memory, Self::Blocked, Self::OtherBlocks, Self::Sequential];

    /// The kind a case that mixes them gives this source.
    pub(crate) fn mixed(case: &Case, source: &SourceSpec) -> Self {
        Self::ALL[usize::from(source.kind) % if case.backwards { 3 } else { 4 }]
    }
}

/// The splitmix64 generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn value<T: Element>(&mut self, style: Style) -> T {
        match (T::DTYPE.int_range(), style) {
            (Some((low, high)), Style::Edges) => match self.below(4) {
                0 => T::from_i64(low as i64),
                1 => T::from_i64(high as i64),
                _ => T::from_i64(self.next().cast_signed()),
            },
            (Some((_, high)), Style::Offset) => {
                T::from_i64((high - 10 + i128::from(self.below(3))) as i64)
            }
            (Some(_), _) => T::from_i64(self.below(100) as i64),
            (None, Style::Edges) => {
                let digits = self.below(1 << 50) as f64 / 2_f64.powi(50) - 0.5;
                match self.below(6) {
                    0 => T::from_f64(0.0),
                    1 => T::from_f64(-0.0),
                    _ => T::from_f64(digits * 10_f64.powi(self.below(31) as i32 - 15)),
                }
            }
            (None, Style::Offset) => T::from_f64(1e9 + self.below(1000) as f64 / 1024.0),
            (None, Style::NonFinite) => match self.below(12) {
                0 => T::from_f64(f64::NAN),
                1 => T::from_f64(f64::INFINITY),
                2 => T::from_f64(f64::NEG_INFINITY),
                _ => T::from_f64(self.below(100) as f64),
            },
            (None, _) => T::from_f64(self.below(1000) as f64 / 7.0 - 60.0),
        }
    }
}

impl SourceSpec {
    fn values<T: Element>(&self) -> Vec<T> {
        let mut numbers = Numbers(self.seed);
        let count = self.shape.iter().product::<u64>();
        let first = numbers.value::<T>(Style::Edges);
        (0..count)
            .map(|_| if self.style == Style::Constant { first } else { numbers.value(self.style) })
            .collect()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        with_type!(self.dtype, T => {
            self.values::<T>().iter().flat_map(|v| bytemuck::bytes_of(v).to_vec()).collect()
        })
    }

    /// The stored numbers as they are.
    pub(crate) fn stored(&self) -> Twin {
        let shape = self.shape.iter().map(|&n| n as usize).collect();
        let cells = with_type!(self.dtype, T => {
            let values = self.values::<T>();
            if self.dtype.is_float() {
                Cells::Float(values.iter().map(|v| Near { value: v.to_f64(), bound: 0.0 }).collect())
            } else {
                Cells::Int(values.iter().map(|v| integer(*v)).collect())
            }
        });
        Twin { shape, dtype: self.dtype, cells, rounded: false }
    }

    fn twin(&self) -> Twin {
        let stored = self.stored();
        self.scaling.map_or(stored.clone(), |(slope, inter)| match (slope, inter) {
            (1.0, 0.0) => stored,
            _ => stored.rescale(slope, inter),
        })
    }

    pub(crate) fn source(&self, kind: Kind) -> TestSource {
        let block = if kind == Kind::OtherBlocks { &self.other_block } else { &self.block };
        let source = TestSource::new(&self.shape, self.dtype, block, self.bytes());
        if kind == Kind::Sequential { source.sequential() } else { source }
    }

    /// The array of true values.
    pub(crate) fn lazy(&self, kind: Kind) -> LazyArray {
        match (kind, self.scaling) {
            (Kind::Memory, None) => {
                let dims: Vec<usize> = self.shape.iter().map(|&n| n as usize).collect();
                with_type!(self.dtype, T => {
                    from_ndarray(Array::from_shape_vec(IxDyn(&dims).f(), self.values::<T>()).unwrap())
                })
            }
            (kind, None) => LazyArray::from_source(Arc::new(self.source(kind))),
            (kind, Some((slope, inter))) => run_of(self.source(kind), slope, inter).lazy(),
        }
    }
}

pub(crate) fn integer<T: Element>(value: T) -> i128 {
    let bits = value.to_i64();
    if T::DTYPE == DType::U64 { i128::from(bits.cast_unsigned()) } else { i128::from(bits) }
}

/// A run with this slope and intercept, and no other fact worth telling.
fn run_of(source: TestSource, slope: f64, inter: f64) -> Run {
    let mut affine = [[0.0; 4]; 4];
    (0..4).for_each(|i| affine[i][i] = 1.0);
    let info = RunInfo {
        geometry: Geometry {
            affine,
            affine_source: "pixdim",
            qform_code: 0,
            sform_code: 0,
            zooms_mm: [1.0; 3],
        },
        timing: Timing {
            tr_seconds: None,
            tr_source: "unknown",
            start_seconds: 0.0,
            echo_time_seconds: None,
            header_pixdim4: 0.0,
            header_time_unit: "unknown",
        },
        scaling: Scaling { slope, inter, header_slope: slope, header_inter: inter },
        header: Vec::new().into(),
        origin: Origin {
            file_name: "test".to_owned(),
            bids_folder: None,
            file_bytes: 0,
            modified: None,
            sha256: None,
            format: "nifti1",
            big_endian: false,
            gzip: false,
            dim: [0; 8],
            datatype: 0,
        },
        sidecar: serde_json::Map::new(),
        warnings: Vec::new(),
    };
    Run::new(Arc::new(source), info)
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Source(usize),
    Slice(usize, Vec<SliceInfoElem>),
    Concatenate(Vec<usize>, isize),
    Binary(Arithmetic, usize, usize),
    WithNumber(Arithmetic, usize, Number, bool),
    Reduce(Reduction, usize, isize, u64),
}

/// An expression for each step, each over earlier ones, and what it should give.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) twins: Vec<Twin>,
    /// Integer sums beyond 64 bits: the node, over earlier ones.
    pub(crate) overflows: Vec<Node>,
    /// Numbers that do not fit the array they met.
    pub(crate) misfits: Vec<Node>,
}

impl Program {
    pub(crate) fn new(case: &Case) -> Self {
        let nodes = (0..case.sources.len()).map(Node::Source).collect();
        let twins = case.sources.iter().map(SourceSpec::twin).collect();
        let mut program = Self { nodes, twins, overflows: Vec::new(), misfits: Vec::new() };
        for step in &case.steps {
            program.take(step, case.backwards);
        }
        program
    }

    fn push(&mut self, node: Node) {
        let t = &self.twins;
        let twin = match &node {
            Node::Source(_) => unreachable!("sources come first"),
            Node::Slice(of, slices) => Some(t[*of].slice(slices)),
            Node::Concatenate(of, axis) => {
                let axis = resolve(*axis, t[of[0]].shape.len());
                Some(Twin::concatenate(&of.iter().map(|&i| &t[i]).collect::<Vec<_>>(), axis))
            }
            Node::Binary(op, left, right) => Some(Twin::binary(*op, &t[*left], &t[*right])),
            Node::WithNumber(op, of, number, left) => t[*of].with_number(*op, *number, *left),
            Node::Reduce(op, of, axis, ddof) => {
                t[*of].reduce(*op, resolve(*axis, t[*of].shape.len()), *ddof)
            }
        };
        match (twin, &node) {
            (Some(twin), _) if twin.len() <= 20_000 => {
                self.nodes.push(node);
                self.twins.push(twin);
            }
            (None, Node::Reduce(..)) => self.overflows.push(node),
            (None, _) => self.misfits.push(node),
            _ => {}
        }
    }

    fn take(&mut self, step: &Step, backwards: bool) {
        // Later arrays are taken more often: expressions get deep.
        let count = self.nodes.len();
        let choose = |seed: u16| {
            let seed = usize::from(seed);
            if seed.is_multiple_of(2) {
                count - 1 - (seed / 2) % count.min(3)
            } else {
                (seed / 2) % count
            }
        };
        let of = choose(step.a);
        let shape = self.twins[of].shape.clone();
        let arithmetic =
            [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide]
                [usize::from(step.b) % 4];
        let reduction = [Reduction::Sum, Reduction::Mean, Reduction::Var, Reduction::Std]
            [usize::from(step.b / 4) % 4];
        let axis = |ndim: usize| {
            let axis = (step.axis as usize / 2 % ndim) as isize;
            if step.axis.is_multiple_of(2) { axis } else { axis - ndim as isize }
        };
        match (step.kind % 12, shape.len()) {
            (0 | 1, _) => {
                let slices = slices_of(step, &shape, backwards);
                self.push(Node::Slice(of, slices));
            }
            (2 | 3, 1..) => {
                let axis = axis(shape.len());
                let at = resolve(axis, shape.len());
                let fits = |&i: &usize| {
                    let other = &self.twins[i].shape;
                    other.len() == shape.len()
                        && (0..shape.len()).all(|a| a == at || other[a] == shape[a])
                };
                let mut all = vec![of];
                let others: Vec<usize> = (0..count).filter(fits).collect();
                for k in 0..usize::from(step.b) % 4 {
                    all.push(others[(usize::from(step.a / 7) + 3 * k) % others.len()]);
                }
                self.push(Node::Concatenate(all, axis));
            }
            (4 | 5, _) => {
                let others: Vec<usize> =
                    (0..count).filter(|&i| self.twins[i].shape == shape).collect();
                let other = others[usize::from(step.b / 4) % others.len()];
                self.push(Node::Binary(arithmetic, of, other));
            }
            (6, _) => {
                let left = step.a.is_multiple_of(3);
                self.push(Node::WithNumber(arithmetic, of, step.number, left));
            }
            (7..=9, 1..) => self.push(Node::Reduce(reduction, of, axis(shape.len()), step.ddof)),
            (10, 1..) => {
                // An array mixed with its own reduction: the mean image under one volume.
                let axis = axis(shape.len());
                let at = resolve(axis, shape.len());
                if shape[at] == 0 {
                    return;
                }
                let mut slices = vec![whole(); shape.len()];
                slices[at] = SliceInfoElem::Index((usize::from(step.b) % shape[at]) as isize);
                self.push(Node::Reduce(reduction, of, axis, step.ddof));
                let reduced = self.nodes.len() - 1;
                self.push(Node::Slice(of, slices));
                let slice = self.nodes.len() - 1;
                if self.twins[reduced].shape == self.twins[slice].shape {
                    self.push(Node::Binary(arithmetic, slice, reduced));
                }
            }
            (11, 1..) => {
                // The seed's formula.
                let axis = axis(shape.len());
                self.push(Node::Reduce(Reduction::Mean, of, axis, 0));
                self.push(Node::Reduce(Reduction::Std, of, axis, step.ddof));
                let n = self.nodes.len();
                self.push(Node::Binary(Arithmetic::Divide, n - 2, n - 1));
            }
            _ => {}
        }
    }

    /// The lazy array of each node, over these sources.
    pub(crate) fn lazies(&self, sources: &[LazyArray]) -> Vec<LazyArray> {
        let mut made = Vec::new();
        for node in &self.nodes {
            let lazy = Self::lazy(node, &made, sources);
            made.push(lazy);
        }
        made
    }

    /// One node over lazy arrays made before.
    pub(crate) fn lazy(node: &Node, made: &[LazyArray], sources: &[LazyArray]) -> LazyArray {
        match node {
            Node::Source(index) => sources[*index].clone(),
            Node::Slice(of, slices) => made[*of].slice(&slices[..]),
            Node::Concatenate(of, axis) => {
                concatenate(&of.iter().map(|&i| made[i].clone()).collect::<Vec<_>>(), *axis)
            }
            Node::Binary(op, left, right) => {
                let (left, right) = (&made[*left], &made[*right]);
                match op {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::Multiply => left * right,
                    Arithmetic::Divide => left / right,
                }
            }
            Node::WithNumber(op, of, number, array_left) => match *number {
                Number::I64(v) => apply(*op, &made[*of], v, *array_left),
                Number::F64(v) => apply(*op, &made[*of], v, *array_left),
                Number::F32(v) => apply(*op, &made[*of], v, *array_left),
            },
            Node::Reduce(op, of, axis, ddof) => {
                let (array, options) = (&made[*of], ReduceOptions::new().ddof(*ddof));
                match op {
                    Reduction::Sum => array.sum(*axis),
                    Reduction::Mean => array.mean(*axis),
                    Reduction::Var => array.var_with(*axis, options),
                    Reduction::Std => array.std_with(*axis, options),
                }
            }
        }
    }
}

macro_rules! both_ways {
    ($op:expr, $array:expr, $number:expr, $left:expr) => {
        match ($op, $left) {
            (Arithmetic::Add, true) => $array + $number,
            (Arithmetic::Subtract, true) => $array - $number,
            (Arithmetic::Multiply, true) => $array * $number,
            (Arithmetic::Divide, true) => $array / $number,
            (Arithmetic::Add, false) => $number + $array,
            (Arithmetic::Subtract, false) => $number - $array,
            (Arithmetic::Multiply, false) => $number * $array,
            (Arithmetic::Divide, false) => $number / $array,
        }
    };
}

fn apply<'a, N>(op: Arithmetic, array: &'a LazyArray, number: N, array_left: bool) -> LazyArray
where
    N: std::ops::Add<&'a LazyArray, Output = LazyArray>
        + std::ops::Sub<&'a LazyArray, Output = LazyArray>
        + std::ops::Mul<&'a LazyArray, Output = LazyArray>
        + std::ops::Div<&'a LazyArray, Output = LazyArray>,
    &'a LazyArray: std::ops::Add<N, Output = LazyArray>
        + std::ops::Sub<N, Output = LazyArray>
        + std::ops::Mul<N, Output = LazyArray>
        + std::ops::Div<N, Output = LazyArray>,
{
    both_ways!(op, array, number, array_left)
}

fn resolve(axis: isize, ndim: usize) -> usize {
    if axis < 0 { (axis + ndim as isize) as usize } else { axis as usize }
}

pub(crate) fn whole() -> SliceInfoElem {
    SliceInfoElem::Slice { start: 0, end: None, step: 1 }
}

fn slices_of(step: &Step, shape: &[usize], backwards: bool) -> Vec<SliceInfoElem> {
    let one = |(axis, &len): (usize, &usize)| {
        let (kind, a, b, s) = step.cuts[axis];
        let start = usize::from(a) % (len + 1);
        let end = start + usize::from(b) % (len - start + 1);
        let negative = |at: usize, wish: bool| {
            if wish && at < len { at as isize - len as isize } else { at as isize }
        };
        let (from, to) = (negative(start, a > 127), negative(end, b > 127));
        let size = isize::from(s % 3) + 1;
        let last = axis + 1 == shape.len();
        match kind % 7 {
            0 | 1 if len > 0 => SliceInfoElem::Index(negative(usize::from(a) % len, s > 127)),
            2 => SliceInfoElem::Slice { start: from, end: Some(to), step: size },
            3 if backwards || !last => {
                SliceInfoElem::Slice { start: from, end: Some(to), step: -size }
            }
            4 if backwards || !last => SliceInfoElem::Slice { start: 0, end: None, step: -size },
            5 => SliceInfoElem::Slice { start: from, end: None, step: size },
            _ => whole(),
        }
    };
    shape.iter().enumerate().map(one).collect()
}

/// An answer as floats, and as its bits.
pub(crate) fn bits_of<T: Element>(array: &ArrayD<T>) -> Vec<u64> {
    array
        .t()
        .iter()
        .map(|v| if T::DTYPE.is_float() { v.to_f64().to_bits() } else { v.to_i64() as u64 })
        .collect()
}
