//! How do sums of one tile come together that several workers made?
//!
//! Who is done with a leg joins to its sums what waits of the tile. While legs are missing, they wait there in turn.
//! No worker waits for another's reading, and the sums are of a kind that shows no order (`State::join`).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernel::State;

/// Sums that wait for those of other legs of their tiles.
pub(super) struct Waiting {
    legs: u64,
    sets: Mutex<Sets>,
}

#[derive(Default)]
struct Sets {
    of_tile: HashMap<u64, Set>,
    /// States that nobody uses.
    free: Vec<Vec<State>>,
}

/// The sums of some legs of a tile.
struct Set {
    states: Vec<State>,
    legs: u64,
}

impl Waiting {
    /// For tiles of so many legs.
    pub(super) fn new(legs: u64) -> Self {
        Self { legs, sets: Mutex::default() }
    }

    /// States to wait with, one set a worker. That is enough: units are taken in order, so that only the tile whose legs
    /// are being handed out, and those of which another worker still has a leg, have sums that wait; and sets are joined
    /// under the lock, so that none is on its way.
    pub(super) fn lend(&self, states: Vec<State>) {
        self.sets().free.push(states);
    }

    /// Takes the sums of one leg of a tile. Once they are those of all legs they stay in `states`, and it is true; else
    /// others are put there to go on with.
    pub(super) fn hand_in(&self, tile: u64, states: &mut Vec<State>) -> bool {
        let mut sets = self.sets();
        let mut legs = 1;
        if let Some(waiting) = sets.of_tile.remove(&tile) {
            states.iter_mut().zip(&waiting.states).for_each(|(state, more)| state.join(more));
            legs += waiting.legs;
            sets.free.push(waiting.states);
        }
        if legs < self.legs {
            let free = sets.free.pop().expect("a set for each worker was lent");
            let states = std::mem::replace(states, free);
            sets.of_tile.insert(tile, Set { states, legs });
        }
        legs == self.legs
    }

    fn sets(&self) -> MutexGuard<'_, Sets> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use ndarray::{Array4, s};

    use super::Waiting;
    use crate::buffer::Buffer;
    use crate::dtype::DType;
    use crate::exec::units::run_units;
    use crate::grid::Region;
    use crate::kernel::{Fold, ReduceOp, State, StateKind};
    use crate::lazy::{LazyArray, ReduceOptions, concatenate, from_ndarray};
    use crate::plan::{Delivery, Plan, ResultMemory};
    use crate::runtime::Session;

    /// Runs of 16-bit voxels in which no two rows are alike, of five slices: not to be shared out evenly by tiles.
    fn run(volumes: usize, seed: usize) -> LazyArray {
        let voxel = |(i, j, k, t): (usize, usize, usize, usize)| {
            let mixed =
                (i * 31 + j * 17 + k * 7 + t * 5 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed >> 40) as i16
        };
        from_ndarray(Array4::from_shape_fn((48, 64, 5, volumes), voxel))
    }

    fn session(threads: usize) -> Session {
        Session::builder().threads(threads).build().unwrap()
    }

    fn legs(array: &LazyArray, threads: usize) -> u64 {
        let delivery = Delivery::of(ResultMemory::Counted);
        let wanted = [(array, array.dtype())];
        let plan = Plan::new(&wanted, &delivery, &session(threads)).unwrap();
        plan.passes.iter().map(|(_, schedule)| schedule.legs).max().unwrap()
    }

    fn bits(array: &LazyArray, threads: usize) -> Vec<u64> {
        let array = array.astype(DType::F64);
        let computed = session(threads).compute::<f64>(&array).unwrap();
        computed.iter().map(|value| value.to_bits()).collect()
    }

    #[test]
    fn tiles_summed_in_legs_by_any_number_of_workers_are_those_of_one() {
        let (a, b) = (run(1900, 1), run(900, 2));
        let joined = concatenate(&[a.clone(), b], -1);
        let odd = a.greater(0_i64);
        let steps = a.slice(s![.., .., .., 1..]) - a.slice(s![.., .., .., ..-1]);
        let arrays = [
            ("mean and std", joined.mean(-1) / joined.std(-1)),
            ("extremes", a.max(-1) - joined.min(-1)),
            ("counts", a.greater(5_i64).sum(-1)),
            ("masked", a.mean_with(-1, ReduceOptions::new().mask(&odd))),
            ("differences, a row behind", steps.var(-1)),
            ("all of it", a.mean(..)),
            ("volumes", a.mean([0, 1, 2])),
        ];
        for (what, array) in arrays {
            let want = bits(&array, 1);
            assert_eq!(legs(&array, 1), 1, "{what}");
            let mut shared = 0;
            for threads in [2, 3, 8] {
                shared += u64::from(legs(&array, threads) > 1);
                for _ in 0..3 {
                    assert!(bits(&array, threads) == want, "{what} by {threads}");
                }
            }
            assert!(shared > 0 || what == "volumes", "{what}: no tile was shared");
        }
    }

    #[test]
    fn a_set_for_each_worker_is_enough_whoever_is_slow() {
        const CELLS: u64 = 1 << 12;
        const TILES: u64 = 1000;
        let whole = Region::whole(&[CELLS]);
        for legs in [2, 3, 5] {
            let kind = StateKind::for_reduction(&ReduceOp::Sum, DType::U8, legs, false, 0);
            let state = || {
                let buffer = Buffer::zeroed(CELLS * kind.cell_bytes()).unwrap();
                State::new(kind.clone(), CELLS as usize, buffer)
            };
            let waiting = Waiting::new(legs);
            let worker = || {
                waiting.lend(vec![state()]);
                Ok(vec![state()])
            };
            let mut want = state();
            let all = Region::whole(&[CELLS, legs]);
            let fold = Fold::new(&all, all.shape(), &[1], &whole, None);
            want.update::<u8>(&vec![1; (CELLS * legs) as usize], None, 0, &fold);
            let done = AtomicU64::new(0);
            run_units(&session(8), 8, TILES * legs, worker, |states: &mut Vec<State>, unit| {
                states[0].reset(CELLS as usize);
                let leg = all.with_axis(1, unit % legs, 1);
                let fold = Fold::new(&leg, all.shape(), &[1], &whole, None);
                states[0].update::<u8>(&vec![1; CELLS as usize], None, 0, &fold);
                if waiting.hand_in(unit / legs, states) {
                    done.fetch_add(1, Ordering::Relaxed);
                    let [mut got, mut all] = [vec![0; CELLS as usize], vec![0; CELLS as usize]];
                    states[0].read_word(0, 0, &mut got);
                    want.read_word(0, 0, &mut all);
                    assert_eq!(got, all);
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(done.into_inner(), TILES);
        }
    }

    #[test]
    fn sums_that_depend_on_the_order_are_not_parted() {
        let x = run(1500, 3);
        let float = x.sqrt();
        for array in [float.mean(-1), float.max(-1), x.argmax(-1), x.median(-1), x.prod(-1)] {
            assert_eq!(legs(&array, 2), 1, "{array:?}");
        }
    }
}
