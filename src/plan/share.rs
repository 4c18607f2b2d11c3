//! Which results come out of one trip?
//!
//! Results that fold the same axes, or are of one shape, and touch a common source share a pass. In a
//! mixed plan so do results of any kind that touch a common source on disk: their pass is walked
//! volume by volume and read once. In a chained plan a map over a fold's own result (a z-score) joins
//! the fold's pass: each tile is kept until both are done with it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::cut::Task;
use super::draft::Draft;
use super::pass::{Dest, Form, Pass};
use crate::feed::{Leaf, leaves_of};
use crate::lazy::{AxisView, Node, Op};
use crate::source::Source;

/// How boldly results are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boldness {
    pub(super) mixed: bool,
    pub(super) chained: bool,
}

/// Tasks that will be one pass.
struct Cluster {
    depth: usize,
    jobs: Vec<usize>,
    form: Form,
}

/// The passes for all jobs, in the order they run; and whether being so bold made any difference.
pub(super) fn share(jobs: &[Task], bold: Boldness) -> (Vec<Pass>, bool) {
    let leaves: Vec<Vec<Leaf>> = jobs.iter().map(|job| leaves_of(&job.root)).collect();
    let mut clusters = clusters(jobs, &leaves, bold.mixed);
    let mut differs = clusters.iter().any(|cluster| cluster.form == Form::Mixed);
    // A stable sort: passes of one depth keep the order in which results named them.
    clusters.sort_by_key(|cluster| cluster.depth);
    let mut taken = HashSet::new();
    let mut passes = Vec::new();
    for (index, cluster) in clusters.iter().enumerate() {
        if taken.contains(&index) {
            continue;
        }
        let mut draft = draft_of(jobs, &leaves, cluster);
        if bold.chained
            && let Some((then, map)) = clusters
                .iter()
                .enumerate()
                .find(|(then, map)| !taken.contains(then) && follows(jobs, &leaves, cluster, map))
        {
            map.jobs.iter().for_each(|&job| draft.take_after(&jobs[job]));
            taken.insert(then);
            differs = true;
        }
        passes.push(draft.build());
    }
    (passes, differs)
}

fn draft_of(jobs: &[Task], leaves: &[Vec<Leaf>], cluster: &Cluster) -> Draft {
    let first = &jobs[cluster.jobs[0]];
    let is_stream = |job: &usize| leaves[*job].iter().any(Leaf::is_sequential);
    let streams = cluster.jobs.iter().any(is_stream);
    let walk = match &cluster.form {
        // A stream is walked in its own order; what is reduced is whole in each step of it.
        Form::Fold { axes, .. } if !streams => axes.last().copied().unwrap_or(0),
        Form::Fold { .. } => reduces_ndim(&first.root).unwrap_or(1) - 1,
        Form::Map | Form::Mixed => first.root.shape.len().saturating_sub(1),
    };
    let shape = if cluster.form == Form::Mixed { Vec::new() } else { first.root.shape.clone() };
    let mut draft = Draft::new(cluster.form.clone(), cluster.depth, shape, walk, streams);
    cluster.jobs.iter().for_each(|&job| draft.take(&jobs[job]));
    draft
}

/// What jobs of one cluster have in common; any two that share one of these are together.
#[derive(PartialEq, Eq, Hash)]
enum Bond<'j> {
    /// The same kind of result from a common source.
    Alike { depth: usize, fold: &'j Option<(Vec<usize>, bool)>, shape: &'j [u64], source: usize },
    /// The same kind of result from streams, which are then read several at once.
    Streams { depth: usize, fold: &'j Option<(Vec<usize>, bool)>, shape: &'j [u64] },
    /// Anything from a common source on disk.
    Stored { depth: usize, source: usize },
}

/// Tasks that are bound to each other, directly or through others, end up in one cluster.
fn clusters(jobs: &[Task], leaves: &[Vec<Leaf>], mixed: bool) -> Vec<Cluster> {
    let mut group: Vec<usize> = (0..jobs.len()).collect();
    let mut first_with: HashMap<Bond<'_>, usize> = HashMap::new();
    for (index, job) in jobs.iter().enumerate() {
        let (depth, fold, shape) = (job.depth, &job.fold, &job.root.shape[..]);
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
    for index in 0..jobs.len() {
        members.entry(root_of(&group, index)).or_default().push(index);
    }
    members
        .into_iter()
        .map(|(first, jobs_in)| {
            let alike = |&other: &usize| {
                jobs[first].fold == jobs[other].fold
                    && jobs[first].root.shape == jobs[other].root.shape
            };
            let form = match &jobs[first].fold {
                _ if !jobs_in.iter().all(alike) => Form::Mixed,
                Some((axes, grouped)) => Form::Fold { axes: axes.clone(), grouped: *grouped },
                None => Form::Map,
            };
            Cluster { depth: jobs[first].depth, jobs: jobs_in, form }
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
/// the same tile, and what both read on disk is the same.
fn follows(jobs: &[Task], leaves: &[Vec<Leaf>], fold: &Cluster, map: &Cluster) -> bool {
    let Form::Fold { axes, grouped: false } = &fold.form else { return false };
    if map.form != Form::Map || map.depth != fold.depth + 1 || map.jobs.len() != 1 {
        return false;
    }
    let held: HashSet<usize> =
        fold.jobs.iter().filter_map(|&job| held_address(&jobs[job])).collect();
    let shape = &jobs[map.jobs[0]].root.shape;
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let cells: Vec<u64> = kept.iter().map(|&axis| shape[axis]).collect();
    let sources = |jobs: &[usize]| -> BTreeSet<usize> {
        let of = jobs.iter().flat_map(|&job| &leaves[job]);
        of.filter(|leaf| !held.contains(&leaf.address())).map(Leaf::address).collect()
    };
    let aligned = |leaf: &Leaf| {
        let drivers = leaf.view.axes().iter().zip(&kept);
        leaf.view.axes().len() == kept.len()
            && drivers
                .into_iter()
                .all(|(driver, &axis)| *driver == AxisView::Run { axis, start: 0, step: 1 })
    };
    let random = |job: &usize| leaves[*job].iter().all(|leaf| !leaf.is_sequential());
    jobs[fold.jobs[0]].root.shape == cells
        && kept.len() + axes.len() == shape.len()
        && reduces_ndim(&jobs[fold.jobs[0]].root) == Some(shape.len())
        && fold.jobs.iter().chain(&map.jobs).all(random)
        && sources(&map.jobs).is_subset(&sources(&fold.jobs))
        && leaves[map.jobs[0]].iter().filter(|leaf| held.contains(&leaf.address())).all(aligned)
        && leaves[map.jobs[0]].iter().any(|leaf| held.contains(&leaf.address()))
}

fn held_address(job: &Task) -> Option<usize> {
    match &job.dest {
        Dest::Held(source) => {
            let source: Arc<dyn Source> = Arc::clone(source) as Arc<dyn Source>;
            Some(crate::feed::address(&source))
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
