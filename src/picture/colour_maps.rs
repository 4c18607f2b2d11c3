//! Which colour has a number?
//!
//! Numbers become one byte, and a palette gives each byte a colour: 0 is no number, 1 to 255 go from the
//! low to the high end of a scale. All maps are even to the eye and safe for colour-blind readers. What
//! is drawn with them is for the files that draw.

use colorous::{Color, Gradient};

/// Colours of the bytes 0 to 255.
pub(crate) type Palette = [[u8; 3]; 256];

/// From the low end to the high end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColourMap {
    /// Black to white: anatomy.
    Grey,
    /// Dark blue to yellow.
    Viridis,
    /// Black to pale yellow.
    Inferno,
    /// Red over white to blue, for what is below and above 0.
    Diverging,
}

impl ColourMap {
    pub(crate) fn palette(self) -> Palette {
        let of_gradient = |gradient: Gradient, at| {
            let Color { r, g, b } = gradient.eval_rational(at, 255);
            [r, g, b]
        };
        std::array::from_fn(|byte| match (byte, self) {
            (0, Self::Diverging) => [24; 3],
            (0, _) => [0; 3],
            (_, Self::Grey) => [byte as u8; 3],
            (_, Self::Viridis) => of_gradient(colorous::VIRIDIS, byte - 1),
            (_, Self::Inferno) => of_gradient(colorous::INFERNO, byte - 1),
            (_, Self::Diverging) => of_gradient(colorous::RED_BLUE, byte - 1),
        })
    }
}

/// What the ends of a colour map stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) map: ColourMap,
}

impl Scale {
    /// From 0 to a round number that is no less than `most`.
    pub(crate) fn up_to(most: f64, map: ColourMap) -> Self {
        Self { low: 0.0, high: round_up(most), map }
    }

    /// As far below 0 as above.
    pub(crate) fn around_zero(most: f64) -> Self {
        let high = round_up(most);
        Self { low: -high, high, map: ColourMap::Diverging }
    }

    /// The byte of a number: 0 of NaN, 1 and 255 of what lies beyond the ends.
    pub(crate) fn byte(&self, value: f64) -> u8 {
        if value.is_nan() {
            return 0;
        }
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        1 + (share * 254.0).round() as u8
    }
}

/// The next round number from `value` up; 1 where that is no number above 0.
pub(crate) fn round_up(value: f64) -> f64 {
    const ROUND: [f64; 10] = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0];
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    // Decades are found by steps, not by logarithms, whose last bit depends on the machine.
    let mut decade = 1.0;
    while decade > value && decade > f64::MIN_POSITIVE {
        decade /= 10.0;
    }
    while decade * 10.0 <= value {
        decade *= 10.0;
    }
    let step = ROUND.into_iter().find(|step| step * decade >= value);
    step.unwrap_or(10.0) * decade
}

/// Round numbers from `low` to `high`, about `count` of them.
pub(crate) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return vec![low];
    }
    let rough = span / count.max(1) as f64;
    let mut step = round_up(rough);
    // 1, 2 or 5, so that the ticks between can be guessed.
    let lead = |step: f64| {
        let mut lead = step;
        while lead >= 10.0 {
            lead /= 10.0;
        }
        while lead < 1.0 {
            lead *= 10.0;
        }
        lead
    };
    while ![1.0, 2.0, 5.0].iter().any(|round| (lead(step) - round).abs() < 1e-6) {
        step = round_up(step * 1.01);
    }
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).take(1000).map(|at| at as f64 * step).collect()
}

/// A number with as many digits as tell it from its neighbours on a scale of `span`.
pub(crate) fn number(value: f64, span: f64) -> String {
    let digits = match span.abs() {
        span if span >= 20.0 => 0,
        span if span >= 2.0 => 1,
        span if span >= 0.2 => 2,
        span if span >= 0.02 => 3,
        _ => return format!("{value:.2e}"),
    };
    let text = format!("{value:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.replace('-', "\u{2212}") }
}

#[cfg(test)]
mod tests {
    use super::{ColourMap, Scale, number, round_up, ticks};

    #[test]
    fn bytes_cover_the_scale_and_keep_0_for_no_number() {
        let scale = Scale::up_to(100.0, ColourMap::Viridis);
        let values = [f64::NAN, -5.0, 0.0, 50.0, 100.0, f64::INFINITY];
        assert_eq!(values.map(|v| scale.byte(v)), [0, 1, 1, 128, 255, 255]);
        let around = Scale::around_zero(17.0);
        assert_eq!((around.low, around.high), (-20.0, 20.0));
        assert_eq!(around.byte(0.0), 128);
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let values = [0.0, f64::NAN, 0.0031, 1.0, 9.3, 41.0, 121.0, 1e6];
        assert_eq!(values.map(round_up), [1.0, 1.0, 0.004, 1.0, 10.0, 50.0, 150.0, 1e6]);
    }

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(0.0, 100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(-20.0, 20.0, 4), [-20.0, -10.0, 0.0, 10.0, 20.0]);
        assert_eq!(ticks(0.0, 238.0, 5), [0.0, 50.0, 100.0, 150.0, 200.0]);
        assert_eq!(ticks(3.0, 3.0, 5), [3.0]);
        assert_eq!(ticks(0.0, f64::NAN, 5), [0.0]);
    }

    #[test]
    fn numbers_are_as_long_as_their_scale_needs() {
        assert_eq!(number(12.0, 100.0), "12");
        assert_eq!(number(-2.5, 10.0), "\u{2212}2.5");
        assert_eq!(number(0.25, 1.0), "0.25");
        assert_eq!(number(-0.001, 50.0), "0");
    }

    #[test]
    fn every_map_is_monotone_in_lightness_but_for_the_one_around_zero() {
        let light =
            |[r, g, b]: [u8; 3]| 299 * i64::from(r) + 587 * i64::from(g) + 114 * i64::from(b);
        for map in [ColourMap::Grey, ColourMap::Viridis, ColourMap::Inferno] {
            let palette = map.palette();
            // d3's tables are rounded to bytes: a step may be lost in rounding.
            assert!(palette[1..].windows(2).all(|w| light(w[0]) <= light(w[1]) + 1000), "{map:?}");
        }
        let palette = ColourMap::Diverging.palette();
        assert!(
            light(palette[1]) < light(palette[128]) && light(palette[255]) < light(palette[128])
        );
    }
}
