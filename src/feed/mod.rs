//! How do elements flow out of storage?
//!
//! A [`Feed`] is one trip over some sources: what is read (windows), what is computed from it element
//! by element (branches, each a program over boxes of sources), and along which axis it is walked. It
//! knows how much memory a step takes and how to carry one out in buffers that the caller leased.
//! Which boxes are walked, by whom and what becomes of the elements is for `plan` and `exec` to say.
//!
//! An example, walked along time: `a` and `d = a[1:] - a[:-1]`. One window on `a`, two branches. Row 0 of
//! `d` needs rows 0 and 1 of `a`, so it is made when row 1 has come: `d` has a lag of 1. At row `r` of the
//! feed the window holds rows `r - 1` and `r`: its history is 1. Its base is the newest row at row 0 of
//! the feed: 0 here, 1 where only `d` is wanted. Each of `a`, `a[1:]`, `a[:-1]` is a load.

mod build;
mod compile;
mod custom;
mod leaf;
mod reader;
mod size;
mod steps;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use build::{FeedBuilder, Placed, Want, gather};
pub(crate) use compile::Expressions;
pub(crate) use custom::CustomSource;
pub(crate) use leaf::{Leaf, leaves_of};
pub(crate) use reader::{CastAt, FeedBuffers, Reader, evaluate};
pub(crate) use size::FeedSizes;
pub(crate) use steps::ReadTarget;

use crate::dtype::DType;
use crate::grid::saturating_count;
use crate::kernel::Program;
use crate::lazy::View;
use crate::source::{Access, Source};

/// One trip over some sources.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Lengths of the axes that are walked; branches may be shorter along `walk`.
    pub(crate) shape: Vec<u64>,
    /// The axis along which steps follow each other.
    pub(crate) walk: usize,
    pub(crate) windows: Vec<Window>,
    pub(crate) branches: Vec<Branch>,
    read_bytes: u64,
}

/// Elements computed from boxes of sources.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) shape: Vec<u64>,
    /// Its row `r` along the walk belongs to row `r + lag` of the feed: neighbours that a difference
    /// needs have been read by then.
    pub(crate) lag: u64,
    /// Boxes that the program takes, in its order.
    pub(crate) loads: Vec<Load>,
    /// `None` where the only load is the only output, as it is.
    pub(crate) program: Option<Program>,
    /// Types of what comes out.
    pub(crate) outputs: Vec<DType>,
    pub(crate) phase: Phase,
}

/// When a branch is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// First: it gives what is summed, or handed on.
    Samples,
    /// Then: it needs the finished sums of the same tile.
    AfterSums,
}

/// A box of a source, in the order of the branch.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) window: usize,
    pub(crate) view: View,
}

/// What is read of one source at a step: the smallest box that holds what all its loads want.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) source: Arc<dyn Source>,
    /// The source's axis that moves with the walk, where one does.
    pub(crate) walk: Option<usize>,
    /// Rows before those of a step that some load needs again.
    pub(crate) history: u64,
    /// The newest of the source's rows that some load wants at row 0 of the feed; negative where loads
    /// begin later.
    pub(crate) base: i64,
    /// Who takes boxes out of it: numbers of a branch and of its load.
    loads: Vec<(usize, usize)>,
}

impl Window {
    /// True when the source can only be read from front to back.
    pub(crate) fn is_sequential(&self) -> bool {
        self.source.access() == Access::Sequential
    }
}

impl Feed {
    fn new(shape: Vec<u64>, walk: usize, windows: Vec<Window>, branches: Vec<Branch>) -> Self {
        let mut feed = Self { shape, walk, windows, branches, read_bytes: 0 };
        for (of, branch) in feed.branches.iter().enumerate() {
            for (number, load) in branch.loads.iter().enumerate() {
                feed.windows[load.window].loads.push((of, number));
            }
        }
        feed.read_bytes = (0..feed.windows.len()).map(|window| feed.window_bytes(window)).sum();
        feed
    }

    /// True when some source can only be read from front to back.
    pub(crate) fn is_sequential(&self) -> bool {
        self.windows.iter().any(Window::is_sequential)
    }

    /// A stream that would have to go back, where there is one.
    pub(crate) fn read_backwards(&self) -> Option<&str> {
        let mut loads = self.branches.iter().flat_map(|branch| &branch.loads);
        let back = loads.find(|load| {
            let window = &self.windows[load.window];
            window.is_sequential() && load.view.goes_back(window.walk)
        });
        back.filter(|_| !self.shape.contains(&0))
            .map(|load| self.windows[load.window].source.name())
    }

    /// Every source of the feed, as often as it is read.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.windows.iter().map(|window| &window.source)
    }

    /// Loads of a window, with their branch.
    pub(crate) fn loads_of(&self, window: usize) -> impl Iterator<Item = (&Branch, &Load)> {
        self.windows[window].loads.iter().map(|&(branch, load)| {
            let branch = &self.branches[branch];
            (branch, &branch.loads[load])
        })
    }

    /// Bytes of elements that one trip hands on to its branches.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// Bytes of elements of a window's source that one trip needs.
    pub(crate) fn window_bytes(&self, window: usize) -> u64 {
        let item = self.windows[window].source.dtype().size() as u64;
        let touched = |load: &Load| saturating_count(&load.view.reach(load.view.shape()));
        let most = self.loads_of(window).map(|(_, load)| touched(load));
        most.max().unwrap_or(0).saturating_mul(item)
    }
}
