//! The two kinds of pass: folding an axis away, and mapping element by element.

use std::sync::Arc;

use super::feed::Feed;
use crate::dtype::DType;
use crate::grid::Region;
use crate::kernel::{Program, ReduceOp, StateKind};
use crate::lazy::MemorySource;

/// One trip over some sources.
#[derive(Debug)]
pub(crate) enum Pass {
    Fold(FoldPass),
    Map(MapPass),
}

/// Where an output goes.
#[derive(Clone, Debug)]
pub(crate) enum Dest {
    /// Result number so-and-so of the plan.
    Result(usize),
    /// Memory that a later pass reads.
    Held(Arc<MemorySource>),
}

/// Reductions over one axis with results of one shape, and what is computed from them.
#[derive(Debug)]
pub(crate) struct FoldPass {
    /// The reduced axis, in the shape of the inputs.
    pub(crate) axis: usize,
    /// Shape of the results.
    pub(crate) shape: Vec<u64>,
    /// Runs of samples; each is read once whoever uses it.
    pub(crate) parts: Vec<Part>,
    pub(crate) reductions: Vec<Reduction>,
    pub(crate) outputs: Vec<Output>,
}

/// A run of samples for a box of cells, summed into one state.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) feed: Feed,
    /// The cells it has samples for.
    pub(crate) cells: Region,
    /// Samples a cell.
    pub(crate) count: u64,
    pub(crate) kind: StateKind,
    /// True value = sample * slope + inter; applied to the finished sums.
    pub(crate) slope: f64,
    pub(crate) inter: f64,
}

/// A reduction over parts, in input order.
#[derive(Clone, Debug)]
pub(crate) struct Reduction {
    pub(crate) op: ReduceOp,
    pub(crate) parts: Vec<usize>,
    pub(crate) dtype: DType,
}

/// An elementwise program over reductions.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) program: Program,
    /// Reductions that the program loads.
    pub(crate) inputs: Vec<usize>,
    pub(crate) dest: Dest,
}

/// An elementwise expression, computed box by box.
#[derive(Debug)]
pub(crate) struct MapPass {
    pub(crate) shape: Vec<u64>,
    /// Boxes of the result and what fills them, in memory order.
    pub(crate) pieces: Vec<(Region, Feed)>,
    pub(crate) dtype: DType,
    pub(crate) dest: Dest,
}

impl Pass {
    /// Every feed of the pass.
    pub(crate) fn feeds(&self) -> Box<dyn Iterator<Item = &Feed> + '_> {
        match self {
            Self::Fold(fold) => Box::new(fold.parts.iter().map(|part| &part.feed)),
            Self::Map(map) => Box::new(map.pieces.iter().map(|(_, feed)| feed)),
        }
    }

    /// Bytes of elements the pass reads.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.feeds().map(Feed::read_bytes).sum()
    }

    /// True when some feed can only be read from front to back.
    pub(crate) fn is_sequential(&self) -> bool {
        self.feeds().any(Feed::is_sequential)
    }
}
