//! Which of many runs stand out?

use super::colour_maps::{number, ticks};
use super::drawing::{Anchor, Drawing, Ground, Ink};
use super::label::fit;
use super::ridges::axis_end;

/// A run's figure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dot {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) stands_out: bool,
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 940.0;
const HEIGHT: f64 = 380.0;
const BOTTOM: f64 = 340.0;

/// Labels drawn, at most: more would lie on each other.
const MOST_LABELS: usize = 24;

/// A dot a run, smallest first; those that stand out have their names. `median` and `bounds` are lines.
pub(crate) fn dots(dots: &[Dot], median: f64, bounds: (f64, f64), unit: &str) -> Drawing {
    let out = dots.iter().filter(|dot| dot.stands_out).count();
    let alt = format!("{unit} of {} runs, smallest first; {out} stand out", dots.len());
    let mut drawing = Drawing::new(WIDTH, HEIGHT, Ground::Page, alt);
    let high = axis_end(dots.iter().map(|dot| dot.value).filter(|v| v.is_finite()));
    let y = |value: f64| BOTTOM - (BOTTOM - 16.0) * (value / high).clamp(0.0, 1.0);
    for value in ticks(0.0, high, 6) {
        drawing.line(vec![(LEFT, y(value)), (RIGHT, y(value))], Ink::Faint, 1.0);
        let at = (LEFT - 8.0, y(value) + 4.0);
        drawing.text(at, 11.0, Ink::Muted, Anchor::End, number(value, high));
    }
    for value in [bounds.0, median, bounds.1].into_iter().filter(|v| v.is_finite() && *v > 0.0) {
        let (ink, width) = if value == median { (Ink::Plain, 1.5) } else { (Ink::Warning, 1.0) };
        drawing.line(vec![(LEFT, y(value)), (RIGHT, y(value))], ink, width);
    }
    let step = (RIGHT - LEFT) / dots.len().max(1) as f64;
    let radius = (step * 0.35).clamp(1.5, 5.0);
    let mut labels = 0;
    for (at, dot) in dots.iter().enumerate().filter(|(_, dot)| dot.value.is_finite()) {
        let (x, y) = (LEFT + step * (at as f64 + 0.5), y(dot.value));
        let ink = if dot.stands_out { Ink::Warning } else { Ink::Accent };
        // A diamond is a dot of straight lines.
        let corners = [(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)];
        drawing.area(corners.to_vec(), ink);
        drawing.line([&corners[..], &corners[..1]].concat(), ink, 1.5);
        if dot.stands_out && labels < MOST_LABELS {
            // The smallest are at the left, the largest at the right.
            let (anchor, x) =
                if x < WIDTH / 2.0 { (Anchor::Start, x + 9.0) } else { (Anchor::End, x - 9.0) };
            let name = fit(&dot.name, 420.0, 11.0, false);
            drawing.text((x, y + 4.0), 11.0, Ink::Warning, anchor, name);
            labels += 1;
        }
    }
    drawing.text((RIGHT, HEIGHT - 8.0), 11.0, Ink::Muted, Anchor::End, "runs, smallest first");
    drawing.text((LEFT, 12.0), 11.0, Ink::Muted, Anchor::Start, unit);
    drawing
}
