//! A half-open box of an array.

use std::fmt;

use super::element_count;

/// A half-open box `[start, start + shape)` of an array, one entry an axis.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Region {
    start: Vec<u64>,
    shape: Vec<u64>,
}

impl Region {
    /// The box that starts at `start` and has this shape.
    ///
    /// # Panics
    /// When the two lengths differ.
    pub fn new(start: Vec<u64>, shape: Vec<u64>) -> Self {
        assert_eq!(start.len(), shape.len(), "a region has one start and one length an axis");
        Self { start, shape }
    }

    /// The whole of an array of this shape.
    pub fn whole(shape: &[u64]) -> Self {
        Self { start: vec![0; shape.len()], shape: shape.to_vec() }
    }

    /// First index, one entry an axis.
    pub fn start(&self) -> &[u64] {
        &self.start
    }

    /// Lengths, one entry an axis.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// One past the last index of `axis`.
    pub fn end(&self, axis: usize) -> u64 {
        self.start[axis] + self.shape[axis]
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    ///
    /// # Panics
    /// When it does not fit `u64`; a region of an opened source always does.
    pub fn len(&self) -> u64 {
        element_count(&self.shape).expect("a region of an opened array has a counted size")
    }

    /// True when some axis has length 0.
    pub fn is_empty(&self) -> bool {
        self.shape.contains(&0)
    }

    /// This box with `axis` cut to `[start, start + len)` (absolute indices).
    #[must_use]
    pub fn with_axis(&self, axis: usize, start: u64, len: u64) -> Self {
        let mut cut = self.clone();
        cut.start[axis] = start;
        cut.shape[axis] = len;
        cut
    }

    /// This box, which lies in `other`, in indices that begin where `other` does.
    #[must_use]
    pub(crate) fn within(&self, other: &Self) -> Self {
        let start = self.start.iter().zip(&other.start).map(|(&own, &base)| own - base).collect();
        Self { start, shape: self.shape.clone() }
    }

    /// The box of an array of this shape that a box of cells is made of, when `axes` are reduced, which
    /// are whole in it. Where results are grouped, cells have an axis of groups for the reduced one.
    #[must_use]
    pub(crate) fn behind(&self, shape: &[u64], axes: &[usize], grouped: bool) -> Self {
        let mut cells = self.start.iter().zip(&self.shape);
        let mut all = Self::whole(shape);
        for (axis, &len) in shape.iter().enumerate() {
            let reduced = axes.contains(&axis);
            if reduced && !grouped {
                continue;
            }
            if let (Some((&start, &count)), false) = (cells.next(), reduced) {
                (all.start[axis], all.shape[axis]) = (start, count.min(len));
            }
        }
        all
    }

    /// The part both boxes share, or `None`.
    pub fn overlap(&self, other: &Self) -> Option<Self> {
        let mut start = Vec::with_capacity(self.ndim());
        let mut shape = Vec::with_capacity(self.ndim());
        for axis in 0..self.ndim() {
            let low = self.start[axis].max(other.start[axis]);
            let high = self.end(axis).min(other.end(axis));
            if low >= high {
                return None;
            }
            start.push(low);
            shape.push(high - low);
        }
        Some(Self { start, shape })
    }

    /// The smallest box that holds both; an empty one adds nothing.
    #[must_use]
    pub(crate) fn hull(&self, other: &Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other.clone() } else { self.clone() };
        }
        let start: Vec<u64> =
            self.start.iter().zip(&other.start).map(|(&a, &b)| a.min(b)).collect();
        let shape = (0..self.ndim())
            .map(|axis| self.end(axis).max(other.end(axis)) - start[axis])
            .collect();
        Self { start, shape }
    }

    /// True when `other` holds all of this box.
    pub(crate) fn lies_in(&self, other: &Self) -> bool {
        (0..self.ndim()).all(|a| other.start[a] <= self.start[a] && self.end(a) <= other.end(a))
    }

    /// True when this box goes on from `before` along `axis`: the same on all other axes, with rows of
    /// `before` that lie at its end in memory.
    pub(crate) fn follows(&self, before: &Self, axis: usize) -> bool {
        (0..self.ndim()).all(|a| {
            a == axis || (self.start[a] == before.start[a] && self.shape[a] == before.shape[a])
        }) && self.shape[axis + 1..].iter().all(|&len| len == 1)
            && before.start[axis] <= self.start[axis]
            && self.start[axis] < before.end(axis)
            && before.end(axis) <= self.end(axis)
    }

    /// This box in boxes of `elements` or fewer, in memory order: rows of the slowest axis that is longer than one, at
    /// least one at a time.
    pub(crate) fn in_rows(&self, elements: u64) -> impl Iterator<Item = Self> {
        let axis = (0..self.ndim()).rev().find(|&axis| self.shape[axis] > 1);
        let (first, end, rows) = axis.map_or((0, 1, 1), |axis| {
            let row = self.shape[..axis].iter().product::<u64>().max(1);
            (self.start[axis], self.end(axis), (elements / row).max(1))
        });
        (first..end).step_by(rows as usize).map(move |from| match axis {
            Some(axis) => self.with_axis(axis, from, rows.min(end - from)),
            None => self.clone(),
        })
    }

    /// The index of the element that comes at `at` in memory order.
    pub(crate) fn place(&self, mut at: u64) -> Vec<u64> {
        let along = |(&start, &len): (&u64, &u64)| {
            let index = start + at % len.max(1);
            at /= len.max(1);
            index
        };
        self.start.iter().zip(&self.shape).map(along).collect()
    }

    /// True when this box lies inside an array of `shape`.
    pub fn fits(&self, shape: &[u64]) -> bool {
        self.ndim() == shape.len()
            && (0..self.ndim())
                .all(|a| self.start[a].checked_add(self.shape[a]).is_some_and(|e| e <= shape[a]))
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for axis in 0..self.ndim() {
            if axis > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{}..{}", self.start[axis], self.end(axis))?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[test]
    fn overlap_is_the_shared_box_or_nothing() {
        let a = Region::new(vec![2, 0], vec![4, 3]);
        let b = Region::new(vec![5, 1], vec![9, 9]);
        assert_eq!(a.overlap(&b), Some(Region::new(vec![5, 1], vec![1, 2])));
        assert_eq!(a.overlap(&Region::new(vec![6, 0], vec![1, 1])), None);
        assert_eq!(format!("{a:?}"), "[2..6, 0..3]");
    }

    #[test]
    fn behind_a_tile_of_cells_reduced_axes_are_whole() {
        let shape = |cells: &[u64], of: &[u64], axes: &[usize], grouped| {
            Region::whole(cells).behind(of, axes, grouped).shape().to_vec()
        };
        assert_eq!(shape(&[2, 3], &[10, 10, 50], &[2], false), [2, 3, 50]);
        assert_eq!(shape(&[2, 3], &[10, 50, 10], &[1], false), [2, 50, 3]);
        assert_eq!(shape(&[2, 4, 3], &[10, 50, 10], &[1], true), [2, 50, 3]);
        assert_eq!(shape(&[], &[10, 50], &[0, 1], false), [10, 50]);
        let cells = Region::new(vec![4, 1, 7], vec![2, 1, 3]);
        let behind = Region::new(vec![4, 0, 7], vec![2, 50, 3]);
        assert_eq!(cells.behind(&[10, 50, 10], &[1], true), behind);
    }

    #[test]
    fn a_box_is_told_in_the_indices_of_the_one_it_lies_in() {
        let inner = Region::new(vec![5, 2], vec![1, 2]);
        let outer = Region::new(vec![2, 2], vec![4, 3]);
        assert_eq!(inner.within(&outer), Region::new(vec![3, 0], vec![1, 2]));
    }

    #[test]
    fn rows_of_a_box_follow_each_other_and_are_as_many_elements_as_asked_or_one_row() {
        let shape = |of: &Region, elements| -> Vec<Vec<u64>> {
            of.in_rows(elements).map(|rows| rows.shape().to_vec()).collect()
        };
        let of = Region::new(vec![1, 2, 9], vec![4, 5, 3]);
        assert_eq!(shape(&of, 40), [[4, 5, 2], [4, 5, 1]]);
        assert_eq!(shape(&of, 7), [[4, 5, 1]; 3]);
        let starts: Vec<u64> = of.in_rows(1).map(|rows| rows.start()[2]).collect();
        assert_eq!(starts, [9, 10, 11]);
        assert_eq!(shape(&of.with_axis(2, 9, 1), 8), [[4, 2, 1], [4, 2, 1], [4, 1, 1]]);
        assert_eq!(shape(&Region::whole(&[1, 1]), 8), [[1, 1]]);
        assert_eq!(Region::whole(&[]).in_rows(8).count(), 1);
    }

    #[test]
    fn a_region_past_the_end_does_not_fit_even_when_the_sum_overflows() {
        assert!(Region::new(vec![1], vec![2]).fits(&[3]));
        assert!(!Region::new(vec![2], vec![2]).fits(&[3]));
        assert!(!Region::new(vec![u64::MAX], vec![2]).fits(&[3]));
    }
}
