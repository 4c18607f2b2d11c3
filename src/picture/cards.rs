//! How does one item of an expression look?
//!
//! A card: what it does, its shape, its type and bytes, a glyph of its blocks, and all of it in full
//! when pointed at. Many that are not shown one by one are a pile of cards.

use super::canvas::{Canvas, Font, Paint, Rect};
use super::colours::{EDGE, INK, MUTED, WHITE, of_kind};
use super::explanation::NodeKind;
use super::folded::Item;
use super::label::{bytes, fit, fit_one, width};
use crate::grid::BlockGrid;

const TITLE: Font = Font::new(12.5, INK).bold();
const SHAPE: Font = Font::new(11.5, INK);
const MORE: Font = Font::new(11.0, MUTED);

const LEFT: f64 = 14.0;
const RIGHT: f64 = 10.0;
const LINE_HEIGHT: f64 = 16.0;
const LEAST_WIDTH: f64 = 112.0;
const MOST_WIDTH: f64 = 250.0;
const GLYPH: (f64, f64) = (32.0, 24.0);
/// How far the cards below the top one of a pile stick out, and how many they are.
const PILE: (f64, usize) = (4.0, 2);
/// More lines in a glyph run together.
const MOST_CELLS: u64 = 5;

#[derive(Debug)]
pub(super) struct Card {
    title: String,
    /// For where the title has no room.
    short_title: String,
    shape: String,
    more: Vec<String>,
    hover: String,
    kind: NodeKind,
    /// Cells of the glyph, across and down.
    cells: Option<(u64, u64)>,
    is_pile: bool,
}

impl Card {
    pub(super) fn new(item: &Item) -> Self {
        let dtype = item.dtype();
        let size = bytes(item.bytes());
        let stored = item.stored_bytes().map(|n| format!("{} stored", bytes(n)));
        let detail = Some(item.detail().to_owned()).filter(|text| !text.is_empty());
        let last: Vec<String> = detail.into_iter().chain(stored).collect();
        let typed = if dtype.is_empty() { size } else { format!("{dtype} \u{b7} {size}") };
        let mut more = vec![typed];
        if !last.is_empty() {
            more.push(last.join(", "));
        }
        let shape = item.shape();
        let block = item.nodes[0].block.as_ref().filter(|_| !item.is_rest());
        let block = block.filter(|block| block.len() == item.nodes[0].shape.len());
        let blocks = block
            .map(|block| format!(" in blocks of {}", crate::grid::shape_text(block)))
            .unwrap_or_default();
        let hover = format!("{}\n{shape}{blocks}\n{}", item.title(), more.join("\n"));
        let cells = block.map(|block| {
            let mut counts = BlockGrid::new(&item.nodes[0].shape, block).counts();
            let across = counts.pop().unwrap_or(1);
            let down = counts.iter().fold(1, |product: u64, &n| product.saturating_mul(n));
            (across.clamp(1, MOST_CELLS + 1), down.clamp(1, MOST_CELLS))
        });
        let (title, short_title) = (item.title(), item.short_title());
        let (kind, is_pile) = (item.kind(), item.is_rest());
        Self { title, short_title, shape, more, hover, kind, cells, is_pile }
    }

    /// Width that shows all of it, within limits.
    pub(super) fn width(&self) -> f64 {
        let glyph = if self.cells.is_some() { GLYPH.0 + 8.0 } else { 0.0 };
        let title = width(&self.title, TITLE.size, true);
        let short = width(&self.short_title, TITLE.size, true);
        let mut widest = if title + LEFT + RIGHT > MOST_WIDTH { short } else { title };
        widest = widest.max(width(&self.shape, SHAPE.size, false) + glyph);
        for (at, line) in self.more.iter().enumerate() {
            let beside = if at == 0 { glyph } else { 0.0 };
            widest = widest.max(width(line, MORE.size, false) + beside);
        }
        let pile = if self.is_pile { PILE.0 * PILE.1 as f64 } else { 0.0 };
        (widest + 1.0 + LEFT + RIGHT + pile).clamp(LEAST_WIDTH, MOST_WIDTH)
    }

    pub(super) fn height(&self) -> f64 {
        let pile = if self.is_pile { PILE.0 * PILE.1 as f64 } else { 0.0 };
        14.0 + LINE_HEIGHT * (2 + self.more.len()) as f64 + pile
    }

    /// Draws it into `place`, which has its height and at least its width.
    pub(super) fn draw(&self, canvas: &mut Canvas, place: Rect) {
        let (fill, stroke) = of_kind(self.kind);
        canvas.open(&self.hover);
        let mut face = place;
        if self.is_pile {
            let inset = PILE.0 * PILE.1 as f64;
            (face.width, face.height) = (place.width - inset, place.height - inset);
            for below in (1..=PILE.1).rev() {
                let off = PILE.0 * below as f64;
                let rect = Rect { x: face.x + off, y: face.y + off, ..face };
                canvas.rect("pile", rect, 6.0, Paint::new(WHITE, EDGE));
            }
        }
        canvas.rect("card", face, 6.0, Paint::new(WHITE, stroke));
        let strip =
            Rect { x: face.x + 4.0, y: face.y + 7.0, width: 4.0, height: face.height - 14.0 };
        canvas.rect("kind", strip, 2.0, Paint::filled(stroke));

        let x = face.x + LEFT;
        let room = face.width - LEFT - RIGHT;
        let beside = if self.cells.is_some() { GLYPH.0 + 6.0 } else { 0.0 };
        let mut y = face.y + 19.5;
        let titles = [self.title.as_str(), self.short_title.as_str()];
        let title = fit_one(&titles, room, TITLE.size, true);
        canvas.text(x, y, TITLE, &title);
        y += LINE_HEIGHT;
        canvas.text(x, y, SHAPE, &fit(&self.shape, room - beside, SHAPE.size, false));
        for (at, line) in self.more.iter().enumerate() {
            y += LINE_HEIGHT;
            let room = if at == 0 { room - beside } else { room };
            canvas.text(x, y, MORE, &fit(line, room, MORE.size, false));
        }
        if let Some(cells) = self.cells {
            let place = Rect {
                x: face.right() - RIGHT - GLYPH.0,
                y: face.y + 28.0,
                width: GLYPH.0,
                height: GLYPH.1,
            };
            draw_glyph(canvas, place, cells, Paint::new(fill, stroke));
        }
        canvas.close();
    }
}

/// Blocks along the last axis across, those along all others down; the first one is filled.
fn draw_glyph(canvas: &mut Canvas, place: Rect, (across, down): (u64, u64), paint: Paint) {
    let (dx, dy) = (place.width / across as f64, place.height / down as f64);
    canvas.rect("glyph", place, 1.0, Paint { stroke_width: 1.2, ..paint });
    let first = Rect { width: dx, height: dy, ..place };
    canvas.rect("block", first, 1.0, Paint::filled(paint.stroke));
    let thin = Paint::line(paint.stroke, 0.8);
    for i in 1..across {
        let x = place.x + dx * i as f64;
        canvas.line((x, place.y), (x, place.bottom()), thin);
    }
    for i in 1..down {
        let y = place.y + dy * i as f64;
        canvas.line((place.x, y), (place.right(), y), thin);
    }
}
