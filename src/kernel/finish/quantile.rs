//! Quantiles of the samples of all parts: numpy's `linear` (method 7 of Hyndman & Fan, *The American
//! Statistician* 50, 1996) and its discrete kin, and the median absolute deviation.

use super::{Summed, scale};
use crate::kernel::QuantileMethod;

/// NaN where the cell has no sample, or a NaN.
pub(super) fn of(
    q: f64,
    method: QuantileMethod,
    parts: &[Summed<'_>],
    cell: usize,
    scratch: &mut [f64],
) -> f64 {
    let Some(samples) = gathered(parts, cell, scratch) else { return f64::NAN };
    if q == 0.5 && method == QuantileMethod::Linear {
        return median(samples);
    }
    let last = samples.len() - 1;
    // Without a sum: infinities stay what they are.
    if q <= 0.0 || q >= 1.0 {
        return neighbours(samples, if q <= 0.0 { 0 } else { last }).0;
    }
    let virtual_index = last as f64 * q;
    let previous = virtual_index.floor();
    let (low, high) = neighbours(samples, previous as usize);
    match method {
        QuantileMethod::Linear => between(low, high, virtual_index - previous),
        QuantileMethod::Lower => low,
        // Exactly on a sample there is nothing between.
        _ if virtual_index == previous => low,
        QuantileMethod::Higher => high,
        QuantileMethod::Midpoint => between(low, high, 0.5),
    }
}

/// The median of the distances from the median; NaN where the cell has no sample, or a NaN.
pub(super) fn mad(parts: &[Summed<'_>], cell: usize, scratch: &mut [f64]) -> f64 {
    let Some(samples) = gathered(parts, cell, scratch) else { return f64::NAN };
    let middle = median(samples);
    for sample in samples.iter_mut() {
        *sample = (*sample - middle).abs();
    }
    if samples.iter().any(|distance| distance.is_nan()) {
        return f64::NAN;
    }
    median(samples)
}

/// All samples of a cell as true values; `None` where there is none, or a NaN.
fn gathered<'s>(
    parts: &[Summed<'_>],
    cell: usize,
    scratch: &'s mut [f64],
) -> Option<&'s mut [f64]> {
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
    (!samples.is_empty() && !samples.iter().any(|v| v.is_nan())).then_some(samples)
}

/// numpy's median: the middle, or the mean of the middle two.
fn median(samples: &mut [f64]) -> f64 {
    let (low, high) = neighbours(samples, (samples.len() - 1) / 2);
    if samples.len() % 2 == 1 { low } else { low.midpoint(high) }
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
    use super::{mad, of};
    use crate::buffer::Buffer;
    use crate::dtype::DType;
    use crate::grid::Region;
    use crate::kernel::{Fold, QuantileMethod, ReduceOp, Span, State, StateKind, Summed};

    fn quantiles(values: &[f64], list: &[f64]) -> Vec<f64> {
        with_part(values, |part, scratch| {
            list.iter().map(|&q| of(q, QuantileMethod::Linear, part, 0, scratch)).collect()
        })
    }

    fn with_part<R>(values: &[f64], make: impl FnOnce(&[Summed<'_>], &mut [f64]) -> R) -> R {
        let n = values.len() as u64;
        let kind = StateKind::for_reduction(&ReduceOp::MEDIAN, DType::F64, n, false, 0);
        let mut state = State::new(kind.clone(), 1, Buffer::zeroed(kind.cell_bytes()).unwrap());
        let block = Region::whole(&[n]);
        state.update(values, None, 0, &Fold::new(&block, &[n], &[0], &Region::whole(&[]), None));
        let span = Span::default();
        let part =
            Summed { state: &state, count: n, slope: 1.0, inter: 0.0, first_cell: 0, span: &span };
        make(&[part], &mut vec![0.0; kind.finish_bytes(n) as usize / 8])
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
    fn other_methods_are_numpys_and_those_that_give_samples_give_them_exactly() {
        // numpy.quantile(values, q, method=...), numpy 2.4.6
        use QuantileMethod::{Higher, Lower, Midpoint};
        let values = [1004.25, 3.0, -7.5, 3.0, 0.1, 1e-3, 12345.678, 2.5, 9.0, -0.3];
        let of_method = |method, list: [f64; 5]| {
            with_part(&values, |part, scratch| list.map(|q| of(q, method, part, 0, scratch)))
        };
        let list = [0.0, 0.25, 0.5, 0.75, 1.0];
        assert_eq!(of_method(Lower, list), [-7.5, 0.001, 2.5, 3.0, 12345.678]);
        assert_eq!(of_method(Higher, list), [-7.5, 0.1, 3.0, 9.0, 12345.678]);
        assert_eq!(of_method(Midpoint, list), [-7.5, 0.0505, 2.75, 6.0, 12345.678]);
        // On a sample (9 * 1/3 and 9 * 2/3 are 3 and 6) all methods give it.
        for method in [Lower, Higher, Midpoint] {
            let on = with_part(&values, |part, scratch| {
                [1.0 / 3.0, 2.0 / 3.0].map(|q| of(q, method, part, 0, scratch))
            });
            assert_eq!(on, [0.1, 3.0], "{method:?}");
        }
    }

    #[test]
    fn the_median_absolute_deviation_is_scipys() {
        // scipy.stats.median_abs_deviation, scipy 1.17.1
        let mad = |values: &[f64]| with_part(values, |part, scratch| mad(part, 0, scratch));
        let values = [1004.25, 3.0, -7.5, 3.0, 0.1, 1e-3, 12345.678, 2.5, 9.0, -0.3];
        assert_eq!(mad(&values), 2.899_499_999_999_999_7);
        assert_eq!(mad(&[5.0, 5.0, 5.0, 9.0]), 0.0);
        assert_eq!(mad(&[7.0]), 0.0);
        assert!(mad(&[1.0, f64::NAN, 2.0]).is_nan());
        // Distances from an infinite median are not numbers.
        assert!(mad(&[f64::INFINITY, f64::INFINITY, 1.0]).is_nan());
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
