//! What happens from volume to volume, in all runs on one axis of time?
//!
//! The carpet with its strips above, and slices by time. Runs stand beside each other with a gap between;
//! a column is a volume, or as many as fit a pixel.

use std::sync::Arc;

use super::canvas::Rect;
use super::colour_maps::{ColourMap, Scale, number, round_up, ticks};
use super::drawing::{Anchor, Drawing, Ground, Ink};
use super::indexed::IndexedImage;
use super::label::fit;
use super::mosaic::colour_bar;

/// Columns of all runs together, at most.
pub(crate) const MOST_COLUMNS: usize = 1200;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 952.0;
const GAP: f64 = 6.0;

/// Bytes of rows by time: volumes that share a column have been put together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raster {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Row by row.
    pub(crate) bytes: Vec<u8>,
}

/// What is shown of a run.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) name: String,
    pub(crate) volumes: usize,
    /// One value a volume each: of `STRIPS`, in their order.
    pub(crate) strips: [Vec<f64>; 2],
    /// Slices by time: how far a slice's mean is from its course, in [`spike_scale`].
    pub(crate) spikes: Raster,
    /// Voxels by time, in [`carpet_scale`].
    pub(crate) carpet: Raster,
    /// Slices by time: change of a slice's mean in percent, in the scale it is drawn with.
    pub(crate) slices: Raster,
}

/// A line over time.
struct Strip {
    name: &'static str,
    unit: &'static str,
    /// A value that is worth a line of its own.
    mark: Option<f64>,
}

const STRIPS: [Strip; 2] = [
    Strip { name: "global signal", unit: "%", mark: Some(0.0) },
    Strip { name: "std DVARS", unit: "", mark: Some(1.5) },
];

/// Of voxels, less their mean and over their standard deviation.
pub(crate) fn carpet_scale() -> Scale {
    Scale { low: -2.0, high: 2.0, map: ColourMap::Grey }
}

/// Of slices, in robust standard deviations.
pub(crate) fn spike_scale() -> Scale {
    Scale { low: 0.0, high: 10.0, map: ColourMap::Inferno }
}

/// How many volumes share a column where there are so many in all.
pub(crate) fn volumes_a_column(volumes: usize) -> usize {
    volumes.div_ceil(MOST_COLUMNS).max(1)
}

impl Raster {
    /// Rows by time, where `share` puts the values of a column together.
    pub(crate) fn of(
        (rows, volumes): (usize, usize),
        a_column: usize,
        scale: Scale,
        value: impl Fn(usize, usize) -> f64,
        share: impl Fn(&[f64]) -> f64,
    ) -> Self {
        let columns = volumes.div_ceil(a_column);
        let mut bytes = Vec::with_capacity(rows * columns);
        let mut values = Vec::with_capacity(a_column);
        for row in 0..rows {
            for column in 0..columns {
                let last = ((column + 1) * a_column).min(volumes);
                values.clear();
                values.extend((column * a_column..last).map(|volume| value(row, volume)));
                bytes.push(scale.byte(share(&values)));
            }
        }
        Self { rows, columns, bytes }
    }

    fn image(&self, map: ColourMap, upwards: bool) -> Arc<IndexedImage> {
        let (columns, rows) = (self.columns, self.rows);
        Arc::new(IndexedImage::from_fn(columns, rows, map, |x, y| {
            let row = if upwards { rows - 1 - y } else { y };
            self.bytes[row * columns + x]
        }))
    }
}

/// Mean of the numbers among values.
pub(crate) fn mean_of(values: &[f64]) -> f64 {
    let numbers = || values.iter().filter(|v| !v.is_nan());
    numbers().sum::<f64>() / numbers().count() as f64
}

/// Largest distance from 0.
pub(crate) fn farthest_of(values: &[f64]) -> f64 {
    values.iter().fold(f64::NAN, |most, v| most.max(v.abs()))
}

/// Where runs lie from left to right.
struct Lanes {
    /// Left edge and width.
    lanes: Vec<(f64, f64)>,
}

impl Lanes {
    fn of(runs: &[Course]) -> Self {
        let volumes: usize = runs.iter().map(|run| run.volumes).sum();
        let room = RIGHT - LEFT - GAP * runs.len().saturating_sub(1) as f64;
        let mut left = LEFT;
        let lanes = runs.iter().map(|run| {
            let width = room * run.volumes as f64 / volumes.max(1) as f64;
            let lane = (left, width);
            left += width + GAP;
            lane
        });
        Self { lanes: lanes.collect() }
    }

    fn names(&self, drawing: &mut Drawing, runs: &[Course], base: f64) {
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        for ((left, width), name) in self.lanes.iter().zip(super::label::distinct_parts(&names)) {
            let name = fit(&name, *width, 10.0, false);
            drawing.text((left + width / 2.0, base), 10.0, Ink::Muted, Anchor::Middle, name);
        }
    }

    fn volumes(&self, drawing: &mut Drawing, runs: &[Course], top: f64) {
        for ((left, width), run) in self.lanes.iter().zip(runs) {
            let last = run.volumes as f64;
            for value in ticks(0.0, last, ((width / 60.0) as usize).max(1)) {
                let x = left + width * value / last;
                drawing.line(vec![(x, top), (x, top + 3.0)], Ink::Muted, 1.0);
                drawing.text(
                    (x, top + 14.0),
                    10.0,
                    Ink::Muted,
                    Anchor::Middle,
                    number(value, last),
                );
            }
        }
        drawing.text((LEFT - 8.0, top + 14.0), 10.0, Ink::Muted, Anchor::End, "volume");
    }

    fn images<'a>(
        &self,
        drawing: &mut Drawing,
        (top, height): (f64, f64),
        map: ColourMap,
        upwards: bool,
        rasters: impl Iterator<Item = &'a Raster>,
    ) {
        for (&(x, width), raster) in self.lanes.iter().zip(rasters).filter(|(_, r)| r.rows > 0) {
            drawing.image(Rect { x, y: top, width, height }, raster.image(map, upwards));
        }
    }
}

/// The carpet, and above it global signal, DVARS and the spikes of slices.
pub(crate) fn carpet(runs: &[Course]) -> Drawing {
    const STRIP: f64 = 50.0;
    const SPIKES: f64 = 56.0;
    const CARPET: f64 = 300.0;
    let lanes = Lanes::of(runs);
    let spikes = 22.0 + (STRIP + 10.0) * STRIPS.len() as f64;
    let top = spikes + SPIKES + 10.0;
    let alt = format!(
        "Carpet of {} runs: grey values of voxels over time, with global signal, DVARS and slice \
         spikes above",
        runs.len()
    );
    let mut drawing = Drawing::new(WIDTH, top + CARPET + 62.0, Ground::Page, alt);
    lanes.names(&mut drawing, runs, 12.0);
    for (at, what) in STRIPS.iter().enumerate() {
        let area = (22.0 + (STRIP + 10.0) * at as f64, STRIP);
        strip(&mut drawing, &lanes, runs, at, what, area);
    }
    side(&mut drawing, spikes + SPIKES / 2.0, ["slices,", "|z| of mean"]);
    let map = spike_scale().map;
    lanes.images(&mut drawing, (spikes, SPIKES), map, true, runs.iter().map(|r| &r.spikes));
    side(&mut drawing, top + CARPET / 2.0, ["voxels of", "the mask"]);
    let map = carpet_scale().map;
    lanes.images(&mut drawing, (top, CARPET), map, false, runs.iter().map(|r| &r.carpet));
    lanes.volumes(&mut drawing, runs, top + CARPET);
    let y = top + CARPET + 28.0;
    let bar = |x: f64| Rect { x, y, width: 240.0, height: 10.0 };
    colour_bar(&mut drawing, bar(LEFT), carpet_scale(), "SD");
    colour_bar(&mut drawing, bar(LEFT + 420.0), spike_scale(), "robust SD (slices)");
    drawing
}

fn side(drawing: &mut Drawing, middle: f64, lines: [&str; 2]) {
    for (at, line) in lines.into_iter().enumerate() {
        let y = middle - 2.0 + 12.0 * at as f64;
        drawing.text((LEFT - 8.0, y), 10.0, Ink::Muted, Anchor::End, line);
    }
}

fn strip(
    drawing: &mut Drawing,
    lanes: &Lanes,
    runs: &[Course],
    which: usize,
    what: &Strip,
    (top, height): (f64, f64),
) {
    let values =
        || runs.iter().flat_map(|run| &run.strips[which]).copied().filter(|v| v.is_finite());
    let (low, high) = match values().fold((0.0, 0.0), |(l, h): (f64, f64), v| (l.min(v), h.max(v)))
    {
        (low, high) if low < 0.0 => {
            let most = round_up(high.max(-low));
            (-most, most)
        }
        (_, high) => (0.0, round_up(high.max(what.mark.unwrap_or(0.0) * 1.2))),
    };
    let y = |value: f64| top + height * (1.0 - (value.clamp(low, high) - low) / (high - low));
    for value in [low, high] {
        let text = format!("{}{}", number(value, high - low), what.unit);
        let base = if value == low { top + height } else { top + 8.0 };
        drawing.text((LEFT - 8.0, base), 9.0, Ink::Muted, Anchor::End, text);
    }
    drawing.text((LEFT - 8.0, top + height / 2.0 + 4.0), 10.0, Ink::Plain, Anchor::End, what.name);
    for (&(left, width), run) in lanes.lanes.iter().zip(runs) {
        if let Some(mark) = what.mark {
            let ink = if mark == 0.0 { Ink::Faint } else { Ink::Warning };
            drawing.line(vec![(left, y(mark)), (left + width, y(mark))], ink, 0.7);
        }
        let series = &run.strips[which];
        let x = |volume: usize| left + width * (volume as f64 + 0.5) / series.len().max(1) as f64;
        let mut stretch: Vec<(f64, f64)> = Vec::new();
        for (volume, &value) in series.iter().enumerate() {
            if value.is_finite() {
                stretch.push((x(volume), y(value)));
            } else if !stretch.is_empty() {
                drawing.line(std::mem::take(&mut stretch), Ink::Accent, 1.0);
            }
        }
        drawing.line(stretch, Ink::Accent, 1.0);
    }
}

/// Slices by time: the change of each slice's mean.
pub(crate) fn slices_by_time(runs: &[Course], scale: Scale) -> Drawing {
    let lanes = Lanes::of(runs);
    let rows = runs.iter().map(|run| run.slices.rows).max().unwrap_or(0);
    let height = (rows as f64 * 6.0).clamp(40.0, 300.0);
    let alt = format!("Change of the mean of each of {rows} slices over time, in percent");
    let mut drawing = Drawing::new(WIDTH, 20.0 + height + 62.0, Ground::Page, alt);
    lanes.names(&mut drawing, runs, 12.0);
    for slice in ticks(0.0, rows as f64, 4).into_iter().filter(|slice| *slice < rows as f64) {
        let y = 20.0 + height * (1.0 - (slice + 0.5) / rows.max(1) as f64) + 4.0;
        let text = format!("slice {}", number(slice, rows as f64));
        drawing.text((LEFT - 8.0, y), 10.0, Ink::Muted, Anchor::End, text);
    }
    lanes.images(&mut drawing, (20.0, height), scale.map, true, runs.iter().map(|r| &r.slices));
    lanes.volumes(&mut drawing, runs, 20.0 + height);
    let bar = Rect { x: LEFT, y: 20.0 + height + 28.0, width: 300.0, height: 10.0 };
    colour_bar(&mut drawing, bar, scale, "% of the slice's mean");
    drawing
}
