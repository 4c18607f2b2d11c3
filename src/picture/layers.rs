//! In which column does each item stand, and in which order from top to bottom?
//!
//! Columns go from sources to results, each pass in columns of its own. A line that passes a column
//! has a bend there, so that it keeps its distance from the cards; all users of an item share its
//! bends. Orders are improved by the means of neighbours (Sugiyama, Tagawa and Toda 1981) and the
//! one with the fewest crossings is kept. Knows nothing of pixels.

use super::explanation::NodeKind;
use super::folded::Folded;

/// Sweeps over all columns; more change little.
const SWEEPS: usize = 8;

/// What stands in a column: the items, then the bends of their lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// Item that stands here, or whose line bends here.
    pub(super) item: usize,
    pub(super) is_bend: bool,
    pub(super) column: usize,
    /// Slots of the column before, in the order of the arguments.
    pub(super) inputs: Vec<usize>,
    /// Slots of the column after.
    pub(super) outputs: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Layers {
    /// Slot `i` is item `i`, where there is one.
    pub(super) slots: Vec<Slot>,
    /// Slots of each column from top to bottom.
    pub(super) columns: Vec<Vec<usize>>,
    pub(super) stages: Vec<Stage>,
}

/// Neighbouring columns: those before all passes, those of a band, or those of the results.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    pub(super) first_column: usize,
    pub(super) columns: usize,
}

impl Layers {
    /// One stage before the bands, one for each, one for the results. A band has a column even where
    /// nothing stands in it; the others may have none.
    pub(super) fn new(folded: &Folded) -> Self {
        let (columns, stages) = columns_of_items(folded);
        let count = stages.iter().map(|stage| stage.columns).sum();
        let mut slots: Vec<Slot> = columns
            .iter()
            .enumerate()
            .map(|(item, &column)| Slot { item, column, ..Slot::default() })
            .collect();
        // The slot that carries an item's line out of a column, from the item's own column on.
        let mut carriers: Vec<Vec<usize>> = (0..slots.len()).map(|item| vec![item]).collect();
        for (at, item) in folded.items.iter().enumerate() {
            for &input in &item.inputs {
                let steps = columns[at] - columns[input];
                while carriers[input].len() < steps {
                    let before = carriers[input][carriers[input].len() - 1];
                    let column = slots[before].column + 1;
                    let bend = slots.len();
                    slots.push(Slot { item: input, is_bend: true, column, ..Slot::default() });
                    join(&mut slots, before, bend);
                    carriers[input].push(bend);
                }
                join(&mut slots, carriers[input][steps - 1], at);
            }
        }
        let mut in_column = vec![Vec::new(); count];
        for (at, slot) in slots.iter().enumerate() {
            in_column[slot.column].push(at);
        }
        let mut layers = Self { slots, columns: in_column, stages };
        layers.reduce_crossings();
        layers
    }

    fn reduce_crossings(&mut self) {
        let mut best = self.columns.clone();
        let mut fewest = self.crossings();
        for sweep in 0..SWEEPS {
            if fewest == 0 {
                break;
            }
            let forward = sweep % 2 == 0;
            let count = self.columns.len();
            for step in 1..count {
                let column = if forward { step } else { count - 1 - step };
                self.sort_by_neighbours(column, forward);
            }
            let crossings = self.crossings();
            if crossings < fewest {
                (fewest, best) = (crossings, self.columns.clone());
            }
        }
        self.columns = best;
    }

    fn sort_by_neighbours(&mut self, column: usize, forward: bool) {
        let ranks = self.ranks();
        let key = |&slot: &usize| {
            let slot_of = &self.slots[slot];
            let neighbours = if forward { &slot_of.inputs } else { &slot_of.outputs };
            let sum: usize = neighbours.iter().map(|&n| ranks[n]).sum();
            // A slot without neighbours stays about where it is.
            if neighbours.is_empty() {
                ranks[slot] as f64
            } else {
                sum as f64 / neighbours.len() as f64
            }
        };
        let mut order = self.columns[column].clone();
        order.sort_by(|a, b| key(a).total_cmp(&key(b)));
        self.columns[column] = order;
    }

    /// Position of each slot in its column.
    fn ranks(&self) -> Vec<usize> {
        let mut ranks = vec![0; self.slots.len()];
        for column in &self.columns {
            for (rank, &slot) in column.iter().enumerate() {
                ranks[slot] = rank;
            }
        }
        ranks
    }

    /// How often lines cross between neighbouring columns.
    fn crossings(&self) -> usize {
        let ranks = self.ranks();
        let mut crossings = 0;
        for column in &self.columns {
            let lines: Vec<(usize, usize)> = column
                .iter()
                .flat_map(|&slot| self.slots[slot].outputs.iter().map(move |&o| (slot, o)))
                .map(|(from, to)| (ranks[from], ranks[to]))
                .collect();
            for (at, one) in lines.iter().enumerate() {
                let crosses = |other: &&(usize, usize)| {
                    (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1)
                };
                crossings += lines[at + 1..].iter().filter(crosses).count();
            }
        }
        crossings
    }
}

fn join(slots: &mut [Slot], from: usize, to: usize) {
    slots[from].outputs.push(to);
    slots[to].inputs.push(from);
}

/// The column of each item, and the columns of each stage.
fn columns_of_items(folded: &Folded) -> (Vec<usize>, Vec<Stage>) {
    let last = folded.bands.len() + 1;
    let mut stage_of: Vec<usize> = Vec::with_capacity(folded.items.len());
    let mut within: Vec<usize> = Vec::with_capacity(folded.items.len());
    let mut widths: Vec<usize> = (0..=last).map(|s| usize::from(s > 0 && s < last)).collect();
    for item in &folded.items {
        let own = if item.kind() == NodeKind::Result {
            last
        } else {
            item.band.map_or(0, |band| band + 1)
        };
        let stage = item.inputs.iter().map(|&input| stage_of[input]).fold(own, usize::max);
        let before = item.inputs.iter().filter(|&&input| stage_of[input] == stage);
        let column = before.map(|&input| within[input] + 1).max().unwrap_or(0);
        widths[stage] = widths[stage].max(column + 1);
        stage_of.push(stage);
        within.push(column);
    }
    let mut first_column = 0;
    let stages: Vec<Stage> = widths
        .into_iter()
        .map(|columns| {
            let stage = Stage { first_column, columns };
            first_column += columns;
            stage
        })
        .collect();
    let columns =
        stage_of.iter().zip(within).map(|(&s, column)| stages[s].first_column + column).collect();
    (columns, stages)
}

#[cfg(test)]
mod tests {
    use super::Layers;
    use crate::picture::folded::Folded;
    use crate::picture::testing;

    #[test]
    fn lines_go_from_each_column_to_the_next() {
        for (name, explanation) in testing::all() {
            let layers = Layers::new(&Folded::new(&explanation));
            for slot in &layers.slots {
                for &input in &slot.inputs {
                    assert_eq!(layers.slots[input].column + 1, slot.column, "{name}");
                }
            }
            let standing: usize = layers.columns.iter().map(Vec::len).sum();
            assert_eq!(standing, layers.slots.len(), "{name}: each slot stands once");
        }
    }

    #[test]
    fn passes_have_columns_of_their_own_and_results_come_last() {
        let explanation = testing::z_score(5);
        let folded = Folded::new(&explanation);
        let layers = Layers::new(&folded);
        assert_eq!(layers.stages.len(), 4);
        for (at, item) in folded.items.iter().enumerate() {
            let stage = match item.band {
                _ if item.title() == "z.zarr" => 3,
                band => band.map_or(0, |band| band + 1),
            };
            let stage = layers.stages[stage];
            let columns = stage.first_column..stage.first_column + stage.columns;
            assert!(columns.contains(&layers.slots[at].column), "{}", item.title());
        }
    }

    #[test]
    fn the_programs_people_write_have_no_crossings() {
        for explanation in [testing::tsnr(5), testing::tsnr(500), testing::group(40, 12)] {
            assert_eq!(Layers::new(&Folded::new(&explanation)).crossings(), 0);
        }
        assert!(Layers::new(&Folded::new(&testing::z_score(5))).crossings() <= 1);
    }
}
