//! Which results come out of one trip?
//!
//! Results that fold the same axes, or are of one shape, and touch a common source share a pass. In a
//! mixed plan so do results of any kind that touch a common source on disk: their pass is walked
//! volume by volume and read once. In a chained plan a map over a fold's own result (a z-score) joins
//! the fold's pass: each tile is kept until both are done with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::cut::Task;
use super::draft::Draft;
use super::pass::{Dest, FoldOver, Form, Pass};
use crate::feed::{Leaf, leaves_of};
use crate::lazy::{AxisView, Node, Op};
use crate::source::{Source, address};

/// How boldly results are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boldness {
    /// Results of any kind over a common source on disk are one pass.
    pub(super) mixed: bool,
    /// A map over a fold's own result joins its pass.
    pub(super) chained: bool,
}

impl Boldness {
    /// Never refused for its boldness.
    pub(super) const TIMID: Self = Self { mixed: false, chained: false };

    /// From the fewest reads to the least memory.
    pub(super) const ALL: [Self; 4] = [
        Self { mixed: true, chained: true },
        Self { mixed: true, chained: false },
        Self { mixed: false, chained: true },
        Self::TIMID,
    ];
}

/// Passes in the order they run.
pub(super) struct Shared {
    pub(super) passes: Vec<Pass>,
    /// The boldness made a difference; else a more timid try gives the same.
    pub(super) bolder: bool,
}

/// Tasks that will be one pass.
struct Cluster {
    depth: usize,
    tasks: Vec<usize>,
    form: Form,
}

/// The passes for all tasks.
pub(super) fn share(tasks: &[Task], bold: Boldness) -> Shared {
    let leaves: Vec<Vec<Leaf>> = tasks.iter().map(|task| leaves_of(&task.root)).collect();
    let mut clusters = clusters(tasks, &leaves, bold.mixed);
    let mut bolder = clusters.iter().any(|cluster| cluster.form == Form::Mixed);
    // A stable sort: passes of one depth keep the order in which results named them.
    clusters.sort_by_key(|cluster| cluster.depth);
    let mut taken = HashSet::new();
    let mut passes = Vec::new();
    for (index, cluster) in clusters.iter().enumerate() {
        if taken.contains(&index) {
            continue;
        }
        let mut draft = draft_of(tasks, &leaves, cluster);
        if bold.chained
            && let Some((then, map)) = clusters
                .iter()
                .enumerate()
                .find(|(then, map)| !taken.contains(then) && follows(tasks, &leaves, cluster, map))
        {
            map.tasks.iter().for_each(|&task| draft.add_after_sums(&tasks[task]));
            taken.insert(then);
            bolder = true;
        }
        passes.push(draft.build());
    }
    Shared { passes, bolder }
}

fn draft_of(tasks: &[Task], leaves: &[Vec<Leaf>], cluster: &Cluster) -> Draft {
    let first = &tasks[cluster.tasks[0]];
    let is_stream = |task: &usize| leaves[*task].iter().any(Leaf::is_sequential);
    let streams = cluster.tasks.iter().any(is_stream);
    let walk = match &cluster.form {
        // A stream is walked in its own order; what is reduced is whole in each step of it.
        Form::Fold(FoldOver { axes, .. }) if !streams => axes.last().copied().unwrap_or(0),
        Form::Fold(_) => reduces_ndim(&first.root).unwrap_or(1) - 1,
        Form::Map | Form::Mixed => first.root.shape.len().saturating_sub(1),
    };
    let shape = if cluster.form == Form::Mixed { Vec::new() } else { first.root.shape.clone() };
    let mut draft = Draft::new(cluster.form.clone(), cluster.depth, shape, walk, streams);
    cluster.tasks.iter().for_each(|&task| draft.add(&tasks[task]));
    draft
}

/// What tasks of one cluster have in common; any two that share one of these are together.
#[derive(PartialEq, Eq, Hash)]
enum Bond<'t> {
    /// The same kind of result from a common source.
    Alike { depth: usize, fold: &'t Option<FoldOver>, shape: &'t [u64], source: usize },
    /// The same kind of result from streams, which are then read several at once.
    Streams { depth: usize, fold: &'t Option<FoldOver>, shape: &'t [u64] },
    /// Anything from a common source on disk.
    Stored { depth: usize, source: usize },
}

/// Tasks that are bound to each other, directly or through others, end up in one cluster.
fn clusters(tasks: &[Task], leaves: &[Vec<Leaf>], mixed: bool) -> Vec<Cluster> {
    let mut group: Vec<usize> = (0..tasks.len()).collect();
    let mut first_with: HashMap<Bond<'_>, usize> = HashMap::new();
    for (index, task) in tasks.iter().enumerate() {
        let (depth, fold, shape) = (task.depth, &task.fold, &task.root.shape[..]);
        let mut bonds = Vec::new();
        for leaf in &leaves[index] {
            let source = leaf.address();
            bonds.push(Bond::Alike { depth, fold, shape, source });
            if leaf.is_sequential() {
                bonds.push(Bond::Streams { depth, fold, shape });
            }
            if mixed && leaf.source.stored_bytes() > 0 {
                bonds.push(Bond::Stored { depth, source });
            }
        }
        for bond in bonds {
            let other = *first_with.entry(bond).or_insert(index);
            let (a, b) = (root_of(&group, index), root_of(&group, other));
            group[a.max(b)] = a.min(b);
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for index in 0..tasks.len() {
        members.entry(root_of(&group, index)).or_default().push(index);
    }
    members
        .into_iter()
        .map(|(first, tasks_in)| {
            let alike = |&other: &usize| {
                tasks[first].fold == tasks[other].fold
                    && tasks[first].root.shape == tasks[other].root.shape
            };
            let form = match &tasks[first].fold {
                _ if !tasks_in.iter().all(alike) => Form::Mixed,
                Some(over) => Form::Fold(over.clone()),
                None => Form::Map,
            };
            Cluster { depth: tasks[first].depth, tasks: tasks_in, form }
        })
        .collect()
}

fn root_of(group: &[usize], mut index: usize) -> usize {
    while group[index] != index {
        index = group[index];
    }
    index
}

/// True for a map that can be made tile by tile right after a fold: what it needs of the fold lies in
/// the same tile, and it reads no source that the fold does not.
fn follows(tasks: &[Task], leaves: &[Vec<Leaf>], fold: &Cluster, map: &Cluster) -> bool {
    let Form::Fold(FoldOver { axes, grouped: false }) = &fold.form else { return false };
    let ([map_task], Form::Map) = (&map.tasks[..], &map.form) else { return false };
    if map.depth != fold.depth + 1 {
        return false;
    }
    let (map_shape, fold_root) = (&tasks[*map_task].root.shape, &tasks[fold.tasks[0]].root);
    let kept: Vec<usize> = (0..map_shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let kept_shape = kept.iter().map(|&axis| map_shape[axis]);
    // A cell of the fold for each set of elements of the map that differ in the reduced axes only.
    let same_axes = reduces_ndim(fold_root) == Some(map_shape.len())
        && kept.len() + axes.len() == map_shape.len()
        && kept_shape.eq(fold_root.shape.iter().copied());

    let both = || fold.tasks.iter().chain(&map.tasks);
    let is_random = both().all(|&task| leaves[task].iter().all(|leaf| !leaf.is_sequential()));

    let made: HashSet<usize> =
        fold.tasks.iter().filter_map(|&task| held_address(&tasks[task])).collect();
    let (of_fold, of_sources): (Vec<&Leaf>, Vec<&Leaf>) =
        leaves[*map_task].iter().partition(|leaf| made.contains(&leaf.address()));
    let read_by_fold: HashSet<usize> =
        fold.tasks.iter().flat_map(|&task| &leaves[task]).map(Leaf::address).collect();
    let reads_nothing_else = of_sources.iter().all(|leaf| read_by_fold.contains(&leaf.address()));

    // The fold's result is taken as it lies, so that a tile of the map needs that tile of the fold.
    let is_in_place = |leaf: &Leaf| {
        let axes = leaf.view.axes();
        axes.len() == kept.len()
            && axes.iter().zip(&kept).all(|(driver, &axis)| *driver == AxisView::whole(axis))
    };
    let uses_fold = !of_fold.is_empty() && of_fold.into_iter().all(is_in_place);
    same_axes && is_random && reads_nothing_else && uses_fold
}

fn held_address(task: &Task) -> Option<usize> {
    match &task.dest {
        Dest::Held(source) => {
            let source: Arc<dyn Source> = Arc::clone(source) as Arc<dyn Source>;
            Some(address(&source))
        }
        Dest::Result(_) | Dest::Spilled(_) => None,
    }
}

/// Number of axes of what the reductions of a fold reduce.
fn reduces_ndim(root: &Arc<Node>) -> Option<usize> {
    match &root.op {
        Op::Reduce(reduce) => Some(reduce.input.shape.len()),
        _ => root.children().into_iter().find_map(reduces_ndim),
    }
}
