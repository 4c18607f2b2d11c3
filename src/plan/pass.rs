//! What does a pass do? It makes trips over sources, sums what flows by, and makes results of it.
//!
//! Its pieces name each other by number:
//!
//! ```text
//! Pass
//! |- parts        a feed each, and the box of cells it is for
//! |  `- branches    (of the feed) elements computed at a step
//! |- sums         the state of output `output` of branch `branch` of part `part`
//! |- reductions   the sums, in input order, that one reduction is finished from
//! |- outputs      results of one shape: a program over finished reductions
//! `- emits        results that are what branches give, box by box
//! ```
//!
//! A sum is any running state: extremes, counts and kept samples, too. A part is gone through once, or
//! once a *reading* where cells are summed slab by slab; a tile of a chained pass is walked in two
//! *phases*. *Scans* are what a user is told: how often a source is read by all passes. *Rereads* are
//! stored blocks decoded again because steps or tiles cut through them.

use std::sync::Arc;

use crate::dtype::DType;
use crate::feed::Feed;
use crate::grid::{Region, saturating_count};
use crate::kernel::{Groups, Program, ReduceOp, Span, StateKind};
use crate::lazy::MemorySource;
use crate::spill::Spill;

/// One trip over some sources.
#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) form: Form,
    /// Passes that came before the first of its results could be made, in the longest chain.
    pub(crate) depth: usize,
    /// Lengths of what is cut into tiles: the cells of a fold, the elements of a map.
    pub(crate) shape: Vec<u64>,
    pub(crate) parts: Vec<Part>,
    pub(crate) sums: Vec<Sum>,
    pub(crate) reductions: Vec<Reduction>,
    /// Results made of sums, those of one shape together.
    pub(crate) outputs: Vec<Output>,
    /// Results that are handed on as they flow by.
    pub(crate) emits: Vec<Emit>,
}

/// How the work of a pass can be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every sum reduces these axes: by tiles of cells, each with all of its samples.
    Fold(FoldOver),
    /// No sums: by tiles of the result.
    Map,
    /// Sums over different axes, or sums and results of one shape: by whole parts.
    Mixed,
}

/// What reductions have in common that are made of the same samples.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FoldOver {
    /// Reduced axes, ascending.
    pub(crate) axes: Vec<usize>,
    /// The only reduced axis stays, as an axis of groups.
    pub(crate) grouped: bool,
}

/// A trip over sources that flow together, for a box of the pass's shape.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) feed: Feed,
    /// The cells, or elements, it has something for; the whole of nothing in a mixed pass.
    pub(crate) extent: Region,
}

/// Running sums of what one branch of a part gives.
#[derive(Debug)]
pub(crate) struct Sum {
    pub(crate) part: usize,
    pub(crate) branch: usize,
    pub(crate) output: usize,
    pub(crate) mask: Option<usize>,
    pub(crate) kind: StateKind,
    /// Reduced axes of the branch.
    pub(crate) reduced: Vec<usize>,
    pub(crate) groups: Option<Groups>,
    /// The cells it has samples for, in the result.
    pub(crate) cells: Region,
    /// Samples a cell, where the state does not count them.
    pub(crate) count: u64,
    /// True value = sample * slope + inter; applied to the finished sums.
    pub(crate) slope: f64,
    pub(crate) inter: f64,
    /// Where its samples lie among those of the reduction.
    pub(crate) span: Span,
    /// It is not samples that flow by, but the words of a state that was kept.
    pub(crate) is_kept: bool,
}

impl Sum {
    /// Cells it has a state for at most, where cells are summed slab by slab: `largest` are the lengths
    /// of a slab.
    pub(crate) fn most_cells(&self, largest: Option<&[u64]>) -> u64 {
        let shape = self.cells.shape();
        let Some(largest) = largest else { return saturating_count(shape) };
        saturating_count(
            &shape.iter().zip(largest).map(|(&n, &most)| n.min(most)).collect::<Vec<_>>(),
        )
    }

    /// True where some of its samples may be summed by one worker and the others by another.
    pub(crate) fn can_join(&self) -> bool {
        !self.is_kept && self.kind.can_join()
    }

    /// Bytes of so many cells.
    pub(crate) fn state_bytes(&self, cells: u64) -> u64 {
        cells.saturating_mul(self.kind.cell_bytes())
    }
}

/// A reduction over sums, in input order.
#[derive(Clone, Debug)]
pub(crate) struct Reduction {
    pub(crate) op: ReduceOp,
    pub(crate) sums: Vec<usize>,
    pub(crate) dtype: DType,
}

/// Results of one shape: an elementwise program over reductions, each of which is finished once for all of them.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) shape: Vec<u64>,
    pub(crate) program: Program,
    /// Reductions that the program loads.
    pub(crate) inputs: Vec<usize>,
    pub(crate) results: Vec<Made>,
}

/// A result that a program gives.
#[derive(Debug)]
pub(crate) struct Made {
    /// The program's output.
    pub(crate) output: usize,
    pub(crate) dtype: DType,
    pub(crate) dest: Dest,
}

impl Output {
    /// Bytes of a box of so many elements of each result.
    pub(crate) fn box_bytes(&self, elements: u64) -> u64 {
        let of = self.results.iter().map(|result| result.box_bytes(elements));
        of.fold(0, u64::saturating_add)
    }

    /// The sums it is made of.
    pub(crate) fn sums<'p>(&'p self, pass: &'p Pass) -> impl Iterator<Item = usize> + 'p {
        self.inputs.iter().flat_map(|&input| pass.reductions[input].sums.iter().copied())
    }
}

impl Made {
    /// Bytes of a box of so many elements; the next one lies behind it, aligned for any type.
    pub(crate) fn box_bytes(&self, elements: u64) -> u64 {
        elements.saturating_mul(self.dtype.size() as u64).div_ceil(8).saturating_mul(8)
    }
}

/// A result that is what branches give, box by box.
#[derive(Debug)]
pub(crate) struct Emit {
    pub(crate) shape: Vec<u64>,
    pub(crate) dtype: DType,
    pub(crate) pieces: Vec<EmitPiece>,
    pub(crate) dest: Dest,
}

/// The branch that fills a box of a result.
#[derive(Clone, Debug)]
pub(crate) struct EmitPiece {
    pub(crate) part: usize,
    pub(crate) branch: usize,
    pub(crate) output: usize,
    /// Where element 0 of the branch goes.
    pub(crate) start: Vec<u64>,
}

/// Where a result goes.
#[derive(Clone, Debug)]
pub(crate) enum Dest {
    /// Result number so-and-so of the plan.
    Result(usize),
    /// Memory that a later pass reads.
    Held(Arc<MemorySource>),
    /// A scratch file that a later pass reads.
    Spilled(Arc<Spill>),
}

impl Pass {
    /// Every feed of the pass.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = &Feed> {
        self.parts.iter().map(|part| &part.feed)
    }

    /// Bytes of elements the pass reads.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.feeds().map(Feed::read_bytes).fold(0, u64::saturating_add)
    }

    /// True when some feed can only be read from front to back.
    pub(crate) fn is_sequential(&self) -> bool {
        self.feeds().any(Feed::is_sequential)
    }

    /// The scratch file that the pass writes, where it does.
    pub(crate) fn spill(&self) -> Option<&Arc<Spill>> {
        self.emits.iter().find_map(|emit| match &emit.dest {
            Dest::Spilled(spill) => Some(spill),
            Dest::Result(_) | Dest::Held(_) => None,
        })
    }

    /// Bytes of the largest element that is read or handed on.
    pub(crate) fn item_bytes(&self) -> u64 {
        self.feeds().map(Feed::element_bytes).max().unwrap_or(8)
    }

    /// Where each result goes, those made of sums first; with its shape and type.
    pub(crate) fn dests(&self) -> impl Iterator<Item = (&Dest, &[u64], DType)> {
        let made = self.outputs.iter().flat_map(|o| o.results.iter().map(|r| (&o.shape[..], r)));
        let made = made.map(|(shape, result)| (&result.dest, shape, result.dtype));
        made.chain(self.emits.iter().map(|e| (&e.dest, &e.shape[..], e.dtype)))
    }
}
