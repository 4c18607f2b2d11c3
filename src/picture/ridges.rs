//! How are the values of several runs spread?

use super::colour_maps::{number, round_up, ticks};
use super::drawing::{Anchor, Drawing, Ground, Ink};
use super::label::shorten;

/// The values of one run, counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ridge {
    pub(crate) name: String,
    /// How many values lie in each of as many equal steps from 0 to `high`; those beyond are not shown.
    pub(crate) counts: Vec<u64>,
    pub(crate) high: f64,
    pub(crate) p05: f64,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    /// Share of the values below `low`.
    pub(crate) low: f64,
    pub(crate) low_share: f64,
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 24.0;
const RIGHT: f64 = 936.0;
const ROW: f64 = 84.0;
const PEAK: f64 = 52.0;

/// A ridge a run over one axis, with 5th, 50th and 95th percentile.
pub(crate) fn ridges(runs: &[Ridge], unit: &str) -> Drawing {
    let height = ROW * runs.len() as f64 + 46.0;
    let alt = format!("Histogram of {unit} for each of {} runs, on one axis", runs.len());
    let mut drawing = Drawing::new(WIDTH, height, Ground::Page, alt);
    let high = runs.first().map_or(1.0, |run| run.high);
    let x = |value: f64| LEFT + (RIGHT - LEFT) * (value / high).clamp(0.0, 1.0);
    let bottom = ROW * runs.len() as f64 + 8.0;
    for value in ticks(0.0, high, 8) {
        drawing.line(vec![(x(value), 8.0), (x(value), bottom)], Ink::Faint, 1.0);
        let at = (x(value), bottom + 15.0);
        drawing.text(at, 11.0, Ink::Muted, Anchor::Middle, number(value, high));
    }
    drawing.text((RIGHT, bottom + 32.0), 11.0, Ink::Muted, Anchor::End, unit);
    for (at, run) in runs.iter().enumerate() {
        ridge(&mut drawing, run, ROW * (at + 1) as f64, &x);
    }
    drawing
}

fn ridge(drawing: &mut Drawing, run: &Ridge, base: f64, x: &impl Fn(f64) -> f64) {
    let most = run.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = run.high / run.counts.len().max(1) as f64;
    let y = |count: u64| base - PEAK * count as f64 / most;
    // The outline of the bars.
    let mut outline = vec![(x(0.0), base)];
    for (bin, &count) in run.counts.iter().enumerate() {
        outline.push((x(bin as f64 * step), y(count)));
        outline.push((x((bin + 1) as f64 * step), y(count)));
    }
    outline.push((x(run.high), base));
    drawing.area(outline.clone(), Ink::Accent);
    drawing.line(outline, Ink::Accent, 1.5);
    if run.low_share > 0.0 {
        let edge =
            [(x(0.0), base), (x(run.low), base), (x(run.low), base + 5.0), (x(0.0), base + 5.0)];
        drawing.area(edge.to_vec(), Ink::Warning);
    }
    for (value, reach) in [(run.p05, 12.0), (run.median, PEAK + 6.0), (run.p95, 12.0)] {
        if value.is_finite() {
            let width = if value == run.median { 2.0 } else { 1.5 };
            drawing.line(vec![(x(value), base), (x(value), base - reach)], Ink::Plain, width);
        }
    }
    let name = shorten(&run.name, 60);
    drawing.text((RIGHT, base - PEAK - 10.0), 12.0, Ink::Plain, Anchor::End, name);
    let digits = |value| number(value, 10.0);
    let figures = format!(
        "median {}   p05 {}   p95 {}",
        digits(run.median),
        digits(run.p05),
        digits(run.p95),
    );
    drawing.text((RIGHT, base - PEAK + 5.0), 11.0, Ink::Muted, Anchor::End, figures);
    let low = format!("{} % below {}", number(run.low_share * 100.0, 10.0), digits(run.low));
    drawing.text((RIGHT, base - PEAK + 20.0), 11.0, Ink::Muted, Anchor::End, low);
}

/// Counts of values in `bins` equal steps from 0 to `high`.
pub(crate) fn counts_of(values: impl Iterator<Item = f64>, high: f64, bins: usize) -> Vec<u64> {
    let mut counts = vec![0; bins];
    for value in values.filter(|value| (0.0..=high).contains(value)) {
        let bin = ((value / high * bins as f64) as usize).min(bins - 1);
        counts[bin] += 1;
    }
    counts
}

/// Where the common axis ends: a round number above almost all.
pub(crate) fn axis_end(most: impl Iterator<Item = f64>) -> f64 {
    round_up(most.fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::counts_of;

    #[test]
    fn values_are_counted_in_equal_steps_and_those_beyond_in_none() {
        let values = [0.0, 0.9, 1.0, 4.0, 4.1, -1.0, f64::NAN];
        assert_eq!(counts_of(values.into_iter(), 4.0, 4), [2, 1, 0, 1]);
    }
}
