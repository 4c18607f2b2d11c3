//! Which sample of a block goes to which cell?
//!
//! Axes of a block that lie side by side and are all kept, or all reduced, are taken as one. What is
//! left is patches, rows of columns: the fastest axis where it is kept (a column a cell), then the next
//! where it is reduced (a row after the other onto the same cells). Everything slower, and everything
//! that fits neither, is walked from outside. Knows nothing of what is done with a row.
//!
//! A box of 64 x 64 x 30 voxels and 16 volumes, reduced over time: x, y and z are one kept axis, so
//! there are 122 880 columns and 16 rows, one patch. Reduced over space instead, x, y and z are one
//! reduced axis: 1 column and 122 880 rows, a patch for each volume. Where a reduction asks which sample
//! one is, that is 64 rows, a patch for each y, z and volume: in C order, z is the fastest axis.

use std::sync::Arc;

use crate::grid::Region;

/// Labels along one axis: samples of one label are reduced together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups {
    axis: usize,
    labels: Arc<[u32]>,
    count: u32,
}

impl Groups {
    /// `labels[i]` is the group of index `i` of `axis`, for every index of it in the part. A label of
    /// `count` or more is no group; its samples are left out.
    pub(crate) fn new(axis: usize, labels: Arc<[u32]>, count: u32) -> Self {
        Self { axis, labels, count }
    }

    /// What its labels take.
    pub(crate) fn len_bytes(&self) -> u64 {
        size_of_val(&*self.labels) as u64
    }
}

/// How a block folds onto cells.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    /// Reduced axes that lie side by side are one: fewer and longer patches, and which sample is which
    /// is lost.
    merged: Order,
    /// Every patch knows which sample is which.
    exact: Order,
    groups: Option<Groups>,
    /// The block holds the first sample of its cells.
    starts: bool,
}

impl Fold {
    /// The fold of a block of a part.
    ///
    /// `block` is a box in the part's own indices and `shape` the part's whole shape; `reduced` are
    /// the axes that go, ascending. `cells` is a box of the axes that stay, in the part's own
    /// indices, and the state's cells are numbered in its memory order. A grouped axis stays; it has
    /// as many indices as there are groups, and `cells` holds all of them.
    pub(crate) fn new(
        block: &Region,
        shape: &[u64],
        reduced: &[usize],
        cells: &Region,
        groups: Option<&Groups>,
    ) -> Self {
        let grouped = groups.map(|g| g.axis);
        let mut axes = Vec::with_capacity(shape.len());
        let (mut kept, mut cell_step, mut first_cell) = (0, 1, 0);
        let mut starts = true;
        for axis in 0..shape.len() {
            let (start, len) = (block.start()[axis], block.shape()[axis] as usize);
            if reduced.contains(&axis) {
                starts &= start == 0;
                // C order, numpy's for flat indices: the last axis is the fastest.
                let sample_step = after(shape, reduced, axis);
                axes.push(Axis { len, role: Role::Reduced { sample_step } });
                continue;
            }
            if grouped == Some(axis) {
                axes.push(Axis { len, role: Role::Grouped { cell_step, start: start as usize } });
            } else {
                first_cell += (start - cells.start()[kept]) as usize * cell_step;
                axes.push(Axis { len, role: Role::Kept { cell_step } });
            }
            cell_step *= cells.shape()[kept] as usize;
            kept += 1;
        }
        let reduced = reduced.iter().filter(|&&axis| axis < shape.len());
        let first_sample = reduced
            .clone()
            .map(|&axis| block.start()[axis] * after(shape, reduced.clone(), axis))
            .sum();
        let order = |exact| Order::new(&axes, exact, first_cell, first_sample);
        Self { merged: order(false), exact: order(true), groups: groups.cloned(), starts }
    }

    /// The patches of a batch of `len` elements that starts at element `at` of the block, in memory
    /// order. Their samples mean something where `exact`.
    pub(super) fn patches(&self, exact: bool, at: usize, len: usize) -> Patches<'_> {
        let order = if exact { &self.exact } else { &self.merged };
        Patches { fold: self, order, at, from: 0, len }
    }
}

/// Samples that one step along `axis` takes in C order over the reduced axes.
fn after<'a>(shape: &[u64], reduced: impl IntoIterator<Item = &'a usize>, axis: usize) -> u64 {
    reduced.into_iter().filter(|&&later| later > axis).map(|&later| shape[later]).product()
}

#[derive(Clone, Copy, Debug)]
struct Axis {
    len: usize,
    role: Role,
}

#[derive(Clone, Copy, Debug)]
enum Role {
    Kept {
        cell_step: usize,
    },
    Reduced {
        sample_step: u64,
    },
    /// `start`: index of the part's axis where the block starts.
    Grouped {
        cell_step: usize,
        start: usize,
    },
}

impl Axis {
    /// True where the elements of `later`, the next slower axis, go on where this one ends.
    fn goes_on_in(self, later: Self, exact: bool) -> bool {
        match (self.role, later.role) {
            (Role::Kept { cell_step: fast }, Role::Kept { cell_step: slow }) => {
                slow == fast * self.len
            }
            (Role::Reduced { sample_step: fast }, Role::Reduced { sample_step: slow }) => {
                !exact || slow == fast * self.len as u64
            }
            _ => false,
        }
    }
}

#[derive(Clone, Debug)]
struct Order {
    /// Cells side by side.
    columns: usize,
    /// Samples one after the other onto the same cells.
    rows: usize,
    sample_step: u64,
    outer: Vec<Axis>,
    first_cell: usize,
    first_sample: u64,
}

impl Order {
    fn new(axes: &[Axis], exact: bool, first_cell: usize, first_sample: u64) -> Self {
        let mut merged: Vec<Axis> = Vec::with_capacity(axes.len());
        for &axis in axes {
            if axis.len == 1 && !matches!(axis.role, Role::Grouped { .. }) {
                continue;
            }
            match merged.last_mut() {
                Some(last) if last.goes_on_in(axis, exact) => last.len *= axis.len,
                _ => merged.push(axis),
            }
        }
        let mut rest = merged.into_iter().peekable();
        let columns = rest
            .next_if(|axis| matches!(axis.role, Role::Kept { cell_step: 1 }))
            .map_or(1, |axis| axis.len);
        let (mut rows, mut sample_step) = (1, 0);
        if let Some(&Axis { len, role: Role::Reduced { sample_step: step } }) = rest.peek() {
            (rows, sample_step) = (len, step);
            rest.next();
        }
        Self { columns, rows, sample_step, outer: rest.collect(), first_cell, first_sample }
    }

    /// Where element `index` of the outer axes is; `None` where it is in no group.
    fn corner(&self, mut index: usize, groups: Option<&Groups>) -> Option<Corner> {
        let mut corner = Corner { cell: self.first_cell, sample: self.first_sample, first: true };
        for axis in &self.outer {
            let at = index % axis.len;
            index /= axis.len;
            match axis.role {
                Role::Kept { cell_step } => corner.cell += at * cell_step,
                Role::Reduced { sample_step } => {
                    corner.sample += at as u64 * sample_step;
                    corner.first &= at == 0;
                }
                Role::Grouped { cell_step, start } => {
                    let groups = groups?;
                    let label = groups.labels[start + at];
                    if label >= groups.count {
                        return None;
                    }
                    corner.cell += label as usize * cell_step;
                }
            }
        }
        Some(corner)
    }
}

#[derive(Clone, Copy, Debug)]
struct Corner {
    cell: usize,
    sample: u64,
    first: bool,
}

/// Rows of samples onto the same cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    /// First element, counted from the start of the batch.
    pub(super) from: usize,
    pub(super) rows: usize,
    /// Elements of a row, and cells from `cell` on.
    pub(super) columns: usize,
    pub(super) cell: usize,
    /// The first row holds the first samples of its cells in the part.
    pub(super) first: bool,
    /// C-order index of the first row's samples in the part's reduced axes, and steps from row to
    /// row.
    sample: u64,
    sample_step: u64,
}

impl Patch {
    /// C-order index of a row's samples in the part's reduced axes.
    pub(super) fn sample_of(&self, row: usize) -> u64 {
        self.sample + row as u64 * self.sample_step
    }
}

/// See [`Fold::patches`].
#[derive(Debug)]
pub(super) struct Patches<'a> {
    fold: &'a Fold,
    order: &'a Order,
    at: usize,
    from: usize,
    len: usize,
}

impl Iterator for Patches<'_> {
    type Item = Patch;

    fn next(&mut self) -> Option<Patch> {
        let Order { columns, rows, sample_step, .. } = *self.order;
        while self.from < self.len {
            let (from, at, rest) = (self.from, self.at + self.from, self.len - self.from);
            let (column, row) = (at % columns, at / columns % rows);
            // Whole rows go together; what starts or ends inside a row goes alone.
            let whole = if column == 0 { (rest / columns).min(rows - row) } else { 0 };
            let (taken_rows, taken_columns) =
                if whole > 0 { (whole, columns) } else { (1, rest.min(columns - column)) };
            self.from += taken_rows * taken_columns;
            if let Some(corner) = self.order.corner(at / columns / rows, self.fold.groups.as_ref())
            {
                return Some(Patch {
                    from,
                    rows: taken_rows,
                    columns: taken_columns,
                    cell: corner.cell + column,
                    first: self.fold.starts && corner.first && row == 0,
                    sample: corner.sample + row as u64 * sample_step,
                    sample_step,
                });
            }
        }
        None
    }
}
