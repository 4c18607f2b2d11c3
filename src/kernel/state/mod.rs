//! What is kept of the samples of a cell while blocks stream by?
//!
//! A state lives in a buffer that the caller leased. What it keeps follows from the reduction and the
//! type of the samples ([`StateKind`]); all kinds are fed alike, and each says in a file of its own
//! what a sample does to it. `kind` has a table of how they are laid out. Says nothing about what is made
//! of them: `finish`.

mod bins;
mod components;
mod extremes;
mod join;
mod kind;
mod loops;
#[cfg(target_arch = "x86_64")]
mod pairs;
mod places;
mod product;
mod projection;
mod samples;
mod sums;
mod words;

use std::ops::Range;

use bytemuck::{Pod, cast_slice, cast_slice_mut};

use super::fold::{Fold, Patch};
use crate::buffer::Buffer;
use crate::dtype::{DType, Number, with_dtype};

pub(crate) use components::Component;
pub(crate) use kind::StateKind;
use kind::{Contents, SumKind};

pub(super) use product::CellProduct;
pub(super) use projection::CellProjection;
pub(super) use sums::CellSums;
pub(super) use words::Value;

/// What is kept for a number of cells.
#[derive(Debug)]
pub(crate) struct State {
    kind: StateKind,
    cells: usize,
    buffer: Buffer,
}

/// Samples that go onto the same cells, a row after the other.
#[derive(Clone, Copy, Debug)]
struct Rows<'v, T> {
    values: &'v [T],
    /// As long as `values`; 0 leaves a sample out.
    mask: Option<&'v [u8]>,
    patch: Patch,
}

impl<T: Copy> Rows<'_, T> {
    /// Each sample that counts: its row, its column, its value. Rows ascend for each column; columns
    /// go in tiles whose cells stay in the first-level cache.
    #[inline(always)]
    fn each(self, mut take: impl FnMut(usize, usize, T)) {
        let Self { values, mask, patch: Patch { columns, .. } } = self;
        for from in (0..columns).step_by(loops::CACHE_COLUMNS) {
            let tile = from..(from + loops::CACHE_COLUMNS).min(columns);
            for (row, start) in (0..values.len()).step_by(columns).enumerate() {
                let span = start + tile.start..start + tile.end;
                let samples = tile.clone().zip(&values[span.clone()]);
                match mask {
                    None => samples.for_each(|(column, v)| take(row, column, *v)),
                    Some(mask) => samples
                        .zip(&mask[span])
                        .filter(|(_, kept)| **kept != 0)
                        .for_each(|((column, v), _)| take(row, column, *v)),
                }
            }
        }
    }
}

/// The first `N` planes of `cells` entries, each cut to `span`.
fn planes<'b, T: Pod, const N: usize>(
    bytes: &'b mut [u8],
    cells: usize,
    span: &Range<usize>,
) -> [&'b mut [T]; N] {
    let mut planes = cast_slice_mut(bytes).chunks_exact_mut(cells.max(1));
    std::array::from_fn(|_| &mut planes.next().unwrap_or_default()[span.clone()])
}

impl State {
    /// An empty state of `cells` cells in a buffer of at least `cells * kind.cell_bytes()` bytes.
    pub(crate) fn new(kind: StateKind, cells: usize, buffer: Buffer) -> Self {
        let mut state = Self { kind, cells, buffer };
        state.reset(cells);
        state
    }

    /// Empties the state for a new set of cells, no more than the buffer holds.
    pub(crate) fn reset(&mut self, cells: usize) {
        self.cells = cells;
        let used = cells * self.kind.cell_bytes() as usize;
        self.buffer[..used].fill(0);
        let bytes = &mut self.buffer[..used];
        match &self.kind.contents {
            Contents::Product(kind) => product::reset(*kind, bytes, cells),
            Contents::Extremes(word) => extremes::reset(*word, bytes, cells),
            Contents::Places(word) => places::reset(*word, bytes, cells),
            Contents::Sums(_)
            | Contents::Samples { .. }
            | Contents::Bins(_)
            | Contents::Projection { .. } => {}
        }
    }

    /// The buffer, for another state.
    pub(crate) fn into_buffer(self) -> Buffer {
        self.buffer
    }

    /// Adds a batch of a block. `at` is the batch's first element in the block, in memory order;
    /// `mask` has a byte an element, and 0 leaves it out. The samples of a cell must arrive in memory
    /// order over the reduced axes; how they are cut into batches and blocks changes no bit.
    ///
    /// # Panics
    /// With a mask for a kind that needs counts and has none: a bug of the plan.
    pub(crate) fn update<T: Number>(
        &mut self,
        values: &[T],
        mask: Option<&[u8]>,
        at: usize,
        fold: &Fold,
    ) {
        let may_mask = self.kind.counted || matches!(self.kind.contents, Contents::Bins(_));
        assert!(mask.is_none() || may_mask, "masked samples are counted");
        for patch in fold.patches(self.kind.contents.asks_which_sample(), at, values.len()) {
            let span = patch.from..patch.from + patch.rows * patch.columns;
            let mask = mask.map(|mask| &mask[span.clone()]);
            self.add(Rows { values: &values[span], mask, patch });
        }
    }

    /// [`update`](Self::update) with samples as bytes of `dtype`.
    pub(crate) fn update_bytes(
        &mut self,
        dtype: DType,
        values: &[u8],
        mask: Option<&[u8]>,
        at: usize,
        fold: &Fold,
    ) {
        with_dtype!(dtype, T => {
            self.update::<T>(cast_slice(values), mask, at, fold);
        });
    }

    fn add<T: Number>(&mut self, rows: Rows<'_, T>) {
        let cells = self.cells;
        let span = rows.patch.cell..rows.patch.cell + rows.patch.columns;
        let (bytes, counts) =
            self.buffer.split_at_mut(cells * self.kind.contents.cell_bytes() as usize);
        let mut counts = self
            .kind
            .counted
            .then(|| &mut cast_slice_mut::<_, u64>(&mut counts[..8 * cells])[span.clone()]);
        match &self.kind.contents {
            Contents::Sums(kind) => {
                sums::add(*kind, bytes, cells, span, rows, counts.as_deref_mut());
            }
            Contents::Product(kind) => product::add(*kind, bytes, span, rows),
            Contents::Extremes(word) => extremes::add(*word, bytes, cells, span, rows),
            Contents::Places(word) => places::add(*word, bytes, cells, span, rows),
            Contents::Samples { .. } => samples::add(bytes, cells, span, rows, counts.as_deref()),
            Contents::Bins(edges) => bins::add(edges, bytes, span, rows),
            Contents::Projection { basis, first_row } => {
                projection::add(basis, *first_row, bytes, cells, span, rows);
            }
        }
        if let Some(counts) = counts {
            loops::count(rows.values.len(), rows.mask, counts);
        }
    }

    /// Samples of a cell, where they are counted.
    pub(super) fn count(&self, cell: usize) -> Option<u64> {
        let before = self.cells * self.kind.contents.cell_bytes() as usize;
        let counts = &self.buffer[before..];
        self.kind.counted.then(|| cast_slice::<_, u64>(&counts[..8 * self.cells])[cell])
    }

    /// # Panics
    /// As all that follow: when the state keeps something else, a bug of the plan.
    pub(super) fn sums(&self, cell: usize) -> CellSums {
        let Contents::Sums(kind) = self.kind.contents else { self.keeps_no("sums") };
        sums::cell(kind, self.bytes(), self.cells, cell)
    }

    /// The sums and the sums of squares of all cells, where they are kept as `f64` that are integers, and
    /// no sample is left out.
    pub(super) fn small_sums(&self) -> Option<[&[f64]; 2]> {
        match self.kind.contents {
            Contents::Sums(SumKind::Small) if !self.kind.counted => {
                Some(cast_slice(self.bytes()).split_at(self.cells).into())
            }
            _ => None,
        }
    }

    pub(super) fn product(&self, cell: usize) -> CellProduct {
        let Contents::Product(kind) = self.kind.contents else { self.keeps_no("product") };
        product::cell(kind, self.bytes(), cell)
    }

    /// Smallest and largest sample of a cell, where it has any.
    pub(super) fn extremes(&self, cell: usize) -> (Value, Value) {
        let Contents::Extremes(word) = self.kind.contents else { self.keeps_no("extremes") };
        extremes::cell(word, self.bytes(), self.cells, cell)
    }

    /// Smallest and largest sample of a cell and their C-order indices in the part's reduced axes,
    /// where it has any.
    pub(super) fn places(&self, cell: usize) -> [(Value, u64); 2] {
        let Contents::Places(word) = self.kind.contents else { self.keeps_no("places") };
        places::cell(word, self.bytes(), self.cells, cell)
    }

    /// Writes the first `out.len()` samples of a cell.
    pub(super) fn samples(&self, cell: usize, out: &mut [f64]) {
        let Contents::Samples { dtype, .. } = self.kind.contents else { self.keeps_no("samples") };
        samples::cell(dtype, self.bytes(), self.cells, cell, out);
    }

    pub(super) fn bin(&self, cell: usize, bin: usize) -> u64 {
        let Contents::Bins(edges) = &self.kind.contents else { self.keeps_no("bins") };
        bins::cell(edges, self.bytes(), cell, bin)
    }

    pub(super) fn projection(&self, cell: usize) -> CellProjection<'_> {
        let Contents::Projection { first_row, .. } = self.kind.contents else {
            self.keeps_no("projection")
        };
        CellProjection::new(first_row, self.bytes(), self.cells, cell)
    }

    /// Without the counts.
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.cells * self.kind.contents.cell_bytes() as usize]
    }

    fn keeps_no(&self, what: &str) -> ! {
        unreachable!("a state of {:?} was asked for its {what}", self.kind)
    }
}
