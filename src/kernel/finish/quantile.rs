//! Quantiles between the samples of all parts: numpy's `linear` (method 7 of Hyndman & Fan, *The
//! American Statistician* 50, 1996).

use super::{Summed, scale};

/// NaN where the cell has no sample, or a NaN.
pub(super) fn of(q: f64, parts: &[Summed<'_>], cell: usize, scratch: &mut [f64]) -> f64 {
    let mut filled = 0;
    for part in parts {
        let count = part.count(cell) as usize;
        let samples = &mut scratch[filled..filled + count];
        part.state.samples(part.first_cell + cell, samples);
        if part.is_scaled() {
            for v in samples.iter_mut() {
                *v = scale(*v, part.slope, part.inter);
            }
        }
        filled += count;
    }
    let samples = &mut scratch[..filled];
    if samples.is_empty() || samples.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    // numpy's median is the middle, or the mean of the middle two.
    if q == 0.5 {
        let (low, high) = neighbours(samples, (filled - 1) / 2);
        return if filled % 2 == 1 { low } else { low.midpoint(high) };
    }
    let last = filled - 1;
    // Without a sum: infinities stay what they are.
    if q <= 0.0 || q >= 1.0 {
        return neighbours(samples, if q <= 0.0 { 0 } else { last }).0;
    }
    let virtual_index = last as f64 * q;
    let previous = virtual_index.floor();
    let (low, high) = neighbours(samples, previous as usize);
    between(low, high, virtual_index - previous)
}

/// The samples of rank `rank` and the next (the same where there is none), in time linear in the
/// number of samples.
fn neighbours(samples: &mut [f64], rank: usize) -> (f64, f64) {
    let (_, &mut low, above) = samples.select_nth_unstable_by(rank, f64::total_cmp);
    (low, above.iter().copied().min_by(f64::total_cmp).unwrap_or(low))
}

/// numpy's `_lerp`: from both ends, so that it is monotone and hits both.
fn between(low: f64, high: f64, t: f64) -> f64 {
    let difference = high - low;
    if t >= 0.5 { high - difference * (1.0 - t) } else { low + difference * t }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::buffer::Buffer;
    use crate::grid::Region;
    use crate::kernel::{Fold, ReduceOp, Span, State, StateKind, Summed};

    fn quantiles(values: &[f64], list: &[f64]) -> Vec<f64> {
        let n = values.len() as u64;
        let op = ReduceOp::Quantile { q: 0.0 };
        let kind = StateKind::for_reduction(&op, crate::dtype::DType::F64, n, false, 0);
        let mut state = State::new(kind.clone(), 1, Buffer::zeroed(kind.cell_bytes()).unwrap());
        let block = Region::whole(&[n]);
        state.update(values, None, 0, &Fold::new(&block, &[n], &[0], &Region::whole(&[]), None));
        let span = Span::default();
        let part =
            Summed { state: &state, count: n, slope: 1.0, inter: 0.0, first_cell: 0, span: &span };
        let mut scratch = vec![0.0; kind.finish_bytes(n) as usize / 8];
        list.iter().map(|&q| of(q, &[part], 0, &mut scratch)).collect()
    }

    fn bits(list: &[f64]) -> Vec<u64> {
        list.iter().map(|v| v.to_bits()).collect()
    }

    #[test]
    fn quantiles_are_numpys_to_the_bit() {
        // numpy.quantile and numpy.median, numpy 2.4.6
        let values = [1004.25, 3.0, -7.5, 3.0, 0.1, 1e-3, 12345.678, 2.5, 9.0, -0.3];
        let got = quantiles(&values, &[0.0, 0.1, 0.37, 0.5, 0.61, 0.9, 0.999, 1.0]);
        let want = [
            0xc01e_0000_0000_0000,
            0xbff0_51eb_851e_b851,
            0x3fec_8b43_9581_0626,
            0x4006_0000_0000_0000,
            0x4008_0000_0000_0000,
            0x40a0_b4c9_1d14_e3b4,
            0x40c7_e9cd_757d_5a9d,
            0x40c8_1cd6_c8b4_3958,
        ];
        assert_eq!(bits(&got), want);
    }

    #[test]
    fn infinities_and_nan_are_where_numpy_has_them() {
        // numpy.quantile, numpy 2.4.6; at 0.5 numpy.median, which keeps infinities.
        const INF: f64 = f64::INFINITY;
        const NAN: f64 = f64::NAN;
        let list = [0.0, 0.25, 0.3, 0.5, 0.75, 1.0];
        let cases: [(&[f64], [f64; 6]); 6] = [
            (&[INF], [INF, NAN, NAN, INF, NAN, INF]),
            (&[1.0, INF], [1.0, INF, INF, INF, NAN, INF]),
            (&[-INF, INF], [-INF, NAN, NAN, NAN, NAN, INF]),
            (&[-INF, -INF, 1.0, 2.0, 3.0], [-INF, NAN, NAN, 1.0, 2.0, 3.0]),
            (&[1.0, 2.0, NAN], [NAN; 6]),
            (&[-INF, -3.0, -2.0, 1003.0], [-INF, -INF, -INF, -2.5, 249.25, 1003.0]),
        ];
        for (values, want) in cases {
            let got = quantiles(values, &list);
            let same = got.iter().zip(want).all(|(g, w)| *g == w || (g.is_nan() && w.is_nan()));
            assert!(same, "{values:?}: {got:?}, want {want:?}");
        }
    }
}
