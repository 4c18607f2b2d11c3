//! How does a plan look?
//!
//! What it costs on top, then the expression from left to right with a band for each pass, then what
//! the planner changed. The picture is made from the inside out: cards, columns, bands, page. What is
//! drawn is decided in `folded`, in which order in `layers`.

use super::canvas::{Canvas, Font, Paint, Rect, num};
use super::cards::Card;
use super::colours::{EDGE, INK, LINE, MUTED, PANEL, WARNING};
use super::explanation::{Explanation, NodeKind};
use super::folded::{Band, Folded, shown};
use super::label::{bytes, counted, fit, unbroken, width, wrap};
use super::layers::{Layers, Stage};
use super::text::{reads_text, workers_text};
use super::{heights, memory_bar};

const MARGIN: f64 = 24.0;
/// Between two columns, where lines turn.
const COLUMN_GAP: f64 = 46.0;
/// Between a band's edge and its columns.
const BAND_PADDING: f64 = 16.0;
const BAND_GAP: f64 = 26.0;
const SLOT_GAP: f64 = 16.0;
const BEND_HEIGHT: f64 = 8.0;
const LEAST_BAND: f64 = 210.0;
const LEAST_PAGE: f64 = 640.0;
const LINE_HEIGHT: f64 = 16.0;

const PAGE_TITLE: Font = Font::new(17.0, INK).bold();
const BAND_TITLE: Font = Font::new(13.0, INK).bold();
const NOTE: Font = Font::new(11.5, MUTED);

pub(super) fn svg(explanation: &Explanation) -> String {
    let folded = Folded::new(explanation);
    let layers = Layers::new(&folded);
    let cards: Vec<Card> = folded.items.iter().map(Card::new).collect();
    let columns = Columns::new(&layers, &cards);
    let notes: Vec<Notes> = folded
        .bands
        .iter()
        .zip(&columns.stages[1..])
        .map(|(band, stage)| Notes::new(band, stage.width - 2.0 * BAND_PADDING))
        .collect();

    let mut canvas = Canvas::default();
    let page = (columns.right + MARGIN).max(LEAST_PAGE);
    let head = draw_head(&mut canvas, explanation, page - 2.0 * MARGIN);

    let tallest = |lines: fn(&Notes) -> usize| notes.iter().map(lines).max().unwrap_or(0) as f64;
    let top = MARGIN + head;
    let slots_top = top + 46.0 + LINE_HEIGHT * tallest(|n| n.head.len());
    let heights: Vec<f64> = layers
        .slots
        .iter()
        .map(|slot| if slot.is_bend { BEND_HEIGHT } else { cards[slot.item].height() })
        .collect();
    let middles = heights::middles(&layers, &heights, SLOT_GAP);
    let middles: Vec<f64> = middles.iter().map(|middle| middle + slots_top).collect();
    let slots_bottom =
        middles.iter().zip(&heights).map(|(m, h)| m + h / 2.0).fold(slots_top, f64::max);
    let foot = slots_bottom + 12.0;
    let bottom = foot + 10.0 + LINE_HEIGHT * tallest(|n| n.foot.len());

    draw_bands(&mut canvas, &folded, &notes, &columns, (top, foot, bottom));
    draw_lines(&mut canvas, &layers, &columns, &middles);
    for (at, card) in cards.iter().enumerate() {
        let column = columns.spans[layers.slots[at].column];
        let (x, width) = (column.left, column.width);
        let rect = Rect { x, y: middles[at] - heights[at] / 2.0, width, height: heights[at] };
        card.draw(&mut canvas, rect);
    }
    let mut y = bottom;
    for (at, rewrite) in explanation.summary.rewrites.iter().enumerate() {
        y += if at == 0 { 26.0 } else { LINE_HEIGHT + 2.0 };
        let text = fit(&format!("\u{2022} {rewrite}"), page - 2.0 * MARGIN, NOTE.size, false);
        canvas.text(MARGIN, y, NOTE, &text);
    }
    canvas.finish(page, y + MARGIN, &title(explanation))
}

fn title(explanation: &Explanation) -> String {
    let sources = explanation.nodes.iter().filter(|node| node.kind == NodeKind::Source).count();
    format!(
        "{} over {}",
        counted(explanation.passes.len(), "pass", "passes"),
        counted(sources, "source", "sources"),
    )
}

/// Draws what the plan costs and gives the height it took.
fn draw_head(canvas: &mut Canvas, explanation: &Explanation, room: f64) -> f64 {
    let summary = &explanation.summary;
    canvas.text(MARGIN, MARGIN + 14.0, PAGE_TITLE, &title(explanation));
    let cost = format!(
        "peak {} of {}  \u{b7}  reads {}  \u{b7}  {}",
        bytes(summary.peak_bytes),
        bytes(summary.budget_bytes),
        bytes(summary.read_bytes),
        counted(summary.threads, "thread", "threads"),
    );
    let font = Font::new(12.5, INK).anchored("end");
    canvas.text(MARGIN + room, MARGIN + 14.0, font, &cost);
    30.0 + memory_bar::draw(canvas, summary, MARGIN, MARGIN + 30.0, room) + 14.0
}

/// Where columns and stages are from left to right.
struct Columns {
    spans: Vec<Span>,
    stages: Vec<Span>,
    right: f64,
}

#[derive(Clone, Copy)]
struct Span {
    left: f64,
    width: f64,
}

impl Columns {
    fn new(layers: &Layers, cards: &[Card]) -> Self {
        let widths: Vec<f64> = layers
            .columns
            .iter()
            .map(|column| {
                let standing = column.iter().map(|&slot| &layers.slots[slot]);
                let cards = standing.filter(|slot| !slot.is_bend).map(|slot| &cards[slot.item]);
                cards.map(Card::width).fold(0.0, f64::max)
            })
            .collect();
        let mut columns = Vec::with_capacity(widths.len());
        let mut stages = Vec::with_capacity(layers.stages.len());
        let (mut x, last) = (MARGIN, layers.stages.len() - 1);
        for (number, &Stage { first_column, columns: count }) in layers.stages.iter().enumerate() {
            let is_band = number > 0 && number < last;
            let own = &widths[first_column..first_column + count];
            let inner = own.iter().sum::<f64>() + COLUMN_GAP * count.saturating_sub(1) as f64;
            let width = if is_band { (inner + 2.0 * BAND_PADDING).max(LEAST_BAND) } else { inner };
            stages.push(Span { left: x, width });
            let mut left = x + (width - inner) / 2.0;
            for &width in own {
                columns.push(Span { left, width });
                left += width + COLUMN_GAP;
            }
            if width > 0.0 {
                x += width + BAND_GAP;
            }
        }
        Self { spans: columns, stages, right: (x - BAND_GAP).max(MARGIN) }
    }
}

/// What a band says above and below its cards.
struct Notes {
    head: Vec<String>,
    /// With whether it is a warning.
    foot: Vec<(String, bool)>,
}

impl Notes {
    fn new(band: &Band, room: f64) -> Self {
        let Some(pass) = band.passes.first() else { return Self { head: vec![], foot: vec![] } };
        let wrapped = |text: &str| wrap(text, room, NOTE.size);
        let mut head = wrapped(&pass.strategy);
        head.extend(wrapped(&workers_text(pass, '\u{d7}', unbroken)));
        let [reads, peak] = [("reads", band.read_bytes()), ("peak", band.peak_bytes())]
            .map(|(name, n)| unbroken(&format!("{name} {}", bytes(n))));
        let cost = format!("{reads}, {peak}");
        head.extend(wrapped(&cost));

        let mut foot = Vec::new();
        let (states, rest) = shown(&pass.states);
        for state in states {
            let cell = unbroken(&format!("{} B a cell", state.bytes_per_cell));
            let text = format!("{}, {cell}, for {}", state.text, state.shared_by.join(", "));
            foot.extend(wrapped(&text).into_iter().map(|line| (line, false)));
        }
        if !rest.is_empty() {
            foot.push((format!("\u{2026} {} more kinds of sums", rest.len()), false));
        }
        let again: Vec<_> = pass.sources.iter().filter(|source| source.reads > 1).collect();
        let most = again.iter().map(|source| source.reads).max().unwrap_or(0);
        let what = match again.as_slice() {
            [] => None,
            [source] => Some(source.name.clone()),
            several => Some(format!("{} sources", several.len())),
        };
        let warning = what.map(|what| format!("reads {what} {}", reads_text(most)));
        let lines = warning.iter().flat_map(|text| wrapped(text)).map(|line| (line, true));
        foot.extend(lines);
        Self { head, foot }
    }
}

fn draw_bands(
    canvas: &mut Canvas,
    folded: &Folded,
    notes: &[Notes],
    columns: &Columns,
    (top, foot, bottom): (f64, f64, f64),
) {
    for ((band, notes), span) in folded.bands.iter().zip(notes).zip(&columns.stages[1..]) {
        let rect = Rect { x: span.left, y: top, width: span.width, height: bottom - top };
        canvas.rect("band", rect, 8.0, Paint::new(PANEL, EDGE));
        let (x, mut y) = (span.left + BAND_PADDING, top + 22.0);
        canvas.text(x, y, BAND_TITLE, &band.title());
        for line in &notes.head {
            y += LINE_HEIGHT;
            canvas.text(x, y, NOTE, line);
        }
        let mut y = foot;
        for (line, is_warning) in &notes.foot {
            y += LINE_HEIGHT;
            let fill = if *is_warning { WARNING } else { NOTE.fill };
            canvas.text(x, y, Font { fill, ..NOTE }, line);
        }
    }
    let outer = [(columns.stages.first(), "sources"), (columns.stages.last(), "results")];
    for (stage, name) in outer {
        if let Some(span) = stage.filter(|span| span.width >= width(name, BAND_TITLE.size, true)) {
            canvas.text(span.left, top + 22.0, Font { fill: MUTED, ..BAND_TITLE }, name);
        }
    }
}

fn draw_lines(canvas: &mut Canvas, layers: &Layers, columns: &Columns, middles: &[f64]) {
    let paint = Paint::line(LINE, 1.4);
    for (at, slot) in layers.slots.iter().enumerate() {
        let column = columns.spans[slot.column];
        if slot.is_bend {
            let ends = [column.left, column.left + column.width].map(|x| (x, middles[at]));
            canvas.line(ends[0], ends[1], paint);
        }
        let mut inputs = slot.inputs.clone();
        inputs.sort_by(|&a, &b| middles[a].total_cmp(&middles[b]));
        let apart = (40.0 / inputs.len().max(1) as f64).min(14.0);
        for (number, &input) in inputs.iter().enumerate() {
            let from = columns.spans[layers.slots[input].column];
            let start = (from.left + from.width, middles[input]);
            let off = number as f64 - (inputs.len() - 1) as f64 / 2.0;
            let end = (column.left, middles[at] + off * apart);
            let head = if slot.is_bend { 0.0 } else { 6.0 };
            let turn = f64::midpoint(start.0, end.0 - head);
            let d = format!(
                "M{} {}C{} {} {} {} {} {}",
                num(start.0),
                num(start.1),
                num(turn),
                num(start.1),
                num(turn),
                num(end.1),
                num(end.0 - head),
                num(end.1),
            );
            canvas.path(&d, paint);
            if !slot.is_bend {
                let points = [(-7.0, -3.5), (0.0, 0.0), (-7.0, 3.5)];
                let points = points.map(|(x, y)| (end.0 + x, end.1 + y));
                canvas.polygon(&points, Paint::filled(LINE));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::picture::label::bytes;
    use crate::picture::testing::{self, Picture};

    #[test]
    fn everything_is_on_the_page() {
        for (name, explanation) in testing::all() {
            let picture = Picture::read(&explanation.svg());
            for (what, area) in picture.areas.iter().chain(&picture.texts) {
                assert!(picture.page.contains(*area), "{name}: {what} {area:?}");
            }
        }
    }

    #[test]
    fn no_two_cards_overlap_and_no_two_texts() {
        for (name, explanation) in testing::all() {
            let picture = Picture::read(&explanation.svg());
            let cards = picture.of_class("card");
            for (at, one) in cards.iter().enumerate() {
                assert!(cards[at + 1..].iter().all(|other| !one.overlaps(*other)), "{name}");
            }
            for (at, (text, one)) in picture.texts.iter().enumerate() {
                for (other_text, other) in &picture.texts[at + 1..] {
                    assert!(!one.overlaps(*other), "{name}: {text} over {other_text}");
                }
            }
        }
    }

    #[test]
    fn a_text_that_starts_in_a_card_or_a_band_ends_in_it() {
        for (name, explanation) in testing::all() {
            let picture = Picture::read(&explanation.svg());
            for class in ["card", "band"] {
                for place in picture.of_class(class) {
                    for (text, area) in &picture.texts {
                        let inside = place.contains(*area) || !place.overlaps(*area);
                        assert!(inside, "{name}: {text} leaves its {class}");
                    }
                }
            }
        }
    }

    #[test]
    fn cards_have_shapes_types_and_bytes_and_full_names_when_pointed_at() {
        for explanation in [testing::tsnr(5), testing::z_score(5)] {
            let picture = Picture::read(&explanation.svg());
            let has = |wanted: &str| picture.texts.iter().any(|(text, _)| text == wanted);
            for node in &explanation.nodes {
                assert!(has(&crate::grid::shape_text(&node.shape)), "{}", node.label);
                assert!(has(&format!("{} \u{b7} {}", node.dtype, bytes(node.bytes))), "{node:?}");
                let title = picture.titles.iter().find(|title| title.starts_with(&node.label));
                assert!(title.is_some(), "{}", node.label);
            }
        }
    }

    #[test]
    fn runs_are_told_apart_by_what_differs_in_their_names() {
        let picture = Picture::read(&testing::tsnr(5).svg());
        let mut names: Vec<&String> =
            picture.texts.iter().map(|(t, _)| t).filter(|t| t.contains("task-")).collect();
        assert_eq!(names.len(), 5);
        names.dedup();
        assert_eq!(names.len(), 5, "{names:?}");
    }

    #[test]
    fn five_hundred_runs_take_the_room_of_seven() {
        let height = |runs| Picture::read(&testing::tsnr(runs).svg()).page.y.1;
        assert_eq!(height(500), height(7));
    }

    #[test]
    fn parts_of_the_memory_bar_lie_in_the_budget_side_by_side() {
        for (name, explanation) in testing::all() {
            let picture = Picture::read(&explanation.svg());
            let bar = picture.of_class("budget")[0];
            let parts = picture.of_class("part");
            assert!(parts.iter().all(|part| bar.contains(*part)), "{name}");
            assert!(parts.windows(2).all(|pair| pair[0].x.1 <= pair[1].x.0 + 0.2), "{name}");
        }
    }

    #[test]
    fn sums_of_any_size_are_drawn() {
        let mut explanation = testing::tsnr(500);
        for node in &mut explanation.nodes {
            (node.bytes, node.stored_bytes) = (u64::MAX, Some(u64::MAX));
            node.shape.fill(u64::MAX);
        }
        explanation.summary.peak_bytes = u64::MAX;
        explanation.summary.fixed_bytes = u64::MAX;
        explanation.passes[0].read_bytes = u64::MAX;
        let picture = Picture::read(&explanation.svg());
        assert!(picture.areas.iter().all(|(_, area)| picture.page.contains(*area)));
        assert!(!explanation.text().is_empty());
    }
}
