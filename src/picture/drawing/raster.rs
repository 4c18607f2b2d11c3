//! How is a drawing a PNG that stands alone?
//!
//! Two pixels for each of the drawing, letters of fixed width, lines without soft edges: the same bytes on
//! every machine.

use std::convert::Infallible;

use embedded_graphics::Drawable as _;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_7X13, FONT_9X18, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle, MonoTextStyleBuilder};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use embedded_graphics::primitives::{Line, Primitive as _, PrimitiveStyle};
use embedded_graphics::text::{Alignment, Text};

use super::super::canvas::Rect;
use super::super::indexed::{IndexedImage, rgb_png};
use super::{Anchor, Drawing, Ground, Ink, Shape};

/// Pixels of the file for one of the drawing.
const SCALE: f64 = 2.0;

/// Share of an area's ink in its colour.
const AREA_SHARE: f64 = 0.35;

impl Drawing {
    /// A PNG in red, green and blue, on black or on white.
    pub(crate) fn png(&self) -> Vec<u8> {
        let mut raster = Raster::new(self.width, self.height, self.ground);
        for shape in &self.shapes {
            raster.draw(shape);
        }
        rgb_png(raster.width, raster.height, &raster.pixels)
    }
}

struct Raster {
    width: usize,
    height: usize,
    ground: Ground,
    pixels: Vec<u8>,
}

impl Raster {
    fn new(width: f64, height: f64, ground: Ground) -> Self {
        let [width, height] = [width, height].map(|n| (n * SCALE).ceil().max(1.0) as usize);
        let behind = if ground == Ground::Black { 0 } else { 255 };
        Self { width, height, ground, pixels: vec![behind; width * height * 3] }
    }

    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Image { at, image } => self.image(*at, image),
            Shape::Line { points, ink, width } => {
                let stroke = ((width * SCALE).round() as u32).max(1);
                let style = PrimitiveStyle::with_stroke(self.colour(*ink), stroke);
                for pair in points.windows(2) {
                    let line = Line::new(point(pair[0]), point(pair[1]));
                    let Ok(()) = line.into_styled(style).draw(self);
                }
            }
            Shape::Area { points, ink } => self.area(points, *ink),
            Shape::Text { at, size, ink, anchor, text } => {
                let style = self.letters(*size, *ink);
                let align = match anchor {
                    Anchor::Start => Alignment::Left,
                    Anchor::Middle => Alignment::Center,
                    Anchor::End => Alignment::Right,
                };
                let text = plain(text);
                let Ok(_) = Text::with_alignment(&text, point(*at), style, align).draw(self);
            }
        }
    }

    fn image(&mut self, at: Rect, image: &IndexedImage) {
        let palette = image.map.palette();
        let edge = |value: f64| (value * SCALE).round() as usize;
        let (left, top) = (edge(at.x), edge(at.y));
        let (right, bottom) =
            (edge(at.right()).min(self.width), edge(at.bottom()).min(self.height));
        for y in top..bottom {
            let row = (y - top) * image.height / (edge(at.bottom()) - top);
            for x in left..right {
                let column = (x - left) * image.width / (edge(at.right()) - left);
                let colour = palette[usize::from(image.pixels[row * image.width + column])];
                self.put(x, y, colour);
            }
        }
    }

    /// Fills a polygon row by row: within where an odd number of its edges lies to the left.
    fn area(&mut self, points: &[(f64, f64)], ink: Ink) {
        let colour = self.colour(ink);
        let share = |over: u8, under: u8| {
            (f64::from(over) * AREA_SHARE + f64::from(under) * (1.0 - AREA_SHARE)).round() as u8
        };
        for y in 0..self.height {
            let middle = (y as f64 + 0.5) / SCALE;
            let mut crossings: Vec<f64> = (0..points.len())
                .filter_map(|k| {
                    let (a, b) = (points[k], points[(k + 1) % points.len()]);
                    let crosses = (a.1 <= middle) != (b.1 <= middle);
                    crosses.then(|| a.0 + (middle - a.1) / (b.1 - a.1) * (b.0 - a.0))
                })
                .collect();
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                let [from, to] = [pair[0], pair[1]].map(|x| (x * SCALE).round().max(0.0) as usize);
                for x in from..to.min(self.width) {
                    let at = (y * self.width + x) * 3;
                    let under = [0, 1, 2].map(|k| self.pixels[at + k]);
                    let over = [colour.r(), colour.g(), colour.b()];
                    self.put(x, y, std::array::from_fn(|k| share(over[k], under[k])));
                }
            }
        }
    }

    fn letters(&self, size: f64, ink: Ink) -> MonoTextStyle<'static, Rgb888> {
        let font: &MonoFont<'static> = match size * SCALE {
            size if size <= 17.0 => &FONT_7X13,
            size if size <= 22.0 => &FONT_9X18,
            _ => &FONT_10X20,
        };
        let style = MonoTextStyleBuilder::new().font(font).text_color(self.colour(ink));
        // Over a brain, letters stand on the ground they would have beside it.
        if self.ground == Ground::Black {
            style.background_color(Rgb888::BLACK).build()
        } else {
            style.build()
        }
    }

    fn put(&mut self, x: usize, y: usize, colour: [u8; 3]) {
        let at = (y * self.width + x) * 3;
        self.pixels[at..at + 3].copy_from_slice(&colour);
    }

    fn colour(&self, ink: Ink) -> Rgb888 {
        match (self.ground, ink) {
            (Ground::Black, Ink::Plain) => Rgb888::new(240, 240, 240),
            (Ground::Black, Ink::Muted) => Rgb888::new(170, 170, 170),
            (Ground::Black, Ink::Faint) => Rgb888::new(70, 70, 70),
            (Ground::Black, Ink::Accent) => Rgb888::new(110, 190, 255),
            (Ground::Page, Ink::Plain) => Rgb888::new(30, 41, 59),
            (Ground::Page, Ink::Muted) => Rgb888::new(86, 101, 122),
            (Ground::Page, Ink::Faint) => Rgb888::new(203, 213, 225),
            (Ground::Page, Ink::Accent) => Rgb888::new(0, 114, 178),
            (_, Ink::Warning) => Rgb888::new(213, 94, 0),
        }
    }
}

impl OriginDimensions for Raster {
    fn size(&self) -> Size {
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Raster {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, colour) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
                && x < self.width
                && y < self.height
            {
                self.put(x, y, [colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

fn point(at: (f64, f64)) -> Point {
    Point::new((at.0 * SCALE).round() as i32, (at.1 * SCALE).round() as i32)
}

/// Text in letters that the fonts have.
fn plain(text: &str) -> String {
    text.replace('\u{2212}', "-").replace('\u{2026}', "...").replace(['\u{2013}', '\u{2014}'], "-")
}
