//! What is drawn of an expression and its passes?
//!
//! Items: nodes, or piles of nodes that [`alike`] found to be alike. Bands: passes, or rows of passes
//! that are alike. Knows how to name and sum what it piles up; knows no place and no colour.
//!
//! [`alike`]: super::alike

use std::collections::{HashMap, HashSet};

use super::alike::{Limits, fold, keep_nearest};
use super::explanation::{ExplainNode, ExplainPass, Explanation, NodeKind};
use super::label;

/// No picture has more items; the ones nearest to the results are kept.
const MOST_ITEMS: usize = 60;
/// What is shown of many that are alike.
const USUAL: Limits = Limits { whole: 6, shown: 3 };
/// What is shown of them where the usual would be too many.
const TIGHT: Limits = Limits { whole: 2, shown: 1 };

/// An expression as it is drawn: few items, whatever there is of nodes.
#[derive(Debug)]
pub(super) struct Folded<'a> {
    /// Each after its inputs.
    pub(super) items: Vec<Item<'a>>,
    pub(super) bands: Vec<Band<'a>>,
}

/// A node, or many that are not shown one by one.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) nodes: Vec<&'a ExplainNode>,
    /// Positions of items, each once, in the order of the arguments.
    pub(super) inputs: Vec<usize>,
    /// Position of the band that makes it.
    pub(super) band: Option<usize>,
    /// What tells a source from the other sources that are shown.
    pub(super) own_part: Option<String>,
}

/// A pass, or consecutive ones that are alike.
#[derive(Clone, Debug)]
pub(super) struct Band<'a> {
    pub(super) passes: &'a [ExplainPass],
    /// Equal in bands whose passes are alike.
    group: usize,
}

/// The first of a list and the rest that is only counted.
pub(super) fn shown<T>(list: &[T]) -> (&[T], &[T]) {
    if list.len() <= USUAL.whole { (list, &[]) } else { list.split_at(USUAL.shown) }
}

impl<'a> Folded<'a> {
    /// Folds what is alike; the more strictly, the more there is.
    pub(super) fn new(explanation: &'a Explanation) -> Self {
        let bands = bands(&explanation.passes);
        let of_pass: HashMap<usize, usize> = bands
            .iter()
            .enumerate()
            .flat_map(|(at, band)| band.passes.iter().map(move |pass| (pass.number, at)))
            .collect();
        let nodes: Vec<Item> = explanation
            .nodes
            .iter()
            .enumerate()
            .map(|(at, node)| Item {
                nodes: vec![node],
                inputs: distinct(node.inputs.iter().copied().filter(|&input| input < at)),
                band: node.pass.and_then(|number| of_pass.get(&number).copied()),
                own_part: None,
            })
            .collect();
        let groups: Vec<usize> = bands.iter().map(|band| band.group).collect();
        let mut items = fold(nodes.clone(), &groups, USUAL);
        if items.len() > MOST_ITEMS {
            items = fold(nodes, &groups, TIGHT);
        }
        let mut items = keep_nearest(items, MOST_ITEMS);
        name_sources(&mut items);
        Self { items, bands }
    }
}

impl Item<'_> {
    /// True when it stands for nodes that are not shown.
    pub(super) fn is_rest(&self) -> bool {
        self.nodes.len() > 1
    }

    pub(super) fn kind(&self) -> NodeKind {
        self.nodes[0].kind
    }

    pub(super) fn title(&self) -> String {
        if self.is_rest() {
            format!("\u{2026} {} more", self.nodes.len())
        } else {
            self.nodes[0].label.clone()
        }
    }

    /// For where there is no room for the title.
    pub(super) fn short_title(&self) -> String {
        self.own_part.clone().unwrap_or_else(|| self.title())
    }

    /// What all its nodes have; empty where they differ.
    pub(super) fn dtype(&self) -> &str {
        let dtype = &self.nodes[0].dtype;
        if self.nodes.iter().all(|node| node.dtype == *dtype) { dtype } else { "" }
    }

    pub(super) fn shape(&self) -> String {
        label::common_shape(self.nodes.iter().copied())
    }

    pub(super) fn bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.bytes).fold(0, u64::saturating_add)
    }

    pub(super) fn stored_bytes(&self) -> Option<u64> {
        let stored = self.nodes.iter().filter_map(|node| node.stored_bytes);
        stored.reduce(u64::saturating_add)
    }

    /// What is to be said beside its type and size.
    pub(super) fn detail(&self) -> &str {
        let detail = &self.nodes[0].detail;
        if self.nodes.iter().all(|node| node.detail == *detail) { detail } else { "" }
    }
}

impl Band<'_> {
    pub(super) fn title(&self) -> String {
        match self.passes {
            [first, .., last] => format!("passes {} to {}", first.number, last.number),
            [pass] => format!("pass {}", pass.number),
            [] => String::new(),
        }
    }

    pub(super) fn read_bytes(&self) -> u64 {
        self.passes.iter().map(|pass| pass.read_bytes).fold(0, u64::saturating_add)
    }

    pub(super) fn peak_bytes(&self) -> u64 {
        self.passes.iter().map(|pass| pass.peak_bytes).max().unwrap_or(0)
    }
}

/// Passes one by one, but for long rows of passes that are alike.
fn bands(passes: &[ExplainPass]) -> Vec<Band<'_>> {
    let alike = |a: &ExplainPass, b: &ExplainPass| {
        (&a.strategy, a.workers, a.worker_bytes, a.state_bytes)
            == (&b.strategy, b.workers, b.worker_bytes, b.state_bytes)
    };
    let mut bands = Vec::new();
    for (group, row) in passes.chunk_by(alike).enumerate() {
        let (first, rest) = shown(row);
        bands.extend(first.chunks(1).map(|passes| Band { passes, group }));
        if !rest.is_empty() {
            bands.push(Band { passes: rest, group });
        }
    }
    bands
}

/// Gives each source that is shown what tells it from the others.
fn name_sources(items: &mut [Item]) {
    let sources =
        items.iter_mut().filter(|item| item.kind() == NodeKind::Source && !item.is_rest());
    let sources: Vec<&mut Item> = sources.collect();
    let names: Vec<&str> = sources.iter().map(|item| item.nodes[0].label.as_str()).collect();
    let parts = label::distinct_parts(&names);
    for (item, part) in sources.into_iter().zip(parts) {
        item.own_part = Some(part);
    }
}

/// Each once, in the order of first appearance.
pub(super) fn distinct(inputs: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut seen = HashSet::new();
    inputs.filter(|&input| seen.insert(input)).collect()
}

/// For each item, the items that it is an input of.
pub(super) fn consumers(items: &[Item]) -> Vec<Vec<usize>> {
    let mut consumers = vec![Vec::new(); items.len()];
    for (at, item) in items.iter().enumerate() {
        for &input in &item.inputs {
            consumers[input].push(at);
        }
    }
    consumers
}

#[cfg(test)]
mod tests {
    use super::{Folded, MOST_ITEMS, shown};
    use crate::picture::testing;

    fn titles(folded: &Folded) -> Vec<String> {
        folded.items.iter().map(super::Item::title).collect()
    }

    #[test]
    fn few_runs_are_all_shown_and_many_are_counted() {
        let five = testing::tsnr(5);
        assert_eq!(Folded::new(&five).items.len(), five.nodes.len());

        let many = testing::tsnr(500);
        let folded = Folded::new(&many);
        assert_eq!(folded.items.len(), 3 + 1 + 5);
        assert_eq!(titles(&folded)[3], "\u{2026} 497 more");
        assert_eq!(folded.items[4].inputs, [0, 1, 2, 3], "the concatenation takes all of them");
    }

    #[test]
    fn branches_within_branches_fold_too() {
        let group = testing::group(40, 12);
        let folded = Folded::new(&group);
        // Three subjects with three runs and a count each, the other subjects, stack and result.
        assert_eq!(folded.items.len(), 3 * (4 + 2) + 3 + 2, "{:?}", titles(&folded));
        let nodes: usize = folded.items.iter().map(|item| item.nodes.len()).sum();
        assert_eq!(nodes, group.nodes.len());
    }

    #[test]
    fn where_all_would_be_too_many_less_is_shown_and_nothing_is_cut_off() {
        let group = testing::group(6, 12);
        assert!(Folded::new(&group).items.len() < 40);
        let group = testing::group(20, 6);
        assert!(Folded::new(&group).items.len() <= 3 * 8 + 3 + 2);
        let group = testing::group(6, 9);
        let folded = Folded::new(&group);
        let nodes: usize = folded.items.iter().map(|item| item.nodes.len()).sum();
        assert_eq!(nodes, group.nodes.len());
    }

    #[test]
    fn passes_that_are_alike_share_a_band_with_what_they_make() {
        let many = testing::many_results(300);
        let folded = Folded::new(&many);
        assert_eq!(folded.bands.len(), 4);
        assert_eq!(folded.bands[3].title(), "passes 4 to 300");
        assert_eq!(folded.items.len(), 4 * 3, "{:?}", titles(&folded));
        assert_eq!(folded.items.iter().filter(|item| item.band == Some(3)).count(), 2);
    }

    #[test]
    fn every_item_comes_after_its_inputs() {
        for (name, explanation) in testing::all() {
            let folded = Folded::new(&explanation);
            assert!(folded.items.len() <= MOST_ITEMS + 1, "{name}");
            for (at, item) in folded.items.iter().enumerate() {
                assert!(!item.nodes.is_empty(), "{name}");
                assert!(item.inputs.iter().all(|&input| input < at), "{name}: {item:?}");
            }
        }
    }

    #[test]
    fn what_is_unlike_is_cut_off_far_from_the_results() {
        let chain = testing::chain(200);
        let folded = Folded::new(&chain);
        assert_eq!(folded.items.len(), MOST_ITEMS + 1);
        assert_eq!(folded.items[0].title(), "\u{2026} 340 more");
        assert_eq!(folded.items.last().unwrap().title(), "result 1");
    }

    #[test]
    fn inputs_that_point_nowhere_are_left_out() {
        let mut broken = testing::tsnr(2);
        broken.nodes[0].inputs = vec![0, 3, 99];
        assert!(Folded::new(&broken).items[0].inputs.is_empty());
    }

    #[test]
    fn a_short_list_is_shown_whole() {
        assert_eq!(shown(&[1; 6]).1.len(), 0);
        assert_eq!(shown(&[1; 7]).0.len(), 3);
    }
}
