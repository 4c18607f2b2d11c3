//! How much of the budget goes to what?
//!
//! A bar and its legend. Adds nothing up: the plan has.

use super::canvas::{Canvas, Font, Paint, Rect};
use super::colours::{EDGE, FIXED, HELD, INK, MUTED, RESULTS, WARNING, WHITE, WORKERS};
use super::explanation::Summary;
use super::label::{bytes, width};

const TEXT: Font = Font::new(11.5, MUTED);
const BAR_HEIGHT: f64 = 14.0;
const LEGEND_HEIGHT: f64 = 26.0;

/// Height of the bar and its legend, where the legend has `rows`.
fn height(rows: usize) -> f64 {
    BAR_HEIGHT + LEGEND_HEIGHT * rows as f64
}

/// Draws the peak against the budget from `y` down and gives the height it took.
pub(super) fn draw(canvas: &mut Canvas, summary: &Summary, x: f64, y: f64, room: f64) -> f64 {
    let parts = [
        ("fixed", summary.fixed_bytes, FIXED),
        ("results", summary.result_bytes, RESULTS),
        ("held between passes", summary.held_bytes, HELD),
        ("workers and sums", summary.working_bytes(), WORKERS),
    ];
    let whole = summary.budget_bytes.max(summary.peak_bytes).max(1) as f64;
    let bar = Rect { x, y, width: room, height: BAR_HEIGHT };
    canvas.rect("budget", bar, 3.0, Paint::new(WHITE, EDGE));
    let mut left = bar.x;
    for (_, part, colour) in parts.iter().filter(|(_, part, _)| *part > 0) {
        // The smallest part is still seen; the largest gives way.
        let wanted = (*part as f64 / whole * bar.width).max(2.0);
        let width = wanted.min(bar.right() - left);
        canvas.rect("part", Rect { x: left, width, ..bar }, 0.0, Paint::filled(colour));
        left += width;
    }
    if summary.peak_bytes > summary.budget_bytes {
        let at = bar.x + summary.budget_bytes as f64 / whole * bar.width;
        canvas.line((at, y - 3.0), (at, bar.bottom() + 3.0), Paint::line(WARNING, 2.0));
    }

    let free = summary.budget_bytes.saturating_sub(summary.peak_bytes);
    let legend = parts.into_iter().chain([("free", free, WHITE)]).filter(|part| part.1 > 0);
    let (mut x, mut rows) = (bar.x, 1);
    for (name, part, colour) in legend {
        let label = format!("{name} {}", bytes(part));
        let needed = 16.0 + width(&label, TEXT.size, false);
        if x > bar.x && x + needed > bar.right() {
            (x, rows) = (bar.x, rows + 1);
        }
        let base = y + height(rows) - 6.0;
        let swatch = Rect { x: x + 0.5, y: base - 9.0, width: 10.0, height: 10.0 };
        canvas.rect("swatch", swatch, 2.0, Paint::new(colour, EDGE));
        canvas.text(x + 16.0, base, Font { fill: INK, ..TEXT }, &label);
        x += needed + 18.0;
    }
    height(rows)
}
