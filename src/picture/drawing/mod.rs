//! What is on a picture, before it is SVG in a page or pixels in a file?
//!
//! A list of shapes in the order they are drawn. `svg` and `raster` make the two of it, so that a
//! picture is laid out once.

mod raster;
mod svg;

use std::sync::Arc;

use super::canvas::Rect;
use super::indexed::IndexedImage;

/// What a line or a letter is drawn in; a page chooses the colour by its own theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// As text is.
    Plain,
    /// Less than that: axes and their numbers.
    Muted,
    /// Lines behind everything.
    Faint,
    /// What matters most.
    Accent,
    /// What needs looking at.
    Warning,
}

/// What lies behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Black in every theme, as brains are shown.
    Black,
    /// The page's own.
    Page,
}

/// Which point of a text is where it is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Image { at: Rect, image: Arc<IndexedImage> },
    Line { points: Vec<(f64, f64)>, ink: Ink, width: f64 },
    Area { points: Vec<(f64, f64)>, ink: Ink },
    Text { at: (f64, f64), size: f64, ink: Ink, anchor: Anchor, text: String },
}

/// A picture in the making. Coordinates are pixels from the top left.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub(super) width: f64,
    pub(super) height: f64,
    /// For those who do not see it.
    pub(super) alt: String,
    pub(super) ground: Ground,
    pub(super) shapes: Vec<Shape>,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64, ground: Ground, alt: String) -> Self {
        Self { width, height, alt, ground, shapes: Vec::new() }
    }

    /// An image stretched over a rectangle; its pixels stay squares.
    pub(super) fn image(&mut self, at: Rect, image: Arc<IndexedImage>) {
        self.shapes.push(Shape::Image { at, image });
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: Vec<(f64, f64)>, ink: Ink, width: f64) {
        self.shapes.push(Shape::Line { points, ink, width });
    }

    /// The pale inside of a polygon.
    pub(super) fn area(&mut self, points: Vec<(f64, f64)>, ink: Ink) {
        self.shapes.push(Shape::Area { points, ink });
    }

    /// `at` is on the base line.
    pub(super) fn text(
        &mut self,
        at: (f64, f64),
        size: f64,
        ink: Ink,
        anchor: Anchor,
        text: impl Into<String>,
    ) {
        self.shapes.push(Shape::Text { at, size, ink, anchor, text: text.into() });
    }
}
