//! Which elements can flow in one trip?
//!
//! Wants (an expression and what it is wanted for) that touch a common source go into one feed where
//! their rows can be lined up along the walk: `x` and the difference `x[1:] - x[:-1]` read each volume
//! once, the difference one row behind. Wants of one shape and lag share a program.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::compile::Expressions;
use super::leaf::{Leaf, leaves_of, place_of};
use super::{Branch, Feed, Load, Phase, Window};
use crate::dtype::DType;
use crate::grid::Region;
use crate::lazy::{AxisView, Node, View};
use crate::source::address;

/// Elements that somebody wants: an expression over leaves of one shape, to come out as `dtype`.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    pub(crate) node: Arc<Node>,
    pub(crate) dtype: DType,
    /// Elements that count; `bool`.
    pub(crate) mask: Option<Arc<Node>>,
    /// 1 where it needs what other wants of the feed gave.
    pub(crate) phase: Phase,
}

/// Where a want came to stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Number of its feed among those made together.
    pub(crate) feed: usize,
    pub(crate) branch: usize,
    pub(crate) output: usize,
    pub(crate) mask: Option<usize>,
}

/// A source that moves with the walk: in even steps, or from pick to pick.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Moving {
    source: usize,
    evenly: bool,
}

/// A row of a source, and how many rows on the next one is.
type Pace = (i64, i64);

/// The feeds that wants flow in, as few as there can be, and where each want came to stand. Only wants
/// of one place are together; `empty` says how feeds are walked.
///
/// A want that touches two sources brings all that touch either together, whichever came first: the
/// difference across two joined runs makes one feed of both.
pub(crate) fn gather(
    wants: &[(Region, Want)],
    empty: &FeedBuilder,
) -> (Vec<(Region, Feed)>, Vec<Placed>) {
    let leaves: Vec<Vec<Leaf>> = wants.iter().map(|(_, want)| leaves_of_want(want)).collect();
    let mut left: Vec<usize> = (0..wants.len()).collect();
    let mut placed = vec![Placed::default(); wants.len()];
    let mut feeds = Vec::new();
    while let Some(&first) = left.first() {
        let place = &wants[first].0;
        let (mut builder, mut members) = (empty.clone(), Vec::new());
        // Who is in may bring in those who were passed over.
        loop {
            let before = left.len();
            left.retain(|&index| {
                let (at, want) = &wants[index];
                let joins = at == place && builder.add(want, &leaves[index]);
                if joins {
                    members.push(index);
                }
                !joins
            });
            if left.len() == before || left.is_empty() {
                break;
            }
        }
        let (feed, places) = builder.build();
        for (index, of) in members.into_iter().zip(places) {
            placed[index] = Placed { feed: feeds.len(), ..of };
        }
        feeds.push((place.clone(), feed));
    }
    (feeds, placed)
}

/// Wants that will flow together.
#[derive(Clone)]
pub(crate) struct FeedBuilder {
    walk: usize,
    /// For each source that moves with the walk, its row at row 0 of the feed, and the rows it moves
    /// on by for each one of the feed.
    bases: HashMap<Moving, Pace>,
    sources: HashSet<usize>,
    wants: Vec<(Want, i64)>,
    /// Wants may differ in shape; the walk is along their last axis.
    mixed: bool,
    /// Row `r` of every want belongs to row `r` of the feed.
    without_lag: bool,
}

/// Wants that become one branch.
struct Group<'w> {
    shape: &'w [u64],
    lag: u64,
    phase: Phase,
    /// Numbers of the wants.
    members: Vec<usize>,
}

impl FeedBuilder {
    /// A feed that is walked along `walk`, without wants. In a mixed one wants may differ in shape, and
    /// the walk is along their last axis.
    pub(crate) fn new(walk: usize, mixed: bool) -> Self {
        let (bases, sources) = (HashMap::new(), HashSet::new());
        Self { walk, bases, sources, wants: Vec::new(), mixed, without_lag: false }
    }

    /// A feed of which boxes are taken in any order: no want lags behind another, and what they want
    /// of a source for the same rows is read together.
    pub(crate) fn without_lag(self) -> Self {
        Self { without_lag: true, ..self }
    }

    /// Takes a want in, if it shares a source with the feed (or is the first) and its rows can be
    /// lined up with those that are in; gives its number. Where some of its sources move with the walk,
    /// one of these must be shared: what stays, as a mask does, is read anew for each feed and joins
    /// no runs.
    pub(crate) fn try_add(&mut self, want: &Want) -> Option<usize> {
        self.add(want, &leaves_of_want(want)).then(|| self.wants.len() - 1)
    }

    /// Takes a want of these leaves in, where that can be.
    fn add(&mut self, want: &Want, leaves: &[Leaf]) -> bool {
        match self.wants.first() {
            None if self.mixed => self.walk = want.node.shape.len().saturating_sub(1),
            Some((first, _)) if first.node.shape.len() != want.node.shape.len() => return false,
            _ => {}
        }
        let moving = self.starts(leaves);
        let known = |source| self.sources.contains(&source);
        let shares = if moving.is_empty() {
            leaves.iter().any(|leaf| known(leaf.address()))
        } else {
            moving.iter().any(|(of, _)| known(of.source))
        };
        if !self.wants.is_empty() && !shares {
            return false;
        }
        let Some(lag) = (if self.without_lag { Some(0) } else { self.lag_of(&moving) }) else {
            return false;
        };
        // A new source lines up where this want begins in it.
        for (source, (start, step)) in moving {
            self.bases.entry(source).or_insert((start - step * lag, step));
        }
        self.sources.extend(leaves.iter().map(Leaf::address));
        self.wants.push((want.clone(), lag));
        true
    }

    /// How many rows a want lags behind the feed; `None` where its sources do not agree on that.
    fn lag_of(&self, moving: &[(Moving, Pace)]) -> Option<i64> {
        let mut lag = None;
        for (source, (start, step)) in moving {
            let Some((base, pace)) = self.bases.get(source) else { continue };
            let apart = start - base;
            // Rows that move otherwise never line up.
            if pace != step || apart % step != 0 || *lag.get_or_insert(apart / step) != apart / step
            {
                return None;
            }
        }
        Some(lag.unwrap_or(0))
    }

    /// For each source that moves with the walk, the last row that row 0 of the want needs, and the
    /// step to that of row 1.
    fn starts(&self, leaves: &[Leaf]) -> Vec<(Moving, Pace)> {
        let mut moving: Vec<(Moving, Pace)> = Vec::new();
        for leaf in leaves.iter().filter(|leaf| leaf.view.driven_by(self.walk).is_some()) {
            let run = leaf.view.run(self.walk);
            let of = Moving { source: leaf.address(), evenly: run.is_some() };
            // Picks are lined up by their number.
            let (start, step) = run.map_or((0, 1), |(start, step)| (start as i64, step));
            match moving.iter_mut().find(|(known, _)| *known == of) {
                Some((_, (known, pace))) if *pace == step => *known = start.max(*known),
                Some(_) => {}
                None => moving.push((of, (start, step))),
            }
        }
        moving
    }

    /// The feed, and where each want came to stand in it.
    pub(crate) fn build(mut self) -> (Feed, Vec<Placed>) {
        // The want that begins first has lag 0.
        let first = self.wants.iter().map(|(_, lag)| *lag).min().unwrap_or(0);
        self.wants.iter_mut().for_each(|(_, lag)| *lag -= first);
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (index, (want, lag)) in self.wants.iter().enumerate() {
            let (shape, lag, phase) = (&want.node.shape[..], *lag as u64, want.phase);
            let same = |g: &&mut Group<'_>| g.shape == shape && g.lag == lag && g.phase == phase;
            match groups.iter_mut().find(same) {
                Some(group) => group.members.push(index),
                None => groups.push(Group { shape, lag, phase, members: vec![index] }),
            }
        }
        let mut windows = Windows { walk: self.walk, made: Vec::new() };
        let mut placed = vec![Placed::default(); self.wants.len()];
        let mut branches = Vec::new();
        let mut shape: Vec<u64> = Vec::new();
        for group in groups {
            let mut leaves: Vec<Leaf> = Vec::new();
            let mut expressions = Expressions::default();
            for index in group.members {
                let want = &self.wants[index].0;
                let mut inputs = |node: &Arc<Node>| load_of(node, &mut leaves);
                let output = expressions.output(&want.node, want.dtype, &mut inputs);
                let mask = want
                    .mask
                    .as_ref()
                    .map(|mask| expressions.output(mask, DType::Bool, &mut inputs));
                placed[index] = Placed { feed: 0, branch: branches.len(), output, mask };
            }
            let (program, outputs) = expressions.build();
            let loads = leaves.iter().map(|leaf| windows.load(leaf, group.lag)).collect();
            shape = longest(&shape, group.shape, self.walk, group.lag);
            let (of_branch, lag, phase) = (group.shape.to_vec(), group.lag, group.phase);
            branches.push(Branch { shape: of_branch, lag, loads, program, outputs, phase });
        }
        let windows = windows.made.into_iter().map(|(window, _)| window).collect();
        (Feed::new(shape, self.walk, windows, branches), placed)
    }
}

/// Every leaf of a want; one that its mask has too comes twice.
fn leaves_of_want(want: &Want) -> Vec<Leaf> {
    let mut leaves = leaves_of(&want.node);
    leaves.extend(want.mask.iter().flat_map(leaves_of));
    leaves
}

fn load_of(node: &Arc<Node>, leaves: &mut Vec<Leaf>) -> Option<(usize, DType)> {
    let load = place_of(node, leaves)?;
    Some((load, leaves[load].source.dtype()))
}

fn longest(shape: &[u64], other: &[u64], walk: usize, lag: u64) -> Vec<u64> {
    let mut reach = other.to_vec();
    if let Some(rows) = reach.get_mut(walk) {
        *rows += lag;
    }
    if shape.is_empty() {
        return reach;
    }
    shape.iter().zip(&reach).map(|(&a, &b)| a.max(b)).collect()
}

/// How far apart loads of one window may begin, in rows of any axis.
const MOST_APART: u64 = 64;

struct Windows {
    walk: usize,
    /// Each with the view that decides what may join it.
    made: Vec<(Window, View)>,
}

impl Windows {
    /// Finds the window that can serve a leaf of a branch, or makes one.
    fn load(&mut self, leaf: &Leaf, lag: u64) -> Load {
        let moves = leaf.view.run(self.walk);
        // The source's row that the load wants at row 0 of the feed.
        let row = moves.map(|(start, step)| start as i64 - step * lag as i64);
        let found = self.made.iter().position(|(window, view)| {
            address(&window.source) == leaf.address()
                && (view == &leaf.view || alike(view, &leaf.view, leaf.is_sequential()))
        });
        let window = found.unwrap_or_else(|| {
            let walk = moves.and(leaf.view.driven_by(self.walk));
            let source = Arc::clone(&leaf.source);
            let (history, base) = (0, row.unwrap_or(0));
            let window = Window { source, walk, history, base, loads: Vec::new() };
            self.made.push((window, leaf.view.clone()));
            self.made.len() - 1
        });
        if let Some(row) = row {
            // From the row asked for last back to that asked for first.
            let window = &mut self.made[window].0;
            let (last, first) =
                (window.base.max(row), row.min(window.base - window.history as i64));
            (window.base, window.history) = (last, last.abs_diff(first));
        }
        Load { window, view: leaf.view.clone() }
    }
}

/// True for views that differ in where they start only, and not far: what they want lies side by side.
/// Of a stream whole volumes are held anyway, however they are looked at.
fn alike(one: &View, other: &View, sequential: bool) -> bool {
    let last = one.axes().len().saturating_sub(1);
    one.axes().len() == other.axes().len()
        && one.axes().iter().zip(other.axes()).enumerate().all(|(axis, pair)| match pair {
            _ if sequential && axis != last => true,
            (
                AxisView::Run { axis: a, start: s, step: p },
                AxisView::Run { axis: b, start: t, step: q },
            ) => {
                a == b
                    && p == q
                    && (s == t || (*p == 1 && (sequential || s.abs_diff(*t) <= MOST_APART)))
            }
            (a, b) => a == b,
        })
}
