//! How is a volume shown flat?
//!
//! Axial slices beside each other, inferior to superior, the subject's left on the left (neurological), the
//! front up. One image holds them all, a byte a voxel, so that a page can read the volume back out of it.

use std::sync::Arc;

use super::canvas::Rect;
use super::colour_maps::{Scale, number, ticks};
use super::drawing::{Anchor, Drawing, Ground, Ink};
use super::indexed::IndexedImage;
use super::placement::Placement;

/// Voxels of a volume that are drawn, at most; of larger ones every second, third, ... is taken.
const MOST_VOXELS: usize = 1 << 20;

const MOST_SLICES: usize = 144;

/// A tile is at most so many times as high as wide, and as wide as high, whatever a header says of its voxels.
const MOST_ASPECT: f64 = 2.5;

/// Pixels of a mosaic from left to right.
const WIDTH: f64 = 960.0;
/// Bytes in a file's picture for each pixel of a drawing: twice as wide, twice as high, three colours.
const RASTER_BYTES: f64 = 12.0;

/// No run takes more height in a picture that has all of them: tiles of 80 pixels, and a line of text.
const RUN_HEIGHT: f64 = 80.0 * MOST_ASPECT + 24.0;

const WIDEST_TILE: f64 = 240.0;
const BAR_HEIGHT: f64 = 46.0;
const TITLE_HEIGHT: f64 = 26.0;

/// Which slices are where in an image.
#[derive(Clone, Debug)]
pub(crate) struct Tiles {
    pub(crate) placement: Placement,
    /// Every so many voxels are drawn, along each axis.
    pub(crate) step: usize,
    /// Slices, counted from inferior.
    pub(crate) slices: Vec<usize>,
    pub(crate) columns: usize,
}

impl Tiles {
    /// All slices of a volume.
    pub(crate) fn all(placement: &Placement) -> Self {
        let lengths = placement.lengths();
        let drawn = |step: usize| lengths.iter().map(|n| n.div_ceil(step)).product::<usize>();
        let fits =
            |step: usize| drawn(step) <= MOST_VOXELS && lengths[2].div_ceil(step) <= MOST_SLICES;
        let longest = lengths.into_iter().max().unwrap_or(1);
        let step = (1..=longest).find(|&step| fits(step)).unwrap_or(longest);
        let slices: Vec<usize> = (0..lengths[2]).step_by(step).collect();
        let columns = match slices.len() {
            count if count <= 8 => count,
            count if count <= 40 => 8,
            count if count <= 80 => 10,
            _ => 12,
        };
        Self { placement: placement.clone(), step, slices, columns }
    }

    /// A row of `count` slices, evenly spread over `within` (first and last slice).
    pub(crate) fn row(placement: &Placement, count: usize, within: (usize, usize)) -> Self {
        let (first, last) = within;
        let span = last - first;
        let count = count.min(span + 1);
        // The outermost slices of a head show little of it.
        let slices = (0..count).map(|at| first + (2 * at + 1) * (span + 1) / (2 * count)).collect();
        let step = Self::all(placement).step;
        Self { placement: placement.clone(), step, slices, columns: count }
    }

    /// Pixels of a slice: to the right, and down.
    pub(crate) fn tile(&self) -> [usize; 2] {
        let [right, anterior, _] = self.placement.lengths();
        [right.div_ceil(self.step), anterior.div_ceil(self.step)]
    }

    fn rows(&self) -> usize {
        self.slices.len().div_ceil(self.columns)
    }

    /// Height of a tile that is so wide, by the size of voxels.
    fn height_of(&self, width: f64) -> f64 {
        let ([right, anterior], [across, down, _]) = (self.tile(), self.placement.edges_mm());
        let aspect = (anterior as f64 * down) / (right as f64 * across);
        width * aspect.clamp(1.0 / MOST_ASPECT, MOST_ASPECT)
    }

    /// The image, of what `value` says of each place in memory.
    pub(crate) fn image(&self, scale: Scale, value: impl Fn(usize) -> f64) -> Arc<IndexedImage> {
        let [width, height] = self.tile();
        let (columns, rows) = (self.columns * width, self.rows() * height);
        Arc::new(IndexedImage::from_fn(columns, rows, scale.map, |x, y| {
            let Some(&slice) = self.slices.get(y / height * self.columns + x / width) else {
                return 0;
            };
            let at = [x % width, height - 1 - y % height].map(|n| n * self.step);
            let voxel = self.placement.voxel([at[0], at[1], slice]);
            scale.byte(value(self.placement.index(voxel)))
        }))
    }

    /// What stands in the corner of a slice.
    fn label(&self, slice: usize) -> String {
        if self.placement.is_known {
            number(self.placement.height_mm(slice).round(), 100.0)
        } else {
            format!("slice {slice}")
        }
    }

    /// Draws an image of these slices, `width` pixels wide, and returns its height.
    pub(super) fn draw(
        &self,
        drawing: &mut Drawing,
        image: Arc<IndexedImage>,
        (left, top): (f64, f64),
        width: f64,
    ) -> f64 {
        let tile = width / self.columns as f64;
        let high = self.height_of(tile);
        let height = high * self.rows() as f64;
        drawing.image(Rect { x: left, y: top, width, height }, image);
        for column in 1..self.columns {
            let x = left + column as f64 * tile;
            drawing.line(vec![(x, top), (x, top + height)], Ink::Faint, 0.5);
        }
        for (at, &slice) in self.slices.iter().enumerate() {
            let (row, column) = ((at / self.columns) as f64, (at % self.columns) as f64);
            let corner = (left + column * tile + 4.0, top + (row + 1.0) * high - 4.0);
            drawing.text(corner, 10.0, Ink::Muted, Anchor::Start, self.label(slice));
            if self.placement.is_known && column == 0.0 {
                let middle = top + (row + 0.5) * high + 4.0;
                drawing.text((left + 3.0, middle), 11.0, Ink::Plain, Anchor::Start, "L");
                drawing.text((left + tile - 3.0, middle), 11.0, Ink::Plain, Anchor::End, "R");
            }
        }
        height
    }

    /// Height of these slices in a mosaic.
    pub(super) fn height(&self) -> f64 {
        let width = (WIDEST_TILE * self.columns as f64).min(WIDTH);
        self.height_of(width / self.columns as f64) * self.rows() as f64 + TITLE_HEIGHT + BAR_HEIGHT
    }

    fn says(&self) -> String {
        let sides = if self.placement.is_known {
            "neurological: left is left; z in mm"
        } else {
            "the header does not say which side is left"
        };
        match self.step {
            1 => sides.to_owned(),
            step => format!("{sides}; every {step}. voxel"),
        }
    }
}

/// Memory that the pictures of a report take at most while they are drawn, one after the other: the pixels of the
/// largest as a file, and the page's text, with its maps of a byte a voxel, as it grows.
pub(crate) fn drawing_room_bytes(placement: &Placement, runs: u64) -> u64 {
    const PAGE_BYTES: u64 = 16 << 20;
    const RUN_BYTES: u64 = 1 << 20;
    let pixels =
        RASTER_BYTES * WIDTH * Tiles::all(placement).height().max(RUN_HEIGHT * runs as f64);
    (pixels as u64).saturating_add(RUN_BYTES.saturating_mul(runs)).saturating_add(PAGE_BYTES)
}

/// A volume, with its scale and the median of what counts.
pub(crate) fn mosaic(
    tiles: &Tiles,
    image: Arc<IndexedImage>,
    scale: Scale,
    title: &str,
    unit: &str,
    median: f64,
) -> Drawing {
    let width = (WIDEST_TILE * tiles.columns as f64).clamp(360.0, WIDTH);
    let inner = (WIDEST_TILE * tiles.columns as f64).min(width);
    let high = tiles.height() - TITLE_HEIGHT - BAR_HEIGHT;
    let alt = format!(
        "{title}: {} axial slices, from {} to {} {unit}, median {}",
        tiles.slices.len(),
        number(scale.low, scale.high),
        number(scale.high, scale.high),
        number(median, scale.high / 10.0),
    );
    let mut drawing = Drawing::new(width, tiles.height(), Ground::Black, alt);
    drawing.text((8.0, 17.0), 12.0, Ink::Plain, Anchor::Start, title);
    drawing.text((width - 8.0, 17.0), 10.0, Ink::Muted, Anchor::End, tiles.says());
    tiles.draw(&mut drawing, image, ((width - inner) / 2.0, TITLE_HEIGHT), inner);
    let bar = Rect {
        x: 40.0,
        y: TITLE_HEIGHT + high + 12.0,
        width: width.min(560.0) - 80.0,
        height: 10.0,
    };
    colour_bar(&mut drawing, bar, scale, unit);
    if median.is_finite() {
        let at =
            bar.x + bar.width * ((median - scale.low) / (scale.high - scale.low)).clamp(0.0, 1.0);
        drawing.line(vec![(at, bar.y - 4.0), (at, bar.bottom() + 3.0)], Ink::Plain, 2.0);
        let text = format!("median {}", number(median, scale.high / 10.0));
        drawing.text((width - 8.0, bar.bottom()), 11.0, Ink::Plain, Anchor::End, text);
    }
    drawing
}

/// What the colours stand for.
pub(super) fn colour_bar(drawing: &mut Drawing, bar: Rect, scale: Scale, unit: &str) {
    let image = IndexedImage::from_fn(255, 1, scale.map, |x, _| 1 + x as u8);
    drawing.image(bar, Arc::new(image));
    let span = scale.high - scale.low;
    let marks = ticks(scale.low, scale.high, 5);
    for value in marks {
        let x = bar.x + bar.width * (value - scale.low) / span;
        let text = number(value, span);
        drawing.line(vec![(x, bar.bottom()), (x, bar.bottom() + 3.0)], Ink::Muted, 1.0);
        drawing.text((x, bar.bottom() + 14.0), 10.0, Ink::Muted, Anchor::Middle, text);
    }
    drawing.text((bar.right() + 8.0, bar.bottom()), 10.0, Ink::Muted, Anchor::Start, unit);
}
