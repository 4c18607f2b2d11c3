//! Which branches of an expression are alike, and which of them are shown?
//!
//! Two nodes are alike when what is done below them and above them is the same, whatever the sources
//! are called and however long their axes are. Branches are the connected groups of such nodes; of
//! many that stand between the same other nodes a few are kept and the others become one item that
//! counts them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::explanation::{ExplainNode, ExplainPass, Explanation, NodeKind};
use super::label;

/// So many that are alike are all shown.
const WHOLE: usize = 6;
/// Of more, so many are shown.
const SHOWN: usize = 3;
/// No picture has more items; the ones nearest to the results are kept.
const MOST_ITEMS: usize = 100;

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
    if list.len() <= WHOLE { (list, &[]) } else { list.split_at(SHOWN) }
}

impl<'a> Folded<'a> {
    pub(super) fn new(explanation: &'a Explanation) -> Self {
        let bands = bands(&explanation.passes);
        let of_pass: HashMap<usize, usize> = bands
            .iter()
            .enumerate()
            .flat_map(|(at, band)| band.passes.iter().map(move |pass| (pass.number, at)))
            .collect();
        let mut items: Vec<Item> = explanation
            .nodes
            .iter()
            .enumerate()
            .map(|(at, node)| Item {
                nodes: vec![node],
                inputs: distinct(node.inputs.iter().copied().filter(|&input| input < at)),
                band: node.pass.and_then(|number| of_pass.get(&number).copied()),
            })
            .collect();
        loop {
            let before = items.len();
            items = fold_once(items, &bands);
            if items.len() == before {
                break;
            }
        }
        Self { items: keep_nearest(items), bands }
    }

    /// For each item, the items that it is an input of.
    pub(super) fn consumers(&self) -> Vec<Vec<usize>> {
        consumers(&self.items)
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

fn distinct(inputs: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut seen = HashSet::new();
    inputs.filter(|&input| seen.insert(input)).collect()
}

fn consumers(items: &[Item]) -> Vec<Vec<usize>> {
    let mut consumers = vec![Vec::new(); items.len()];
    for (at, item) in items.iter().enumerate() {
        for &input in &item.inputs {
            consumers[input].push(at);
        }
    }
    consumers
}

/// Folds branches that are alike; what is folded already stays as it is. Branches within branches
/// take a second round.
fn fold_once<'a>(items: Vec<Item<'a>>, bands: &[Band]) -> Vec<Item<'a>> {
    let above = consumers(&items);
    let classes = classes(&items, &above, bands);
    let mut sizes = HashMap::new();
    for &class in &classes {
        *sizes.entry(class).or_insert(0_usize) += 1;
    }
    let is_common = |at: usize| sizes[&classes[at]] > WHOLE && !items[at].is_rest();
    let branches = branches(&items, is_common);

    // Branches of one kind between the same other items.
    let mut kinds: BTreeMap<_, Vec<Vec<usize>>> = BTreeMap::new();
    for branch in branches {
        let mut own: Vec<usize> = branch.iter().map(|&at| classes[at]).collect();
        own.sort_unstable();
        let others = |linked: &mut dyn Iterator<Item = usize>| {
            let mut linked: Vec<usize> = linked.filter(|&other| !is_common(other)).collect();
            linked.sort_unstable();
            linked.dedup();
            linked
        };
        let users = others(&mut branch.iter().flat_map(|&at| &above[at]).copied());
        let inputs = others(&mut branch.iter().flat_map(|&at| &items[at].inputs).copied());
        kinds.entry((own, users, inputs)).or_default().push(branch);
    }

    // The item that each item goes into, named by the last item that does.
    let mut into: Vec<usize> = (0..items.len()).collect();
    for same in kinds.values() {
        let (_, rest) = shown(same);
        let mut of_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &at in rest.iter().flatten() {
            of_class.entry(classes[at]).or_default().push(at);
        }
        for members in of_class.values() {
            let last = members.iter().copied().max().unwrap_or(0);
            for &at in members {
                into[at] = last;
            }
        }
    }
    merge(items, &into)
}

/// A number for each item, equal for those that are alike.
fn classes(items: &[Item], above: &[Vec<usize>], bands: &[Band]) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let mut below = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let node = item.nodes[0];
        let name = if node.kind == NodeKind::Source || node.kind == NodeKind::Result {
            ""
        } else {
            node.label.as_str()
        };
        let unlike = item.is_rest().then_some(at);
        let inputs: Vec<usize> = item.inputs.iter().map(|&input| below[input]).collect();
        let group = item.band.map(|band| bands[band].group);
        let key = (node.kind, name, node.dtype.as_str(), node.shape.len(), group, unlike, inputs);
        let next = numbers.len();
        below.push(*numbers.entry(key).or_insert(next));
    }
    let mut numbers = HashMap::new();
    let mut classes = vec![0; items.len()];
    for at in (0..items.len()).rev() {
        let mut used_by: Vec<usize> = above[at].iter().map(|&user| classes[user]).collect();
        used_by.sort_unstable();
        let next = numbers.len();
        classes[at] = *numbers.entry((below[at], used_by)).or_insert(next);
    }
    classes
}

/// The connected groups of common items, each in order, by their first item.
fn branches(items: &[Item], is_common: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..items.len()).collect();
    for (at, item) in items.iter().enumerate() {
        for &input in &item.inputs {
            if is_common(at) && is_common(input) {
                let (one, other) = (root(&mut parent, at), root(&mut parent, input));
                parent[one.max(other)] = one.min(other);
            }
        }
    }
    let mut branches: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in (0..items.len()).filter(|&at| is_common(at)) {
        branches.entry(root(&mut parent, at)).or_default().push(at);
    }
    branches.into_values().collect()
}

fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

/// Puts each item into the one that `into` names, which is its last.
fn merge<'a>(items: Vec<Item<'a>>, into: &[usize]) -> Vec<Item<'a>> {
    let mut place = vec![0; items.len()];
    let mut kept = 0;
    for (at, &last) in into.iter().enumerate() {
        if at == last {
            place[at] = kept;
            kept += 1;
        }
    }
    let mut merged: Vec<Item> = Vec::with_capacity(kept);
    let mut waiting: HashMap<usize, Item> = HashMap::new();
    for (at, item) in items.into_iter().enumerate() {
        let last = into[at];
        let inputs = item.inputs.iter().map(|&input| place[into[input]]);
        let inputs: Vec<usize> = inputs.filter(|&input| input < place[last]).collect();
        let band = item.band;
        let whole = waiting.entry(last).or_insert_with(|| Item {
            nodes: Vec::new(),
            inputs: Vec::new(),
            band,
        });
        whole.nodes.extend(item.nodes);
        whole.inputs.extend(inputs);
        whole.band = whole.band.max(band);
        if at == last
            && let Some(mut whole) = waiting.remove(&last)
        {
            whole.inputs = distinct(whole.inputs.into_iter());
            merged.push(whole);
        }
    }
    merged
}

/// The items nearest to the results, and one for all others before them.
fn keep_nearest(items: Vec<Item>) -> Vec<Item> {
    if items.len() <= MOST_ITEMS {
        return items;
    }
    let above = consumers(&items);
    let mut queue: VecDeque<usize> = (0..items.len()).filter(|&at| above[at].is_empty()).collect();
    let mut near: HashSet<usize> = queue.iter().copied().collect();
    let mut kept = HashSet::new();
    while let Some(at) = queue.pop_front() {
        if kept.len() == MOST_ITEMS {
            break;
        }
        kept.insert(at);
        queue.extend(items[at].inputs.iter().copied().filter(|&input| near.insert(input)));
    }
    let mut place = HashMap::new();
    let mut result = vec![Item { nodes: Vec::new(), inputs: Vec::new(), band: None }];
    for (at, item) in items.into_iter().enumerate() {
        if kept.contains(&at) {
            place.insert(at, result.len());
            let inputs = item.inputs.iter().map(|input| place.get(input).copied().unwrap_or(0));
            result.push(Item { inputs: distinct(inputs), ..item });
        } else {
            result[0].nodes.extend(item.nodes);
        }
    }
    result
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
        assert_eq!(folded.items[0].title(), "\u{2026} 300 more");
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
