//! How does a tile of a result come out of finished sums?

use super::collect::Collect;
use super::error::ExecError;
use super::scratch::Scratch;
use crate::dtype::DType;
use crate::grid::Region;
use crate::kernel::{BATCH, FinishFault, State, Summed, finish};
use crate::plan::{BOX_ELEMENTS, Output, Pass};

/// The states of a pass, one a sum, each with the box of cells it is for, where it is for some of the
/// tile.
pub(super) type States<'a> = [Option<(&'a State, Region)>];

/// Finishes a tile of an output's results box by box, and hands each on to what collects it.
pub(super) fn finish_tile(
    pass: &Pass,
    output: &Output,
    tile: &Region,
    states: &States<'_>,
    collects: &[&dyn Collect],
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    let mut boxes = tile.in_rows(BOX_ELEMENTS);
    boxes.try_for_each(|of| finish_box(pass, output, &of, states, collects, scratch))
}

fn finish_box(
    pass: &Pass,
    output: &Output,
    of: &Region,
    states: &States<'_>,
    collects: &[&dyn Collect],
    scratch: &mut Scratch,
) -> Result<(), ExecError> {
    let run = contiguous_run(of, states);
    let total = of.len();
    // The boxes of results lie one behind the other.
    let mut end = 0;
    let starts: Vec<usize> = (output.results.iter())
        .map(|result| {
            end += result.box_bytes(total) as usize;
            end - result.box_bytes(total) as usize
        })
        .collect();
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
                        first_cell: cell_index(of, at, cells),
                        span: &sum.span,
                    })
                })
                .collect();
            let (op, dtype) = (&reduction.op, reduction.dtype);
            finish(op, dtype, &samples, &mut scratch.finish, &mut input[..len * 8])
                .map_err(|fault| finish_error(fault, op.name(), dtype, of, at))?;
        }
        let inputs: Vec<_> = scratch.inputs.iter().map(|buffer| (&**buffer, 0)).collect();
        output.program.run(&inputs, len, &mut scratch.registers).map_err(|fault| {
            ExecError::Cast {
                fault: fault.to_string(),
                place: of.place(at + fault.index as u64),
                of: "a result".to_owned(),
            }
        })?;
        for (result, start) in output.results.iter().zip(&starts) {
            let size = result.dtype.size();
            let out = &mut scratch.out[start + at as usize * size..][..len * size];
            output.program.take(result.output, len, &scratch.registers, out);
        }
        at += len as u64;
    }
    for ((result, start), collect) in output.results.iter().zip(starts).zip(collects) {
        collect.put(of, &scratch.out[start..][..total as usize * result.dtype.size()])?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ndarray::Array3;

    use crate::lazy::{LazyArray, from_ndarray};
    use crate::runtime::Session;

    /// The bytes of each result, by where they lie along the last axis.
    fn bytes_of(arrays: &[&LazyArray]) -> Vec<Vec<u8>> {
        let session = Session::builder().threads(2).build().unwrap();
        let boxes = Mutex::new(vec![Vec::new(); arrays.len()]);
        let take = |index: usize, region: &crate::grid::Region, bytes: &[u8]| {
            boxes.lock().unwrap()[index].push((region.start()[1], bytes.to_vec()));
            Ok(())
        };
        session.for_each_box(arrays, take).unwrap();
        let join = |mut of: Vec<(u64, Vec<u8>)>| {
            of.sort();
            of.into_iter().flat_map(|(_, bytes)| bytes).collect()
        };
        boxes.into_inner().unwrap().into_iter().map(join).collect()
    }

    #[test]
    fn results_of_many_types_made_together_are_what_each_is_alone() {
        // More cells than are finished at once, in rows that are no multiple of a batch.
        let x = Array3::from_shape_fn((101, 211, 3), |(i, j, k)| (i * 31 + j * 17 + k * k) as i16);
        let x = from_ndarray(x);
        let mut arrays = Vec::new();
        for k in 0..9_i64 {
            let (sum, mean) = (x.sum(-1), x.mean(-1));
            arrays.push(sum.greater(1000 * k));
            arrays.push(&mean / (&x.std(-1) + k as f64));
            arrays.push(x.max(-1));
            arrays.push(sum + k);
        }
        let arrays: Vec<&LazyArray> = arrays.iter().collect();
        let alone: Vec<Vec<u8>> = arrays.iter().flat_map(|&array| bytes_of(&[array])).collect();
        let sizes: Vec<usize> = alone[..4].iter().map(|bytes| bytes.len() / (101 * 211)).collect();
        assert_eq!(sizes, [1, 8, 2, 8]);
        assert!(bytes_of(&arrays) == alone);
    }
}
