//! Projections against materialised residuals.

use std::sync::Arc;

use ndarray::Array2;

use super::model::Random;
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::grid::Region;
use crate::kernel::{Basis, Fold, ReduceOp, Span, State, StateKind, Summed, finish};

const SAMPLES: usize = 400;
const CELLS: usize = 300;

/// Polynomials up to this degree on [-1, 1], with or without the constant.
fn polynomials(degrees: std::ops::RangeInclusive<i32>) -> Array2<f64> {
    let columns = degrees.clone().count();
    Array2::from_shape_fn((SAMPLES, columns), |(t, k)| {
        let x = 2.0 * t as f64 / (SAMPLES - 1) as f64 - 1.0;
        x.powi(degrees.start() + k as i32)
    })
}

/// Level about 1000, drift 2 %, noise 1 %: `y[cell + CELLS * t]`.
fn series(random: &mut Random) -> Vec<f64> {
    let levels: Vec<f64> = (0..CELLS).map(|_| 500.0 + 1000.0 * random.unit()).collect();
    let mut y = vec![0.0; SAMPLES * CELLS];
    for t in 0..SAMPLES {
        for (cell, level) in levels.iter().enumerate() {
            let noise = random.unit() + random.unit() + random.unit() - 1.5;
            let drift = 0.02 * t as f64 / SAMPLES as f64;
            y[cell + CELLS * t] = level * (1.0 + drift + 0.02 * noise);
        }
    }
    y
}

/// Residual sum of squares and coefficients of one series: least squares by Householder reflections,
/// about its mean where the design holds a constant, refined once with its own residuals.
fn by_residuals(design: &Array2<f64>, y: &[f64]) -> (f64, Vec<f64>) {
    let mut beta = vec![0.0; design.ncols()];
    let mut left = y.to_vec();
    for _ in 0..3 {
        let more = householder(design, &left);
        for (b, m) in beta.iter_mut().zip(&more) {
            *b += m;
        }
        for (t, v) in left.iter_mut().enumerate() {
            *v -= design.row(t).iter().zip(&more).map(|(x, b)| x * b).sum::<f64>();
        }
    }
    (left.iter().map(|v| v * v).sum(), beta)
}

fn householder(design: &Array2<f64>, y: &[f64]) -> Vec<f64> {
    let (rows, columns) = design.dim();
    let (mut a, mut b) = (design.clone(), y.to_vec());
    for k in 0..columns {
        let norm = (k..rows).map(|t| a[(t, k)] * a[(t, k)]).sum::<f64>().sqrt();
        let alpha = -norm.copysign(a[(k, k)]);
        let mut v: Vec<f64> = (k..rows).map(|t| a[(t, k)]).collect();
        v[0] -= alpha;
        let vv: f64 = v.iter().map(|x| x * x).sum();
        for column in k..columns {
            let f = 2.0 * (k..rows).map(|t| v[t - k] * a[(t, column)]).sum::<f64>() / vv;
            (k..rows).for_each(|t| a[(t, column)] -= f * v[t - k]);
        }
        let f = 2.0 * (k..rows).map(|t| v[t - k] * b[t]).sum::<f64>() / vv;
        (k..rows).for_each(|t| b[t] -= f * v[t - k]);
    }
    let mut beta = vec![0.0; columns];
    for k in (0..columns).rev() {
        let known: f64 = (k + 1..columns).map(|j| a[(k, j)] * beta[j]).sum();
        beta[k] = (b[k] - known) / a[(k, k)];
    }
    beta
}

/// Feeds rows `from..to` in blocks and pieces.
fn part(basis: &Arc<Basis>, y: &[f64], from: usize, to: usize, cut: usize) -> State {
    let op = ReduceOp::ResidualSumSquares { basis: Arc::clone(basis) };
    let rows = (to - from) as u64;
    let kind = StateKind::for_reduction(&op, DType::F64, rows, false, from as u64);
    let buffer = Buffer::zeroed(kind.cell_bytes() * CELLS as u64).unwrap();
    let mut state = State::new(kind, CELLS, buffer);
    let cells = Region::whole(&[CELLS as u64]);
    let mut row = 0;
    while row < rows {
        let len = (rows - row).min(cut as u64);
        let block = Region::new(vec![0, row], vec![CELLS as u64, len]);
        let fold = Fold::new(&block, &[CELLS as u64, rows], &[1], &cells, None);
        let values = &y[(from + row as usize) * CELLS..][..len as usize * CELLS];
        for (piece, values) in values.chunks(cut * 61).enumerate() {
            state.update(values, None, piece * cut * 61, &fold);
        }
        row += len;
    }
    state
}

fn finished(op: &ReduceOp, parts: &[(State, u64, f64, f64)]) -> Vec<f64> {
    let span = Span::default();
    let parts: Vec<Summed<'_>> = parts
        .iter()
        .map(|(state, count, slope, inter)| Summed {
            state,
            count: *count,
            slope: *slope,
            inter: *inter,
            first_cell: 0,
            span: &span,
        })
        .collect();
    let mut out = vec![0.0; CELLS];
    finish(op, DType::F64, &parts, &mut [], bytemuck::cast_slice_mut(&mut out)).unwrap();
    out
}

/// Largest relative error of the residual sum of squares, and of coefficients to the largest one.
fn errors(design: &Array2<f64>, parts: &[(State, u64, f64, f64)], y: &[f64]) -> (f64, f64) {
    let basis = Arc::new(Basis::new(design.view()).unwrap());
    let rss = finished(&ReduceOp::ResidualSumSquares { basis: Arc::clone(&basis) }, parts);
    let coefficients: Vec<Vec<f64>> = (0..design.ncols())
        .map(|column| finished(&ReduceOp::Coefficient { basis: Arc::clone(&basis), column }, parts))
        .collect();
    let mut worst = (0.0_f64, 0.0_f64);
    for cell in 0..CELLS {
        let of_cell: Vec<f64> = (0..SAMPLES).map(|t| y[cell + CELLS * t]).collect();
        let (want, beta) = by_residuals(design, &of_cell);
        worst.0 = worst.0.max((rss[cell] - want).abs() / want);
        let size = beta.iter().fold(0.0_f64, |m, b| m.max(b.abs()));
        for (k, want) in beta.iter().enumerate() {
            worst.1 = worst.1.max((coefficients[k][cell] - want).abs() / size);
        }
    }
    worst
}

#[test]
fn residuals_of_polynomials_are_those_of_materialised_ones() {
    let y = series(&mut Random(1));
    for degrees in [0..=0, 0..=4, 1..=3, 2..=2] {
        let design = polynomials(degrees.clone());
        let basis = Arc::new(Basis::new(design.view()).unwrap());
        let whole = [(part(&basis, &y, 0, SAMPLES, 400), SAMPLES as u64, 1.0, 0.0)];
        let (rss, beta) = errors(&design, &whole, &y);
        assert!(rss < 1e-12 && beta < 1e-12, "{degrees:?}: {rss:e} {beta:e}");
    }
}

#[test]
fn a_constant_that_the_design_nearly_holds_keeps_its_residual() {
    // The constant with a millionth of noise: what is outside the columns is tiny and counts.
    let mut random = Random(5);
    let design = Array2::from_shape_fn((SAMPLES, 1), |_| 1.0 + 1e-6 * (random.unit() - 0.5));
    let y: Vec<f64> = (0..SAMPLES * CELLS)
        .map(|at| 1000.0 + 1e-3 * ((at % CELLS) as f64 + 1.0) * random.unit())
        .collect();
    let basis = Arc::new(Basis::new(design.view()).unwrap());
    let whole = [(part(&basis, &y, 0, SAMPLES, 400), SAMPLES as u64, 1.0, 0.0)];
    // Samples of size 1000 with residuals from 1e-3 on lose up to six digits before any arithmetic.
    let (rss, beta) = errors(&design, &whole, &y);
    assert!(rss < 1e-8 && beta < 1e-12, "{rss:e} {beta:e}");
}

#[test]
fn parts_are_brought_to_one_shift_and_scaling() {
    let y = series(&mut Random(2));
    for degrees in [0..=3, 1..=3] {
        let design = polynomials(degrees.clone());
        let basis = Arc::new(Basis::new(design.view()).unwrap());
        let stored = |from: usize, to: usize, slope: f64, inter: f64| {
            let raw: Vec<f64> = y.iter().map(|v| (v - inter) / slope).collect();
            (part(&basis, &raw, from, to, 7), (to - from) as u64, slope, inter)
        };
        let parts = [
            stored(0, 100, 1.0, 0.0),
            stored(100, 101, -0.5, 3.0),
            stored(101, 101, 1.0, 0.0),
            stored(101, SAMPLES, 2.0, 1000.0),
        ];
        let (rss, beta) = errors(&design, &parts, &y);
        assert!(rss < 1e-11 && beta < 1e-11, "{degrees:?}: {rss:e} {beta:e}");
    }
}

#[test]
fn cuts_change_no_bit_of_a_projection() {
    let y = series(&mut Random(3));
    let basis = Arc::new(Basis::new(polynomials(0..=2).view()).unwrap());
    let op = ReduceOp::ResidualSumSquares { basis: Arc::clone(&basis) };
    let rss = |cut| {
        let of = finished(&op, &[(part(&basis, &y, 0, SAMPLES, cut), SAMPLES as u64, 1.0, 0.0)]);
        of.into_iter().map(f64::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(rss(400), rss(1));
    assert_eq!(rss(400), rss(33));
}

#[test]
fn a_series_inside_the_design_leaves_next_to_nothing_and_nan_leaves_nan() {
    let design = polynomials(0..=2);
    let basis = Arc::new(Basis::new(design.view()).unwrap());
    let mut y = vec![0.0; SAMPLES * CELLS];
    for t in 0..SAMPLES {
        for cell in 0..CELLS {
            y[cell + CELLS * t] =
                if cell == 0 { 42.0 } else { 1000.0 + cell as f64 * design[(t, 2)] };
        }
    }
    y[1 + CELLS * 17] = f64::NAN;
    let parts = [(part(&basis, &y, 0, SAMPLES, 400), SAMPLES as u64, 1.0, 0.0)];
    let rss = finished(&ReduceOp::ResidualSumSquares { basis: Arc::clone(&basis) }, &parts);
    assert_eq!(rss[0], 0.0, "a constant series");
    assert!(rss[1].is_nan());
    for (cell, rss) in rss.iter().enumerate().skip(2) {
        // What rounding leaves of the sum of squares.
        assert!((0.0..1e-14 * (SAMPLES * cell * cell) as f64).contains(rss), "{cell}: {rss:e}");
    }
    let second = finished(&ReduceOp::Coefficient { basis, column: 2 }, &parts);
    assert!(second[1].is_nan());
    assert!((second[200] - 200.0).abs() < 1e-9);
}
