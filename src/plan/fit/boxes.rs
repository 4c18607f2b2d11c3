//! In what boxes is the result of a pass made?
//!
//! At the edges of stored blocks where that can be, so that none is read twice. Knows no budget.

use crate::grid::{Cuts, Partition, saturating_count};
use crate::plan::Delivery;
use crate::plan::pass::{FoldOver, Form, Output, Part, Pass, Sum};

/// Boxes of a fold's cells: cut where its parts end, and along the slowest axes into boxes of about
/// `target_cells`, at the sources' block edges if asked. Groups stay whole.
pub(super) fn fold_partition(
    pass: &Pass,
    delivery: &Delivery<'_>,
    target_cells: u64,
    at_blocks: bool,
) -> Partition {
    let Form::Fold(FoldOver { axes, grouped }) = &pass.form else {
        return Partition::new(&pass.shape, &vec![Vec::new(); pass.shape.len()]);
    };
    // The axis of the feeds behind each axis of the cells; none behind groups.
    let behind: Vec<Option<usize>> = if *grouped {
        (0..pass.shape.len()).map(|axis| (!axes.contains(&axis)).then_some(axis)).collect()
    } else {
        let ndim = pass.shape.len() + axes.len();
        (0..ndim).filter(|axis| !axes.contains(axis)).map(Some).collect()
    };
    let mut left = target_cells.max(1);
    let mut lens = pass.shape.clone();
    // Fast axes stay whole as long as the box may be that large.
    for (axis, len) in lens.iter_mut().enumerate() {
        let whole = (*len).max(1);
        if behind[axis].is_none() {
            continue;
        }
        *len = whole.min(left);
        left = (left / whole).max(1);
    }
    let cuts_along = |axis: usize| {
        let Some(feed_axis) = behind[axis] else { return Vec::new() };
        let of_part = |part: &Part| {
            let block = part.feed.block_along(feed_axis).filter(|_| at_blocks);
            // What is emitted has the feed's axes.
            let block = delivery.block(feed_axis).filter(|_| !pass.emits.is_empty()).or(block);
            let (block, first) = block.unwrap_or((1, 0));
            let step = (lens[axis] / block).max(1) * block;
            let (start, end) = (part.extent.start()[axis], part.extent.end(axis));
            Cuts { start, end, first, step, block }
        };
        pass.parts.iter().map(of_part).collect()
    };
    let cuts: Vec<Vec<Cuts>> = (0..pass.shape.len()).map(cuts_along).collect();
    Partition::new(&pass.shape, &cuts)
}

/// Boxes that a result is finished in: about so many cells, fast axes whole first, cut where the sums
/// it is made of end.
pub(super) fn finish_partition(pass: &Pass, output: &Output, target: u64) -> Partition {
    let mut left = target.max(1);
    let sums: Vec<&Sum> = output.sums(pass).map(|sum| &pass.sums[sum]).collect();
    let mut cuts = Vec::with_capacity(output.shape.len());
    for (axis, &len) in output.shape.iter().enumerate() {
        let step = len.max(1).min(left);
        left = (left / len.max(1)).max(1);
        let cut = |start, end| Cuts { start, end, first: 0, step, block: 1 };
        let mut along: Vec<Cuts> =
            sums.iter().map(|sum| cut(sum.cells.start()[axis], sum.cells.end(axis))).collect();
        along.push(cut(0, len));
        cuts.push(along);
    }
    Partition::new(&output.shape, &cuts)
}

/// Boxes of a mapped array: whole blocks of its sources (or of where it goes), fast axes first, near
/// `target_bytes`.
pub(super) fn map_partition(
    pass: &Pass,
    delivery: &Delivery<'_>,
    target_bytes: u64,
    at_blocks: bool,
) -> Partition {
    let ndim = pass.shape.len();
    let mut cuts = vec![Vec::new(); ndim];
    if delivery.grid.is_some() {
        let stored = |axis| {
            let of_part = |part: &Part| part.feed.block_along(axis).map_or(1, |(block, _)| block);
            pass.parts.iter().map(of_part).filter(|_| at_blocks).max().unwrap_or(1)
        };
        let lens = delivery.tile(&pass.shape, stored, target_bytes / pass.item_bytes());
        let whole = |axis: usize| {
            let block = delivery.block(axis).map_or(1, |(block, _)| block);
            vec![Cuts { start: 0, end: pass.shape[axis], first: 0, step: lens[axis], block }]
        };
        return Partition::new(&pass.shape, &(0..ndim).map(whole).collect::<Vec<_>>());
    }
    for part in &pass.parts {
        let (place, item) = (&part.extent, part.feed.element_bytes());
        let blocks: Vec<Option<(u64, u64)>> =
            (0..ndim).map(|axis| part.feed.block_along(axis).filter(|_| at_blocks)).collect();
        let mut lens: Vec<u64> = (0..ndim)
            .map(|axis| blocks[axis].map_or(1, |b| b.0).min(place.shape()[axis]).max(1))
            .collect();
        grow(&mut lens, place.shape(), target_bytes / item.max(1));
        for axis in 0..ndim {
            let (block, first) = blocks[axis].unwrap_or((1, 0));
            let (start, end) = (place.start()[axis], place.end(axis));
            cuts[axis].push(Cuts { start, end, first, step: lens[axis], block });
        }
    }
    Partition::new(&pass.shape, &cuts)
}

/// Makes a box longer, in whole multiples, fast axes first, up to `target` elements.
pub(in crate::plan) fn grow(lens: &mut [u64], whole: &[u64], target: u64) {
    for axis in 0..lens.len() {
        let others = saturating_count(lens) / lens[axis];
        let wanted = (target / others.max(1)).min(whole[axis]);
        if wanted > lens[axis] {
            let rest = if wanted == whole[axis] { 0 } else { wanted % lens[axis] };
            lens[axis] = wanted - rest;
        }
        // Growing a slower axis before this one is whole would not lengthen any run of bytes.
        if lens[axis] < whole[axis] {
            break;
        }
    }
}

/// So many cells or some more, so that fast axes are whole and the next one is cut evenly.
pub(super) fn whole_rows(shape: &[u64], cells: u64) -> u64 {
    let mut row = 1_u64;
    for len in shape.iter().map(|len| (*len).max(1)) {
        if row.saturating_mul(len) > cells {
            break;
        }
        row *= len;
    }
    cells.next_multiple_of(row)
}
