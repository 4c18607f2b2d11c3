//! How do runs differ from each other in space?
//!
//! A row of slices a run, all at one scale, and beside it how far the run is from all of them together.

use std::sync::Arc;

use super::canvas::Rect;
use super::colour_maps::Scale;
use super::drawing::{Anchor, Drawing, Ground, Ink};
use super::indexed::IndexedImage;
use super::label::shorten;
use super::mosaic::{Tiles, colour_bar};

/// One run.
pub(crate) struct RunSlices {
    pub(crate) name: String,
    /// The figure that stands beside the name.
    pub(crate) figure: String,
    pub(crate) map: Arc<IndexedImage>,
    pub(crate) difference: Arc<IndexedImage>,
}

const WIDTH: f64 = 960.0;
const HALF: f64 = 472.0;

/// Small multiples.
pub(crate) fn comparison(
    tiles: &Tiles,
    runs: &[RunSlices],
    scale: Scale,
    around: Scale,
) -> Drawing {
    let strip =
        |drawing: &mut Drawing, image, left, top| tiles.draw(drawing, image, (left, top), HALF);
    let mut probe = Drawing::new(0.0, 0.0, Ground::Black, String::new());
    let Some(first) = runs.first() else { return probe };
    let row = strip(&mut probe, Arc::clone(&first.map), 0.0, 0.0) + 24.0;
    let alt =
        format!("tSNR of each of {} runs, and its difference from the pooled map", runs.len());
    let height = 20.0 + row * runs.len() as f64 + 46.0;
    let mut drawing = Drawing::new(WIDTH, height, Ground::Black, alt);
    drawing.text((4.0, 14.0), 11.0, Ink::Muted, Anchor::Start, "tSNR of the run");
    let right = WIDTH - HALF;
    drawing.text((right, 14.0), 11.0, Ink::Muted, Anchor::Start, "difference from all runs pooled");
    for (at, run) in runs.iter().enumerate() {
        let top = 20.0 + row * at as f64;
        let name = shorten(&run.name, 64);
        drawing.text((4.0, top + 14.0), 12.0, Ink::Plain, Anchor::Start, name);
        drawing.text((HALF - 4.0, top + 14.0), 12.0, Ink::Plain, Anchor::End, &*run.figure);
        strip(&mut drawing, Arc::clone(&run.map), 0.0, top + 20.0);
        strip(&mut drawing, Arc::clone(&run.difference), right, top + 20.0);
    }
    let y = height - 34.0;
    let bar = |x: f64| Rect { x: x + 30.0, y, width: HALF - 80.0, height: 10.0 };
    colour_bar(&mut drawing, bar(0.0), scale, "tSNR");
    colour_bar(&mut drawing, bar(right), around, "tSNR");
    drawing
}
