//! Which elements a reduction puts together.

use super::structure::{c_index_of, index_of, places};
use super::{Cells, Fault, Near, Twin};

/// The elements of one cell that count, in memory order.
#[derive(Clone, Debug, Default)]
pub(super) struct Series<T> {
    pub(super) values: Vec<T>,
    /// Of each, its index along the reduced axes, flattened in C order.
    pub(super) at: Vec<usize>,
}

/// The elements of all cells.
pub(super) enum Split {
    Int(Vec<Series<i128>>),
    Float(Vec<Series<Near>>),
}

impl Twin {
    /// The series over these axes, one for each cell of the axes that stay, in memory order; where
    /// `labels` split the only axis, cells of all labels are an axis in its place.
    pub(super) fn split(
        &self,
        axes: &[usize],
        labels: Option<(&[usize], usize)>,
        mask: Option<&Self>,
    ) -> Result<(Vec<usize>, Split), Fault> {
        let kept = |place: &[usize]| -> Vec<usize> {
            let one = |axis: usize| match (axes.contains(&axis), labels) {
                (false, _) => Some(place[axis]),
                (true, Some((labels, _))) => Some(labels[place[axis]]),
                (true, None) => None,
            };
            (0..place.len()).filter_map(one).collect()
        };
        let len = |axis: usize| match (axes.contains(&axis), labels) {
            (false, _) => Some(self.shape[axis]),
            (true, labels) => labels.map(|(_, count)| count),
        };
        let shape: Vec<usize> = (0..self.shape.len()).filter_map(len).collect();
        let reduced: Vec<usize> = axes.iter().map(|&axis| self.shape[axis]).collect();
        let counts = match mask.map(|mask| mask.broadcast(&self.shape)).transpose()? {
            Some(Self { cells: Cells::Int(list), .. }) => list,
            Some(_) => return Err(Fault::Expression),
            None => vec![1; self.len()],
        };
        let where_to: Vec<(usize, usize)> = places(&self.shape)
            .map(|place| {
                let along: Vec<usize> = axes.iter().map(|&axis| place[axis]).collect();
                (index_of(&kept(&place), &shape), c_index_of(&along, &reduced))
            })
            .collect();
        let cells = shape.iter().product();
        let split = match &self.cells {
            Cells::Int(list) => Split::Int(gather(list, &counts, &where_to, cells)),
            Cells::Float(list) => Split::Float(gather(list, &counts, &where_to, cells)),
        };
        Ok((shape, split))
    }
}

fn gather<T: Copy + Default>(
    list: &[T],
    counts: &[i128],
    where_to: &[(usize, usize)],
    cells: usize,
) -> Vec<Series<T>> {
    let mut all = vec![Series::default(); cells];
    for ((&value, &counts), &(cell, at)) in list.iter().zip(counts).zip(where_to) {
        if counts != 0 {
            all[cell].values.push(value);
            all[cell].at.push(at);
        }
    }
    all
}
