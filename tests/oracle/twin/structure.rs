//! Other orders, lengths and numbers of axes.

use ndarray::{Array1, Axis, Slice, SliceInfoElem};

use super::{Cells, Fault, Twin, promote};

/// A view of one array; axes may be negative, `None` is `..`.
#[derive(Clone, Debug)]
pub(crate) enum Structure {
    Slice(Vec<SliceInfoElem>),
    SliceAxis(isize, isize, isize),
    Take(Vec<isize>, isize),
    Transpose(Option<Vec<isize>>),
    SwapAxes(isize, isize),
    MoveAxis(isize, isize),
    Squeeze(Option<Vec<isize>>),
    ExpandDims(isize),
    BroadcastTo(Vec<u64>),
    Flip(Option<Vec<isize>>),
    Reshape(Vec<i64>),
    Rechunk(Vec<u64>),
}

impl Structure {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Slice(_) => "slice",
            Self::SliceAxis(..) => "slice_axis",
            Self::Take(..) => "take",
            Self::Transpose(_) => "transpose",
            Self::SwapAxes(..) => "swapaxes",
            Self::MoveAxis(..) => "moveaxis",
            Self::Squeeze(_) => "squeeze",
            Self::ExpandDims(_) => "expand_dims",
            Self::BroadcastTo(_) => "broadcast_to",
            Self::Flip(_) => "flip",
            Self::Reshape(_) => "reshape",
            Self::Rechunk(_) => "rechunk",
        }
    }
}

/// The axis that a number means.
pub(crate) fn resolve(axis: isize, ndim: usize) -> usize {
    if axis < 0 { (axis + ndim as isize) as usize } else { axis as usize }
}

/// Places of an array in memory order: axis 0 is the fastest.
pub(super) fn places(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<'_> {
    (0..shape.iter().product()).map(|mut k: usize| {
        let one = |&len: &usize| {
            let at = k % len;
            k /= len;
            at
        };
        shape.iter().map(one).collect()
    })
}

/// Where an element is in memory.
pub(super) fn index_of(place: &[usize], shape: &[usize]) -> usize {
    place.iter().zip(shape).rev().fold(0, |index, (&at, &len)| index * len + at)
}

/// Where an element is in C order.
pub(super) fn c_index_of(place: &[usize], shape: &[usize]) -> usize {
    place.iter().zip(shape).fold(0, |index, (&at, &len)| index * len + at)
}

/// The shape that two have together.
pub(super) fn common_shape(a: &[usize], b: &[usize]) -> Result<Vec<usize>, Fault> {
    let ndim = a.len().max(b.len());
    let len = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(ndim).map_or(1, |own| shape[own])
    };
    (0..ndim)
        .map(|axis| match (len(a, axis), len(b, axis)) {
            (a, b) if a == b || b == 1 => Ok(a),
            (1, b) => Ok(b),
            _ => Err(Fault::Expression),
        })
        .collect()
}

impl Twin {
    /// An array of another shape whose element at a place is ours at `from(place)`.
    fn seen(&self, shape: Vec<usize>, from: impl Fn(&[usize]) -> Vec<usize>) -> Self {
        let order = places(&shape).map(|place| index_of(&from(&place), &self.shape));
        let cells = match &self.cells {
            Cells::Int(list) => Cells::Int(order.map(|i| list[i]).collect()),
            Cells::Float(list) => Cells::Float(order.map(|i| list[i]).collect()),
        };
        Self { shape, dtype: self.dtype, cells, rounded: self.rounded }
    }

    /// Axis `k` of the result is our axis `order[k]`.
    fn ordered(&self, order: &[usize]) -> Self {
        let shape = order.iter().map(|&axis| self.shape[axis]).collect();
        self.seen(shape, |place| {
            let mut from = vec![0; place.len()];
            order.iter().zip(place).for_each(|(&axis, &at)| from[axis] = at);
            from
        })
    }

    /// These indices of one axis.
    fn picked(&self, axis: usize, indices: &[usize]) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = indices.len();
        self.seen(shape, |place| {
            let mut from = place.to_vec();
            from[axis] = indices[place[axis]];
            from
        })
    }

    pub(crate) fn structure(&self, how: &Structure) -> Result<Self, Fault> {
        let ndim = self.shape.len();
        let axis = |axis: isize| resolve(axis, ndim);
        let listed = |axes: &Option<Vec<isize>>| -> Option<Vec<usize>> {
            axes.as_ref().map(|axes| axes.iter().map(|&a| axis(a)).collect())
        };
        let mut order: Vec<usize> = (0..ndim).collect();
        Ok(match how {
            Structure::Rechunk(_) => self.clone(),
            Structure::Slice(slices) => self.slice(slices),
            Structure::SliceAxis(along, start, end) => {
                let along = axis(*along);
                let all = Array1::from_iter(0..self.shape[along]);
                let len = self.shape[along] as isize;
                let clip = |i: isize| (if i < 0 { i + len } else { i }).clamp(0, len);
                let (low, high) = (clip(*start), clip(*end));
                let kept = all.slice_axis(Axis(0), Slice::from(low..high.max(low)));
                self.picked(along, &kept.to_vec())
            }
            Structure::Take(indices, along) => {
                let along = axis(*along);
                let indices: Vec<usize> =
                    indices.iter().map(|&i| resolve(i, self.shape[along])).collect();
                if indices.iter().any(|&i| i >= self.shape[along]) {
                    return Err(Fault::Expression);
                }
                self.picked(along, &indices)
            }
            Structure::Transpose(axes) => {
                order.reverse();
                self.ordered(&listed(axes).unwrap_or(order))
            }
            Structure::SwapAxes(a, b) => {
                order.swap(axis(*a), axis(*b));
                self.ordered(&order)
            }
            Structure::MoveAxis(from, to) => {
                let moved = order.remove(axis(*from));
                order.insert(axis(*to), moved);
                self.ordered(&order)
            }
            Structure::Squeeze(axes) => {
                let ones = || (0..ndim).filter(|&a| self.shape[a] == 1).collect();
                let dropped = listed(axes).unwrap_or_else(ones);
                let mut shape = Vec::new();
                for (a, &len) in self.shape.iter().enumerate() {
                    match dropped.contains(&a) {
                        true if len != 1 => return Err(Fault::Expression),
                        true => {}
                        false => shape.push(len),
                    }
                }
                Self { shape, ..self.clone() }
            }
            Structure::ExpandDims(at) => {
                let mut shape = self.shape.clone();
                shape.insert(resolve(*at, ndim + 1), 1);
                Self { shape, ..self.clone() }
            }
            Structure::BroadcastTo(shape) => {
                self.broadcast(&shape.iter().map(|&n| n as usize).collect::<Vec<_>>())?
            }
            Structure::Flip(axes) => {
                let flipped = listed(axes).unwrap_or(order);
                self.seen(self.shape.clone(), |place| {
                    let one = |(a, &at): (usize, &usize)| {
                        if flipped.contains(&a) { self.shape[a] - 1 - at } else { at }
                    };
                    place.iter().enumerate().map(one).collect()
                })
            }
            Structure::Reshape(wanted) => self.reshape(wanted),
        })
    }

    pub(crate) fn broadcast(&self, shape: &[usize]) -> Result<Self, Fault> {
        if common_shape(&self.shape, shape)? != shape || shape.len() < self.shape.len() {
            return Err(Fault::Expression);
        }
        let new = shape.len() - self.shape.len();
        Ok(self.seen(shape.to_vec(), |place| {
            let own = place[new..].iter().zip(&self.shape);
            own.map(|(&at, &len)| if len == 1 { 0 } else { at }).collect()
        }))
    }

    /// In C order, as numpy.
    fn reshape(&self, wanted: &[i64]) -> Self {
        let known: i64 = wanted.iter().filter(|&&n| n >= 0).product();
        let rest = if known == 0 { 0 } else { self.len() as i64 / known };
        let shape: Vec<usize> =
            wanted.iter().map(|&n| if n < 0 { rest as usize } else { n as usize }).collect();
        self.seen(shape.clone(), |place| {
            let mut k = c_index_of(place, &shape);
            let mut from = vec![0; self.shape.len()];
            for (at, &len) in from.iter_mut().zip(&self.shape).rev() {
                *at = k % len;
                k /= len;
            }
            from
        })
    }

    pub(crate) fn slice(&self, slices: &[SliceInfoElem]) -> Self {
        let mut shape = Vec::new();
        // For each of our axes: the indices kept, and the axis of the result they are.
        let mut picks: Vec<(Vec<usize>, Option<usize>)> = Vec::new();
        for slice in slices {
            let len = self.shape.get(picks.len()).copied().unwrap_or(0);
            match *slice {
                SliceInfoElem::Index(i) => picks.push((vec![resolve(i, len)], None)),
                SliceInfoElem::Slice { start, end, step } => {
                    let all = Array1::from_iter(0..len);
                    let kept = all.slice_axis(Axis(0), Slice { start, end, step }).to_vec();
                    shape.push(kept.len());
                    picks.push((kept, Some(shape.len() - 1)));
                }
                SliceInfoElem::NewAxis => shape.push(1),
            }
        }
        for &len in &self.shape[picks.len()..] {
            shape.push(len);
            picks.push(((0..len).collect(), Some(shape.len() - 1)));
        }
        self.seen(shape, |place| {
            picks.iter().map(|(kept, axis)| kept[axis.map_or(0, |a| place[a])]).collect()
        })
    }

    pub(crate) fn concatenate(twins: &[&Self], axis: usize) -> Self {
        let dtype = twins.iter().fold(twins[0].dtype, |d, t| promote(d, t.dtype));
        let mut shape = twins[0].shape.clone();
        shape[axis] = twins.iter().map(|t| t.shape[axis]).sum();
        let cast: Vec<Self> = twins.iter().map(|t| t.promoted(dtype)).collect();
        let (mut ints, mut floats) = (Vec::new(), Vec::new());
        for mut place in places(&shape) {
            let mut which = 0;
            while place[axis] >= cast[which].shape[axis] {
                place[axis] -= cast[which].shape[axis];
                which += 1;
            }
            let index = index_of(&place, &cast[which].shape);
            match &cast[which].cells {
                Cells::Int(list) => ints.push(list[index]),
                Cells::Float(list) => floats.push(list[index]),
            }
        }
        let cells = if dtype.is_float() { Cells::Float(floats) } else { Cells::Int(ints) };
        Self { shape, dtype, cells, rounded: twins.iter().any(|t| t.rounded) }
    }

    pub(crate) fn stack(twins: &[&Self], axis: usize) -> Self {
        let wide = |twin: &&Self| {
            let mut shape = twin.shape.clone();
            shape.insert(axis, 1);
            Self { shape, ..(*twin).clone() }
        };
        let wide: Vec<Self> = twins.iter().map(wide).collect();
        Self::concatenate(&wide.iter().collect::<Vec<_>>(), axis)
    }
}
