//! What is far from the middle?

use ndarray::Array2;

use super::super::middle::{STD_IN_MADS, median_of};

/// Share of normal noise that would be called an outlier in a whole series (`-qthr` of 3dToutcount).
const FAR_SHARE: f64 = 0.001;

/// The standard deviation of normal noise, in mean absolute deviations.
const STD_IN_MEAN_DEVIATIONS: f64 = 1.253_314_137_315_500_3;

/// How many median absolute deviations from its median a sample must lie to be an outlier, by AFNI's
/// 3dToutcount: `qginv(0.001 / T) * sqrt(pi / 2)`.
pub(super) fn far_in_mads(volumes: u64) -> f64 {
    normal_above(FAR_SHARE / volumes as f64) * STD_IN_MEAN_DEVIATIONS
}

/// Each slice's series, `(z, t)`, less its median and over its robust standard deviation: 1.4826 MAD, or
/// where half of the series is one value 1.2533 mean absolute deviations (Iglewicz & Hoaglin 1993).
pub(super) fn spikes(means: &Array2<f64>) -> Array2<f64> {
    let mut spikes = means.clone();
    for mut series in spikes.rows_mut() {
        let mut sorted = series.to_vec();
        let middle = median_of(&mut sorted);
        series -= middle;
        for (distance, value) in sorted.iter_mut().zip(&series) {
            *distance = value.abs();
        }
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        let by_median = STD_IN_MADS * median_of(&mut sorted);
        let std = if by_median > 0.0 { by_median } else { STD_IN_MEAN_DEVIATIONS * mean };
        // A slice without voxels in the mask is NaN throughout, and stays so.
        series.mapv_inplace(|distance| if std == 0.0 { 0.0 } else { distance / std });
    }
    spikes
}

/// What normal noise is above with probability `p`, which is at most 0.07: the tails of algorithm AS 241,
/// `PPND16` (Wichura, *Applied Statistics* 37, 1988), to 1 part in 10^16.
#[expect(clippy::excessive_precision, reason = "as they are published")]
fn normal_above(p: f64) -> f64 {
    const NEAR: [[f64; 8]; 2] = [
        [
            1.423_437_110_749_683_577_34,
            4.630_337_846_156_545_295_90,
            5.769_497_221_460_691_405_50,
            3.647_848_324_763_204_605_04,
            1.270_458_252_452_368_382_58,
            2.417_807_251_774_506_117_70e-1,
            2.272_384_498_926_918_458_33e-2,
            7.745_450_142_783_414_076_40e-4,
        ],
        [
            1.0,
            2.053_191_626_637_758_821_87,
            1.676_384_830_183_803_849_40,
            6.897_673_349_851_000_045_50e-1,
            1.481_039_764_274_800_745_90e-1,
            1.519_866_656_361_645_719_66e-2,
            5.475_938_084_995_344_946_00e-4,
            1.050_750_071_644_416_843_24e-9,
        ],
    ];
    const FAR: [[f64; 8]; 2] = [
        [
            6.657_904_643_501_103_777_20,
            5.463_784_911_164_114_369_90,
            1.784_826_539_917_291_335_80,
            2.965_605_718_285_048_912_30e-1,
            2.653_218_952_657_612_309_30e-2,
            1.242_660_947_388_078_438_60e-3,
            2.711_555_568_743_487_578_15e-5,
            2.010_334_399_292_288_132_65e-7,
        ],
        [
            1.0,
            5.998_322_065_558_879_376_90e-1,
            1.369_298_809_227_358_053_10e-1,
            1.487_536_129_085_061_485_25e-2,
            7.868_691_311_456_132_591_00e-4,
            1.846_318_317_510_054_681_80e-5,
            1.421_511_758_316_445_888_70e-7,
            2.044_263_103_389_939_785_64e-15,
        ],
    ];
    let r = (-p.ln()).sqrt();
    let ([above, below], r) = if r <= 5.0 { (&NEAR, r - 1.6) } else { (&FAR, r - 5.0) };
    let polynomial = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, c| sum * r + c);
    polynomial(above) / polynomial(below)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::{far_in_mads, normal_above, spikes};

    #[test]
    #[expect(clippy::unreadable_literal, reason = "as scipy prints them")]
    fn tails_of_the_normal_distribution_are_scipys() {
        // scipy.stats.norm.isf, scipy 1.17.1
        let tails = [
            (0.0005, 3.2905267314918945),
            (5e-06, 4.417173413469023),
            (8.333333333333333e-07, 4.790137978788836),
            (1e-09, 5.9978070150076865),
            (1e-11, 6.706023155495137),
            (1e-12, 7.034483825301131),
            (1e-20, 9.262340089798409),
            (1e-300, 37.0470962993612),
        ];
        for (p, want) in tails {
            assert!((normal_above(p) / want - 1.0).abs() < 4e-16, "{p}: {}", normal_above(p));
        }
        assert!((far_in_mads(200) / 5.536105886074891 - 1.0).abs() < 4e-16);
    }

    #[test]
    fn spikes_are_robust_and_there_also_where_half_of_a_series_is_one_value() {
        let mut means = Array2::from_shape_fn((3, 9), |(z, t)| (z * 10) as f64 + (t % 3) as f64);
        means[[0, 4]] = 21.0;
        // One value, but for one of 9.
        means.row_mut(1).assign(&array![5.0, 5.0, 5.0, 5.0, 14.0, 5.0, 5.0, 5.0, 5.0]);
        means.row_mut(2).fill(7.0);
        let z = spikes(&means);
        // Median 1 and MAD 1; by hand.
        assert!((z[[0, 4]] - 20.0 / 1.482_602_218_505_602).abs() < 1e-12);
        assert_eq!((z[[0, 1]], z[[1, 0]]), (0.0, 0.0));
        // Median 5 and mean deviation 1.
        assert!((z[[1, 4]] - 9.0 / 1.253_314_137_315_5).abs() < 1e-12);
        assert!(z.row(2).iter().all(|&v| v == 0.0));
        means.row_mut(2).fill(f64::NAN);
        assert!(spikes(&means).row(2).iter().all(|v| v.is_nan()));
    }
}
