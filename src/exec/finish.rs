//! How does a tile of a result come out of finished sums?

use super::collect::Collect;
use super::error::ExecError;
use super::scratch::Scratch;
use crate::dtype::DType;
use crate::grid::Region;
use crate::kernel::{BATCH, FinishFault, State, Summed, finish};
use crate::plan::{Output, Pass};

/// The states of a pass, one a sum, each with the box of cells it is for, where it is for some of the
/// tile.
pub(super) type States<'a> = [Option<(&'a State, Region)>];

/// Finishes a tile of an output and hands it on.
pub(super) fn finish_tile(
    pass: &Pass,
    output: &Output,
    tile: &Region,
    states: &States<'_>,
    collect: &dyn Collect,
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    let run = contiguous_run(tile, states);
    let total = tile.len();
    let size = output.dtype.size();
    let mut at = 0;
    while at < total {
        let len = (run - at % run).min(BATCH as u64).min(total - at) as usize;
        for (&index, input) in output.inputs.iter().zip(&mut scratch.inputs) {
            let reduction = &pass.reductions[index];
            let samples: Vec<Summed<'_>> = reduction
                .sums
                .iter()
                .filter_map(|&s| {
                    let sum = &pass.sums[s];
                    states[s].as_ref().map(|(state, cells)| Summed {
                        state,
                        count: sum.count,
                        slope: sum.slope,
                        inter: sum.inter,
                        first_cell: cell_index(tile, at, cells),
                        span: &sum.span,
                    })
                })
                .collect();
            let (op, dtype) = (&reduction.op, reduction.dtype);
            finish(op, dtype, &samples, &mut scratch.finish, &mut input[..len * 8])
                .map_err(|fault| finish_error(fault, op.name(), dtype, tile, at))?;
        }
        let inputs: Vec<_> = scratch.inputs.iter().map(|buffer| (&**buffer, 0)).collect();
        output.program.run(&inputs, len, &mut scratch.registers).map_err(|fault| {
            ExecError::Cast {
                fault: fault.to_string(),
                place: tile.place(at + fault.index as u64),
                of: "a result".to_owned(),
            }
        })?;
        let tile_bytes = &mut scratch.tile[..len * size];
        output.program.take(0, len, &scratch.registers, tile_bytes);
        scratch.out[at as usize * size..][..len * size].copy_from_slice(tile_bytes);
        at += len as u64;
    }
    collect.put(tile, &scratch.out[..total as usize * size])
}

fn finish_error(
    fault: FinishFault,
    operation: &'static str,
    dtype: DType,
    tile: &Region,
    at: u64,
) -> ExecError {
    match fault {
        FinishFault::Overflow { cell } => {
            ExecError::Overflow { operation, dtype, cell: tile.place(at + cell as u64) }
        }
        FinishFault::NoSample { cell } => {
            ExecError::NoSample { operation, cell: tile.place(at + cell as u64) }
        }
    }
}

/// How many cells of the tile, counted from any multiple of it, lie side by side in every state.
fn contiguous_run(tile: &Region, states: &States<'_>) -> u64 {
    let mut axes = tile.ndim();
    for (_, cells) in states.iter().flatten() {
        // States of other shapes belong to other outputs.
        if cells.ndim() != tile.ndim() {
            continue;
        }
        let same = (0..tile.ndim()).take_while(|&a| tile.shape()[a] == cells.shape()[a]).count();
        axes = axes.min(same + 1);
    }
    tile.shape()[..axes.min(tile.ndim())].iter().product::<u64>().max(1)
}

/// Where cell `at` of the tile lies in a state for the box `cells`.
fn cell_index(tile: &Region, mut at: u64, cells: &Region) -> usize {
    let (mut index, mut stride) = (0, 1);
    for axis in 0..tile.ndim() {
        let coordinate = tile.start()[axis] + at % tile.shape()[axis] - cells.start()[axis];
        at /= tile.shape()[axis];
        index += coordinate * stride;
        stride *= cells.shape()[axis];
    }
    index as usize
}
