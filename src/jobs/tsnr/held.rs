//! Maps that fit in memory together: each is used up by its own median.
//!
//! Medians are independent, so they are taken at once, and each in memory that is there already: in
//! the map's own, or, of a map that is given back, in that of one that was used up.

use ndarray::{Array3, ArrayD};
use rayon::prelude::*;

use super::super::middle::median_of;
use super::arrays::Asked;
use super::medians::{Counts, Figure, Rules, Voxel, map_of};
use super::options::Across;
use super::result::TsnrParts;
use crate::exec::ExecError;
use crate::runtime::Session;

/// What is given back.
pub(super) struct Maps {
    pub(super) map: Array3<f64>,
    pub(super) of_runs: Vec<Array3<f64>>,
    pub(super) parts: Option<TsnrParts>,
}

/// All that was computed, in memory order.
pub(super) struct Held {
    mean: Vec<f64>,
    std: Vec<f64>,
    mask: Option<Vec<f64>>,
    /// The others by their places; mean, std and mask are taken out.
    arrays: Vec<Vec<f64>>,
    shape: Vec<usize>,
    rules: Rules,
    pub(super) counts: Counts,
}

impl Held {
    pub(super) fn new(arrays: Vec<ArrayD<f64>>, asked: &Asked, rules: Rules) -> Self {
        let mut arrays: Vec<Vec<f64>> = arrays.into_iter().map(in_memory_order).collect();
        let mut held = Self {
            mean: std::mem::take(&mut arrays[Asked::MEAN]),
            std: std::mem::take(&mut arrays[Asked::STD]),
            mask: asked.mask.map(|place| std::mem::take(&mut arrays[place])),
            arrays,
            shape: asked.shape.iter().map(|&n| n as usize).collect(),
            rules,
            counts: Counts::default(),
        };
        let voxels = || (0..held.mean.len()).map(|at| held.voxel(at, 0.0));
        let largest = voxels().fold(f64::NAN, |largest, v| rules.larger_mean(v, largest));
        let rules = rules.above(largest);
        let mut counts = Counts::default();
        voxels().for_each(|voxel| counts.add(voxel, &rules));
        (held.rules, held.counts) = (rules, counts);
        held
    }

    fn voxel(&self, at: usize, value: f64) -> Voxel {
        let mask = self.mask.as_ref().map_or(1.0, |mask| mask[at]);
        Voxel { mean: self.mean[at], std: self.std[at], mask, value }
    }

    /// The median of each figure asked for, in their order.
    pub(super) fn medians(
        &mut self,
        asked: &Asked,
        session: &Session,
    ) -> Result<Vec<f64>, ExecError> {
        let figures = asked.figures();
        let mut arrays = std::mem::take(&mut self.arrays);
        let is_spent = |place: Option<usize>| place.is_some_and(|place| !asked.stays(place));
        // Memory that may be used up, with the figures that are taken in it: first that of what lies in
        // it, then of those that have no memory of their own, shared out.
        let (spent, others): (Vec<_>, Vec<_>) =
            figures.iter().enumerate().partition(|(_, (_, place))| is_spent(*place));
        let mut rooms: Vec<Room> = spent
            .iter()
            .filter_map(|&(index, &(figure, place))| {
                let values = std::mem::take(&mut arrays[place?]);
                Some(Room { values, own: (index, figure), then: Vec::new() })
            })
            .collect();
        let places = rooms.len();
        for (turn, &(index, &(figure, place))) in others.iter().enumerate() {
            rooms[turn % places].then.push((index, figure, place));
        }
        let pool = session.pool(rooms.len())?;
        let found: Vec<Vec<(usize, f64)>> = pool.install(|| {
            rooms.par_iter_mut().map(|room| self.take_medians(room, &arrays)).collect()
        });
        self.arrays = arrays;
        let mut medians = vec![f64::NAN; figures.len()];
        found.into_iter().flatten().for_each(|(index, median)| medians[index] = median);
        Ok(medians)
    }

    fn take_medians(&self, room: &mut Room, arrays: &[Vec<f64>]) -> Vec<(usize, f64)> {
        let (index, figure) = room.own;
        let mut kept = 0;
        for at in 0..room.values.len() {
            let voxel = self.voxel(at, room.values[at]);
            if self.rules.counts(voxel) {
                room.values[kept] = self.rules.figure(figure, voxel);
                kept += 1;
            }
        }
        let mut medians = vec![(index, median_of(&mut room.values[..kept]))];
        for &(index, figure, place) in &room.then {
            let values = place.map(|place| &arrays[place]);
            room.values.clear();
            for at in 0..self.mean.len() {
                let voxel = self.voxel(at, values.map_or(0.0, |values| values[at]));
                if self.rules.counts(voxel) {
                    room.values.push(self.rules.figure(figure, voxel));
                }
            }
            medians.push((index, median_of(&mut room.values)));
        }
        medians
    }

    /// The map, those of the runs, and mean and standard deviation, where they are asked for.
    pub(super) fn into_maps(mut self, asked: &Asked) -> Maps {
        let mut of_runs = Vec::new();
        // In memory that medians have used up and given back.
        let std = asked.parts.then(|| self.std.clone());
        if asked.across == Across::PerRun {
            of_runs.extend(asked.each().map(|place| self.map_in_place(place, Figure::Value)));
        }
        let map = match asked.map() {
            (figure, Some(place)) => self.map_in_place(place, figure),
            (figure, None) => {
                // In the memory of the standard deviation.
                for at in 0..self.std.len() {
                    self.std[at] = self.rules.in_map(figure, self.voxel(at, 0.0));
                }
                map_of(std::mem::take(&mut self.std), &self.shape)
            }
        };
        let parts = std.map(|std| Self { std, ..self }.into_parts());
        Maps { map, of_runs, parts }
    }

    /// Mean and standard deviation, each in its own memory.
    fn into_parts(mut self) -> TsnrParts {
        for at in 0..self.mean.len() {
            let voxel = self.voxel(at, 0.0);
            self.mean[at] = self.rules.in_map(Figure::Mean, voxel);
            self.std[at] = self.rules.in_map(Figure::Std, voxel);
        }
        TsnrParts { mean: map_of(self.mean, &self.shape), std: map_of(self.std, &self.shape) }
    }

    fn map_in_place(&mut self, place: usize, figure: Figure) -> Array3<f64> {
        let mut values = std::mem::take(&mut self.arrays[place]);
        for (at, value) in values.iter_mut().enumerate() {
            *value = self.rules.in_map(figure, self.voxel(at, *value));
        }
        map_of(values, &self.shape)
    }
}

/// Memory that medians are taken in: first of what lies in it.
struct Room {
    values: Vec<f64>,
    own: (usize, Figure),
    then: Vec<(usize, Figure, Option<usize>)>,
}

/// The elements, x fastest, without a copy where they lie so already.
fn in_memory_order(array: ArrayD<f64>) -> Vec<f64> {
    let array = array.reversed_axes();
    if array.is_standard_layout() {
        array.into_raw_vec_and_offset().0
    } else {
        array.iter().copied().collect()
    }
}
