//! How does a shape become SVG?
//!
//! Presentation attributes only: a `<style>` would leak into a page that has the picture inline.
//! The ground is the picture's own, so that it reads the same on a light page and on a dark one.

use std::fmt::Write as _;

use super::colours::GROUND;

const FONTS: &str = "ui-sans-serif, system-ui, Helvetica, Arial, sans-serif";

/// An SVG document in the making. Coordinates are pixels from the top left.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rect {
    pub(super) fn right(self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(self) -> f64 {
        self.y + self.height
    }
}

/// What an area is filled with and outlined in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) fill: &'static str,
    pub(super) stroke: &'static str,
    pub(super) stroke_width: f64,
}

impl Paint {
    pub(super) fn new(fill: &'static str, stroke: &'static str) -> Self {
        Self { fill, stroke, stroke_width: 1.0 }
    }

    pub(super) fn filled(fill: &'static str) -> Self {
        Self { fill, stroke: "none", stroke_width: 0.0 }
    }

    pub(super) fn line(stroke: &'static str, stroke_width: f64) -> Self {
        Self { fill: "none", stroke, stroke_width }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Font {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) fill: &'static str,
    /// `start`, `middle` or `end`.
    pub(super) anchor: &'static str,
}

impl Font {
    pub(super) const fn new(size: f64, fill: &'static str) -> Self {
        Self { size, bold: false, fill, anchor: "start" }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn anchored(self, anchor: &'static str) -> Self {
        Self { anchor, ..self }
    }
}

impl Canvas {
    /// `class` tells what the rectangle is; nothing is styled by it.
    pub(super) fn rect(&mut self, class: &str, rect: Rect, radius: f64, paint: Paint) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}" rx="{}"{}/>"#,
            num(rect.x),
            num(rect.y),
            num(rect.width),
            num(rect.height),
            num(radius),
            painted(paint),
        );
    }

    pub(super) fn path(&mut self, d: &str, paint: Paint) {
        let _ = writeln!(self.body, r#"<path d="{d}"{}/>"#, painted(paint));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), paint: Paint) {
        self.path(&polyline(&[from, to]), paint);
    }

    pub(super) fn polygon(&mut self, points: &[(f64, f64)], paint: Paint) {
        self.path(&format!("{}Z", polyline(points)), paint);
    }

    /// `y` is the base line.
    pub(super) fn text(&mut self, x: f64, y: f64, font: Font, text: &str) {
        let weight = if font.bold { r#" font-weight="600""# } else { "" };
        let anchor = match font.anchor {
            "start" => String::new(),
            anchor => format!(r#" text-anchor="{anchor}""#),
        };
        let _ = writeln!(
            self.body,
            r#"<text x="{}" y="{}" font-size="{}" fill="{}"{weight}{anchor}>{}</text>"#,
            num(x),
            num(y),
            num(font.size),
            font.fill,
            escaped(text),
        );
    }

    /// Opens a group that shows `title` when pointed at.
    pub(super) fn open(&mut self, title: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escaped(title));
    }

    pub(super) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// The document, on its own ground.
    pub(super) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let (width, height) = (num(width.ceil()), num(height.ceil()));
        let title = escaped(title);
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" font-family="{FONTS}">
<title>{title}</title>
<rect width="{width}" height="{height}" rx="10" fill="{GROUND}"/>
{}</svg>
"#,
            self.body,
        )
    }
}

/// `M x y L x y ...`
pub(super) fn polyline(points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let _ = write!(d, "{}{} {}", if at == 0 { "M" } else { "L" }, num(*x), num(*y));
    }
    d
}

/// A number with one digit after the point at most.
pub(super) fn num(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

fn painted(paint: Paint) -> String {
    let mut out = format!(r#" fill="{}""#, paint.fill);
    if paint.stroke_width > 0.0 {
        let _ =
            write!(out, r#" stroke="{}" stroke-width="{}""#, paint.stroke, num(paint.stroke_width));
    }
    out
}

/// Text that XML may hold.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            // XML 1.0 has no way to write these.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Font, escaped, num};
    use crate::picture::colours::INK;
    use crate::picture::testing::HOSTILE;

    #[test]
    fn any_text_comes_back_from_xml_but_for_control_characters() {
        let mut canvas = Canvas::default();
        canvas.text(1.0, 2.0, Font::new(12.0, INK), HOSTILE);
        let svg = canvas.finish(10.0, 10.0, HOSTILE);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let text = document.descendants().find(|node| node.has_tag_name("text")).unwrap();
        let expected =
            HOSTILE.replace(['\u{1}', '\u{1b}', '\u{fffe}'], "\u{fffd}").replace('\n', " ");
        assert_eq!(text.text(), Some(expected.as_str()));
    }

    #[test]
    fn nothing_in_a_text_is_left_to_close_an_element() {
        assert_eq!(escaped("</text>&\"'"), "&lt;/text&gt;&amp;&quot;&#39;");
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, -0.04, 12.0, 12.34, 1e6].map(num);
        assert_eq!(texts, ["0", "0", "12", "12.3", "1000000"]);
    }
}
