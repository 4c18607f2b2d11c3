//! How far down does each slot stand?
//!
//! Each wants to be level with its neighbours; within a column the order and the distances are kept
//! and the sum of squared departures is the least there is (pool adjacent violators).

use super::layers::Layers;

/// Sweeps forward and backward; more move little.
const SWEEPS: usize = 6;

/// The middle of each slot, in pixels below the top of the highest one.
///
/// `heights` are those of the slots; `gap` is the least distance between two of a column.
pub(super) fn middles(layers: &Layers, heights: &[f64], gap: f64) -> Vec<f64> {
    let mut middles = vec![0.0; layers.slots.len()];
    for column in &layers.columns {
        let total: f64 = column.iter().map(|&slot| heights[slot] + gap).sum();
        let mut top = -total / 2.0;
        for &slot in column {
            middles[slot] = top + f64::midpoint(heights[slot], gap);
            top += heights[slot] + gap;
        }
    }
    let count = layers.columns.len();
    for sweep in 0..SWEEPS {
        // Forward last: what is computed stands level with what it is computed from.
        let forward = sweep % 2 == 1;
        for step in 1..count {
            let column = &layers.columns[if forward { step } else { count - 1 - step }];
            let wanted: Vec<f64> = column
                .iter()
                .map(|&slot| {
                    let slot_of = &layers.slots[slot];
                    let neighbours = if forward { &slot_of.inputs } else { &slot_of.outputs };
                    mean(neighbours.iter().map(|&n| middles[n])).unwrap_or(middles[slot])
                })
                .collect();
            let own: Vec<f64> = column.iter().map(|&slot| heights[slot]).collect();
            for (&slot, middle) in column.iter().zip(apart(&wanted, &own, gap)) {
                middles[slot] = middle;
            }
        }
    }
    let tops = middles.iter().zip(heights).map(|(middle, height)| middle - height / 2.0);
    let highest = tops.fold(f64::INFINITY, f64::min);
    middles.iter().map(|middle| middle - highest).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// Middles nearest to the wanted ones, in this order and without overlap.
fn apart(wanted: &[f64], heights: &[f64], gap: f64) -> Vec<f64> {
    // With the least offsets taken off, what is left must only not decrease.
    let mut offsets = Vec::with_capacity(wanted.len());
    let mut offset = 0.0;
    for (at, height) in heights.iter().enumerate() {
        if at > 0 {
            offset += f64::midpoint(heights[at - 1], *height) + gap;
        }
        offsets.push(offset);
    }
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (want, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (want - offset, 1);
        while let Some(&(sum, count)) = pools.last()
            && sum / count as f64 > pool.0 / pool.1 as f64
        {
            pools.pop();
            pool = (pool.0 + sum, pool.1 + count);
        }
        pools.push(pool);
    }
    let level = pools.iter().flat_map(|&(sum, n)| std::iter::repeat_n(sum / n as f64, n));
    level.zip(offsets).map(|(level, offset)| level + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::{apart, middles};
    use crate::picture::folded::Folded;
    use crate::picture::layers::Layers;
    use crate::picture::testing;

    #[test]
    fn slots_go_where_they_want_when_there_is_room() {
        assert_eq!(apart(&[0.0, 100.0], &[10.0, 10.0], 5.0), [0.0, 100.0]);
    }

    #[test]
    fn slots_that_want_one_place_share_the_departure() {
        assert_eq!(apart(&[50.0, 50.0], &[10.0, 30.0], 5.0), [37.5, 62.5]);
        assert_eq!(apart(&[9.0, 0.0, 0.0], &[2.0; 3], 1.0), [0.0, 3.0, 6.0]);
    }

    #[test]
    fn no_two_slots_of_a_column_overlap_and_none_is_above_the_top() {
        for (name, explanation) in testing::all() {
            let layers = Layers::new(&Folded::new(&explanation));
            let heights: Vec<f64> =
                (0..layers.slots.len()).map(|i| 10.0 + (i % 3) as f64).collect();
            let middles = middles(&layers, &heights, 4.0);
            for column in &layers.columns {
                for pair in column.windows(2) {
                    let needed = f64::midpoint(heights[pair[0]], heights[pair[1]]) + 4.0;
                    assert!(middles[pair[1]] - middles[pair[0]] > needed - 1e-9, "{name}");
                }
            }
            assert!(middles.iter().zip(&heights).all(|(m, h)| m - h / 2.0 > -1e-9), "{name}");
        }
    }
}
