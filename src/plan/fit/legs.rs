//! Into how many legs are the steps of each tile parted, so that all workers have as much to do?
//!
//! Of five tiles one worker takes three and another two. Where the sums of some steps and of the others join to the
//! bit, several workers take legs of one tile (`docs/decisions/0037-tiles-in-legs.md`).

use std::ops::Range;

use crate::grid::Partition;
use crate::plan::pass::{Part, Pass, Sum};
use crate::plan::schedule::{Schedule, Units, leg_of};

/// More are not tried.
const MOST_LEGS: u64 = 16;

/// Steps of a leg, at least: room for another worker, and joining, are not worth fewer.
const FEW_STEPS: u64 = 5;

/// Where each worker takes so many units, it hardly matters who takes the last.
const MANY_UNITS: u64 = 32;

/// So much longer, in per cent, the last worker may take than if all came out even: legs that save less are not worth joining.
const IDLE_PERCENT: u128 = 2;

/// The same work in legs, by so many workers; `None` where that is no faster, or where a bit would change.
pub(super) fn in_legs(pass: &Pass, whole: &Schedule, workers: usize) -> Option<Schedule> {
    let Units::Tiles(tiles) = &whole.units else { return None };
    let joins = pass.emits.is_empty() && pass.sums.iter().all(Sum::can_join);
    if workers < 2 || !joins || tiles.len() >= MANY_UNITS * workers as u64 {
        return None;
    }
    let of_part = |(part, &rows): (&Part, &u64)| part.feed.steps(rows).count() as u64;
    let steps = pass.parts.iter().zip(&whole.rows).map(of_part).sum();
    let legs = fewest_legs(tiles, steps, workers);
    if legs == 1 {
        return None;
    }
    let mut schedule = whole.clone();
    schedule.legs = legs;
    schedule.workers = workers.min((tiles.len() * legs) as usize);
    // Sums of a tile that wait for those of its other legs, beside those of a worker.
    schedule.sizes.state_bytes = whole.sizes.state_bytes.repeat(2);
    Some(schedule)
}

/// The fewest legs with which all workers are done at about the same time.
fn fewest_legs(tiles: &Partition, steps: u64, workers: usize) -> u64 {
    let cells: Vec<u64> = (0..tiles.len()).map(|index| tiles.get(index).len()).collect();
    let all: u128 = cells.iter().map(|&cells| u128::from(cells) * u128::from(steps)).sum();
    let most = MOST_LEGS
        .min(steps / FEW_STEPS)
        .min(MANY_UNITS * workers as u64 / tiles.len().max(1))
        .max(1);
    let mut best = (1, u128::MAX);
    for legs in 1..=most {
        let time = longest(&cells, steps, legs, workers);
        if time < best.1 {
            best = (legs, time);
        }
        if time * workers as u128 * 100 <= all * (100 + IDLE_PERCENT) {
            break;
        }
    }
    best.0
}

/// What the worker does that does most, in steps of cells, where each takes the next leg as it comes free.
fn longest(cells: &[u64], steps: u64, legs: u64, workers: usize) -> u128 {
    let mut loads = vec![0_u128; workers];
    for &cells in cells {
        for leg in 0..legs {
            let Range { start, end } = leg_of(legs, leg, steps);
            if let Some(least) = loads.iter_mut().min() {
                *least += u128::from(cells) * u128::from(end - start);
            }
        }
    }
    loads.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{fewest_legs, longest};
    use crate::grid::{Cuts, Partition};

    /// `len` cells in tiles of `step`.
    fn tiles(len: u64, step: u64) -> Partition {
        Partition::new(&[len], &[vec![Cuts { start: 0, end: len, first: 0, step, block: 1 }]])
    }

    #[test]
    fn tiles_that_come_out_even_are_left_whole_and_others_are_parted_until_they_do() {
        for (len, step, workers, legs, why) in [
            (40, 10, 2, 1, "two each"),
            (35, 7, 2, 2, "two and a half each"),
            (35, 8, 2, 2, "four long ones and a short one"),
            (35, 7, 4, 4, "20 legs by four"),
            (35, 7, 8, 8, "more workers than tiles"),
            (1, 1, 2, 2, "one tile"),
            (1, 1, 64, 16, "no more legs than that"),
            (1000, 10, 2, 1, "so many that the last hardly matters"),
            (0, 1, 2, 1, "nothing"),
        ] {
            assert_eq!(fewest_legs(&tiles(len, step), 480, workers), legs, "{why}");
        }
    }

    #[test]
    fn steps_that_cannot_be_halved_count() {
        assert_eq!([1, 2, 3].map(|legs| longest(&[1; 5], 3, legs, 2)), [9, 8, 8]);
        // Of 9 steps 27 are for one worker and 18 for the other, by halves 25 and 20.
        assert_eq!([1, 2, 3].map(|legs| longest(&[1; 5], 9, legs, 2)), [27, 25, 24]);
        assert_eq!(fewest_legs(&tiles(5, 1), 11, 2), 2);
        assert_eq!(fewest_legs(&tiles(5, 1), 9, 2), 1, "halves would be of four");
    }
}
