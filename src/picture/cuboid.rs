//! How do three axes and their blocks look?
//!
//! A box in oblique projection: axis 0 to the right, axis 1 to the back (up and to the left), axis 2
//! down. The first block is at the corner that shows three faces. Axes beyond the third are strips.

use super::canvas::{Canvas, Font, Paint, Rect};
use super::colours::{ARRAY, BLOCK, MUTED, OUTLINE};
use super::label::width;
use crate::grid::BlockGrid;

/// Longest side in pixels, and the shortest that is drawn.
const SIDES: (f64, f64) = (170.0, 12.0);
/// How much of a depth goes to the left and up.
const OBLIQUE: f64 = 0.45;
/// More block lines along an axis run together.
const MOST_LINES: u64 = 20;
/// The first block is at least so many pixels wide.
const LEAST_BLOCK: f64 = 3.0;

const LABEL: Font = Font::new(11.5, MUTED);

/// An axis, scaled to pixels.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) label: String,
    pub(super) pixels: f64,
    /// Where block lines are, in pixels.
    pub(super) lines: Vec<f64>,
    /// One line in so many is drawn.
    pub(super) step: u64,
    /// End of the first block, in pixels.
    pub(super) first: f64,
}

impl Axis {
    /// Axis number `axis` of `length`, drawn `pixels` long.
    pub(super) fn new(axis: usize, length: u64, block: u64, pixels: f64) -> Self {
        let label = format!("axis {axis}: {length}");
        if length == 0 {
            return Self { label, pixels, lines: Vec::new(), step: 1, first: 0.0 };
        }
        let grid = BlockGrid::new(&[length], &[block]);
        let (count, block) = (grid.len(), grid.block_shape()[0]);
        let step = (count - 1).div_ceil(MOST_LINES).max(1);
        let place = |index: u64| block as f64 * index as f64 / length as f64 * pixels;
        let lines = (1..count).step_by(step as usize).map(place).collect();
        let first = place(1).max(LEAST_BLOCK).min(pixels);
        Self { label, pixels, lines, step, first }
    }
}

/// Pixels for each of these lengths: long ones longer, none out of sight.
pub(super) fn scaled(lengths: &[u64]) -> Vec<f64> {
    let longest = lengths.iter().copied().max().unwrap_or(1).max(1) as f64;
    lengths.iter().map(|&n| ((n as f64 / longest).powf(0.6) * SIDES.0).max(SIDES.1)).collect()
}

/// A box of two or three axes.
#[derive(Debug)]
pub(super) struct Cuboid {
    x: Axis,
    /// Missing where there are two axes.
    depth: Option<Axis>,
    down: Axis,
    is_empty: bool,
}

impl Cuboid {
    /// The first two or three axes of an array.
    pub(super) fn new(shape: &[u64], block: &[u64], is_empty: bool) -> Option<Self> {
        let pixels = scaled(&shape[..shape.len().min(3)]);
        let axis = |at: usize| Axis::new(at, shape[at], block[at], pixels[at]);
        match shape.len() {
            0 | 1 => None,
            2 => Some(Self { x: axis(0), depth: None, down: axis(1), is_empty }),
            _ => Some(Self { x: axis(0), depth: Some(axis(1)), down: axis(2), is_empty }),
        }
    }

    pub(super) fn axes(&self) -> impl Iterator<Item = &Axis> {
        [Some(&self.x), self.depth.as_ref(), Some(&self.down)].into_iter().flatten()
    }

    fn shift(&self) -> f64 {
        self.depth.as_ref().map_or(0.0, |depth| depth.pixels * OBLIQUE)
    }

    /// Room to the left of the box, for the label of the depth.
    fn left(&self) -> f64 {
        let Some(depth) = &self.depth else { return 0.0 };
        (width(&depth.label, LABEL.size, false) + 6.0 - self.shift() / 2.0).max(0.0)
    }

    /// Width and height, labels included.
    pub(super) fn size(&self) -> (f64, f64) {
        let right = width(&self.down.label, LABEL.size, false) + 10.0;
        // The label below is centred and may be wider than the box.
        let below = (width(&self.x.label, LABEL.size, false) - self.x.pixels).max(0.0) / 2.0;
        let wide = self.left() + self.shift() + self.x.pixels + right.max(below);
        (wide, self.shift() + self.down.pixels + 22.0)
    }

    /// Draws it with its top left at `(left, top)`.
    pub(super) fn draw(&self, canvas: &mut Canvas, left: f64, top: f64) {
        let shift = self.shift();
        let (x0, y0) = (left + self.left() + shift, top + shift);
        let (w, h) = (self.x.pixels, self.down.pixels);
        let d = self.depth.as_ref().map_or(0.0, |depth| depth.pixels);
        let at =
            |x: f64, depth: f64, down: f64| (x0 + x - depth * OBLIQUE, y0 + down - depth * OBLIQUE);
        let faces = |x: f64, depth: f64, down: f64| {
            [
                [at(0.0, 0.0, 0.0), at(x, 0.0, 0.0), at(x, 0.0, down), at(0.0, 0.0, down)],
                [at(0.0, 0.0, 0.0), at(x, 0.0, 0.0), at(x, depth, 0.0), at(0.0, depth, 0.0)],
                [at(0.0, 0.0, 0.0), at(0.0, 0.0, down), at(0.0, depth, down), at(0.0, depth, 0.0)],
            ]
        };
        let seen = if self.depth.is_some() { 3 } else { 1 };
        let fills = if self.is_empty { ["none"; 3] } else { ARRAY };
        for (face, fill) in faces(w, d, h).iter().zip(fills).take(seen) {
            canvas.polygon(face, Paint::filled(fill));
        }
        if !self.is_empty {
            let depth = self.depth.as_ref().map_or(0.0, |depth| depth.first);
            let block = faces(self.x.first, depth, self.down.first);
            for (face, fill) in block.iter().zip(BLOCK).take(seen) {
                canvas.polygon(face, Paint::filled(fill));
            }
        }
        let thin = Paint::line(OUTLINE, 0.7);
        for &x in &self.x.lines {
            canvas.line(at(x, 0.0, 0.0), at(x, 0.0, h), thin);
            canvas.line(at(x, 0.0, 0.0), at(x, d, 0.0), thin);
        }
        for &down in &self.down.lines {
            canvas.line(at(0.0, 0.0, down), at(w, 0.0, down), thin);
            canvas.line(at(0.0, 0.0, down), at(0.0, d, down), thin);
        }
        for &depth in self.depth.iter().flat_map(|depth| &depth.lines) {
            canvas.line(at(0.0, depth, 0.0), at(w, depth, 0.0), thin);
            canvas.line(at(0.0, depth, 0.0), at(0.0, depth, h), thin);
        }
        for face in faces(w, d, h).iter().take(seen) {
            canvas.polygon(face, Paint::line(OUTLINE, 1.4));
        }
        let (x, y) = at(w / 2.0, 0.0, h);
        canvas.text(x, y + 16.0, LABEL.anchored("middle"), &self.x.label);
        let (x, y) = at(w, 0.0, h / 2.0);
        canvas.text(x + 8.0, y + 4.0, LABEL, &self.down.label);
        if let Some(depth) = &self.depth {
            let (x, y) = at(0.0, d / 2.0, h);
            canvas.text(x - 6.0, y + 8.0, LABEL.anchored("end"), &depth.label);
        }
    }
}

/// Height of a strip with its label.
pub(super) const STRIP_HEIGHT: f64 = 46.0;

/// Draws one axis as a strip of blocks, with its top left at `(left, top)`.
pub(super) fn draw_strip(canvas: &mut Canvas, axis: &Axis, left: f64, top: f64, is_empty: bool) {
    let strip = Rect { x: left, y: top, width: axis.pixels, height: 24.0 };
    if !is_empty {
        canvas.rect("strip", strip, 0.0, Paint::filled(ARRAY[0]));
        canvas.rect("block", Rect { width: axis.first, ..strip }, 0.0, Paint::filled(BLOCK[0]));
    }
    for line in &axis.lines {
        let x = left + line;
        canvas.line((x, strip.y), (x, strip.bottom()), Paint::line(OUTLINE, 0.7));
    }
    canvas.rect("outline", strip, 0.0, Paint::line(OUTLINE, 1.4));
    canvas.text(left, strip.bottom() + 15.0, LABEL, &axis.label);
}

#[cfg(test)]
mod tests {
    use super::{Axis, MOST_LINES, scaled};

    #[test]
    fn block_lines_are_where_blocks_end_and_the_last_may_be_short() {
        let axis = Axis::new(0, 5, 2, 100.0);
        assert_eq!((axis.lines, axis.step, axis.first), (vec![40.0, 80.0], 1, 40.0));
        assert!(Axis::new(0, 5, 9, 100.0).lines.is_empty());
    }

    #[test]
    fn many_block_lines_are_thinned() {
        for length in [21, 22, 1000, u64::MAX] {
            let axis = Axis::new(0, length, 1, 100.0);
            assert!(axis.lines.len() as u64 <= MOST_LINES, "{length}");
            assert!(axis.lines.iter().all(|line| (0.0..=100.0).contains(line)), "{length}");
        }
    }

    #[test]
    fn short_axes_stay_in_sight() {
        assert_eq!(scaled(&[1_000_000, 1]), [170.0, 12.0]);
        assert_eq!(scaled(&[0, 0]), [12.0, 12.0]);
    }
}
