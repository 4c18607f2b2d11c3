//! Which branches of an expression are alike, and which of them are shown?
//!
//! Two nodes are alike when what is done below them and above them is the same, whatever the sources
//! are called and however long their axes are. Branches are the connected groups of such nodes; of
//! many that stand between the same other nodes a few are kept and the others become one item that
//! counts them. Names nothing and sums nothing up: that is for `folded`.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::explanation::NodeKind;
use super::folded::{Item, consumers, distinct};

/// How many of those that are alike are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// So many are all shown.
    pub(super) whole: usize,
    /// Of more, so many.
    pub(super) shown: usize,
}

/// Folds branches that are alike, and then branches within the branches that are left.
///
/// `groups` gives a number to each band, equal for bands of passes that are alike.
pub(super) fn fold<'a>(
    mut items: Vec<Item<'a>>,
    groups: &[usize],
    limits: Limits,
) -> Vec<Item<'a>> {
    loop {
        let before = items.len();
        items = fold_once(items, groups, limits);
        if items.len() == before {
            return items;
        }
    }
}

/// Folds branches that are alike; what is folded already stays as it is.
fn fold_once<'a>(items: Vec<Item<'a>>, groups: &[usize], limits: Limits) -> Vec<Item<'a>> {
    let above = consumers(&items);
    let classes = classes(&items, &above, groups);
    let mut sizes = HashMap::new();
    for &class in &classes {
        *sizes.entry(class).or_insert(0_usize) += 1;
    }
    let is_common = |at: usize| sizes[&classes[at]] > limits.whole && !items[at].is_rest();
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
        if same.len() <= limits.whole {
            continue;
        }
        let rest = &same[limits.shown..];
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
fn classes(items: &[Item], above: &[Vec<usize>], groups: &[usize]) -> Vec<usize> {
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
        let group = item.band.map(|band| groups[band]);
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
            own_part: None,
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
pub(super) fn keep_nearest(items: Vec<Item>, most: usize) -> Vec<Item> {
    if items.len() <= most {
        return items;
    }
    let above = consumers(&items);
    let mut queue: VecDeque<usize> = (0..items.len()).filter(|&at| above[at].is_empty()).collect();
    let mut near: HashSet<usize> = queue.iter().copied().collect();
    let mut kept = HashSet::new();
    while let Some(at) = queue.pop_front() {
        if kept.len() == most {
            break;
        }
        kept.insert(at);
        queue.extend(items[at].inputs.iter().copied().filter(|&input| near.insert(input)));
    }
    let mut place = HashMap::new();
    let mut result =
        vec![Item { nodes: Vec::new(), inputs: Vec::new(), band: None, own_part: None }];
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
