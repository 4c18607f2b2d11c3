//! How are many cells of small integers finished at once?
//!
//! With the bits that `moments` gives cell by cell. There one rounding at the end is had by 128-bit integers;
//! here by `f64` alone, several cells in a register: as long as `n * squares`, which no square of a sum
//! exceeds, is below 2^53, nothing before the division is rounded at all. So it is in runs of ordinary length.

use multiversion::multiversion;

use super::{Summed, scale};
use crate::kernel::BATCH;
use crate::kernel::reduce_op::ReduceOp;

/// Integers up to here are what they are in `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes sum, mean, var or std of as many cells as `out` has, at most [`BATCH`]. False where a cell needs
/// more than `f64`, or the parts are no small integers that are scaled alike: then `out` means nothing.
pub(super) fn finish(op: &ReduceOp, parts: &[Summed<'_>], out: &mut [f64]) -> bool {
    let Some(Summed { slope, inter, .. }) = parts.first().copied() else { return false };
    let (mut count, mut squares) = (0, [0.0; BATCH]);
    let Some(squares) = squares.get_mut(..out.len()) else { return false };
    out.fill(0.0);
    for part in parts {
        let Some([of_part, squares_of_part]) = part.state.small_sums() else { return false };
        if part.count == 0 || part.slope != slope || part.inter != inter {
            return false;
        }
        let cells = part.first_cell..part.first_cell + out.len();
        count += part.count;
        add(out, &of_part[cells.clone()]);
        add(squares, &squares_of_part[cells]);
    }
    let n = count as f64;
    if !are_exact(squares, n) {
        return false;
    }
    match op {
        ReduceOp::Sum => scale_each(out, slope, if inter == 0.0 { 0.0 } else { inter * n }),
        ReduceOp::Mean => {
            divide(out, n);
            scale_each(out, slope, inter);
        }
        ReduceOp::Var { ddof } | ReduceOp::Std { ddof } => {
            variances(out, squares, n, n * count.saturating_sub(*ddof) as f64);
            if matches!(op, ReduceOp::Var { .. }) {
                scale_each(out, slope * slope, 0.0);
            } else {
                roots(out);
                scale_each(out, slope.abs(), 0.0);
            }
        }
        _ => return false,
    }
    true
}

#[multiversion(targets("x86_64+avx2"))]
fn add(to: &mut [f64], of: &[f64]) {
    for (a, b) in to.iter_mut().zip(of) {
        *a += b;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn are_exact(squares: &[f64], n: f64) -> bool {
    // All are looked at, for several at a time.
    let mut all = true;
    for q in squares {
        all &= n * q < EXACT;
    }
    all
}

#[multiversion(targets("x86_64+avx2"))]
fn divide(sums: &mut [f64], n: f64) {
    for s in sums {
        *s /= n;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn variances(sums: &mut [f64], squares: &[f64], n: f64, free: f64) {
    for (s, q) in sums.iter_mut().zip(squares) {
        *s = (n * q - *s * *s) / free;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn roots(of: &mut [f64]) {
    for v in of {
        *v = v.sqrt();
    }
}

fn scale_each(values: &mut [f64], slope: f64, inter: f64) {
    if slope != 1.0 || inter != 0.0 {
        for v in values {
            *v = scale(*v, slope, inter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH, finish};
    use crate::buffer::Buffer;
    use crate::dtype::DType;
    use crate::grid::Region;
    use crate::kernel::finish::{Span, Summed, moments};
    use crate::kernel::fold::Fold;
    use crate::kernel::reduce_op::ReduceOp;
    use crate::kernel::state::{State, StateKind};

    /// The state of `cells` cells that have seen `rows` rows of these samples, over and over.
    fn state(samples: &[u16], cells: u64, rows: u64) -> State {
        let kind = StateKind::for_reduction(&ReduceOp::Mean, DType::U16, rows, false, 0);
        let mut state = State::new(
            kind.clone(),
            cells as usize,
            Buffer::zeroed(cells * kind.cell_bytes()).unwrap(),
        );
        let shape = [cells, rows];
        let fold = Fold::new(&Region::whole(&shape), &shape, &[1], &Region::whole(&[cells]), None);
        let values: Vec<u16> =
            samples.iter().copied().cycle().take((cells * rows) as usize).collect();
        state.update(&values, None, 0, &fold);
        state
    }

    #[test]
    fn cells_have_the_bits_that_128_bit_integers_give() {
        let span = Span::default();
        let ops = [ReduceOp::Sum, ReduceOp::Mean]
            .into_iter()
            .chain([0, 1, 5].map(|ddof| ReduceOp::Var { ddof }))
            .chain([0, 1, 5].map(|ddof| ReduceOp::Std { ddof }));
        let samples: Vec<u16> =
            (0..9973_u32).map(|i| (i * i * 7 + 11 * i) as u16 >> (i % 9)).collect();
        let states = [(1, 40), (3, 173), (7, 5)]
            .map(|(from, rows)| (rows, state(&samples[from..], 30, rows)));
        for op in ops {
            for (slope, inter) in [(1.0, 0.0), (0.3, -7.1), (-2.5, 0.0)] {
                let parts: Vec<Summed<'_>> = states
                    .iter()
                    .map(|(count, state)| Summed {
                        state,
                        count: *count,
                        slope,
                        inter,
                        first_cell: 4,
                        span: &span,
                    })
                    .collect();
                let mut out = [0.0; 23];
                assert!(finish(&op, &parts, &mut out));
                for (cell, value) in out.iter().enumerate() {
                    assert_eq!(
                        value.to_bits(),
                        moments::of(&op, &parts, cell).to_bits(),
                        "{op:?} {cell}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_f64_cannot_hold_is_left_to_integers() {
        let span = Span::default();
        // n * squares = n^2 * 65535^2.
        for (rows, fits) in [(1448, true), (1449, false)] {
            let state = state(&[65535], 2, rows);
            let part = Summed {
                state: &state,
                count: rows,
                slope: 1.0,
                inter: 0.0,
                first_cell: 0,
                span: &span,
            };
            let op = ReduceOp::Var { ddof: 1 };
            assert_eq!(finish(&op, &[part], &mut [0.0; 2]), fits, "{rows}");
            assert!(!finish(&op, &[part, Summed { slope: 2.0, ..part }], &mut [0.0; 2]));
            assert!(!finish(&op, &[Summed { count: 0, ..part }], &mut [0.0; 2]));
            assert!(!finish(&op, &[part], &mut [0.0; BATCH + 1]));
            assert!(!finish(&op, &[], &mut [0.0; 2]));
        }
    }
}
